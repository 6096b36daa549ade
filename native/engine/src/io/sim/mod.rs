//! A disk in memory that keeps apart what reads see from what a power cut leaves, and that can
//! fail any call: the tool for testing what is promised about crashes and errors.
//!
//! A write reaches the disk when its file is synced, a change of names when its directory is.
//! Until then a crash image may contain it, lack it, or contain some of its sectors. Not
//! simulated: reordering of *overlapping* unsynced writes (the page cache settles those), renames
//! between directories, and directories that vanish.

use std::cell::Cell;
use std::io::Result;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, ReentrantMutex};

use super::batch::ImmediateReader;
use super::{BatchReader, File, Io, LockGuard, OpenMode};

mod content;
mod crash;
mod disk;
mod fault;
mod file;
mod inode;
mod names;
mod plan;
mod rng;
#[cfg(test)]
mod tests;

use disk::Disk;
use fault::{CallKind, eio, enospc};
use file::SimFile;
use inode::Inode;

pub use fault::Fault;

/// Called with the disk and the number of the call that is about to be executed.
pub type Hook = Box<dyn FnMut(&SimIo, u64) + Send>;

/// A simulated disk. A clone is another handle of the same disk.
///
/// Every call of [`Io`] and [`File`] has a number, counted from 1 over the whole disk. Two of them
/// are two calls, because a power cut between their halves matters: [`File::write_durable`] and
/// [`File::fill_zero`] are a write and then a sync.
#[derive(Clone)]
pub struct SimIo(Arc<Shared>);

struct Shared {
    disk: Mutex<Disk>,
    /// Held while the hook runs, so that calls of other threads wait for it. Reentrant, as the hook
    /// may use the disk; empty meanwhile, so that it is not called for what it does itself.
    hook: ReentrantMutex<Cell<Option<Hook>>>,
}

impl Default for SimIo {
    fn default() -> Self {
        Self::new()
    }
}

impl SimIo {
    /// An empty disk without a limit worth mentioning.
    #[must_use]
    pub fn new() -> Self {
        Self::of(Disk::new(Default::default(), Default::default(), Default::default()))
    }

    fn of(disk: Disk) -> Self {
        let hook = ReentrantMutex::new(Cell::new(None));
        Self(Arc::new(Shared { disk: Mutex::new(disk), hook }))
    }

    /// How many calls there have been.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.0.disk.lock().calls
    }

    /// Makes call `number` fail, if it is one that `fault` fits.
    pub fn fail_at(&self, number: u64, fault: Fault) {
        self.0.disk.lock().faults.fail_at(number, fault);
    }

    /// Makes call `number` and all later ones fail that change something and that `fault` fits.
    pub fn fail_from(&self, number: u64, fault: Fault) {
        self.0.disk.lock().faults.fail_from(number, fault);
    }

    /// How many calls have met a fault set by [`SimIo::fail_at`] or [`SimIo::fail_from`].
    #[must_use]
    pub fn faults_fired(&self) -> u64 {
        self.0.disk.lock().faults.fired()
    }

    /// Limits the disk to `bytes` of files, counted by their lengths. A write that would go beyond
    /// writes what fits and fails with ENOSPC.
    pub fn disk_full_after(&self, bytes: u64) {
        self.0.disk.lock().capacity = bytes;
    }

    /// Calls `hook` before each call that changes something, until another hook is set. It may use
    /// the disk as it likes; calls it makes itself are numbered but do not call it. Other threads'
    /// changes wait for it.
    pub fn on_call(&self, hook: Hook) {
        self.0.hook.lock().set(Some(hook));
    }

    /// Different disks, at most `max`, each a possible state after a power cut now, freshly powered
    /// on: nothing is unsynced, locked, limited or bound to fail. They share unchanged pages.
    ///
    /// The first has nothing that was not synced, the second everything. Then: each unsynced write
    /// alone, each prefix of them, the last one torn at 512-byte sectors, lengths without their
    /// data, each prefix of a directory's changes, and, from `seed`, random mixtures. If they are
    /// more than `max`, `seed` chooses.
    #[must_use]
    pub fn crash_images(&self, seed: u64, max: usize) -> Vec<SimIo> {
        let images = crash::images(&self.0.disk.lock(), seed, max);
        images.into_iter().map(Self::of).collect()
    }

    /// A copy of what reads see now, as after a clean shutdown.
    #[must_use]
    pub fn snapshot(&self) -> SimIo {
        let disk = self.0.disk.lock().snapshot();
        Self::of(disk)
    }

    /// Inverts the bits of `mask` in the byte at `offset`, on disk and as reads see it, as failing
    /// hardware does: no call, no sync.
    ///
    /// # Errors
    /// `NotFound` without such a file, `UnexpectedEof` when it ends before `offset`.
    pub fn corrupt(&self, path: &Path, offset: u64, mask: u8) -> Result<()> {
        self.0.disk.lock().corrupt(path, offset, mask)
    }

    /// The paths of all files, sorted.
    #[must_use]
    pub fn file_names(&self) -> Vec<PathBuf> {
        self.0.disk.lock().names.current().keys().cloned().collect()
    }

    /// Numbers a call, tells the hook, and then lets it fail or run. The lock is not held while the
    /// hook runs.
    fn call<T>(
        &self,
        kind: CallKind,
        run: impl FnOnce(&mut Disk, Option<Fault>) -> Result<T>,
    ) -> Result<T> {
        let number = {
            let mut disk = self.0.disk.lock();
            disk.calls += 1;
            disk.calls
        };
        if kind.mutates() {
            self.run_hook(number);
        }
        let mut disk = self.0.disk.lock();
        match disk.faults.take(number, kind) {
            Some(Fault::Eio) => Err(eio()),
            Some(Fault::Enospc) => Err(enospc()),
            fault => run(&mut disk, fault),
        }
    }

    fn run_hook(&self, number: u64) {
        let slot = self.0.hook.lock();
        let Some(mut hook) = slot.take() else { return };
        hook(self, number);
        let successor = slot.take();
        slot.set(Some(successor.unwrap_or(hook)));
    }
}

impl Io for SimIo {
    fn name(&self) -> &'static str {
        "sim"
    }

    fn create_dir(&self, dir: &Path) -> Result<()> {
        self.call(CallKind::Names, |disk, _| disk.names.create_dir(dir))
    }

    fn list(&self, dir: &Path) -> Result<Vec<PathBuf>> {
        self.call(CallKind::Query, |disk, _| disk.names.list(dir))
    }

    fn open(&self, path: &Path, mode: OpenMode) -> Result<Arc<dyn File>> {
        let kind = if mode == OpenMode::Create { CallKind::Names } else { CallKind::Query };
        let inode = self.call(kind, |disk, _| {
            let inode = match mode {
                OpenMode::Create => disk.create(path)?,
                OpenMode::Read | OpenMode::Write => disk.names.lookup(path)?,
            };
            disk.opened(inode);
            Ok(inode)
        })?;
        Ok(Arc::new(SimFile::new(self.clone(), inode, mode != OpenMode::Read)))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.call(CallKind::Names, |disk, _| disk.names.rename(from, to))
    }

    fn hard_link(&self, from: &Path, to: &Path) -> Result<()> {
        self.call(CallKind::Names, |disk, _| disk.names.link(from, to))
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.call(CallKind::Names, |disk, _| disk.names.remove(path))
    }

    fn remove_dir(&self, dir: &Path) -> Result<()> {
        self.call(CallKind::Names, |disk, _| disk.names.remove_dir(dir))
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        self.call(CallKind::Sync, |disk, fault| disk.sync_dir(dir, fault))
    }

    fn lock(&self, path: &Path) -> Result<Box<dyn LockGuard>> {
        self.call(CallKind::Names, |disk, _| disk.lock(path))?;
        Ok(Box::new(SimLock { io: self.clone(), path: path.to_path_buf() }))
    }

    fn free_space(&self, _dir: &Path) -> Result<u64> {
        self.call(CallKind::Query, |disk, _| Ok(disk.free()))
    }

    /// Its reads are calls like any other, made by the thread that submits them.
    fn reader(&self, depth: usize) -> Result<Box<dyn BatchReader>> {
        Ok(Box::new(ImmediateReader::new(depth)))
    }
}

/// Holds one of the disk's locks.
struct SimLock {
    io: SimIo,
    path: PathBuf,
}

impl LockGuard for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.io.0.disk.lock().unlock(&self.path);
    }
}
