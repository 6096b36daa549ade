//! The segment files of a data directory.

use std::io::{ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use parking_lot::Mutex;

use crate::address::{MERGED, Region, position, region};
use crate::io::{File, Io, OpenMode};
use crate::record::segment_header::SegmentHeader;

/// A zero-filled file that waits to become the next segment.
pub(crate) const SPARE: &str = "spare";
/// Files that are being made, without a meaning yet.
pub(crate) const UNFINISHED: &str = "spare.new";
pub(crate) const NEW_SEGMENT: &str = "segment.new";
pub(crate) const NEW_MERGED: &str = "merged.new";
pub(crate) const NEW_CHECKPOINT: &str = "checkpoint.new";
pub(crate) const NEW_LIST: &str = "SEGMENTS.new";
pub(crate) const PREFIX: &str = "segment-";
pub(crate) const MERGED_PREFIX: &str = "merged-";
pub(crate) const CHECKPOINT_PREFIX: &str = "checkpoint-";
/// The list of the store's segments.
pub(crate) const LIST: &str = "SEGMENTS";

/// This part of the store's size, a segment at most, is kept free for merging.
const RESERVE_SHARE: u64 = 8;

/// Bytes of the spare file that are written and synced in one go.
const SPARE_PIECE: u64 = 4 << 20;

/// What the name `SPARE` stands for: nothing, a file that may be taken, or one that was taken and
/// still has that name. Only then may the next one get the name.
const NONE: u8 = 0;
const READY: u8 = 1;
const TAKEN: u8 = 2;

/// Name of a segment's file.
pub(crate) fn segment_path(dir: &Path, id: u64) -> PathBuf {
    dir.join(format!("{PREFIX}{id:012x}"))
}

/// Name of a merged segment's file.
pub(crate) fn merged_path(dir: &Path, id: u64) -> PathBuf {
    dir.join(format!("{MERGED_PREFIX}{id:012x}"))
}

/// The files of a store that mean something, by their numbers, ascending.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// Ids of log segments.
    pub log: Vec<u64>,
    /// Ids of merged segments.
    pub merged: Vec<u64>,
    /// Ids of checkpoints.
    pub checkpoints: Vec<u64>,
    /// Whether there is a list of segments.
    pub list: bool,
}

/// Makes and finds segment files.
pub(crate) struct Files {
    pub io: Arc<dyn Io>,
    pub dir: PathBuf,
    pub log_id: u64,
    pub shift: u32,
    spare: AtomicU8,
    unfinished: Mutex<Option<Unfinished>>,
}

/// A spare file that is being filled with zeros.
struct Unfinished {
    file: Arc<dyn File>,
    /// Bytes written and synced.
    filled: u64,
}

impl Files {
    pub(crate) fn new(io: Arc<dyn Io>, dir: PathBuf, log_id: u64, shift: u32) -> Files {
        let (spare, unfinished) = (AtomicU8::new(NONE), Mutex::default());
        Files { io, dir, log_id, shift, spare, unfinished }
    }

    /// What is in the directory.
    pub(crate) fn listing(&self) -> Result<Listing> {
        let mut listing = Listing::default();
        for path in self.io.list(&self.dir)? {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            let Listing { log, merged, checkpoints, list } = &mut listing;
            *list |= name == LIST;
            let kinds = [(PREFIX, log), (MERGED_PREFIX, merged), (CHECKPOINT_PREFIX, checkpoints)];
            for (prefix, ids) in kinds {
                let hex = name.strip_prefix(prefix);
                ids.extend(hex.and_then(|hex| u64::from_str_radix(hex, 16).ok()));
            }
        }
        let Listing { log, merged, checkpoints, .. } = &mut listing;
        [log, merged, checkpoints].into_iter().for_each(|ids| ids.sort_unstable());
        Ok(listing)
    }

    /// Removes what an earlier run left unfinished.
    pub(crate) fn remove_leftovers(&self) -> Result<()> {
        [SPARE, UNFINISHED, NEW_SEGMENT, NEW_MERGED, NEW_CHECKPOINT, NEW_LIST]
            .iter()
            .try_for_each(|name| self.remove_if_there(&self.dir.join(name)))
    }

    /// Makes a piece of the spare file if there is none; called ahead of need, now and then. Piece
    /// by piece, so that syncs of the log in between wait for a piece at most. False while there is
    /// more to do.
    pub(crate) fn prepare_spare(&self, store_bytes: u64) -> Result<bool> {
        let Some(mut unfinished) = self.unfinished.try_lock() else { return Ok(true) };
        if self.spare.load(Ordering::Acquire) != NONE {
            return Ok(true);
        }
        if unfinished.is_none() && !self.has_room(store_bytes) {
            return Err(ErrorKind::StorageFull.into());
        }
        let path = self.dir.join(UNFINISHED);
        let outcome = self.fill_piece(&path, &mut unfinished);
        if outcome.is_err() {
            // A disk that is full needs the room for writes. The first error says more than one here.
            *unfinished = None;
            drop(self.io.remove(&path));
        }
        outcome
    }

    /// Adds a piece to the unfinished file, and makes it the spare when it is whole.
    fn fill_piece(&self, path: &Path, unfinished: &mut Option<Unfinished>) -> Result<bool> {
        let size = 1u64 << self.shift;
        let file = match unfinished.take() {
            Some(unfinished) => unfinished,
            None => {
                self.remove_if_there(path)?;
                Unfinished { file: self.io.open(path, OpenMode::Create)?, filled: 0 }
            }
        };
        let piece = (size - file.filled).min(SPARE_PIECE);
        file.file.write_all_at(&vec![0; piece as usize], file.filled)?;
        file.file.sync_data()?;
        let filled = file.filled + piece;
        if filled < size {
            *unfinished = Some(Unfinished { filled, ..file });
            return Ok(false);
        }
        self.io.rename(path, &self.dir.join(SPARE))?;
        self.spare.store(READY, Ordering::Release);
        Ok(true)
    }

    /// Takes the spare file, if there is one. It keeps its name until the
    /// caller gives it another one and says so.
    fn take_spare(&self) -> bool {
        self.spare.compare_exchange(READY, TAKEN, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// A new file whose room is taken. One that does not fit leaves nothing behind.
    fn allocate(&self, path: &Path, len: u64) -> Result<Arc<dyn File>> {
        self.remove_if_there(path)?;
        let made = self.io.open(path, OpenMode::Create).and_then(|file| {
            file.allocate(len)?;
            Ok(file)
        });
        if made.is_err() {
            drop(self.io.remove(path));
        }
        made
    }

    /// Removes a file; fine if it is not there.
    pub(crate) fn remove_if_there(&self, path: &Path) -> Result<()> {
        match self.io.remove(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether a segment of the log can be made and some room is left then for what makes room:
    /// merging writes before it removes.
    pub(crate) fn has_room(&self, store_bytes: u64) -> bool {
        let size = 1u64 << self.shift;
        let reserve = size.min(store_bytes / RESERVE_SHARE);
        self.spare.load(Ordering::Acquire) == READY
            || self.io.free_space(&self.dir).is_ok_and(|free| free >= size + reserve)
    }

    /// Makes the file of a new segment, with its header, and makes its name durable. Until the
    /// name stands the file has no meaning, so that a crash leaves no half-made segment. Its room on
    /// disk is taken at once: writing to it cannot find the disk full.
    ///
    /// # Errors
    /// `StorageFull` when there is no room; then nothing has happened, and it may be tried again.
    pub(crate) fn create_segment(
        &self,
        id: u64,
        span: u32,
        previous_end: u64,
    ) -> Result<Arc<dyn File>> {
        let spare = span == 1 && self.take_spare();
        let from = self.dir.join(if spare { SPARE } else { NEW_SEGMENT });
        let file = if spare {
            self.io.open(&from, OpenMode::Write)?
        } else {
            self.allocate(&from, u64::from(span) << self.shift)?
        };
        let (log_id, shift, region) = (self.log_id, self.shift, Region::Log);
        let header = SegmentHeader { log_id, id, span, shift, previous_end, region };
        file.write_durable(&header.encode(), 0)?;
        self.io.rename(&from, &segment_path(&self.dir, id))?;
        if spare {
            self.spare.store(NONE, Ordering::Release);
        }
        self.io.sync_dir(&self.dir)?;
        Ok(file)
    }

    /// Makes the file of a merged segment, with its header. It has no meaning, and no lasting name,
    /// before [`Files::name_merged`].
    pub(crate) fn create_merged(&self, id: u64, span: u32) -> Result<Arc<dyn File>> {
        let path = self.dir.join(NEW_MERGED);
        self.remove_if_there(&path)?;
        let file = self.io.open(&path, OpenMode::Create)?;
        let (log_id, shift, region) = (self.log_id, self.shift, Region::Merged);
        let header = SegmentHeader { log_id, id, span, shift, previous_end: 0, region };
        file.write_all_at(&header.encode(), 0)?;
        Ok(file)
    }

    /// Gives the merged segment that was made last, complete and synced, its name, durably.
    pub(crate) fn name_merged(&self, id: u64) -> Result<()> {
        self.io.rename(&self.dir.join(NEW_MERGED), &merged_path(&self.dir, id))?;
        self.io.sync_dir(&self.dir)
    }

    /// Removes a merged segment that is not finished, or not wanted.
    pub(crate) fn discard_merged(&self, id: u64) -> Result<()> {
        self.remove_if_there(&self.dir.join(NEW_MERGED))?;
        self.remove_if_there(&merged_path(&self.dir, id))
    }

    /// Path of the segment with this number.
    pub(crate) fn path_of(&self, number: u64) -> PathBuf {
        let start = number << self.shift;
        let id = position(start) >> self.shift;
        match region(start) {
            Region::Log => segment_path(&self.dir, id),
            Region::Merged | Region::Cache | Region::Chain => merged_path(&self.dir, id),
        }
    }

    /// Number of the merged segment with this id.
    pub(crate) fn merged_number(&self, id: u64) -> u64 {
        MERGED >> self.shift | id
    }

    /// Removes the files of segments that the store no longer consists of.
    pub(crate) fn remove_segments(&self, numbers: &[u64]) -> Result<()> {
        numbers.iter().try_for_each(|&number| self.remove_if_there(&self.path_of(number)))?;
        self.io.sync_dir(&self.dir)
    }

    /// Path of a checkpoint.
    pub(crate) fn checkpoint_path(&self, id: u64) -> PathBuf {
        self.dir.join(format!("{CHECKPOINT_PREFIX}{id:012x}"))
    }

    /// Path of the list of segments.
    pub(crate) fn list_path(&self) -> PathBuf {
        self.dir.join(LIST)
    }

    /// Makes an empty file that will become a checkpoint; it has no meaning before
    /// [`Files::name_checkpoint`].
    pub(crate) fn create_checkpoint(&self) -> Result<Arc<dyn File>> {
        let path = self.dir.join(NEW_CHECKPOINT);
        self.remove_if_there(&path)?;
        self.io.open(&path, OpenMode::Create)
    }

    /// Gives the checkpoint that was made last, complete and synced, its name, durably.
    pub(crate) fn name_checkpoint(&self, id: u64) -> Result<()> {
        self.io.rename(&self.dir.join(NEW_CHECKPOINT), &self.checkpoint_path(id))?;
        self.io.sync_dir(&self.dir)
    }

    /// Removes what is there of a checkpoint that failed: a full disk needs the room.
    pub(crate) fn discard_checkpoint(&self) {
        // The failure that led here says more than one here would.
        drop(self.remove_if_there(&self.dir.join(NEW_CHECKPOINT)));
    }

    /// Replaces the list of segments, durably.
    pub(crate) fn replace_list(&self, bytes: &[u8]) -> Result<()> {
        let path = self.dir.join(NEW_LIST);
        self.remove_if_there(&path)?;
        self.io.open(&path, OpenMode::Create)?.write_durable(bytes, 0)?;
        self.io.rename(&path, &self.list_path())?;
        self.io.sync_dir(&self.dir)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::sim::SimIo;

    #[test]
    fn a_spare_file_that_is_being_taken_is_not_replaced() {
        let (io, dir) = (SimIo::new(), Path::new("/d"));
        io.create_dir(dir).unwrap();
        let files = Arc::new(Files::new(Arc::new(io.clone()), dir.into(), 7, 16));
        files.prepare_spare(0).unwrap();
        // The background thread gets in before each step of the committer.
        let background = Arc::clone(&files);
        io.on_call(Box::new(move |_, _| assert!(background.prepare_spare(0).unwrap())));
        for id in 0..3 {
            files.create_segment(id, 1, 0).unwrap();
            let file = io.open(&segment_path(dir, id), OpenMode::Read).unwrap();
            let header = file.map(4096).unwrap();
            assert_eq!(SegmentHeader::decode(&header).map(|header| header.id), Ok(id));
        }
        io.on_call(Box::new(|_, _| {}));
    }

    #[test]
    fn a_spare_that_does_not_fit_takes_no_room() {
        let (io, dir) = (SimIo::new(), Path::new("/d"));
        io.create_dir(dir).unwrap();
        io.disk_full_after(50_000);
        let files = Files::new(Arc::new(io.clone()), dir.into(), 7, 16);
        assert!(files.prepare_spare(0).is_err());
        io.sync_dir(dir).unwrap();
        assert_eq!(io.free_space(dir).unwrap(), 50_000);
    }
}
