//! The read cache's memory: chunks, and the way from a cache address to the bytes.
//!
//! A cache address is `CACHE | number << shift | offset`, the offset counting within the chunk of
//! that number. Readers resolve addresses without a lock, under an epoch (crossbeam-epoch), as they
//! do those of the log: a chunk is used again only when no reader can have a pointer into it.

use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crossbeam_epoch::Guard;
use parking_lot::Mutex;

use crate::address::{CACHE, POSITION_BITS, position};
use crate::log::{Buffer, Trash};

/// Bounds of the chunk size, as powers of two: 64 KiB and 1 MiB.
const SHIFTS: std::ops::RangeInclusive<u32> = 16..=20;
/// A shard's part of the budget is about this many chunks: few enough to be quick to count, enough
/// that a partly used chunk at either end of a queue costs little of it.
const CHUNKS_PER_SHARD: u64 = 128;
/// Unused chunks that are kept for the next taker; more are given back to the system.
const SPARE: usize = 16;
/// Entries of the first table of bases; each further table is twice as long as the one before.
const FIRST_TABLE: u64 = 64;
/// Tables that cover all 2^32 numbers of the smallest chunks.
const TABLES: usize = 27;
/// Hits are counted in this many places, so that readers of different chunks do not meet there.
const STRIPES: usize = 16;

/// A counter on a cache line of its own.
#[derive(Default)]
#[repr(align(64))]
struct Stripe(AtomicU64);

/// All memory of the read cache of a store; shared by its shards.
pub(crate) struct Chunks {
    shift: u32,
    /// Base address of each chunk's memory by number. Table `n` has `FIRST_TABLE << n` entries and
    /// never moves, so that readers need nothing but two loads.
    bases: [OnceLock<Box<[AtomicPtr<u8>]>>; TABLES],
    pool: Mutex<Pool>,
    /// Bytes of chunks that are let go of but may still be read.
    waiting: AtomicU64,
    max_waiting: AtomicU64,
    /// Bytes of all memory had from the system.
    allocated: AtomicU64,
    hits: [Stripe; STRIPES],
    trash: Trash,
}

#[derive(Default)]
struct Pool {
    /// Memory by chunk number.
    memory: Vec<Option<Buffer>>,
    /// Numbers of unused chunks of the common size, with memory.
    spare: Vec<u32>,
    /// Numbers without memory.
    vacant: Vec<u32>,
}

impl Chunks {
    /// Chunks for caches of `shards` shards that will use about `budget` bytes together. What is
    /// given back to the system is freed by whoever empties the bin of `trash`.
    pub(crate) fn new(budget: u64, shards: u16, trash: Trash) -> Arc<Chunks> {
        let share = budget / u64::from(shards.max(1)) / CHUNKS_PER_SHARD;
        let shift = share.max(1).ilog2().clamp(*SHIFTS.start(), *SHIFTS.end());
        let chunks = Chunks {
            shift,
            bases: std::array::from_fn(|_| OnceLock::new()),
            pool: Mutex::default(),
            waiting: AtomicU64::new(0),
            max_waiting: AtomicU64::new(0),
            allocated: AtomicU64::new(0),
            hits: Default::default(),
            trash,
        };
        chunks.set_budget(budget);
        Arc::new(chunks)
    }

    /// Changes the budget. It bounds what may wait for readers on top of it: an eighth, or a few
    /// chunks. The caches have limits of their own.
    pub(crate) fn set_budget(&self, budget: u64) {
        let max = (budget / 8).max(SPARE as u64 * self.size() as u64);
        self.max_waiting.store(max, Ordering::Relaxed);
    }

    /// Lets what waits for readers now be within the bound, until the budget is set again: somebody
    /// has waited long enough for readers to go on.
    pub(crate) fn concede(&self) {
        self.max_waiting.fetch_max(self.waiting.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Size of a common chunk in bytes.
    pub(crate) fn size(&self) -> usize {
        1 << self.shift
    }

    /// Bytes had from the system: chunks in the caches, spare ones, and those that wait for readers.
    pub(crate) fn allocated(&self) -> u64 {
        self.allocated.load(Ordering::Relaxed)
    }

    /// Reads answered by the cache, not counting the first one after each insertion, which is the
    /// re-run of the one that missed.
    pub(crate) fn hits(&self) -> u64 {
        self.hits.iter().map(|stripe| stripe.0.load(Ordering::Relaxed)).sum()
    }

    pub(super) fn count_hit(&self, address: u64) {
        let stripe = (address >> self.shift) as usize % STRIPES;
        self.hits[stripe].0.fetch_add(1, Ordering::Relaxed);
    }

    /// The memory behind a cache address, valid while `guard` lives.
    ///
    /// The address must have been read, under `guard` or under the shard's lock, from an index slot
    /// (or be known to the holder of that lock otherwise); then the whole record can be reached from
    /// the pointer, and its bytes do not change.
    pub(crate) fn at(&self, address: u64, _guard: &Guard) -> *mut u8 {
        let position = position(address);
        let base = self.base(position >> self.shift).load(Ordering::Acquire);
        debug_assert!(!base.is_null(), "cache address {address:#x} in no chunk");
        base.wrapping_add(position as usize & (self.size() - 1))
    }

    /// A chunk of the common size; `None` if there is no memory, or too much of it still waits for
    /// readers: then later.
    pub(super) fn take(self: &Arc<Self>) -> Option<Chunk> {
        if self.is_clogged() {
            return None;
        }
        let spare = self.pool.lock().spare.pop();
        match spare {
            Some(number) => Some(Chunk { number, len: self.size(), pool: Arc::clone(self) }),
            None => self.allocate(self.size()),
        }
    }

    /// A chunk of `len` bytes, more than the common size or not; `None` as for `take`.
    pub(super) fn take_sized(self: &Arc<Self>, len: usize) -> Option<Chunk> {
        if self.is_clogged() { None } else { self.allocate(len) }
    }

    /// Whether so much memory waits for readers that nobody gets any now.
    pub(super) fn is_clogged(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > self.max_waiting.load(Ordering::Relaxed)
    }

    fn allocate(self: &Arc<Self>, len: usize) -> Option<Chunk> {
        // The system is asked first, so that the pool's lock is not held meanwhile.
        let buffer = Buffer::new(len).ok()?;
        let mut pool = self.pool.lock();
        let number = match pool.vacant.pop() {
            Some(number) => number,
            None => {
                let next = pool.memory.len() as u64;
                if next >= 1 << (POSITION_BITS - self.shift) {
                    return None;
                }
                pool.memory.push(None);
                next as u32
            }
        };
        self.base(number.into()).store(buffer.base(), Ordering::Release);
        pool.memory[number as usize] = Some(buffer);
        self.allocated.fetch_add(len as u64, Ordering::Relaxed);
        Some(Chunk { number, len, pool: Arc::clone(self) })
    }

    /// Takes back a chunk nobody can be reading.
    fn release(&self, number: u32, len: usize) {
        let mut pool = self.pool.lock();
        if len == self.size() && pool.spare.len() < SPARE {
            pool.spare.push(number);
            return;
        }
        self.base(number.into()).store(std::ptr::null_mut(), Ordering::Release);
        let buffer = pool.memory[number as usize].take();
        pool.vacant.push(number);
        drop(pool);
        self.allocated.fetch_sub(len as u64, Ordering::Relaxed);
        if let Some(buffer) = buffer {
            self.trash.put(Arc::new(buffer));
        }
    }

    fn base(&self, number: u64) -> &AtomicPtr<u8> {
        let place = number + FIRST_TABLE;
        let table = (place / FIRST_TABLE).ilog2();
        let len = FIRST_TABLE << table;
        let bases = self.bases[table as usize]
            .get_or_init(|| (0..len).map(|_| AtomicPtr::default()).collect());
        &bases[(place - len) as usize]
    }
}

/// A piece of memory that one cache has for itself. Dropping it gives the memory to the next taker
/// at once: only for a chunk that no index slot ever pointed into; see [`Chunk::retire`].
pub(super) struct Chunk {
    number: u32,
    len: usize,
    pool: Arc<Chunks>,
}

impl Chunk {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Address of the chunk's first byte.
    pub(super) fn address(&self) -> u64 {
        CACHE | u64::from(self.number) << self.pool.shift
    }

    /// The chunk's first byte in memory.
    pub(super) fn base(&self) -> *mut u8 {
        self.pool.base(self.number.into()).load(Ordering::Relaxed)
    }

    /// Gives the chunk back when nobody can be reading it any more. No index slot points into it.
    pub(super) fn retire(self, guard: &Guard) {
        let pool = Arc::clone(&self.pool);
        let len = self.len as u64;
        pool.waiting.fetch_add(len, Ordering::Relaxed);
        guard.defer(move || {
            self.pool.waiting.fetch_sub(len, Ordering::Relaxed);
            drop(self);
        });
        guard.flush();
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.pool.release(self.number, self.len);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::trash;
    use crossbeam_epoch as epoch;

    #[test]
    fn every_number_has_a_place_of_its_own() {
        let (trash, _bin) = trash();
        let chunks = Chunks::new(0, 1, trash);
        let places: std::collections::HashSet<*const AtomicPtr<u8>> =
            (0..10_000).map(|number| std::ptr::from_ref(chunks.base(number))).collect();
        assert_eq!(places.len(), 10_000);
        let last = (u64::from(u32::MAX) + FIRST_TABLE) / FIRST_TABLE;
        assert_eq!(last.ilog2() as usize, TABLES - 1);
    }

    #[test]
    fn the_chunk_size_follows_the_budget() {
        let size = |budget, shards| Chunks::new(budget, shards, trash().0).size();
        assert_eq!(size(0, 0), 64 << 10);
        assert_eq!(size(1 << 30, 16), 512 << 10);
        assert_eq!(size(1 << 40, 2), 1 << 20);
    }

    #[test]
    fn memory_is_used_again_only_when_no_reader_is_left() {
        let (trash, bin) = trash();
        let chunks = Chunks::new(0, 1, trash);
        let reader = std::thread::spawn({
            let chunks = Arc::clone(&chunks);
            let (ready, wait) = std::sync::mpsc::channel();
            let (done, finish) = std::sync::mpsc::channel::<()>();
            let thread = std::thread::spawn(move || {
                let guard = epoch::pin();
                ready.send(()).expect("heard");
                finish.recv().expect("told");
                drop(guard);
                drop(chunks);
            });
            wait.recv().expect("pinned");
            move || (thread, done)
        });
        let (thread, done) = reader.join().expect("joined");

        let large = chunks.take_sized(3 << 20).expect("memory");
        let common = chunks.take().expect("memory");
        let number = common.number;
        large.retire(&epoch::pin());
        common.retire(&epoch::pin());
        for _ in 0..1000 {
            epoch::pin().flush();
        }
        assert!(chunks.is_clogged(), "3 MiB wait");
        assert!(chunks.take().is_none());
        assert_eq!(chunks.allocated(), (3 << 20) + chunks.size() as u64);
        chunks.concede();
        assert!(!chunks.is_clogged(), "who has waited long enough gets memory");

        done.send(()).expect("heard");
        thread.join().expect("joined");
        while chunks.waiting.load(Ordering::Relaxed) > 0 {
            epoch::pin().flush();
            std::thread::yield_now();
        }
        bin.empty();
        assert_eq!(chunks.allocated(), chunks.size() as u64, "only the spare chunk is left");
        assert_eq!(chunks.take().expect("spare").number, number);
    }
}
