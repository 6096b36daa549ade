//! How small a collection must be for Redis's compact encodings.
//!
//! Redis's parameters, with its defaults: here they decide what OBJECT ENCODING says, as clients and
//! their tests expect; how values are really kept is FerricStore's own business.

use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

/// A limit that can be changed while the server runs.
pub struct Limit(AtomicI64);

impl Limit {
    const fn new(value: i64) -> Limit {
        Limit(AtomicI64::new(value))
    }

    /// Its value now.
    #[inline]
    pub fn get(&self) -> i64 {
        self.0.load(Relaxed)
    }

    /// The same for what is never negative.
    #[inline]
    pub fn size(&self) -> usize {
        usize::try_from(self.get()).unwrap_or(0)
    }

    pub(crate) fn set(&self, value: i64) {
        self.0.store(value, Relaxed);
    }
}

/// The limits.
pub struct Thresholds {
    /// Most fields of a hash that is a listpack.
    pub hash_max_entries: Limit,
    /// Longest field or value of a hash that is a listpack, in bytes.
    pub hash_max_value: Limit,
    /// Longest HyperLogLog in the sparse representation, in bytes.
    pub hll_sparse_max: Limit,
    /// Size of a list's node: entries, or -1 to -5 for 4 to 64 KiB.
    pub list_max_size: Limit,
    /// Nodes at both ends of a list that Redis does not compress; 0 = no compression. Kept only to be
    /// shown: memory is not compressed here.
    pub list_compress_depth: Limit,
    /// Most members of a set that is an intset.
    pub set_max_intset: Limit,
    /// Longest node of a stream, in bytes; 0 = no limit.
    pub stream_node_bytes: Limit,
    /// Most entries of a node of a stream; 0 = no limit.
    pub stream_node_entries: Limit,
    /// Most members of a sorted set that is a listpack.
    pub zset_max_entries: Limit,
    /// Longest member of a sorted set that is a listpack, in bytes.
    pub zset_max_value: Limit,
}

impl Default for Thresholds {
    fn default() -> Thresholds {
        Thresholds {
            hash_max_entries: Limit::new(512),
            hash_max_value: Limit::new(64),
            hll_sparse_max: Limit::new(3000),
            list_max_size: Limit::new(-2),
            list_compress_depth: Limit::new(0),
            set_max_intset: Limit::new(512),
            stream_node_bytes: Limit::new(4096),
            stream_node_entries: Limit::new(100),
            zset_max_entries: Limit::new(128),
            zset_max_value: Limit::new(64),
        }
    }
}
