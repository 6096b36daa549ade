//! A run of elements, packed.

use super::gap::GapVec;

/// Size of a chunk of several elements, in bytes with what is kept for each of them. Redis's nodes
/// have the same size unless configured otherwise: what a chunk costs beside its elements is then
/// lost among them, and changing one in its middle is still a short move.
pub(super) const CHUNK_BYTES: usize = 8 << 10;

/// What a chunk keeps for each element, in bytes.
const PER_ELEMENT: usize = size_of::<u16>();

/// Elements one after another, and where each begins.
///
/// A chunk of several elements is at most [`CHUNK_BYTES`] long; a longer element is alone in its
/// chunk. Positions are kept modulo 2^16 and count from the first element's, whatever that is:
/// so neither end moves when something comes or goes at the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Chunk {
    data: GapVec<u8>,
    starts: GapVec<u16>,
}

impl Chunk {
    /// A chunk of one element.
    pub(super) fn of(element: &[u8]) -> Chunk {
        let mut chunk = Chunk::default();
        chunk.push_back(element);
        chunk
    }

    /// Number of elements.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Bytes of the elements.
    #[inline]
    pub(super) fn data_len(&self) -> usize {
        self.data.len()
    }

    /// Memory beyond the structure itself, in bytes.
    #[cfg(test)]
    pub(super) fn heap_bytes(&self) -> usize {
        self.data.capacity() + self.starts.capacity() * PER_ELEMENT
    }

    /// Size by which chunks are limited, in bytes.
    pub(super) fn size(&self) -> usize {
        self.data.len() + self.starts.len() * PER_ELEMENT
    }

    /// Whether an element of `len` bytes may be added.
    #[inline]
    pub(super) fn has_room(&self, len: usize) -> bool {
        self.len() == 0 || self.size() + PER_ELEMENT + len <= CHUNK_BYTES
    }

    /// Whether the element at `at`, which is there, may become `len` bytes long.
    pub(super) fn may_replace(&self, at: usize, len: usize) -> bool {
        self.len() == 1 || self.size() - self.get(at).len() + len <= CHUNK_BYTES
    }

    /// Where the element at `at` begins; for the number of elements, where the last one ends.
    #[inline]
    fn offset(&self, at: usize) -> usize {
        match self.starts.as_slice() {
            [first, ..] if at < self.len() => {
                usize::from(self.starts.as_slice()[at].wrapping_sub(*first))
            }
            _ => self.data.len(),
        }
    }

    /// The element at `at`, which is there.
    #[inline]
    pub(super) fn get(&self, at: usize) -> &[u8] {
        &self.data.as_slice()[self.offset(at)..self.offset(at + 1)]
    }

    /// Adds an element, for which there is room, at the end.
    #[inline]
    pub(super) fn push_back(&mut self, element: &[u8]) {
        let first = self.starts.as_slice().first().copied().unwrap_or(0);
        self.starts.push_back(&[first.wrapping_add(self.data.len() as u16)]);
        self.data.push_back(element);
    }

    /// Adds an element, for which there is room, at the beginning.
    #[inline]
    pub(super) fn push_front(&mut self, element: &[u8]) {
        let first = self.starts.as_slice().first().copied().unwrap_or(0);
        self.starts.push_front(&[first.wrapping_sub(element.len() as u16)]);
        self.data.push_front(element);
    }

    /// Adds an element, for which there is room, before the one at `at`.
    pub(super) fn insert(&mut self, at: usize, element: &[u8]) {
        if at == 0 {
            return self.push_front(element);
        }
        if at >= self.len() {
            return self.push_back(element);
        }
        let start = self.starts.as_slice()[at];
        self.data.replace(self.offset(at), 0, element);
        self.starts.replace(at, 0, &[start]);
        self.shift(at + 1, element.len() as u16);
    }

    /// Gives the element at `at`, which is there, another value that [`Chunk::may_replace`] it.
    pub(super) fn replace(&mut self, at: usize, element: &[u8]) {
        let (from, to) = (self.offset(at), self.offset(at + 1));
        self.data.replace(from, to - from, element);
        self.shift(at + 1, (element.len() as u16).wrapping_sub((to - from) as u16));
    }

    /// Moves the starts from `at` on.
    fn shift(&mut self, at: usize, by: u16) {
        for start in &mut self.starts.as_mut_slice()[at..] {
            *start = start.wrapping_add(by);
        }
    }

    /// Takes `count` elements, which are there, from the beginning.
    pub(super) fn drop_front(&mut self, count: usize) {
        self.data.drop_front(self.offset(count));
        self.starts.drop_front(count);
    }

    /// Takes `count` elements, which are there, from the end.
    pub(super) fn drop_back(&mut self, count: usize) {
        let kept = self.len() - count;
        self.data.drop_back(self.data.len() - self.offset(kept));
        self.starts.drop_back(count);
    }

    /// Takes the elements at these ascending positions, each of which is there.
    pub(super) fn remove(&mut self, positions: &[usize]) {
        if let [at] = *positions {
            return self.remove_one(at);
        }
        let mut kept = Chunk {
            data: GapVec::with_capacity(self.data.len()),
            starts: GapVec::with_capacity(self.len() - positions.len()),
        };
        let mut removed = positions.iter().peekable();
        for at in 0..self.len() {
            if removed.next_if(|&&position| position == at).is_none() {
                kept.push_back(self.get(at));
            }
        }
        *self = kept;
    }

    fn remove_one(&mut self, at: usize) {
        if at == 0 {
            return self.drop_front(1);
        }
        let (from, to) = (self.offset(at), self.offset(at + 1));
        self.data.replace(from, to - from, &[]);
        self.starts.replace(at, 1, &[]);
        self.shift(at, ((to - from) as u16).wrapping_neg());
    }

    /// Takes the elements from `at` on into a chunk of their own.
    pub(super) fn split_off(&mut self, at: usize) -> Chunk {
        let mut tail = self.clone();
        tail.drop_front(at);
        self.drop_back(self.len() - at);
        self.shrink();
        tail.shrink();
        tail
    }

    /// Adds the elements of another chunk, for which there is room, at the end.
    pub(super) fn append(&mut self, other: &Chunk) {
        for at in 0..other.len() {
            self.push_back(other.get(at));
        }
    }

    /// Gives memory back that is kept for growth.
    pub(super) fn shrink(&mut self) {
        self.data.shrink();
        self.starts.shrink();
    }
}
