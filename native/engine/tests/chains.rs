//! Values of several records: whatever a crash, a failing call or damage leaves of them, they are as
//! they were after some number of whole commands, or an error says that they are not.
//!
//! `FERRIC_TEST_SEED` and `FERRIC_TEST_ROUNDS` are those of `tests/crash.rs`.
#![allow(missing_docs)]

mod common;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use common::chains::{Change, Lists as Model, Step, execute, random_step};
use common::rng::Rng;
use common::watch::{LITTLE, Watch, assert_none, checkpoint, merge, open, with_lists};
use common::{first_seed, options, quiet, rounds, wait};
use ferric_engine::io::sim::{Fault, SimIo};
use ferric_engine::{Engine, Options};

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

/// Runs random commands, with crash images before every I/O call.
fn run(seed: u64, steps: u64) -> Arc<Watch> {
    let (watch, mut model) = (Arc::new(Watch::default()), Model::default());
    watch.begin(model.digest());
    let io = SimIo::new();
    watch.watch(&io, seed, 1);
    let mut rng = Rng(seed);
    let mut engine = Engine::open(settings(&io, &mut rng)).expect("open");
    let mut highest = 0;
    for number in 0..steps {
        let step = random_step(&mut rng, &model, seed << 20 | number);
        model.apply(&step);
        watch.begin(model.digest());
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
