//! How a store is opened.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::io::Io;
use crate::object::{Codec, NoObjects};
use crate::observer::{Observer, Unobserved};

/// When a write counts as done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When it is on stable storage. Replies wait for it, and for what they have read.
    Quorum,
    /// At once; it is on stable storage at most about `interval` later.
    Async {
        /// Time between two syncs while there is something to sync.
        interval: Duration,
    },
}

/// How merging stores values that are worth compressing; what is read is decided by each record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// As they are.
    None,
    /// LZ4 blocks: costs little time.
    #[default]
    Lz4,
    /// Zstandard: smaller, and slower to write.
    Zstd,
}

/// Settings of a store.
#[derive(Clone)]
pub struct Options {
    /// Directory of the store's files; created if missing.
    pub dir: PathBuf,
    /// Number of shards; each has its lock and its index. At least 1.
    pub shards: u16,
    /// Number of separate key spaces ("databases").
    pub spaces: u16,
    /// When a write counts as done.
    pub durability: Durability,
    /// Size of a segment file in bytes; a power of two of at least 64 KiB. Fixed when the store is
    /// created: an existing store keeps its own.
    pub segment_size: u64,
    /// Writers wait when more bytes than this are not yet durable.
    pub max_undurable: u64,
    /// Memory that the store may take, in bytes: index, log buffers, segments kept in memory and
    /// read cache together. What does not fit is read from disk. `u64::MAX`: everything stays.
    pub max_memory: u64,
    /// How merging stores values.
    pub compression: Compression,
    /// Bytes a second that merging reads and writes at most; 0 = as fast as it goes.
    pub merge_rate: u64,
    /// Whether the file of the next segment is filled with zeros ahead of need, in the background:
    /// writes are faster then, for one segment more of disk space.
    pub spare_segments: bool,
    /// Whether segments are sealed and checkpoints taken in the background. Else only when asked for
    /// by [`crate::Engine::checkpoint`], and when the store is closed.
    pub maintenance: bool,
    /// A checkpoint is taken when so many bytes have been logged since the last one, and twice as
    /// many as the index has.
    pub checkpoint_bytes: u64,
    /// A checkpoint is taken when this time has passed since the last one and anything was written.
    pub checkpoint_interval: Duration,
    /// About the most memory, in bytes, that is used beside the index when it has to be rebuilt.
    pub rebuild_memory: usize,
    /// Which shard owns a key: `route(key, shards) < shards`, the same for ever.
    pub route: fn(&[u8], u16) -> u16,
    /// Called on the thread that has just called waiters, the committer's or one that fetches
    /// records, so that a caller whose waiters only note whom to tell can tell them all at once.
    pub waiters_called: Arc<dyn Fn() + Send + Sync>,
    /// Which values are kept as objects in memory, and how they are made.
    pub codec: Arc<dyn Codec>,
    /// Who hears of changes.
    pub observer: Arc<dyn Observer>,
    /// Where the files are.
    pub io: Arc<dyn Io>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

impl Options {
    /// The defaults for a store in `dir` on `io`: one shard, 16 spaces, quorum, 64 MiB segments,
    /// 256 MiB of undurable data, memory without limit, LZ4, merging at 128 MiB a second at most,
    /// checkpoints after 64 MiB of log or 5 minutes, no objects.
    pub fn new(dir: impl Into<PathBuf>, io: Arc<dyn Io>) -> Options {
        Options {
            dir: dir.into(),
            shards: 1,
            spaces: 16,
            durability: Durability::Quorum,
            segment_size: 64 << 20,
            max_undurable: 256 << 20,
            max_memory: u64::MAX,
            compression: Compression::default(),
            merge_rate: 128 << 20,
            spare_segments: true,
            maintenance: true,
            checkpoint_bytes: 64 << 20,
            checkpoint_interval: Duration::from_secs(300),
            rebuild_memory: 256 << 20,
            route: |_, _| 0,
            waiters_called: Arc::new(|| {}),
            codec: Arc::new(NoObjects),
            observer: Arc::new(Unobserved),
            io,
            clock: Arc::new(SystemClock),
        }
    }
}
