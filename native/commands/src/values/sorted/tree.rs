//! Large sorted sets: a B+ tree whose branches count the entries below each child, so that ranks
//! are found as fast as scores, and an index from members to leaves.

mod build;
mod change;

pub use build::Builder;

use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use super::bound::Bound;
use super::branch::{Branch, Child};
use super::index::{self, Index};
use super::leaf::Leaf;

/// Memory that a leaf takes beside its entries and one that a branch takes, in bytes, about.
const LEAF_BYTES: usize = 192;

/// Memory that an entry takes beside its member, in bytes, about: score, tag, end, room to grow.
const ENTRY_BYTES: usize = 18;

/// A sorted set.
///
/// Nodes are known by their numbers. Leaves, and the groups of the index, are shared with frozen images
/// and clones until one of both changes; the branches, of which there are few, are copied.
#[derive(Clone, Debug)]
pub struct Tree {
    leaves: Vec<Arc<Leaf>>,
    free_leaves: Vec<u32>,
    branches: Vec<Branch>,
    free_branches: Vec<u32>,
    /// Number of the topmost node: a leaf if `height` is 0, or else a branch.
    root: u32,
    /// Branches between the root, with it, and a leaf.
    height: usize,
    len: usize,
    /// Bytes of all entries in an image, and of all members.
    image_len: usize,
    member_bytes: usize,
    index: Index,
}

impl Tree {
    /// How many entries there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Bytes of all entries in an image.
    pub fn image_len(&self) -> usize {
        self.image_len
    }

    /// Memory that it takes, in bytes, about.
    pub fn heap_bytes(&self) -> usize {
        self.member_bytes
            + self.len * ENTRY_BYTES
            + self.leaves.len() * LEAF_BYTES
            + self.index.heap_bytes()
    }

    #[inline]
    fn leaf(&self, id: u32) -> &Leaf {
        &self.leaves[id as usize]
    }

    #[inline]
    fn children(&self, id: u32) -> &[Child] {
        &self.branches[id as usize].children
    }

    /// The leaf with a member, and its place there.
    #[inline]
    fn locate(&self, tag: u32, member: &[u8]) -> Option<(u32, usize)> {
        let mut leaves = self.index.leaves(tag);
        leaves.find_map(|id| self.leaf(id).find(tag, member).map(|at| (id, at)))
    }

    /// A member's score.
    #[inline]
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        self.locate(index::tag(member), member).map(|(id, at)| self.leaf(id).score(at))
    }

    /// How many entries lie before `bound`.
    pub fn position(&self, bound: &Bound<'_>) -> usize {
        let (mut id, mut before) = (self.root, 0);
        for level in (1..=self.height).rev() {
            let at = self.child_at(id, level, bound);
            let children = self.children(id);
            before += children[..at].iter().map(|child| child.count).sum::<usize>();
            id = children[at].id;
        }
        before + self.leaf(id).position(bound)
    }

    /// The child of a branch that `bound` falls into: the last one whose first entry lies before it,
    /// or else the first one.
    fn child_at(&self, id: u32, level: usize, bound: &Bound<'_>) -> usize {
        let children = self.children(id);
        let (mut low, mut high) = (1, children.len());
        while low < high {
            let middle = low.midpoint(high);
            let child = children[middle];
            if bound.is_behind(child.first, || self.first_member(child.id, level - 1)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low - 1
    }

    /// The first member below a node of this level; leaves are on level 0.
    fn first_member(&self, mut id: u32, level: usize) -> &[u8] {
        for _ in 0..level {
            id = self.children(id)[0].id;
        }
        self.leaf(id).member(0)
    }

    /// Hands the entries with these ranks to `visit` until it breaks.
    pub fn visit<'t, B>(
        &'t self,
        ranks: Range<usize>,
        reverse: bool,
        visit: &mut impl FnMut(f64, &'t [u8]) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        self.visit_node(self.root, self.height, ranks, reverse, visit)
    }

    /// [`Tree::visit`] below one node, to which the ranks are relative. No deeper than the tree is
    /// high.
    fn visit_node<'t, B>(
        &'t self,
        id: u32,
        level: usize,
        ranks: Range<usize>,
        reverse: bool,
        visit: &mut impl FnMut(f64, &'t [u8]) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        if level == 0 {
            let leaf = self.leaf(id);
            let mut entry = |at| visit(leaf.score(at), leaf.member(at));
            let mut places = ranks.start..ranks.end.min(leaf.len());
            return if reverse {
                places.rev().try_for_each(&mut entry)
            } else {
                places.try_for_each(&mut entry)
            };
        }
        let mut start = 0;
        let overlaps = self.children(id).iter().filter_map(|child| {
            let end = start + child.count;
            let part = ranks.start.max(start) - start..ranks.end.min(end).saturating_sub(start);
            start = end;
            (part.start < part.end).then_some((child.id, part))
        });
        if reverse {
            let overlaps: smallvec::SmallVec<[_; 8]> = overlaps.collect();
            overlaps.into_iter().rev().try_for_each(|(child, part)| {
                self.visit_node(child, level - 1, part, reverse, visit)
            })
        } else {
            let mut overlaps = overlaps;
            overlaps.try_for_each(|(child, part)| {
                self.visit_node(child, level - 1, part, reverse, visit)
            })
        }
    }

    /// Hands a part of the entries to `visit` and returns where the next part begins, 0 after the
    /// last; see [`Index::part`].
    pub fn scan<'t>(&'t self, cursor: u32, mut visit: impl FnMut(f64, &'t [u8])) -> u32 {
        let (part, next) = self.index.part(cursor);
        for (tag, id) in part {
            let leaf = self.leaf(id);
            leaf.tagged(tag).for_each(|at| visit(leaf.score(at), leaf.member(at)));
        }
        next
    }

    /// The leaves in order.
    pub fn ordered_leaves(&self) -> Vec<Arc<Leaf>> {
        let mut level = vec![self.root];
        for _ in 0..self.height {
            level = level.iter().flat_map(|&id| self.children(id)).map(|child| child.id).collect();
        }
        level.iter().map(|&id| Arc::clone(&self.leaves[id as usize])).collect()
    }
}
