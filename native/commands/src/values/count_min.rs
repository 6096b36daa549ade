//! Count-min sketches: how often items were seen, or more.
//!
//! Source: Cormode and Muthukrishnan, "An improved data stream summary: the count-min sketch and its
//! applications" (2005). An item has a counter in each row; those of other items may be the same, so
//! the smallest is the best estimate. Hashes are those of Redis Stack.

use ferric_engine::{Image, Malformed, Object};

use super::cells::{self, Cells, Draft, Frozen};
use super::murmur::murmur2;
use super::wire::{Reader, put_number, put_signed};
use super::{Collection, Kind};

/// Most counters of a sketch.
pub const MAX_COUNTERS: u64 = 1 << 27;

/// Bytes of a counter.
const COUNTER: usize = size_of::<u32>();

/// A sketch's size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Counters in a row.
    pub width: u64,
    /// Rows.
    pub depth: u64,
}

impl Shape {
    /// A size; `None` if it is none, or too large.
    pub fn new(width: u64, depth: u64) -> Option<Shape> {
        let shape = Shape { width, depth };
        (1..=MAX_COUNTERS).contains(&width.checked_mul(depth)?).then_some(shape)
    }

    /// The size for which counts are too high by more than `error` times the sum of all with a
    /// probability of `probability` at most. `None` as for [`Shape::new`].
    pub fn for_error(error: f64, probability: f64) -> Option<Shape> {
        let width = (2.0 / error).ceil();
        let depth = (f64::from((probability as f32).log10()) / f64::from(0.5f32.log10())).ceil();
        // What does not fit becomes too large.
        Shape::new(width as u64, depth as u64)
    }

    /// Number of counters.
    pub fn counters(self) -> usize {
        (self.width * self.depth) as usize
    }

    fn read(reader: &mut Reader<'_>) -> Result<Shape, Malformed> {
        Shape::new(reader.number()?, reader.number()?).ok_or(Malformed)
    }

    /// The counters of an item.
    fn places(self, item: &[u8]) -> impl Iterator<Item = usize> {
        (0..self.depth).map(move |row| {
            let hash = u64::from(murmur2(item, row as u32));
            (row * self.width + hash % self.width) as usize
        })
    }
}

/// A count-min sketch.
pub struct CountMin {
    shape: Shape,
    /// Sum of all increments.
    total: i64,
    counters: Cells,
}

impl CountMin {
    /// One that has seen nothing.
    pub fn new(shape: Shape) -> CountMin {
        CountMin { shape, total: 0, counters: Cells::new(shape.counters() * COUNTER) }
    }

    /// One with these counters, row after row.
    pub fn with_counters(shape: Shape, total: i64, values: impl Iterator<Item = u32>) -> CountMin {
        let mut sketch = CountMin { total, ..CountMin::new(shape) };
        for (place, value) in values.take(shape.counters()).enumerate().filter(|(_, v)| *v != 0) {
            sketch.counters.set(place, value.to_le_bytes());
        }
        sketch
    }
}

impl Object for CountMin {
    fn apply(&mut self, delta: &[u8]) -> Result<(), Malformed> {
        let mut reader = Reader::new(delta);
        while !reader.is_empty() {
            self.total = reader.signed()?;
            self.counters.apply::<COUNTER>(&mut reader)?;
        }
        Ok(())
    }

    fn heap_bytes(&self) -> usize {
        self.counters.heap_bytes()
    }

    fn image_len(&self) -> usize {
        self.counters.image_len() + size_of::<CountMin>()
    }

    fn freeze(&self) -> Box<dyn Image> {
        let mut head = Vec::new();
        put_number(&mut head, self.shape.width);
        put_number(&mut head, self.shape.depth);
        put_signed(&mut head, self.total);
        Box::new(Frozen::new(head, vec![self.counters.clone()]))
    }
}

/// Read access to a sketch, or to its image.
#[derive(Clone, Copy)]
pub struct View<'s> {
    /// Its size.
    pub shape: Shape,
    /// Sum of all increments.
    pub total: i64,
    counters: cells::View<'s>,
}

impl<'s> View<'s> {
    fn read(image: &'s [u8]) -> Result<View<'s>, Malformed> {
        let mut reader = Reader::new(image);
        let (shape, total) = (Shape::read(&mut reader)?, reader.signed()?);
        let counters = cells::View::read(shape.counters() * COUNTER, &mut reader)?;
        Ok(View { shape, total, counters })
    }

    /// How often an item was seen, or more.
    pub fn count(self, item: &[u8]) -> u32 {
        let counters = self.shape.places(item).map(|place| self.counters.get(place));
        counters.map(u32::from_le_bytes).min().unwrap_or(0)
    }

    /// All counters, row after row.
    pub fn counters(self) -> impl Iterator<Item = u32> {
        (0..self.shape.counters()).map(move |place| u32::from_le_bytes(self.counters.get(place)))
    }
}

/// Increments being made.
pub struct Increments<'s> {
    shape: Shape,
    total: i64,
    draft: Draft<'s, COUNTER>,
}

impl<'s> Increments<'s> {
    /// Increments of this sketch.
    pub fn new(view: View<'s>) -> Increments<'s> {
        Increments { shape: view.shape, total: view.total, draft: Draft::new(view.counters) }
    }

    /// Counts an item `by` times; its count from now on, or `None` if that is no longer known
    /// because all its counters have reached their end.
    pub fn add(&mut self, item: &[u8], by: u64) -> Option<u32> {
        let by = u32::try_from(by).unwrap_or(u32::MAX);
        let mut least = u32::MAX;
        for place in self.shape.places(item) {
            let counter = u32::from_le_bytes(self.draft.get(place)).saturating_add(by);
            self.draft.set(place, counter.to_le_bytes());
            least = least.min(counter);
        }
        self.total = self.total.wrapping_add(i64::from(by));
        (least != u32::MAX).then_some(least)
    }

    /// The delta.
    pub fn into_delta(self) -> Vec<u8> {
        let mut delta = Vec::new();
        put_signed(&mut delta, self.total);
        self.draft.put(&mut delta);
        delta
    }
}

impl Collection for CountMin {
    const KIND: Kind = Kind::CountMin;

    type View<'s> = View<'s>;

    fn view(&self) -> View<'_> {
        View { shape: self.shape, total: self.total, counters: self.counters.view() }
    }

    fn view_image(image: &[u8]) -> View<'_> {
        // Of an image that is malformed, which the log's checksums rule out, a sketch that has seen
        // nothing is left.
        let empty = Shape { width: 1, depth: 1 };
        let nothing = View { shape: empty, total: 0, counters: cells::View::zeros(COUNTER) };
        View::read(image).unwrap_or(nothing)
    }

    fn decode(image: &[u8]) -> Result<CountMin, Malformed> {
        let mut reader = Reader::new(image);
        let (shape, total) = (Shape::read(&mut reader)?, reader.signed()?);
        let counters = Cells::read(shape.counters() * COUNTER, &mut reader)?;
        if reader.is_empty() { Ok(CountMin { shape, total, counters }) } else { Err(Malformed) }
    }

    fn encoding(_view: View<'_>, _flags: u8) -> &'static str {
        "raw"
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn add(sketch: &mut CountMin, items: &[(String, u64)]) -> Vec<Option<u32>> {
        let mut increments = Increments::new(sketch.view());
        let counts = items.iter().map(|(item, by)| increments.add(item.as_bytes(), *by)).collect();
        let delta = increments.into_delta();
        sketch.apply(&delta).expect("a delta of its own");
        counts
    }

    #[test]
    fn sizes() {
        let size = |error, probability| {
            Shape::for_error(error, probability).map(|shape| (shape.width, shape.depth))
        };
        assert_eq!(size(0.001, 0.01), Some((2000, 7)));
        assert_eq!(size(0.1, 0.1), Some((20, 4)));
        assert_eq!(size(1e-19, 0.9), None);
        assert_eq!(Shape::new(1 << 33, 1 << 33), None);
        assert_eq!(Shape::new(0, 5), None);
    }

    #[test]
    fn counters_have_an_end() {
        let mut sketch = CountMin::new(Shape::new(5, 2).expect("a size"));
        let item = |by| [("a".to_owned(), by)];
        assert_eq!(add(&mut sketch, &item(u64::from(u32::MAX) - 1)), [Some(u32::MAX - 1)]);
        assert_eq!(add(&mut sketch, &item(5)), [None]);
        assert_eq!(sketch.view().count(b"a"), u32::MAX);
        assert_eq!(add(&mut sketch, &item(u64::MAX)), [None]);
    }

    #[test]
    fn errors_stay_within_bounds() {
        let (error, probability) = (0.001, 0.01);
        let mut sketch = CountMin::new(Shape::for_error(error, probability).expect("a size"));
        let items: Vec<_> = (0..20_000u64).map(|n| (n.to_string(), n % 50)).collect();
        for batch in items.chunks(100) {
            add(&mut sketch, batch);
        }
        let limit = error * sketch.view().total as f64;
        let over = items.iter().filter(|(item, count)| {
            let found = u64::from(sketch.view().count(item.as_bytes()));
            assert!(found >= *count, "never too low");
            (found - count) as f64 > limit
        });
        assert!((over.count() as f64) < probability * items.len() as f64);
    }

    proptest! {
        #[test]
        fn never_too_low(width in 1u64..3000, depth in 1u64..6, steps in prop::collection::vec((0u8..60, 0u64..1000), 0..100)) {
            let mut sketch = CountMin::new(Shape::new(width, depth).expect("a size"));
            let mut model: HashMap<String, u64> = HashMap::new();
            for batch in steps.chunks(9) {
                let items: Vec<_> = batch.iter().map(|(n, by)| (n.to_string(), *by)).collect();
                let packed = sketch.encode();
                let mut increments = Increments::new(CountMin::view_image(&packed));
                let counts: Vec<_> = items.iter().map(|(item, by)| increments.add(item.as_bytes(), *by)).collect();
                let delta = increments.into_delta();
                prop_assert_eq!(add(&mut sketch, &items), counts);
                let mut other = CountMin::decode(&packed).expect("its own image");
                other.apply(&delta).expect("a delta of its own");
                prop_assert_eq!(other.encode(), sketch.encode());
                for (item, by) in items {
                    *model.entry(item).or_default() += by;
                }
            }
            for (item, count) in &model {
                prop_assert!(u64::from(sketch.view().count(item.as_bytes())) >= *count);
            }
            prop_assert_eq!(sketch.total as u64, model.values().sum::<u64>());
            let copy = CountMin::with_counters(sketch.shape, sketch.total, sketch.view().counters());
            prop_assert_eq!(copy.encode(), sketch.encode());
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = CountMin::decode(&bytes);
            let _ = CountMin::view_image(&bytes).count(b"x");
            let _ = CountMin::new(Shape::new(5, 2).expect("a size")).apply(&bytes);
        }
    }
}
