//! Streams: a log of entries, and groups of consumers that share it.
//!
//! Entries are kept in chunks ([`chunk`]) which end where Redis's nodes do, in a sorted sequence of
//! shared runs ([`runs`]); so are the pending entries of a group and of each consumer ([`group`]).
//! Changes are deltas ([`delta`]), the whole is written as an image ([`image`]) which is also read
//! in place ([`view`]).

pub mod chunk;
mod delta;
mod group;
mod id;
mod image;
mod radix;
mod runs;
#[cfg(test)]
mod tests;
mod trim;
mod view;
mod word;

use std::collections::BTreeMap;
use std::sync::Arc;

use ferric_engine::{Image, Malformed, Object};

use super::{Collection, Kind};
use chunk::Chunk;
pub use chunk::Entry;
pub use delta::Delta;
pub use group::{Consumer, Group, Name, Pending, UNKNOWN};
pub use id::{Id, Text};
pub use radix::radix_nodes;
pub use runs::Runs;
pub use trim::{Bound, Plan, Trim};
pub use view::View;
pub use word::Word;

/// What is known of a stream beside its entries and groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Number of entries.
    pub length: u64,
    /// The greatest identifier that was ever given out; the next one is greater.
    pub last: Id,
    /// The greatest identifier that was deleted, not counting trimming.
    pub max_deleted: Id,
    /// Number of entries that were ever added.
    pub added: u64,
}

/// A stream.
#[derive(Clone, Default)]
pub struct Stream {
    state: State,
    chunks: Runs<Arc<Chunk>>,
    /// Bytes in the chunks.
    packed: usize,
    groups: BTreeMap<Name, Arc<Group>>,
}

impl Stream {
    /// The groups in the order of their names.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = (&Name, &Group)> {
        self.groups.iter().map(|(name, group)| (name, &**group))
    }

    /// The group with this name.
    pub fn group(&self, name: &[u8]) -> Option<&Group> {
        self.groups.get(name).map(|group| &**group)
    }

    /// The stream after a change; nothing but what the change touches is copied.
    ///
    /// # Errors
    /// The delta is malformed.
    pub fn after(&self, delta: &Delta) -> Result<Stream, Malformed> {
        let mut stream = self.clone();
        stream.apply(delta.as_bytes())?;
        Ok(stream)
    }

    fn push(&mut self, item: &chunk::Item<'_>, id: Id, new_chunk: bool) {
        match self.chunks.last() {
            Some(last) if !new_chunk && last.head().first <= id => self.push_to_last(item),
            // Only without entries, and after XSETID, can a chunk be later than what is added to it.
            Some(last) if !new_chunk => {
                let first = last.head().first;
                self.take_chunk(first);
                self.add_chunk(Chunk::new(item));
            }
            _ => {
                if let Some(last) = self.chunks.last_mut().and_then(Arc::get_mut) {
                    last.close();
                }
                self.add_chunk(Chunk::new(item));
            }
        }
        self.state.length += 1;
        self.state.added = self.state.added.wrapping_add(1);
        self.state.last = id;
    }

    fn push_to_last(&mut self, item: &chunk::Item<'_>) {
        if let Some(last) = self.chunks.last_mut().map(Arc::make_mut) {
            let before = last.packed_len();
            last.push(item);
            self.packed += last.packed_len() - before;
        }
    }

    fn add_chunk(&mut self, chunk: Chunk) {
        self.packed += chunk.packed_len();
        if let Some(before) = self.chunks.insert(Arc::new(chunk)) {
            self.packed -= before.packed_len();
        }
    }

    fn take_chunk(&mut self, first: Id) {
        if let Some(chunk) = self.chunks.remove(first) {
            self.packed -= chunk.packed_len();
            self.state.length -= u64::from(chunk.head().live);
        }
    }

    /// The identifier of the last entry.
    fn top(&self) -> Option<Id> {
        self.view().last_id()
    }

    /// Removes the first `chunks` chunks, and the entries up to `through` from the one after them.
    fn trim(&mut self, chunks: u64, through: Id) {
        for _ in 0..chunks {
            let Some(first) = self.chunks.first().map(|chunk| chunk.head().first) else { break };
            self.take_chunk(first);
        }
        if let Some(first) = self.chunks.first().map(|chunk| chunk.head().first) {
            self.remove_from(first, Id::MIN, through);
        }
    }

    /// Removes an entry, and its chunk with it if it is the only one there.
    fn delete(&mut self, id: Id) {
        let Some(head) = self.chunks.floor(id).map(|chunk| chunk.head()) else { return };
        if self.remove_from(head.first, id, id) == 0 {
            return;
        }
        if head.live == 1 {
            self.take_chunk(head.first);
        }
        self.state.max_deleted = self.state.max_deleted.max(id);
    }

    /// Removes the entries between two identifiers from the chunk that begins with `first`; how many.
    fn remove_from(&mut self, first: Id, low: Id, high: Id) -> u32 {
        if high < first {
            return 0;
        }
        let Some(chunk) = self.chunks.get_mut(first) else { return 0 };
        let before = chunk.packed_len();
        let chunk = Arc::make_mut(chunk);
        let removed = chunk.remove(low, high);
        self.packed = self.packed + chunk.packed_len() - before;
        self.state.length -= u64::from(removed);
        removed
    }
}

impl Object for Stream {
    fn apply(&mut self, delta: &[u8]) -> Result<(), Malformed> {
        delta::apply(self, delta)
    }

    fn heap_bytes(&self) -> usize {
        /// A chunk, its place in a run, and what allocators add.
        const CHUNK: usize = size_of::<Chunk>() + 48;
        let groups: usize = self.groups.values().map(|group| group.heap_bytes()).sum();
        size_of::<Stream>() + self.packed + self.chunks.len() * CHUNK + groups
    }

    fn image_len(&self) -> usize {
        /// A chunk's head.
        const HEAD: usize = 40;
        let groups: usize = self.groups.values().map(|group| group.image_len()).sum();
        HEAD + self.packed + self.chunks.len() * HEAD + groups
    }

    fn freeze(&self) -> Box<dyn Image> {
        Box::new(image::Frozen::new(self))
    }

    fn snapshot(&self) -> Option<Box<dyn Object>> {
        Some(Box::new(self.clone()))
    }
}

impl Collection for Stream {
    const KIND: Kind = Kind::Stream;

    type View<'a> = View<'a>;

    fn view(&self) -> View<'_> {
        View::of_stream(self)
    }

    fn view_image(image: &[u8]) -> View<'_> {
        View::of_image(image)
    }

    fn decode(image: &[u8]) -> Result<Stream, Malformed> {
        image::decode(image)
    }

    fn encoding(_view: View<'_>, _flags: u8) -> &'static str {
        "stream"
    }
}
