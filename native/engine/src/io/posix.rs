//! The plain back end: `pread`, `pwrite`, `fdatasync`, through std and libc.

use std::ffi::CString;
use std::fs::{self, OpenOptions};
use std::io::{Error, ErrorKind, Result};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::batch::PoolReader;
use super::{BatchReader, Descriptors, File, Io, LockGuard, Mapping, OpenMode};

/// Largest single write of [`File::fill_zero`]: large enough to keep the device busy, small enough
/// not to matter as memory.
const ZERO_CHUNK: u64 = 1 << 20;

/// Files by ordinary system calls; never touches io_uring.
#[derive(Clone, Copy, Debug, Default)]
pub struct PosixIo;

impl PosixIo {
    /// Opens a file as this back end's own type, for back ends that build on it.
    pub(super) fn open_file(self, path: &Path, mode: OpenMode) -> Result<PosixFile> {
        let mut options = OpenOptions::new();
        options.read(true);
        match mode {
            OpenMode::Read => {}
            OpenMode::Write => {
                options.write(true);
            }
            OpenMode::Create => {
                options.write(true).create_new(true);
            }
        }
        // std opens everything with O_CLOEXEC, so that no child process inherits a data file.
        Ok(PosixFile { file: options.open(path)? })
    }
}

impl Io for PosixIo {
    fn name(&self) -> &'static str {
        "posix"
    }

    fn create_dir(&self, dir: &Path) -> Result<()> {
        let missing: Vec<&Path> = dir
            .ancestors()
            .filter(|d| !d.as_os_str().is_empty())
            .take_while(|d| !d.is_dir())
            .collect();
        for dir in missing.into_iter().rev() {
            match fs::create_dir(dir) {
                Err(e) if e.kind() == ErrorKind::AlreadyExists && dir.is_dir() => {}
                result => result?,
            }
            // A file synced inside a directory that has no durable name is lost with it.
            self.sync_dir(dir.parent().unwrap_or(Path::new("/")))?;
        }
        Ok(())
    }

    fn list(&self, dir: &Path) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(or_current(dir))? {
            let entry = entry?;
            if !entry.file_type()?.is_dir() {
                files.push(dir.join(entry.file_name()));
            }
        }
        Ok(files)
    }

    fn open(&self, path: &Path, mode: OpenMode) -> Result<Arc<dyn File>> {
        Ok(Arc::new(self.open_file(path, mode)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        fs::rename(from, to)
    }

    fn hard_link(&self, from: &Path, to: &Path) -> Result<()> {
        fs::hard_link(from, to)
    }

    fn remove(&self, path: &Path) -> Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, dir: &Path) -> Result<()> {
        fs::remove_dir(dir)
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        // fsync and not fdatasync: the names are the data of a directory, but which of the two
        // covers them is for the file system to say, and all of them honour fsync.
        fs::File::open(or_current(dir))?.sync_all()
    }

    fn lock(&self, path: &Path) -> Result<Box<dyn LockGuard>> {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        // flock(LOCK_EX | LOCK_NB): it belongs to the open file description, so that a second
        // guard of this process is refused too, and the kernel drops it when the process dies.
        match file.try_lock() {
            Ok(()) => Ok(Box::new(PosixLock { _file: file })),
            Err(fs::TryLockError::WouldBlock) => {
                let reason = format!("{} is locked by another process", path.display());
                Err(Error::new(ErrorKind::WouldBlock, reason))
            }
            Err(fs::TryLockError::Error(e)) => Err(e),
        }
    }

    fn free_space(&self, dir: &Path) -> Result<u64> {
        let path = CString::new(or_current(dir).as_os_str().as_bytes())?;
        let mut stat = MaybeUninit::<libc::statvfs>::uninit();
        // SAFETY: `path` ends in NUL and `stat` is room for one statvfs; both outlive the call.
        if unsafe { libc::statvfs(path.as_ptr(), stat.as_mut_ptr()) } != 0 {
            return Err(Error::last_os_error());
        }
        // SAFETY: statvfs returned 0, so it has filled the structure.
        let stat = unsafe { stat.assume_init() };
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn reader(&self, depth: usize) -> Result<Box<dyn BatchReader>> {
        Ok(Box::new(PoolReader::open(depth)?))
    }
}

/// The empty path is what `Path::parent` gives for a bare file name; it means this directory.
fn or_current(dir: &Path) -> &Path {
    if dir.as_os_str().is_empty() { Path::new(".") } else { dir }
}

/// Holds a flock for as long as the file is open.
struct PosixLock {
    _file: fs::File,
}

impl LockGuard for PosixLock {}

/// A file whose every transfer is a system call of the calling thread.
pub(super) struct PosixFile {
    file: fs::File,
}

impl PosixFile {
    /// The file behind it, for other ways to reach the same descriptor.
    pub(super) fn as_std(&self) -> &fs::File {
        &self.file
    }

    /// Writes zeros from offset `from` up to `to`.
    fn write_zeros(&self, from: u64, to: u64) -> Result<()> {
        let zeros = vec![0; to.saturating_sub(from).min(ZERO_CHUNK) as usize];
        let mut offset = from;
        while offset < to {
            let chunk = (to - offset).min(ZERO_CHUNK);
            self.write_all_at(&zeros[..chunk as usize], offset)?;
            offset += chunk;
        }
        Ok(())
    }

    /// Reserves the space of the first `len` bytes by `reserve`, which is [`fallocate`] but for
    /// tests; where that is not supported, by writing zeros behind the present end.
    fn allocate_by(&self, len: u64, reserve: impl Fn(&fs::File, u64) -> Result<()>) -> Result<()> {
        check_range(0, len)?;
        let length = self.len()?;
        let outcome = loop {
            match reserve(&self.file, len) {
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if matches!(e.raw_os_error(), Some(libc::EOPNOTSUPP | libc::ENOSYS)) => {
                    break self.write_zeros(length, len);
                }
                outcome => break outcome,
            }
        };
        outcome.inspect_err(|_| {
            // Gives back what was reserved until then; the first error says more than this one.
            if self.len().is_ok_and(|grown| grown > length) {
                drop(self.file.set_len(length));
            }
        })
    }
}

impl File for PosixFile {
    fn len(&self) -> Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        read_fully(buf, offset, |buf, offset| self.file.read_at(buf, offset))
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> Result<()> {
        write_fully(buf, offset, |buf, offset| self.file.write_at(buf, offset))
    }

    fn write_durable(&self, buf: &[u8], offset: u64) -> Result<()> {
        self.write_all_at(buf, offset)?;
        self.sync_data()
    }

    fn sync_data(&self) -> Result<()> {
        self.file.sync_data()
    }

    fn fill_zero(&self, len: u64) -> Result<()> {
        self.write_zeros(0, len)?;
        if self.len()? > len {
            self.file.set_len(len)?;
        }
        self.sync_data()
    }

    fn allocate(&self, len: u64) -> Result<()> {
        if len == 0 {
            return Ok(());
        }
        self.allocate_by(len, fallocate)
    }

    fn map(&self, len: u64) -> Result<Mapping> {
        Mapping::of_file(&self.file, len, true)
    }

    fn map_lazily(&self, len: u64) -> Result<Mapping> {
        Mapping::of_file(&self.file, len, false)
    }

    fn descriptors(&self) -> Option<Descriptors<'_>> {
        Some(Descriptors { buffered: self.file.as_fd(), direct: None })
    }
}

/// Reserves the space of the first `len` bytes of `file`, which gets at least that long.
fn fallocate(file: &fs::File, len: u64) -> Result<()> {
    let len = libc::off64_t::try_from(len)
        .map_err(|_| Error::new(ErrorKind::InvalidInput, "file length out of range"))?;
    // SAFETY: the call names no memory, and the descriptor is open for as long as `file` is
    // borrowed.
    match unsafe { libc::fallocate64(file.as_raw_fd(), 0, 0, len) } {
        0 => Ok(()),
        _ => Err(Error::last_os_error()),
    }
}

/// Repeats `read` until `buf` is full. `read` gets what is left and where it is in the file, and
/// returns how many bytes it read, 0 at the end of the file.
fn read_fully(
    mut buf: &mut [u8],
    mut offset: u64,
    mut read: impl FnMut(&mut [u8], u64) -> Result<usize>,
) -> Result<()> {
    check_range(buf.len(), offset)?;
    while !buf.is_empty() {
        match read(buf, offset) {
            Ok(0) => {
                return Err(Error::new(ErrorKind::UnexpectedEof, "read past the end of the file"));
            }
            Ok(n) => {
                buf = &mut buf[n..];
                offset += n as u64;
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Repeats `write` until all of `buf` is written. `write` gets what is left and where it belongs in
/// the file, and returns how many bytes it wrote.
///
/// # Errors
/// `WriteZero` when `write` makes no progress, else the first error other than `Interrupted`; some
/// of the bytes may have been written then.
pub(super) fn write_fully(
    mut buf: &[u8],
    mut offset: u64,
    mut write: impl FnMut(&[u8], u64) -> Result<usize>,
) -> Result<()> {
    check_range(buf.len(), offset)?;
    while !buf.is_empty() {
        match write(buf, offset) {
            Ok(0) => return Err(Error::new(ErrorKind::WriteZero, "write made no progress")),
            Ok(n) => {
                buf = &buf[n..];
                offset += n as u64;
            }
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Refuses ranges beyond the signed 64-bit offsets of the kernel, where a negative offset would
/// mean something else (io_uring: the file's own position).
pub(super) fn check_range(len: usize, offset: u64) -> Result<()> {
    match offset.checked_add(len as u64) {
        Some(end) if i64::try_from(end).is_ok() => Ok(()),
        _ => Err(Error::new(ErrorKind::InvalidInput, "file offset out of range")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk of 8 bytes that moves at most 3 at a time and is interrupted on every other call.
    fn stutter(calls: &mut u32) -> Result<usize> {
        *calls += 1;
        if *calls % 2 == 1 { Err(ErrorKind::Interrupted.into()) } else { Ok(3) }
    }

    #[test]
    fn short_and_interrupted_writes_are_continued() {
        let mut disk = [0u8; 16];
        let mut calls = 0;
        write_fully(b"12345678", 4, |buf, offset| {
            let n = stutter(&mut calls)?.min(buf.len());
            disk[offset as usize..][..n].copy_from_slice(&buf[..n]);
            Ok(n)
        })
        .unwrap();
        assert_eq!(&disk, b"\0\0\0\x0012345678\0\0\0\0");
        assert_eq!(calls, 6);
    }

    #[test]
    fn short_and_interrupted_reads_are_continued() {
        let disk = b"0123456789";
        let (mut calls, mut buf) = (0, [0; 8]);
        read_fully(&mut buf, 2, |buf, offset| {
            let n = stutter(&mut calls)?.min(buf.len());
            buf[..n].copy_from_slice(&disk[offset as usize..][..n]);
            Ok(n)
        })
        .unwrap();
        assert_eq!(&buf, b"23456789");
    }

    #[test]
    fn no_progress_is_an_error_and_not_a_loop() {
        let error = write_fully(b"x", 0, |_, _| Ok(0)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WriteZero);
        let error = read_fully(&mut [0], 0, |_, _| Ok(0)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    }

    #[test]
    fn an_error_after_a_short_write_is_reported() {
        let mut calls = 0;
        let error = write_fully(b"abc", 0, |_, _| {
            calls += 1;
            if calls == 1 { Ok(1) } else { Err(Error::from_raw_os_error(libc::ENOSPC)) }
        })
        .unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENOSPC));
    }

    #[test]
    fn offsets_stop_where_the_kernel_would_read_them_as_negative() {
        for (len, offset) in [(0, u64::MAX), (1, u64::MAX), (1, i64::MAX as u64)] {
            assert_eq!(check_range(len, offset).unwrap_err().kind(), ErrorKind::InvalidInput);
        }
        assert!(check_range(1, i64::MAX as u64 - 1).is_ok());
    }

    #[test]
    fn room_is_reserved_by_writing_where_there_is_no_other_way() {
        let dir = crate::io::conformance::TempDir::new();
        let file = PosixIo.open_file(&dir.path().join("f"), OpenMode::Create).unwrap();
        file.write_all_at(b"kept", 0).unwrap();
        let calls = std::cell::Cell::new(0);
        let refuse = |_: &fs::File, _| {
            calls.set(calls.get() + 1);
            let errno = if calls.get() == 1 { libc::EINTR } else { libc::EOPNOTSUPP };
            Err(Error::from_raw_os_error(errno))
        };
        file.allocate_by((1 << 20) + 5, refuse).unwrap();
        assert_eq!((calls.get(), file.len().unwrap()), (2, (1 << 20) + 5));
        let mut buf = [1; 8];
        file.read_exact_at(&mut buf, 0).unwrap();
        assert_eq!(&buf, b"kept\0\0\0\0");
    }

    #[test]
    fn what_does_not_fit_is_given_back() {
        let dir = crate::io::conformance::TempDir::new();
        let file = PosixIo.open_file(&dir.path().join("f"), OpenMode::Create).unwrap();
        file.write_all_at(b"kept", 0).unwrap();
        let fill = |file: &fs::File, len| {
            file.set_len(len / 2)?;
            Err(Error::from_raw_os_error(libc::ENOSPC))
        };
        let error = file.allocate_by(1 << 20, fill).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        assert_eq!(file.len().unwrap(), 4);
    }

    #[test]
    fn the_empty_directory_is_the_current_one() {
        assert!(PosixIo.free_space(Path::new("")).unwrap() > 0);
        assert!(!PosixIo.list(Path::new("")).unwrap().is_empty());
        PosixIo.sync_dir(Path::new("")).unwrap();
    }
}
