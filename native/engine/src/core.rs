//! What the engine's threads and its callers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use crossbeam_epoch::Guard;
use parking_lot::Mutex;

use crate::access::Missing;
use crate::access::keyspace::SpaceTable;
use crate::address::{ChainPlace, Region, region};
use crate::chains::{Chains, HeapGauge, Objects};
use crate::clock::Clock;
use crate::index::{HASH_BITS, Slot};
use crate::live::Live;
use crate::log::Log;
use crate::object::Codec;
use crate::observer::Observer;
use crate::options::Compression;
use crate::shard::{RecordRef, Shard, Space};
use crate::tier::balance::Uses;
use crate::tier::chunks::Chunks;
use crate::tier::fetch::{Fetcher, after_all};
use crate::view::View;

/// One open store.
pub(crate) struct Core {
    pub log: Arc<Log>,
    pub shards: Box<[Mutex<Shard>]>,
    /// What readers see of each shard without its lock.
    pub views: Box<[Arc<View>]>,
    pub spaces: u16,
    /// Next incarnation of a key space; changed only with all shards locked.
    pub next_space: AtomicU32,
    /// The table of key spaces that was logged last; empty if none was. Changed only with all shards
    /// locked.
    pub logged_spaces: Mutex<SpaceTable>,
    pub log_id: u64,
    pub hash_seed: u64,
    pub clock: Arc<dyn Clock>,
    /// Emptied key spaces, each with its shard's number, whose records are still counted as live.
    pub emptied: Mutex<Vec<(usize, Space)>>,
    pub sweeping: AtomicBool,
    /// How values are compressed that are not kept in memory.
    pub compression: Compression,
    pub io: &'static str,
    /// Set when the store is closed: what is on disk only cannot be read any more.
    pub stopped: AtomicBool,
    /// Whether all segments have room in memory.
    pub all_fits: AtomicBool,
    /// Memory that everything together may take, in bytes.
    pub max_memory: u64,
    /// What the read cache may take beyond its part, for commands that need more at a time. Wears
    /// off.
    pub boost: AtomicU64,
    /// Memory of all objects.
    pub heap: HeapGauge,
    pub objects: Objects,
    /// How often objects and records are used.
    pub uses: Mutex<Uses>,
    pub codec: Arc<dyn Codec>,
    pub observer: Arc<dyn Observer>,
    /// Which shard owns a key.
    pub route: fn(&[u8], u16) -> u16,
    /// The read cache's memory.
    pub chunks: Arc<Chunks>,
    pub fetcher: Arc<Fetcher>,
    /// Held by whoever changes which files the store consists of, while it replaces the list of
    /// segments and removes what that no longer has; and by a backup while it takes hold of them.
    pub layout: Mutex<()>,
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
        let at = match region(address) {
            Region::Cache => Some(self.chunks.at(address, guard)),
            Region::Log | Region::Merged => self.log.segments.at(address, guard),
            Region::Chain => None,
        };
        at.map(<*mut u8>::cast_const)
    }

    /// Where the record of an entry is on disk, or will be. Of an entry with a chain: its address,
    /// which is that of no record.
    pub(crate) fn origin(&self, slot: Slot, guard: &Guard) -> u64 {
        match region(slot.address()) {
            Region::Cache => self.chunks.origin(slot.address(), guard),
            Region::Log | Region::Merged | Region::Chain => slot.address(),
        }
    }

    /// Has records brought into memory, see [`crate::Engine::fetch`].
    pub(crate) fn fetch(&self, missing: Missing, waiter: Box<dyn FnOnce() + Send>) {
        let boost = missing.boost();
        if boost > 0 && self.boost.fetch_max(boost, Ordering::Relaxed) < boost {
            self.boost_caches(boost);
        }
        self.objects.add_boost(missing.object_boost());
        let (records, values) = missing.into_parts();
        if values.is_empty() {
            return self.fetcher.fetch(records, waiter);
        }
        let mut waiters = after_all(2, waiter);
        if let (Some(one), Some(other)) = (waiters.pop(), waiters.pop()) {
            self.fetcher.fetch(records, one);
            self.objects.load(values, other);
        }
    }

    /// Accounts for an entry that ceases to exist or points elsewhere from now on; under its shard's
    /// lock. `chains` are those of its key space. An object is freed in the background.
    pub(crate) fn leave(&self, live: &mut Live, chains: &mut Chains, slot: Slot, guard: &Guard) {
        match ChainPlace::of(slot.address()) {
            None => live.remove(self.origin(slot, guard), slot),
            Some(ChainPlace::Handle(handle)) => {
                if let Some(discarded) = chains.take(handle, live) {
                    discarded.leave_to(&self.log.trash);
                }
            }
            // Its records are counted when it has been looked through.
            Some(ChainPlace::Newest(newest)) => chains.settled(newest, live),
        }
        if region(slot.address()) == Region::Cache {
            self.chunks.forget(slot.address(), guard);
        }
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
