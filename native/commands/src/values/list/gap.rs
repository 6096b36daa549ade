//! A vector that grows and shrinks cheaply at both ends.

/// Least room, in items, that is made when a buffer is too small.
const MIN_GROWTH: usize = 16;

/// Items with a gap of free places before them, beside the free places that a `Vec` has after them.
#[derive(Debug)]
pub(super) struct GapVec<T> {
    buffer: Vec<T>,
    /// Length of the gap.
    first: usize,
}

impl<T> Default for GapVec<T> {
    fn default() -> GapVec<T> {
        GapVec { buffer: Vec::new(), first: 0 }
    }
}

/// A copy has no free places.
impl<T: Copy> Clone for GapVec<T> {
    fn clone(&self) -> GapVec<T> {
        GapVec { buffer: self.as_slice().to_vec(), first: 0 }
    }
}

impl<T> GapVec<T> {
    /// The items.
    #[inline]
    pub(super) fn as_slice(&self) -> &[T] {
        &self.buffer[self.first..]
    }

    /// The items.
    #[inline]
    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.buffer[self.first..]
    }

    /// Number of items.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.buffer.len() - self.first
    }

    /// Places, free ones included.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.buffer.capacity()
    }

    /// Takes `count` items, which have to be there, from the beginning.
    pub(super) fn drop_front(&mut self, count: usize) {
        self.first += count;
    }

    /// Takes `count` items, which have to be there, from the end.
    pub(super) fn drop_back(&mut self, count: usize) {
        let len = self.buffer.len() - count;
        self.buffer.truncate(len);
    }
}

impl<T: Copy + Default> GapVec<T> {
    /// An empty one with room for `capacity` items at the end.
    pub(super) fn with_capacity(capacity: usize) -> GapVec<T> {
        GapVec { buffer: Vec::with_capacity(capacity), first: 0 }
    }

    /// Appends items.
    #[inline]
    pub(super) fn push_back(&mut self, items: &[T]) {
        if self.buffer.capacity() - self.buffer.len() < items.len() {
            self.make_room_behind(items.len());
        }
        self.buffer.extend_from_slice(items);
    }

    /// Puts items, in their order, before the others.
    #[inline]
    pub(super) fn push_front(&mut self, items: &[T]) {
        if self.first < items.len() {
            self.make_room_before(items.len());
        }
        let end = self.first;
        self.first -= items.len();
        self.buffer[self.first..end].copy_from_slice(items);
    }

    /// Replaces `count` items from `at` on by others.
    pub(super) fn replace(&mut self, at: usize, count: usize, items: &[T]) {
        let at = self.first + at;
        self.buffer.splice(at..at + count, items.iter().copied());
    }

    /// Gives the free places back, unless they are few.
    pub(super) fn shrink(&mut self) {
        let free = self.buffer.capacity() - self.len();
        if free > self.len() / 16 {
            *self = self.clone();
        }
    }

    /// Makes at least `more` places behind the items: of the gap if that is large enough for moves
    /// to be rare, or of new memory.
    fn make_room_behind(&mut self, more: usize) {
        let len = self.len();
        let free = self.buffer.capacity() - len;
        if free >= more && self.first >= len / 2 {
            self.buffer.copy_within(self.first.., 0);
            self.buffer.truncate(len);
        } else {
            let mut larger = Vec::with_capacity(len + growth(len, more));
            larger.extend_from_slice(self.as_slice());
            self.buffer = larger;
        }
        self.first = 0;
    }

    /// Makes at least `more` places before the items; likewise.
    fn make_room_before(&mut self, more: usize) {
        let len = self.len();
        let free = self.buffer.capacity() - len;
        if free >= more && free - self.first >= len / 2 {
            let old = self.buffer.len();
            self.buffer.resize(free + len, T::default());
            self.buffer.copy_within(self.first..old, free);
            self.first = free;
        } else {
            let gap = growth(len, more);
            let mut larger = Vec::with_capacity(gap + len);
            larger.resize(gap, T::default());
            larger.extend_from_slice(self.as_slice());
            (self.buffer, self.first) = (larger, gap);
        }
    }
}

/// Free places to make for `more` items beside `len`: in proportion, so that few are made often.
fn growth(len: usize, more: usize) -> usize {
    more.max(len / 4).max(MIN_GROWTH)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Step {
        Back(Vec<u8>),
        Front(Vec<u8>),
        DropFront(usize),
        DropBack(usize),
        Replace(usize, usize, Vec<u8>),
        Shrink,
        Copy,
    }

    fn step() -> impl Strategy<Value = Step> {
        let items = || prop::collection::vec(any::<u8>(), 0..40);
        prop_oneof![
            items().prop_map(Step::Back),
            items().prop_map(Step::Front),
            (0usize..50).prop_map(Step::DropFront),
            (0usize..50).prop_map(Step::DropBack),
            (0usize..100, 0usize..20, items()).prop_map(|(at, n, new)| Step::Replace(at, n, new)),
            Just(Step::Shrink),
            Just(Step::Copy),
        ]
    }

    proptest! {
        #[test]
        fn behaves_like_a_vector(steps in prop::collection::vec(step(), 0..60)) {
            let (mut gap, mut plain) = (GapVec::default(), Vec::new());
            for step in steps {
                match step {
                    Step::Back(items) => {
                        gap.push_back(&items);
                        plain.extend_from_slice(&items);
                    }
                    Step::Front(items) => {
                        gap.push_front(&items);
                        plain.splice(0..0, items);
                    }
                    Step::DropFront(count) => {
                        let count = count.min(plain.len());
                        gap.drop_front(count);
                        plain.drain(..count);
                    }
                    Step::DropBack(count) => {
                        let count = count.min(plain.len());
                        gap.drop_back(count);
                        plain.truncate(plain.len() - count);
                    }
                    Step::Replace(at, count, items) => {
                        let at = at.min(plain.len());
                        let count = count.min(plain.len() - at);
                        gap.replace(at, count, &items);
                        plain.splice(at..at + count, items);
                    }
                    Step::Shrink => gap.shrink(),
                    Step::Copy => gap = gap.clone(),
                }
                prop_assert_eq!(gap.as_slice(), &plain[..]);
                prop_assert_eq!(gap.len(), plain.len());
            }
        }
    }

    #[test]
    fn a_queue_needs_little_memory_in_either_direction() {
        let (mut forwards, mut backwards) = (GapVec::default(), GapVec::default());
        for number in 0..10_000u32 {
            forwards.push_back(&[number]);
            backwards.push_front(&[number]);
            if number >= 10 {
                forwards.drop_front(1);
                backwards.drop_back(1);
            }
        }
        assert_eq!(forwards.as_slice(), Vec::from_iter(9_990..10_000));
        assert!(forwards.capacity() < 100 && backwards.capacity() < 100);
    }
}
