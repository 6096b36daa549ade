//! The disk fails: nothing acknowledged is lost, nothing more is acknowledged, and who waits is
//! told. Each I/O call of a workload fails in turn, alone and with all that follow.
#![allow(missing_docs)]

mod common;

use std::sync::Arc;

use common::model::{Model, SPACES, Step, execute, execute_at, random_step, value};
use common::rng::Rng;
use common::{NOW, first_seed, get, put, quiet, rounds, wait};
use ferric_engine::io::sim::{Fault, SimIo};
use ferric_engine::{CloseError, Engine, OpenError, WriteError};

const FAULTS: [Fault; 4] = [Fault::Eio, Fault::Enospc, Fault::ShortWrite, Fault::FailedSync];
/// More calls than any workload here makes.
const NEVER: u64 = u64::MAX;

/// A workload up to its first failure.
struct Run {
    io: SimIo,
    /// States after 0, 1, 2 … steps that were accepted.
    states: Vec<Model>,
    /// Steps known to be durable.
    acked: usize,
    /// Whether anything has failed.
    failed: bool,
}

impl Run {
    fn new(io: SimIo) -> Run {
        Run { io, states: vec![Model::default()], acked: 0, failed: false }
    }

    fn last(&self) -> &Model {
        self.states.last().expect("at least the empty state")
    }

    /// Opens, does the steps, closes; notes what happens, and that it happens as promised.
    fn go(&mut self, steps: &[Step]) {
        let engine = match Engine::open(quiet(Arc::new(self.io.clone()))) {
            Ok(engine) => engine,
            Err(OpenError::Io { .. }) => return self.failed = true,
            Err(error) => panic!("{error}"),
        };
        let mut highest = 0;
        for (number, step) in steps.iter().enumerate() {
            match execute(&engine, step) {
                Ok(lsn) => highest = highest.max(lsn),
                Err(error) => {
                    assert!([WriteError::Failed, WriteError::Full].contains(&error), "{error}");
                    self.failed = true;
                    break;
                }
            }
            let mut model = self.last().clone();
            model.apply(step);
            self.states.push(model);
            if number % 3 != 1 {
                if !wait_unless_full(&engine, highest) {
                    self.failed = true;
                    break;
                }
                self.acked = self.states.len() - 1;
            }
        }
        if self.failed {
            self.check_failed(&engine);
        }
        match engine.close() {
            Ok(()) => {
                assert_eq!(engine.failure(), None, "a failure is reported when closing");
                self.failed = false;
                self.acked = self.states.len() - 1;
            }
            Err(CloseError::Failed(reason)) => {
                assert!(!reason.is_empty() && engine.failure().is_some());
                self.failed = true;
            }
        }
    }

    /// The log has failed, or waits for room: no write, no acknowledgement, but reads.
    fn check_failed(&self, engine: &Engine) {
        assert!(Model::read(engine) == *self.last(), "reads go on");
        if engine.failure().is_none() {
            return;
        }
        assert_eq!(put(engine, b"late", b"x"), Err(WriteError::Failed));
        assert_eq!(put(engine, b"key1", &value(1, 24)), Err(WriteError::Failed));
        assert_eq!(engine.enter(NOW).swap(0, 1), Err(WriteError::Failed));
        let mut access = engine.enter(NOW);
        access.depend_on_tail();
        let lsn = access.depends_on();
        drop(access);
        assert!(lsn == 0 || !wait(engine, lsn), "what is not durable is not acknowledged");
    }

    /// The state of the store on `io` is one of those that may be.
    fn check_disk(&self, io: &SimIo, what: &str) -> Result<Model, String> {
        let engine = Engine::open(quiet(Arc::new(io.clone())))
            .map_err(|error| format!("{what}: {error}"))?;
        let model = Model::read(&engine);
        engine.close().map_err(|error| format!("{what}: {error}"))?;
        if self.states[self.acked..].contains(&model) {
            return Ok(model);
        }
        let found = self.states.iter().position(|state| *state == model);
        Err(format!("{what}: {} acknowledged, found the state after {found:?}", self.acked))
    }

    /// Power cuts now, in every way: acknowledged steps are there.
    fn check_power_cuts(&self, seed: u64, what: &str) -> Result<(), String> {
        let images = self.io.crash_images(seed, 8);
        images.iter().try_for_each(|image| self.check_disk(image, what).map(drop))
    }

    /// The process starts again on a disk that works, without a power cut: what the kernel had in
    /// memory is still visible though it may not be on disk. Then it writes, and the power fails.
    fn check_restart(&mut self, seed: u64, steps: &[Step]) -> Result<(), String> {
        self.io.fail_from(NEVER, Fault::Eio);
        let model = match self.check_disk(&self.io, "restart") {
            Ok(model) => model,
            // A directory whose sync has failed cannot be synced again; then there is no store.
            Err(reason) if reason.contains("restart: sync directory") => return Ok(()),
            Err(reason) => return Err(reason),
        };
        (self.states, self.acked, self.failed) = (vec![model], 0, false);
        self.go(steps);
        if self.failed {
            return Err("a disk that works again is not used".into());
        }
        self.check_power_cuts(seed, "power cut after a restart")
    }
}

/// Updates in place, several segments, one larger than usual, flush and swap.
fn workload(seed: u64) -> Vec<Step> {
    let mut rng = Rng(seed);
    let mut steps: Vec<Step> = (0..18).map(|number| random_step(&mut rng, number)).collect();
    let put = |space, name: &str, len| Step::Put {
        space,
        key: name.into(),
        value: value(seed, len),
        expiry_ms: 0,
    };
    steps.insert(3, put(0, "half", 40_000));
    steps.insert(8, put(1, "half", 40_000));
    steps.insert(12, put(2, "large", 70_000));
    steps.push(Step::Flush(vec![1]));
    steps.push(Step::Swap(0, SPACES - 1));
    steps
}

/// Lets call `n` of the workload fail, and perhaps all later ones; false if there is no such call.
fn fail_nth_call(seed: u64, n: u64, fault: Fault, lasting: bool) -> Result<bool, String> {
    let (before, steps, after) = (workload(seed), workload(seed + 1_000), workload(seed + 2_000));
    let mut run = Run::new(SimIo::new());
    // The fault hits a store that has been used and is opened again.
    run.go(&before[..6]);
    assert!(!run.failed);
    let call = run.io.calls() + n;
    if lasting {
        run.io.fail_from(call, fault)
    } else {
        run.io.fail_at(call, fault)
    }
    run.go(&steps);
    if run.io.calls() < call {
        return Ok(false);
    }
    if run.failed && run.io.faults_fired() == 0 {
        return Err("failed without a fault".into());
    }
    run.check_power_cuts(seed ^ n, "power cut")?;
    run.check_restart(seed ^ n, &after[..5])?;
    Ok(true)
}

#[test]
fn every_call_fails_in_turn() {
    let mut runs = 0;
    for seed in first_seed()..first_seed() + rounds(1) {
        for (fault, lasting) in FAULTS.into_iter().flat_map(|f| [(f, false), (f, true)]) {
            let one = |n| {
                let more = fail_nth_call(seed, n, fault, lasting);
                more.unwrap_or_else(|e| {
                    panic!("seed {seed}, {fault:?} at {n}, lasting {lasting}: {e}")
                })
            };
            runs += (1..).take_while(|&n| one(n)).count();
        }
    }
    println!("{runs} runs with a failing call");
}

/// A disk with some segments, closed cleanly, and what is on it.
fn populated() -> (SimIo, Model) {
    let mut run = Run::new(SimIo::new());
    run.go(&workload(5));
    assert!(!run.failed);
    (run.io.snapshot(), run.last().clone())
}

#[test]
fn opening_fails_cleanly_at_every_call() {
    for fresh in [true, false] {
        let (disk, model) = populated();
        for fault in [Fault::Eio, Fault::Enospc, Fault::ShortWrite, Fault::FailedSync] {
            for n in 1.. {
                let io = if fresh { SimIo::new() } else { disk.snapshot() };
                let before = io.calls();
                io.fail_at(before + n, fault);
                let opened = Engine::open(quiet(Arc::new(io.clone())));
                let fired = io.faults_fired() > 0;
                let beyond = io.calls() < before + n;
                match opened {
                    Ok(engine) => drop(engine.close()),
                    Err(OpenError::Io { path, .. }) => {
                        assert!(fired && path.starts_with("/store"), "{fault:?} at {n}: {path:?}");
                    }
                    Err(error) => panic!("{fault:?} at {n}: {error}"),
                }
                if beyond {
                    break;
                }
                // The lock is free, and nothing is lost, also after a power cut.
                for io in io.crash_images(n, 6).iter().chain([&io]) {
                    let engine = match Engine::open(quiet(Arc::new(io.clone()))) {
                        Ok(engine) => engine,
                        Err(OpenError::Io { action: "sync directory", .. }) => continue,
                        Err(error) => panic!("{fault:?} at {n}: {error}"),
                    };
                    let expected = if fresh { Model::default() } else { model.clone() };
                    assert!(Model::read(&engine) == expected, "{fault:?} at {n}");
                    engine.close().expect("close");
                }
            }
        }
    }
}

/// Puts numbered keys until the disk is full; those acknowledged are in the model, and those that
/// wait for the disk are returned with what they wait for.
fn fill(engine: &Engine, acked: &mut Model, first: u64) -> Vec<(Step, u64)> {
    let mut waiting = Vec::new();
    for number in first.. {
        let key = format!("k{number}").into();
        let step = Step::Put { space: 0, key, value: value(number, 3_000), expiry_ms: 0 };
        match execute_at(engine, &step, NOW) {
            Ok(lsn) if wait_unless_full(engine, lsn) => acked.apply(&step),
            Ok(lsn) => waiting.push((step, lsn)),
            Err(WriteError::Full) => return waiting,
            Err(error) => panic!("{error}"),
        }
    }
    unreachable!("disks end")
}

/// Waits for `lsn`, or until the disk is full; says whether `lsn` is durable.
fn wait_unless_full(engine: &Engine, lsn: u64) -> bool {
    while !engine.is_durable(lsn) && engine.paused().is_none() && engine.failure().is_none() {
        std::thread::yield_now();
    }
    engine.is_durable(lsn)
}

#[test]
fn a_full_disk_pauses_writing_and_loses_nothing() {
    for capacity in [70_000u64, 150_000, 200_001, 290_000] {
        let io = SimIo::new();
        let engine = Engine::open(quiet(Arc::new(io.clone()))).expect("open");
        io.disk_full_after(capacity);
        let mut acked = Model::default();
        let waiting = fill(&engine, &mut acked, 0);
        assert!(acked.0[0].len() > 10);
        assert_eq!(get(&engine, b"k3"), Some(value(3, 3_000)), "reads go on");
        // A power cut now loses nothing, even if there is never more room.
        for io in io.crash_images(capacity, 10) {
            let engine = Engine::open(quiet(Arc::new(io))).expect("open");
            let mut found = Model::read(&engine);
            found.0[0].retain(|key, _| acked.0[0].contains_key(key));
            assert!(found == acked, "capacity {capacity}");
            drop(engine.close());
        }
        // With room again, what waited becomes durable, and writing goes on by itself.
        io.disk_full_after(1 << 30);
        for (step, lsn) in waiting {
            assert!(wait(&engine, lsn));
            acked.apply(&step);
        }
        while engine.paused().is_some() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let lsn = put(&engine, b"more", &value(1, 100_000)).expect("put");
        assert!(wait(&engine, lsn));
        assert_eq!(Model::read(&engine).0[0].len(), acked.0[0].len() + 1);
        engine.close().expect("close");
    }
}

#[test]
fn a_store_that_is_closed_on_a_full_disk_keeps_what_was_acknowledged() {
    let io = SimIo::new();
    let engine = Engine::open(quiet(Arc::new(io.clone()))).expect("open");
    io.disk_full_after(200_000);
    let mut acked = Model::default();
    let waiting = fill(&engine, &mut acked, 0);
    // What was waiting is durable by now, or lost, and said so.
    if engine.close().is_ok() {
        waiting.iter().for_each(|(step, _)| acked.apply(step));
    }
    let engine = Engine::open(quiet(Arc::new(io.clone()))).expect("open");
    let mut found = Model::read(&engine);
    found.0[0].retain(|key, _| acked.0[0].contains_key(key));
    assert!(found == acked);
    drop(engine.close());
}

#[test]
fn everybody_who_waits_is_told_once() {
    let io = SimIo::new();
    let engine = Engine::open(quiet(Arc::new(io.clone()))).expect("open");
    let gate = common::gate::Gate::before(&io);
    gate.close();
    let (sender, receiver) = std::sync::mpsc::channel();
    let mut expected = 0;
    for number in 0..50 {
        let lsn = put(&engine, format!("k{number}").as_bytes(), b"v").expect("put");
        let sender = sender.clone();
        let waiter = Box::new(move |outcome: Result<u64, _>| {
            let _ = sender.send(outcome.is_err());
        });
        assert!(engine.wait_durable(lsn, waiter).is_none());
        expected += 1;
    }
    io.fail_from(1, Fault::Eio);
    gate.open();
    let told: Vec<bool> = receiver.iter().take(expected).collect();
    assert!(told.into_iter().all(|failed| failed));
    assert!(receiver.try_recv().is_err());
    let waiter = Box::new(|_: Result<u64, _>| panic!("not called"));
    assert!(
        engine.wait_durable(engine.written(), waiter).is_some(),
        "given back after the failure"
    );
    assert!(engine.close().is_err());
    assert!(engine.close().is_err(), "and said again");
}
