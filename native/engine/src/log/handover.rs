//! How writers get the committer to work: it is woken when it sleeps, and only then.
//!
//! Nothing is lost: a writer adds its work under the tail lock *before* it looks at `idle`, and the
//! committer sets `idle` *before* it looks for work under that lock. So either the committer sees
//! the work, or the writer sees that it is idle, and wakes it. Being in a hurry has no lock of its
//! own: there the fences keep each side from looking before its own store can be seen.

use std::time::Duration;

use crate::sync::{AtomicBool, Ordering, Sleeper, fence};

/// What the committer and those who need it tell each other.
#[derive(Default)]
pub(crate) struct Handover {
    /// True while the committer sleeps or is about to.
    idle: AtomicBool,
    /// Set to have the committer work now though it would rest.
    hurry: AtomicBool,
    stop: AtomicBool,
    committer: Sleeper,
}

/// How long the committer may rest though there is work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rest {
    /// What is left of the rest it is taking.
    pub left: Duration,
    /// The longest rest, with nothing to do.
    pub interval: Duration,
}

impl Handover {
    /// The calling thread is the committer.
    pub(crate) fn begin(&self) {
        self.committer.register();
    }

    /// Wakes the committer if it sleeps. The caller has added its work before.
    pub(crate) fn wake(&self) {
        if self.idle.load(Ordering::SeqCst) && self.idle.swap(false, Ordering::SeqCst) {
            self.committer.wake();
        }
    }

    /// Has the committer do what has been added so far without resting first.
    pub(crate) fn hurry(&self) {
        self.hurry.store(true, Ordering::Release);
        // Against the one in `wait`: it sees `hurry`, or `wake` sees `idle`.
        fence(Ordering::SeqCst);
        self.wake();
    }

    /// Has the committer end after what there is.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        // Against the one in `wait`, as in `hurry`.
        fence(Ordering::SeqCst);
        self.idle.store(true, Ordering::SeqCst);
        self.wake();
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// The committer's wait: until `has_work` says so, and until its rest is over or somebody is in
    /// a hurry. True when it has been told to end.
    pub(crate) fn wait(
        &self,
        has_work: impl Fn() -> bool,
        rest: impl Fn() -> Option<Rest>,
    ) -> bool {
        loop {
            self.idle.store(true, Ordering::SeqCst);
            fence(Ordering::SeqCst);
            if self.is_stopping() {
                return true;
            }
            // Before looking for work: whoever is in a hurry has added its work before it said so,
            // and taking note of the one without seeing the other would let it wait.
            let hurry = self.hurry.swap(false, Ordering::AcqRel);
            let due = has_work();
            match rest() {
                None if due => break,
                None => self.committer.sleep(),
                Some(rest) if due && (hurry || rest.left.is_zero()) => break,
                Some(rest) if due => self.committer.sleep_for(rest.left),
                Some(rest) => self.committer.sleep_for(rest.interval.max(rest.left)),
            }
        }
        self.idle.store(false, Ordering::SeqCst);
        false
    }
}
