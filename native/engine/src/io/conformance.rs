//! What every back end must do alike, run against each of them.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::sim::SimIo;
use super::{Io, OpenMode, PosixIo, UringIo};

/// A directory of its own for one test, removed with all that is in it when dropped.
pub(super) struct TempDir(PathBuf);

impl TempDir {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ferric-io-{}-{number}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir(&dir).unwrap();
        Self(dir)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        // A directory left behind is not worth a second panic while a test fails.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs `test` on every back end that this machine has, in an empty directory.
fn on_each(test: impl Fn(&dyn Io, &Path)) {
    let dir = TempDir::new();
    test(&PosixIo, dir.path());
    match UringIo::new() {
        Ok(uring) => test(&uring, TempDir::new().path()),
        Err(e) => eprintln!("not tested here: {e}"),
    }
    let sim = SimIo::new();
    sim.create_dir(Path::new("/data")).unwrap();
    test(&sim, Path::new("/data"));
}

fn kind<T>(result: std::io::Result<T>) -> ErrorKind {
    result.err().map_or_else(|| panic!("an error was expected"), |e| e.kind())
}

#[test]
fn bytes_come_back() {
    on_each(|io, dir| {
        let path = dir.join("f");
        let file = io.open(&path, OpenMode::Create).unwrap();
        assert!(file.is_empty().unwrap());
        file.write_all_at(b"hello", 3).unwrap();
        file.write_durable(b" world", 8).unwrap();
        file.write_durable(b"", 100).unwrap();
        file.write_all_at(b"", 100).unwrap();
        file.sync_data().unwrap();
        let again = io.open(&path, OpenMode::Read).unwrap();
        assert_eq!(again.len().unwrap(), 14);
        let mut buf = [1; 14];
        again.read_exact_at(&mut buf, 0).unwrap();
        assert_eq!(&buf, b"\0\0\0hello world");
        let writer = io.open(&path, OpenMode::Write).unwrap();
        writer.write_durable(b"J", 3).unwrap();
        file.read_exact_at(&mut buf[..5], 3).unwrap();
        assert_eq!(&buf[..5], b"Jello");
    });
}

#[test]
fn reads_past_the_end_are_errors() {
    on_each(|io, dir| {
        let file = io.open(&dir.join("f"), OpenMode::Create).unwrap();
        file.write_all_at(b"12345", 0).unwrap();
        let mut buf = [0; 3];
        file.read_exact_at(&mut buf, 2).unwrap();
        assert_eq!(kind(file.read_exact_at(&mut buf, 3)), ErrorKind::UnexpectedEof);
        assert_eq!(kind(file.read_exact_at(&mut buf, 5)), ErrorKind::UnexpectedEof);
        file.read_exact_at(&mut [], 5).unwrap();
        assert_eq!(kind(file.map(6)), ErrorKind::UnexpectedEof);
    });
}

#[test]
fn offsets_that_overflow_are_refused() {
    on_each(|io, dir| {
        let file = io.open(&dir.join("f"), OpenMode::Create).unwrap();
        for offset in [u64::MAX, i64::MAX as u64] {
            assert_eq!(kind(file.write_all_at(b"x", offset)), ErrorKind::InvalidInput);
            assert_eq!(kind(file.write_durable(b"x", offset)), ErrorKind::InvalidInput);
        }
        assert_eq!(file.len().unwrap(), 0);
    });
}

#[test]
fn zero_fill_sets_the_length_and_wipes_what_was_there() {
    on_each(|io, dir| {
        let file = io.open(&dir.join("f"), OpenMode::Create).unwrap();
        file.write_all_at(b"old bytes", 1000).unwrap();
        // Not a multiple of any chunk.
        let len = (2 << 20) + 777;
        file.fill_zero(len).unwrap();
        assert_eq!(file.len().unwrap(), len);
        let mut buf = vec![1; len as usize];
        file.read_exact_at(&mut buf, 0).unwrap();
        assert!(buf.iter().all(|byte| *byte == 0));
        file.fill_zero(10).unwrap();
        assert_eq!(file.len().unwrap(), 10);
        file.fill_zero(0).unwrap();
        assert!(file.is_empty().unwrap());
    });
}

#[test]
fn a_mapping_shows_the_file_and_outlives_its_name() {
    on_each(|io, dir| {
        let path = dir.join("f");
        let file = io.open(&path, OpenMode::Create).unwrap();
        file.write_durable(&[7; 10_000], 0).unwrap();
        let mapping = file.map(9_000).unwrap();
        assert_eq!(file.map(0).unwrap().len(), 0);
        drop(file);
        io.remove(&path).unwrap();
        io.sync_dir(dir).unwrap();
        assert_eq!(mapping.len(), 9_000);
        assert!(mapping.iter().all(|byte| *byte == 7));
    });
}

#[test]
fn an_open_file_outlives_its_name() {
    on_each(|io, dir| {
        let path = dir.join("f");
        let file = io.open(&path, OpenMode::Create).unwrap();
        file.write_all_at(b"x", 0).unwrap();
        io.remove(&path).unwrap();
        io.sync_dir(dir).unwrap();
        file.write_durable(b"y", 1).unwrap();
        let mut buf = [0; 2];
        file.read_exact_at(&mut buf, 0).unwrap();
        assert_eq!(&buf, b"xy");
        assert_eq!(kind(io.open(&path, OpenMode::Read)), ErrorKind::NotFound);
    });
}

#[test]
fn names_are_created_once_renamed_and_removed() {
    on_each(|io, dir| {
        let (a, b) = (dir.join("a"), dir.join("b"));
        assert_eq!(kind(io.open(&a, OpenMode::Write)), ErrorKind::NotFound);
        io.open(&a, OpenMode::Create).unwrap().write_all_at(b"A", 0).unwrap();
        assert_eq!(kind(io.open(&a, OpenMode::Create)), ErrorKind::AlreadyExists);
        io.open(&b, OpenMode::Create).unwrap();
        io.rename(&a, &b).unwrap();
        io.sync_dir(dir).unwrap();
        assert_eq!(io.list(dir).unwrap(), std::slice::from_ref(&b));
        assert_eq!(io.open(&b, OpenMode::Read).unwrap().len().unwrap(), 1);
        assert_eq!(kind(io.rename(&a, &b)), ErrorKind::NotFound);
        assert_eq!(kind(io.remove(&a)), ErrorKind::NotFound);
        io.remove(&b).unwrap();
        assert!(io.list(dir).unwrap().is_empty());
    });
}

#[test]
fn directories_are_made_with_their_parents_and_are_not_files() {
    on_each(|io, dir| {
        let deep = dir.join("x/y/z");
        assert_eq!(kind(io.sync_dir(&deep)), ErrorKind::NotFound);
        assert_eq!(kind(io.list(&deep)), ErrorKind::NotFound);
        assert_eq!(kind(io.open(&deep.join("f"), OpenMode::Create)), ErrorKind::NotFound);
        io.create_dir(&deep).unwrap();
        io.create_dir(&deep).unwrap();
        io.open(&deep.join("f"), OpenMode::Create).unwrap();
        assert_eq!(io.list(&deep).unwrap(), [deep.join("f")]);
        assert!(io.list(dir).unwrap().is_empty());
        assert!(io.create_dir(&deep.join("f")).is_err());
        assert!(io.free_space(&deep).unwrap() > 0);
    });
}

#[test]
fn a_lock_excludes_until_dropped() {
    on_each(|io, dir| {
        let path = dir.join("LOCK");
        let guard = io.lock(&path).unwrap();
        assert_eq!(kind(io.lock(&path)), ErrorKind::WouldBlock);
        let other = io.lock(&dir.join("OTHER")).unwrap();
        drop(guard);
        let again = io.lock(&path).unwrap();
        assert_eq!(kind(io.lock(&path)), ErrorKind::WouldBlock);
        drop((again, other));
        assert_eq!(io.list(dir).unwrap().len(), 2);
    });
}

#[test]
fn a_file_opened_for_reading_is_not_written() {
    on_each(|io, dir| {
        let path = dir.join("f");
        io.open(&path, OpenMode::Create).unwrap();
        let file = io.open(&path, OpenMode::Read).unwrap();
        let error = file.write_all_at(b"x", 0).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EBADF));
        assert!(file.write_durable(b"x", 0).is_err());
        assert!(file.fill_zero(10).is_err());
        assert_eq!(file.len().unwrap(), 0);
    });
}
