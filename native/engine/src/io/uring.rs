//! The io_uring back end: a durable write is one submission instead of two system calls.
//!
//! Aligned writes, which all of a log's frames are, go past the page cache (O_DIRECT) where the
//! file system allows it: the kernel then starts them at once, while it hands a buffered write that
//! is to be durable to a worker thread first. Everything that is not on the commit path is the
//! posix back end's.

use std::fs;
use std::io::Result;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use super::posix::{PosixFile, write_fully};
use super::{BatchReader, Descriptors, File, Io, LockGuard, Mapping, OpenMode, PosixIo};

mod flight;
mod memory;
mod reader;
mod registered;
mod ring;
mod unsynced;

use reader::UringReader;
use ring::Ring;
use unsynced::{FileId, Unsynced};

/// Memory, offset and length of a direct write have to be multiples of the device's block size;
/// none is larger than this.
const DIRECT_ALIGNMENT: u64 = 4096;

/// Files whose durable writes and syncs go through one io_uring.
///
/// The ring serves one operation at a time and is meant for one committer thread. A thread that
/// finds it in use does the same by ordinary system calls, so that nobody waits for another's sync.
pub struct UringIo {
    shared: Arc<Shared>,
}

struct Shared {
    ring: Ring,
    unsynced: Unsynced,
}

impl UringIo {
    /// Creates the ring and tries it.
    ///
    /// # Errors
    /// The step that failed (creating the ring, asking for its operations, a missing operation, a
    /// no-op through the ring), with the error kind of its cause.
    pub fn new() -> Result<Self> {
        let shared = Shared { ring: Ring::open()?, unsynced: Unsynced::default() };
        Ok(Self { shared: Arc::new(shared) })
    }

    fn open_file(&self, path: &Path, mode: OpenMode) -> Result<UringFile> {
        let posix = PosixIo.open_file(path, mode)?;
        let metadata = posix.as_std().metadata()?;
        let id = FileId { device: metadata.dev(), inode: metadata.ino() };
        if mode != OpenMode::Read {
            // Whoever had this file before may have left writes without a sync.
            self.shared.unsynced.mark(id);
        }
        let shared = self.shared.clone();
        let direct = match mode {
            // Most files that are only read never meet a batch reader.
            OpenMode::Read => OnceLock::new(),
            OpenMode::Write | OpenMode::Create => OnceLock::from(open_direct(path, true)),
        };
        Ok(UringFile { posix, direct, id, shared, dsync: AtomicBool::new(true) })
    }
}

impl Io for UringIo {
    fn name(&self) -> &'static str {
        "io_uring"
    }

    fn create_dir(&self, dir: &Path) -> Result<()> {
        PosixIo.create_dir(dir)
    }

    fn list(&self, dir: &Path) -> Result<Vec<PathBuf>> {
        PosixIo.list(dir)
    }

    fn open(&self, path: &Path, mode: OpenMode) -> Result<Arc<dyn File>> {
        Ok(Arc::new(self.open_file(path, mode)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        PosixIo.rename(from, to)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> Result<()> {
        PosixIo.hard_link(from, to)
    }

    fn remove(&self, path: &Path) -> Result<()> {
        PosixIo.remove(path)
    }

    fn remove_dir(&self, dir: &Path) -> Result<()> {
        PosixIo.remove_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        PosixIo.sync_dir(dir)
    }

    fn lock(&self, path: &Path) -> Result<Box<dyn LockGuard>> {
        PosixIo.lock(path)
    }

    fn free_space(&self, dir: &Path) -> Result<u64> {
        PosixIo.free_space(dir)
    }

    fn reader(&self, depth: usize) -> Result<Box<dyn BatchReader>> {
        match UringReader::open(depth) {
            Ok(reader) => Ok(Box::new(reader)),
            // A further ring may need what the first one did not: memory, or a newer kernel.
            Err(_) => PosixIo.reader(depth),
        }
    }
}

/// The file once more, for direct writes; `None` where the file system has none.
fn open_direct(path: &Path, write: bool) -> Option<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(write).custom_flags(libc::O_DIRECT).open(path).ok()
}

struct UringFile {
    posix: PosixFile,
    /// The same file opened with O_DIRECT, if that is possible; not tried yet where it is empty.
    direct: OnceLock<Option<fs::File>>,
    id: FileId,
    shared: Arc<Shared>,
    /// False once the file system has refused RWF_DSYNC.
    dsync: AtomicBool,
}

impl UringFile {
    /// The file for direct reads.
    fn direct(&self) -> Option<&fs::File> {
        let open = || {
            // The file may have another name by now, or none, so it is found by its descriptor.
            let path = format!("/proc/self/fd/{}", self.posix.as_std().as_raw_fd());
            open_direct(Path::new(&path), false)
        };
        self.direct.get_or_init(open).as_ref()
    }

    /// Writes as much of `buf` as one operation takes, and returns how much once that, and all
    /// that was written before, is on stable storage.
    fn write_some_durable(&self, buf: &[u8], offset: u64) -> Result<usize> {
        if let Some(result) = self.write_some_dsync(buf, offset) {
            return result;
        }
        let file = self.posix.as_std();
        let written = match self.shared.ring.write(file, buf, offset, 0) {
            Some(result) => result.inspect_err(|_| self.mark_unsynced())?,
            None => {
                self.posix.write_all_at(buf, offset).inspect_err(|_| self.mark_unsynced())?;
                buf.len()
            }
        };
        self.mark_unsynced();
        self.sync_data()?;
        Ok(written)
    }

    /// The write with RWF_DSYNC, or `None` where that is not available or does not do.
    ///
    /// RWF_DSYNC covers the range it writes and nothing else, so it is not enough as long as an
    /// earlier write to this file has not been synced.
    fn write_some_dsync(&self, buf: &[u8], offset: u64) -> Option<Result<usize>> {
        if !self.dsync.load(Ordering::Relaxed) || self.shared.unsynced.contains(self.id) {
            return None;
        }
        let file = self.writer_for(buf, offset);
        let result = self.shared.ring.write(file, buf, offset, libc::RWF_DSYNC)?;
        match result.as_ref().map_err(std::io::Error::raw_os_error) {
            Ok(_) => {}
            Err(Some(libc::EOPNOTSUPP | libc::EINVAL)) => {
                self.dsync.store(false, Ordering::Relaxed);
                return None;
            }
            Err(_) => self.mark_unsynced(),
        }
        Some(result)
    }

    /// The direct file for an aligned write, else the buffered one.
    fn writer_for(&self, buf: &[u8], offset: u64) -> &fs::File {
        let aligned = buf.as_ptr().addr() as u64 | offset | buf.len() as u64;
        match self.direct.get() {
            Some(Some(direct)) if aligned.is_multiple_of(DIRECT_ALIGNMENT) => direct,
            _ => self.posix.as_std(),
        }
    }

    fn mark_unsynced(&self) {
        self.shared.unsynced.mark(self.id);
    }
}

impl File for UringFile {
    fn len(&self) -> Result<u64> {
        self.posix.len()
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        self.posix.read_exact_at(buf, offset)
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> Result<()> {
        let result = self.posix.write_all_at(buf, offset);
        // Even a failed write may have left some bytes; and marking before the write would let a
        // concurrent sync that misses them take the mark away.
        self.mark_unsynced();
        result
    }

    fn write_durable(&self, buf: &[u8], offset: u64) -> Result<()> {
        if buf.is_empty() {
            return self.sync_data();
        }
        write_fully(buf, offset, |buf, offset| self.write_some_durable(buf, offset))
    }

    fn sync_data(&self) -> Result<()> {
        let seen = self.shared.unsynced.stamp(self.id);
        match self.shared.ring.sync_data(self.posix.as_std()) {
            Some(result) => result?,
            None => self.posix.sync_data()?,
        }
        self.shared.unsynced.settle(self.id, seen);
        Ok(())
    }

    fn fill_zero(&self, len: u64) -> Result<()> {
        let seen = self.shared.unsynced.stamp(self.id);
        self.posix.fill_zero(len).inspect_err(|_| self.mark_unsynced())?;
        self.shared.unsynced.settle(self.id, seen);
        Ok(())
    }

    fn allocate(&self, len: u64) -> Result<()> {
        let result = self.posix.allocate(len);
        self.mark_unsynced();
        result
    }

    fn map(&self, len: u64) -> Result<Mapping> {
        self.posix.map(len)
    }

    fn map_lazily(&self, len: u64) -> Result<Mapping> {
        self.posix.map_lazily(len)
    }

    fn descriptors(&self) -> Option<Descriptors<'_>> {
        let direct = self.direct().map(AsFd::as_fd);
        Some(Descriptors { buffered: self.posix.as_std().as_fd(), direct })
    }
}

#[cfg(test)]
mod tests {
    use super::super::conformance::TempDir;
    use super::*;

    /// Runs `test` on a fresh file, or says that this machine has no io_uring.
    fn with_file(test: impl FnOnce(&UringIo, &UringFile)) {
        let uring = match UringIo::new() {
            Ok(uring) => uring,
            Err(e) => return eprintln!("not tested here: {e}"),
        };
        let dir = TempDir::new();
        let file = uring.open_file(&dir.path().join("f"), OpenMode::Create).unwrap();
        test(&uring, &file);
    }

    fn read(file: &UringFile, len: usize) -> Vec<u8> {
        let mut buf = vec![0; len];
        file.read_exact_at(&mut buf, 0).unwrap();
        buf
    }

    #[test]
    fn a_durable_write_is_one_operation_once_the_file_is_clean() {
        with_file(|uring, file| {
            file.write_durable(b"first", 0).unwrap();
            assert_eq!(uring.shared.ring.operations(), 2, "a write and a sync, as it was unknown");
            file.write_durable(b"second", 5).unwrap();
            assert_eq!(uring.shared.ring.operations(), 3);
            assert_eq!(read(file, 11), b"firstsecond");
        });
    }

    #[test]
    fn an_unsynced_write_is_not_left_behind_by_a_durable_one() {
        with_file(|uring, file| {
            file.sync_data().unwrap();
            file.write_all_at(b"plain", 0).unwrap();
            let before = uring.shared.ring.operations();
            file.write_durable(b"durable", 4096).unwrap();
            assert_eq!(uring.shared.ring.operations(), before + 2);
            assert!(!uring.shared.unsynced.contains(file.id));
        });
    }

    #[test]
    fn two_handles_know_of_each_others_unsynced_writes() {
        with_file(|uring, file| {
            file.sync_data().unwrap();
            let dir = TempDir::new();
            let path = dir.path().join("g");
            let one = uring.open_file(&path, OpenMode::Create).unwrap();
            one.sync_data().unwrap();
            let two = uring.open_file(&path, OpenMode::Write).unwrap();
            two.sync_data().unwrap();
            two.write_all_at(b"x", 0).unwrap();
            assert!(uring.shared.unsynced.contains(one.id));
            assert!(!uring.shared.unsynced.contains(file.id));
        });
    }

    #[test]
    fn without_dsync_a_write_and_a_sync_do() {
        with_file(|uring, file| {
            file.sync_data().unwrap();
            file.dsync.store(false, Ordering::Relaxed);
            let before = uring.shared.ring.operations();
            file.write_durable(b"two steps", 0).unwrap();
            assert_eq!(uring.shared.ring.operations(), before + 2);
            assert_eq!(read(file, 9), b"two steps");
        });
    }

    #[test]
    fn a_busy_or_retired_ring_does_not_stop_anyone() {
        with_file(|uring, file| {
            uring.shared.ring.while_busy(|| file.write_durable(b"busy", 0).unwrap());
            uring.shared.ring.retire();
            file.write_durable(b"gone", 4).unwrap();
            file.sync_data().unwrap();
            assert_eq!(uring.shared.ring.operations(), 0);
            assert_eq!(read(file, 8), b"busygone");
        });
    }

    #[test]
    fn errors_of_the_operation_reach_the_caller() {
        with_file(|uring, file| {
            file.sync_data().unwrap();
            let dir = TempDir::new();
            let path = dir.path().join("r");
            uring.open(&path, OpenMode::Create).unwrap();
            let readonly = uring.open_file(&path, OpenMode::Read).unwrap();
            let error = readonly.write_durable(b"x", 0).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(libc::EBADF));
            file.write_durable(b"still works", 0).unwrap();
        });
    }

    #[test]
    fn direct_and_buffered_writes_of_one_file_agree() {
        with_file(|_, file| {
            file.fill_zero(16 << 10).unwrap();
            let memory = vec![7u8; 12 << 10];
            let skip = memory.as_ptr().align_offset(4096);
            let aligned = &memory[skip..skip + 4096];
            file.write_durable(b"buffered", 100).unwrap();
            file.write_durable(aligned, 4096).unwrap();
            file.write_durable(b"buffered again", 4096 + 10).unwrap();
            file.write_durable(aligned, 8192).unwrap();
            let found = read(file, 16 << 10);
            assert_eq!(&found[100..108], b"buffered");
            assert_eq!(&found[4106..4120], b"buffered again");
            assert!(found[4096..4106].iter().chain(&found[4120..12288]).all(|&b| b == 7));
            assert!(found[12288..].iter().all(|&b| b == 0));
        });
    }

    #[test]
    fn a_large_write_arrives_whole() {
        with_file(|_, file| {
            file.sync_data().unwrap();
            let data: Vec<u8> = (0..5_000_003u32).map(|i| (i % 251) as u8).collect();
            file.write_durable(&data, 0).unwrap();
            assert!(read(file, data.len()) == data);
        });
    }
}
