//! What the engine's threads and its callers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32};

use crossbeam_epoch::Guard;
use parking_lot::{Mutex, MutexGuard};

use crate::clock::Clock;
use crate::index::HASH_BITS;
use crate::log::Log;
use crate::shard::{RecordRef, Shard};

/// One open store.
pub(crate) struct Core {
    pub log: Arc<Log>,
    pub shards: Box<[Mutex<Shard>]>,
    pub spaces: u16,
    /// Next incarnation of a key space; changed only with all shards locked.
    pub next_space: AtomicU32,
    pub hash_seed: u64,
    pub clock: Arc<dyn Clock>,
    pub sweeping: AtomicBool,
    pub io: &'static str,
}

impl Core {
    /// The bits of a key's hash that the index works with.
    pub(crate) fn hash(&self, key: &[u8]) -> u32 {
        hash(self.hash_seed, key)
    }

    /// The record behind an address found in an index whose lock the caller holds.
    pub(crate) fn record(&self, address: u64, guard: &Guard) -> RecordRef {
        let at = self.log.segments.at(address, guard);
        // SAFETY: index slots point to whole records of present segments, and `guard` keeps the
        // memory. Bytes of a record change only under its shard's lock, which the caller holds.
        unsafe { RecordRef::new(at) }
    }

    /// Locks all shards, in order.
    pub(crate) fn lock_everything(&self) -> Vec<MutexGuard<'_, Shard>> {
        self.shards.iter().map(Mutex::lock).collect()
    }
}

/// See [`Core::hash`]. XXH3, keyed: Y. Collet, xxHash specification.
pub(crate) fn hash(seed: u64, key: &[u8]) -> u32 {
    (xxhash_rust::xxh3::xxh3_64_with_seed(key, seed) >> (64 - HASH_BITS)) as u32
}
