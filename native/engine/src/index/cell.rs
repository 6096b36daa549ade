//! The memory of one slot, which readers look at while a writer changes it.
//!
//! One writer at a time, the holder of the shard's lock; any number of readers without it. All
//! stores are releases and all loads acquires, so that whoever has seen a store sees everything
//! that writers did before it, the record's bytes and earlier stores to other slots included.
//!
//! **The order of the words.** An entry is written `about` first, `place` second, and read `place`
//! first, `about` second; removing one only writes `place`. `place` decides: it says whether there
//! is an entry, and whose record to compare the key with; `about` is never older than that. What a
//! reader that meets a change between its two loads can see:
//!
//! - *Replaced, same key.* The old `place` with the new `about`. Both have the key's hash, so the
//!   entry is not missed; the record at the old address is the key's and was current when `place`
//!   was read. Expiry and size class may be the newer write's: readers without the lock take them
//!   for hints, the record's header has the truth.
//! - *Removed.* `about` is not touched, so the reader finds the entry that was there when it read
//!   `place`.
//! - *Removed and taken by another key.* The old `place` with another key's `about`. If the hashes
//!   agree, the record decides: it is the old key's, current when `place` was read. If they do not,
//!   the old key is not found here. It had been removed before the other key's `about` was stored,
//!   which the reader has seen, so there was a moment during the search without that key. Together
//!   the two may look like a third key's; the record says that it is not.

use super::slot::{EMPTY, GONE, Slot};
use crate::sync::{AtomicU64, Ordering};

/// One slot of a table.
pub(crate) struct Cell {
    place: AtomicU64,
    about: AtomicU64,
}

impl Cell {
    /// A slot that was never used.
    pub(crate) fn empty() -> Cell {
        Cell { place: AtomicU64::new(EMPTY.place), about: AtomicU64::new(EMPTY.about) }
    }

    /// What is in the slot. For a reader without the lock: a pair as the module describes.
    #[inline]
    pub(crate) fn load(&self) -> Slot {
        let place = self.place.load(Ordering::Acquire);
        Slot { place, about: self.about.load(Ordering::Acquire) }
    }

    /// What is in the slot if it may be the entry of a key with this hash. Reads the second word
    /// only when the first one agrees.
    #[inline]
    pub(crate) fn probe(&self, hash: u32) -> Probe {
        let place = self.place.load(Ordering::Acquire);
        let first = Slot { place, about: 0 };
        if !first.has_tag_of(hash) {
            return if first.is_empty() { Probe::End } else { Probe::Other };
        }
        let slot = Slot { place, about: self.about.load(Ordering::Acquire) };
        if slot.has_low_bits_of(hash) { Probe::Match(slot) } else { Probe::Other }
    }

    /// Enters `slot`, in an unused slot or for the same key. Only the writer may.
    #[inline]
    pub(crate) fn store(&self, slot: Slot) {
        self.about.store(slot.about, Ordering::Release);
        self.place.store(slot.place, Ordering::Release);
    }

    /// Removes the entry. Only the writer may; `is_last` says that no probe goes on behind it.
    pub(crate) fn clear(&self, is_last: bool) {
        let nothing = if is_last { EMPTY } else { GONE };
        self.place.store(nothing.place, Ordering::Release);
    }

    /// Notes an access to the entry that was read as `slot`; nothing happens if its second word has
    /// changed since. Anybody may: it exchanges the word it was read as for one that differs in the
    /// access time only, so no change of the writer's is undone. The word may belong to another key
    /// by now that looks exactly the same: then that one is taken for accessed.
    pub(crate) fn touch(&self, slot: Slot, now_s: u32) {
        let mut touched = slot;
        touched.touch(now_s);
        self.retouch(slot, touched);
    }

    /// [`Cell::touch`] with an access time that has been entered in `touched`.
    pub(crate) fn retouch(&self, slot: Slot, touched: Slot) {
        debug_assert_eq!(
            (slot.address(), slot.expiry_s()),
            (touched.address(), touched.expiry_s())
        );
        if slot.about != touched.about {
            let (done, failed) = (Ordering::AcqRel, Ordering::Relaxed);
            // If it fails somebody else has noted an access, or the entry is a newer one.
            let _ = self.about.compare_exchange(slot.about, touched.about, done, failed);
        }
    }
}

/// What a search finds in a slot.
pub(crate) enum Probe {
    /// Nothing, and nothing behind it.
    End,
    /// Another key's entry, or one that was removed.
    Other,
    /// An entry with the hash.
    Match(Slot),
}
