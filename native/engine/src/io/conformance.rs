//! What every back end must do alike, run against each of them.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use super::sim::SimIo;
use super::{BatchReader, File, Io, OpenMode, PosixIo, Read, UringIo};

/// A directory of its own for one test, removed with all that is in it when dropped.
pub(crate) struct TempDir(PathBuf);

impl TempDir {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ferric-io-{}-{number}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir(&dir).unwrap();
        Self(dir)
    }

    pub(crate) fn path(&self) -> &Path {
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
fn empty_directories_are_removed() {
    on_each(|io, dir| {
        let inner = dir.join("inner");
        assert_eq!(kind(io.remove_dir(&inner)), ErrorKind::NotFound);
        io.create_dir(&inner.join("deep")).unwrap();
        assert_eq!(kind(io.remove_dir(&inner)), ErrorKind::DirectoryNotEmpty);
        io.remove_dir(&inner.join("deep")).unwrap();
        io.open(&inner.join("f"), OpenMode::Create).unwrap();
        assert_eq!(kind(io.remove_dir(&inner)), ErrorKind::DirectoryNotEmpty);
        io.remove(&inner.join("f")).unwrap();
        io.remove_dir(&inner).unwrap();
        assert_eq!(kind(io.list(&inner)), ErrorKind::NotFound);
        io.create_dir(&inner).unwrap();
        assert_eq!(io.list(&inner).unwrap(), Vec::<PathBuf>::new());
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

#[test]
fn a_further_name_leads_to_the_same_file() {
    on_each(|io, dir| {
        let (a, b, c) = (dir.join("a"), dir.join("b"), dir.join("c"));
        assert_eq!(kind(io.hard_link(&a, &b)), ErrorKind::NotFound);
        io.open(&a, OpenMode::Create).unwrap().write_all_at(b"A", 0).unwrap();
        io.open(&c, OpenMode::Create).unwrap();
        io.hard_link(&a, &b).unwrap();
        assert_eq!(kind(io.hard_link(&a, &c)), ErrorKind::AlreadyExists);
        io.rename(&a, &b).unwrap();
        io.sync_dir(dir).unwrap();
        assert_eq!(io.list(dir).unwrap().len(), 3, "renaming a file to itself keeps both names");
        io.open(&b, OpenMode::Write).unwrap().write_durable(b"B", 1).unwrap();
        io.remove(&b).unwrap();
        let file = io.open(&a, OpenMode::Read).unwrap();
        let mut buf = [0; 2];
        file.read_exact_at(&mut buf, 0).unwrap();
        assert_eq!(&buf, b"AB");
        io.rename(&c, &a).unwrap();
        assert_eq!((io.list(dir).unwrap(), file.len().unwrap()), (vec![a], 2));
    });
}

#[test]
fn reserving_room_keeps_what_is_there() {
    on_each(|io, dir| {
        let file = io.open(&dir.join("f"), OpenMode::Create).unwrap();
        file.allocate(0).unwrap();
        assert!(file.is_empty().unwrap());
        file.write_all_at(b"head", 0).unwrap();
        file.allocate(100_000).unwrap();
        file.allocate(10).unwrap();
        assert_eq!(file.len().unwrap(), 100_000);
        file.write_durable(b"tail", 99_996).unwrap();
        let mut buf = vec![1; 100_000];
        file.read_exact_at(&mut buf, 0).unwrap();
        assert!(buf.starts_with(b"head") && buf.ends_with(b"tail"));
        assert!(buf[4..99_996].iter().all(|byte| *byte == 0));
        assert_eq!(kind(file.allocate(u64::MAX)), ErrorKind::InvalidInput);
        assert!(io.open(&dir.join("f"), OpenMode::Read).unwrap().allocate(1 << 20).is_err());
        assert_eq!(file.len().unwrap(), 100_000);
    });
}

#[test]
fn a_lazy_mapping_shows_the_file() {
    on_each(|io, dir| {
        let file = io.open(&dir.join("f"), OpenMode::Create).unwrap();
        file.write_durable(&[7; 10_000], 0).unwrap();
        let mapping = file.map_lazily(9_000).unwrap();
        assert!(mapping.len() == 9_000 && mapping.iter().all(|byte| *byte == 7));
        // Whether it is allowed depends on the machine; the bytes are there either way.
        let _ = mapping.lock();
        assert!(mapping.iter().all(|byte| *byte == 7));
        assert_eq!(kind(file.map_lazily(10_001)), ErrorKind::UnexpectedEof);
        assert!(file.map_lazily(0).unwrap().lock());
    });
}

/// Bytes none of whose stretches repeats nearby.
fn pattern(len: usize) -> Vec<u8> {
    (0..len as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// Waits until all reads have finished, and returns their outcomes by token.
fn finish(reader: &mut dyn BatchReader) -> BTreeMap<u64, std::result::Result<Vec<u8>, ErrorKind>> {
    let mut all = BTreeMap::new();
    while reader.in_flight() > 0 {
        let before = reader.in_flight();
        let count = reader.wait(&mut |token, bytes| {
            let outcome = bytes.map(<[u8]>::to_vec).map_err(|e| e.kind());
            assert!(all.insert(token, outcome).is_none(), "token {token} twice");
        });
        assert_eq!(reader.in_flight(), before - count);
    }
    all
}

fn submit(reader: &mut dyn BatchReader, file: &Arc<dyn File>, offset: u64, len: usize, token: u64) {
    reader.submit(Read { file: Arc::clone(file), offset, len, token }).expect("room for it");
}

#[test]
fn a_batch_of_reads_brings_all_bytes() {
    on_each(|io, dir| {
        // Not whole blocks, so that the last direct read is a short one.
        let bytes = pattern((3 << 20) + 777);
        let path = dir.join("f");
        io.open(&path, OpenMode::Create).unwrap().write_durable(&bytes, 0).unwrap();
        for mode in [OpenMode::Read, OpenMode::Write] {
            let file = io.open(&path, mode).unwrap();
            let mut reader = io.reader(32).unwrap();
            let end = bytes.len();
            let ranges: Vec<(usize, usize)> = (0..20)
                .map(|n| (n * 70_001 % (end - 9_000), 1 + n * 431))
                .chain([(0, end), (end - 1, 1), (end - 5000, 5000), (4096, 4096), (77, 0), (0, 1)])
                .collect();
            for _ in 0..3 {
                for (token, (offset, len)) in ranges.iter().enumerate() {
                    submit(&mut *reader, &file, *offset as u64, *len, token as u64);
                }
                let outcomes = finish(&mut *reader);
                assert_eq!(outcomes.len(), ranges.len());
                for (token, (offset, len)) in ranges.iter().enumerate() {
                    let found = outcomes[&(token as u64)].as_ref().unwrap();
                    assert!(found == &bytes[*offset..offset + len], "{offset} + {len}");
                }
            }
        }
    });
}

#[test]
fn a_batch_reports_each_failure_by_itself() {
    on_each(|io, dir| {
        let file = io.open(&dir.join("f"), OpenMode::Create).unwrap();
        file.write_all_at(&[5; 5000], 0).unwrap();
        let mut reader = io.reader(8).unwrap();
        let ranges = [(0, 5000), (4999, 2), (9000, 10), (u64::MAX, 4), (i64::MAX as u64, 1)];
        for (token, (offset, len)) in ranges.into_iter().enumerate() {
            submit(&mut *reader, &file, offset, len, token as u64);
        }
        let outcomes = finish(&mut *reader);
        assert_eq!(outcomes[&0], Ok(vec![5; 5000]));
        assert_eq!(outcomes[&1], Err(ErrorKind::UnexpectedEof));
        assert_eq!(outcomes[&2], Err(ErrorKind::UnexpectedEof));
        // A simulated or a plain file may as well say that it ends before.
        for token in [3, 4] {
            let error = outcomes[&token].as_ref().unwrap_err();
            assert!(matches!(error, ErrorKind::InvalidInput | ErrorKind::UnexpectedEof));
        }
        submit(&mut *reader, &file, 100, 3, 9);
        assert_eq!(finish(&mut *reader)[&9], Ok(vec![5; 3]), "it goes on after errors");
    });
}

#[test]
fn a_reader_takes_no_more_than_its_depth() {
    on_each(|io, dir| {
        let file = io.open(&dir.join("f"), OpenMode::Create).unwrap();
        file.write_all_at(&[1; 100], 0).unwrap();
        let mut reader = io.reader(3).unwrap();
        for round in 0..3 {
            for token in 0..3 {
                submit(&mut *reader, &file, token, 10, token);
            }
            let excess = Read { file: Arc::clone(&file), offset: 0, len: 1, token: 77 };
            assert_eq!(reader.submit(excess).unwrap_err().token, 77);
            assert_eq!(finish(&mut *reader).len(), 3, "round {round}");
        }
    });
}

#[test]
fn a_wait_ends_when_somebody_calls() {
    on_each(|io, dir| {
        let file = io.open(&dir.join("f"), OpenMode::Create).unwrap();
        file.write_all_at(&[1; 100], 0).unwrap();
        let mut reader = io.reader(4).unwrap();
        let waker = reader.waker();
        for _ in 0..3 {
            // Before the wait: several calls count as one.
            waker();
            waker();
            assert_eq!(reader.wait(&mut |_, _| panic!("nothing was read")), 0);
            let (late, pause) = (Arc::clone(&waker), Duration::from_millis(20));
            let thread = thread::spawn(move || {
                thread::sleep(pause);
                late();
            });
            let since = std::time::Instant::now();
            assert_eq!(reader.wait(&mut |_, _| panic!("nothing was read")), 0);
            assert!(since.elapsed() >= pause / 2, "the earlier calls were one");
            thread.join().unwrap();
            submit(&mut *reader, &file, 0, 100, 1);
            assert_eq!(finish(&mut *reader).len(), 1);
        }
        drop(reader);
        waker();
    });
}

#[test]
fn a_reader_sees_what_was_written_in_any_way() {
    let memory = vec![0xA5; 3 * 4096];
    let direct = &memory[memory.as_ptr().align_offset(4096)..][..8192];
    on_each(|io, dir| {
        let file = io.open(&dir.join("f"), OpenMode::Create).unwrap();
        let mut reader = io.reader(4).unwrap();
        file.fill_zero(1 << 16).unwrap();
        for round in 1..6u8 {
            file.write_durable(direct, 8192).unwrap();
            submit(&mut *reader, &file, 8192, 8192, 1);
            assert_eq!(finish(&mut *reader)[&1], Ok(direct.to_vec()));
            file.write_all_at(&[round; 100], 9000).unwrap();
            submit(&mut *reader, &file, 9000, 101, 2);
            let found = finish(&mut *reader).remove(&2).unwrap().unwrap();
            assert_eq!(found, [&[round; 100][..], &direct[908..909]].concat());
        }
    });
}

#[test]
fn a_reader_reads_files_that_come_and_go() {
    on_each(|io, dir| {
        let mut reader = io.reader(16).unwrap();
        // More than a ring registers.
        for n in 0..600u32 {
            let path = dir.join("f");
            let file = io.open(&path, OpenMode::Create).unwrap();
            file.write_all_at(&n.to_le_bytes(), 4096).unwrap();
            io.remove(&path).unwrap();
            submit(&mut *reader, &file, 4096, 4, 0);
            drop(file);
            assert_eq!(finish(&mut *reader)[&0], Ok(n.to_le_bytes().to_vec()));
        }
    });
}
