//! Merging as users of the store see it: what was deleted stays deleted, what was written stays, and
//! the files do not grow without bound; whatever fails or crashes, and whatever the index is made
//! from when the store is opened again.
//!
//! `FERRIC_TEST_SEED=7 FERRIC_TEST_ROUNDS=10 cargo test --test merge` replays other, and more,
//! workloads.
#![allow(missing_docs)]

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use common::model::{Model, Step, execute, execute_at, random_step, value};
use common::rng::Rng;
use common::{NOW, first_seed, get, key, put, quiet, rounds, wait, write};
use ferric_engine::io::sim::{Fault, SimIo};
use ferric_engine::io::{Io, OpenMode};
use ferric_engine::{Engine, ManualClock, Meta, Options};
use parking_lot::Mutex;

fn options_on(io: &SimIo) -> Options {
    let mut options = quiet(Arc::new(io.clone()));
    options.merge_rate = 0;
    options
}

fn open(io: &SimIo) -> Arc<Engine> {
    Engine::open(options_on(io)).expect("open")
}

/// Merges everything that can be, and waits for the checkpoint without it.
fn merge(engine: &Engine) -> Result<(), String> {
    let (sender, receiver) = channel();
    engine.merge_now(Box::new(move |outcome| drop(sender.send(outcome))));
    receiver.recv().expect("told once")
}

fn checkpoint(engine: &Engine) {
    let (sender, receiver) = channel();
    engine.checkpoint(Box::new(move |outcome| drop(sender.send(outcome))));
    receiver.recv().expect("told once").expect("a checkpoint");
}

fn settle(engine: &Engine) {
    assert!(wait(engine, engine.written()));
}

/// Ends the segment that is written to.
fn fill(engine: &Engine) {
    put(engine, b"filler", &value(1, 40_000)).expect("put");
    settle(engine);
    put(engine, b"filler", &value(2, 40_000)).expect("put");
    settle(engine);
}

fn delete(engine: &Engine, key: &[u8]) {
    write(engine, 0, &[(key, None)]).expect("delete");
}

fn files(io: &SimIo, part: &str) -> Vec<PathBuf> {
    let wanted = |path: &PathBuf| path.to_string_lossy().contains(part);
    io.file_names().into_iter().filter(wanted).collect()
}

fn length(io: &SimIo, path: &Path) -> u64 {
    io.open(path, OpenMode::Read).expect("open").len().expect("length")
}

fn damage_checkpoints(io: &SimIo, number: usize) {
    let newest = files(io, "/checkpoint-").into_iter().rev().take(number);
    newest.for_each(|path| io.corrupt(&path, 40, 0xff).expect("corrupt"));
}

/// What a store shows that is opened from its checkpoint, from the one before, and from its
/// segments alone.
fn reopened(io: &SimIo) -> Vec<(&'static str, Arc<Engine>)> {
    (0..3)
        .map(|damaged| {
            let io = io.snapshot();
            damage_checkpoints(&io, damaged);
            let engine = open(&io);
            (engine.stats().recovery, engine)
        })
        .collect()
}

fn close(engine: &Engine) {
    engine.close().expect("close");
}

#[test]
fn a_deleted_key_does_not_return_after_a_merge() {
    let io = SimIo::new();
    let engine = open(&io);
    put(&engine, b"gone", b"1").expect("put");
    put(&engine, b"kept", b"1").expect("put");
    fill(&engine);
    checkpoint(&engine);
    delete(&engine, b"gone");
    fill(&engine);
    merge(&engine).expect("merge");
    close(&engine);
    for (from, engine) in reopened(&io) {
        assert_eq!(get(&engine, b"gone"), None, "{from}");
        assert_eq!(get(&engine, b"kept").as_deref(), Some(&b"1"[..]), "{from}");
        close(&engine);
    }
}

#[test]
fn an_index_offset_is_not_stale_after_a_merge() {
    let io = SimIo::new();
    let mut engine = open(&io);
    let name = |n: u64| format!("key{n}").into_bytes();
    let expected =
        |n: u64, round: u64| value(n * 100 + if n % 3 == round % 3 { round } else { 9 }, 700);
    for n in 0..200 {
        put(&engine, &name(n), &value(n * 100 + 9, 700)).expect("put");
    }
    for round in 0..6 {
        for n in (0..200).filter(|n| n % 3 == round % 3) {
            put(&engine, &name(n), &expected(n, round)).expect("put");
        }
        fill(&engine);
        merge(&engine).expect("merge");
        let check = |engine: &Engine| {
            for n in (0..200).filter(|n| n % 3 == round % 3) {
                assert_eq!(
                    get(engine, &name(n)),
                    Some(expected(n, round)),
                    "round {round}, key {n}"
                );
            }
        };
        check(&engine);
        close(&engine);
        for (_, engine) in reopened(&io) {
            check(&engine);
            close(&engine);
        }
        engine = open(&io);
        for n in (0..200).filter(|n| n % 3 == round % 3) {
            put(&engine, &name(n), &value(n * 100 + 9, 700)).expect("put");
        }
    }
    close(&engine);
}

/// The version that expired is merged and dropped; the one below it must not come to light.
#[test]
fn an_expired_key_does_not_return_after_a_merge_and_the_loss_of_the_checkpoints() {
    let io = SimIo::new();
    let clock = Arc::new(ManualClock::new(NOW));
    let mut options = options_on(&io);
    options.clock = Arc::clone(&clock) as _;
    let engine = Engine::open(options.clone()).expect("open");
    put(&engine, b"k", b"lasting").expect("put");
    // This segment stays: nothing else of it is ever unneeded.
    put(&engine, b"bulk", &value(1, 60_000)).expect("put");
    settle(&engine);
    let brief = Meta { expiry_ms: NOW + 10, ..Meta::default() };
    let expiring = |access: &mut ferric_engine::Access<'_>| {
        let key = key(&engine, access, 0, b"k");
        access.lock(&key).put(&key, brief, b"brief")
    };
    common::run(&engine, NOW, expiring).expect("put");
    fill(&engine);
    clock.set(NOW + 5_000);
    merge(&engine).expect("merge");
    close(&engine);
    for damaged in 0..3 {
        let io = io.snapshot();
        damage_checkpoints(&io, damaged);
        let engine = Engine::open(Options { io: Arc::new(io), ..options.clone() }).expect("open");
        let mut access = engine.enter(NOW + 5_000);
        let key = key(&engine, &access, 0, b"k");
        assert!(access.lock(&key).get(&key).expect("in memory").is_none(), "{damaged}");
        drop(access);
        close(&engine);
    }
}

#[test]
fn a_long_run_of_overwrites_takes_bounded_room() {
    let io = SimIo::new();
    let mut options = options_on(&io);
    (options.maintenance, options.checkpoint_bytes) = (true, 1 << 20);
    let engine = Engine::open(options).expect("open");
    let keys = 400;
    let (mut rng, mut written, mut worst) = (Rng(first_seed()), 0, 0);
    for number in 0..30_000 {
        // Most writes go to a fifth of the keys.
        let n = if rng.one_in(5) { rng.below(keys) } else { rng.below(keys / 5) };
        put(&engine, format!("key{n}").as_bytes(), &value(number, 3_000)).expect("put");
        written += 3_000;
        if number % 8 == 7 {
            settle(&engine);
        }
        if number % 3_000 == 2_999 {
            merge(&engine).expect("merge");
            let disk: u64 = files(&io, "/").iter().map(|path| length(&io, path)).sum();
            worst = worst.max(disk);
        }
    }
    let live = keys * 3_000;
    assert!(written > 60 * live);
    assert!(worst * 2 <= live * 5, "{worst} bytes of disk for {live} of data");
    let stats = engine.stats();
    assert!(stats.merges > 0 && stats.dead_bytes < stats.live_bytes, "{stats:?}");
    close(&engine);
}

#[test]
fn merging_happens_by_itself_and_can_be_paused() {
    let io = SimIo::new();
    let mut options = options_on(&io);
    options.maintenance = true;
    let engine = Engine::open(options).expect("open");
    engine.merge_pause(true);
    assert_eq!(engine.stats().merge_state, "paused");
    for number in 0..300 {
        put(&engine, b"one", &value(number, 3_000)).expect("put");
        settle(&engine);
    }
    std::thread::sleep(std::time::Duration::from_millis(1_200));
    assert_eq!(engine.stats().merges, 0);
    assert!(merge(&engine).is_err(), "not even when it is asked for");
    engine.merge_pause(false);
    while engine.stats().merges == 0 {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    close(&engine);
    assert_eq!(get(&open(&io), b"one"), Some(value(299, 3_000)));
}

#[test]
fn closing_does_not_wait_for_a_slow_merge() {
    let io = SimIo::new();
    let mut options = options_on(&io);
    options.merge_rate = 1_000;
    let engine = Engine::open(options).expect("open");
    for number in 0..40 {
        put(&engine, format!("k{}", number % 30).as_bytes(), &value(number, 10_000)).expect("put");
        settle(&engine);
    }
    let (sender, receiver) = channel();
    engine.merge_now(Box::new(move |outcome| drop(sender.send(outcome))));
    std::thread::sleep(std::time::Duration::from_millis(100));
    let started = std::time::Instant::now();
    close(&engine);
    assert!(started.elapsed() < std::time::Duration::from_secs(5), "the rest would take minutes");
    assert!(receiver.recv().expect("told").is_err());
    let engine = open(&io);
    assert_eq!(get(&engine, b"k29"), Some(value(29, 10_000)));
    close(&engine);
}

/// A workload with merges and checkpoints in it.
struct Work {
    rng: Rng,
    seed: u64,
    steps: u64,
}

/// What is known of a store while it works: its states, and which of them may be found.
#[derive(Default)]
struct History {
    digests: Mutex<Vec<u64>>,
    acked: AtomicUsize,
}

impl History {
    fn push(&self, model: &Model) {
        self.digests.lock().push(model.digest());
    }

    fn ack(&self) {
        self.acked.store(self.digests.lock().len() - 1, Ordering::SeqCst);
    }

    /// The state of the store on `io` is one of those that may be.
    fn check(&self, io: &SimIo, acked: usize) -> Result<(), String> {
        let engine = Engine::open(options_on(io)).map_err(|error| format!("open: {error}"))?;
        let digest = Model::read(&engine).digest();
        let from = engine.stats().recovery;
        engine.close().map_err(|error| error.to_string())?;
        let digests = self.digests.lock();
        if digests[acked..].contains(&digest) {
            return Ok(());
        }
        let found = digests.iter().position(|known| *known == digest);
        Err(format!("{from}: {acked} acknowledged, the state is that after {found:?}"))
    }
}

impl Work {
    fn new(seed: u64) -> Work {
        Work { rng: Rng(seed), seed, steps: 0 }
    }

    /// A random step, done.
    fn step(&mut self, engine: &Engine, model: &mut Model, history: &History) {
        self.steps += 1;
        let step = random_step(&mut self.rng, self.seed << 20 | self.steps);
        model.apply(&step);
        history.push(model);
        execute(engine, &step).expect("write");
    }
}

/// A power cut before any call while writes, merges and checkpoints go on: everything acknowledged
/// is there, whether the checkpoints are or not.
#[test]
fn what_was_acknowledged_survives_a_crash_during_merges() {
    let (mut images, seeds) = (0, first_seed()..first_seed() + rounds(3));
    for seed in seeds {
        let io = SimIo::new();
        let history = Arc::new(History::default());
        let failures: Arc<Mutex<Vec<String>>> = Arc::default();
        let count = Arc::new(AtomicUsize::new(0));
        let mut model = Model::default();
        history.push(&model);
        let engine = open(&io);
        let (watch, errors, counter) =
            (Arc::clone(&history), Arc::clone(&failures), Arc::clone(&count));
        io.on_call(Box::new(move |io, number| {
            let acked = watch.acked.load(Ordering::SeqCst);
            for (at, image) in io.crash_images(seed << 32 | number, 4).iter().enumerate() {
                if number.is_multiple_of(2) {
                    files(image, "/checkpoint-")
                        .iter()
                        .for_each(|path| image.remove(path).expect("remove"));
                }
                counter.fetch_add(1, Ordering::Relaxed);
                if let Err(reason) = watch.check(image, acked) {
                    errors.lock().push(format!("seed {seed}, call {number}, image {at}: {reason}"));
                }
            }
        }));
        let mut work = Work::new(seed);
        for _ in 0..12 {
            for _ in 0..work.rng.below(12) {
                work.step(&engine, &mut model, &history);
            }
            if work.rng.one_in(2) {
                settle(&engine);
                history.ack();
            }
            if work.rng.one_in(3) {
                checkpoint(&engine);
            } else {
                merge(&engine).expect("merge");
            }
            let failures = failures.lock();
            assert!(failures.is_empty(), "{}", failures.join("\n"));
        }
        close(&engine);
        images += count.load(Ordering::Relaxed);
        assert!(failures.lock().is_empty(), "{}", failures.lock().join("\n"));
    }
    println!("{images} images");
}

/// Each call of a merge fails, alone and with all that follow. What fails is the merge or, if it is a
/// call of the log's, the log; nothing is lost, also not when the power fails then.
#[test]
fn every_call_of_a_merge_fails_in_turn() {
    for (fault, lasting) in
        [(Fault::Eio, false), (Fault::Eio, true), (Fault::Enospc, true), (Fault::FailedSync, false)]
    {
        for n in 1.. {
            let io = SimIo::new();
            let history = History::default();
            let mut model = Model::default();
            history.push(&model);
            let engine = open(&io);
            let mut work = Work::new(first_seed());
            for round in 0..3 {
                for _ in 0..25 {
                    work.step(&engine, &mut model, &history);
                }
                fill(&engine);
                delete(&engine, b"filler");
                settle(&engine);
                if round < 2 {
                    merge(&engine).expect("merge");
                }
            }
            history.ack();
            let (call, fired) = (io.calls() + n, io.faults_fired());
            if lasting {
                io.fail_from(call, fault)
            } else {
                io.fail_at(call, fault)
            }
            let outcome = merge(&engine);
            let beyond = io.calls() < call;
            let what = format!("{fault:?} at {n}, lasting {lasting}");
            assert!(outcome.is_ok() || io.faults_fired() > fired, "{what}: {outcome:?}");
            assert_eq!(Model::read(&engine).digest(), model.digest(), "{what}");
            for image in io.crash_images(n, 6) {
                history.check(&image, history.acked.load(Ordering::SeqCst)).expect(&what);
            }
            io.fail_from(u64::MAX, fault);
            // Queries that fail do not stop the log; another try finds everything in order.
            if engine.failure().is_none() && fault != Fault::FailedSync && !beyond {
                merge(&engine).unwrap_or_else(|error| panic!("{what}, again: {error}"));
            }
            drop(engine.close());
            // A call that was not reached would fail now.
            let disk = if beyond { io.snapshot() } else { io.clone() };
            let restarted = history.check(&disk, history.acked.load(Ordering::SeqCst));
            if let Err(reason) = restarted {
                assert!(reason.contains("sync directory"), "{what}: {reason}");
            }
            if beyond {
                break;
            }
        }
    }
}

/// The store is a map, whatever is merged when, and whatever its index is made from.
#[test]
fn the_store_is_a_map_while_segments_are_merged() {
    for seed in first_seed()..first_seed() + rounds(12) {
        let io = SimIo::new();
        let clock = Arc::new(ManualClock::new(NOW));
        let open = |io: &SimIo, rng: &mut Rng| {
            let mut options = options_on(io);
            options.maintenance = rng.one_in(2);
            (options.checkpoint_bytes, options.clock) = (100_000, Arc::clone(&clock) as _);
            Engine::open(options).expect("open")
        };
        let (mut rng, mut model, mut now) = (Rng(seed), Model::default(), NOW);
        let mut engine = open(&io, &mut rng);
        for number in 0..400 {
            match rng.below(30) {
                0 => merge(&engine).expect("merge"),
                1 => checkpoint(&engine),
                2 => {
                    now += rng.below(400_000);
                    clock.set(now);
                }
                3 => {
                    close(&engine);
                    let damaged = rng.below(3) as usize;
                    damage_checkpoints(&io, damaged);
                    engine = open(&io, &mut rng);
                }
                _ => {
                    let mut step = random_step(&mut rng, seed << 20 | number);
                    if let Step::Put { expiry_ms, .. } = &mut step
                        && *expiry_ms > 0
                    {
                        *expiry_ms += now - NOW;
                    }
                    while execute_at(&engine, &step, now).is_err() {
                        common::wait_room(&engine);
                    }
                    model.apply(&step);
                    if rng.one_in(4) {
                        settle(&engine);
                    }
                    continue;
                }
            }
            for content in &mut model.0 {
                content.retain(|_, (_, expiry)| *expiry == 0 || now <= *expiry);
            }
            assert!(Model::read_at(&engine, now) == model, "seed {seed}, after step {number}");
        }
        close(&engine);
    }
}
