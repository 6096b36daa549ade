//! The chunks of a list, in order.
//!
//! Chunks are counted in blocks, so that a position is found by skipping blocks, then the chunks of
//! one: a list of a million short elements has some thousand chunks in some tens of blocks. Blocks
//! and chunks are shared with frozen copies until they are changed; a copy of the directory copies
//! its blocks' references only.

use std::collections::VecDeque;
use std::sync::Arc;

use super::chunk::{CHUNK_BYTES, Chunk};

/// Most chunks of a block.
const MAX_BLOCK: usize = 128;

/// A chunk that becomes shorter than this joins a neighbour if there is room, in bytes.
const SPARSE: usize = CHUNK_BYTES / 4;

/// Size up to which chunks are joined, in bytes: some room stays, or the next insertion would part
/// them again.
const JOINED: usize = CHUNK_BYTES * 3 / 4;

/// Memory that a chunk takes beside its contents, in bytes: its structure with the reference
/// counts, its place in the block, and what the allocator keeps for three allocations.
const CHUNK_OVERHEAD: usize = size_of::<Chunk>() + 2 * size_of::<usize>() + size_of::<Node>() + 48;

/// A chunk, and the number of its elements: kept here so that counting does not visit the chunks.
#[derive(Clone, Debug)]
struct Node {
    chunk: Arc<Chunk>,
    len: usize,
}

impl Node {
    fn new(chunk: Chunk) -> Node {
        Node { len: chunk.len(), chunk: Arc::new(chunk) }
    }
}

/// Consecutive chunks.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    nodes: Vec<Node>,
}

impl Block {
    /// The chunk at `node`, if there is one.
    pub(super) fn chunk(&self, node: usize) -> Option<&Chunk> {
        self.nodes.get(node).map(|node| &*node.chunk)
    }

    /// Number of chunks.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }
}

/// A block, and the number of its elements.
#[derive(Clone, Debug, Default)]
struct Group {
    block: Arc<Block>,
    len: usize,
}

impl Group {
    fn of(nodes: Vec<Node>) -> Group {
        Group { len: nodes.iter().map(|node| node.len).sum(), block: Arc::new(Block { nodes }) }
    }

    fn is_full(&self) -> bool {
        self.block.len() >= MAX_BLOCK
    }
}

/// Where an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Number of the block.
    pub(super) block: usize,
    /// Number of the chunk in the block.
    pub(super) node: usize,
    /// Number of the element in the chunk.
    pub(super) at: usize,
}

/// All chunks. None of them is empty.
#[derive(Clone, Debug, Default)]
pub(super) struct Directory {
    groups: VecDeque<Group>,
    len: usize,
    chunks: usize,
    data: usize,
}

impl Directory {
    /// Number of elements.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of the elements.
    pub(super) fn data_len(&self) -> usize {
        self.data
    }

    /// Memory that the list takes, in bytes, as if no chunk kept room for growth.
    pub(super) fn heap_bytes(&self) -> usize {
        self.data + self.len * size_of::<u16>() + self.chunks * CHUNK_OVERHEAD
    }

    /// The blocks as they are now.
    pub(super) fn blocks(&self) -> Vec<Arc<Block>> {
        self.groups.iter().map(|group| Arc::clone(&group.block)).collect()
    }

    /// The block at `number`, if there is one.
    pub(super) fn block(&self, number: usize) -> Option<&Block> {
        self.groups.get(number).map(|group| &*group.block)
    }

    /// The chunk at a place, which is there.
    fn chunk(&self, place: Place) -> &Chunk {
        &self.groups[place.block].block.nodes[place.node].chunk
    }

    /// The place of element `index`, if there is one: counted from the nearer end.
    pub(super) fn locate(&self, index: usize) -> Option<Place> {
        if index >= self.len {
            return None;
        }
        let (block, at) = skip(self.groups.iter().map(|group| group.len), index, self.len)?;
        let nodes = &self.groups[block].block.nodes;
        let (node, at) = skip(nodes.iter().map(|node| node.len), at, self.groups[block].len)?;
        Some(Place { block, node, at })
    }

    /// The element at `index`, if there is one.
    pub(super) fn get(&self, index: usize) -> Option<&[u8]> {
        let place = self.locate(index)?;
        Some(self.chunk(place).get(place.at))
    }

    /// Changes a chunk that is there; it may become empty, which [`Directory::tidy`] mends.
    #[inline]
    fn edit<R>(&mut self, block: usize, node: usize, change: impl FnOnce(&mut Chunk) -> R) -> R {
        let group = &mut self.groups[block];
        let node = &mut Arc::make_mut(&mut group.block).nodes[node];
        let chunk = Arc::make_mut(&mut node.chunk);
        let (len, data) = (chunk.len(), chunk.data_len());
        let result = change(chunk);
        node.len = chunk.len();
        group.len = group.len - len + chunk.len();
        self.len = self.len - len + chunk.len();
        self.data = self.data - data + chunk.data_len();
        result
    }

    /// Adds an element at the end.
    #[inline]
    pub(super) fn push_back(&mut self, element: &[u8]) {
        if let Some(block) = self.groups.len().checked_sub(1) {
            let node = self.groups[block].block.len() - 1;
            if self.chunk(Place { block, node, at: 0 }).has_room(element.len()) {
                return self.edit(block, node, |chunk| chunk.push_back(element));
            }
            // It lies between others from now on and grows no more.
            self.edit(block, node, Chunk::shrink);
        }
        self.append_chunk(Chunk::of(element));
    }

    /// Adds an element at the beginning.
    #[inline]
    pub(super) fn push_front(&mut self, element: &[u8]) {
        let (block, node) = (0, 0);
        if !self.groups.is_empty() {
            if self.chunk(Place { block, node, at: 0 }).has_room(element.len()) {
                return self.edit(block, node, |chunk| chunk.push_front(element));
            }
            self.edit(block, node, Chunk::shrink);
        }
        if self.groups.front().is_none_or(Group::is_full) {
            self.groups.push_front(Group::default());
        }
        self.insert_chunk(0, 0, Chunk::of(element));
    }

    /// Adds a chunk at the end.
    pub(super) fn append_chunk(&mut self, chunk: Chunk) {
        if self.groups.back().is_none_or(Group::is_full) {
            self.groups.push_back(Group::default());
        }
        let block = self.groups.len() - 1;
        self.insert_chunk(block, self.groups[block].block.len(), chunk);
    }

    /// Puts a chunk before the one at `node` of a block. The block is not full; or it is for a
    /// moment, until [`Directory::part`] has mended that.
    fn insert_chunk(&mut self, block: usize, node: usize, chunk: Chunk) {
        let group = &mut self.groups[block];
        self.chunks += 1;
        self.len += chunk.len();
        self.data += chunk.data_len();
        group.len += chunk.len();
        Arc::make_mut(&mut group.block).nodes.insert(node, Node::new(chunk));
    }

    /// Takes the chunks `from..to` of a block, and the block with its last one.
    fn remove_chunks(&mut self, block: usize, from: usize, to: usize) {
        let group = &mut self.groups[block];
        let (mut len, mut data) = (0, 0);
        for node in Arc::make_mut(&mut group.block).nodes.drain(from..to) {
            len += node.len;
            data += node.chunk.data_len();
        }
        group.len -= len;
        self.len -= len;
        self.data -= data;
        self.chunks -= to - from;
        if group.block.len() == 0 {
            self.groups.remove(block);
        }
    }

    /// Parts a block that has become too long.
    fn part(&mut self, block: usize) {
        let group = &mut self.groups[block];
        if group.block.len() <= MAX_BLOCK {
            return;
        }
        let nodes = Arc::make_mut(&mut group.block).nodes.split_off(MAX_BLOCK / 2);
        let tail = Group::of(nodes);
        group.len -= tail.len;
        self.groups.insert(block + 1, tail);
    }

    /// Takes the first `count` elements, which are there.
    pub(super) fn drop_front(&mut self, mut count: usize) {
        while count > 0
            && let Some(group) = self.groups.front()
        {
            let (nodes, rest) = whole(group.block.nodes.iter(), count);
            count = rest;
            if nodes > 0 {
                self.remove_chunks(0, 0, nodes);
            } else {
                self.edit(0, 0, |chunk| chunk.drop_front(count));
                count = 0;
            }
        }
    }

    /// Takes the last `count` elements, which are there.
    pub(super) fn drop_back(&mut self, mut count: usize) {
        while count > 0
            && let Some(group) = self.groups.back()
        {
            let (nodes, rest) = whole(group.block.nodes.iter().rev(), count);
            let (block, end) = (self.groups.len() - 1, group.block.len());
            count = rest;
            if nodes > 0 {
                self.remove_chunks(block, end - nodes, end);
            } else {
                self.edit(block, end - 1, |chunk| chunk.drop_back(count));
                count = 0;
            }
        }
    }

    /// Gives the element at a place, which is there, another value.
    pub(super) fn set(&mut self, place: Place, element: &[u8]) {
        let Place { block, node, at } = place;
        if self.chunk(place).may_replace(at, element.len()) {
            return self.edit(block, node, |chunk| chunk.replace(at, element));
        }
        // The chunk has other elements, so it does not become empty meanwhile.
        self.edit(block, node, |chunk| chunk.remove(&[at]));
        self.insert(place, element);
    }

    /// Adds an element before the one at a place, or at the end of its chunk.
    pub(super) fn insert(&mut self, place: Place, element: &[u8]) {
        let Place { block, node, at } = place;
        if self.chunk(place).has_room(element.len()) {
            return self.edit(block, node, |chunk| chunk.insert(at, element));
        }
        let mut next = node + 1;
        if at == 0 {
            next = node;
        } else if at < self.chunk(place).len() {
            let tail = self.edit(block, node, |chunk| chunk.split_off(at));
            self.insert_chunk(block, next, tail);
        }
        self.insert_chunk(block, next, Chunk::of(element));
        self.join(block, next);
        self.part(block);
    }

    /// Takes the elements at these ascending positions, each of which is there.
    pub(super) fn remove(&mut self, positions: &[usize]) {
        let mut left = positions;
        // From the last on: what is removed does not move what comes before it.
        while let Some(place) = left.last().and_then(|&last| self.locate(last)) {
            let begin = left[left.len() - 1] - place.at;
            let (before, here) = left.split_at(left.partition_point(|&position| position < begin));
            let here: Vec<usize> = here.iter().map(|position| position - begin).collect();
            self.edit(place.block, place.node, |chunk| chunk.remove(&here));
            self.tidy(place.block, place.node);
            left = before;
        }
    }

    /// Removes a chunk if it has become empty, and joins it with a neighbour if it has become short.
    fn tidy(&mut self, block: usize, node: usize) {
        let chunk = self.chunk(Place { block, node, at: 0 });
        if chunk.len() == 0 {
            self.remove_chunks(block, node, node + 1);
        } else if chunk.size() < SPARSE {
            self.join(block, node);
        }
    }

    /// Joins a chunk with the one after it or the one before it in its block, if that is not too
    /// long.
    fn join(&mut self, block: usize, node: usize) {
        let nodes = &self.groups[block].block.nodes;
        let fits = |first: usize| match nodes.get(first..first + 2) {
            Some([a, b]) => a.chunk.size() + b.chunk.size() <= JOINED,
            _ => false,
        };
        let candidates = [Some(node), node.checked_sub(1)];
        let Some(first) = candidates.into_iter().flatten().find(|&first| fits(first)) else {
            return;
        };
        let second = Arc::clone(&nodes[first + 1].chunk);
        self.remove_chunks(block, first + 1, first + 2);
        self.edit(block, first, |chunk| chunk.append(&second));
    }

    /// Checks what is always true of a directory.
    #[cfg(test)]
    pub(super) fn check(&self) {
        let nodes = || self.groups.iter().flat_map(|group| &group.block.nodes);
        assert!(nodes().all(|node| node.len > 0 && node.len == node.chunk.len()));
        assert!(nodes().all(|node| node.len == 1 || node.chunk.size() <= CHUNK_BYTES));
        assert_eq!(nodes().map(|node| node.len).sum::<usize>(), self.len);
        assert_eq!(nodes().map(|node| node.chunk.data_len()).sum::<usize>(), self.data);
        assert_eq!(nodes().count(), self.chunks);
        for group in &self.groups {
            assert!((1..=MAX_BLOCK).contains(&group.block.len()));
            assert_eq!(group.block.nodes.iter().map(|node| node.len).sum::<usize>(), group.len);
        }
    }

    /// Memory of the chunks with the room they keep for growth.
    #[cfg(test)]
    pub(super) fn reserved_bytes(&self) -> usize {
        let nodes = self.groups.iter().flat_map(|group| &group.block.nodes);
        nodes.map(|node| node.chunk.heap_bytes() + CHUNK_OVERHEAD).sum()
    }
}

/// Which of several runs of these lengths, `total` together, position `index` is in, and where in
/// it: counted from the nearer end.
fn skip(
    lens: impl DoubleEndedIterator<Item = usize> + ExactSizeIterator,
    index: usize,
    total: usize,
) -> Option<(usize, usize)> {
    let mut left = if index < total / 2 { index } else { total.checked_sub(index)? };
    if index < total / 2 {
        for (number, len) in lens.enumerate() {
            if left < len {
                return Some((number, left));
            }
            left -= len;
        }
    } else {
        for (number, len) in lens.enumerate().rev() {
            if left <= len {
                return Some((number, len - left));
            }
            left -= len;
        }
    }
    None
}

/// How many of these chunks have no more than `count` elements together, and how many of those
/// are left for the next.
fn whole<'n>(nodes: impl Iterator<Item = &'n Node>, mut count: usize) -> (usize, usize) {
    let mut number = 0;
    for node in nodes {
        if node.len > count {
            break;
        }
        count -= node.len;
        number += 1;
    }
    (number, count)
}
