//! The plain back end: `pread`, `pwrite`, `fdatasync`, through std and libc.

use std::ffi::CString;
use std::fs::{self, OpenOptions};
use std::io::{Error, ErrorKind, Result};
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{File, Io, LockGuard, Mapping, OpenMode};

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

    fn remove(&self, path: &Path) -> Result<()> {
        fs::remove_file(path)
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
        let zeros = vec![0; len.min(ZERO_CHUNK) as usize];
        let mut offset = 0;
        while offset < len {
            let chunk = (len - offset).min(ZERO_CHUNK);
            self.write_all_at(&zeros[..chunk as usize], offset)?;
            offset += chunk;
        }
        if self.len()? > len {
            self.file.set_len(len)?;
        }
        self.sync_data()
    }

    fn map(&self, len: u64) -> Result<Mapping> {
        Mapping::of_file(&self.file, len)
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
fn check_range(len: usize, offset: u64) -> Result<()> {
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
    fn the_empty_directory_is_the_current_one() {
        assert!(PosixIo.free_space(Path::new("")).unwrap() > 0);
        assert!(!PosixIo.list(Path::new("")).unwrap().is_empty());
        PosixIo.sync_dir(Path::new("")).unwrap();
    }
}
