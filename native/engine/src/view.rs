//! What readers see of a shard without its lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossbeam_epoch::{Atomic, Guard, Owned};

use crate::index::IndexReader;
use crate::shard::Space;

/// Deletions are remembered by this many hash classes, see [`View::deleted`].
const DELETED: usize = 256;

/// A key space's part of a shard.
pub(crate) struct SpaceView {
    pub index: Arc<IndexReader>,
    /// Whoever reads the space depends on this position: the last flush or swap.
    pub lsn: u64,
}

/// The public side of a shard. Only the holder of the shard's lock changes it.
pub(crate) struct View {
    spaces: Box<[Atomic<SpaceView>]>,
    /// The newest position, just behind it, of a deletion by class of key hash: who finds no key
    /// depends on it, since a crash could bring the key back while the deletion is not durable.
    deleted: Box<[AtomicU64]>,
    /// A change of several keys is under way.
    batch: AtomicBool,
}

impl View {
    /// The view of a shard with `spaces` key spaces, none of which is published yet.
    pub(crate) fn new(spaces: usize) -> View {
        View {
            spaces: (0..spaces).map(|_| Atomic::null()).collect(),
            deleted: (0..DELETED).map(|_| AtomicU64::new(0)).collect(),
            batch: AtomicBool::new(false),
        }
    }

    /// Shows the key space with this number to readers from now on.
    pub(crate) fn publish(&self, number: usize, space: &Space, guard: &Guard) {
        let view = Owned::new(SpaceView { index: space.index.reader(), lsn: space.lsn });
        let old = self.spaces[number].swap(view, Ordering::AcqRel, guard);
        if !old.is_null() {
            // SAFETY: nobody can load the old view any more, and it was swapped out only once.
            unsafe { guard.defer_destroy(old) };
        }
    }

    /// A key space for a reader without the lock; `None` while a change of several keys is under
    /// way, of which such a reader could see a part.
    ///
    /// Whoever has seen one key's part of such a change sees here that it is under way, or sees all
    /// of it: the mark is set, in all shards concerned, before the first key changes.
    #[inline]
    pub(crate) fn space<'g>(&self, number: u16, guard: &'g Guard) -> Option<&'g SpaceView> {
        if self.batch.load(Ordering::Acquire) {
            return None;
        }
        // SAFETY: null, or a view that is destroyed through the epoch after it was swapped out.
        unsafe { self.spaces[usize::from(number)].load(Ordering::Acquire, guard).as_ref() }
    }

    /// Begins a change of several keys.
    pub(crate) fn begin_batch(&self) {
        self.batch.store(true, Ordering::Release);
    }

    /// Ends it.
    pub(crate) fn end_batch(&self) {
        self.batch.store(false, Ordering::Release);
    }

    /// What finding no key with this hash depends on. To be asked after the search.
    #[inline]
    pub(crate) fn deleted(&self, hash: u32) -> u64 {
        self.deleted[hash as usize % DELETED].load(Ordering::Acquire)
    }

    /// Notes a deletion, before the entry goes: who no longer finds it sees this.
    pub(crate) fn note_deletion(&self, hash: u32, lsn: u64) {
        self.deleted[hash as usize % DELETED].fetch_max(lsn, Ordering::AcqRel);
    }
}

impl Drop for View {
    fn drop(&mut self) {
        for space in &self.spaces {
            // SAFETY: `&mut self`: nobody reads the views any more; each is owned by this alone.
            unsafe {
                let space = space.load(Ordering::Relaxed, crossbeam_epoch::unprotected());
                if !space.is_null() {
                    drop(space.into_owned());
                }
            }
        }
    }
}
