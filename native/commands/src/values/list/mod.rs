//! Lists.
//!
//! An image is the number of elements, then each with its length. In memory a list is a deque of
//! chunks of packed elements: [`chunk`], in blocks that make positions quick to find:
//! [`directory`].

mod chunk;
mod delta;
mod directory;
mod elements;
mod gap;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::vec::IntoIter;

use ferric_engine::{Image, Malformed, Meta, Object};

use super::collection::Collection;
use super::wire::{MAX_NUMBER, Reader, bytes_len, put_bytes, put_number};
use super::{Change, Kind};
use chunk::Chunk;
pub use delta::Delta;
use delta::Step;
use directory::{Block, Directory};
pub use elements::{Backward, Elements};

/// One of the ends of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The beginning, also called head.
    Left,
    /// The end, also called tail.
    Right,
}

/// A sequence of strings.
#[derive(Clone, Debug, Default)]
pub struct List {
    directory: Directory,
}

/// Read access to a list.
#[derive(Clone, Copy)]
pub enum View<'l> {
    /// To an image: the number of elements, and what follows it.
    Image(usize, Reader<'l>),
    /// To a list in memory.
    List(&'l List),
}

impl<'l> View<'l> {
    /// Number of elements.
    #[inline]
    pub fn len(self) -> usize {
        match self {
            View::Image(len, _) => len,
            View::List(list) => list.directory.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The element at `index`, if there is one.
    pub fn get(self, index: usize) -> Option<&'l [u8]> {
        match self {
            View::Image(..) => self.range(index, 1).next(),
            View::List(list) => list.directory.get(index),
        }
    }

    /// Up to `count` elements from the one at `index` on.
    pub fn range(self, index: usize, count: usize) -> Elements<'l> {
        match self {
            View::Image(len, mut entries) => {
                let index = index.min(len);
                for _ in 0..index {
                    if entries.bytes().is_err() {
                        break;
                    }
                }
                Elements::of_image(entries, count.min(len - index))
            }
            View::List(list) => Elements::of_chunks(&list.directory, index, count),
        }
    }

    /// All elements.
    pub fn iter(self) -> Elements<'l> {
        self.range(0, self.len())
    }

    /// The elements before the one at `end`, the last of them first.
    pub fn backward(self, end: usize) -> Backward<'l> {
        match self {
            View::Image(..) => {
                let elements: Vec<&[u8]> = self.range(0, end).collect();
                Backward::Image(elements.into_iter().rev())
            }
            View::List(list) => Backward::of_chunks(&list.directory, end),
        }
    }
}

/// The image of a list of these elements.
pub fn image<'e>(elements: impl ExactSizeIterator<Item = &'e [u8]> + Clone) -> Vec<u8> {
    let len: usize = elements.clone().map(bytes_len).sum();
    let mut image = Vec::with_capacity(MAX_NUMBER + len);
    put_number(&mut image, elements.len() as u64);
    elements.for_each(|element| put_bytes(&mut image, element));
    image
}

/// A key holds a list of these elements from now on, whatever it held.
pub fn put<'e>(
    elements: impl ExactSizeIterator<Item = &'e [u8]> + Clone,
    expiry_ms: u64,
) -> Change {
    let meta = Meta { expiry_ms, kind: Kind::List as u8, flags: 0 };
    Change::Put { meta, image: image(elements) }
}

impl List {
    /// Makes the change that the next step of a delta is.
    fn step(&mut self, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        let directory = &mut self.directory;
        match Step::read(reader)? {
            Step::Push(End::Left, count) => {
                for _ in 0..count {
                    directory.push_front(reader.bytes()?);
                }
            }
            Step::Push(End::Right, count) => {
                for _ in 0..count {
                    directory.push_back(reader.bytes()?);
                }
            }
            Step::Trim(front, back) => {
                if front.checked_add(back).is_none_or(|count| count > directory.len()) {
                    return Err(Malformed);
                }
                directory.drop_front(front);
                directory.drop_back(back);
            }
            Step::Set(at, element) => {
                directory.set(directory.locate(at).ok_or(Malformed)?, element);
            }
            Step::Insert(at, element) if at == directory.len() => directory.push_back(element),
            Step::Insert(at, element) => {
                directory.insert(directory.locate(at).ok_or(Malformed)?, element);
            }
            Step::Remove(positions) => {
                if positions.last().is_some_and(|&last| last >= directory.len()) {
                    return Err(Malformed);
                }
                directory.remove(&positions);
            }
        }
        Ok(())
    }
}

impl Object for List {
    fn apply(&mut self, delta: &[u8]) -> Result<(), Malformed> {
        let mut reader = Reader::new(delta);
        while !reader.is_empty() {
            self.step(&mut reader)?;
        }
        Ok(())
    }

    fn heap_bytes(&self) -> usize {
        size_of::<List>() + self.directory.heap_bytes()
    }

    fn image_len(&self) -> usize {
        // Lengths take one byte up to 127, then two.
        MAX_NUMBER + self.directory.data_len() + 2 * self.directory.len()
    }

    fn freeze(&self) -> Box<dyn Image> {
        let blocks = self.directory.blocks().into_iter();
        Box::new(Frozen { len: Some(self.directory.len()), blocks, block: None })
    }

    fn snapshot(&self) -> Option<Box<dyn Object>> {
        Some(Box::new(self.clone()))
    }
}

/// The contents of a list at some time.
struct Frozen {
    /// Number of elements, until it is written.
    len: Option<usize>,
    blocks: IntoIter<Arc<Block>>,
    /// The block that is being written, and its next chunk.
    block: Option<(Arc<Block>, usize)>,
}

impl Image for Frozen {
    fn write(&mut self, out: &mut Vec<u8>, budget: usize) -> bool {
        let end = out.len().saturating_add(budget);
        if let Some(len) = self.len.take() {
            put_number(out, len as u64);
        }
        loop {
            let Some((block, node)) = &mut self.block else {
                match self.blocks.next() {
                    Some(block) => self.block = Some((block, 0)),
                    None => return false,
                }
                continue;
            };
            match block.chunk(*node) {
                Some(chunk) => {
                    (0..chunk.len()).for_each(|at| put_bytes(out, chunk.get(at)));
                    *node += 1;
                }
                None => self.block = None,
            }
            if out.len() >= end {
                return true;
            }
        }
    }
}

impl Collection for List {
    const KIND: Kind = Kind::List;

    type View<'l> = View<'l>;

    fn view(&self) -> View<'_> {
        View::List(self)
    }

    fn view_image(image: &[u8]) -> View<'_> {
        let mut reader = Reader::new(image);
        // An image that was made by `encode` has a length.
        let len = reader.size().unwrap_or(0);
        View::Image(len, reader)
    }

    fn decode(image: &[u8]) -> Result<List, Malformed> {
        let mut reader = Reader::new(image);
        let len = reader.size()?;
        let mut list = List::default();
        let mut chunk = Chunk::default();
        while !reader.is_empty() {
            let element = reader.bytes()?;
            if !chunk.has_room(element.len()) {
                chunk.shrink();
                list.directory.append_chunk(std::mem::take(&mut chunk));
            }
            chunk.push_back(element);
        }
        if chunk.len() > 0 {
            list.directory.append_chunk(chunk);
        }
        // A list without elements does not exist: its key is gone.
        if len == 0 || list.directory.len() != len { Err(Malformed) } else { Ok(list) }
    }

    fn encoding(_view: View<'_>, _flags: u8) -> &'static str {
        "quicklist"
    }
}
