//! What the threads of a round share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use super::MAX_WRITERS;
use super::op;

/// A server under load.
pub(super) struct Load {
    pub(super) port: u16,
    pub(super) writers: usize,
    stopped: AtomicBool,
    shown: [AtomicU64; MAX_WRITERS],
    shown_counters: Vec<AtomicU64>,
    reads: AtomicU64,
}

impl Load {
    pub(super) fn new(port: u16, writers: usize) -> Load {
        Load {
            port,
            writers,
            stopped: AtomicBool::new(false),
            shown: std::array::from_fn(|_| AtomicU64::new(0)),
            shown_counters: op::shared_counters().map(|_| AtomicU64::new(0)).collect(),
            reads: AtomicU64::new(0),
        }
    }

    /// Notes that the server is about to be stopped: from now on connections may end.
    pub(super) fn stop(&self) {
        self.stopped.store(true, Relaxed);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Relaxed)
    }

    /// Notes that a reader was shown a value that a writer's command wrote.
    pub(super) fn show(&self, writer: usize, sequence: u64) {
        if let Some(shown) = self.shown.get(writer) {
            shown.fetch_max(sequence, Relaxed);
        }
        self.reads.fetch_add(1, Relaxed);
    }

    /// Notes that a reader was shown a shared counter.
    pub(super) fn show_counter(&self, index: u64, value: u64) {
        if let Some(shown) = self.shown_counters.get(index as usize) {
            shown.fetch_max(value, Relaxed);
        }
        self.reads.fetch_add(1, Relaxed);
    }

    /// The latest of a writer's commands that a reader was shown.
    pub(super) fn shown(&self, writer: usize) -> u64 {
        self.shown.get(writer).map_or(0, |shown| shown.load(Relaxed))
    }

    /// The highest value of a shared counter that a reader was shown.
    pub(super) fn shown_counter(&self, index: u64) -> u64 {
        self.shown_counters.get(index as usize).map_or(0, |shown| shown.load(Relaxed))
    }

    /// How many values readers were shown.
    pub(super) fn reads(&self) -> u64 {
        self.reads.load(Relaxed)
    }
}
