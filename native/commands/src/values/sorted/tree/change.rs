//! Adding and removing entries.

use std::ops::Range;
use std::sync::Arc;

use super::Tree;
use crate::values::sorted::bound::Bound;
use crate::values::sorted::branch::{Branch, Child};
use crate::values::sorted::index;
use crate::values::sorted::leaf::Leaf;
use crate::values::sorted::packed::entry_len;

/// An entry that is not in the tree yet.
#[derive(Clone, Copy)]
struct New<'m> {
    score: f64,
    tag: u32,
    member: &'m [u8],
    /// The leaf that the index still has for the member.
    known: Option<u32>,
}

/// What is to be removed.
#[derive(Clone, Copy)]
enum Removed<'m> {
    /// Up to `most` entries from a rank on, also from the index.
    Ranks { from: usize, most: usize },
    /// An entry that is there; the index keeps it.
    Entry { score: f64, member: &'m [u8] },
}

impl Tree {
    /// Adds a member, or changes its score.
    pub fn set(&mut self, score: f64, member: &[u8]) {
        let tag = index::tag(member);
        let known = self.locate(tag, member).map(|(id, at)| {
            self.remove_from(Removed::Entry { score: self.leaf(id).score(at), member });
            id
        });
        let new = New { score, tag, member, known };
        if let Some(sibling) = self.insert_below(self.root, self.height, new) {
            self.raise(sibling);
        }
        self.len += 1;
        self.image_len += entry_len(score, member);
        self.member_bytes += member.len();
    }

    /// Removes a member if it is there.
    pub fn remove(&mut self, member: &[u8]) {
        let tag = index::tag(member);
        if let Some((id, at)) = self.locate(tag, member) {
            self.remove_from(Removed::Entry { score: self.leaf(id).score(at), member });
            self.index.remove(tag, id);
        }
    }

    /// Removes the entries with these ranks, which exist.
    pub fn remove_range(&mut self, ranks: Range<usize>) {
        let mut most = ranks.len();
        while most > 0 {
            most -= self.remove_from(Removed::Ranks { from: ranks.start, most });
        }
    }

    fn remove_from(&mut self, removed: Removed<'_>) -> usize {
        let count = self.remove_below(self.root, self.height, removed);
        self.lower();
        count
    }

    /// Adds an entry below a node. Returns the new node behind it if it had to be split.
    fn insert_below(&mut self, id: u32, level: usize, new: New<'_>) -> Option<u32> {
        let bound = Bound::Entry { score: new.score, member: new.member, behind: false };
        if level == 0 {
            return self.insert_in_leaf(id, &bound, new);
        }
        let at = self.child_at(id, level, &bound);
        let child = self.children(id)[at].id;
        let sibling = self.insert_below(child, level - 1, new);
        let Some(sibling) = sibling else {
            let child = &mut self.branches[id as usize].children[at];
            child.count += 1;
            // A smaller entry is only ever added below the first child.
            if new.score < child.first {
                child.first = new.score;
            }
            return None;
        };
        let (child, sibling) = (self.describe(child, level - 1), self.describe(sibling, level - 1));
        let branch = &mut self.branches[id as usize];
        branch.children[at] = child;
        branch.children.insert(at + 1, sibling);
        if !branch.is_too_large() {
            return None;
        }
        let split = branch.split_off(at + 1);
        Some(self.add_branch(split))
    }

    fn insert_in_leaf(&mut self, id: u32, bound: &Bound<'_>, new: New<'_>) -> Option<u32> {
        match new.known {
            Some(known) => self.index.relocate(new.tag, known, id),
            None => self.index.insert(new.tag, id),
        }
        let leaf = Arc::make_mut(&mut self.leaves[id as usize]);
        let at = leaf.position(bound);
        leaf.insert(at, new.score, new.tag, new.member);
        if !leaf.is_too_large() {
            return None;
        }
        let split = leaf.split_off(leaf.split_point(at));
        let split = Arc::new(split);
        let sibling = self.add_leaf(Arc::clone(&split));
        split.iter().for_each(|(_, tag, _)| self.index.relocate(tag, id, sibling));
        Some(sibling)
    }

    /// Puts a branch above the root, which has been split.
    fn raise(&mut self, sibling: u32) {
        let children = [self.root, sibling].map(|id| self.describe(id, self.height));
        self.root = self.add_branch(Branch { children: children.to_vec() });
        self.height += 1;
    }

    fn add_leaf(&mut self, leaf: Arc<Leaf>) -> u32 {
        let id = self.free_leaves.pop().unwrap_or(self.leaves.len() as u32);
        match self.leaves.get_mut(id as usize) {
            Some(free) => *free = leaf,
            None => self.leaves.push(leaf),
        }
        id
    }

    fn add_branch(&mut self, branch: Branch) -> u32 {
        let id = self.free_branches.pop().unwrap_or(self.branches.len() as u32);
        match self.branches.get_mut(id as usize) {
            Some(free) => *free = branch,
            None => self.branches.push(branch),
        }
        id
    }

    /// What a branch has to know about this node, which has entries.
    fn describe(&self, id: u32, level: usize) -> Child {
        if level == 0 {
            let leaf = self.leaf(id);
            return Child { id, count: leaf.len(), first: leaf.score(0) };
        }
        let branch = &self.branches[id as usize];
        Child { id, count: branch.count(), first: branch.children[0].first }
    }

    /// Removes entries below a node, to which ranks are relative, all in one leaf. Returns how many.
    fn remove_below(&mut self, id: u32, level: usize, removed: Removed<'_>) -> usize {
        if level == 0 {
            return self.remove_from_leaf(id, removed);
        }
        let (at, below) = match removed {
            Removed::Ranks { from, most } => {
                let (at, ranks) = self.branches[id as usize].child_of(from);
                (at, Removed::Ranks { from: from - ranks.start, most })
            }
            Removed::Entry { score, member } => {
                let bound = Bound::Entry { score, member, behind: true };
                (self.child_at(id, level, &bound), removed)
            }
        };
        let child = self.children(id)[at];
        let count = self.remove_below(child.id, level - 1, below);
        if count == child.count {
            self.free(child.id, level - 1);
            self.branches[id as usize].children.remove(at);
        } else {
            self.branches[id as usize].children[at] = self.describe(child.id, level - 1);
            self.join_if_small(id, level, at);
        }
        count
    }

    fn remove_from_leaf(&mut self, id: u32, removed: Removed<'_>) -> usize {
        let leaf = Arc::make_mut(&mut self.leaves[id as usize]);
        let places = match removed {
            Removed::Ranks { from, most } => from..leaf.len().min(from + most),
            Removed::Entry { score, member } => {
                let at = leaf.position(&Bound::Entry { score, member, behind: false });
                at..at + 1
            }
        };
        if let Removed::Ranks { .. } = removed {
            places.clone().for_each(|at| self.index.remove(leaf.tag(at), id));
        }
        self.member_bytes -= leaf.member_bytes(places.clone());
        self.image_len -= leaf.image_len(places.clone());
        self.len -= places.len();
        leaf.remove(places.clone());
        places.len()
    }

    /// Joins a small child of a branch with a neighbour, if both fit together.
    fn join_if_small(&mut self, id: u32, level: usize, at: usize) {
        let children = self.children(id);
        let small = if level == 1 {
            self.leaf(children[at].id).is_small()
        } else {
            self.branches[children[at].id as usize].is_small()
        };
        if !small {
            return;
        }
        let pairs = [at.checked_sub(1).map(|left| (left, at)), Some((at, at + 1))];
        let fitting = pairs.into_iter().flatten().find(|&(left, right)| {
            let Some([left, right]) = children.get(left..=right) else { return false };
            if level == 1 {
                self.leaf(left.id).fits_with(self.leaf(right.id))
            } else {
                let branch = |child: &Child| &self.branches[child.id as usize];
                branch(left).fits_with(branch(right))
            }
        });
        if let Some((left, right)) = fitting {
            let (left_id, right_id) = (children[left].id, children[right].id);
            self.join(left_id, right_id, level - 1);
            self.free(right_id, level - 1);
            let joined = self.describe(left_id, level - 1);
            let branch = &mut self.branches[id as usize];
            branch.children[left] = joined;
            branch.children.remove(right);
        }
    }

    /// Moves all of the right node's contents to the end of the left one.
    fn join(&mut self, left: u32, right: u32, level: usize) {
        if level > 0 {
            let moved = std::mem::take(&mut self.branches[right as usize].children);
            self.branches[left as usize].children.extend(moved);
            return;
        }
        let moved = Arc::clone(&self.leaves[right as usize]);
        moved.iter().for_each(|(_, tag, _)| self.index.relocate(tag, right, left));
        Arc::make_mut(&mut self.leaves[left as usize]).append(&moved);
    }

    /// Takes a node out of use.
    fn free(&mut self, id: u32, level: usize) {
        if level == 0 {
            self.leaves[id as usize] = Arc::new(Leaf::default());
            self.free_leaves.push(id);
        } else {
            self.branches[id as usize] = Branch::default();
            self.free_branches.push(id);
        }
    }

    /// Takes branches with a single child from the top; an empty tree is an empty leaf.
    fn lower(&mut self) {
        while self.height > 0 {
            let (only, height) = match *self.children(self.root) {
                [child] => (child.id, self.height - 1),
                [] => (self.add_leaf(Arc::default()), 0),
                _ => return,
            };
            self.free(self.root, self.height);
            (self.root, self.height) = (only, height);
        }
    }
}

#[cfg(test)]
impl Tree {
    /// Checks what must hold of every tree.
    pub fn check(&self) {
        let mut count = 0;
        let mut pending = vec![(self.root, self.height)];
        while let Some((id, level)) = pending.pop() {
            if level == 0 {
                let leaf = self.leaf(id);
                count += leaf.len();
                for (at, (_, tag, member)) in leaf.iter().enumerate() {
                    assert_eq!(self.locate(tag, member), Some((id, at)));
                }
                continue;
            }
            assert!(!self.branches[id as usize].is_too_large());
            assert!(!self.children(id).is_empty());
            for child in self.children(id) {
                let described = self.describe(child.id, level - 1);
                assert_eq!((child.count, child.first), (described.count, described.first));
                pending.push((child.id, level - 1));
            }
        }
        assert_eq!(count, self.len);
        let bytes: usize =
            self.ordered_leaves().iter().map(|leaf| leaf.image_len(0..leaf.len())).sum();
        assert_eq!(self.image_len, bytes);
    }
}
