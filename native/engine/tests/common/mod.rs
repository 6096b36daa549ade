//! A small client of the engine, for tests.
#![allow(dead_code, missing_docs)]

use std::sync::Arc;
use std::sync::mpsc::channel;

use ferric_engine::io::Io;
use ferric_engine::{Access, Engine, Key, ManualClock, Meta, Op, OpenError, Options, WriteError};

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
    options.clock = Arc::new(ManualClock::new(1_000_000));
    options
}

pub fn open(io: Arc<dyn Io>) -> Result<Arc<Engine>, OpenError> {
    Engine::open(options(io))
}

pub fn key<'k>(engine: &Engine, access: &Access<'_>, space: u16, bytes: &'k [u8]) -> Key<'k> {
    access.key(space, route(bytes, engine.shards() as u16), bytes)
}

/// Puts or deletes several keys at once; returns what to wait for.
pub fn write(engine: &Engine, space: u16, changes: &[(&[u8], Option<&[u8]>)]) -> Result<u64, WriteError> {
    let mut access = engine.enter(1_000_000);
    let keys: Vec<Key<'_>> =
        changes.iter().map(|(bytes, _)| key(engine, &access, space, bytes)).collect();
    let ops: Vec<Op<'_>> = keys
        .iter()
        .zip(changes)
        .map(|(&key, (_, value))| match value {
            Some(value) => Op::Put { key, meta: Meta::default(), value },
            None => Op::Delete { key },
        })
        .collect();
    access.lock_all(&keys).write(&ops)?;
    Ok(access.depends_on())
}

pub fn put(engine: &Engine, bytes: &[u8], value: &[u8]) -> Result<u64, WriteError> {
    let mut access = engine.enter(1_000_000);
    let key = key(engine, &access, 0, bytes);
    access.lock(&key).put(&key, Meta::default(), value)?;
    Ok(access.depends_on())
}

/// The value, and what the answer depends on.
pub fn get_at(engine: &Engine, space: u16, bytes: &[u8]) -> (Option<Vec<u8>>, u64) {
    let mut access = engine.enter(1_000_000);
    let key = key(engine, &access, space, bytes);
    let value = access.lock(&key).get(&key).map(|entry| entry.value.to_vec());
    (value, access.depends_on())
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
    let waiter = Box::new(move |outcome: Result<u64, _>| drop(sender.send(outcome.is_ok())));
    match engine.wait_durable(lsn, waiter) {
        Some(_) => engine.durable() >= lsn,
        None => receiver.recv().unwrap_or(false),
    }
}

/// All keys and values of a space.
pub fn dump(engine: &Engine, space: u16) -> std::collections::BTreeMap<Vec<u8>, Vec<u8>> {
    let mut all = std::collections::BTreeMap::new();
    let mut access = engine.enter(1_000_000);
    let mut cursor = 0;
    loop {
        cursor = access.scan(space, cursor, 100, &mut |key, entry| {
            all.insert(key.to_vec(), entry.value.to_vec());
        });
        if cursor == 0 {
            return all;
        }
    }
}
