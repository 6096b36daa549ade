//! The engine's `sync` over model-checked parts.

use std::time::Duration;

pub(crate) use loom::sync::atomic::{AtomicPtr, Ordering, fence};
use loom::sync::{Condvar, Mutex, atomic};

/// An atomic that is both stored to and exchanged, by different threads.
///
/// loom lets a store come before an exchange that has read what the store replaced, though the
/// store is later in the program, and then shows the exchange's value afterwards: no machine does
/// that. As an exchange the store has its place in the order of all changes.
macro_rules! exchanged {
    ($name:ident, $value:ty) => {
        #[derive(Default)]
        pub(crate) struct $name(atomic::$name);

        impl $name {
            pub(crate) fn new(value: $value) -> $name {
                $name(atomic::$name::new(value))
            }

            pub(crate) fn load(&self, order: Ordering) -> $value {
                self.0.load(order)
            }

            pub(crate) fn store(&self, value: $value, order: Ordering) {
                self.0.swap(value, order);
            }

            pub(crate) fn swap(&self, value: $value, order: Ordering) -> $value {
                self.0.swap(value, order)
            }

            pub(crate) fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                done: Ordering,
                failed: Ordering,
            ) -> Result<$value, $value> {
                self.0.compare_exchange(current, new, done, failed)
            }
        }
    };
}

exchanged!(AtomicBool, bool);
exchanged!(AtomicU64, u64);

type Deferred = Box<dyn FnOnce() + Send>;

/// Guards that are there, and what waits for which of them to go.
#[derive(Default)]
struct Epoch {
    guards: Vec<u64>,
    next: u64,
    deferred: Vec<(Vec<u64>, Deferred)>,
}

loom::lazy_static! {
    static ref EPOCH: Mutex<Epoch> = Mutex::new(Epoch::default());
}

/// What crossbeam-epoch's guard promises: nothing that is deferred while it is there is run before
/// it has gone.
pub(crate) struct Guard(u64);

pub(crate) fn pin() -> Guard {
    let mut epoch = EPOCH.lock().expect("no model panics here");
    epoch.next += 1;
    let number = epoch.next;
    epoch.guards.push(number);
    Guard(number)
}

impl Guard {
    /// Runs `run` once all guards of this moment have gone.
    pub(crate) fn defer(&self, run: impl FnOnce() + Send + 'static) {
        let mut epoch = EPOCH.lock().expect("no model panics here");
        let guards = epoch.guards.clone();
        epoch.deferred.push((guards, Box::new(run)));
    }

    /// What can be run is run when a guard goes; there is nothing to hasten.
    pub(crate) fn flush(&self) {}
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut epoch = EPOCH.lock().expect("no model panics here");
        epoch.guards.retain(|&guard| guard != self.0);
        epoch.deferred.iter_mut().for_each(|(guards, _)| guards.retain(|&guard| guard != self.0));
        let due: Vec<_> = epoch.deferred.extract_if(.., |(guards, _)| guards.is_empty()).collect();
        drop(epoch);
        due.into_iter().for_each(|(_, run)| run());
    }
}

/// A thread that sleeps until it is woken: `thread::park` with its token. Time-outs never happen.
pub(crate) struct Sleeper {
    registered: AtomicBool,
    token: Mutex<bool>,
    woken: Condvar,
}

impl Default for Sleeper {
    fn default() -> Sleeper {
        Sleeper {
            registered: AtomicBool::new(false),
            token: Mutex::new(false),
            woken: Condvar::new(),
        }
    }
}

impl Sleeper {
    pub(crate) fn register(&self) {
        self.registered.store(true, Ordering::Release);
    }

    pub(crate) fn sleep(&self) {
        let mut token = self.token.lock().expect("no model panics here");
        while !*token {
            token = self.woken.wait(token).expect("no model panics here");
        }
        *token = false;
    }

    pub(crate) fn sleep_for(&self, _most: Duration) {
        self.sleep();
    }

    pub(crate) fn wake(&self) {
        if self.registered.load(Ordering::Acquire) {
            *self.token.lock().expect("no model panics here") = true;
            self.woken.notify_one();
        }
    }
}
