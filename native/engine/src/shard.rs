//! A shard: the part of every key space that one lock protects.

use std::collections::HashSet;
use std::sync::Arc;

use crossbeam_epoch::{self as epoch, Guard};

use crate::address::ChainPlace;
use crate::chains::{Chains, HeapGauge};
use crate::index::{Index, Place};
use crate::live::Live;
use crate::log::Trash;
use crate::prefetch::prefetch;
use crate::record::{HEADER, Header, KIND_AT, Kind};
use crate::tier::cache::Cache;
use crate::view::View;

/// Damaged records remembered; beyond that they are forgotten, and found again when they are read.
const MAX_DAMAGED: usize = 10_000;

/// One key space's part of a shard.
pub(crate) struct Space {
    /// Incarnation: emptying a space gives it a new one, and the records of the old are garbage.
    pub id: u32,
    pub index: Index,
    /// Keys with an expiry.
    pub expires: u64,
    /// Whoever reads the space depends on this position: the last flush or swap.
    pub lsn: u64,
    /// The values that are objects.
    pub chains: Chains,
}

impl Space {
    pub(crate) fn new(id: u32, trash: &Trash, heap: &HeapGauge) -> Space {
        let (index, chains) = (Index::new(trash.clone()), Chains::new(heap.clone()));
        Space { id, index, expires: 0, lsn: 0, chains }
    }

    /// The entry of a key with this hash to whose chain the record at `address` belongs, and the
    /// chain's handle; no handle if the record is all that is known of the chain, and unreadable.
    pub(crate) fn chain_with(&self, hash: u32, address: u64) -> Option<(Place, Option<u32>)> {
        let mut found = None;
        let place = self.index.find(hash, |slot| match ChainPlace::of(slot.address()) {
            Some(ChainPlace::Handle(handle)) => {
                found = Some(handle);
                self.chains.get(handle).is_some_and(|chain| chain.records.contain(address))
            }
            Some(ChainPlace::Newest(newest)) => {
                found = None;
                newest == address
            }
            None => false,
        })?;
        Some((place, found))
    }
}

/// What a shard's lock protects.
pub(crate) struct Shard {
    pub spaces: Vec<Space>,
    /// What readers see without the lock.
    pub view: Arc<View>,
    /// What the shard's entries make of each segment.
    pub live: Live,
    pub cache: Cache,
    /// Addresses of records that could not be read from disk, as found out so far.
    damaged: HashSet<u64>,
}

impl Shard {
    /// A shard of a store with segments of `2^shift` bytes.
    pub(crate) fn new(shift: u32, cache: Cache) -> Shard {
        Shard {
            spaces: Vec::new(),
            view: Arc::new(View::new(0)),
            live: Live::new(shift),
            cache,
            damaged: HashSet::new(),
        }
    }

    /// Shows readers without the lock what a key space is now.
    pub(crate) fn publish_space(&self, number: usize, guard: &Guard) {
        self.view.publish(number, &self.spaces[number], guard);
    }

    /// The record at `address` cannot be read: reading it is an error from now on.
    pub(crate) fn note_damage(&mut self, address: u64) {
        // The newest has to be remembered: whoever asked for it would else ask for ever.
        if self.damaged.len() >= MAX_DAMAGED {
            self.damaged.clear();
        }
        self.damaged.insert(address);
    }

    pub(crate) fn is_damaged(&self, address: u64) -> bool {
        !self.damaged.is_empty() && self.damaged.contains(&address)
    }

    /// Makes the shard, whose key spaces are complete now, visible to readers without the lock.
    pub(crate) fn publish(&mut self) -> Arc<View> {
        let (view, guard) = (View::new(self.spaces.len()), epoch::pin());
        let spaces = self.spaces.iter().enumerate();
        spaces.for_each(|(number, space)| view.publish(number, space, &guard));
        self.view = Arc::new(view);
        Arc::clone(&self.view)
    }
}

/// A record in memory.
///
/// The holder of a shard's lock may read the records its index points to: their bytes only change
/// under that lock.
#[derive(Clone, Copy)]
pub(crate) struct RecordRef(*const u8);

impl RecordRef {
    /// # Safety
    /// `at` points to a whole record that stays in memory, unchanged but for its checksum, for as
    /// long as the result is used.
    pub(crate) unsafe fn new(at: *const u8) -> RecordRef {
        RecordRef(at)
    }

    /// Asks the processor for the record's beginning.
    pub(crate) fn prefetch(self) {
        prefetch(self.0);
    }

    pub(crate) fn header(self) -> Header {
        let mut bytes = [0u8; HEADER];
        // SAFETY: by `new`'s promise a header is here; the checksum, which the committer may be
        // writing, is left out.
        unsafe {
            std::ptr::copy_nonoverlapping(self.0.add(4), bytes.as_mut_ptr().add(4), HEADER - 4)
        };
        Header::decode(&bytes).expect("the index points to records only")
    }

    /// Whether the value is stored compressed.
    pub(crate) fn is_compressed(self) -> bool {
        // SAFETY: by `new`'s promise a record is here: its kind is the byte at offset 16.
        unsafe { self.0.add(KIND_AT).read() == Kind::PutCompressed as u8 }
    }

    /// Whether the record is of this key; reads no more than it must.
    pub(crate) fn has_key(self, key: &[u8]) -> bool {
        // SAFETY: by `new`'s promise a record is here: its key length at offset 4, its key behind
        // the header.
        unsafe {
            let len = u32::from_le_bytes(self.0.add(4).cast::<[u8; 4]>().read());
            len as usize == key.len()
                && std::slice::from_raw_parts(self.0.add(HEADER), key.len()) == key
        }
    }

    /// Key and value. The lifetime is the caller's to choose, within `new`'s promise.
    ///
    /// # Safety
    /// The record stays as it is for `'a`.
    pub(crate) unsafe fn content<'a>(self, header: &Header) -> (&'a [u8], &'a [u8]) {
        // SAFETY: key and value follow the header; see `new` and this function's promise.
        unsafe {
            let key = self.0.add(HEADER);
            let value = key.add(header.key_len as usize);
            (
                std::slice::from_raw_parts(key, header.key_len as usize),
                std::slice::from_raw_parts(value, header.value_len as usize),
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::trash;
    use crate::tier::chunks::Chunks;

    #[test]
    fn the_newest_damage_is_known_however_much_there_is() {
        let cache = Cache::new(Chunks::new(0, 1, trash().0), 0);
        let mut shard = Shard::new(16, cache);
        for address in (8..).step_by(8).take(MAX_DAMAGED * 2 + 1) {
            shard.note_damage(address);
            assert!(shard.is_damaged(address) && shard.damaged.len() <= MAX_DAMAGED);
        }
    }
}
