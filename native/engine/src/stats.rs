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
    /// What the index was made of when the store was opened: `new` for an empty store, else
    /// `checkpoint`, `older checkpoint` or `rebuild`, the last from all segments.
    pub recovery: &'static str,
    /// Why the newest checkpoint was not used, if there was one.
    pub recovery_note: Option<String>,
    /// Records of the log read for that, beside the checkpoint.
    pub replayed: u64,
    /// Checkpoints taken.
    pub checkpoints: u64,
    /// Size of the last of them.
    pub checkpoint_bytes: u64,
    /// Failures to seal a segment or to take a checkpoint; the store is whole without.
    pub maintenance_failures: u64,
    /// The last of them.
    pub maintenance_error: Option<String>,
    /// Rounds of merging that have come to an end.
    pub merges: u64,
    /// Bytes read by them.
    pub merge_read_bytes: u64,
    /// Bytes written by them.
    pub merge_written_bytes: u64,
    /// `idle`, `running` or `paused`.
    pub merge_state: &'static str,
    /// Files of segments that have been merged; they go with the next checkpoint.
    pub retired_bytes: u64,
    /// Bytes of records in sealed segments that are needed, by size classes.
    pub live_bytes: u64,
    /// Bytes of those that are not.
    pub dead_bytes: u64,
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
