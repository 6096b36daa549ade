//! The inner nodes of a large sorted set's tree.

use std::ops::Range;

/// Most children.
const MAX_CHILDREN: usize = 64;

/// What a branch knows about a child.
#[derive(Clone, Copy, Debug)]
pub struct Child {
    /// Number of the leaf or branch.
    pub id: u32,
    /// Its entries.
    pub count: usize,
    /// The score of its first entry.
    pub first: f64,
}

/// Neighbouring nodes, in order.
#[derive(Clone, Debug, Default)]
pub struct Branch {
    /// The children; a branch that is in use has at least one.
    pub children: Vec<Child>,
}

impl Branch {
    /// Entries below it.
    pub fn count(&self) -> usize {
        self.children.iter().map(|child| child.count).sum()
    }

    /// The child with the entry of this rank, and the ranks below the branch that it has.
    pub fn child_of(&self, rank: usize) -> (usize, Range<usize>) {
        let mut start = 0;
        for (at, child) in self.children.iter().enumerate() {
            if rank < start + child.count {
                return (at, start..start + child.count);
            }
            start += child.count;
        }
        let last = self.children.len().saturating_sub(1);
        (last, start - self.children.last().map_or(0, |child| child.count)..start)
    }

    /// Whether there are too many children.
    pub fn is_too_large(&self) -> bool {
        self.children.len() > MAX_CHILDREN
    }

    /// Whether it should be joined with a neighbour.
    pub fn is_small(&self) -> bool {
        self.children.len() < MAX_CHILDREN / 4
    }

    /// Whether both together are one branch with room to grow.
    pub fn fits_with(&self, other: &Branch) -> bool {
        self.children.len() + other.children.len() <= MAX_CHILDREN * 3 / 4
    }

    /// Takes away the second half, or only the last child when that is the one that was `inserted`:
    /// nodes that come in order leave full branches behind.
    pub fn split_off(&mut self, inserted: usize) -> Branch {
        let len = self.children.len();
        let at = if inserted + 1 == len { inserted } else { len / 2 };
        Branch { children: self.children.split_off(at) }
    }
}
