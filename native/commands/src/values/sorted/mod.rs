//! Sorted sets: distinct members, each with a score, in the order of scores and then of members.
//!
//! A small one is one run of bytes ([`packed`]), a large one a tree with an index ([`tree`]). Scores
//! are never NaN. Sets with coordinates (geo) are sorted sets whose scores are geohashes.

mod bound;
mod branch;
mod delta;
mod index;
mod leaf;
mod packed;
mod score;
#[cfg(test)]
mod tests;
mod tree;
mod view;

use std::sync::Arc;
use std::vec::IntoIter;

use ferric_engine::{Image, Malformed, Object};

use super::wire::{Reader, number_len, put_number};
use super::{Collection, Kind};
use leaf::Leaf;
use packed::{Packed, PackedSet, entry_len, put_entry, read_image};
use tree::{Builder, Tree};

pub use bound::{Limit, order};
pub use delta::Delta;
use delta::Step;
pub use packed::Entry;
pub use view::{LexRange, ScoreRange, View};

/// The flag of a set that Redis would keep as a skiplist, which it then is for good.
pub const SKIPLIST: u8 = 1;

/// Most entries, and most bytes of an image, of a set that is kept as one run of bytes. Redis's compact
/// encoding has the same bounds unless they are configured.
const MAX_RUN: usize = 128;
const MAX_RUN_BYTES: usize = 9 << 10;

/// A tree with fewer entries and bytes than these becomes a run again.
const MIN_TREE: usize = 64;
const MIN_TREE_BYTES: usize = 4 << 10;

/// Shortest entry in an image, in bytes: a score and an empty member.
const MIN_ENTRY: usize = 2;

/// Whether a set of so many entries and bytes is one run of bytes.
fn is_run(entries: usize, bytes: usize) -> bool {
    entries <= MAX_RUN && bytes <= MAX_RUN_BYTES
}

/// A sorted set.
#[derive(Clone, Debug)]
pub struct SortedSet(Form);

#[derive(Clone, Debug)]
enum Form {
    Packed(PackedSet),
    Tree(Box<Tree>),
}

impl Default for SortedSet {
    fn default() -> SortedSet {
        SortedSet(Form::Packed(PackedSet::default()))
    }
}

impl SortedSet {
    /// The set of entries that are in order ([`order`]).
    ///
    /// # Errors
    /// Two of them have the same member; this is not noticed if there are only a few.
    pub fn from_entries(entries: &[Entry<'_>]) -> Result<SortedSet, Malformed> {
        let bytes: usize = entries.iter().map(|entry| entry_len(entry.0, entry.1)).sum();
        if is_run(entries.len(), bytes) {
            let set = PackedSet::from_entries(entries.iter().copied());
            return Ok(SortedSet(Form::Packed(set)));
        }
        let mut builder = Builder::new(entries.len());
        entries.iter().for_each(|entry| builder.push(*entry));
        Ok(SortedSet(Form::Tree(Box::new(builder.finish()?))))
    }

    fn set(&mut self, score: f64, member: &[u8]) -> Result<(), Malformed> {
        match &mut self.0 {
            Form::Tree(tree) => tree.set(score, member),
            Form::Packed(set) => {
                set.set(score, member);
                if !is_run(set.view().len(), set.image_len()) {
                    let entries: Vec<Entry<'_>> = set.view().iter().collect();
                    *self = SortedSet::from_entries(&entries)?;
                }
            }
        }
        Ok(())
    }

    fn remove(&mut self, member: &[u8]) {
        match &mut self.0 {
            Form::Packed(set) => set.remove(member),
            Form::Tree(tree) => tree.remove(member),
        }
        self.pack();
    }

    fn remove_range(&mut self, ranks: std::ops::Range<usize>) {
        match &mut self.0 {
            Form::Packed(set) => set.remove_range(ranks),
            Form::Tree(tree) => tree.remove_range(ranks),
        }
        self.pack();
    }

    /// Makes one run of bytes of a tree that has become small.
    fn pack(&mut self) {
        let Form::Tree(tree) = &self.0 else { return };
        if tree.len() < MIN_TREE && tree.image_len() < MIN_TREE_BYTES {
            let mut entries = Vec::with_capacity(tree.len());
            let view = View::Tree(tree);
            view.each(0..view.len(), false, |score, member| entries.push((score, member)));
            self.0 = Form::Packed(PackedSet::from_entries(entries.into_iter()));
        }
    }
}

impl Object for SortedSet {
    fn apply(&mut self, delta: &[u8]) -> Result<(), Malformed> {
        let mut reader = Reader::new(delta);
        while !reader.is_empty() {
            match delta::read(&mut reader)? {
                Step::Set(score, member) => self.set(score, member)?,
                Step::Remove(member) => self.remove(member),
                Step::RemoveRange(ranks) if ranks.end <= self.view().len() => {
                    self.remove_range(ranks);
                }
                Step::RemoveRange(_) => return Err(Malformed),
            }
        }
        Ok(())
    }

    fn heap_bytes(&self) -> usize {
        let content = match &self.0 {
            Form::Packed(set) => set.heap_bytes(),
            Form::Tree(tree) => size_of::<Tree>() + tree.heap_bytes(),
        };
        size_of::<SortedSet>() + content
    }

    fn image_len(&self) -> usize {
        match &self.0 {
            Form::Packed(set) => set.image_len(),
            Form::Tree(tree) => number_len(tree.len() as u64) + tree.image_len(),
        }
    }

    fn freeze(&self) -> Box<dyn Image> {
        match &self.0 {
            Form::Packed(set) => Box::new(set.image()),
            Form::Tree(tree) => {
                let leaves = tree.ordered_leaves().into_iter();
                Box::new(Frozen { len: Some(tree.len()), leaves, at: 0 })
            }
        }
    }

    fn snapshot(&self) -> Option<Box<dyn Object>> {
        Some(Box::new(self.clone()))
    }
}

/// A frozen tree, of which a part has been written.
struct Frozen {
    /// The number of entries, until it is written.
    len: Option<usize>,
    /// The leaves that are not written, or only in part.
    leaves: IntoIter<Arc<Leaf>>,
    /// How many entries of the first one are written.
    at: usize,
}

impl Image for Frozen {
    fn write(&mut self, out: &mut Vec<u8>, budget: usize) -> bool {
        let end = out.len().saturating_add(budget);
        if let Some(len) = self.len.take() {
            put_number(out, len as u64);
        }
        while let Some(leaf) = self.leaves.as_slice().first() {
            for at in self.at..leaf.len() {
                if out.len() >= end {
                    self.at = at;
                    return true;
                }
                put_entry(out, leaf.score(at), leaf.member(at));
            }
            self.at = 0;
            drop(self.leaves.next());
        }
        false
    }
}

impl Collection for SortedSet {
    const KIND: Kind = Kind::SortedSet;

    type View<'a> = View<'a>;

    fn view(&self) -> View<'_> {
        match &self.0 {
            Form::Packed(set) => View::Packed(set.view()),
            Form::Tree(tree) => View::Tree(tree),
        }
    }

    fn view_image(image: &[u8]) -> View<'_> {
        View::Packed(Packed::of_image(image))
    }

    fn of_image(image: &[u8]) -> Result<SortedSet, Malformed> {
        if is_run(Packed::of_image(image).len(), image.len()) {
            return Ok(SortedSet(Form::Packed(PackedSet::of_image(image))));
        }
        SortedSet::decode(image)
    }

    fn decode(image: &[u8]) -> Result<SortedSet, Malformed> {
        let len = Packed::of_image(image).len();
        if is_run(len, image.len()) {
            return Ok(SortedSet(Form::Packed(PackedSet::decode(image)?)));
        }
        let mut builder = Builder::new(len.min(image.len() / MIN_ENTRY));
        read_image(image, |entry| builder.push(entry))?;
        Ok(SortedSet(Form::Tree(Box::new(builder.finish()?))))
    }

    fn encoding(_view: View<'_>, flags: u8) -> &'static str {
        if flags & SKIPLIST == 0 { "listpack" } else { "skiplist" }
    }
}
