//! Chunks: some dozens of entries, packed into one buffer.
//!
//! ```text
//! buffer:  tags (a byte each) · offsets (2 bytes each, 4 if the buffer is larger than 64 KiB)
//!          · entries · room
//! entry:   number: 2 * (length of the key + 1) + (1 if there is a payload)
//!          [number: length of the payload] · key · [payload]
//!      or  0 · number: where outside of the buffer the entry is
//! ```
//!
//! Tags and offsets have room for `slots` entries; the order of entries means nothing. Numbers are
//! those of [`wire`](crate::values::wire). Long entries are kept outside, each in a block of its own,
//! so that changing a chunk never moves them.

use std::sync::Arc;

use ferric_engine::Malformed;
use smallvec::SmallVec;

use super::hash::Hash;
use crate::values::wire::{self, Reader};

/// Longest key and payload, together, that are kept in the buffer, in bytes.
const MAX_INLINE: usize = 512;

/// What an entry outside of the buffer counts for when chunks are kept of even size, in bytes.
const OUTSIDE_WEIGHT: usize = 64;

/// Bytes that a chunk takes beyond its buffer: this structure, and what goes with an allocation
/// (two counters, and the allocator's own header).
const FIXED_BYTES: usize = size_of::<Chunk>() + 24;

/// The largest buffer whose offsets take 2 bytes.
const MAX_NARROW: usize = 1 << 16;

/// What an entry counts for when chunks are kept of even size: about the bytes that it takes.
#[inline]
pub(super) fn weight(key: &[u8], payload: &[u8]) -> usize {
    const SLOT: usize = 3;
    match key.len() + payload.len() {
        0..=MAX_INLINE => Head::inline(key, payload).len + key.len() + payload.len() + SLOT,
        _ => OUTSIDE_WEIGHT,
    }
}

/// A chunk. Its buffer is shared with the copies that were made of it, until one of them changes.
#[derive(Clone, Default)]
pub(super) struct Chunk {
    buffer: Arc<[u8]>,
    len: u32,
    slots: u32,
    /// Where the entries end.
    end: u32,
    outside: Option<Arc<Outside>>,
}

/// The entries of a chunk that are outside of its buffer.
#[derive(Clone, Default)]
struct Outside {
    blocks: Vec<Option<Block>>,
    /// Bytes of all blocks.
    bytes: usize,
}

/// A key and its payload.
#[derive(Clone)]
struct Block {
    key_len: usize,
    bytes: Arc<[u8]>,
}

impl Block {
    fn new(key: &[u8], payload: &[u8]) -> Block {
        Block { key_len: key.len(), bytes: key.iter().chain(payload).copied().collect() }
    }

    fn split(&self) -> (&[u8], &[u8]) {
        self.bytes.split_at(self.key_len)
    }
}

impl Outside {
    /// Puts a block where there is none.
    fn add(&mut self, block: Block) -> usize {
        self.bytes += block.bytes.len();
        match self.blocks.iter().position(Option::is_none) {
            Some(free) => {
                self.blocks[free] = Some(block);
                free
            }
            None => {
                self.blocks.push(Some(block));
                self.blocks.len() - 1
            }
        }
    }

    fn replace(&mut self, at: usize, block: Option<Block>) {
        self.bytes += block.as_ref().map_or(0, |block| block.bytes.len());
        let old = std::mem::replace(&mut self.blocks[at], block);
        self.bytes -= old.map_or(0, |block| block.bytes.len());
    }
}

/// What stands before an entry's key.
#[derive(Default)]
struct Head {
    bytes: [u8; 2 * wire::MAX_NUMBER],
    len: usize,
}

impl Head {
    #[inline]
    fn inline(key: &[u8], payload: &[u8]) -> Head {
        let mut head = Head::default();
        head.put((key.len() + 1) << 1 | usize::from(!payload.is_empty()));
        if !payload.is_empty() {
            head.put(payload.len());
        }
        head
    }

    fn outside(at: usize) -> Head {
        let mut head = Head::default();
        head.put(0);
        head.put(at);
        head
    }

    #[inline]
    fn put(&mut self, mut number: usize) {
        while number >= 0x80 {
            self.bytes[self.len] = number as u8 | 0x80;
            self.len += 1;
            number >>= 7;
        }
        self.bytes[self.len] = number as u8;
        self.len += 1;
    }

    #[inline]
    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// An entry as it stands in the buffer.
enum Body<'b> {
    Inline { key: &'b [u8], payload: &'b [u8] },
    Outside(usize),
}

impl<'b> Body<'b> {
    /// Reads the entry at the front of `bytes`, and says how long it is.
    #[inline]
    fn read(bytes: &'b [u8]) -> Result<(Body<'b>, usize), Malformed> {
        let mut reader = Reader::new(bytes);
        let head = reader.size()?;
        let body = if head == 0 {
            Body::Outside(reader.size()?)
        } else {
            let payload = if head & 1 == 1 { reader.size()? } else { 0 };
            Body::Inline { key: reader.take((head >> 1) - 1)?, payload: reader.take(payload)? }
        };
        Ok((body, bytes.len() - reader.rest().len()))
    }
}

/// Bytes of an offset in a buffer of this length.
#[inline]
fn width(buffer: usize) -> usize {
    if buffer <= MAX_NARROW { 2 } else { 4 }
}

/// The offsets of a buffer's entries.
enum Offsets<'b> {
    Narrow(&'b mut [[u8; 2]]),
    Wide(&'b mut [[u8; 4]]),
}

impl Offsets<'_> {
    #[inline]
    fn of(buffer: &mut [u8], slots: usize) -> Offsets<'_> {
        let width = width(buffer.len());
        let bytes = &mut buffer[slots..slots * (1 + width)];
        match width {
            2 => Offsets::Narrow(bytes.as_chunks_mut().0),
            _ => Offsets::Wide(bytes.as_chunks_mut().0),
        }
    }

    #[inline]
    fn get(&self, at: usize) -> usize {
        match self {
            Offsets::Narrow(offsets) => usize::from(u16::from_le_bytes(offsets[at])),
            Offsets::Wide(offsets) => u32::from_le_bytes(offsets[at]) as usize,
        }
    }

    #[inline]
    fn set(&mut self, at: usize, offset: usize) {
        match self {
            Offsets::Narrow(offsets) => offsets[at] = (offset as u16).to_le_bytes(),
            Offsets::Wide(offsets) => offsets[at] = (offset as u32).to_le_bytes(),
        }
    }

    /// The first `count` entries move: `len` bytes at `gap` are gone.
    fn close_gap(&mut self, count: usize, gap: usize, len: usize) {
        for at in 0..count {
            let offset = self.get(at);
            self.set(at, if offset > gap { offset - len } else { offset });
        }
    }
}

impl Chunk {
    /// A chunk without entries, but with room for some.
    fn with_room(slots: usize, bytes: usize) -> Chunk {
        let narrow = slots * 3 + bytes;
        let len = if narrow <= MAX_NARROW { narrow } else { slots * 5 + bytes };
        // Allocators give out multiples of 16 bytes, less 8 of their own; the counters take 16.
        let len = (len + 8).next_multiple_of(16) - 8;
        let end = slots * (1 + width(len));
        Chunk {
            buffer: std::iter::repeat_n(0, len).collect(),
            len: 0,
            slots: slots as u32,
            end: end as u32,
            outside: None,
        }
    }

    /// Number of entries.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    /// Memory that it takes, in bytes.
    #[inline]
    pub(super) fn heap_bytes(&self) -> usize {
        let outside = self.outside.as_ref().map_or(0, |outside| {
            const BLOCK: usize = size_of::<Option<Block>>() + 24;
            outside.bytes + outside.blocks.len() * BLOCK + size_of::<Outside>()
        });
        self.buffer.len() + outside + FIXED_BYTES
    }

    /// Where the key's entry is.
    #[inline]
    pub(super) fn find(&self, tag: u8, key: &[u8]) -> Option<usize> {
        let tags = &self.buffer[..self.len()];
        memchr::memchr_iter(tag, tags).find(|&at| self.entry(at).0 == key)
    }

    /// The key and the payload of an entry.
    #[inline]
    pub(super) fn entry(&self, at: usize) -> (&[u8], &[u8]) {
        match self.body(at).0 {
            Body::Inline { key, payload } => (key, payload),
            Body::Outside(at) => self.block(at).split(),
        }
    }

    /// All entries.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        (0..self.len()).map(|at| self.entry(at))
    }

    /// The entries whose keys have this tag.
    pub(super) fn with_tag(&self, tag: u8) -> impl Iterator<Item = (&[u8], &[u8])> {
        memchr::memchr_iter(tag, &self.buffer[..self.len()]).map(|at| self.entry(at))
    }

    /// The entry of this rank in an order that depends only on which entries there are.
    pub(super) fn nth(&self, rank: usize) -> usize {
        let tags = &self.buffer[..self.len()];
        let mut sorted: SmallVec<[u8; 256]> = SmallVec::from_slice(tags);
        let tag = *sorted.select_nth_unstable(rank).1;
        let rank = rank - tags.iter().filter(|&&other| other < tag).count();
        let mut same: SmallVec<[usize; 8]> = memchr::memchr_iter(tag, tags).collect();
        if same.len() > 1 {
            let order = |&at: &usize| (Hash::of(self.entry(at).0), self.entry(at).0);
            same.sort_unstable_by(|a, b| order(a).cmp(&order(b)));
        }
        same[rank]
    }

    /// Adds an entry, whose key must not be here yet.
    pub(super) fn push(&mut self, tag: u8, key: &[u8], payload: &[u8]) {
        if key.len() + payload.len() <= MAX_INLINE {
            self.append(tag, [Head::inline(key, payload).as_bytes(), key, payload]);
        } else {
            self.push_block(tag, Block::new(key, payload));
        }
    }

    /// Gives an entry another payload. Where it stands may change.
    pub(super) fn set_payload(&mut self, at: usize, payload: &[u8]) {
        let tag = self.buffer[at];
        let offset = self.offset(at);
        let fits = |key: &[u8]| key.len() + payload.len() <= MAX_INLINE;
        match self.body(at) {
            (Body::Inline { payload: old, .. }, len) if old.len() == payload.len() => {
                let end = offset + len;
                Arc::make_mut(&mut self.buffer)[end - payload.len()..end].copy_from_slice(payload);
            }
            (Body::Inline { key, .. }, _) => {
                let key: SmallVec<[u8; MAX_INLINE]> = SmallVec::from_slice(key);
                self.remove(at);
                self.push(tag, &key, payload);
            }
            (Body::Outside(block), _) => {
                let key = self.block(block).split().0;
                if fits(key) {
                    let key: SmallVec<[u8; MAX_INLINE]> = SmallVec::from_slice(key);
                    self.remove(at);
                    self.push(tag, &key, payload);
                } else {
                    let new = Block::new(key, payload);
                    self.outside_mut().replace(block, Some(new));
                }
            }
        }
    }

    /// Removes an entry; the last one takes its place.
    pub(super) fn remove(&mut self, at: usize) {
        let (body, len) = self.body(at);
        if let Body::Outside(block) = body {
            self.outside_mut().replace(block, None);
        }
        let (offset, last, end) = (self.offset(at), self.len() - 1, self.end as usize);
        let buffer = Arc::make_mut(&mut self.buffer);
        buffer.copy_within(offset + len..end, offset);
        buffer[at] = buffer[last];
        let mut offsets = Offsets::of(buffer, self.slots as usize);
        offsets.set(at, offsets.get(last));
        offsets.close_gap(last, offset, len);
        self.len -= 1;
        self.end -= len as u32;
        self.give_back();
    }

    /// Divides the entries: those of which `goes` is true are returned.
    pub(super) fn divide(&mut self, goes: impl Fn(Hash) -> bool) -> Chunk {
        let moves: SmallVec<[bool; 256]> =
            self.entries().map(|(key, _)| goes(Hash::of(key))).collect();
        let [stay, go] = [false, true].map(|going| {
            let chosen = || (0..self.len()).filter(|&at| moves[at] == going);
            let bytes = chosen().map(|at| self.body(at).1).sum();
            let mut chunk = Chunk::with_room(chosen().count(), bytes);
            chosen().for_each(|at| chunk.push_from(self, at));
            chunk
        });
        *self = stay;
        go
    }

    /// Takes all entries of another chunk.
    pub(super) fn absorb(&mut self, other: &Chunk) {
        self.make_room(other.len(), other.used());
        (0..other.len()).for_each(|at| self.push_from(other, at));
    }

    fn push_from(&mut self, other: &Chunk, at: usize) {
        let (body, len) = other.body(at);
        let (tag, offset) = (other.buffer[at], other.offset(at));
        match body {
            Body::Inline { .. } => {
                self.append(tag, [&other.buffer[offset..offset + len], &[], &[]]);
            }
            Body::Outside(block) => self.push_block(tag, other.block(block).clone()),
        }
    }

    fn push_block(&mut self, tag: u8, block: Block) {
        let at = self.outside_mut().add(block);
        self.append(tag, [Head::outside(at).as_bytes(), &[], &[]]);
    }

    /// Adds an entry that consists of `parts`.
    fn append(&mut self, tag: u8, parts: [&[u8]; 3]) {
        let need: usize = parts.iter().map(|part| part.len()).sum();
        if self.len == self.slots || self.end as usize + need > self.buffer.len() {
            let spare = need + (self.used() / 16).clamp(8, 128);
            let entries = self.len() * spare / self.used().max(1);
            self.make_room(entries + 1, spare);
        }
        let (at, mut end) = (self.len(), self.end as usize);
        let buffer = Arc::make_mut(&mut self.buffer);
        buffer[at] = tag;
        Offsets::of(buffer, self.slots as usize).set(at, end);
        for part in parts {
            buffer[end..end + part.len()].copy_from_slice(part);
            end += part.len();
        }
        self.end = end as u32;
        self.len += 1;
    }

    /// Bytes of the entries in the buffer.
    fn used(&self) -> usize {
        self.end as usize - self.slots as usize * (1 + width(self.buffer.len()))
    }

    /// Moves to a buffer with room for so many more entries of so many bytes together, and no more.
    fn make_room(&mut self, entries: usize, bytes: usize) {
        let used = self.used();
        let mut new = Chunk::with_room(self.len() + entries, used + bytes);
        let (from, to) = (self.end as usize - used, new.end as usize);
        let buffer = Arc::make_mut(&mut new.buffer);
        buffer[..self.len()].copy_from_slice(&self.buffer[..self.len()]);
        buffer[to..to + used].copy_from_slice(&self.buffer[from..from + used]);
        let mut offsets = Offsets::of(buffer, new.slots as usize);
        for at in 0..self.len() {
            offsets.set(at, self.offset(at) - from + to);
        }
        (new.len, new.end) = (self.len, (to + used) as u32);
        new.outside = self.outside.take();
        *self = new;
    }

    /// Moves to a smaller buffer when much of this one is empty.
    fn give_back(&mut self) {
        const WORTH_IT: usize = 128;
        let needed = self.used() + self.len() * 3;
        if self.buffer.len() > needed + needed / 2 + WORTH_IT {
            self.make_room(0, 0);
        }
        if self.outside.as_ref().is_some_and(|outside| outside.bytes == 0) {
            self.outside = None;
        }
    }

    #[inline]
    fn offset(&self, at: usize) -> usize {
        let (slots, len) = (self.slots as usize, self.buffer.len());
        if len <= MAX_NARROW {
            let bytes = &self.buffer[slots + 2 * at..][..2];
            usize::from(u16::from_le_bytes([bytes[0], bytes[1]]))
        } else {
            let bytes = &self.buffer[slots + 4 * at..][..4];
            u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize
        }
    }

    #[inline]
    fn body(&self, at: usize) -> (Body<'_>, usize) {
        let bytes = &self.buffer[self.offset(at)..self.end as usize];
        Body::read(bytes).expect("a chunk holds only entries that it has written")
    }

    fn block(&self, at: usize) -> &Block {
        let outside = self.outside.as_ref().and_then(|outside| outside.blocks[at].as_ref());
        outside.expect("an entry outside has a block")
    }

    fn outside_mut(&mut self) -> &mut Outside {
        Arc::make_mut(self.outside.get_or_insert_default())
    }
}
