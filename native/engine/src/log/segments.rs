//! The log's address space: from an address to the memory it is read from.
//!
//! Readers look addresses up without a lock, under an epoch (crossbeam-epoch); whoever replaces or
//! drops a segment's memory waits until no reader can still be using it.

use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

use crossbeam_epoch::{self as epoch, Atomic, Guard, Owned};
use parking_lot::Mutex;

use super::buffer::Buffer;
use super::trash::Trash;
use crate::io::{File, Mapping};

/// What a segment is read from.
pub(crate) enum Memory {
    /// Still, or until a moment ago, appended to.
    Buffer(Buffer),
    /// A sealed file.
    Mapped(Mapping),
}

impl Memory {
    fn base(&self) -> *mut u8 {
        match self {
            Memory::Buffer(buffer) => buffer.base(),
            Memory::Mapped(mapping) => mapping.as_slice().as_ptr().cast_mut(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Memory::Buffer(buffer) => buffer.len(),
            Memory::Mapped(mapping) => mapping.as_slice().len(),
        }
    }
}

/// A segment and where it is.
pub(crate) struct Segment {
    /// First segment id it covers.
    pub id: u64,
    /// Number of ids it covers; more than 1 only for one huge record.
    pub span: u32,
    memory: Arc<Memory>,
    /// Its file, once there is one.
    pub file: Option<Arc<dyn File>>,
}

/// All segments.
pub(crate) struct Segments {
    shift: u32,
    /// Base address of each segment id's memory.
    bases: Atomic<Box<[AtomicPtr<u8>]>>,
    list: Mutex<Vec<Segment>>,
}

impl Segments {
    pub(crate) fn new(shift: u32) -> Segments {
        let bases: Box<[AtomicPtr<u8>]> = (0..64).map(|_| AtomicPtr::default()).collect();
        Segments { shift, bases: Atomic::new(bases), list: Mutex::new(Vec::new()) }
    }

    /// Size of a segment in bytes.
    pub(crate) fn size(&self) -> u64 {
        1 << self.shift
    }

    /// First address of a segment id.
    pub(crate) fn start(&self, id: u64) -> u64 {
        id << self.shift
    }

    /// The memory behind `address`, valid while `guard` lives.
    ///
    /// The address must be that of a record (or of a frame or segment header) of a present segment;
    /// then everything up to the end of that record can be reached from the pointer.
    pub(crate) fn at(&self, address: u64, guard: &Guard) -> *mut u8 {
        let bases = self.bases.load(Ordering::Acquire, guard);
        // SAFETY: `bases` is never null (set in `new`, only ever replaced by a longer array), and
        // the old array is destroyed through the epoch, so it outlives `guard`.
        let bases = unsafe { bases.deref() };
        let base = bases[(address >> self.shift) as usize].load(Ordering::Acquire);
        debug_assert!(!base.is_null(), "address {address} in no segment");
        base.wrapping_add((address & (self.size() - 1)) as usize)
    }

    /// Adds a segment that is read from `memory`; takes the place of one with the same id, which
    /// must be unused, so that no reader can have a pointer into it.
    pub(crate) fn add(&self, id: u64, span: u32, memory: Memory, file: Option<Arc<dyn File>>) {
        let mut list = self.list.lock();
        let guard = epoch::pin();
        self.reserve(id + u64::from(span), &guard);
        let segment = Segment { id, span, memory: Arc::new(memory), file };
        self.publish(&segment, &guard);
        match list.iter_mut().find(|other| other.id == id) {
            Some(unused) => *unused = segment,
            None => list.push(segment),
        }
    }

    /// Gives a segment its file.
    pub(crate) fn set_file(&self, id: u64, file: Arc<dyn File>) {
        if let Some(segment) = self.list.lock().iter_mut().find(|segment| segment.id == id) {
            segment.file = Some(file);
        }
    }

    /// The file of a segment, once it has one.
    pub(crate) fn file(&self, id: u64) -> Option<Arc<dyn File>> {
        let list = self.list.lock();
        list.iter().find(|segment| segment.id == id).and_then(|segment| segment.file.clone())
    }

    /// Size of all segment files.
    pub(crate) fn disk_bytes(&self) -> u64 {
        let files: Vec<Arc<dyn File>> =
            self.list.lock().iter().filter_map(|segment| segment.file.clone()).collect();
        files.iter().filter_map(|file| file.len().ok()).sum()
    }

    /// The memory of a segment, kept alive by the result.
    pub(crate) fn memory(&self, id: u64) -> Option<Arc<Memory>> {
        let list = self.list.lock();
        list.iter().find(|segment| segment.id == id).map(|segment| Arc::clone(&segment.memory))
    }

    /// Makes the last segment writable again: its first `used` bytes are copied into `buffer`, which
    /// serves it from now on. Only for a store nobody uses yet.
    pub(crate) fn reopen(&self, id: u64, buffer: Buffer, used: u64) {
        let mut list = self.list.lock();
        let Some(segment) = list.iter_mut().find(|segment| segment.id == id) else { return };
        let used = usize::try_from(used).map_or(0, |used| used.min(segment.memory.len()));
        assert!(used <= buffer.len(), "a segment of one size");
        // SAFETY: `used` lies within both; the buffer is new, nobody else has it, and the two do
        // not overlap.
        unsafe { std::ptr::copy_nonoverlapping(segment.memory.base(), buffer.base(), used) };
        segment.memory = Arc::new(Memory::Buffer(buffer));
        self.publish(segment, &epoch::pin());
    }

    /// Serves a sealed segment from its mapped file from now on. Its buffer goes to `trash` when no
    /// reader can be using it any more.
    pub(crate) fn replace(&self, id: u64, mapping: Mapping, trash: &Trash) {
        let mut list = self.list.lock();
        let guard = epoch::pin();
        let Some(segment) = list.iter_mut().find(|segment| segment.id == id) else { return };
        let old = std::mem::replace(&mut segment.memory, Arc::new(Memory::Mapped(mapping)));
        self.publish(segment, &guard);
        drop(list);
        let trash = trash.clone();
        guard.defer(move || trash.put(old));
        guard.flush();
    }

    /// Number of segments, bytes of their buffers, bytes of their mappings.
    pub(crate) fn usage(&self) -> (u64, u64, u64) {
        let list = self.list.lock();
        let mut usage = (list.len() as u64, 0, 0);
        for segment in list.iter() {
            match &*segment.memory {
                Memory::Buffer(buffer) => usage.1 += buffer.len() as u64,
                Memory::Mapped(mapping) => usage.2 += mapping.as_slice().len() as u64,
            }
        }
        usage
    }

    /// Makes the array long enough for ids below `end`.
    fn reserve(&self, end: u64, guard: &Guard) {
        let shared = self.bases.load(Ordering::Acquire, guard);
        // SAFETY: as in `at`.
        let bases = unsafe { shared.deref() };
        if end as usize <= bases.len() {
            return;
        }
        let len = (end as usize).next_power_of_two();
        let longer: Box<[AtomicPtr<u8>]> = (0..len)
            .map(|id| match bases.get(id) {
                Some(base) => AtomicPtr::new(base.load(Ordering::Relaxed)),
                None => AtomicPtr::default(),
            })
            .collect();
        self.bases.store(Owned::new(longer), Ordering::Release);
        // SAFETY: the array is no longer reachable from `bases`, and only `self.list`'s holder
        // replaces it, so it is retired once; readers that have it are pinned.
        unsafe { guard.defer_destroy(shared) };
    }

    fn publish(&self, segment: &Segment, guard: &Guard) {
        let bases = self.bases.load(Ordering::Acquire, guard);
        // SAFETY: as in `at`.
        let bases = unsafe { bases.deref() };
        let (base, len) = (segment.memory.base(), segment.memory.len());
        for step in 0..u64::from(segment.span) {
            let offset = (step << self.shift) as usize;
            // A mapping may end before the last segment size it covers begins.
            let base = if offset < len { base.wrapping_add(offset) } else { std::ptr::null_mut() };
            bases[(segment.id + step) as usize].store(base, Ordering::Release);
        }
    }
}

impl Drop for Segments {
    fn drop(&mut self) {
        // SAFETY: `&mut self`: nobody reads the array any more; it is owned by this value alone.
        unsafe {
            let bases = self.bases.load(Ordering::Relaxed, epoch::unprotected());
            drop(bases.into_owned());
        }
    }
}
