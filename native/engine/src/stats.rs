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
    /// Merged segments.
    pub merged_segments: u64,
    /// Those of which only what the read cache holds is in memory.
    pub cold_segments: u64,
    /// Size of the segment files.
    pub disk_bytes: u64,
    /// Memory of the index tables.
    pub index_bytes: u64,
    /// Memory of objects, and of what leads to their records.
    pub object_bytes: u64,
    /// Values that are kept as chains of records.
    pub chains: u64,
    /// Of these, objects in memory.
    pub objects: u64,
    /// Objects that were made in the background of what was on disk, or large.
    pub objects_loaded: u64,
    /// Objects that had to leave memory.
    pub objects_evicted: u64,
    /// Images that were written in place of deltas.
    pub folds: u64,
    /// Memory of log segments that are not served from mapped files.
    pub buffer_bytes: u64,
    /// Bytes of mapped segment files.
    pub mapped_bytes: u64,
    /// Memory budget, `u64::MAX` without one.
    pub max_memory: u64,
    /// Memory of the read cache.
    pub cache_bytes: u64,
    /// Reads that the read cache answered.
    pub cache_hits: u64,
    /// Records that the read cache has let go of.
    pub cache_evictions: u64,
    /// Records fetched from disk because a command needed them.
    pub fetched: u64,
    /// Reads issued for that.
    pub fetch_reads: u64,
    /// Bytes of these reads.
    pub fetch_bytes: u64,
    /// Records found damaged when they were fetched.
    pub damaged: u64,
    /// Bytes of records, in segments, that some key points to.
    pub live_bytes: u64,
    /// Bytes of records that no key points to any more.
    pub dead_bytes: u64,
    /// Bytes of the records that commands have written, without their frames.
    pub record_bytes: u64,
    /// Bytes written by merging.
    pub merge_bytes: u64,
    /// Merges that are done.
    pub merges: u64,
    /// Bytes that they have read.
    pub merged_bytes: u64,
    /// What merging is doing: `idle`, `running` or `paused`.
    pub merge_state: &'static str,
    /// Bytes of hint blocks written.
    pub hint_bytes: u64,
    /// Checkpoints written.
    pub checkpoints: u64,
    /// Bytes of these checkpoints.
    pub checkpoint_bytes: u64,
    /// Unix time of the last checkpoint in seconds, 0 before the first.
    pub last_checkpoint_s: u64,
    /// Records logged since then.
    pub records_since_checkpoint: u64,
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
    /// Failures to seal a segment or to take a checkpoint; the store is whole without.
    pub maintenance_failures: u64,
    /// The last of them.
    pub maintenance_error: Option<String>,
    /// Files of segments that have been merged; they go with the next checkpoint.
    pub retired_bytes: u64,
    /// Name of the I/O back end.
    pub io: &'static str,
}

impl Stats {
    /// Bytes of memory of all parts that the budget covers.
    pub fn memory_bytes(&self) -> u64 {
        self.index_bytes
            + self.buffer_bytes
            + self.mapped_bytes
            + self.cache_bytes
            + self.object_bytes
    }

    /// Bytes of memory that hold keys and values.
    pub fn dataset_bytes(&self) -> u64 {
        self.mapped_bytes + self.cache_bytes + self.object_bytes
    }

    /// Segments of either kind that are in memory as a whole.
    pub fn warm_segments(&self) -> u64 {
        (self.segments + self.merged_segments).saturating_sub(self.cold_segments)
    }

    /// Disk space by what the live records take; 0 for an empty store.
    pub fn space_amplification(&self) -> f64 {
        ratio(self.disk_bytes, self.live_bytes)
    }

    /// Bytes written to disk, since the store was opened, by what commands have written; 0 before
    /// the first write.
    pub fn write_amplification(&self) -> f64 {
        let written = self.group_bytes + self.merge_bytes + self.checkpoint_bytes + self.hint_bytes;
        ratio(written, self.record_bytes)
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Counters the committer and the sweeper add to.
#[derive(Default)]
pub(crate) struct Counters {
    pub groups: AtomicU64,
    pub group_bytes: AtomicU64,
    pub group_records: AtomicU64,
    pub record_bytes: AtomicU64,
    pub syncs: AtomicU64,
    pub coalesced: AtomicU64,
    pub expired: AtomicU64,
    pub last_sync_s: AtomicU64,
    pub recovery_ms: AtomicU64,
    pub damaged: AtomicU64,
    /// Objects made in the background, bases written, and objects that had to go for others.
    pub loaded: AtomicU64,
    pub folds: AtomicU64,
    pub evicted: AtomicU64,
    pub merges: AtomicU64,
    pub hints: AtomicU64,
    pub merge_read: AtomicU64,
    pub merge_written: AtomicU64,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, n: u64) {
        counter.fetch_add(n, Ordering::Relaxed);
    }
}
