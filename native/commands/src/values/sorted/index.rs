//! Which leaf of a large sorted set holds a member.
//!
//! Members are known here by 32-bit hashes only: the leaf says whether it is really the member that
//! was meant. So an entry takes 8 bytes, whatever the member's length.
//!
//! The table grows and shrinks by one segment at a time (linear hashing; Litwin, "Linear hashing: a
//! new tool for file and table addressing", 1980): no change ever moves more than a segment. Groups of
//! segments are shared with clones until one of both changes.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, LazyLock};

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Entries of a segment on average, above which another segment is added.
const LOAD: usize = 20;

/// Segments of a group.
const GROUP: usize = 64;

/// Chosen anew by each process, so that nobody can prepare members whose hashes are equal.
static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0));

/// The hash of a member.
#[inline]
pub fn tag(member: &[u8]) -> u32 {
    xxh3_64_with_seed(member, *SEED) as u32
}

/// An entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pointer {
    tag: u32,
    leaf: u32,
}

/// The pointers whose tags have the same low bits.
type Segment = Vec<Pointer>;

/// From tags to leaves. A clone shares the groups: for a million entries some hundred counters.
#[derive(Clone, Debug)]
pub struct Index {
    segments: Segments,
    len: usize,
}

/// Segments by number.
#[derive(Clone, Debug)]
struct Segments {
    groups: Vec<Arc<[Segment; GROUP]>>,
    count: usize,
}

impl Segments {
    fn of(count: usize) -> Segments {
        let groups = (0..count.div_ceil(GROUP)).map(|_| Segments::group()).collect();
        Segments { groups, count }
    }

    fn group() -> Arc<[Segment; GROUP]> {
        Arc::new([const { Segment::new() }; GROUP])
    }

    #[inline]
    fn len(&self) -> usize {
        self.count
    }

    #[inline]
    fn get(&self, at: usize) -> &Segment {
        &self.groups[at / GROUP][at % GROUP]
    }

    #[inline]
    fn get_mut(&mut self, at: usize) -> &mut Segment {
        &mut Arc::make_mut(&mut self.groups[at / GROUP])[at % GROUP]
    }

    fn push(&mut self, segment: Segment) {
        if self.count == self.groups.len() * GROUP {
            self.groups.push(Segments::group());
        }
        self.count += 1;
        *self.get_mut(self.count - 1) = segment;
    }

    /// Takes away the last one, which is there.
    fn pop(&mut self) -> Segment {
        let last = std::mem::take(self.get_mut(self.count - 1));
        self.count -= 1;
        self.groups.truncate(self.count.div_ceil(GROUP));
        if self.groups.capacity() > self.groups.len() * 2 {
            self.groups.shrink_to_fit();
        }
        last
    }

    fn iter(&self) -> impl Iterator<Item = &Segment> {
        self.groups.iter().flat_map(|group| group.iter()).take(self.count)
    }
}

impl Index {
    /// An empty index that expects `len` entries.
    pub fn with_room_for(len: usize) -> Index {
        Index { segments: Segments::of(len.div_ceil(LOAD).max(1)), len: 0 }
    }

    /// The segment for a tag: as many low bits as there are segments for.
    #[inline]
    fn segment(&self, tag: u32) -> usize {
        let count = self.segments.len();
        let mask = count.next_power_of_two() - 1;
        let at = tag as usize & mask;
        if at < count { at } else { at & (mask >> 1) }
    }

    /// The leaves that may hold a member with this tag.
    #[inline]
    pub fn leaves(&self, tag: u32) -> impl Iterator<Item = u32> {
        let segment = self.segments.get(self.segment(tag)).iter();
        segment.filter(move |pointer| pointer.tag == tag).map(|pointer| pointer.leaf)
    }

    /// Notes where a member is.
    pub fn insert(&mut self, tag: u32, leaf: u32) {
        let at = self.segment(tag);
        push(self.segments.get_mut(at), Pointer { tag, leaf });
        self.len += 1;
        if self.len > self.segments.len() * LOAD {
            self.grow();
        }
    }

    /// Notes that a member is in another leaf now.
    pub fn relocate(&mut self, tag: u32, from: u32, to: u32) {
        let at = self.segment(tag);
        let mut pointers = self.segments.get_mut(at).iter_mut();
        if let Some(found) = pointers.find(|pointer| **pointer == Pointer { tag, leaf: from }) {
            found.leaf = to;
        }
    }

    /// Forgets a member.
    pub fn remove(&mut self, tag: u32, leaf: u32) {
        let at = self.segment(tag);
        let segment = self.segments.get_mut(at);
        if let Some(found) = segment.iter().position(|other| *other == Pointer { tag, leaf }) {
            segment.swap_remove(found);
            self.len -= 1;
        }
        if self.segments.len() > 1 && self.len < self.segments.len() * LOAD / 4 {
            self.shrink();
        }
    }

    /// Adds a segment, to which the entries of another go whose next bit is set.
    fn grow(&mut self) {
        let new = self.segments.len();
        let bit = 1usize << new.ilog2();
        let old = self.segments.get_mut(new ^ bit);
        let moved: Vec<Pointer> = old.extract_if(.., |p| p.tag as usize & bit != 0).collect();
        old.shrink_to_fit();
        self.segments.push(moved);
    }

    /// Takes away the last segment; its entries go to the one they came from.
    fn shrink(&mut self) {
        let last = self.segments.pop();
        let at = self.segments.len();
        self.segments.get_mut(at ^ (1 << at.ilog2())).extend(last);
    }

    /// Tags and leaves of a part of the entries, and where the next part begins; 0 after the last.
    ///
    /// The parts follow the order of the tags' bits read backwards: in that order a segment is
    /// one stretch, and stays within it when it is divided or united with another. So whoever goes
    /// from part to part meets every entry that is there all the time, whatever else happens.
    pub fn part(&self, cursor: u32) -> (impl Iterator<Item = (u32, u32)>, u32) {
        let at = self.segment(cursor.reverse_bits());
        let count = self.segments.len();
        let level = count.ilog2();
        let divided = at >> level == 1 || at + (1 << level) < count;
        let bits = level + u32::from(divided);
        let end = u64::from((at as u32).reverse_bits()) + (1u64 << (u32::BITS - bits));
        let segment = self.segments.get(at).iter().map(|pointer| (pointer.tag, pointer.leaf));
        (segment, end as u32)
    }

    /// The tags that several members have, each with the leaves that these are in.
    pub fn ambiguous(&self) -> impl Iterator<Item = (u32, Vec<u32>)> {
        self.segments.iter().flat_map(|segment| {
            let mut sorted = segment.clone();
            sorted.sort_unstable_by_key(|pointer| (pointer.tag, pointer.leaf));
            let groups = sorted.chunk_by(|a, b| a.tag == b.tag).filter(|group| group.len() > 1);
            let leaves = |group: &[Pointer]| {
                let mut leaves: Vec<u32> = group.iter().map(|pointer| pointer.leaf).collect();
                leaves.dedup();
                (group[0].tag, leaves)
            };
            groups.map(leaves).collect::<Vec<_>>()
        })
    }

    /// Memory that it takes, in bytes.
    pub fn heap_bytes(&self) -> usize {
        self.segments.groups.len() * size_of::<[Segment; GROUP]>() + self.len * size_of::<Pointer>()
    }
}

/// Appends with little room to spare.
fn push(segment: &mut Vec<Pointer>, pointer: Pointer) {
    const STEP: usize = 4;
    if segment.len() == segment.capacity() {
        segment.reserve_exact(STEP);
    }
    segment.push(pointer);
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// The tags that are met from `cursor` on to the end, or, with `steps`, in so many parts.
    fn walk(index: &Index, mut cursor: u32, steps: usize, met: &mut HashSet<u32>) -> u32 {
        for _ in 0..steps {
            let (part, next) = index.part(cursor);
            met.extend(part.map(|(tag, _)| tag));
            cursor = next;
            if cursor == 0 {
                break;
            }
        }
        cursor
    }

    fn tags(range: std::ops::Range<u32>) -> impl Iterator<Item = u32> {
        range.map(|n| tag(&n.to_le_bytes()))
    }

    #[test]
    fn entries_are_found_while_it_grows_and_shrinks() {
        let mut index = Index::with_room_for(0);
        for (leaf, tag) in tags(0..5000).enumerate() {
            index.insert(tag, leaf as u32);
        }
        assert!(index.segments.len() >= 5000 / LOAD);
        for (leaf, tag) in tags(0..5000).enumerate() {
            assert!(index.leaves(tag).any(|other| other == leaf as u32));
            index.relocate(tag, leaf as u32, 7);
            assert!(index.leaves(tag).any(|other| other == 7));
        }
        for (count, tag) in tags(0..5000).enumerate() {
            assert_eq!(index.len, 5000 - count);
            index.remove(tag, 7);
        }
        assert_eq!((index.len, index.segments.len()), (0, 1));
    }

    #[test]
    fn a_walk_meets_what_is_there_all_the_time() {
        for steps in [0, 1, 3, 17, 40] {
            let mut index = Index::with_room_for(0);
            let kept: HashSet<u32> = tags(0..1000).collect();
            kept.iter().for_each(|&tag| index.insert(tag, 0));
            let mut met = HashSet::new();
            let cursor = walk(&index, 0, steps, &mut met);
            tags(1000..9000).for_each(|tag| index.insert(tag, 0));
            let cursor = if steps == 0 { 0 } else { walk(&index, cursor, steps, &mut met) };
            tags(1000..9000).for_each(|tag| index.remove(tag, 0));
            assert_eq!(walk(&index, cursor, usize::MAX, &mut met), 0);
            assert!(kept.is_subset(&met), "{steps}");
        }
    }
}
