//! Walking over the elements of a list.

use super::chunk::Chunk;
use super::directory::Directory;
use crate::values::wire::Reader;

/// Some consecutive elements, from the first on.
#[derive(Clone)]
pub struct Elements<'l> {
    source: Source<'l>,
    left: usize,
}

#[derive(Clone)]
enum Source<'l> {
    Image(Reader<'l>),
    Chunks(Cursor<'l>),
}

impl<'l> Elements<'l> {
    /// The next `left` elements of an image.
    pub(super) fn of_image(entries: Reader<'l>, left: usize) -> Elements<'l> {
        Elements { source: Source::Image(entries), left }
    }

    /// Of a large list `left` elements from the one at `index` on.
    pub(super) fn of_chunks(directory: &'l Directory, index: usize, left: usize) -> Elements<'l> {
        let cursor = Cursor::at(directory, index);
        let left = if cursor.chunk.is_some() { left } else { 0 };
        Elements { source: Source::Chunks(cursor), left }
    }
}

impl<'l> Iterator for Elements<'l> {
    type Item = &'l [u8];

    #[inline]
    fn next(&mut self) -> Option<&'l [u8]> {
        self.left = self.left.checked_sub(1)?;
        match &mut self.source {
            Source::Image(reader) => reader.bytes().ok(),
            Source::Chunks(cursor) => cursor.forward(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}

/// The elements in reverse order.
pub enum Backward<'l> {
    /// Of an image, which can only be read from its beginning: taken apart before.
    Image(std::iter::Rev<std::vec::IntoIter<&'l [u8]>>),
    /// Of a large list.
    Chunks(BackwardCursor<'l>),
}

/// A place in a large list, reached from its end.
pub struct BackwardCursor<'l>(Cursor<'l>);

impl<'l> Backward<'l> {
    /// Of a large list the elements before the one at `end`.
    pub(super) fn of_chunks(directory: &'l Directory, end: usize) -> Backward<'l> {
        let mut cursor = Cursor::at(directory, end.saturating_sub(1));
        cursor.at += usize::from(end > 0);
        Backward::Chunks(BackwardCursor(cursor))
    }
}

impl<'l> Iterator for Backward<'l> {
    type Item = &'l [u8];

    #[inline]
    fn next(&mut self) -> Option<&'l [u8]> {
        match self {
            Backward::Image(elements) => elements.next(),
            Backward::Chunks(cursor) => cursor.0.backward(),
        }
    }
}

/// A place between two elements of a large list.
#[derive(Clone)]
struct Cursor<'l> {
    directory: &'l Directory,
    block: usize,
    node: usize,
    /// The chunk there, if there is one.
    chunk: Option<&'l Chunk>,
    at: usize,
}

impl<'l> Cursor<'l> {
    /// Before the element at `index`; without one, nowhere.
    fn at(directory: &'l Directory, index: usize) -> Cursor<'l> {
        let Some(place) = directory.locate(index) else {
            return Cursor { directory, block: 0, node: 0, chunk: None, at: 0 };
        };
        let mut cursor =
            Cursor { directory, block: place.block, node: place.node, chunk: None, at: place.at };
        cursor.look();
        cursor
    }

    fn look(&mut self) {
        self.chunk = self.directory.block(self.block).and_then(|block| block.chunk(self.node));
    }

    /// The element behind the place, which moves behind it.
    #[inline]
    fn forward(&mut self) -> Option<&'l [u8]> {
        loop {
            let chunk = self.chunk?;
            if self.at < chunk.len() {
                self.at += 1;
                return Some(chunk.get(self.at - 1));
            }
            (self.node, self.at) = (self.node + 1, 0);
            self.look();
            if self.chunk.is_none() {
                (self.block, self.node) = (self.block + 1, 0);
                self.look();
            }
        }
    }

    /// The element before the place, which moves before it.
    #[inline]
    fn backward(&mut self) -> Option<&'l [u8]> {
        loop {
            let chunk = self.chunk?;
            if self.at > 0 {
                self.at -= 1;
                return Some(chunk.get(self.at));
            }
            match self.node.checked_sub(1) {
                Some(node) => self.node = node,
                None => {
                    self.chunk = None;
                    self.block = self.block.checked_sub(1)?;
                    self.node = self.directory.block(self.block)?.len() - 1;
                }
            }
            self.look();
            self.at = self.chunk?.len();
        }
    }
}
