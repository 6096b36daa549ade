//! Values of several records: whatever a crash, a failing call or damage leaves of them, they are as
//! they were after some number of whole commands, or an error says that they are not.
//!
//! `FERRIC_TEST_SEED` and `FERRIC_TEST_ROUNDS` are those of `tests/crash.rs`.
#![allow(missing_docs)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use common::chains::{Change, Lists as Model, Step, execute, random_step};
use common::list::Lists;
use common::rng::Rng;
use common::{first_seed, options, quiet, rounds, wait};
use ferric_engine::io::sim::{Fault, SimIo};
use ferric_engine::{Engine, Options};
use parking_lot::Mutex;

/// Images taken at one I/O call, and the one image of so many that is merged and opened again.
const IMAGES_A_CALL: usize = 3;
const THOROUGH_ONE_IN: u64 = 12;
/// Memory for the log and next to no objects.
const LITTLE: u64 = (4 << 20) + (128 << 10);

fn with_lists(options: Options) -> Options {
    Options { codec: Arc::new(Lists), ..options }
}

fn open(io: &SimIo, shards: u16) -> Result<Arc<Engine>, String> {
    let options = with_lists(quiet(Arc::new(io.clone())));
    Engine::open(Options { shards, ..options }).map_err(|error| format!("open: {error}"))
}

fn checkpoint(engine: &Engine) -> Result<(), String> {
    let (sender, receiver) = channel();
    engine.checkpoint(Box::new(move |outcome| drop(sender.send(outcome))));
    receiver.recv().expect("told once")
}

fn merge(engine: &Engine) -> Result<(), String> {
    let (sender, receiver) = channel();
    engine.merge_now(Box::new(move |outcome| drop(sender.send(outcome))));
    receiver.recv().expect("told once")
}

/// What the workload and the hook know of each other.
#[derive(Default)]
struct Watch {
    /// Digests of the state after 0, 1, 2 … steps.
    history: Mutex<Vec<u64>>,
    acked: AtomicUsize,
    issued: AtomicUsize,
    images: AtomicU64,
    /// Bases written, and objects brought into memory, by the workload.
    folds: AtomicU64,
    loads: AtomicU64,
    failures: Mutex<Vec<String>>,
}

impl Watch {
    /// Looks at images of the disk as it is before an I/O call.
    fn look(&self, io: &SimIo, seed: u64) {
        let from = self.acked.load(Ordering::SeqCst);
        let images = io.crash_images(seed, IMAGES_A_CALL);
        let to = self.issued.load(Ordering::SeqCst);
        for (number, image) in images.iter().enumerate() {
            if let Err(reason) = self.check(image, (from, to)) {
                let steps = format!("steps {from} to {to}");
                self.failures.lock().push(format!("seed {seed:#x}, {number}, {steps}: {reason}"));
            }
        }
    }

    /// The image opens, and shows the state after some of the steps; so it does after all garbage has
    /// been removed from it, and when its index is made anew.
    fn check(&self, image: &SimIo, (from, to): (usize, usize)) -> Result<(), String> {
        let count = self.images.fetch_add(1, Ordering::Relaxed);
        // With another number of shards no checkpoint can be used.
        let engine = open(image, if count.is_multiple_of(4) { 3 } else { 2 })?;
        let digest = Model::read(&engine)?.digest();
        let history = self.history.lock()[..=to].to_vec();
        if !history[from..].contains(&digest) {
            let found = history.iter().position(|known| *known == digest);
            return Err(format!("the state is that after {found:?}"));
        }
        if count.is_multiple_of(THOROUGH_ONE_IN) {
            merge(&engine)?;
            self.expect(&engine, digest, "after merging")?;
            engine.close().map_err(|error| error.to_string())?;
            for shards in [2, 4] {
                let again = open(image, shards)?;
                self.expect(&again, digest, "after merging and opening")?;
                again.close().map_err(|error| error.to_string())?;
            }
        }
        engine.close().map_err(|error| error.to_string())
    }

    fn close(&self, engine: &Engine) {
        let stats = engine.stats();
        self.folds.fetch_add(stats.folds, Ordering::Relaxed);
        self.loads.fetch_add(stats.objects_loaded, Ordering::Relaxed);
        engine.close().expect("close");
    }

    fn expect(&self, engine: &Engine, digest: u64, when: &str) -> Result<(), String> {
        let found = Model::read(engine)?.digest();
        if found == digest { Ok(()) } else { Err(format!("another state {when}")) }
    }
}

fn settings(io: &SimIo, rng: &mut Rng) -> Options {
    let io = Arc::new(io.clone());
    let mut options = with_lists(if rng.one_in(2) { options(io) } else { quiet(io) });
    options.shards = if rng.one_in(4) { 3 } else { 2 };
    options.checkpoint_bytes = rng.below(400_000);
    if rng.one_in(2) {
        options.max_memory = LITTLE;
    }
    options
}

fn assert_none(watch: &Watch, when: &str) {
    let failures = watch.failures.lock();
    assert!(failures.is_empty(), "{when}: {}", failures.join("\n"));
}

/// Runs random commands, with crash images before every I/O call.
fn run(seed: u64, steps: u64) -> Arc<Watch> {
    let (watch, mut model) = (Arc::new(Watch::default()), Model::default());
    watch.history.lock().push(model.digest());
    let io = SimIo::new();
    let hook = Arc::clone(&watch);
    io.on_call(Box::new(move |io, number| hook.look(io, seed << 32 | number)));
    let mut rng = Rng(seed);
    let mut engine = Engine::open(settings(&io, &mut rng)).expect("open");
    let mut highest = 0;
    for number in 0..steps {
        let step = random_step(&mut rng, &model, seed << 20 | number);
        model.apply(&step);
        watch.history.lock().push(model.digest());
        watch.issued.fetch_add(1, Ordering::SeqCst);
        highest = execute(&engine, &step).expect("write").max(highest);
        let mut acknowledge = rng.one_in(3);
        if acknowledge {
            assert!(wait(&engine, highest), "seed {seed}");
        }
        match rng.below(24) {
            0 => merge(&engine).expect("merge"),
            1 | 2 => checkpoint(&engine).expect("checkpoint"),
            3 => {
                watch.close(&engine);
                engine = Engine::open(settings(&io, &mut rng)).expect("reopen");
                (highest, acknowledge) = (0, true);
            }
            4..=8 => assert!(Model::read(&engine).as_ref() == Ok(&model), "seed {seed}"),
            _ => {}
        }
        if acknowledge {
            watch.acked.store(number as usize + 1, Ordering::SeqCst);
        }
        assert_none(&watch, &format!("seed {seed}, step {number}, {step:?}"));
    }
    assert!(Model::read(&engine) == Ok(model), "seed {seed}");
    watch.close(&engine);
    watch.acked.store(steps as usize, Ordering::SeqCst);
    watch.look(&io, seed);
    assert_none(&watch, &format!("seed {seed}"));
    watch
}

#[test]
fn what_was_acknowledged_survives_a_crash_at_every_call() {
    let (mut images, mut folds, mut loads) = (0, 0, 0);
    for seed in first_seed()..first_seed() + rounds(3) {
        let watch = run(seed, 70);
        images += watch.images.load(Ordering::Relaxed);
        folds += watch.folds.load(Ordering::Relaxed);
        loads += watch.loads.load(Ordering::Relaxed);
    }
    println!("{images} images, {folds} bases, {loads} objects brought into memory");
    assert!(images > 300 && folds > 10 && loads > 10);
}

/// A store that is changed, merged and closed, one call of which fails.
fn fail_nth_call(seed: u64, n: u64, fault: Fault) -> Result<bool, String> {
    let (io, mut rng, mut model) = (SimIo::new(), Rng(seed), Model::default());
    let mut history = vec![model.digest()];
    let mut acked = 0;
    let engine = open(&io, 2)?;
    io.fail_at(io.calls() + n, fault);
    let call = io.calls() + n;
    for number in 0..40 {
        let step = random_step(&mut rng, &model, seed << 20 | number);
        let Ok(lsn) = execute(&engine, &step) else { break };
        model.apply(&step);
        history.push(model.digest());
        if number % 5 == 0 && wait(&engine, lsn) {
            acked = history.len() - 1;
        }
        // What fails here is tried again later.
        match number {
            15 | 30 => drop(merge(&engine)),
            20 => drop(checkpoint(&engine)),
            _ => {}
        }
    }
    let last = Model::read(&engine)?.digest();
    if last != history[history.len() - 1] {
        return Err("reads do not go on".into());
    }
    drop(engine.close());
    let beyond = io.calls() < call;
    for image in io.crash_images(seed ^ n, 3).iter().chain([&io.snapshot()]) {
        let engine = open(image, 2)?;
        let digest = Model::read(&engine)?.digest();
        merge(&engine)?;
        let merged = Model::read(&engine)?.digest();
        engine.close().map_err(|error| error.to_string())?;
        if merged != digest || !history[acked..].contains(&digest) {
            let found = history.iter().position(|known| *known == digest);
            return Err(format!(
                "{acked} acknowledged, {found:?} found, merged {}",
                merged == digest
            ));
        }
    }
    Ok(!beyond)
}

#[test]
fn every_call_fails_in_turn() {
    for fault in [Fault::Eio, Fault::Enospc, Fault::ShortWrite, Fault::FailedSync] {
        let one = |n: &u64| {
            let more = fail_nth_call(3, *n, fault);
            more.unwrap_or_else(|error| panic!("{fault:?} at {n}: {error}"))
        };
        // Some calls, each fault others.
        let first = 1 + first_seed() * 3 + fault as u64 * 2;
        let runs = (first % 20..).step_by(20).take_while(one).count();
        assert!(runs > 5, "{runs}");
    }
}

/// Adds or changes a string of a list.
fn patch(engine: &Engine, model: &mut Model, key: u64, place: usize, len: usize) {
    let changes = vec![Change { key, place, string: vec![place as u8; len] }];
    let step = Step::Write { changes, deletes: Vec::new() };
    let lsn = execute(engine, &step).expect("write");
    model.apply(&step);
    assert!(wait(engine, lsn));
}

/// A store whose first segments have lists `0..count`, each changed `changes` times, and garbage.
fn with_garbage(io: &SimIo, count: u64, changes: usize) -> (Arc<Engine>, Model) {
    let (engine, mut model) = (open(io, 2).expect("open"), Model::default());
    for key in 0..count {
        let list = vec![vec![key as u8; 300]; 20];
        let step = Step::Put { key, list, expiry_ms: 0 };
        execute(&engine, &step).expect("write");
        model.apply(&step);
        (0..changes).for_each(|place| patch(&engine, &mut model, key, place, 30));
    }
    for n in 0..30 {
        let lsn = common::put(&engine, b"garbage", &vec![n; 10_000]).expect("put");
        assert!(wait(&engine, lsn));
    }
    (engine, model)
}

#[test]
fn a_change_of_what_was_just_merged_survives_a_crash_before_the_next_checkpoint() {
    let mut failed = 0;
    for n in 1.. {
        let io = SimIo::new();
        let (engine, mut model) = with_garbage(&io, 3, 0);
        let call = io.calls() + n;
        io.fail_at(call, Fault::Eio);
        let merged = merge(&engine).is_ok();
        if !merged && engine.failure().is_none() {
            patch(&engine, &mut model, 1, 3, 70);
            failed += 1;
        }
        for image in io.crash_images(n, 4) {
            let engine = open(&image, 2).expect("open");
            assert!(Model::read(&engine).as_ref() == Ok(&model), "failing call {n}");
            engine.close().expect("close");
        }
        drop(engine.close());
        if io.calls() < call {
            break;
        }
    }
    assert!(failed > 15, "{failed}");
}

#[test]
fn merging_gives_back_the_room_of_what_values_had_changed() {
    let io = SimIo::new();
    let (engine, model) = with_garbage(&io, 6, 50);
    assert!(engine.stats().segments > 20);
    merge(&engine).expect("merge");
    let after = engine.stats();
    assert!(after.folds >= 6 && after.segments <= 3, "{after:?}");
    // What was written instead of the changes is garbage no more than once.
    merge(&engine).expect("merge");
    let again = engine.stats();
    assert!(again.folds == after.folds && again.dead_bytes < 100_000, "{again:?}");
    for shards in [2, 3] {
        let engine = open(&io.crash_images(1, 1)[0], shards).expect("open");
        assert!(Model::read(&engine).as_ref() == Ok(&model));
        engine.close().expect("close");
    }
    engine.close().expect("close");
}

/// Merging on request failed when the log had no room for a base at that moment.
#[test]
fn merging_waits_for_room_in_the_log() {
    let io = SimIo::new();
    let (engine, model) = with_garbage(&io, 6, 50);
    engine.close().expect("close");
    let options = with_lists(quiet(Arc::new(io.clone())));
    // Less than two of the bases at a time.
    let options = Options { shards: 2, max_undurable: 12 << 10, ..options };
    let engine = Engine::open(options).expect("open");
    merge(&engine).expect("merge");
    assert!(engine.stats().folds >= 6 && Model::read(&engine) == Ok(model));
    engine.close().expect("close");
}
