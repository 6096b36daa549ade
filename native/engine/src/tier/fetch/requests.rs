//! Who waits for what.

use std::collections::hash_map::{Entry, HashMap};
use std::hash::Hash;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use smallvec::{SmallVec, smallvec};

/// Called once, when all that it waits for has arrived or failed.
pub(crate) type Waiter = Box<dyn FnOnce() + Send>;

/// What one caller waits for.
struct Request {
    /// How much of it has neither arrived nor failed.
    missing: AtomicUsize,
    waiter: Mutex<Option<Waiter>>,
}

impl Request {
    /// One thing less is missing: the waiter, if it was the last one.
    fn arrived(&self) -> Option<Waiter> {
        let last = self.missing.fetch_sub(1, Ordering::AcqRel) == 1;
        if last { self.waiter.lock().take() } else { None }
    }
}

/// A waiter to be called when it has been told `times` times; one of the results for each time.
pub(crate) fn after_all(times: usize, waiter: Waiter) -> Vec<Waiter> {
    let request =
        Arc::new(Request { missing: AtomicUsize::new(times), waiter: Mutex::new(Some(waiter)) });
    let tell = |request: Arc<Request>| -> Waiter {
        Box::new(move || request.arrived().into_iter().for_each(|waiter| waiter()))
    };
    (0..times).map(|_| tell(Arc::clone(&request))).collect()
}

/// What is on its way, and who waits for it: what several ask for is brought once.
pub(crate) struct Flights<K> {
    waiting: HashMap<K, SmallVec<[Arc<Request>; 1]>>,
    /// Waiters of requests for nothing.
    due: Vec<Waiter>,
}

impl<K> Default for Flights<K> {
    fn default() -> Flights<K> {
        Flights { waiting: HashMap::new(), due: Vec::new() }
    }
}

impl<K: Copy + Eq + Hash> Flights<K> {
    /// Has `waiter` called when all of `things` have ended their flights; returns those that were not
    /// on their way yet.
    pub(crate) fn add<T>(
        &mut self,
        things: Vec<T>,
        key_of: impl Fn(&T) -> K,
        waiter: Waiter,
    ) -> Vec<T> {
        if things.is_empty() {
            self.due.push(waiter);
            return things;
        }
        let missing = AtomicUsize::new(things.len());
        let request = Arc::new(Request { missing, waiter: Mutex::new(Some(waiter)) });
        let is_new = |thing: &T| match self.waiting.entry(key_of(thing)) {
            Entry::Occupied(mut flight) => {
                flight.get_mut().push(Arc::clone(&request));
                false
            }
            Entry::Vacant(vacant) => {
                vacant.insert(smallvec![Arc::clone(&request)]);
                true
            }
        };
        things.into_iter().filter(is_new).collect()
    }

    /// Whether nothing is on its way.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether somebody is to be told without anything ending.
    pub(crate) fn has_due(&self) -> bool {
        !self.due.is_empty()
    }

    /// Ends flights; returns who is to be told.
    pub(crate) fn finish(&mut self, keys: impl IntoIterator<Item = K>) -> Vec<Waiter> {
        let mut waiters = mem::take(&mut self.due);
        for key in keys {
            let requests = self.waiting.remove(&key).unwrap_or_default();
            waiters.extend(requests.iter().filter_map(|request| request.arrived()));
        }
        waiters
    }

    /// Ends all.
    pub(crate) fn abandon(&mut self) -> Vec<Waiter> {
        let keys: Vec<K> = self.waiting.keys().copied().collect();
        self.finish(keys)
    }
}
