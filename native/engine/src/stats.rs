//! Figures for operators.

use std::sync::atomic::{AtomicU64, Ordering};

/// A snapshot of the engine's counters. Sizes are bytes; counts are since the store was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Keys in all spaces, expired ones not yet removed included.
    pub keys: u64,
    /// Of these, keys with an expiry.
    pub expires: u64,
    /// Next free position of the log.
    pub tail: u64,
    /// Position below which everything survives a crash.
    pub durable: u64,
    /// Frames written (group commits).
    pub groups: u64,
    /// Bytes of these frames, padding included.
    pub group_bytes: u64,
    /// Records in these frames.
    pub group_records: u64,
    /// Syncs done for them.
    pub syncs: u64,
    /// Records updated in place before they were submitted.
    pub coalesced: u64,
    /// Keys removed because they had expired.
    pub expired: u64,
    /// Segments of the log.
    pub segments: u64,
    /// Size of the segment files.
    pub disk_bytes: u64,
    /// Memory of the index tables.
    pub index_bytes: u64,
    /// Memory of log segments that are not served from mapped files.
    pub buffer_bytes: u64,
    /// Bytes of mapped segment files.
    pub mapped_bytes: u64,
    /// Unix time of the last successful sync in seconds, 0 before the first.
    pub last_sync_s: u64,
    /// Milliseconds that recovery took.
    pub recovery_ms: u64,
    /// Name of the I/O back end.
    pub io: &'static str,
}

/// Counters the committer and the sweeper add to.
#[derive(Default)]
pub(crate) struct Counters {
    pub groups: AtomicU64,
    pub group_bytes: AtomicU64,
    pub group_records: AtomicU64,
    pub syncs: AtomicU64,
    pub coalesced: AtomicU64,
    pub expired: AtomicU64,
    pub last_sync_s: AtomicU64,
    pub recovery_ms: AtomicU64,
    pub merges: AtomicU64,
    pub merge_read: AtomicU64,
    pub merge_written: AtomicU64,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, n: u64) {
        counter.fetch_add(n, Ordering::Relaxed);
    }
}
