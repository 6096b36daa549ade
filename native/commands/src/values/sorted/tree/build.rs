//! Making a tree of all its entries at once.

use std::sync::Arc;

use ferric_engine::Malformed;

use super::Tree;
use crate::values::sorted::branch::{Branch, Child};
use crate::values::sorted::index::{self, Index};
use crate::values::sorted::leaf::Leaf;
use crate::values::sorted::packed::{Entry, entry_len};

/// Children of a branch that is filled in order: room is left for others.
const CHILDREN: usize = 56;

impl Tree {
    /// An empty tree that expects `len` entries.
    fn with_room_for(len: usize) -> Tree {
        Tree {
            leaves: vec![Arc::default()],
            free_leaves: Vec::new(),
            branches: Vec::new(),
            free_branches: Vec::new(),
            root: 0,
            height: 0,
            len: 0,
            image_len: 0,
            member_bytes: 0,
            index: Index::with_room_for(len),
        }
    }
}

/// A tree that is being made of entries in order.
pub struct Builder {
    tree: Tree,
    last: Leaf,
}

impl Builder {
    /// Expects about `len` entries.
    pub fn new(len: usize) -> Builder {
        Builder { tree: Tree::with_room_for(len), last: Leaf::default() }
    }

    /// Adds the next entry.
    ///
    /// # Errors
    /// The member is there already.
    pub fn push(&mut self, (score, member): Entry<'_>) -> Result<(), Malformed> {
        let tag = index::tag(member);
        if self.tree.locate(tag, member).is_some() || self.last.find(tag, member).is_some() {
            return Err(Malformed);
        }
        if self.last.is_filled() {
            self.close_leaf();
        }
        self.last.insert(self.last.len(), score, tag, member);
        self.tree.len += 1;
        self.tree.image_len += entry_len(score, member);
        self.tree.member_bytes += member.len();
        Ok(())
    }

    fn close_leaf(&mut self) {
        let mut leaf = std::mem::take(&mut self.last);
        leaf.trim();
        let id = self.tree.leaves.len() as u32;
        leaf.iter().for_each(|(_, tag, _)| self.tree.index.insert(tag, id));
        self.tree.leaves.push(Arc::new(leaf));
    }

    /// The tree.
    pub fn finish(mut self) -> Tree {
        if self.last.len() == 0 {
            return self.tree;
        }
        self.close_leaf();
        let mut tree = self.tree;
        // The leaf that an empty tree has is not needed.
        tree.free_leaves.push(0);
        let mut level: Vec<Child> = (1..tree.leaves.len() as u32)
            .map(|id| Child { id, count: tree.leaf(id).len(), first: tree.leaf(id).score(0) })
            .collect();
        while level.len() > 1 {
            let branches = level.chunks(CHILDREN).map(|children| {
                let branch = Branch { children: children.to_vec() };
                let id = tree.branches.len() as u32;
                let child = Child { id, count: branch.count(), first: children[0].first };
                tree.branches.push(branch);
                child
            });
            level = branches.collect();
            tree.height += 1;
        }
        tree.root = level[0].id;
        tree
    }
}
