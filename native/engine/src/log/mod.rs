//! The log: one address space, one tail, one committer.
//!
//! Writers append records to the open frame in memory, under the tail lock, for as long as a memory
//! copy takes. The committer seals that frame, writes it to the segment's file, syncs it and
//! publishes the durable position; meanwhile the next frame fills. So one sync covers everybody who
//! wrote since the last one, and nobody waits for a timer.

mod buffer;
mod committer;
mod extend;
pub(crate) mod files;
mod handover;
mod segments;
mod tail;
mod trash;
mod waiters;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crossbeam_epoch::Guard;
use parking_lot::{Condvar, Mutex, MutexGuard};

pub(crate) use buffer::Buffer;
pub(crate) use committer::{Committer, run as run_committer};
pub(crate) use extend::Extension;
pub(crate) use files::{Files, Listing};
#[cfg(test)]
pub(crate) use files::{merged_path, segment_path};
use handover::Handover;
pub(crate) use segments::{Memory, SegmentState, Segments, Summary};
use tail::Sealed;
pub(crate) use tail::Tail;
pub(crate) use trash::{Trash, TrashBin, trash};
pub use waiters::Waiter;
use waiters::Waiters;

use crate::Lsn;
use crate::address::{MAX_LOG, is_in_log};
use crate::error::{Failure, WriteError};
use crate::options::{Durability, Options};
use crate::record::frame::{BLOCK, HEADER as FRAME_HEADER};
use crate::record::segment_header::MAX_COVERED;
use crate::record::{self, HEADER, Header, Kind};
use crate::stats::Counters;

/// Values from this size on are copied into the log without its lock, and never updated in place.
pub(crate) const LARGE_VALUE: usize = 64 << 10;
/// The part of the memory budget that what is not durable yet takes at most, as one in so many.
const UNDURABLE_PART: u64 = 8;
/// In async mode the committer is woken early when so much is unsynced.
const ASYNC_WAKE: u64 = 8 << 20;

/// A record to be appended.
pub(crate) struct Write<'a> {
    pub kind: Kind,
    pub space: u32,
    pub tag: u8,
    pub expiry_ms: u64,
    pub key: &'a [u8],
    /// The beginning of the value, and its end.
    pub lead: &'a [u8],
    pub value: &'a [u8],
}

impl Write<'_> {
    pub(crate) fn total_len(&self) -> u64 {
        record::total_len(self.key.len(), self.value_len())
    }

    fn value_len(&self) -> usize {
        self.lead.len() + self.value.len()
    }

    fn header(&self, sequence: u64) -> Header {
        Header {
            key_len: self.key.len() as u32,
            value_len: self.value_len() as u32,
            space: self.space,
            sequence,
            kind: self.kind,
            tag: self.tag,
            expiry_ms: self.expiry_ms,
        }
    }
}

/// A place between two frames below which everything is durable: where reading the log may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Where the next frame begins, if it is not in a later segment.
    pub position: u64,
    /// Number of that frame.
    pub number: u64,
    /// Incarnation of whoever writes it.
    pub incarnation: u32,
    /// Where the frames of the segment before that of `position` end; 0 if there is none.
    pub previous_end: u64,
}

/// The log of one store.
pub(crate) struct Log {
    pub segments: Segments,
    pub counters: Counters,
    pub trash: Trash,
    durability: Durability,
    max_undurable: u64,
    tail: Mutex<Tail>,
    /// Signalled when the last copying writer of a frame is done.
    copied: Condvar,
    durable: AtomicU64,
    /// Where the open frame begins: what lies below never changes.
    submitted: AtomicU64,
    /// The durable position with what else there is to know about it.
    mark: Mutex<Mark>,
    failure: OnceLock<Failure>,
    failed: AtomicBool,
    /// There is no room for another segment.
    full: AtomicBool,
    /// Something had to be refused, or could not be written, because of that.
    refusing: AtomicBool,
    durability_waiters: Waiters,
    room_waiters: Waiters,
    waiters_called: Arc<dyn Fn() + Send + Sync>,
    handover: Handover,
}

impl Log {
    /// A log that goes on with frame `number`.
    pub(crate) fn new(
        segments: Segments,
        tail: Tail,
        (number, incarnation): (u64, u32),
        options: &Options,
        trash: Trash,
    ) -> Log {
        let (position, previous_end) = (tail.frame_start, tail.previous_end);
        let durable = AtomicU64::new(position);
        let mark = Mark { position, number, incarnation, previous_end };
        let submitted = AtomicU64::new(position);
        Log {
            segments,
            counters: Counters::default(),
            trash,
            durability: options.durability,
            max_undurable: options.max_undurable.min(options.max_memory / UNDURABLE_PART),
            waiters_called: Arc::clone(&options.waiters_called),
            tail: Mutex::new(tail),
            copied: Condvar::new(),
            durable,
            submitted,
            mark: Mutex::new(mark),
            failure: OnceLock::new(),
            failed: AtomicBool::new(false),
            full: AtomicBool::new(false),
            refusing: AtomicBool::new(false),
            durability_waiters: Waiters::default(),
            room_waiters: Waiters::default(),
            handover: Handover::default(),
        }
    }

    /// Position below which everything survives a crash.
    pub(crate) fn durable(&self) -> Lsn {
        self.durable.load(Ordering::Acquire)
    }

    /// Position below which records do not change any more; above, the value of one that is updated
    /// in place may be half written for who does not hold its shard's lock.
    #[inline]
    pub(crate) fn submitted(&self) -> Lsn {
        self.submitted.load(Ordering::Acquire)
    }

    /// The durable position, as a place to begin reading at.
    pub(crate) fn mark(&self) -> Mark {
        *self.mark.lock()
    }

    /// Last sequence number given out.
    pub(crate) fn sequence(&self) -> u64 {
        self.tail.lock().sequence
    }

    pub(crate) fn durability(&self) -> Durability {
        self.durability
    }

    /// The position that becomes durable when all that was written so far does.
    pub(crate) fn written(&self) -> Lsn {
        // Not `durable` when no record waits: the committer may have taken some and be writing them.
        self.tail.lock().frames_end()
    }

    pub(crate) fn failure(&self) -> Option<&Failure> {
        self.failure.get()
    }

    /// Appends records that become durable together or not at all. `placed` is told each record's
    /// address, under the tail lock or before this returns.
    ///
    /// # Errors
    /// See [`WriteError`]; nothing was appended then.
    pub(crate) fn append(
        &self,
        writes: &[Write<'_>],
        guard: &Guard,
        mut placed: impl FnMut(usize, u64),
    ) -> Result<(), WriteError> {
        let len: u64 = writes.iter().map(Write::total_len).sum();
        let mut tail = self.reserve(len)?;
        let large = writes.iter().any(|write| write.value.len() >= LARGE_VALUE);
        let mut address = tail.address;
        let mut sequence = tail.sequence;
        tail.address += len;
        tail.sequence += writes.len() as u64;
        tail.records += writes.len() as u32;
        let mut fill = |guard: &Guard| {
            for (number, write) in writes.iter().enumerate() {
                sequence += 1;
                // SAFETY: `reserve` made room for `len` bytes at the tail's address in a present
                // segment buffer; this writer alone has that range, until the frame is sealed,
                // which the tail lock or `copying` forbids while this runs.
                unsafe { fill_record(self.writable(address, guard), write, sequence) };
                placed(number, address);
                address += write.total_len();
            }
        };
        if !large {
            fill(guard);
            return Ok(());
        }
        tail.copying += 1;
        drop(tail);
        fill(guard);
        let mut tail = self.tail.lock();
        tail.copying -= 1;
        if tail.copying == 0 {
            self.copied.notify_all();
        }
        Ok(())
    }

    /// Replaces the value of the record at `address` by one of the same padded length, if the
    /// record is not yet handed to the committer. The caller holds the lock of the record's shard.
    pub(crate) fn update_in_place(
        &self,
        address: u64,
        old: &Header,
        write: &Write<'_>,
        guard: &Guard,
    ) -> bool {
        if !is_in_log(address)
            || old.total_len() != write.total_len()
            || write.value.len() >= LARGE_VALUE
        {
            return false;
        }
        let mut tail = self.tail.lock();
        if address < tail.frame_start || !self.takes_writes(&tail) {
            return false;
        }
        tail.sequence += 1;
        let at = self.writable(address, guard);
        // SAFETY: the record is in the open frame, whose bytes only the holder of the tail lock
        // writes; its readers hold the shard's lock, as does the caller. Lengths are equal.
        unsafe { fill_record(at, write, tail.sequence) };
        Counters::add(&self.counters.coalesced, 1);
        true
    }

    /// Memory of the open frame.
    fn writable(&self, address: u64, guard: &Guard) -> *mut u8 {
        self.segments.at(address, guard).expect("the tail's segment has its buffer")
    }

    fn takes_writes(&self, tail: &Tail) -> bool {
        !tail.closed && !self.failed.load(Ordering::Acquire)
    }

    /// Whether `len` more bytes would be too much that waits for the disk.
    fn is_behind(&self, tail: &Tail, len: u64) -> bool {
        let undurable = tail.address.saturating_sub(self.durable());
        undurable > FRAME_HEADER && undurable + len > self.max_undurable
    }

    /// Locks the tail with room for `len` bytes in the open frame.
    fn reserve(&self, len: u64) -> Result<MutexGuard<'_, Tail>, WriteError> {
        let mut tail = self.tail.lock();
        if self.failed.load(Ordering::Acquire) {
            return Err(WriteError::Failed);
        }
        if tail.closed {
            return Err(WriteError::Closed);
        }
        if self.is_behind(&tail, len) {
            drop(tail);
            self.kick_now();
            return Err(WriteError::Busy);
        }
        if !tail.fits(len) {
            self.roll(&mut tail, len)?;
        }
        Ok(tail)
    }

    /// Begins a new segment that has room for `len` bytes of records.
    fn roll(&self, tail: &mut Tail, len: u64) -> Result<(), WriteError> {
        // A writer that still copies into the open frame would see it sealed.
        if tail.copying > 0 {
            return Err(WriteError::Busy);
        }
        let shift = self.segments.size().trailing_zeros();
        let span = (BLOCK + FRAME_HEADER + len).div_ceil(self.segments.size());
        // A segment that never gets a frame never gets a file, and would be missing when the store
        // is opened again: its id is used instead of the next one.
        let unused = tail.is_unused(shift) && self.segments.file(tail.segment).is_none();
        let id = if unused { tail.segment } else { tail.segment + u64::from(tail.span) };
        if span << shift > MAX_COVERED {
            return Err(WriteError::TooLarge);
        }
        if self.is_full() {
            self.refusing.store(true, Ordering::Release);
            return Err(WriteError::Full);
        }
        if (id + span) << shift > MAX_LOG {
            return Err(WriteError::Failed);
        }
        let bytes = usize::try_from(span << shift).map_err(|_| WriteError::TooLarge)?;
        // Anonymous memory is not a file: this neither blocks nor touches a disk.
        let buffer = Buffer::new(bytes).map_err(|_| WriteError::Busy)?;
        let span = u32::try_from(span).map_err(|_| WriteError::TooLarge)?;
        self.segments.add(id, span, Some(Memory::Buffer(buffer)), None);
        if unused {
            tail.widen(span, shift);
        } else {
            tail.roll(id, span, shift);
        }
        self.submitted.store(tail.frame_start, Ordering::Release);
        Ok(())
    }

    /// Adds a waiter for `lsn`; gives it back when there is nothing to wait for.
    pub(crate) fn wait_durable(&self, lsn: Lsn, waiter: Waiter) -> Option<Waiter> {
        let back = self
            .durability_waiters
            .add(lsn, waiter, || self.durable() >= lsn || self.failed.load(Ordering::Acquire));
        if back.is_none() {
            self.kick_now();
        }
        back
    }

    /// Adds a waiter for room in the log; gives it back when there is room already.
    pub(crate) fn wait_room(&self, waiter: Waiter) -> Option<Waiter> {
        let back = self.room_waiters.add(0, waiter, || {
            self.undurable() <= self.max_undurable / 2 || self.failed.load(Ordering::Acquire)
        });
        if back.is_none() {
            self.kick_now();
        }
        back
    }

    /// The place of the frame that ends the log, in a new segment if need be. Only for a log that
    /// takes no more writes and has no frame left to be written.
    fn last_frame(&self) -> Result<Sealed, WriteError> {
        let mut tail = self.tail.lock();
        if !tail.fits(0) {
            self.roll(&mut tail, 0)?;
        }
        Ok(tail.open_frame())
    }

    /// Bytes written and not yet durable.
    pub(crate) fn undurable(&self) -> u64 {
        let tail = self.tail.lock();
        let end = if tail.records == 0 { tail.frame_start } else { tail.address };
        end.saturating_sub(self.durable())
    }

    /// Whether the disk has no room for another segment.
    pub(crate) fn is_full(&self) -> bool {
        self.full.load(Ordering::Acquire)
    }

    /// Whether writes are refused, or wait, because the disk is full.
    pub(crate) fn is_refusing(&self) -> bool {
        self.refusing.load(Ordering::Acquire)
    }

    /// Says whether the disk has room for another segment.
    pub(crate) fn set_full(&self, full: bool) {
        self.full.store(full, Ordering::Release);
        if !full {
            self.refusing.store(false, Ordering::Release);
        }
    }

    /// Tells the committer that there is something to do. Called once for a batch of commands, not
    /// for each write.
    pub(crate) fn kick(&self) {
        match self.durability {
            Durability::Quorum => self.handover.wake(),
            Durability::Async { .. } if self.undurable() > ASYNC_WAKE => self.kick_now(),
            Durability::Async { .. } => {}
        }
    }

    /// Has the committer sync now, whatever the durability mode.
    pub(crate) fn kick_now(&self) {
        self.handover.hurry();
    }

    /// Takes no more writes; the committer finishes what there is and ends.
    pub(crate) fn stop(&self) {
        self.tail.lock().closed = true;
        self.handover.stop();
    }

    /// The log can no longer be written: no acknowledgement any more.
    pub(crate) fn fail(&self, failure: Failure) {
        let failure = self.failure.get_or_init(|| failure);
        self.failed.store(true, Ordering::Release);
        self.durability_waiters.fail(failure);
        self.room_waiters.fail(failure);
        (self.waiters_called)();
    }
}

/// Writes a record's bytes but its checksum, which the committer adds.
///
/// # Safety
/// `at` is valid for writes of the record's padded length, and nobody else accesses that range but
/// readers that are kept out by a lock the caller holds.
unsafe fn fill_record(at: *mut u8, write: &Write<'_>, sequence: u64) {
    let header = write.header(sequence).encode();
    let content = HEADER + write.key.len() + write.value_len();
    let padding = write.total_len() as usize - content;
    // SAFETY: all five ranges lie within the padded length promised by the caller; the sources are
    // Rust slices and do not overlap the log's memory being written.
    unsafe {
        std::ptr::copy_nonoverlapping(header[4..].as_ptr(), at.add(4), HEADER - 4);
        std::ptr::copy_nonoverlapping(write.key.as_ptr(), at.add(HEADER), write.key.len());
        let lead = at.add(HEADER + write.key.len());
        std::ptr::copy_nonoverlapping(write.lead.as_ptr(), lead, write.lead.len());
        let value = lead.add(write.lead.len());
        std::ptr::copy_nonoverlapping(write.value.as_ptr(), value, write.value.len());
        std::ptr::write_bytes(at.add(content), 0, padding);
    }
}
