//! What a workload on lists and its crash images know of each other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use ferric_engine::io::sim::SimIo;
use ferric_engine::{Engine, Options};
use parking_lot::Mutex;

use super::chains::Lists as Model;
use super::list::Lists;
use super::quiet;

/// Images taken at one I/O call, and the one image of so many that is merged and opened again. No common
/// factor: the kinds of images come in one order, and each is to have its turn.
const IMAGES_A_CALL: usize = 2;
const THOROUGH_ONE_IN: u64 = 11;
/// Memory for the log and next to no objects.
pub const LITTLE: u64 = (4 << 20) + (128 << 10);

pub fn with_lists(options: Options) -> Options {
    Options { codec: Arc::new(Lists), ..options }
}

pub fn open(io: &SimIo, shards: u16) -> Result<Arc<Engine>, String> {
    let options = with_lists(quiet(Arc::new(io.clone())));
    Engine::open(Options { shards, ..options }).map_err(|error| format!("open: {error}"))
}

pub fn checkpoint(engine: &Engine) -> Result<(), String> {
    let (sender, receiver) = channel();
    engine.checkpoint(Box::new(move |outcome| drop(sender.send(outcome))));
    receiver.recv().expect("told once")
}

pub fn merge(engine: &Engine) -> Result<(), String> {
    let (sender, receiver) = channel();
    engine.merge_now(Box::new(move |outcome| drop(sender.send(outcome))));
    receiver.recv().expect("told once")
}

/// What the workload and the hook know of each other.
#[derive(Default)]
pub struct Watch {
    /// Digests of the state after 0, 1, 2 … steps.
    history: Mutex<Vec<u64>>,
    /// Steps that are known to be durable.
    pub acked: AtomicUsize,
    pub images: AtomicU64,
    /// Bases written, and objects brought into memory, by the workload.
    pub folds: AtomicU64,
    pub loads: AtomicU64,
    failures: Mutex<Vec<String>>,
}

impl Watch {
    /// A step begins, after which the state will have this digest; the first is that of the empty store.
    pub fn begin(&self, digest: u64) {
        self.history.lock().push(digest);
    }

    /// Looks at images before each of the disk's I/O calls, or one of so many.
    pub fn watch(self: &Arc<Watch>, io: &SimIo, seed: u64, one_in: u64) {
        let watch = Arc::clone(self);
        io.on_call(Box::new(move |io, number| {
            if number.is_multiple_of(one_in) {
                watch.look(io, seed << 32 | number);
            }
        }));
    }

    /// Looks at images of the disk as it is before an I/O call.
    pub fn look(&self, io: &SimIo, seed: u64) {
        let from = self.acked.load(Ordering::SeqCst);
        let images = io.crash_images(seed, IMAGES_A_CALL);
        let to = self.history.lock().len() - 1;
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
        let engine = open(image, if count.is_multiple_of(5) { 3 } else { 2 })?;
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

    /// Closes the workload's engine.
    pub fn close(&self, engine: &Engine) {
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

/// Fails if an image was not as it has to be.
pub fn assert_none(watch: &Watch, when: &str) {
    let failures = watch.failures.lock();
    assert!(failures.is_empty(), "{when}: {}", failures.join("\n"));
}
