//! One entry of the read cache: a head, and the record's bytes as they are in the log.
//!
//! The address of an entry is that of its record; the head lies in front of it.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use crossbeam_epoch::Guard;

use super::chunks::Chunks;

/// Bytes of a head.
pub(super) const HEAD: usize = size_of::<Head>();

/// Inserted and not yet read: the command that asked for the record has not run again.
const UNREAD: u8 = 0;
/// Read once since: that was the command that asked.
const READ: u8 = 1;
/// Reads are counted up to here: three that were reuse.
const MOST: u8 = 4;
/// No slot points to the entry any more.
const DEAD: u8 = u8::MAX;

/// What the cache knows of an entry. Only the atomic fields change once a slot points to it.
#[repr(C)]
pub(super) struct Head {
    /// Address of the record in the log or a merged segment.
    origin: AtomicU64,
    /// Incarnation of its key space.
    pub space: u32,
    /// The index's bits of its key's hash.
    pub hash: u32,
    /// Bytes of the record, padding included.
    pub len: u32,
    reads: AtomicU8,
    spare: [u8; 3],
}

const _: () = assert!(HEAD == 24);

impl Head {
    pub(super) fn new(origin: u64, space: u32, hash: u32, len: u32) -> Head {
        let reads = AtomicU8::new(UNREAD);
        Head { origin: AtomicU64::new(origin), space, hash, len, reads, spare: [0; 3] }
    }

    pub(super) fn origin(&self) -> u64 {
        self.origin.load(Ordering::Acquire)
    }

    /// How often it was used again, up to 3.
    pub(super) fn reuse(&self) -> u8 {
        self.reads.load(Ordering::Relaxed).saturating_sub(READ).min(MOST - READ)
    }

    /// Whether the command that asked for it has not read it yet.
    pub(super) fn is_unread(&self) -> bool {
        self.reads.load(Ordering::Relaxed) == UNREAD
    }

    /// Sets what `reuse` returns; a reader who counts at the same moment may be lost.
    pub(super) fn set_reuse(&self, reuse: u8) {
        self.reads.store(READ + reuse, Ordering::Relaxed);
    }

    pub(super) fn is_dead(&self) -> bool {
        self.reads.load(Ordering::Relaxed) == DEAD
    }
}

impl Chunks {
    fn head<'g>(&self, address: u64, guard: &'g Guard) -> &'g Head {
        let head = self.at(address, guard).wrapping_sub(HEAD).cast::<Head>();
        // SAFETY: by `at`'s condition this is the address of an entry, whose head was written in
        // front of its record before any slot pointed there, aligned to 8; `guard` keeps the
        // memory, and from then on only the head's atomics change.
        unsafe { &*head }
    }

    /// Counts a read of an entry, without a lock. Reads that meet at the same moment may count as
    /// one. For the address the same holds as for [`Chunks::at`].
    pub(crate) fn touch(&self, address: u64, guard: &Guard) {
        let reads = &self.head(address, guard).reads;
        let now = reads.load(Ordering::Relaxed);
        if now < MOST {
            // A lost race is a read nearly at once with another one: one count serves both.
            let _ = reads.compare_exchange(now, now + 1, Ordering::Relaxed, Ordering::Relaxed);
        }
        if now != UNREAD {
            self.count_hit(address);
        }
    }

    /// Where the record of an entry is on disk. For the address the same holds as for
    /// [`Chunks::at`].
    pub(crate) fn origin(&self, address: u64, guard: &Guard) -> u64 {
        self.head(address, guard).origin()
    }

    /// Notes that the record of an entry is elsewhere on disk now: under the shard's lock.
    pub(crate) fn set_origin(&self, address: u64, origin: u64, guard: &Guard) {
        self.head(address, guard).origin.store(origin, Ordering::Release);
    }

    /// Notes that the slot which pointed to an entry has moved away (its key was overwritten or
    /// deleted): under the shard's lock. The entry then leaves without a look at the index, and
    /// never as a survivor. Not a duty: an entry without a slot is also found when it leaves.
    pub(crate) fn forget(&self, address: u64, guard: &Guard) {
        self.head(address, guard).reads.store(DEAD, Ordering::Relaxed);
    }
}
