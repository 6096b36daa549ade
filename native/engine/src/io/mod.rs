//! The only place that touches files.
//!
//! Everything above works against [`Io`] and [`File`], so that the same log writer, recovery and
//! merge run on the kernel (`posix`, `uring`) and on a simulated disk (`sim`) which drops, tears
//! and reorders what was not synced and can fail the n-th call.

use std::io::Result;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

mod batch;
#[cfg(test)]
mod conformance;
mod mapping;
mod posix;
mod probe;
pub mod sim;
mod uring;

pub use batch::{BatchReader, Read, Waker};
#[cfg(test)]
pub(crate) use conformance::TempDir;
pub use mapping::Mapping;
pub use posix::PosixIo;
pub use probe::{Backend, UnknownBackend, open_backend};
pub use uring::UringIo;

/// How [`Io::open`] opens a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// Existing file, reads only.
    Read,
    /// Existing file, reads and writes.
    Write,
    /// New file; it is an error if the name exists.
    Create,
}

/// A directory tree: names, and the files behind them.
///
/// A name that was created, renamed or removed survives a crash only after [`Io::sync_dir`] of its
/// directory.
pub trait Io: Send + Sync + 'static {
    /// The back end's name as shown to operators: `io_uring`, `posix` or `sim`.
    fn name(&self) -> &'static str;

    /// Creates a directory and its parents; fine if it is there.
    fn create_dir(&self, dir: &Path) -> Result<()>;

    /// Paths of the files in `dir`, in no particular order.
    fn list(&self, dir: &Path) -> Result<Vec<PathBuf>>;

    /// Opens or creates a file.
    fn open(&self, path: &Path, mode: OpenMode) -> Result<Arc<dyn File>>;

    /// Atomically gives `from` the name `to`, replacing what had that name. Nothing happens when
    /// both are names of one file.
    fn rename(&self, from: &Path, to: &Path) -> Result<()>;

    /// Gives the file `from` the further name `to`, atomically.
    ///
    /// # Errors
    /// `AlreadyExists` when the name `to` is taken, `NotFound` without `from`.
    fn hard_link(&self, from: &Path, to: &Path) -> Result<()>;

    /// Removes a name. Open files and mappings of it stay usable.
    fn remove(&self, path: &Path) -> Result<()>;

    /// Removes an empty directory.
    ///
    /// # Errors
    /// `DirectoryNotEmpty`, or `NotFound`.
    fn remove_dir(&self, dir: &Path) -> Result<()>;

    /// Makes the names in `dir` durable.
    fn sync_dir(&self, dir: &Path) -> Result<()>;

    /// Takes the exclusive lock on `path` (created if missing), held until the guard drops.
    ///
    /// # Errors
    /// `WouldBlock` when another process (or another guard of this one) holds it.
    fn lock(&self, path: &Path) -> Result<Box<dyn LockGuard>>;

    /// Bytes that an unprivileged writer could still allocate below `dir`.
    fn free_space(&self, dir: &Path) -> Result<u64>;

    /// A reader that has up to `depth` reads in flight (at least 1; there is an upper limit).
    ///
    /// # Errors
    /// The system refuses a resource: a thread, descriptors, memory.
    fn reader(&self, depth: usize) -> Result<Box<dyn BatchReader>>;
}

/// Holds a lock taken by [`Io::lock`]; dropping it releases the lock.
pub trait LockGuard: Send + Sync {}

/// One open file. All offsets and lengths are bytes. Short transfers and `EINTR` are dealt with
/// below this trait: an `Ok` means the whole transfer happened.
pub trait File: Send + Sync {
    /// Current length.
    fn len(&self) -> Result<u64>;

    /// True when the length is zero.
    fn is_empty(&self) -> Result<bool> {
        Ok(self.len()? == 0)
    }

    /// Fills `buf` from `offset`.
    ///
    /// # Errors
    /// `UnexpectedEof` when the file ends inside the range.
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> Result<()>;

    /// Writes all of `buf` at `offset`; durable only after [`File::sync_data`].
    fn write_all_at(&self, buf: &[u8], offset: u64) -> Result<()>;

    /// Writes all of `buf` at `offset` and returns once it is on stable storage, together with
    /// every earlier write to this file that had returned.
    fn write_durable(&self, buf: &[u8], offset: u64) -> Result<()>;

    /// Makes all earlier writes to this file durable, and what of the metadata is needed to read
    /// them back (fdatasync).
    fn sync_data(&self) -> Result<()>;

    /// Makes the file `len` bytes long with every byte *written* as zero, durably, so that later
    /// writes inside that range need no metadata update when they are synced.
    fn fill_zero(&self, len: u64) -> Result<()>;

    /// Makes the file at least `len` bytes long, what is added being zeros, and reserves the disk
    /// space of all of it, so that later writes inside do not fail for lack of room. Durable only
    /// after [`File::sync_data`]. When it fails, the length is as before.
    ///
    /// Reserved space is cheap, but unlike after [`File::fill_zero`] the first write to each part of
    /// it changes metadata. On a file system that never writes in place no reservation is certain.
    ///
    /// # Errors
    /// `StorageFull` when there is not enough room.
    fn allocate(&self, len: u64) -> Result<()>;

    /// Maps the first `len` bytes for reading and brings them into memory.
    ///
    /// The caller promises that bytes it reads through the mapping are not written any more and
    /// that the file is never truncated.
    fn map(&self, len: u64) -> Result<Mapping>;

    /// As [`File::map`], but nothing is read before it is touched, or [`Mapping::lock`] is called.
    fn map_lazily(&self, len: u64) -> Result<Mapping>;

    /// The file as the kernel knows it; `None` for a simulated one.
    fn descriptors(&self) -> Option<Descriptors<'_>>;
}

/// An open file's descriptors, both of which can be read.
#[derive(Clone, Copy, Debug)]
pub struct Descriptors<'a> {
    /// Goes through the page cache.
    pub buffered: BorrowedFd<'a>,
    /// Goes past it (O_DIRECT), where the file system allows that.
    pub direct: Option<BorrowedFd<'a>>,
}
