//! A compact hash table of keys with payloads: the large form of hashes, sets and sorted sets.
//!
//! Linear hashing (W. Litwin: "Linear hashing: a new tool for file and table addressing", 1980) over
//! packed [chunks](chunk) of 1 to 4 KiB. The number of chunks follows from the bytes of the entries:
//! an insertion that needs one more divides one chunk, a removal that needs one less joins two, and
//! nothing else ever moves. Chunks are shared by reference count, in segments that are too: a clone
//! of a table of a million entries is a few hundred counters, and a change after it copies the one
//! chunk and the one segment that it touches.
//!
//! Beyond the keys' and payloads' bytes an entry takes 3 bytes for tag and offset, 1 or 2 for the
//! lengths, and a share of its chunk: about 8 together.
//!
//! Which entry [`Table::random`] chooses depends on the entries, the dice and the process's hash
//! seed, but not on the order of the changes that led to the entries.

mod chunk;
mod hash;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use chunk::{Chunk, weight};
use hash::{Hash, POSITION_BITS};

use super::dice::Dice;

/// Weight of a chunk's entries, on average over the table. Enough for the members of any set whose
/// image takes a kilobyte: what is drawn from those must not depend on whether they are in a table.
const CHUNK_WEIGHT: usize = 2304;

/// Chunks of a segment.
const SEGMENT: usize = 128;

/// The positions of a scan: all are below this.
const END: u64 = 1 << POSITION_BITS;

/// A hash table. Cloning it takes a time that is proportional to a small fraction of its size.
#[derive(Clone)]
pub struct Table {
    /// All but the last are full.
    segments: Vec<Arc<Vec<Chunk>>>,
    chunks: usize,
    len: usize,
    weight: usize,
    content: usize,
    heap: usize,
}

impl Default for Table {
    fn default() -> Table {
        Table::new()
    }
}

impl Table {
    /// A table without entries.
    pub fn new() -> Table {
        let mut table =
            Table { segments: Vec::new(), chunks: 0, len: 0, weight: 0, content: 0, heap: 0 };
        table.push_chunk(Chunk::default());
        table
    }

    /// Number of entries.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no entries.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes of all keys and payloads together.
    #[inline]
    pub fn content_bytes(&self) -> usize {
        self.content
    }

    /// Memory that it takes, in bytes.
    #[inline]
    pub fn heap_bytes(&self) -> usize {
        self.heap + self.segments.capacity() * (size_of::<Arc<Vec<Chunk>>>() + 48)
    }

    /// The payload of a key.
    #[inline]
    pub fn get(&self, key: &[u8]) -> Option<&[u8]> {
        let hash = Hash::of(key);
        let chunk = self.chunk(self.index(hash));
        Some(chunk.entry(chunk.find(hash.tag(), key)?).1)
    }

    /// Whether the key is there.
    #[inline]
    pub fn contains(&self, key: &[u8]) -> bool {
        let hash = Hash::of(key);
        self.chunk(self.index(hash)).find(hash.tag(), key).is_some()
    }

    /// Gives the key this payload. False if the key was there: then it has got another payload.
    pub fn insert(&mut self, key: &[u8], payload: &[u8]) -> bool {
        let hash = Hash::of(key);
        let index = self.index(hash);
        let chunk = self.chunk(index);
        let found = chunk.find(hash.tag(), key);
        match found {
            Some(at) => {
                let old = chunk.entry(at).1;
                if old == payload {
                    return false;
                }
                let (content, weighed) = (old.len(), weight(key, old));
                self.content = self.content - content + payload.len();
                self.weight = self.weight - weighed + weight(key, payload);
                self.change(index, |chunk| chunk.set_payload(at, payload));
            }
            None => {
                self.len += 1;
                self.content += key.len() + payload.len();
                self.weight += weight(key, payload);
                self.change(index, |chunk| chunk.push(hash.tag(), key, payload));
            }
        }
        self.settle();
        found.is_none()
    }

    /// Removes a key. False if it was not there.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        let hash = Hash::of(key);
        let index = self.index(hash);
        let chunk = self.chunk(index);
        let Some(at) = chunk.find(hash.tag(), key) else { return false };
        let payload = chunk.entry(at).1;
        let (content, weighed) = (key.len() + payload.len(), weight(key, payload));
        self.content -= content;
        self.weight -= weighed;
        self.len -= 1;
        self.change(index, |chunk| chunk.remove(at));
        self.settle();
        true
    }

    /// The hash of a key, by which [`Table::with_hash`] finds it again. Differs from process to
    /// process.
    #[inline]
    pub fn hash(key: &[u8]) -> u64 {
        Hash::of(key).0
    }

    /// The entries whose keys have this hash; hardly ever more than one.
    pub fn with_hash(&self, hash: u64) -> impl Iterator<Item = (&[u8], &[u8])> {
        let chunk = self.chunk(self.index(Hash(hash)));
        chunk.with_tag(Hash(hash).tag()).filter(move |(key, _)| Hash::of(key).0 == hash)
    }

    /// All entries: key and payload.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        (0..self.chunks).flat_map(|index| self.chunk(index).entries())
    }

    /// Number of chunks: for who goes through the entries in pieces.
    pub fn chunks(&self) -> usize {
        self.chunks
    }

    /// The entries of a chunk; of none if there are not so many chunks.
    pub fn entries_of(&self, chunk: usize) -> impl Iterator<Item = (&[u8], &[u8])> {
        let chunk = (chunk < self.chunks).then(|| self.chunk(chunk));
        chunk.into_iter().flat_map(Chunk::entries)
    }

    /// The entries of a chunk in an order that depends only on which entries the table has.
    pub fn ordered_entries_of(&self, chunk: usize) -> Vec<(&[u8], &[u8])> {
        let mut entries: Vec<_> = self.entries_of(chunk).collect();
        entries.sort_by_cached_key(|(key, _)| (Table::order(key), *key));
        entries
    }

    /// By what [`Table::ordered_entries_of`] and [`Table::random`] order keys.
    pub fn order(key: &[u8]) -> impl Ord {
        let hash = Hash::of(key);
        (hash.tag(), hash)
    }

    /// An entry, each with the same probability; `None` when there is none.
    ///
    /// A chunk is drawn until a second draw, below a bound on the entries of a chunk, is one of its
    /// entries. The bound is four times the average: a chunk with more has a probability below
    /// 10^-6 even where chunks have few entries.
    pub fn random(&self, dice: &mut Dice) -> Option<(&[u8], &[u8])> {
        if self.is_empty() {
            return None;
        }
        let bound = self.len.min(4 * self.len.div_ceil(self.chunks));
        loop {
            let chunk = self.chunk(dice.below(self.chunks));
            let rank = dice.below(bound);
            if rank < chunk.len() {
                return Some(chunk.entry(chunk.nth(rank)));
            }
        }
    }

    /// Hands about `count` entries to `visit`, from where `cursor` says, and returns the cursor of
    /// those that follow, 0 at the end. The first cursor is 0; any number may be given as one.
    ///
    /// Entries are visited in the order of their positions, which never change: whatever is inserted
    /// and removed meanwhile, an entry that is there from the first call to the last is visited, and
    /// none is visited twice.
    pub fn scan<'t>(
        &'t self,
        cursor: u64,
        count: usize,
        visit: &mut dyn FnMut(&'t [u8], &'t [u8]),
    ) -> u64 {
        let (mut position, mut left) = (cursor, count.max(1));
        while position < END {
            let (chunk, end) = self.chunk_at(position);
            let mut found: Vec<(u64, usize)> = (0..chunk.len())
                .map(|at| (Hash::of(chunk.entry(at).0).position(), at))
                .filter(|(at, _)| *at >= position)
                .collect();
            found.sort_unstable();
            for (number, &(at, entry)) in found.iter().enumerate() {
                // Those that share a position are visited together.
                if left == 0 && found[number - 1].0 != at {
                    return at;
                }
                let (key, payload) = chunk.entry(entry);
                visit(key, payload);
                left = left.saturating_sub(1);
            }
            position = end;
            if left == 0 && position < END {
                return position;
            }
        }
        0
    }

    /// The chunk whose entries have this position, and where the positions of its entries end.
    fn chunk_at(&self, position: u64) -> (&Chunk, u64) {
        let (index, level) = (self.index(Hash::at(position)), self.chunks.ilog2());
        let divided = index < self.chunks - (1 << level) || index >= 1 << level;
        let span = END >> (level + u32::from(divided));
        (self.chunk(index), (position / span + 1) * span)
    }

    /// The number of the chunk with this hash: its low bits, one more of them where the chunk has
    /// been divided in this round already.
    #[inline]
    fn index(&self, hash: Hash) -> usize {
        let level = self.chunks.ilog2();
        let wide = hash.0 as usize & ((2 << level) - 1);
        if wide < self.chunks { wide } else { wide & ((1 << level) - 1) }
    }

    #[inline]
    fn chunk(&self, index: usize) -> &Chunk {
        &self.segments[index / SEGMENT][index % SEGMENT]
    }

    fn change(&mut self, index: usize, change: impl FnOnce(&mut Chunk)) {
        let chunk = &mut Arc::make_mut(&mut self.segments[index / SEGMENT])[index % SEGMENT];
        let before = chunk.heap_bytes();
        change(chunk);
        self.heap = self.heap - before + chunk.heap_bytes();
    }

    /// Has as many chunks as the entries need.
    fn settle(&mut self) {
        let wanted = self.weight.div_ceil(CHUNK_WEIGHT).max(1);
        while self.chunks < wanted {
            self.divide();
        }
        while self.chunks > wanted {
            self.join();
        }
    }

    /// Divides the chunk whose turn it is.
    fn divide(&mut self) {
        let level = self.chunks.ilog2();
        let mut new = Chunk::default();
        self.change(self.chunks - (1 << level), |chunk| {
            new = chunk.divide(|hash| hash.0 >> level & 1 == 1);
        });
        self.push_chunk(new);
    }

    /// Undoes the last division.
    fn join(&mut self) {
        let Some(last) = self.segments.last_mut() else { return };
        let Some(chunk) = Arc::make_mut(last).pop() else { return };
        if last.is_empty() {
            self.segments.pop();
        }
        self.chunks -= 1;
        self.heap -= chunk.heap_bytes();
        let level = self.chunks.ilog2();
        self.change(self.chunks - (1 << level), |into| into.absorb(&chunk));
    }

    fn push_chunk(&mut self, chunk: Chunk) {
        self.heap += chunk.heap_bytes();
        if self.chunks.is_multiple_of(SEGMENT) {
            self.segments.push(Arc::default());
        }
        let last = self.segments.len() - 1;
        Arc::make_mut(&mut self.segments[last]).push(chunk);
        self.chunks += 1;
    }
}
