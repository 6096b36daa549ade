//! A run of neighbouring entries of a large sorted set.

use std::ops::Range;

use super::bound::Bound;
use super::packed::entry_len;

/// Most entries.
const MAX_ENTRIES: usize = 128;

/// Most bytes of members, unless there is only one.
const MAX_BYTES: usize = 4096;

/// Entries and bytes for which room is made at a time.
const ENTRY_STEP: usize = 8;
const BYTE_STEP: usize = 128;

/// Entries in order. Column by column, so that a search by score or tag reads little memory.
#[derive(Clone, Debug, Default)]
pub struct Leaf {
    scores: Vec<f64>,
    /// The hashes by which the index knows the members.
    tags: Vec<u32>,
    /// Where each member ends in `bytes`. Less than 2^32: a member is at most 512 MB long, and
    /// every insertion splits a leaf that is longer than [`MAX_BYTES`], so few such ones meet.
    ends: Vec<u32>,
    bytes: Vec<u8>,
}

impl Leaf {
    /// How many entries there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    /// The score of an entry.
    #[inline]
    pub fn score(&self, at: usize) -> f64 {
        self.scores[at]
    }

    /// The tag of an entry.
    #[inline]
    pub fn tag(&self, at: usize) -> u32 {
        self.tags[at]
    }

    /// The member of an entry.
    #[inline]
    pub fn member(&self, at: usize) -> &[u8] {
        &self.bytes[self.start(at)..self.ends[at] as usize]
    }

    #[inline]
    fn start(&self, at: usize) -> usize {
        if at == 0 { 0 } else { self.ends[at - 1] as usize }
    }

    /// Where entries with this tag are.
    pub fn tagged(&self, tag: u32) -> impl Iterator<Item = usize> {
        let tags = self.tags.iter().enumerate();
        tags.filter(move |(_, other)| **other == tag).map(|(at, _)| at)
    }

    /// Where a member is.
    #[inline]
    pub fn find(&self, tag: u32, member: &[u8]) -> Option<usize> {
        self.tagged(tag).find(|&at| self.member(at) == member)
    }

    /// How many entries lie before `bound`.
    #[inline]
    pub fn position(&self, bound: &Bound<'_>) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            if bound.is_behind(self.scores[middle], || self.member(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Puts an entry at a place.
    pub fn insert(&mut self, at: usize, score: f64, tag: u32, member: &[u8]) {
        let start = self.start(at);
        make_room(&mut self.scores, 1, ENTRY_STEP);
        make_room(&mut self.tags, 1, ENTRY_STEP);
        make_room(&mut self.ends, 1, ENTRY_STEP);
        make_room(&mut self.bytes, member.len(), BYTE_STEP);
        self.scores.insert(at, score);
        self.tags.insert(at, tag);
        self.ends.insert(at, start as u32);
        self.ends[at..].iter_mut().for_each(|end| *end += member.len() as u32);
        self.bytes.extend_from_slice(member);
        self.bytes[start..].rotate_right(member.len());
    }

    /// Removes entries.
    pub fn remove(&mut self, places: Range<usize>) {
        let bytes = self.start(places.start)..self.start(places.end);
        self.ends[places.end..].iter_mut().for_each(|end| *end -= bytes.len() as u32);
        self.scores.drain(places.clone());
        self.tags.drain(places.clone());
        self.ends.drain(places);
        self.bytes.drain(bytes);
    }

    /// Whether there are too many entries, or bytes, for one leaf.
    pub fn is_too_large(&self) -> bool {
        self.len() > MAX_ENTRIES || self.bytes.len() > MAX_BYTES && self.len() > 1
    }

    /// Whether it should be joined with a neighbour.
    pub fn is_small(&self) -> bool {
        self.len() < MAX_ENTRIES / 4 && self.bytes.len() < MAX_BYTES / 4
    }

    /// Whether both together are one leaf with room to grow.
    pub fn fits_with(&self, other: &Leaf) -> bool {
        self.len() + other.len() <= MAX_ENTRIES * 3 / 4
            && self.bytes.len() + other.bytes.len() <= MAX_BYTES * 3 / 4
    }

    /// Whether a leaf that is filled in order is full, with some room to grow.
    pub fn is_filled(&self) -> bool {
        self.len() >= MAX_ENTRIES * 7 / 8 || self.bytes.len() >= MAX_BYTES * 7 / 8
    }

    /// Where to split a leaf that has become too large by an entry at `inserted`. Entries that come
    /// in order leave full leaves behind.
    pub fn split_point(&self, inserted: usize) -> usize {
        if inserted + 1 == self.len() {
            return inserted;
        }
        let half = self.bytes.len() / 2;
        let by_bytes = self.ends.partition_point(|&end| (end as usize) < half);
        let middle = if self.len() > MAX_ENTRIES { self.len() / 2 } else { by_bytes };
        middle.clamp(1, self.len() - 1)
    }

    /// Takes away the entries from `at` on.
    pub fn split_off(&mut self, at: usize) -> Leaf {
        let start = self.start(at);
        let split = Leaf {
            scores: self.scores[at..].to_vec(),
            tags: self.tags[at..].to_vec(),
            ends: self.ends[at..].iter().map(|end| end - start as u32).collect(),
            bytes: self.bytes[start..].to_vec(),
        };
        self.scores.truncate(at);
        self.tags.truncate(at);
        self.ends.truncate(at);
        self.bytes.truncate(start);
        self.trim();
        split
    }

    /// Appends the entries of the leaf behind this one.
    pub fn append(&mut self, next: &Leaf) {
        let start = self.bytes.len() as u32;
        make_room(&mut self.bytes, next.bytes.len(), 0);
        self.scores.extend_from_slice(&next.scores);
        self.tags.extend_from_slice(&next.tags);
        self.ends.extend(next.ends.iter().map(|end| end + start));
        self.bytes.extend_from_slice(&next.bytes);
    }

    /// Gives back memory that is not used.
    pub fn trim(&mut self) {
        self.scores.shrink_to_fit();
        self.tags.shrink_to_fit();
        self.ends.shrink_to_fit();
        self.bytes.shrink_to_fit();
    }

    /// All entries with their tags.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (f64, u32, &[u8])> {
        (0..self.len()).map(|at| (self.score(at), self.tag(at), self.member(at)))
    }

    /// Bytes of these entries' members.
    pub fn member_bytes(&self, places: Range<usize>) -> usize {
        self.start(places.end) - self.start(places.start)
    }

    /// Bytes of these entries in an image.
    pub fn image_len(&self, places: Range<usize>) -> usize {
        places.map(|at| entry_len(self.score(at), self.member(at))).sum()
    }
}

/// Makes room for `more` elements, and a few others, but never twice as much as is needed.
fn make_room<T>(vec: &mut Vec<T>, more: usize, step: usize) {
    if vec.capacity() - vec.len() < more {
        vec.reserve_exact(more.max(step));
    }
}
