//! What the engine's threads and its callers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32};

use crossbeam_epoch::Guard;
use parking_lot::{Mutex, MutexGuard};

use crate::access::keyspace::SpaceTable;
use crate::address::{Region, region};
use crate::clock::Clock;
use crate::index::{HASH_BITS, Slot};
use crate::log::Log;
use crate::options::Compression;
use crate::shard::{RecordRef, Shard, Space};

/// One open store.
pub(crate) struct Core {
    pub log: Arc<Log>,
    pub shards: Box<[Mutex<Shard>]>,
    pub spaces: u16,
    /// Next incarnation of a key space; changed only with all shards locked.
    pub next_space: AtomicU32,
    /// The table of key spaces that was logged last; empty if none was. Changed only with all shards
    /// locked.
    pub logged_spaces: Mutex<SpaceTable>,
    pub hash_seed: u64,
    pub clock: Arc<dyn Clock>,
    /// Emptied key spaces, each with its shard's number, whose records are still counted as live.
    pub emptied: Mutex<Vec<(usize, Space)>>,
    pub sweeping: AtomicBool,
    /// How values are compressed that are not kept in memory.
    pub compression: Compression,
    pub io: &'static str,
}

impl Core {
    /// The bits of a key's hash that the index works with.
    pub(crate) fn hash(&self, key: &[u8]) -> u32 {
        hash(self.hash_seed, key)
    }

    /// The record behind an address found in an index whose lock the caller holds; `None` when it
    /// is on disk only, or compressed and has to be unpacked first.
    #[inline]
    pub(crate) fn record(&self, address: u64, guard: &Guard) -> Option<RecordRef> {
        let at = self.at(address, guard)?;
        // SAFETY: index slots point to whole records of present segments, and `guard` keeps the
        // memory. Bytes of a record change only under its shard's lock, which the caller holds.
        let record = unsafe { RecordRef::new(at) };
        (region(address) != Region::Merged || !record.is_compressed()).then_some(record)
    }

    /// The memory at `address`; `None` when it is on disk only.
    pub(crate) fn at(&self, address: u64, guard: &Guard) -> Option<*const u8> {
        self.log.segments.at(address, guard).map(<*mut u8>::cast_const)
    }

    /// Where the record of an entry is on disk.
    pub(crate) fn origin(&self, slot: Slot, _guard: &Guard) -> u64 {
        slot.address()
    }

    /// Locks all shards, in order.
    pub(crate) fn lock_everything(&self) -> Vec<MutexGuard<'_, Shard>> {
        self.shards.iter().map(Mutex::lock).collect()
    }
}

/// See [`Core::hash`].
pub(crate) fn hash(seed: u64, key: &[u8]) -> u32 {
    index_hash(long_hash(seed, key))
}

/// All bits of a key's hash. XXH3, keyed: Y. Collet, xxHash specification.
pub(crate) fn long_hash(seed: u64, key: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(key, seed)
}

/// The bits of a hash that the index works with.
pub(crate) fn index_hash(long: u64) -> u32 {
    (long >> (64 - HASH_BITS)) as u32
}
