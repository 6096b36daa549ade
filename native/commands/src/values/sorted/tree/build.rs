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

impl Tree {
    /// Whether no member is there twice: only members with equal tags can be equal.
    fn is_distinct(&self) -> bool {
        self.index.ambiguous().all(|(tag, ids)| {
            let leaves = ids.iter().map(|&id| self.leaf(id));
            let mut members: Vec<&[u8]> =
                leaves.flat_map(|leaf| leaf.tagged(tag).map(|at| leaf.member(at))).collect();
            members.sort_unstable();
            members.windows(2).all(|pair| pair[0] != pair[1])
        })
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
    pub fn push(&mut self, (score, member): Entry<'_>) {
        if self.last.is_filled() {
            self.close_leaf();
        }
        self.last.insert(self.last.len(), score, index::tag(member), member);
        self.tree.len += 1;
        self.tree.image_len += entry_len(score, member);
        self.tree.member_bytes += member.len();
    }

    fn close_leaf(&mut self) {
        let mut leaf = std::mem::take(&mut self.last);
        leaf.trim();
        let id = self.tree.leaves.len() as u32;
        leaf.iter().for_each(|(_, tag, _)| self.tree.index.insert(tag, id));
        self.tree.leaves.push(Arc::new(leaf));
    }

    /// The tree.
    ///
    /// # Errors
    /// Two entries have the same member.
    pub fn finish(mut self) -> Result<Tree, Malformed> {
        if self.last.len() == 0 {
            return Ok(self.tree);
        }
        self.close_leaf();
        let mut tree = self.tree;
        if !tree.is_distinct() {
            return Err(Malformed);
        }
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
        Ok(tree)
    }
}
