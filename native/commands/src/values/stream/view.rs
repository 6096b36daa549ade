//! Reading a stream: a structure, or its image in place.

use std::borrow::Cow;
use std::sync::Arc;

use ferric_engine::Malformed;

use super::chunk::{self, Chunk, Entries, Entry, Head};
use super::{Collection, Id, State, Stream, image, runs};
use crate::values::wire::Reader;

/// Read access to a stream.
#[derive(Clone, Copy)]
pub struct View<'a> {
    state: State,
    source: Source<'a>,
}

#[derive(Clone, Copy)]
enum Source<'a> {
    Stream(&'a Stream),
    Image {
        whole: &'a [u8],
        /// Number of chunks, and where they begin.
        count: usize,
        chunks: Reader<'a>,
    },
}

impl<'a> View<'a> {
    pub(super) fn of_stream(stream: &'a Stream) -> View<'a> {
        View { state: stream.state, source: Source::Stream(stream) }
    }

    /// Of an image, which is well formed; what is not is an empty stream.
    pub(super) fn of_image(whole: &'a [u8]) -> View<'a> {
        let mut chunks = Reader::new(whole);
        let (state, count) = image::read_header(&mut chunks).unwrap_or_default();
        View { state, source: Source::Image { whole, count, chunks } }
    }

    /// What is known beside entries and groups.
    #[inline]
    pub fn state(&self) -> State {
        self.state
    }

    /// The whole as a structure.
    ///
    /// # Errors
    /// The image is malformed.
    pub fn to_stream(self) -> Result<Cow<'a, Stream>, Malformed> {
        match self.source {
            Source::Stream(stream) => Ok(Cow::Borrowed(stream)),
            Source::Image { whole, .. } => Ok(Cow::Owned(Stream::decode(whole)?)),
        }
    }

    /// Number of chunks.
    pub fn chunk_count(&self) -> usize {
        match self.source {
            Source::Stream(stream) => stream.chunks.len(),
            Source::Image { count, .. } => count,
        }
    }

    /// The last chunk's head.
    pub fn last_chunk(&self) -> Option<Head> {
        match self.source {
            Source::Stream(stream) => stream.chunks.last().map(|chunk| chunk.head()),
            Source::Image { .. } => self.chunks(Id::MIN).last().map(|chunk| chunk.head),
        }
    }

    /// The chunks that may have entries from `from` on, in order.
    pub fn chunks(&self, from: Id) -> Chunks<'a> {
        match self.source {
            Source::Stream(stream) => Chunks::Stream(stream.chunks.from_floor(from)),
            Source::Image { count, chunks, .. } => Chunks::Image(chunks, count),
        }
    }

    /// The chunks that may have entries up to `to`, the last first.
    fn chunks_back(&self, to: Id) -> Box<dyn Iterator<Item = chunk::View<'a>> + 'a> {
        match self.source {
            Source::Stream(stream) => {
                Box::new(stream.chunks.back_from(to).map(|chunk| chunk.view()))
            }
            Source::Image { .. } => {
                let chunks: Vec<_> = self.chunks(Id::MIN).collect();
                Box::new(chunks.into_iter().rev())
            }
        }
    }

    /// The entries from one identifier to another, in order.
    #[inline]
    pub fn entries(&self, from: Id, to: Id) -> Range<'a> {
        Range { chunks: self.chunks(from), entries: None, from, to }
    }

    /// The entries from one identifier to another, the last first.
    pub fn entries_back(&self, from: Id, to: Id) -> impl Iterator<Item = Entry<'a>> {
        self.chunks_back(to).take_while(move |chunk| chunk.head.last >= from).flat_map(
            move |chunk| {
                let within = |entry: &Entry<'_>| from <= entry.id && entry.id <= to;
                chunk.entries().filter(within).collect::<Vec<_>>().into_iter().rev()
            },
        )
    }

    /// The entry with this identifier.
    pub fn entry(&self, id: Id) -> Option<Entry<'a>> {
        self.entries(id, id).next()
    }

    /// The identifier of the first entry.
    pub fn first_id(&self) -> Option<Id> {
        self.entries(Id::MIN, Id::MAX).next().map(|entry| entry.id)
    }

    /// The identifier of the last entry.
    pub fn last_id(&self) -> Option<Id> {
        let tail = |head: Head| (head.live > 0).then_some(head.tail);
        match self.last_chunk().map(tail) {
            None => None,
            Some(Some(tail)) => Some(tail),
            Some(None) => self.chunks_back(Id::MAX).find_map(|chunk| tail(chunk.head)),
        }
    }
}

/// Chunks in order.
pub enum Chunks<'a> {
    /// Of a structure.
    Stream(runs::Iter<'a, Arc<Chunk>>),
    /// Of an image: what is left of it, and how many chunks of that.
    Image(Reader<'a>, usize),
}

impl<'a> Iterator for Chunks<'a> {
    type Item = chunk::View<'a>;

    fn next(&mut self) -> Option<chunk::View<'a>> {
        match self {
            Chunks::Stream(chunks) => Some(chunks.next()?.view()),
            Chunks::Image(reader, left) => {
                *left = left.checked_sub(1)?;
                image::read_chunk(reader).ok()
            }
        }
    }
}

/// Entries in order.
pub struct Range<'a> {
    chunks: Chunks<'a>,
    entries: Option<Entries<'a>>,
    from: Id,
    to: Id,
}

impl<'a> Iterator for Range<'a> {
    type Item = Entry<'a>;

    #[inline]
    fn next(&mut self) -> Option<Entry<'a>> {
        loop {
            if let Some(entries) = &mut self.entries {
                for entry in entries.by_ref() {
                    if entry.id > self.to {
                        return None;
                    }
                    if entry.id >= self.from {
                        return Some(entry);
                    }
                }
            }
            self.entries = Some(self.chunks.next()?.entries());
        }
    }
}
