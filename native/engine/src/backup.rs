//! A copy of a store that is open: its state at one moment, in another directory.
//!
//! What is sealed is never written again, so a second name for the same file (a hard link) is a copy
//! that costs nothing. The last segment of the log is always copied, up to the durable position: the
//! store goes on writing to it, and whoever opens the backup will write to the backup's. A hint that
//! is appended to a linked file later, by either, lies behind what counts, and says the same.
//!
//! The manifest gets its name last. A directory with segments and without a manifest is refused when
//! it is opened, so what a crash leaves of a backup never passes for one.

use std::io::{ErrorKind, Result as IoResult};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use crate::Lsn;
use crate::core::Core;
use crate::io::{File, Io, OpenMode};
use crate::log::files::{CHECKPOINT_PREFIX, LIST};
use crate::log::{Files, Log, SegmentState};
use crate::record::frame::BLOCK;
use crate::record::segments_file::SegmentsFile;
use crate::recovery::{MANIFEST_FILE, NEW_MANIFEST_FILE};

/// Bytes copied at once, and between two syncs: a sync of the log waits for these at most.
const PIECE: u64 = 1 << 20;
const SYNC_EVERY: u64 = 16 << 20;

/// Called once with what a backup has done, or why it has not.
pub type BackupDone = Box<dyn FnOnce(Result<BackupSummary, String>) + Send>;

/// A backup that is complete and durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackupSummary {
    /// Its directory.
    pub path: PathBuf,
    /// Position in the log up to which it has everything, at least.
    pub position: Lsn,
    /// Files.
    pub files: u64,
    /// Bytes of these that are shared with the store, by hard links.
    pub linked_bytes: u64,
    /// Bytes that were copied.
    pub copied_bytes: u64,
    /// How long it took.
    pub elapsed: Duration,
}

/// A backup under way.
pub(crate) struct Backup {
    core: Arc<Core>,
    files: Arc<Files>,
    path: PathBuf,
    /// Files made so far.
    names: Vec<PathBuf>,
    /// The directory was made for it.
    made: bool,
    summary: BackupSummary,
}

/// A file that could not be linked, or must not be.
struct Copy {
    file: Arc<dyn File>,
    to: PathBuf,
    /// Bytes that are copied, and the length of the copy.
    bytes: u64,
    len: u64,
}

impl Backup {
    pub(crate) fn new(core: Arc<Core>, files: Arc<Files>, path: PathBuf) -> Backup {
        let summary = BackupSummary { path: path.clone(), ..BackupSummary::default() };
        Backup { core, files, path, names: Vec::new(), made: false, summary }
    }

    /// Does it.
    ///
    /// # Errors
    /// Says what went wrong; then nothing is left behind, as far as that is possible.
    pub(crate) fn run(mut self) -> Result<BackupSummary, String> {
        let started = Instant::now();
        self.prepare()?;
        if let Err(error) = self.fill() {
            self.discard();
            return Err(error);
        }
        self.summary.files = self.names.len() as u64;
        self.summary.elapsed = started.elapsed();
        Ok(self.summary)
    }

    fn io(&self) -> &dyn Io {
        &*self.files.io
    }

    /// Makes the directory unless it is there and empty.
    fn prepare(&mut self) -> Result<(), String> {
        let shown = self.path.display().to_string();
        if !self.path.is_absolute() {
            return Err(format!("{shown}: a backup's path must be absolute"));
        }
        if self.path.starts_with(&self.files.dir) {
            return Err(format!("{shown}: a backup cannot be inside its store"));
        }
        let parent = self.path.parent().ok_or_else(|| format!("{shown}: not a usable path"))?;
        let io = &*self.files.io;
        match io.list(&self.path) {
            Ok(files) if files.is_empty() => return Ok(()),
            Ok(_) => return Err(format!("{shown}: the directory is not empty")),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(format!("{shown}: {error}")),
        }
        io.list(parent).map_err(|error| format!("{}: {error}", parent.display()))?;
        io.create_dir(&self.path).map_err(|error| format!("{shown}: {error}"))?;
        self.made = true;
        Ok(())
    }

    fn fill(&mut self) -> Result<(), String> {
        wait_durable(&self.core.log)?;
        let failed = |error: std::io::Error| format!("writing the backup: {error}");
        let copies = self.take_hold().map_err(failed)?;
        for copy in copies {
            self.copy(&copy)?;
        }
        let io = &*self.files.io;
        io.sync_dir(&self.path).map_err(failed)?;
        let (unfinished, manifest) =
            (self.path.join(NEW_MANIFEST_FILE), self.path.join(MANIFEST_FILE));
        io.rename(&unfinished, &manifest).map_err(failed)?;
        self.names.push(manifest);
        self.names.retain(|name| *name != unfinished);
        io.sync_dir(&self.path).map_err(failed)
    }

    /// Links what can be linked, and opens what must be copied. No file of the store goes
    /// meanwhile; those that are open can be read for as long as it takes.
    fn take_hold(&mut self) -> IoResult<Vec<Copy>> {
        let core = Arc::clone(&self.core);
        let files = Arc::clone(&self.files);
        let _layout = core.layout.lock();
        let mut copies = Vec::new();
        let (segments, last_in_log) = self.segments()?;
        // After the list: all but the last segment of the log are complete, and what is durable of
        // that one is of a moment not before.
        let position = core.log.durable();
        self.summary.position = position;
        for state in &segments {
            let Some(file) = core.log.segments.file(state.number) else { continue };
            let from = files.path_of(state.number);
            let covered = u64::from(state.span) * core.log.segments.size();
            if last_in_log == Some(state.number) {
                let start = core.log.segments.start(state.number);
                let to = self.path.join(from.file_name().unwrap_or_default());
                let len = file.len()?.min(covered);
                let bytes = position.saturating_sub(start).clamp(BLOCK, len.max(BLOCK));
                copies.push(Copy { file, to, bytes, len });
            } else {
                // A hint is complete once there is a summary.
                let complete = state.summary.map_or(covered, |_| u64::MAX);
                self.link_or_copy(&from, file, complete, &mut copies)?;
            }
        }
        for name in self.other_files()? {
            let from = files.dir.join(&name);
            let file = files.io.open(&from, OpenMode::Read)?;
            let name = if name == MANIFEST_FILE { NEW_MANIFEST_FILE } else { &name };
            let (to, len) = (self.path.join(name), file.len()?);
            copies.push(Copy { file, to, bytes: len, len });
        }
        Ok(copies)
    }

    /// The segments that the store consists of now, by its list and what came after it, and which of
    /// them is the last one of the log.
    fn segments(&self) -> IoResult<(Vec<SegmentState>, Option<u64>)> {
        let list = self.list()?;
        let belongs = |state: &SegmentState| match &list {
            Some(list) => {
                let listed = list.segments.iter().any(|listed| listed.number == state.number);
                listed || self.is_in_log(state.number) && state.number >= list.log_next
            }
            None => true,
        };
        let states = self.core.log.segments.states().into_iter();
        let states: Vec<SegmentState> =
            states.filter(|state| state.has_file && belongs(state)).collect();
        let in_log = states.iter().filter(|state| self.is_in_log(state.number));
        let last = in_log.map(|state| state.number).max();
        Ok((states, last))
    }

    fn is_in_log(&self, number: u64) -> bool {
        crate::address::is_in_log(self.core.log.segments.start(number))
    }

    fn list(&self) -> IoResult<Option<SegmentsFile>> {
        let file = match self.io().open(&self.files.list_path(), OpenMode::Read) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut bytes = vec![0; file.len()? as usize];
        file.read_exact_at(&mut bytes, 0)?;
        SegmentsFile::decode(&bytes).map(Some).map_err(std::io::Error::other)
    }

    /// Names of what is not a segment: the checkpoints that the list names, the list, the manifest.
    fn other_files(&self) -> IoResult<Vec<String>> {
        let mut names = Vec::new();
        if let Some(list) = self.list()? {
            let ids = [list.newest, list.older];
            let checkpoint = |id: &u64| format!("{CHECKPOINT_PREFIX}{id:012x}");
            names.extend(ids.iter().filter(|id| **id != 0).map(checkpoint));
            names.push(LIST.to_owned());
        }
        names.push(MANIFEST_FILE.to_owned());
        Ok(names)
    }

    fn link_or_copy(
        &mut self,
        from: &Path,
        file: Arc<dyn File>,
        most: u64,
        copies: &mut Vec<Copy>,
    ) -> IoResult<()> {
        let to = self.path.join(from.file_name().unwrap_or_default());
        let len = file.len()?;
        match self.files.io.hard_link(from, &to) {
            Ok(()) => {
                self.names.push(to);
                self.summary.linked_bytes += len;
            }
            // Another file system, one without links, or too many links: whatever it is, a copy
            // fails for a reason of its own if that is not possible either.
            Err(_) => {
                let len = len.min(most);
                copies.push(Copy { file, to, bytes: len, len });
            }
        }
        Ok(())
    }

    fn copy(&mut self, copy: &Copy) -> Result<(), String> {
        let failed = |error: std::io::Error| format!("{}: {error}", copy.to.display());
        let to = self.files.io.open(&copy.to, OpenMode::Create).map_err(failed)?;
        self.names.push(copy.to.clone());
        let mut buffer = vec![0; PIECE.min(copy.bytes) as usize];
        let mut at = 0;
        while at < copy.bytes {
            if self.core.stopped.load(Ordering::Relaxed) {
                return Err("the store is being closed".into());
            }
            let piece = &mut buffer[..PIECE.min(copy.bytes - at) as usize];
            copy.file.read_exact_at(piece, at).map_err(failed)?;
            to.write_all_at(piece, at).map_err(failed)?;
            at += piece.len() as u64;
            if at.is_multiple_of(SYNC_EVERY) {
                to.sync_data().map_err(failed)?;
            }
        }
        if copy.len > copy.bytes {
            // As the store's own segment: room for what is written when the backup is in use.
            to.allocate(copy.len).map_err(failed)?;
        }
        to.sync_data().map_err(failed)?;
        self.summary.copied_bytes += copy.bytes;
        Ok(())
    }

    /// Removes what there is, the manifest first.
    fn discard(&self) {
        let io = self.io();
        for name in self.names.iter().rev() {
            drop(io.remove(name));
        }
        if self.made {
            drop(io.remove_dir(&self.path));
        } else {
            drop(io.sync_dir(&self.path));
        }
    }
}

/// Returns when everything written so far survives a crash.
fn wait_durable(log: &Log) -> Result<(), String> {
    let written = log.written();
    let (sender, receiver) = channel();
    let waiter = Box::new(move |outcome: Result<Lsn, _>| drop(sender.send(outcome.map(drop))));
    if log.wait_durable(written, waiter).is_none() {
        // The waiter is always called; were it lost, the channel would say so.
        let _ = receiver.recv();
    }
    match log.failure() {
        _ if log.durable() >= written => Ok(()),
        Some(failure) => Err(failure.0.clone()),
        None => Err("the log has failed".into()),
    }
}
