//! Ours. One access (epoch and clock) serves a whole call, as it serves a client's pipeline; each
//! write locks its key's shard. Keys that are on disk only are fetched together, and asked for
//! again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::Thread;
use std::time::Duration;

use ferric_engine::io::{Backend, open_backend};
use ferric_engine::{Access, Durability, Engine, Key, Meta, Options, ReadError, WriteError};

use crate::Failure;
use crate::store::{Setup, Store};

/// Time between two syncs when writes do not wait for them.
const SYNC_INTERVAL: Duration = Duration::from_millis(100);

/// Keys visited under one access while scanning.
const SCAN_BUDGET: usize = 1000;

/// The engine, opened.
pub struct Ferric {
    engine: Arc<Engine>,
    shards: u16,
    synced: bool,
    cold_reads: AtomicU64,
}

impl Store for Ferric {
    fn open(setup: &Setup<'_>) -> Result<Self, Failure> {
        let mut options = Options::new(setup.dir, open_backend(Backend::Auto)?);
        options.shards = setup.shards;
        options.route = route;
        if !setup.synced {
            options.durability = Durability::Async { interval: SYNC_INTERVAL };
        }
        if let Some(bytes) = setup.memory {
            options.max_memory = bytes;
        }
        let engine = Engine::open(options)?;
        let (shards, synced) = (setup.shards, setup.synced);
        Ok(Ferric { engine, shards, synced, cold_reads: AtomicU64::new(0) })
    }

    fn put_all<'p>(
        &self,
        pairs: impl Iterator<Item = (&'p [u8], &'p [u8])> + Clone,
    ) -> Result<(), Failure> {
        let mut pairs = pairs.peekable();
        while pairs.peek().is_some() {
            let mut access = self.engine.enter(0);
            let mut obstacle = None;
            while obstacle.is_none()
                && let Some((bytes, value)) = pairs.peek()
            {
                let key = self.key(&access, bytes);
                match access.lock(&key).put(&key, Meta::default(), value) {
                    Ok(()) => drop(pairs.next()),
                    Err(error) => obstacle = Some(error),
                }
            }
            let depends = access.depends_on();
            self.overcome(access, obstacle)?;
            if self.synced {
                self.wait_durable(depends)?;
            }
        }
        Ok(())
    }

    fn get_all<K: AsRef<[u8]>>(
        &self,
        keys: &[K],
        mut visit: impl FnMut(usize, Option<&[u8]>),
    ) -> Result<(), Failure> {
        let mut access = self.engine.enter(0);
        let mut cold = Vec::new();
        for (number, bytes) in keys.iter().enumerate() {
            if self.try_get(&mut access, bytes.as_ref(), |value| visit(number, value))? {
                continue;
            }
            cold.push(number);
        }
        self.cold_reads.fetch_add(cold.len() as u64, Ordering::Relaxed);
        while !cold.is_empty() {
            self.fetch(access);
            access = self.engine.enter(0);
            let mut left = Vec::new();
            for number in cold {
                let bytes = keys[number].as_ref();
                if !self.try_get(&mut access, bytes, |value| visit(number, value))? {
                    left.push(number);
                }
            }
            cold = left;
        }
        Ok(())
    }

    fn scan(&self, mut visit: impl FnMut(&[u8], &[u8])) -> Result<(), Failure> {
        let mut cursor = 0;
        loop {
            let mut access = self.engine.enter(0);
            match access.scan(0, cursor, SCAN_BUDGET, &mut |key, entry| visit(key, entry.value)) {
                Ok(0) => return Ok(()),
                Ok(next) => cursor = next,
                Err(ReadError::Cold) => self.fetch(access),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn settle(&self) -> Result<(), Failure> {
        self.engine.sync_soon();
        self.wait_durable(self.engine.written())
    }

    fn cold_reads(&self) -> u64 {
        self.cold_reads.load(Ordering::Relaxed)
    }

    fn close(self) -> Result<(), Failure> {
        Ok(self.engine.close()?)
    }
}

impl Ferric {
    fn key<'k>(&self, access: &Access<'_>, bytes: &'k [u8]) -> Key<'k> {
        access.key(0, route(bytes, self.shards), bytes)
    }

    /// Shows the key's value to `visit`; false if it is on disk only, which is noted.
    fn try_get(
        &self,
        access: &mut Access<'_>,
        bytes: &[u8],
        visit: impl FnOnce(Option<&[u8]>),
    ) -> Result<bool, Failure> {
        let key = self.key(access, bytes);
        match access.read(&key, true, |entry| visit(entry.map(|entry| entry.value))) {
            Ok(()) => Ok(true),
            Err(ReadError::Cold) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Ends an access, and waits for what kept a write of it from being done.
    fn overcome(&self, access: Access<'_>, obstacle: Option<WriteError>) -> Result<(), Failure> {
        match obstacle {
            None => drop(access),
            Some(WriteError::Cold) => self.fetch(access),
            Some(WriteError::Busy) => {
                drop(access);
                let signal = Signal::new();
                let given = Arc::clone(&signal);
                if self.engine.wait_room(Box::new(move |_| given.give())).is_none() {
                    signal.wait();
                }
            }
            Some(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Ends an access and brings what it did not find into memory.
    fn fetch(&self, mut access: Access<'_>) {
        let missing = access.take_missing();
        drop(access);
        let signal = Signal::new();
        let given = Arc::clone(&signal);
        self.engine.fetch(missing, Box::new(move || given.give()));
        signal.wait();
    }

    fn wait_durable(&self, position: u64) -> Result<(), Failure> {
        let signal = Signal::new();
        let given = Arc::clone(&signal);
        if self.engine.wait_durable(position, Box::new(move |_| given.give())).is_none() {
            signal.wait();
        }
        match self.engine.failure() {
            None => Ok(()),
            Some(failure) => Err(failure.into()),
        }
    }
}

/// Wakes the thread that made it.
struct Signal {
    thread: Thread,
    given: AtomicBool,
}

impl Signal {
    fn new() -> Arc<Signal> {
        Arc::new(Signal { thread: std::thread::current(), given: AtomicBool::new(false) })
    }

    fn give(&self) {
        self.given.store(true, Ordering::Release);
        self.thread.unpark();
    }

    fn wait(&self) {
        while !self.given.load(Ordering::Acquire) {
            std::thread::park();
        }
    }
}

/// Fowler, Noll and Vo's hash, variant 1a: cheap, and good enough to choose a shard.
fn route(key: &[u8], shards: u16) -> u16 {
    if shards == 1 {
        return 0;
    }
    let hash = key.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (((hash >> 32) * u64::from(shards)) >> 32) as u16
}
