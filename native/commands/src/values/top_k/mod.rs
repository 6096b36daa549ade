//! Top-K: the heaviest items of a stream, with estimates of how often they were seen.
//!
//! Source: Yang et al., "HeavyKeeper: An Accurate Algorithm for Finding Top-k Elephant Flows" (2019).
//! An item has a cell in each row of a table, which may belong to another item: then that one's count
//! decays, the less likely the higher it is, until the cell is free. The items whose counts are the
//! highest are kept in a heap, the lowest first. Hashes are those of Redis Stack.

mod add;

pub use add::Addition;

use std::sync::Arc;

use ferric_engine::{Image, Malformed, Object};

use super::cells::{self, Cells, Frozen};
use super::murmur::murmur2;
use super::wire::{Reader, bytes_len, put_bytes, put_double, put_number};
use super::{Collection, Kind};

/// Most items that are kept.
pub const MAX_KEPT: u64 = 1 << 16;

/// Most cells of the table.
pub const MAX_CELLS: u64 = 1 << 26;

/// Bytes of a cell: a fingerprint and a count.
const CELL: usize = 8;

/// Seed of an item's fingerprint; those of its cells are the numbers of the rows.
const FINGERPRINT_SEED: u32 = 1919;

/// What a Top-K is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape {
    /// Items that are kept.
    pub kept: u64,
    /// Cells in a row.
    pub width: u64,
    /// Rows.
    pub depth: u64,
    /// Probability that a count of 1 decays when another item wants its cell; that of higher counts
    /// is a power of it.
    pub decay: f64,
}

impl Shape {
    /// Whether it may be so large.
    pub fn is_valid(&self) -> bool {
        (1..=MAX_KEPT).contains(&self.kept)
            && self.decay > 0.0
            && self.decay <= 1.0
            && self.width.checked_mul(self.depth).is_some_and(|n| (1..=MAX_CELLS).contains(&n))
    }

    fn bytes(&self) -> usize {
        (self.width * self.depth) as usize * CELL
    }

    fn read(reader: &mut Reader<'_>) -> Result<Shape, Malformed> {
        let (kept, width, depth) = (reader.number()?, reader.number()?, reader.number()?);
        let shape = Shape { kept, width, depth, decay: reader.double()? };
        if shape.is_valid() { Ok(shape) } else { Err(Malformed) }
    }

    /// The cells of an item.
    fn places(self, item: &[u8]) -> impl Iterator<Item = usize> {
        (0..self.depth).map(move |row| {
            let hash = u64::from(murmur2(item, row as u32));
            (row * self.width + hash % self.width) as usize
        })
    }
}

fn fingerprint(item: &[u8]) -> u32 {
    murmur2(item, FINGERPRINT_SEED)
}

/// A cell of the table.
#[derive(Clone, Copy)]
struct Cell {
    fingerprint: u32,
    count: u32,
}

impl Cell {
    fn read([a, b, c, d, e, f, g, h]: [u8; CELL]) -> Cell {
        Cell {
            fingerprint: u32::from_le_bytes([a, b, c, d]),
            count: u32::from_le_bytes([e, f, g, h]),
        }
    }

    fn bytes(self) -> [u8; CELL] {
        (u64::from(self.count) << 32 | u64::from(self.fingerprint)).to_le_bytes()
    }
}

/// An item that is kept.
#[derive(Clone)]
struct Kept {
    count: u32,
    item: Arc<[u8]>,
}

/// A Top-K.
pub struct TopK {
    shape: Shape,
    table: Cells,
    /// A heap: no count is higher than those at twice its place and one or two.
    kept: Arc<Vec<Kept>>,
}

impl TopK {
    /// One that has seen nothing.
    pub fn new(shape: Shape) -> TopK {
        TopK { shape, table: Cells::new(shape.bytes()), kept: Arc::default() }
    }

    /// Makes one change of a delta.
    fn step(&mut self, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        self.table.apply::<CELL>(reader)?;
        let most = self.shape.kept;
        let kept = Arc::make_mut(&mut self.kept);
        for _ in 0..reader.size()? {
            let place = reader.size()?;
            let new = read_kept(reader)?;
            if place == kept.len() && (place as u64) < most {
                kept.push(new);
            } else {
                *kept.get_mut(place).ok_or(Malformed)? = new;
            }
        }
        Ok(())
    }
}

impl Object for TopK {
    fn apply(&mut self, delta: &[u8]) -> Result<(), Malformed> {
        let mut reader = Reader::new(delta);
        while !reader.is_empty() {
            self.step(&mut reader)?;
        }
        Ok(())
    }

    fn heap_bytes(&self) -> usize {
        let items: usize = self.kept.iter().map(|kept| kept.item.len()).sum();
        self.table.heap_bytes() + self.kept.capacity() * size_of::<Kept>() + items
    }

    fn image_len(&self) -> usize {
        let items: usize = self.kept.iter().map(|kept| bytes_len(&kept.item)).sum();
        self.table.image_len() + size_of::<Shape>() + items
    }

    fn freeze(&self) -> Box<dyn Image> {
        let mut head = Vec::new();
        for number in [self.shape.kept, self.shape.width, self.shape.depth] {
            put_number(&mut head, number);
        }
        put_double(&mut head, self.shape.decay);
        put_number(&mut head, self.kept.len() as u64);
        for Kept { count, item } in self.kept.iter() {
            put_number(&mut head, u64::from(*count));
            put_bytes(&mut head, item);
        }
        Box::new(Frozen::new(head, vec![self.table.clone()]))
    }
}

fn read_kept(reader: &mut Reader<'_>) -> Result<Kept, Malformed> {
    let count = u32::try_from(reader.number()?).map_err(|_| Malformed)?;
    Ok(Kept { count, item: Arc::from(reader.bytes()?) })
}

/// Reads what comes before the table.
fn read_head(reader: &mut Reader<'_>) -> Result<(Shape, Vec<Kept>), Malformed> {
    let shape = Shape::read(reader)?;
    let count = reader.size()?;
    if count as u64 > shape.kept {
        return Err(Malformed);
    }
    let kept: Result<_, _> = (0..count).map(|_| read_kept(reader)).collect();
    Ok((shape, kept?))
}

/// Read access to a Top-K.
#[derive(Clone, Copy)]
pub enum View<'t> {
    /// A structure.
    Object(&'t TopK),
    /// Its image.
    Image(&'t [u8]),
}

/// A Top-K for reading.
pub struct Parts<'t> {
    /// What it is like.
    pub shape: Shape,
    table: cells::View<'t>,
    kept: Arc<Vec<Kept>>,
}

impl<'t> View<'t> {
    /// Its parts.
    ///
    /// # Errors
    /// The image is malformed, which the log's checksums rule out.
    pub fn parts(self) -> Result<Parts<'t>, Malformed> {
        match self {
            View::Object(TopK { shape, table, kept }) => {
                Ok(Parts { shape: *shape, table: table.view(), kept: Arc::clone(kept) })
            }
            View::Image(image) => {
                let mut reader = Reader::new(image);
                let (shape, kept) = read_head(&mut reader)?;
                let table = cells::View::read(shape.bytes(), &mut reader)?;
                Ok(Parts { shape, table, kept: Arc::new(kept) })
            }
        }
    }
}

impl Parts<'_> {
    /// Whether an item is one of the heaviest.
    pub fn contains(&self, item: &[u8]) -> bool {
        self.kept.iter().any(|kept| *kept.item == *item)
    }

    /// An estimate of how often an item was seen.
    pub fn count(&self, item: &[u8]) -> u32 {
        let fingerprint = fingerprint(item);
        // A cell of an item that is kept may have decayed below the lowest of them.
        let least = self.lowest().filter(|_| self.contains(item)).unwrap_or(0);
        let cells = self.shape.places(item).map(|place| Cell::read(self.table.get(place)));
        let own = cells.filter(|cell| cell.fingerprint == fingerprint && cell.count >= least);
        own.map(|cell| cell.count).max().unwrap_or(0)
    }

    /// The lowest count of an item that is kept, when there are as many as there may be.
    fn lowest(&self) -> Option<u32> {
        let is_full = self.kept.len() as u64 == self.shape.kept;
        self.kept.first().filter(|_| is_full).map(|kept| kept.count)
    }

    /// The heaviest items with their counts, the heaviest first.
    pub fn list(&self) -> Vec<(&[u8], u32)> {
        let mut list: Vec<_> = self.kept.iter().map(|kept| (&*kept.item, kept.count)).collect();
        list.retain(|(_, count)| *count > 0);
        list.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        list
    }
}

impl Collection for TopK {
    const KIND: Kind = Kind::TopK;

    type View<'t> = View<'t>;

    fn view(&self) -> View<'_> {
        View::Object(self)
    }

    fn view_image(image: &[u8]) -> View<'_> {
        View::Image(image)
    }

    fn decode(image: &[u8]) -> Result<TopK, Malformed> {
        let mut reader = Reader::new(image);
        let (shape, kept) = read_head(&mut reader)?;
        let table = Cells::read(shape.bytes(), &mut reader)?;
        if reader.is_empty() {
            Ok(TopK { shape, table, kept: Arc::new(kept) })
        } else {
            Err(Malformed)
        }
    }

    fn encoding(_view: View<'_>, _flags: u8) -> &'static str {
        "raw"
    }
}

#[cfg(test)]
mod tests;
