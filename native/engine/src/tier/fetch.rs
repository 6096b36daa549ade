//! Bringing records into memory that are only on disk.
//!
//! Callers leave addresses and somebody to tell; threads that do nothing else read them, many at a
//! time, and hand the bytes to a [`Landing`]. What several callers ask for at a time is read once,
//! and what lies close together is one read.

use std::collections::VecDeque;
use std::io::Error;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::io::{BatchReader, File, Waker};

mod batch;
mod requests;
#[cfg(test)]
mod tests;
mod worker;

pub(crate) use requests::{Flights, Waiter, after_all};
use worker::Worker;

/// A record to be brought into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ColdRef {
    /// Where it is, region included.
    pub address: u64,
    /// Upper bound of its length in bytes.
    pub len: u32,
    /// The shard, space incarnation and key hash by which the landing finds its slot.
    pub shard: u16,
    pub space: u32,
    pub hash: u32,
    pub to: Destination,
}

/// Where a record that is fetched goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Destination {
    /// Into the read cache.
    Cache,
    /// To the load with this number, which makes an object of it.
    Object(u64),
}

/// What is read once for all who ask at a time.
type Flight = (u64, Destination);

impl ColdRef {
    /// A record for the read cache; `of` are shard, space incarnation and key hash.
    pub(crate) fn to_cache(address: u64, len: u32, of: (u16, u32, u32)) -> ColdRef {
        let (shard, space, hash) = of;
        ColdRef { address, len, shard, space, hash, to: Destination::Cache }
    }

    fn flight(&self) -> Flight {
        (self.address, self.to)
    }
}

/// Where the bytes at an address are.
pub(crate) struct Place {
    pub file: Arc<dyn File>,
    /// Offset in the file, bytes.
    pub offset: u64,
    /// Where the file's data end; nothing is read from there on.
    pub end: u64,
}

/// What becomes of fetched bytes. Called by the fetching threads.
pub(crate) trait Landing: Send + Sync {
    /// The place of an address; `None` if it is in no file (any more).
    fn locate(&self, address: u64) -> Option<Place>;

    /// Takes the bytes that begin at the record: `cold.len` of them, or fewer where the file's data
    /// end before. Nobody has looked at them yet.
    fn land(&self, cold: &ColdRef, bytes: &[u8]);

    /// Says that there will be no bytes: `NotFound` if the address has no place, `UnexpectedEof` if
    /// that is behind the data of its file, else what the disk said.
    fn failed(&self, cold: &ColdRef, error: &Error);
}

/// What the fetcher has done, since it was made.
#[derive(Default)]
pub(crate) struct Counters {
    /// Reads issued.
    pub reads: AtomicU64,
    /// Bytes of these reads.
    pub bytes: AtomicU64,
    /// Records that shared a read with one before them.
    pub merged: AtomicU64,
    /// Requests for a record that was already on its way.
    pub joined: AtomicU64,
    /// Records that could not be read.
    pub failures: AtomicU64,
}

fn count(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}

/// The queue between those who need records and the threads that read them.
///
/// It has no bound of its own: each caller waits for one request at a time, so that the queue is
/// never longer than callers times the records of a request.
pub(crate) struct Fetcher {
    state: Mutex<State>,
    /// Bytes that one thread has in flight at most, unless a single record is longer.
    max_bytes: u64,
    /// Called each time a thread has called waiters.
    waiters_called: Arc<dyn Fn() + Send + Sync>,
    pub(crate) counters: Counters,
}

#[derive(Default)]
struct State {
    /// Records that no thread has taken.
    queue: VecDeque<ColdRef>,
    /// Who waits for what is queued or being read.
    flights: Flights<Flight>,
    /// Threads that would take more work, by number, and how to tell them.
    idle: Vec<(usize, Waker)>,
    /// Threads started so far, and those that run.
    started: usize,
    running: usize,
    stopped: bool,
}

impl Fetcher {
    /// A fetcher whose every thread has at most `max_bytes` in flight, and which calls
    /// `waiters_called` each time waiters were called, so that waiters which only note whom to tell
    /// can tell them all at once.
    pub(crate) fn new(max_bytes: u64, waiters_called: Arc<dyn Fn() + Send + Sync>) -> Fetcher {
        Fetcher {
            state: Mutex::default(),
            max_bytes,
            waiters_called,
            counters: Counters::default(),
        }
    }

    /// Has `waiter` called from a fetching thread when all of `refs` have landed or failed. After
    /// [`Fetcher::stop`] nothing is read any more and it is called at once, by this thread.
    pub(crate) fn fetch(&self, refs: Vec<ColdRef>, waiter: Waiter) {
        let mut state = self.state.lock();
        if state.stopped {
            drop(state);
            self.call(vec![waiter]);
            return;
        }
        let joined = state.add(refs, waiter);
        let nothing = state.queue.is_empty() && !state.flights.has_due();
        let waker = if nothing { None } else { state.idle.pop() };
        drop(state);
        count(&self.counters.joined, joined);
        if let Some((_, wake)) = waker {
            wake();
        }
    }

    /// Works off the queue with `reader` until [`Fetcher::stop`]: the body of a thread, one reader
    /// each. When the last one ends, for whatever reason, the fetcher stops.
    pub(crate) fn run(&self, mut reader: Box<dyn BatchReader>, landing: &dyn Landing) {
        if let Some(mut worker) = Worker::start(self, landing, reader.waker()) {
            worker.work(&mut *reader);
        }
    }

    /// Ends the threads once the reads in flight have landed, and has the waiters of everything
    /// else called: by the last thread, or by this one if none runs.
    pub(crate) fn stop(&self) {
        let mut state = self.state.lock();
        state.stopped = true;
        let wakers = mem::take(&mut state.idle);
        let left = if state.running == 0 { state.abandon() } else { Vec::new() };
        drop(state);
        wakers.iter().for_each(|(_, wake)| wake());
        self.call(left);
    }

    fn call(&self, waiters: Vec<Waiter>) {
        if waiters.is_empty() {
            return;
        }
        waiters.into_iter().for_each(|waiter| waiter());
        (self.waiters_called)();
    }
}

impl State {
    /// Queues what is not on its way yet; returns how many were.
    fn add(&mut self, refs: Vec<ColdRef>, waiter: Waiter) -> u64 {
        let wanted = refs.len();
        let new = self.flights.add(refs, ColdRef::flight, waiter);
        let joined = wanted - new.len();
        self.queue.extend(new);
        joined as u64
    }

    /// Ends everything.
    fn abandon(&mut self) -> Vec<Waiter> {
        self.queue.clear();
        self.flights.abandon()
    }
}
