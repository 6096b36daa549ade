//! Checkpoints, hints and the list of segments: a store opens quickly with them, and as well without
//! them, whatever has become of them.
#![allow(missing_docs)]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use common::disk;
use common::model::{Model, Step, execute, random_step, value};
use common::rng::Rng;
use common::{dump, first_seed, get, key, options, put, quiet, rounds, wait, write};
use ferric_engine::io::Io;
use ferric_engine::io::sim::{Fault, SimIo};
use ferric_engine::{Access, Engine, OpenError, Options, ReadError};
use parking_lot::Mutex;

fn open(io: &SimIo) -> Arc<Engine> {
    Engine::open(quiet(Arc::new(io.clone()))).expect("open")
}

fn checkpoint(engine: &Engine) -> Result<(), String> {
    let (sender, receiver) = std::sync::mpsc::channel();
    engine.checkpoint(Box::new(move |outcome| drop(sender.send(outcome))));
    receiver.recv().expect("told once")
}

fn put_durably(engine: &Engine, key: &[u8], value: &[u8]) {
    let lsn = put(engine, key, value).expect("put");
    assert!(wait(engine, lsn));
}

/// Puts the keys `from..to`, each with a value that says which.
fn fill(engine: &Engine, from: u64, to: u64) {
    for number in from..to {
        let lsn = put(engine, format!("k{number}").as_bytes(), &value(number, 200)).expect("put");
        if number % 16 == 15 || number == to - 1 {
            assert!(wait(engine, lsn));
        }
    }
}

fn filled(keys: u64) -> BTreeMap<Vec<u8>, Vec<u8>> {
    (0..keys).map(|number| (format!("k{number}").into_bytes(), value(number, 200))).collect()
}

fn checkpoints(io: &SimIo) -> Vec<PathBuf> {
    let is = |path: &PathBuf| path.to_string_lossy().contains("/checkpoint-");
    io.file_names().into_iter().filter(is).collect()
}

fn list() -> &'static Path {
    Path::new("/store/SEGMENTS")
}

#[test]
fn a_store_that_was_closed_reads_no_record() {
    let io = SimIo::new();
    let engine = open(&io);
    assert_eq!(engine.stats().recovery, "new");
    fill(&engine, 0, 1_000);
    engine.close().expect("close");
    for _ in 0..3 {
        let engine = open(&io);
        let stats = engine.stats();
        assert_eq!((stats.recovery, stats.replayed, stats.keys), ("checkpoint", 0, 1_000));
        assert_eq!(dump(&engine, 0), filled(1_000));
        engine.close().expect("close");
        assert_eq!(engine.stats().checkpoints, 0, "nothing has changed");
    }
}

#[test]
fn after_a_crash_only_the_end_of_the_log_is_read() {
    let io = SimIo::new();
    let engine = open(&io);
    fill(&engine, 0, 1_000);
    checkpoint(&engine).expect("checkpoint");
    assert_eq!(engine.stats().checkpoints, 1);
    fill(&engine, 1_000, 1_040);
    let lsn = write(&engine, 0, &[(b"k7", None), (b"k8", Some(b"new")), (b"k1003", None)]);
    assert!(wait(&engine, lsn.expect("write")));
    let mut expected = filled(1_040);
    expected.remove(&b"k7"[..]);
    expected.remove(&b"k1003"[..]);
    expected.insert(b"k8".to_vec(), b"new".to_vec());
    for image in io.crash_images(1, 20) {
        let engine = open(&image);
        let stats = engine.stats();
        assert_eq!((stats.recovery, stats.replayed), ("checkpoint", 43));
        assert!(dump(&engine, 0) == expected);
        assert_eq!((stats.keys, get(&engine, b"k7")), (1_038, None));
    }
}

#[test]
fn only_the_last_two_checkpoints_are_kept() {
    let io = SimIo::new();
    let engine = open(&io);
    for round in 0..5 {
        put_durably(&engine, b"k", &[round]);
        checkpoint(&engine).expect("checkpoint");
    }
    assert_eq!(checkpoints(&io).len(), 2);
    engine.close().expect("close");
    assert_eq!(checkpoints(&io).len(), 2, "nothing new, no new one");
}

#[test]
fn another_number_of_shards_means_a_rebuild() {
    let io = SimIo::new();
    let engine = open(&io);
    fill(&engine, 0, 500);
    engine.close().expect("close");
    for shards in [1, 7, 3] {
        let mut options = quiet(Arc::new(io.clone()));
        options.shards = shards;
        options.route = |key, shards| u16::from(key[key.len() - 1]) % shards;
        let engine = Engine::open(options.clone()).expect("open");
        let stats = engine.stats();
        assert_eq!((stats.recovery, stats.keys), ("rebuild", 500));
        assert!(stats.recovery_note.expect("a reason").contains("shards"));
        engine.close().expect("close");
        let engine = Engine::open(options).expect("open");
        assert_eq!(engine.stats().recovery, "checkpoint");
        engine.close().expect("close");
    }
}

/// A store with two checkpoints, a closed end, and hints in all segments but the last; and what it
/// contains.
struct Sample {
    io: SimIo,
    model: Model,
}

impl Sample {
    fn new() -> Sample {
        let io = SimIo::new();
        let mut model = Model::default();
        let mut rng = Rng(first_seed());
        let mut engine = open(&io);
        for round in 0..3u64 {
            for number in 0..60 {
                let step = random_step(&mut rng, round * 1_000 + number);
                let lsn = execute(&engine, &step).expect("write");
                assert!(wait(&engine, lsn));
                model.apply(&step);
            }
            engine.close().expect("close");
            engine = open(&io);
        }
        engine.close().expect("close");
        let sample = Sample { io: io.snapshot(), model };
        assert_eq!(checkpoints(&io).len(), 2);
        sample
    }

    /// Opens a copy of the disk to which `damage` was done: it must have the whole contents, and be
    /// opened in one of these ways.
    fn opens(&self, what: &str, ways: &[&str], damage: impl FnOnce(&SimIo)) {
        let io = self.io.snapshot();
        damage(&io);
        let engine = open(&io);
        assert!(Model::read(&engine) == self.model, "{what}: wrong data");
        let way = engine.stats().recovery;
        assert!(ways.contains(&way), "{what}: opened by {way}");
        put_durably(&engine, b"after", b"x");
        engine.close().expect("close");
        let engine = open(&io);
        assert_eq!(engine.stats().recovery, "checkpoint", "{what}");
        assert_eq!(get(&engine, b"after").as_deref(), Some(&b"x"[..]), "{what}");
    }
}

fn flip(io: &SimIo, path: &Path, offset: usize) {
    io.corrupt(path, offset as u64, 1 << (offset % 8)).expect("in the file");
}

#[test]
fn lost_checkpoints_cost_time_only() {
    let sample = Sample::new();
    let files = checkpoints(&sample.io);
    sample.opens("intact", &["checkpoint"], |_| {});
    let remove = |io: &SimIo, path: &PathBuf| io.remove(path).expect("remove");
    sample.opens("newest removed", &["older checkpoint"], |io| remove(io, &files[1]));
    sample.opens("older removed", &["checkpoint"], |io| remove(io, &files[0]));
    sample.opens("both removed", &["rebuild"], |io| files.iter().for_each(|f| remove(io, f)));
    sample.opens("exchanged", &["rebuild"], |io| {
        let bytes = [&files[0], &files[1]].map(|file| disk::bytes(io, file));
        disk::replace(io, &files[0], &bytes[1]);
        disk::replace(io, &files[1], &bytes[0]);
    });
    sample.opens("newest empty", &["older checkpoint"], |io| disk::replace(io, &files[1], &[]));
}

#[test]
fn a_flipped_bit_of_a_checkpoint_is_noticed() {
    let sample = Sample::new();
    let files = checkpoints(&sample.io);
    let mut rng = Rng(first_seed());
    let len = disk::bytes(&sample.io, &files[1]).len();
    let ends = (0..48).chain(len - 48..len);
    for offset in ends.chain((0..rounds(80)).map(|_| rng.below(len as u64) as usize)) {
        let what = format!("byte {offset} of {len}");
        sample.opens(&what, &["older checkpoint"], |io| flip(io, &files[1], offset));
        let both = |io: &SimIo| {
            flip(io, &files[1], offset);
            let len = disk::bytes(io, &files[0]).len();
            flip(io, &files[0], offset % len);
        };
        sample.opens(&what, &["rebuild"], both);
    }
}

#[test]
fn a_flipped_bit_of_the_list_is_reported() {
    let sample = Sample::new();
    let len = disk::bytes(&sample.io, list()).len();
    for offset in 0..len {
        let io = sample.io.snapshot();
        flip(&io, list(), offset);
        match Engine::open(quiet(Arc::new(io.clone()))) {
            Err(OpenError::Corrupt { file, .. }) => assert_eq!(file, list()),
            other => panic!("byte {offset}: {:?}", other.err()),
        }
        // Nothing was changed: with the list mended, it is the old store.
        disk::replace(&io, list(), &disk::bytes(&sample.io, list()));
        assert!(Model::read(&open(&io)) == sample.model, "byte {offset}");
    }
}

/// Where hints are: files that go on behind their segment's address range.
fn hints(io: &SimIo) -> Vec<(PathBuf, usize, usize)> {
    let hint = |path: PathBuf| {
        let bytes = disk::bytes(io, &path);
        let span = u32::from_le_bytes(bytes[32..36].try_into().expect("four")) as usize;
        let at = span << 16;
        (bytes.len() > at).then_some((path, at, bytes.len()))
    };
    disk::segments(io).into_iter().filter_map(hint).collect()
}

#[test]
fn damaged_hints_are_not_used() {
    let sample = Sample::new();
    let files = checkpoints(&sample.io);
    let without_checkpoints = |io: &SimIo| {
        files.iter().for_each(|file| io.remove(file).expect("remove"));
    };
    let hints = hints(&sample.io);
    assert!(hints.len() > 3 && hints.len() + 2 >= disk::segments(&sample.io).len());
    let mut rng = Rng(first_seed());
    for (path, at, end) in &hints {
        let offsets = (0..128).step_by(5).map(|offset| at + offset);
        let random = (0..rounds(12)).map(|_| at + rng.below((end - at) as u64) as usize);
        for offset in offsets.chain(random.collect::<Vec<_>>()) {
            sample.opens(&format!("{path:?} at {offset}"), &["rebuild"], |io| {
                without_checkpoints(io);
                flip(io, path, offset);
            });
        }
    }
    sample.opens("hints cut off", &["rebuild"], |io| {
        without_checkpoints(io);
        for (path, at, end) in &hints {
            let bytes = disk::bytes(io, path);
            disk::replace(io, path, &bytes[..at + (end - at) / 2]);
        }
    });
    sample.opens("hints exchanged", &["rebuild"], |io| {
        without_checkpoints(io);
        let (one, other) = (&hints[0], &hints[1]);
        let (mut a, mut b) = (disk::bytes(io, &one.0), disk::bytes(io, &other.0));
        let (hint_a, hint_b) = (a.split_off(one.1), b.split_off(other.1));
        disk::replace(io, &one.0, &[a, hint_b].concat());
        disk::replace(io, &other.0, &[b, hint_a].concat());
    });
}

/// Hints are worth having: with them, a rebuild does not look at the records.
#[test]
fn a_rebuild_reads_hints_instead_of_records() {
    let sample = Sample::new();
    let io = sample.io.snapshot();
    checkpoints(&io).iter().for_each(|file| io.remove(file).expect("remove"));
    let (path, _, _) = hints(&io).swap_remove(1);
    flip(&io, &path, disk::BLOCK + 70);
    let engine = open(&io);
    assert_eq!(engine.stats().recovery, "rebuild");
    drop(engine.close());
    // Without the hint the damage is met.
    let io = sample.io.snapshot();
    checkpoints(&io).iter().for_each(|file| io.remove(file).expect("remove"));
    flip(&io, &path, disk::BLOCK + 70);
    let bytes = disk::bytes(&io, &path);
    disk::replace(&io, &path, &bytes[..64 << 10]);
    let opened = Engine::open(quiet(Arc::new(io)));
    assert!(matches!(opened, Err(OpenError::Corrupt { file, .. }) if file == path));
}

#[test]
fn a_segment_that_is_listed_and_missing_is_reported() {
    let sample = Sample::new();
    for segment in disk::segments(&sample.io) {
        let io = sample.io.snapshot();
        io.remove(&segment).expect("remove");
        match Engine::open(quiet(Arc::new(io))) {
            Err(OpenError::Corrupt { file, .. }) => assert_eq!(file, segment),
            other => panic!("{segment:?}: {:?}", other.err()),
        }
    }
}

#[test]
fn damage_below_the_end_is_met_when_it_is_read() {
    let io = SimIo::new();
    let engine = open(&io);
    let keys: Vec<String> = (0..40).map(|number| format!("k{number}")).collect();
    for (number, name) in keys.iter().enumerate() {
        put_durably(&engine, name.as_bytes(), &value(number as u64, 9_000));
    }
    engine.close().expect("close");
    let frame = disk::frames(&io).swap_remove(2);
    flip(&io, &frame.file, frame.offset + 5_000);
    let engine = open(&io);
    assert_eq!((engine.stats().recovery, engine.stats().replayed), ("checkpoint", 0));
    let (mut damaged, mut intact) = (0, 0);
    for (number, name) in keys.iter().enumerate() {
        let read = |access: &mut Access<'_>| {
            let key = key(&engine, access, 0, name.as_bytes());
            access.read(&key, true, |entry| entry.map(|entry| entry.value.to_vec()))
        };
        match common::run(&engine, common::NOW, read) {
            Ok((found, _)) => {
                assert!(found == Some(value(number as u64, 9_000)), "{name}");
                intact += 1;
            }
            Err(error) => {
                assert_eq!(error, ReadError::Damaged);
                damaged += 1;
            }
        }
    }
    assert!(damaged >= 1 && intact >= 20, "{damaged} damaged, {intact} intact");
}

#[test]
fn a_rebuild_needs_no_more_memory_than_it_is_given() {
    let io = SimIo::new();
    let engine = open(&io);
    fill(&engine, 0, 6_000);
    for number in (0..6_000).step_by(3) {
        let name = format!("k{number}");
        write(&engine, 0, &[(name.as_bytes(), None)]).expect("delete");
    }
    engine.enter(common::NOW).swap(0, 1).expect("swap");
    let expected = dump(&engine, 1);
    engine.close().expect("close");
    checkpoints(&io).iter().for_each(|file| io.remove(file).expect("remove"));
    let mut options = quiet(Arc::new(io));
    // So little that only a part of the keys is entered at a time.
    options.rebuild_memory = 0;
    let engine = Engine::open(options).expect("open");
    assert_eq!((engine.stats().recovery, engine.stats().keys), ("rebuild", 4_000));
    assert!(dump(&engine, 1) == expected && dump(&engine, 0).is_empty());
}

#[test]
fn a_store_with_fewer_key_spaces_can_be_opened_if_none_was_logged() {
    let io = SimIo::new();
    let engine = open(&io);
    put_durably(&engine, b"k", b"v");
    engine.close().expect("close");
    let mut options = quiet(Arc::new(io.clone()));
    options.spaces = 2;
    let engine = Engine::open(options.clone()).expect("open");
    assert_eq!(engine.stats().recovery, "checkpoint");
    put_durably(&engine, b"k", b"w");
    engine.enter(common::NOW).swap(0, 1).expect("swap");
    engine.close().expect("close");
    options.spaces = 1;
    assert!(matches!(Engine::open(options), Err(OpenError::Config(_))));
}

/// Whatever I/O call of a checkpoint fails, the store goes on, says so, and the next one is fine.
#[test]
fn every_call_of_a_checkpoint_fails_in_turn() {
    let mut fired = 0;
    for fault in [Fault::Eio, Fault::Enospc, Fault::ShortWrite, Fault::FailedSync] {
        for lasting in [false, true] {
            fired += (1..).take_while(|&n| fail_in_checkpoint(fault, lasting, n)).count();
        }
    }
    println!("{fired} runs with a failing call");
    assert!(fired > 100, "{fired}");
}

/// False when a checkpoint does not make so many calls.
fn fail_in_checkpoint(fault: Fault, lasting: bool, n: u64) -> bool {
    let what = format!("{fault:?} at {n}, lasting {lasting}");
    let io = SimIo::new();
    let engine = open(&io);
    fill(&engine, 0, 300);
    checkpoint(&engine).expect("the first");
    fill(&engine, 300, 700);
    let (call, before) = (io.calls() + n, io.faults_fired());
    if lasting {
        io.fail_from(call, fault);
    } else {
        io.fail_at(call, fault);
    }
    let outcome = checkpoint(&engine);
    let (beyond, fired) = (io.calls() < call, io.faults_fired() > before);
    io.fail_from(u64::MAX, Fault::Eio);
    if beyond {
        return false;
    }
    let stats = engine.stats();
    let silent = outcome.is_ok() && stats.maintenance_failures == 0;
    assert!(fired || silent, "{what}: failed without a fault: {outcome:?}");
    assert!(stats.maintenance_error.is_some() == (stats.maintenance_failures > 0));
    assert!(engine.failure().is_none() && dump(&engine, 0) == filled(700), "{what}");
    for image in io.crash_images(n, 6).iter().chain([&io.snapshot()]) {
        let opened = Engine::open(quiet(Arc::new(image.clone())));
        let engine = opened.unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(dump(&engine, 0) == filled(700), "{what}");
        assert!(engine.stats().recovery.ends_with("checkpoint"), "{what}");
        engine.close().expect("close");
    }
    // A directory whose sync has failed stays broken, so nothing new can be made in it.
    if fault != Fault::FailedSync {
        checkpoint(&engine).unwrap_or_else(|error| panic!("{what}: then {error}"));
        engine.close().expect("close");
        assert_eq!(open(&io).stats().replayed, 0, "{what}");
    }
    true
}

/// Power cuts at every call of a checkpoint and of closing, and again while the image is opened,
/// written to, given a checkpoint, and closed.
#[test]
fn power_cuts_while_a_checkpoint_is_taken() {
    let (mut images, mut nested) = (0, 0);
    for seed in first_seed()..first_seed() + rounds(3) {
        let io = SimIo::new();
        let mut rng = Rng(seed);
        let mut model = Model::default();
        let engine = open(&io);
        let mut run = |engine: &Engine, model: &mut Model, number: u64| {
            let step = random_step(&mut rng, number);
            model.apply(&step);
            let lsn = execute(engine, &step).expect("write");
            assert!(wait(engine, lsn));
        };
        (0..80).for_each(|number| run(&engine, &mut model, number));
        checkpoint(&engine).expect("the first");
        (80..120).for_each(|number| run(&engine, &mut model, number));
        let kept = keep_images(&io, 12);
        checkpoint(&engine).expect("the second");
        engine.close().expect("close");
        io.on_call(Box::new(|_, _| {}));
        for (number, image) in kept.lock().drain(..).enumerate() {
            images += 1;
            nested += second_crash(&image, &model, number.is_multiple_of(7));
        }
    }
    println!("{images} images, {nested} of a second crash");
    assert!(images > 100 && nested > 300);
}

/// Images of the disk before each call from now on.
fn keep_images(io: &SimIo, a_call: usize) -> Arc<Mutex<Vec<SimIo>>> {
    let kept: Arc<Mutex<Vec<SimIo>>> = Arc::default();
    let push = Arc::clone(&kept);
    io.on_call(Box::new(move |io, number| push.lock().extend(io.crash_images(number, a_call))));
    kept
}

/// Opens an image and, if it is `thorough`, does it again for the images of what follows; how many.
fn second_crash(image: &SimIo, model: &Model, thorough: bool) -> usize {
    if !thorough {
        assert!(Model::read(&open(image)) == *model);
        return 0;
    }
    let kept = keep_images(image, 4);
    let engine = open(image);
    assert!(Model::read(&engine) == *model);
    let mut after = model.clone();
    let step = Step::Put { space: 0, key: b"more".to_vec(), value: value(1, 99), expiry_ms: 0 };
    after.apply(&step);
    let lsn = execute(&engine, &step).expect("write");
    assert!(wait(&engine, lsn));
    checkpoint(&engine).expect("checkpoint");
    engine.close().expect("close");
    image.on_call(Box::new(|_, _| {}));
    let kept = std::mem::take(&mut *kept.lock());
    for image in &kept {
        let found = Model::read(&open(image));
        assert!(found == *model || found == after, "second crash");
    }
    kept.len()
}

/// Checkpoints are fuzzy: writers, deleters and growing tables do not stop for them.
#[test]
fn checkpoints_taken_while_writing_lose_nothing() {
    let io = SimIo::new();
    let mut settings = options(Arc::new(io.clone()));
    settings.checkpoint_bytes = 0;
    settings.shards = 2;
    settings.segment_size = 1 << 20;
    let reopened = |io: &SimIo| Options { io: Arc::new(io.clone()), ..settings.clone() };
    let engine = Engine::open(settings.clone()).expect("open");
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..2u64)
        .map(|writer| {
            let (engine, stop) = (Arc::clone(&engine), Arc::clone(&stop));
            std::thread::spawn(move || churn(&engine, writer, &stop))
        })
        .collect();
    for _ in 0..6 {
        checkpoint(&engine).expect("checkpoint");
    }
    stop.store(true, Ordering::SeqCst);
    let mut expected = BTreeMap::new();
    for writer in writers {
        expected.extend(writer.join().expect("a writer"));
    }
    assert!(wait(&engine, engine.written()));
    for image in io.crash_images(1, 4) {
        let engine = Engine::open(reopened(&image)).expect("open");
        assert_eq!(engine.stats().recovery, "checkpoint");
        assert!(dump(&engine, 0) == expected);
    }
    engine.close().expect("close");
    let engine = Engine::open(reopened(&io)).expect("open");
    assert_eq!(engine.stats().replayed, 0);
    assert!(dump(&engine, 0) == expected);
}

/// Writes keys of its own until it is stopped; what they are in the end.
fn churn(engine: &Engine, writer: u64, stop: &AtomicBool) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut rng = Rng(writer);
    let mut mine = BTreeMap::new();
    for number in 0.. {
        if stop.load(Ordering::SeqCst) && number > 40_000 {
            break;
        }
        let name = format!("w{writer}:{}", rng.below(30_000)).into_bytes();
        let value = (!rng.one_in(4)).then(|| value(number, 8 + rng.below(30) as usize));
        while let Err(error) = write(engine, 0, &[(&name, value.as_deref())]) {
            assert_eq!(error, ferric_engine::WriteError::Busy);
            common::wait_room(engine);
        }
        match value {
            Some(value) => drop(mine.insert(name, value)),
            None => drop(mine.remove(&name)),
        }
    }
    mine
}

/// In the background, without being asked: by the bytes that were logged.
#[test]
fn a_checkpoint_is_taken_when_enough_was_logged() {
    let io = SimIo::new();
    let mut options = options(Arc::new(io.clone()));
    options.checkpoint_bytes = 100_000;
    let engine = Engine::open(options).expect("open");
    let mut number = 0;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while engine.stats().checkpoints < 2 {
        fill(&engine, number, number + 100);
        number += 100;
        assert!(std::time::Instant::now() < deadline, "no checkpoint");
    }
    let engine = open(&io.snapshot());
    assert_eq!(engine.stats().recovery, "checkpoint");
    assert!(engine.stats().replayed < number);
    assert!(dump(&engine, 0) == filled(number));
}
