//! The committer and those who need it. What gets lost leaves the committer asleep for ever, which
//! ends the model as a deadlock.

use std::sync::Arc;
use std::time::Duration;

use loom::sync::Mutex;
use loom::thread;

use crate::explore;
use crate::log::handover::{Handover, Rest};

/// The log as far as the hand-over is concerned: writes that wait, under the tail lock.
#[derive(Default)]
struct Log {
    handover: Handover,
    waiting: Mutex<u32>,
}

impl Log {
    fn add(&self) {
        *self.waiting.lock().expect("no model panics here") += 1;
    }

    fn has_work(&self) -> bool {
        *self.waiting.lock().expect("no model panics here") > 0
    }

    fn take(&self) -> u32 {
        std::mem::take(&mut *self.waiting.lock().expect("no model panics here"))
    }

    /// The committer, until it has seen so many writes or is told to end. Returns how many it saw.
    fn commit(&self, until: u32, rest: Option<Rest>) -> u32 {
        self.handover.begin();
        let mut seen = 0;
        while seen < until {
            let stopping = self.handover.wait(|| self.has_work(), || rest);
            seen += self.take();
            if stopping {
                break;
            }
        }
        seen
    }
}

/// An hour: a time-out would only hide what was overlooked.
const LONG: Rest = Rest { left: Duration::from_secs(3600), interval: Duration::from_secs(3600) };

fn with_writers(writers: u32, writes: u32, rest: Option<Rest>, tell: fn(&Handover)) {
    explore(2, move || {
        let log = Arc::new(Log::default());
        let threads: Vec<_> = (0..writers)
            .map(|_| {
                let log = Arc::clone(&log);
                thread::spawn(move || {
                    (0..writes).for_each(|_| {
                        log.add();
                        tell(&log.handover);
                    });
                })
            })
            .collect();
        assert_eq!(log.commit(writers * writes, rest), writers * writes);
        threads.into_iter().for_each(|thread| thread.join().expect("the writer has not failed"));
    });
}

/// Each write is committed though its writer wakes the committer only when it seems to sleep.
pub fn every_write_is_committed() {
    with_writers(1, 3, None, Handover::wake);
    with_writers(2, 1, None, Handover::wake);
}

/// A committer that would rest for an hour works at once for who is in a hurry.
pub fn no_hurry_is_overlooked() {
    with_writers(1, 3, Some(LONG), Handover::hurry);
    with_writers(2, 1, Some(LONG), Handover::hurry);
}

/// The committer ends when told to, resting or not, and after everything that was written before.
pub fn stopping_is_not_overlooked() {
    for rest in [None, Some(LONG)] {
        explore(3, move || {
            let log = Arc::new(Log::default());
            let committer = {
                let log = Arc::clone(&log);
                thread::spawn(move || log.commit(u32::MAX, rest))
            };
            log.add();
            log.handover.wake();
            log.handover.stop();
            assert_eq!(committer.join().expect("it has not failed"), 1);
            assert!(!log.has_work());
        });
    }
}
