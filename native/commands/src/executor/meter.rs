//! Times commands and watches the time slice with few readings of the clock.
//!
//! A run of the same command shares one reading: it is made when another command follows, after
//! [`RUN`] calls, and at the end. The sums are exact; a call's own time is its run's average.

use std::time::{Duration, Instant};

use crate::stats::{Stats, Tally};

/// Most calls that share a reading.
const RUN: u64 = 16;

pub(super) struct Meter<'c> {
    /// The lookups of the running command and of those before it that are not booked yet.
    pub(super) tally: Tally,
    stats: &'c Stats,
    slice: Duration,
    started: Instant,
    read: Instant,
    index: usize,
    calls: u64,
    failed: u64,
    total: u64,
}

impl<'c> Meter<'c> {
    pub(super) fn new(stats: &'c Stats, slice: Duration) -> Meter<'c> {
        let started = Instant::now();
        Meter {
            tally: Tally::default(),
            stats,
            slice,
            started,
            read: started,
            index: 0,
            calls: 0,
            failed: 0,
            total: 0,
        }
    }

    /// Command `index` begins.
    #[inline]
    pub(super) fn begin(&mut self, index: usize) {
        if self.index != index {
            self.read_clock();
            self.index = index;
        }
    }

    /// It is done.
    #[inline]
    pub(super) fn end(&mut self) {
        self.tally.settle();
        self.calls += 1;
        if self.calls >= RUN {
            self.read_clock();
        }
    }

    /// It has stopped and will be run again.
    pub(super) fn stopped(&self) {
        self.tally.forget();
    }

    /// It ends with an error.
    pub(super) fn failed(&mut self) {
        self.failed += 1;
    }

    /// Books the calls since the last reading.
    pub(super) fn read_clock(&mut self) {
        if self.calls == 0 {
            return;
        }
        let now = Instant::now();
        let (hits, misses) = self.tally.take();
        self.stats.lookups(hits, misses);
        self.stats.executed(self.index, self.calls, self.failed, now - self.read);
        self.total += self.calls;
        self.read = now;
        self.calls = 0;
        self.failed = 0;
    }

    /// Whether the slice had been used up at the last reading.
    #[inline]
    pub(super) fn is_used_up(&self) -> bool {
        self.read - self.started > self.slice
    }

    /// Books the rest; the number of commands in all.
    pub(super) fn finish(&mut self) -> u64 {
        self.read_clock();
        self.total
    }
}
