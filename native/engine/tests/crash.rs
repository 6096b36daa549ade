//! Power cuts: whatever a crash at any I/O call leaves of the disk, everything acknowledged is
//! there, and the store is as it was after some number of whole commands.
//!
//! `FERRIC_TEST_SEED=7 FERRIC_TEST_ROUNDS=10 cargo test --test crash` replays other, and more,
//! workloads. How commands fall into groups depends on the scheduler, so a seed repeats the
//! commands and the choice of images, not every interleaving.
#![allow(missing_docs)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use common::model::{Model, execute, random_step};
use common::rng::Rng;
use common::{first_seed, options, quiet, rounds, wait};
use ferric_engine::io::sim::SimIo;
use ferric_engine::{Durability, Engine, Options};
use parking_lot::Mutex;

/// Images taken at one I/O call, and the one image of so many that is examined thoroughly. No common
/// factor: the kinds of images come in one order, and each is to have its turn. Nearly all of the time goes
/// into opening stores, most of them after a second crash.
const IMAGES_A_CALL: usize = 10;
const THOROUGH_ONE_IN: u64 = 37;

/// What the workload and the hook know of each other.
#[derive(Default)]
struct Watch {
    /// Digests of the state after 0, 1, 2 … steps.
    history: Mutex<Vec<u64>>,
    /// Steps that are known to be durable, and steps begun.
    acked: AtomicUsize,
    issued: AtomicUsize,
    /// Shards of the store at the moment: an image is opened with as many, so that its checkpoints
    /// can be used, or now and then with another number, so that they cannot.
    shards: AtomicU16,
    images: AtomicU64,
    nested_images: AtomicU64,
    /// Images that were opened, and of these, by a checkpoint.
    opened: AtomicU64,
    by_checkpoint: AtomicU64,
    failures: Mutex<Vec<String>>,
}

impl Watch {
    /// Looks at images of the disk as it is before an I/O call.
    fn look(&self, io: &SimIo, seed: u64, steps: Range) {
        let images = io.crash_images(seed, IMAGES_A_CALL);
        let steps = Range { to: self.issued.load(Ordering::SeqCst), ..steps };
        for (number, image) in images.iter().enumerate() {
            let count = self.images.fetch_add(1, Ordering::Relaxed);
            let outcome = if count.is_multiple_of(THOROUGH_ONE_IN) {
                self.examine(image, seed, steps)
            } else {
                self.check(image, steps)
            };
            if let Err(reason) = outcome {
                self.failures.lock().push(format!("call seed {seed}, image {number}: {reason}"));
            }
        }
    }

    /// The image opens, and shows the state after `steps` steps.
    fn check(&self, image: &SimIo, steps: Range) -> Result<(), String> {
        let engine = self.reopen(image)?;
        let found = self.expect_prefix(&engine, steps);
        engine.close().map_err(|error| error.to_string())?;
        found
    }

    fn reopen(&self, image: &SimIo) -> Result<Arc<Engine>, String> {
        let mut options = quiet(Arc::new(image.clone()));
        options.shards = self.shards.load(Ordering::SeqCst);
        if self.opened.fetch_add(1, Ordering::Relaxed).is_multiple_of(5) {
            options.shards += 1;
        }
        let engine = Engine::open(options).map_err(|error| format!("open: {error}"))?;
        if engine.stats().recovery.ends_with("checkpoint") {
            self.by_checkpoint.fetch_add(1, Ordering::Relaxed);
        }
        Ok(engine)
    }

    fn expect_prefix(&self, engine: &Engine, steps: Range) -> Result<(), String> {
        let digest = Model::read(engine).digest();
        let history = self.history.lock();
        if history[steps.from..=steps.to].contains(&digest) {
            return Ok(());
        }
        let found = history.iter().position(|known| *known == digest);
        Err(format!("steps {steps:?} were allowed, the state is that after {found:?}"))
    }

    /// [`Watch::check`], then power cuts while the image is opened and first written to.
    fn examine(&self, image: &SimIo, seed: u64, steps: Range) -> Result<(), String> {
        let nested: Arc<Mutex<Vec<(usize, SimIo)>>> = Arc::default();
        let acked = Arc::new(AtomicUsize::new(0));
        let (push, known) = (Arc::clone(&nested), Arc::clone(&acked));
        image.on_call(Box::new(move |io, number| {
            let images = io.crash_images(seed ^ number, 4);
            let acked = known.load(Ordering::SeqCst);
            push.lock().extend(images.into_iter().map(|image| (acked, image)));
        }));
        let engine = self.reopen(image)?;
        self.expect_prefix(&engine, steps)?;
        let mut model = Model::read(&engine);
        let mut digests = vec![model.digest()];
        let mut rng = Rng(seed);
        for number in 0..4 {
            let step = random_step(&mut rng, 1 << 40 | number);
            model.apply(&step);
            digests.push(model.digest());
            let lsn = execute(&engine, &step).map_err(|error| error.to_string())?;
            if !wait(&engine, lsn.max(engine.written())) {
                return Err("a write after recovery was not acknowledged".into());
            }
            acked.store(digests.len() - 1, Ordering::SeqCst);
        }
        engine.close().map_err(|error| error.to_string())?;
        image.on_call(Box::new(|_, _| {}));
        let last = digests.len() - 1;
        let after = std::mem::take(&mut *nested.lock());
        self.nested_images.fetch_add(after.len() as u64, Ordering::Relaxed);
        for (acked, image) in after.into_iter().chain([(last, image.clone())]) {
            let engine = self.reopen(&image).map_err(|reason| format!("second crash: {reason}"))?;
            let digest = Model::read(&engine).digest();
            engine.close().map_err(|error| error.to_string())?;
            if !digests[acked..].contains(&digest) {
                let found = digests.iter().position(|known| *known == digest);
                return Err(format!("second crash: {acked} acknowledged, {found:?} found"));
            }
        }
        Ok(())
    }
}

/// Asks for a checkpoint and waits until it is there.
fn checkpoint(engine: &Engine) {
    let (sender, receiver) = std::sync::mpsc::channel();
    engine.checkpoint(Box::new(move |outcome| drop(sender.send(outcome))));
    receiver.recv().expect("told once").expect("a checkpoint");
}

/// Numbers of steps that a state may be made of.
#[derive(Clone, Copy, Debug)]
struct Range {
    from: usize,
    to: usize,
}

/// The workload's settings, changed at each reopening.
fn settings(watch: &Watch, io: &SimIo, rng: &mut Rng, durability: Durability) -> Options {
    let mut options =
        if rng.one_in(2) { options(Arc::new(io.clone())) } else { quiet(Arc::new(io.clone())) };
    if rng.one_in(4) {
        watch.shards.store(1 + rng.below(4) as u16, Ordering::SeqCst);
    }
    options.shards = watch.shards.load(Ordering::SeqCst);
    // Any log that is longer than this and twice the index makes a checkpoint due.
    options.checkpoint_bytes = rng.below(200_000);
    options.durability = durability;
    options
}

/// Runs `steps` random commands, with crash images before every I/O call.
fn run(seed: u64, steps: u64, durability: Durability) -> Arc<Watch> {
    let watch = Arc::new(Watch { shards: AtomicU16::new(2), ..Watch::default() });
    let mut model = Model::default();
    watch.history.lock().push(model.digest());
    let io = SimIo::new();
    let hook = Arc::clone(&watch);
    io.on_call(Box::new(move |io, number| {
        let from = hook.acked.load(Ordering::SeqCst);
        hook.look(io, seed << 32 | number, Range { from, to: from });
    }));
    let mut rng = Rng(seed);
    let mut engine = Engine::open(settings(&watch, &io, &mut rng, durability)).expect("open");
    let mut highest = 0;
    for number in 0..steps {
        let step = random_step(&mut rng, seed << 20 | number);
        model.apply(&step);
        watch.history.lock().push(model.digest());
        watch.issued.fetch_add(1, Ordering::SeqCst);
        let lsn = execute(&engine, &step).expect("write");
        highest = highest.max(lsn);
        let acknowledge = rng.one_in(3);
        if acknowledge {
            let lsn = if durability == Durability::Quorum { highest } else { engine.written() };
            assert!(wait(&engine, lsn), "seed {seed}");
        }
        if rng.one_in(12) {
            checkpoint(&engine);
        }
        let close = rng.one_in(20);
        if close {
            engine.close().expect("close");
            (engine, highest) =
                (Engine::open(settings(&watch, &io, &mut rng, durability)).expect("reopen"), 0);
        }
        if acknowledge || close {
            watch.acked.store(number as usize + 1, Ordering::SeqCst);
        }
        let failures = watch.failures.lock();
        assert!(failures.is_empty(), "seed {seed}, step {number}: {}", failures.join("\n"));
    }
    engine.close().expect("close");
    watch.acked.store(steps as usize, Ordering::SeqCst);
    watch.look(&io, seed, Range { from: steps as usize, to: 0 });
    let failures = watch.failures.lock();
    assert!(failures.is_empty(), "seed {seed}: {}", failures.join("\n"));
    drop(failures);
    watch
}

fn run_seeds(name: &str, count: u64, durability: Durability) {
    let (mut images, mut nested, mut by_checkpoint) = (0, 0, 0);
    let seeds = first_seed()..first_seed() + rounds(count);
    for seed in seeds.clone() {
        let watch = run(seed, 60, durability);
        images += watch.images.load(Ordering::Relaxed);
        nested += watch.nested_images.load(Ordering::Relaxed);
        by_checkpoint += watch.by_checkpoint.load(Ordering::Relaxed);
    }
    println!("{name}: seeds {seeds:?}, {images} images, {nested} of a second crash");
    println!("{name}: {by_checkpoint} opened by a checkpoint");
    assert!(by_checkpoint > images / 10, "checkpoints are hardly used");
}

#[test]
fn what_was_acknowledged_survives_a_crash_at_every_call() {
    run_seeds("quorum", 5, Durability::Quorum);
}

#[test]
fn in_async_mode_a_crash_leaves_a_prefix() {
    run_seeds("async", 2, Durability::Async { interval: Duration::from_millis(2) });
}
