//! What code that runs without locks needs of the machine, by names that can be given another
//! meaning: `ferric-models` compiles that code against atomics whose every order of events is tried.

use std::sync::OnceLock;
use std::thread::Thread;
use std::time::Duration;

pub(crate) use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering, fence};

pub(crate) use crossbeam_epoch::{Guard, pin};

/// A thread that sleeps until it is woken.
#[derive(Default)]
pub(crate) struct Sleeper(OnceLock<Thread>);

impl Sleeper {
    /// The calling thread is the one that sleeps. Others have nobody to wake before.
    pub(crate) fn register(&self) {
        // It is the only one that calls this.
        let _ = self.0.set(std::thread::current());
    }

    /// Sleeps until woken, or for no reason; not at all if woken since the last time.
    pub(crate) fn sleep(&self) {
        std::thread::park();
    }

    /// [`Sleeper::sleep`], but not longer than `most`.
    pub(crate) fn sleep_for(&self, most: Duration) {
        std::thread::park_timeout(most);
    }

    /// Wakes the thread, now or from its next sleep.
    pub(crate) fn wake(&self) {
        if let Some(thread) = self.0.get() {
            thread.unpark();
        }
    }
}
