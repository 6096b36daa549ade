//! The segments: from an address to the memory it is read from, or to its place on disk.
//!
//! Readers look addresses up without a lock, under an epoch (crossbeam-epoch); whoever replaces or
//! drops a segment's memory waits until no reader can still be using it.
//!
//! A segment is known by its number: the address of its first byte divided by the segment size. So
//! the numbers of merged segments are their ids with the region above.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

use crossbeam_epoch::{self as epoch, Atomic, Guard, Owned};
use parking_lot::Mutex;

use super::buffer::Buffer;
use super::trash::Trash;
use crate::address::{Region, position, region};
use crate::index::Slot;
use crate::io::{File, Mapping};
use crate::record::{Header, Kind};
use crate::tier::fetch::Place;

/// What a segment is read from.
pub(crate) enum Memory {
    /// Memory of ours: still appended to, or kept because pages of the file cannot be locked.
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

    /// The bytes, if they are those of a sealed file.
    pub(crate) fn mapped(&self) -> Option<&[u8]> {
        match self {
            Memory::Buffer(_) => None,
            Memory::Mapped(mapping) => Some(mapping.as_slice()),
        }
    }

    fn len(&self) -> usize {
        match self {
            Memory::Buffer(buffer) => buffer.len(),
            Memory::Mapped(mapping) => mapping.as_slice().len(),
        }
    }

    /// All bytes.
    ///
    /// # Safety
    /// Nobody writes to them: the segment is sealed.
    pub(crate) unsafe fn bytes(&self) -> &[u8] {
        // SAFETY: the memory is valid for its length and lives as long as `self`; that its bytes do
        // not change is the caller's promise.
        unsafe { std::slice::from_raw_parts(self.base(), self.len()) }
    }
}

/// What is in a sealed segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    /// Address at which its frames end.
    pub end: u64,
    /// Records about keys: values and tombstones.
    pub records: u64,
    /// Of these, tombstones.
    pub tombstones: u64,
    /// The lengths of all of them, as the live ones are counted: see `Slot::weight`.
    pub bytes: u64,
    /// Lowest and highest sequence number; 0 if there is no record.
    pub min_sequence: u64,
    pub max_sequence: u64,
}

impl Summary {
    /// Counts a record; `first` if it is the first one.
    pub(crate) fn add(&mut self, header: &Header, first: bool) {
        self.max_sequence = self.max_sequence.max(header.sequence);
        if first || header.sequence < self.min_sequence {
            self.min_sequence = header.sequence;
        }
        if header.kind != Kind::Spaces {
            self.records += 1;
            self.tombstones += u64::from(header.kind == Kind::Delete);
            self.bytes += Slot::new(0, 8, header.total_len(), 0, 0).weight();
        }
    }
}

/// A segment and where it is.
struct Segment {
    /// Number of segment sizes it covers; more than 1 only for one huge group.
    span: u32,
    /// `None` when it is on disk only.
    memory: Option<Arc<Memory>>,
    /// Its file, once there is one.
    file: Option<Arc<dyn File>>,
    /// Known once it is sealed and has been read through.
    summary: Option<Summary>,
    /// Not all of it is intact: its records are fetched, and verified, one by one.
    damaged: bool,
}

impl Segment {
    fn state(&self, number: u64) -> SegmentState {
        SegmentState {
            number,
            span: self.span,
            in_memory: self.memory.is_some(),
            has_file: self.file.is_some(),
            summary: self.summary,
            damaged: self.damaged,
        }
    }
}

/// What there is to know about a segment at the moment.
#[derive(Clone, Debug)]
pub(crate) struct SegmentState {
    pub number: u64,
    pub span: u32,
    pub in_memory: bool,
    pub has_file: bool,
    pub summary: Option<Summary>,
    pub damaged: bool,
}

/// Base addresses of the segments of one region, by position.
type Bases = Box<[AtomicPtr<u8>]>;

/// All segments.
pub(crate) struct Segments {
    shift: u32,
    /// Base address of each segment size's memory, for the log and for merged segments; null when
    /// it is not in memory.
    bases: [Atomic<Bases>; 2],
    list: Mutex<BTreeMap<u64, Segment>>,
}

/// Segments of the log, merged ones, bytes of their buffers, bytes of their mappings, and those that
/// are on disk only.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    pub segments: u64,
    pub merged: u64,
    pub buffer_bytes: u64,
    pub mapped_bytes: u64,
    pub cold: u64,
}

impl Segments {
    pub(crate) fn new(shift: u32) -> Segments {
        let bases = || (0..64).map(|_| AtomicPtr::default()).collect::<Bases>();
        let bases = [Atomic::new(bases()), Atomic::new(bases())];
        Segments { shift, bases, list: Mutex::new(BTreeMap::new()) }
    }

    /// Size of a segment in bytes.
    pub(crate) fn size(&self) -> u64 {
        1 << self.shift
    }

    /// First address of a segment.
    pub(crate) fn start(&self, number: u64) -> u64 {
        number << self.shift
    }

    /// The memory behind `address`, valid while `guard` lives; `None` when it is on disk only.
    ///
    /// The address must be that of a record (or of a frame or segment header) of the log or of a
    /// merged segment; then everything up to the end of that record can be reached from the pointer.
    pub(crate) fn at(&self, address: u64, guard: &Guard) -> Option<*mut u8> {
        let bases = self.bases_of(address, guard);
        let base = bases.get((position(address) >> self.shift) as usize)?.load(Ordering::Acquire);
        (!base.is_null()).then(|| base.wrapping_add((address & (self.size() - 1)) as usize))
    }

    fn bases_of<'g>(&self, address: u64, guard: &'g Guard) -> &'g Bases {
        let bases =
            self.bases[usize::from(region(address) != Region::Log)].load(Ordering::Acquire, guard);
        // SAFETY: `bases` is never null (set in `new`, only ever replaced by a longer array), and
        // the old array is destroyed through the epoch, so it outlives `guard`.
        unsafe { bases.deref() }
    }

    /// Adds a segment; takes the place of one with the same number, which must be unused, so that no
    /// reader can have a pointer into it.
    pub(crate) fn add(
        &self,
        number: u64,
        span: u32,
        memory: Option<Memory>,
        file: Option<Arc<dyn File>>,
    ) {
        let mut list = self.list.lock();
        let guard = epoch::pin();
        self.reserve(self.start(number + u64::from(span)), &guard);
        let memory = memory.map(Arc::new);
        let segment = Segment { span, memory, file, summary: None, damaged: false };
        self.publish(number, &segment, &guard);
        list.insert(number, segment);
    }

    /// Gives a segment its file.
    pub(crate) fn set_file(&self, number: u64, file: Arc<dyn File>) {
        if let Some(segment) = self.list.lock().get_mut(&number) {
            segment.file = Some(file);
        }
    }

    /// Notes what is in a sealed segment.
    pub(crate) fn set_summary(&self, number: u64, summary: Summary) {
        if let Some(segment) = self.list.lock().get_mut(&number) {
            segment.summary = Some(summary);
        }
    }

    /// Notes that a segment is not to be served from memory, because not all of it is intact.
    pub(crate) fn set_damaged(&self, number: u64) {
        if let Some(segment) = self.list.lock().get_mut(&number) {
            segment.damaged = true;
        }
    }

    /// The file of a segment, once it has one.
    pub(crate) fn file(&self, number: u64) -> Option<Arc<dyn File>> {
        self.list.lock().get(&number).and_then(|segment| segment.file.clone())
    }

    /// Where on disk the bytes at `address` are, if their segment is present and has a file.
    pub(crate) fn on_disk(&self, address: u64) -> Option<Place> {
        let list = self.list.lock();
        let (&number, segment) = list.range(..=address >> self.shift).next_back()?;
        let offset = address - self.start(number);
        let end = u64::from(segment.span) << self.shift;
        let file = segment.file.clone()?;
        (offset < end).then_some(Place { file, offset, end })
    }

    /// All segments by number.
    pub(crate) fn states(&self) -> Vec<SegmentState> {
        let list = self.list.lock();
        list.iter().map(|(&number, segment)| segment.state(number)).collect()
    }

    /// One segment, if it is there.
    pub(crate) fn state(&self, number: u64) -> Option<SegmentState> {
        self.list.lock().get(&number).map(|segment| segment.state(number))
    }

    /// Size of all segment files.
    pub(crate) fn disk_bytes(&self) -> u64 {
        let files: Vec<Arc<dyn File>> =
            self.list.lock().values().filter_map(|segment| segment.file.clone()).collect();
        files.iter().filter_map(|file| file.len().ok()).sum()
    }

    /// The memory of a segment, kept alive by the result.
    pub(crate) fn memory(&self, number: u64) -> Option<Arc<Memory>> {
        self.list.lock().get(&number).and_then(|segment| segment.memory.clone())
    }

    /// Serves a sealed segment from `memory` from now on, or from disk only. What it was served
    /// from before goes to `trash` when no reader can be using it any more.
    pub(crate) fn replace(&self, number: u64, memory: Option<Memory>, trash: &Trash) {
        let mut list = self.list.lock();
        let Some(segment) = list.get_mut(&number) else { return };
        let guard = epoch::pin();
        let old = std::mem::replace(&mut segment.memory, memory.map(Arc::new));
        self.publish(number, segment, &guard);
        drop(list);
        retire(old, guard, trash);
    }

    /// Forgets a segment to which nothing refers any more, and returns its file.
    pub(crate) fn remove(&self, number: u64, trash: &Trash) -> Option<Arc<dyn File>> {
        let mut list = self.list.lock();
        let mut segment = list.remove(&number)?;
        let guard = epoch::pin();
        let old = segment.memory.take();
        self.publish(number, &segment, &guard);
        drop(list);
        retire(old, guard, trash);
        segment.file
    }

    /// What the segments take.
    pub(crate) fn usage(&self) -> Usage {
        let list = self.list.lock();
        let mut usage = Usage::default();
        for (&number, segment) in list.iter() {
            match region(self.start(number)) {
                Region::Log => usage.segments += 1,
                _ => usage.merged += 1,
            }
            match segment.memory.as_deref() {
                Some(Memory::Buffer(buffer)) => usage.buffer_bytes += buffer.len() as u64,
                Some(Memory::Mapped(mapping)) => {
                    usage.mapped_bytes += mapping.as_slice().len() as u64;
                }
                None => usage.cold += 1,
            }
        }
        usage
    }

    /// Makes the array of the region long enough for addresses below `end`.
    fn reserve(&self, end: u64, guard: &Guard) {
        let bases = &self.bases[usize::from(region(end) != Region::Log)];
        let end = (position(end) >> self.shift) as usize;
        let shared = bases.load(Ordering::Acquire, guard);
        // SAFETY: as in `bases_of`.
        let present = unsafe { shared.deref() };
        if end <= present.len() {
            return;
        }
        let longer: Bases = (0..end.next_power_of_two())
            .map(|at| match present.get(at) {
                Some(base) => AtomicPtr::new(base.load(Ordering::Relaxed)),
                None => AtomicPtr::default(),
            })
            .collect();
        bases.store(Owned::new(longer), Ordering::Release);
        // SAFETY: the array is no longer reachable from `bases`, and only `self.list`'s holder
        // replaces it, so it is retired once; readers that have it are pinned.
        unsafe { guard.defer_destroy(shared) };
    }

    fn publish(&self, number: u64, segment: &Segment, guard: &Guard) {
        let bases = self.bases_of(self.start(number), guard);
        let first = (position(self.start(number)) >> self.shift) as usize;
        let memory = segment.memory.as_deref().map(|memory| (memory.base(), memory.len()));
        for step in 0..segment.span as usize {
            let offset = step << self.shift;
            // A mapping may end before the last segment size it covers begins.
            let base = match memory {
                Some((base, len)) if offset < len => base.wrapping_add(offset),
                _ => std::ptr::null_mut(),
            };
            bases[first + step].store(base, Ordering::Release);
        }
    }
}

/// Frees a segment's memory when no reader can be using it, on the thread that empties the bin.
fn retire(old: Option<Arc<Memory>>, guard: Guard, trash: &Trash) {
    let Some(old) = old else { return };
    let trash = trash.clone();
    guard.defer(move || trash.put(old));
    guard.flush();
}

impl Drop for Segments {
    fn drop(&mut self) {
        for bases in &self.bases {
            // SAFETY: `&mut self`: nobody reads the array any more; it is owned by this value alone.
            unsafe {
                let bases = bases.load(Ordering::Relaxed, epoch::unprotected());
                drop(bases.into_owned());
            }
        }
    }
}
