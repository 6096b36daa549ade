//! A queue of the read cache: entries in chunks, first in, first out.

use std::collections::VecDeque;
use std::sync::Arc;

use crossbeam_epoch::Guard;

use super::chunks::{Chunk, Chunks};
use super::entry::{HEAD, Head};

/// Part of a chunk at most that an entry of it takes, so that the room left over at the end of a
/// chunk is less; what is larger has a chunk of its own.
const LARGEST_PART: usize = 4;

/// A chunk in a queue. Its entries lie between `passed` and `used`.
struct Piece {
    chunk: Chunk,
    used: usize,
    passed: usize,
}

impl Piece {
    /// Bytes behind its entries.
    fn slack(&self) -> u64 {
        (self.chunk.len() - self.used) as u64
    }
}

/// Entries in the order they came, with the memory they are in.
#[derive(Default)]
pub(super) struct Queue {
    pieces: VecDeque<Piece>,
    /// Whether entries can be added behind those of the last piece.
    open: bool,
    /// Bytes that leave with entries still to come: all of the memory but what lies in front of the
    /// oldest entry, and the free end of the open piece.
    held: u64,
    bytes: u64,
    entries: u64,
}

/// The entry whose turn it is.
pub(super) struct Oldest<'g> {
    /// Its address, which is that of its record.
    pub address: u64,
    pub head: &'g Head,
    pub record: &'g [u8],
    /// Whether it has a chunk of its own.
    pub alone: bool,
}

/// An entry in a chunk of its own that is in no queue yet.
pub(super) struct Large(Chunk);

impl Large {
    /// Whether a record of `len` bytes gets a chunk of its own.
    pub(super) fn is(len: usize, chunks: &Chunks) -> bool {
        HEAD + len > chunks.size() / LARGEST_PART
    }

    /// `None` if there is no memory for it now.
    pub(super) fn new(head: Head, record: &[u8], chunks: &Arc<Chunks>) -> Option<Large> {
        let chunk = chunks.take_sized(HEAD + record.len())?;
        // SAFETY: the chunk is as long as the entry and nobody else has it.
        unsafe { write(chunk.base(), head, record) };
        Some(Large(chunk))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// # Safety
/// From `at`, a multiple of 8, there is room for head and record, which nobody else reads or writes.
unsafe fn write(at: *mut u8, head: Head, record: &[u8]) {
    // SAFETY: by this function's promise.
    unsafe {
        at.cast::<Head>().write(head);
        std::ptr::copy_nonoverlapping(record.as_ptr(), at.add(HEAD), record.len());
    }
}

impl Queue {
    /// See the field.
    pub(super) fn held(&self) -> u64 {
        self.held
    }

    /// Bytes of the queue's chunks.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn entries(&self) -> u64 {
        self.entries
    }

    /// By how much an entry of `len` bytes will add to what is held.
    pub(super) fn growth(&self, len: usize) -> u64 {
        let left_over = match self.pieces.back() {
            Some(last) if self.open && !self.has_room(len) => last.slack(),
            _ => 0,
        };
        len as u64 + left_over
    }

    /// Adds an entry at the end and returns its address; `None` if there is no memory for it now.
    pub(super) fn push(
        &mut self,
        head: Head,
        record: &[u8],
        chunks: &Arc<Chunks>,
        guard: &Guard,
    ) -> Option<u64> {
        let len = HEAD + record.len();
        if !self.has_room(len) {
            let chunk = chunks.take()?;
            self.close(guard);
            self.bytes += chunk.len() as u64;
            self.pieces.push_back(Piece { chunk, used: 0, passed: 0 });
            self.open = true;
        }
        let last = self.pieces.back_mut().expect("an open piece");
        let at = last.used;
        // SAFETY: there is room for the entry behind the used part, where no slot points to, and
        // the caller has the cache for itself. Lengths are multiples of 8.
        unsafe { write(last.chunk.base().add(at), head, record) };
        last.used += len;
        self.held += len as u64;
        self.entries += 1;
        Some(last.chunk.address() + (at + HEAD) as u64)
    }

    /// Takes back the entry just added, of a record of `len` bytes: no slot ever pointed to it.
    pub(super) fn unpush(&mut self, len: usize) {
        let last = self.pieces.back_mut().expect("an entry was just added");
        last.used -= HEAD + len;
        self.held -= (HEAD + len) as u64;
        self.entries -= 1;
    }

    /// Adds an entry with its chunk, before the open piece, and returns its address.
    pub(super) fn push_large(&mut self, Large(chunk): Large) -> u64 {
        let (address, len) = (chunk.address() + HEAD as u64, chunk.len());
        let piece = Piece { chunk, used: len, passed: 0 };
        let at = self.pieces.len() - usize::from(self.open);
        self.pieces.insert(at, piece);
        self.bytes += len as u64;
        self.held += len as u64;
        self.entries += 1;
        address
    }

    /// The entry that came first.
    pub(super) fn oldest<'g>(&self, _guard: &'g Guard) -> Option<Oldest<'g>> {
        let first = self.pieces.front().filter(|first| first.passed < first.used)?;
        let at = first.chunk.base().wrapping_add(first.passed).cast_const();
        // SAFETY: `passed` stands at an entry, which `push` or `Large::new` wrote: a head, and as
        // many bytes as it says. They do not change, but for atomics, and when the queue lets go
        // of the chunk, the guard keeps it.
        let (head, record) = unsafe {
            let head = &*at.cast::<Head>();
            (head, std::slice::from_raw_parts(at.add(HEAD), head.len as usize))
        };
        let address = first.chunk.address() + (first.passed + HEAD) as u64;
        Some(Oldest { address, head, record, alone: HEAD + record.len() == first.chunk.len() })
    }

    /// Goes past the entry that `oldest` returned: no slot points to it any more.
    pub(super) fn pass(&mut self, oldest: &Oldest<'_>, guard: &Guard) {
        let is_open = self.open && self.pieces.len() == 1;
        let Some(first) = self.pieces.front_mut() else { return };
        let len = HEAD + oldest.record.len();
        first.passed += len;
        self.held -= len as u64;
        self.entries -= 1;
        if is_open || first.passed < first.used {
            return;
        }
        if let Some(first) = self.pieces.pop_front() {
            self.held -= first.slack();
            self.bytes -= first.chunk.len() as u64;
            first.chunk.retire(guard);
        }
    }

    /// Takes out the entry that `oldest` returned, which has a chunk of its own; readers may still
    /// be using it.
    pub(super) fn pop_large(&mut self) -> Option<Large> {
        let first = self.pieces.pop_front()?;
        self.held -= first.chunk.len() as u64;
        self.bytes -= first.chunk.len() as u64;
        self.entries -= 1;
        Some(Large(first.chunk))
    }

    /// Lets go of the open piece if there is no entry left in it.
    pub(super) fn shrink(&mut self, guard: &Guard) {
        if self.entries == 0 {
            self.close(guard);
        }
    }

    /// Lets go of everything; no slot points to any of it.
    pub(super) fn clear(&mut self, guard: &Guard) {
        self.pieces.drain(..).for_each(|piece| piece.chunk.retire(guard));
        *self = Queue::default();
    }

    /// Adds no more to the open piece.
    fn close(&mut self, guard: &Guard) {
        if !std::mem::take(&mut self.open) {
            return;
        }
        let Some(last) = self.pieces.back() else { return };
        if last.passed < last.used {
            self.held += last.slack();
        } else if let Some(last) = self.pieces.pop_back() {
            self.bytes -= last.chunk.len() as u64;
            last.chunk.retire(guard);
        }
    }

    fn has_room(&self, len: usize) -> bool {
        self.open && self.pieces.back().is_some_and(|last| len as u64 <= last.slack())
    }
}
