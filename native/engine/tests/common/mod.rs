//! A small client of the engine, and what the tests of its promises share.
#![allow(dead_code, missing_docs)]

pub mod backend;
pub mod chains;
pub mod disk;
pub mod gate;
pub mod list;
pub mod model;
pub mod rng;
pub mod temp;
pub mod watch;

use std::sync::Arc;
use std::sync::mpsc::channel;

use proptest::test_runner::{Config as ProptestConfig, FileFailurePersistence};

use ferric_engine::io::Io;
use ferric_engine::{
    Access, Engine, Entry, Key, ManualClock, Meta, Op, OpenError, Options, ReadError, WriteError,
};

/// The time at which the tests read and write unless they say otherwise, Unix milliseconds.
pub const NOW: u64 = 1_000_000;

/// Spreads keys over shards.
pub fn route(key: &[u8], shards: u16) -> u16 {
    key.iter().fold(7u16, |sum, &byte| sum.wrapping_mul(31).wrapping_add(u16::from(byte))) % shards
}

pub fn options(io: Arc<dyn Io>) -> Options {
    let mut options = Options::new("/store", io);
    options.shards = 3;
    options.spaces = 4;
    options.segment_size = 64 << 10;
    options.route = route;
    options.clock = Arc::new(ManualClock::new(NOW));
    options
}

/// [`options`] for a store whose background threads leave the disk alone, but for a checkpoint when
/// it is asked for or the store is closed, so that the calls of a test have the same numbers each
/// time.
pub fn quiet(io: Arc<dyn Io>) -> Options {
    let mut options = options(io);
    options.spare_segments = false;
    options.maintenance = false;
    options
}

pub fn open(io: Arc<dyn Io>) -> Result<Arc<Engine>, OpenError> {
    Engine::open(options(io))
}

/// How many rounds a randomised test runs: `usual`, times `FERRIC_TEST_ROUNDS`.
pub fn rounds(usual: u64) -> u64 {
    usual * from_env("FERRIC_TEST_ROUNDS").unwrap_or(1)
}

/// Where a randomised test's seeds begin: `FERRIC_TEST_SEED`, or a fixed number.
pub fn first_seed() -> u64 {
    from_env("FERRIC_TEST_SEED").unwrap_or(1)
}

/// proptest's settings, with failing cases kept beside the test's file.
pub fn config() -> ProptestConfig {
    let persistence = FileFailurePersistence::WithSource("regressions");
    ProptestConfig { failure_persistence: Some(Box::new(persistence)), ..ProptestConfig::default() }
}

fn from_env(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

pub fn key<'k>(engine: &Engine, access: &Access<'_>, space: u16, bytes: &'k [u8]) -> Key<'k> {
    access.key(space, route(bytes, engine.shards() as u16), bytes)
}

/// An error that may say that something has to be fetched first.
pub trait MayBeCold {
    fn is_cold(&self) -> bool;
}

impl MayBeCold for ReadError {
    fn is_cold(&self) -> bool {
        *self == ReadError::Cold
    }
}

impl MayBeCold for WriteError {
    fn is_cold(&self) -> bool {
        *self == WriteError::Cold
    }
}

/// Runs a command as the executor does: again and again until what it needs is in memory. Returns
/// what it returned, and what that depends on.
pub fn run<T, E: MayBeCold>(
    engine: &Engine,
    now: u64,
    mut command: impl FnMut(&mut Access<'_>) -> Result<T, E>,
) -> Result<(T, u64), E> {
    for attempts in 0.. {
        let mut access = engine.enter(now);
        match command(&mut access) {
            Ok(outcome) => return Ok((outcome, access.depends_on())),
            Err(error) if error.is_cold() => {
                let mut missing = access.take_missing();
                missing.set_attempts(attempts);
                drop(access);
                let (sender, receiver) = channel();
                let told = move || {
                    let _ = sender.send(());
                };
                engine.fetch(missing, Box::new(told));
                receiver.recv().expect("the waiter is called");
            }
            Err(error) => return Err(error),
        }
        assert!(attempts < 1_000, "always something missing: {:?}", engine.stats());
    }
    unreachable!("attempts do not end")
}

/// Puts or deletes several keys at once; returns what to wait for.
pub fn write(
    engine: &Engine,
    space: u16,
    changes: &[(&[u8], Option<&[u8]>)],
) -> Result<u64, WriteError> {
    run(engine, NOW, |access| write_with(engine, access, space, changes)).map(|(_, lsn)| lsn)
}

fn write_with(
    engine: &Engine,
    access: &mut Access<'_>,
    space: u16,
    changes: &[(&[u8], Option<&[u8]>)],
) -> Result<(), WriteError> {
    let keys: Vec<Key<'_>> =
        changes.iter().map(|(bytes, _)| key(engine, access, space, bytes)).collect();
    let ops: Vec<Op<'_>> = keys
        .iter()
        .zip(changes)
        .map(|(&key, (_, value))| match value {
            Some(value) => Op::Put { key, meta: Meta::default(), value },
            None => Op::Delete { key },
        })
        .collect();
    access.lock_all(&keys).write(&ops)
}

pub fn put(engine: &Engine, bytes: &[u8], value: &[u8]) -> Result<u64, WriteError> {
    let put = |access: &mut Access<'_>| {
        let key = key(engine, access, 0, bytes);
        access.lock(&key).put(&key, Meta::default(), value)
    };
    run(engine, NOW, put).map(|(_, lsn)| lsn)
}

/// The value, and what the answer depends on.
pub fn get_at(engine: &Engine, space: u16, bytes: &[u8]) -> (Option<Vec<u8>>, u64) {
    let get = |access: &mut Access<'_>| {
        let key = key(engine, access, space, bytes);
        access.read(&key, true, |entry| entry.map(|entry| entry.value.to_vec()))
    };
    run(engine, NOW, get).expect("the record is intact")
}

pub fn get(engine: &Engine, bytes: &[u8]) -> Option<Vec<u8>> {
    get_at(engine, 0, bytes).0
}

/// Waits until `lsn` is durable; false when the log has failed.
pub fn wait(engine: &Engine, lsn: u64) -> bool {
    if lsn == 0 {
        return true;
    }
    let (sender, receiver) = channel();
    let waiter = Box::new(move |outcome: Result<u64, _>| {
        let _ = sender.send(outcome.is_ok());
    });
    match engine.wait_durable(lsn, waiter) {
        Some(_) => engine.durable() >= lsn,
        None => receiver.recv().unwrap_or(false),
    }
}

/// Waits until a write that was refused as busy may be tried again.
pub fn wait_room(engine: &Engine) {
    let (sender, receiver) = channel();
    let waiter = Box::new(move |_: Result<u64, _>| {
        let _ = sender.send(());
    });
    match engine.wait_room(waiter) {
        Some(_) => std::thread::yield_now(),
        None => receiver.recv().expect("the waiter is called"),
    }
}

/// All keys and values of a space.
pub fn dump(engine: &Engine, space: u16) -> std::collections::BTreeMap<Vec<u8>, Vec<u8>> {
    let mut all = std::collections::BTreeMap::new();
    scan(engine, space, NOW, 100, |key, entry| {
        all.insert(key.to_vec(), entry.value.to_vec());
    });
    all
}

/// Visits all keys of a space.
pub fn scan(
    engine: &Engine,
    space: u16,
    now: u64,
    budget: usize,
    mut visit: impl FnMut(&[u8], Entry<'_>),
) {
    let mut cursor = 0;
    loop {
        let step = |access: &mut Access<'_>| access.scan(space, cursor, budget, &mut visit);
        cursor = run(engine, now, step).expect("the records are intact").0;
        if cursor == 0 {
            return;
        }
    }
}
