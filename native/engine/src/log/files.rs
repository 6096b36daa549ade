//! The segment files of a data directory.

use std::io::{ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::io::{File, Io, OpenMode};
use crate::record::segment_header::SegmentHeader;

/// A zero-filled file that waits to become the next segment.
const SPARE: &str = "spare";
/// A file that is being made, without a meaning yet.
const UNFINISHED: &str = "spare.new";
const PREFIX: &str = "segment-";

/// Name of a segment's file.
pub(crate) fn segment_path(dir: &Path, id: u64) -> PathBuf {
    dir.join(format!("{PREFIX}{id:012x}"))
}

/// Makes and finds segment files.
pub(crate) struct Files {
    pub io: Arc<dyn Io>,
    pub dir: PathBuf,
    pub log_id: u64,
    pub shift: u32,
    spare_ready: AtomicBool,
}

impl Files {
    pub(crate) fn new(io: Arc<dyn Io>, dir: PathBuf, log_id: u64, shift: u32) -> Files {
        Files { io, dir, log_id, shift, spare_ready: AtomicBool::new(false) }
    }

    /// Ids of the segment files present, ascending.
    pub(crate) fn segment_ids(&self) -> Result<Vec<u64>> {
        let mut ids: Vec<u64> = self
            .io
            .list(&self.dir)?
            .iter()
            .filter_map(|path| path.file_name()?.to_str()?.strip_prefix(PREFIX))
            .filter_map(|hex| u64::from_str_radix(hex, 16).ok())
            .collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// Removes what an earlier run left unfinished.
    pub(crate) fn remove_leftovers(&self) -> Result<()> {
        for name in [SPARE, UNFINISHED] {
            match self.io.remove(&self.dir.join(name)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Makes the spare file if there is none. Called ahead of need: filling it takes a while.
    pub(crate) fn prepare_spare(&self) -> Result<()> {
        if self.spare_ready.load(Ordering::Acquire) {
            return Ok(());
        }
        let path = self.dir.join(UNFINISHED);
        match self.io.remove(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.io.open(&path, OpenMode::Create)?.fill_zero(1 << self.shift)?;
        self.io.rename(&path, &self.dir.join(SPARE))?;
        self.spare_ready.store(true, Ordering::Release);
        Ok(())
    }

    /// Makes the file of a new segment, with its header, and makes its name durable. Until the
    /// name stands the file has no meaning, so that a crash leaves no half-made segment.
    pub(crate) fn create_segment(&self, id: u64, span: u32, previous_end: u64) -> Result<Arc<dyn File>> {
        let spare = span == 1 && self.spare_ready.swap(false, Ordering::AcqRel);
        let from = self.dir.join(if spare { SPARE } else { "segment.new" });
        let file = if spare {
            self.io.open(&from, OpenMode::Write)?
        } else {
            match self.io.remove(&from) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            self.io.open(&from, OpenMode::Create)?
        };
        let header =
            SegmentHeader { log_id: self.log_id, id, span, shift: self.shift, previous_end };
        file.write_durable(&header.encode(), 0)?;
        self.io.rename(&from, &segment_path(&self.dir, id))?;
        self.io.sync_dir(&self.dir)?;
        Ok(file)
    }
}
