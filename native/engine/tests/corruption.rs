//! Damaged files: a store opens with the right data or says which file is damaged and where. Never
//! wrong data, a panic, or memory out of proportion.
//!
//! A store without a checkpoint is read as a whole when it is opened, so damage is reported then. With
//! one, damage to what is not read is met when a key is read.
#![allow(missing_docs)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use common::disk::{self, BLOCK, FramePlace};
use common::model::{Model, Step, execute, value};
use common::rng::Rng;
use common::{config, first_seed, put, quiet, rounds, wait};
use ferric_engine::io::Io;
use ferric_engine::io::sim::SimIo;
use ferric_engine::{Engine, OpenError, ReadError};
use proptest::prelude::*;

/// Remembers the largest block of memory that was ever asked for.
struct Meter(AtomicUsize);

// SAFETY: every call is passed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Meter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.0.fetch_max(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's promises are those of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as in `alloc`.
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        self.0.fetch_max(size, Ordering::Relaxed);
        // SAFETY: as in `alloc`.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static METER: Meter = Meter(AtomicUsize::new(0));

/// More than any file of these stores and any buffer of the test harness.
const LARGEST_BLOCK: usize = 16 << 20;

/// A store on a disk, and what it contains.
struct Sample {
    io: SimIo,
    full: Model,
    /// Without its last group.
    shorter: Model,
}

impl Sample {
    /// Several segments, one of several sizes; closed, or left as after a power cut. Without a
    /// checkpoint.
    fn new(closed: bool) -> Sample {
        let sample = Sample::with_checkpoint(closed);
        strip(&sample.io);
        sample
    }

    /// The same, with the checkpoint that closing takes.
    fn with_checkpoint(closed: bool) -> Sample {
        let io = SimIo::new();
        let engine = Engine::open(quiet(Arc::new(io.clone()))).expect("open");
        let (mut full, mut shorter) = (Model::default(), Model::default());
        for number in 0..26u64 {
            let len = match number {
                5 | 10 | 18 => 30_000,
                13 => 90_000,
                _ => 40 + number as usize * 60,
            };
            let put = |space, name: String, len| Step::Put {
                space,
                key: name.into_bytes(),
                value: value(number, len),
                expiry_ms: 0,
            };
            let step = match number {
                8 => Step::Swap(0, 1),
                9 => Step::Write { space: 0, changes: vec![(b"k2".to_vec(), None)] },
                _ => put((number % 2) as u16, format!("k{}", number % 11), len),
            };
            shorter = full.clone();
            full.apply(&step);
            let lsn = execute(&engine, &step).expect("write");
            assert!(wait(&engine, lsn));
        }
        let image = io.snapshot();
        engine.close().expect("close");
        Sample { io: if closed { io.snapshot() } else { image }, full, shorter }
    }

    /// Opens a copy of the disk that `damage` has been done to. What comes of it must be the whole
    /// contents, the contents `or`, or a report; returns whether it was a report.
    fn outcome(&self, what: &str, or: Option<&Model>, damage: impl FnOnce(&SimIo)) -> bool {
        let io = self.io.snapshot();
        damage(&io);
        let engine = match Engine::open(quiet(Arc::new(io.clone()))) {
            Ok(engine) => engine,
            Err(OpenError::Corrupt { file, what: reason, .. }) => {
                assert!(file.starts_with("/store") && !reason.is_empty());
                // The lock is free, and the files were left as they are: the report repeats.
                let again = Engine::open(quiet(Arc::new(io)));
                assert!(matches!(again, Err(OpenError::Corrupt { .. })), "{what}");
                return true;
            }
            Err(error) => panic!("{what}: {error}"),
        };
        let found = read_all(&engine);
        if found.is_none() {
            self.expect_readable_to_be_right(&engine, what);
        }
        engine.close().expect("close");
        let Some(found) = found else { return true };
        assert!(found == self.full || Some(&found) == or, "{what}: wrong data");
        false
    }

    /// Some keys are reported as damaged. The others have their values.
    fn expect_readable_to_be_right(&self, engine: &Engine, what: &str) {
        for (space, content) in self.full.0.iter().enumerate() {
            for (name, (value, _)) in content {
                let read = common::run(engine, common::NOW, |access| {
                    let key = common::key(engine, access, space as u16, name);
                    access.read(&key, true, |entry| entry.map(|entry| entry.value.to_vec()))
                });
                match read {
                    Ok((found, _)) => assert!(found.as_ref() == Some(value), "{what}: {name:?}"),
                    Err(error) => assert_eq!(error, ReadError::Damaged, "{what}: {name:?}"),
                }
            }
        }
    }

    /// [`Sample::outcome`] where only a report will do.
    fn reported(&self, what: &str, damage: impl FnOnce(&SimIo)) {
        assert!(self.outcome(what, None, damage), "{what} passed unnoticed");
    }

    fn last_frame(&self) -> FramePlace {
        disk::frames(&self.io).into_iter().rfind(|frame| frame.records > 0).expect("frames")
    }

    /// What damage to `file` at `offset` may lead to beside the full contents and a report.
    fn alternative(&self, closed: bool, file: &Path, offset: usize) -> Option<&Model> {
        let last = self.last_frame();
        let hit = last.file == file && (last.offset..last.offset + last.len).contains(&offset);
        (hit && !closed).then_some(&self.shorter)
    }
}

/// Removes what checkpoints have left: the store is as if it had never had one.
fn strip(io: &SimIo) {
    let extra = |path: &PathBuf| {
        let name = path.to_string_lossy();
        name.contains("/checkpoint-") || name.ends_with("/SEGMENTS")
    };
    for path in io.file_names().into_iter().filter(extra) {
        io.remove(&path).expect("remove");
    }
    for path in disk::segments(io) {
        let bytes = disk::bytes(io, &path);
        let span = u32::from_le_bytes(bytes[32..36].try_into().expect("four")) as usize;
        if bytes.len() > span << 16 {
            disk::replace(io, &path, &bytes[..span << 16]);
        }
    }
}

/// What the store contains; `None` if some of it is reported as damaged.
fn read_all(engine: &Engine) -> Option<Model> {
    let mut model = Model::default();
    for (space, content) in model.0.iter_mut().enumerate() {
        let mut cursor = 0;
        loop {
            let mut access = engine.enter(common::NOW);
            access.set_blocking(true);
            let scanned = access.scan(space as u16, cursor, 50, &mut |key, entry| {
                content.insert(key.to_vec(), (entry.value.to_vec(), entry.meta.expiry_ms));
            });
            match scanned {
                Ok(0) => break,
                Ok(next) => cursor = next,
                Err(ReadError::Damaged) => return None,
                Err(error) => panic!("{error}"),
            }
        }
    }
    Some(model)
}

fn memory_stayed_in_proportion() {
    let largest = METER.0.load(Ordering::Relaxed);
    assert!(largest < LARGEST_BLOCK, "a block of {largest} bytes was asked for");
}

#[test]
fn a_flipped_bit_anywhere_is_harmless_or_reported() {
    let mut flips = 0;
    let samples = [Sample::new(true), Sample::new(false), Sample::with_checkpoint(true)];
    for (sample, closed) in samples.iter().zip([true, false, true]) {
        let mut rng = Rng(first_seed());
        let mut flip = |path: &Path, offset: usize| {
            let or = sample.alternative(closed, path, offset);
            let mask = 1 << rng.below(8);
            let what = format!("bit {mask:#x} of {} at {offset}, closed {closed}", path.display());
            sample.outcome(&what, or, |io| {
                io.corrupt(path, offset as u64, mask).expect("in the file")
            });
            flips += 1;
        };
        (0..48).for_each(|offset| flip(&disk::manifest(), offset));
        for segment in disk::segments(&sample.io) {
            (0..64).for_each(|offset| flip(&segment, offset));
        }
        let mut dice = Rng(first_seed() + 1);
        for frame in disk::frames(&sample.io) {
            (0..64).for_each(|offset| flip(&frame.file, frame.offset + offset));
            for _ in 0..rounds(12) {
                let offset =
                    frame.offset + dice.below(frame.len.next_multiple_of(BLOCK) as u64) as usize;
                let len = disk::bytes(&sample.io, &frame.file).len();
                flip(&frame.file, offset.min(len - 1));
            }
        }
    }
    println!("{flips} flips");
    memory_stayed_in_proportion();
}

#[test]
fn a_flipped_bit_in_what_is_checked_is_always_reported() {
    let sample = Sample::new(true);
    let mut rng = Rng(first_seed());
    for frame in disk::frames(&sample.io).into_iter().filter(|frame| frame.records > 0) {
        for _ in 0..rounds(12) {
            let (offset, mask) =
                (frame.offset + rng.below(frame.len as u64) as usize, 1 << rng.below(8));
            sample.reported(&format!("bit {mask:#x} of {frame:?} at {offset}"), |io| {
                io.corrupt(&frame.file, offset as u64, mask).expect("in the file");
            });
        }
    }
}

#[test]
fn zeroed_blocks_are_harmless_or_reported() {
    let samples = [Sample::new(true), Sample::new(false), Sample::with_checkpoint(true)];
    for (sample, closed) in samples.iter().zip([true, false, true]) {
        for segment in disk::segments(&sample.io) {
            let len = disk::bytes(&sample.io, &segment).len();
            for offset in (0..len).step_by(BLOCK) {
                let or = sample.alternative(closed, &segment, offset);
                let what = format!("block {offset} of {}, closed {closed}", segment.display());
                sample.outcome(&what, or, |io| {
                    disk::overwrite(io, &segment, offset, &[0; BLOCK][..BLOCK.min(len - offset)]);
                });
            }
        }
    }
}

#[test]
fn truncation_is_reported_but_at_the_end_of_the_last_segment() {
    let sample = Sample::new(true);
    let (segments, frames) = (disk::segments(&sample.io), disk::frames(&sample.io));
    for segment in &segments {
        let bytes = disk::bytes(&sample.io, segment);
        let (last, end) = {
            let of_file = || frames.iter().filter(|frame| frame.file == *segment);
            let end = of_file().map(|frame| frame.offset + frame.len).max();
            (segment == segments.last().expect("segments"), end.unwrap_or(BLOCK))
        };
        for len in (0..bytes.len()).step_by(1_777).chain([1, 63, 64, BLOCK - 1, BLOCK, BLOCK + 1]) {
            let cut = |io: &SimIo| disk::replace(io, segment, &bytes[..len]);
            let what = format!("{} cut to {len}", segment.display());
            if !last && len < end || len < BLOCK {
                sample.reported(&what, cut);
            } else if !last {
                sample.outcome(&what, None, cut);
            } else {
                // Nothing outside a file says how long it was: such damage looks like a crash.
                let io = sample.io.snapshot();
                cut(&io);
                let engine = Engine::open(quiet(Arc::new(io))).expect("open");
                engine.close().expect("close");
            }
        }
    }
}

#[test]
fn frames_in_the_wrong_place_are_reported() {
    let sample = Sample::new(true);
    let frames: Vec<FramePlace> =
        disk::frames(&sample.io).into_iter().filter(|frame| frame.records > 0).collect();
    let read = |frame: &FramePlace| {
        disk::bytes(&sample.io, &frame.file)[frame.offset..frame.offset + frame.len].to_vec()
    };
    for (one, other) in frames.iter().zip(&frames[1..]).chain([(&frames[1], &frames[20])]) {
        let (a, b) = (read(one), read(other));
        sample.reported(&format!("{one:?} and {other:?} exchanged"), |io| {
            disk::overwrite(io, &one.file, one.offset, &b);
            disk::overwrite(io, &other.file, other.offset, &a);
        });
        sample.reported(&format!("{one:?} again at {other:?}"), |io| {
            disk::overwrite(io, &other.file, other.offset, &a);
        });
    }
    // Behind the end it means nothing.
    let end = disk::frames(&sample.io).pop().expect("the frame that closes the log");
    sample.outcome("a frame repeated behind the end", None, |io| {
        disk::overwrite(io, &end.file, end.offset + BLOCK, &read(&frames[0]));
        disk::overwrite(io, &end.file, end.offset + 2 * BLOCK, &read(&sample.last_frame()));
    });
}

#[test]
fn a_missing_or_foreign_segment_is_reported() {
    let (sample, foreign) = (Sample::new(true), Sample::new(true));
    let segments = disk::segments(&sample.io);
    for segment in &segments[..segments.len() - 1] {
        sample.reported(&format!("{} removed", segment.display()), |io| {
            io.remove(segment).expect("remove");
        });
    }
    for segment in &segments {
        let other = disk::bytes(&foreign.io, segment);
        sample.reported(&format!("{} of another store", segment.display()), |io| {
            disk::replace(io, segment, &other);
        });
        sample.reported(&format!("{} with nothing in it", segment.display()), |io| {
            disk::replace(io, segment, &[]);
        });
    }
    let (first, second) =
        (disk::bytes(&sample.io, &segments[0]), disk::bytes(&sample.io, &segments[1]));
    sample.reported("two segments exchanged", |io| {
        disk::replace(io, &segments[0], &second);
        disk::replace(io, &segments[1], &first);
    });
    sample.reported("an old segment in a later place", |io| {
        let next = PathBuf::from("/store/segment-0000000000ff");
        io.open(&next, ferric_engine::io::OpenMode::Create).expect("create");
        disk::replace(io, &next, &first);
    });
}

/// A backup was put back, went its own way, and then somebody mixed the files: the same store, the
/// same addresses, intact frames, but other groups before them.
#[test]
fn a_segment_of_another_history_is_reported() {
    let io = SimIo::new();
    let write = |io: &SimIo, values: &[(&[u8], usize)]| {
        let engine = Engine::open(quiet(Arc::new(io.clone()))).expect("open");
        for (key, len) in values {
            let lsn = put(&engine, key, &value(key[0].into(), *len)).expect("put");
            assert!(wait(&engine, lsn));
        }
        let image = io.snapshot();
        engine.close().expect("close");
        image
    };
    let backup = write(&io, &[(b"k", 10)]);
    // Two blocks each, but one group and two.
    let end = [(&b"l"[..], 50_000), (b"y", 10), (b"z", 10)];
    let (one, other) = (backup.snapshot(), backup.snapshot());
    write(&one, &[&[(&b"a"[..], 5_000)][..], &end].concat());
    write(&other, &[&[(&b"a"[..], 10), (b"b", 10)][..], &end].concat());
    mix(&one.snapshot(), &other);
    [&one, &other].into_iter().for_each(strip);
    mix(&one, &other);
}

/// Puts the second segment of `other` into `one`, which is reported.
fn mix(one: &SimIo, other: &SimIo) {
    let segment = disk::segments(one).swap_remove(1);
    assert_eq!(segment, disk::segments(other)[1]);
    let headers = [one, other].map(|io| disk::bytes(io, &segment)[..64].to_vec());
    assert_eq!(headers[0], headers[1], "nothing but the frames tells them apart");
    disk::replace(one, &segment, &disk::bytes(other, &segment));
    let opened = Engine::open(quiet(Arc::new(one.clone())));
    assert!(matches!(opened, Err(OpenError::Corrupt { .. })), "{:?}", opened.map(|e| e.stats()));
}

#[test]
fn a_version_from_the_future_is_refused_by_name() {
    let sample = Sample::new(true);
    let reason = |file: &Path, version_at: usize, checked: std::ops::Range<usize>| {
        let mut bytes = disk::bytes(&sample.io, file);
        bytes[version_at] += 1;
        let crc = crc32c::crc32c(&bytes[checked]);
        bytes[8..12].copy_from_slice(&crc.to_le_bytes());
        let io = sample.io.snapshot();
        disk::replace(&io, file, &bytes);
        match Engine::open(quiet(Arc::new(io))) {
            Err(error @ OpenError::Corrupt { .. }) => error.to_string(),
            other => panic!("{:?}", other.err()),
        }
    };
    assert!(reason(&disk::manifest(), 12, 12..48).contains("version 3"));
    assert!(reason(&disk::segments(&sample.io)[1], 12, 12..64).contains("version 2"));
}

#[test]
fn a_store_of_version_1_is_brought_up_to_date() {
    let sample = Sample::new(true);
    let io = sample.io.snapshot();
    let mut bytes = disk::bytes(&io, &disk::manifest());
    let now = bytes.clone();
    bytes[12] = 1;
    let crc = crc32c::crc32c(&bytes[12..48]);
    bytes[8..12].copy_from_slice(&crc.to_le_bytes());
    disk::replace(&io, &disk::manifest(), &bytes);
    // Whatever a crash leaves of that, it is a store of one version or the other.
    let images = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let hook = Arc::clone(&images);
    io.on_call(Box::new(move |io, number| hook.lock().extend(io.crash_images(number, 3))));
    let expected = {
        let engine = Engine::open(quiet(Arc::new(sample.io.snapshot()))).expect("open");
        Model::read(&engine)
    };
    for io in [io.clone()].into_iter().chain(std::iter::from_fn(|| images.lock().pop())) {
        let engine = Engine::open(quiet(Arc::new(io.clone()))).expect("open");
        assert!(Model::read(&engine) == expected);
        engine.close().expect("close");
        assert_eq!(disk::bytes(&io, &disk::manifest()), now);
    }
}

/// Found by fuzzing: recovery made a table of as many entries as a header said, 32 GiB of them.
#[test]
fn a_segment_header_does_not_decide_how_much_memory_is_used() {
    let sample = Sample::new(true);
    for segment in disk::segments(&sample.io) {
        for span in [0u32, 1 << 24, u32::MAX] {
            let mut header = disk::bytes(&sample.io, &segment)[..64].to_vec();
            header[32..36].copy_from_slice(&span.to_le_bytes());
            let sum = crc32c::crc32c(&header[12..]);
            header[8..12].copy_from_slice(&sum.to_le_bytes());
            sample.reported(&format!("{} with span {span}", segment.display()), |io| {
                disk::overwrite(io, &segment, 0, &header);
            });
        }
    }
    memory_stayed_in_proportion();
}

#[test]
fn a_lost_or_damaged_manifest_is_reported() {
    let sample = Sample::new(true);
    sample.reported("no manifest", |io| io.remove(&disk::manifest()).expect("remove"));
    for len in [0, 1, 47, 49, 100_000] {
        sample.reported(&format!("a manifest of {len} bytes"), |io| {
            let mut bytes = disk::bytes(io, &disk::manifest());
            bytes.resize(len, 0);
            disk::replace(io, &disk::manifest(), &bytes);
        });
    }
    memory_stayed_in_proportion();
}

/// However much room the last segment has left, closing says so on disk.
#[test]
fn after_closing_damage_to_the_last_write_is_reported() {
    for len in (0..64).map(|n| 56_000 + n * 128).chain([100, 62_000, 64_000, 120_000, 126_900]) {
        let io = SimIo::new();
        let engine = Engine::open(quiet(Arc::new(io.clone()))).expect("open");
        let lsn = put(&engine, b"k", &value(1, len)).expect("put");
        assert!(wait(&engine, lsn));
        engine.close().expect("close");
        let frame =
            disk::frames(&io).into_iter().rfind(|frame| frame.records > 0).expect("a frame");
        io.corrupt(&frame.file, frame.offset as u64 + 150, 1).expect("in the file");
        expect_report(&io, &frame, &format!("{len} bytes"));
        strip(&io);
        let opened = Engine::open(quiet(Arc::new(io)));
        assert!(matches!(opened, Err(OpenError::Corrupt { .. })), "{len} bytes");
    }
}

/// Damage to `frame`, which has the value of the key `k`, is reported: when the store is opened, if
/// the frame is in the segment where the log ends, else when the key is read.
fn expect_report(io: &SimIo, frame: &FramePlace, what: &str) {
    let in_last = disk::segments(io).last() == Some(&frame.file);
    match Engine::open(quiet(Arc::new(io.snapshot()))) {
        Err(OpenError::Corrupt { file, offset, .. }) => {
            assert_eq!((&file, offset), (&frame.file, frame.offset as u64), "{what}");
        }
        Ok(engine) => {
            assert!(!in_last, "{what}: not reported");
            let read = common::run(&engine, common::NOW, |access| {
                let key = common::key(&engine, access, 0, b"k");
                access.read(&key, true, |entry| entry.is_some())
            });
            assert_eq!(read.map(|(found, _)| found), Err(ReadError::Damaged), "{what}");
        }
        Err(error) => panic!("{what}: {error}"),
    }
}

/// The same for a session that recovered the last write and wrote nothing itself.
#[test]
fn after_closing_a_recovered_store_damage_is_reported() {
    for len in [100, 58_000, 61_000, 90_000] {
        let io = SimIo::new();
        let engine = Engine::open(quiet(Arc::new(io.clone()))).expect("open");
        let lsn = put(&engine, b"k", &value(1, len)).expect("put");
        assert!(wait(&engine, lsn));
        let image = io.snapshot();
        engine.close().expect("close");
        Engine::open(quiet(Arc::new(image.clone()))).expect("open").close().expect("close");
        let frame =
            disk::frames(&image).into_iter().rfind(|frame| frame.records > 0).expect("a frame");
        image.corrupt(&frame.file, frame.offset as u64 + 150, 1).expect("in the file");
        expect_report(&image, &frame, &format!("{len} bytes"));
        strip(&image);
        let opened = Engine::open(quiet(Arc::new(image)));
        assert!(matches!(opened, Err(OpenError::Corrupt { .. })), "{len} bytes");
    }
}

/// A change of a file's bytes, of no particular sense.
#[derive(Clone, Debug)]
enum Mutation {
    Bytes {
        at: usize,
        bytes: Vec<u8>,
    },
    /// Bytes from elsewhere in the same file.
    Copy {
        from: usize,
        to: usize,
        len: usize,
    },
    Cut {
        at: usize,
    },
    Append {
        bytes: Vec<u8>,
    },
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let bytes = || proptest::collection::vec(any::<u8>(), 1..200);
    prop_oneof![
        (any::<usize>(), bytes()).prop_map(|(at, bytes)| Mutation::Bytes { at, bytes }),
        (0usize..32, 0usize..32, 1usize..20_000).prop_map(|(from, to, len)| Mutation::Copy {
            from: from * BLOCK,
            to: to * BLOCK,
            len
        }),
        (any::<usize>(), any::<usize>(), 1usize..20_000)
            .prop_map(|(from, to, len)| Mutation::Copy { from, to, len }),
        any::<usize>().prop_map(|at| Mutation::Cut { at }),
        bytes().prop_map(|bytes| Mutation::Append { bytes }),
    ]
}

fn mutate(file: &mut Vec<u8>, mutation: &Mutation) {
    let len = file.len().max(1);
    match mutation {
        Mutation::Bytes { at, bytes } => {
            let at = at % len;
            file.truncate(file.len().max(at));
            let end = file.len().min(at + bytes.len());
            file.splice(at..end, bytes.iter().copied());
        }
        Mutation::Copy { from, to, len: count } => {
            let (from, to) = (from % len, to % len);
            let part = file[from..file.len().min(from + count)].to_vec();
            let end = file.len().min(to + part.len());
            file.splice(to..end, part);
        }
        Mutation::Cut { at } => file.truncate(at % len),
        Mutation::Append { bytes } => file.extend_from_slice(bytes),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150 * rounds(1) as u32, ..config() })]

    #[test]
    fn mutated_segments_serve_nothing_that_was_never_written(
        closed: bool, stripped: bool, which in 0usize..8, mutations in proptest::collection::vec(mutation(), 1..4),
    ) {
        let sample = if stripped { Sample::new(closed) } else { Sample::with_checkpoint(closed) };
        let segments = disk::segments(&sample.io);
        // Mostly the last one, where recovery has something to decide.
        let path = segments.get(which).unwrap_or(segments.last().expect("segments"));
        let mut bytes = disk::bytes(&sample.io, path);
        mutations.iter().for_each(|mutation| mutate(&mut bytes, mutation));
        disk::replace(&sample.io, path, &bytes);
        match Engine::open(quiet(Arc::new(sample.io.clone()))) {
            Ok(engine) => {
                let found = read_all(&engine);
                let damaged = found.is_none();
                for (key, (found, _)) in found.into_iter().flat_map(|model| model.0).flatten() {
                    let written = (0..26).map(|number| value(number, found.len()));
                    prop_assert!(written.into_iter().any(|known| known == found), "{:?}", key);
                }
                let lsn = put(&engine, b"after", b"x").expect("put");
                prop_assert!(wait(&engine, lsn));
                engine.close().expect("close");
                match Engine::open(quiet(Arc::new(sample.io.clone()))) {
                    Ok(engine) => {
                        prop_assert_eq!(common::get(&engine, b"after"), Some(b"x".to_vec()));
                        engine.close().expect("close");
                    }
                    Err(error) => prop_assert!(damaged, "{}", error),
                }
            }
            Err(OpenError::Corrupt { .. }) => {}
            Err(error) => prop_assert!(false, "{}", error),
        }
        memory_stayed_in_proportion();
    }
}
