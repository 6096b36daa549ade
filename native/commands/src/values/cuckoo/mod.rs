//! Cuckoo filters: whether an item was probably added, with deletion and counts.
//!
//! Source: Fan et al., "Cuckoo Filter: Practically Better Than Bloom" (2014). A one-byte fingerprint
//! of an item is in one of two buckets, each of which can be told from the other and the
//! fingerprint. When there is no room, fingerprints are moved about; when that does not help, a
//! further layer is added. Sizes, hashes and the way of moving are those of Redis Stack, and so is
//! the form in which CF.SCANDUMP hands a filter out.

pub mod dump;
mod edit;

pub use edit::{Edit, Inserted};

use ferric_engine::{Image, Malformed, Object};
use smallvec::SmallVec;

use super::cells::{self, Cells, Frozen};
use super::murmur::murmur64a;
use super::wire::{Reader, put_number};
use super::{Collection, Kind};

/// Most bytes that the layers of a filter have together.
pub const MAX_BYTES: u64 = 2 << 30;

/// Most layers of a filter.
pub const MAX_LAYERS: usize = 32;

// What a delta consists of.
const GROW: u8 = 0;
const SET: u8 = 1;
const COUNTS: u8 = 2;
const OVERWRITE: u8 = 3;
const SHRINK: u8 = 4;

/// What a filter is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Buckets of the first layer, a power of two.
    pub buckets: u64,
    /// Fingerprints in a bucket.
    pub bucket_size: u8,
    /// How often fingerprints are moved to make room for another.
    pub max_iterations: u16,
    /// Factor between the buckets of one layer and the next, a power of two; 0: there is one layer.
    pub expansion: u16,
}

impl Shape {
    /// The shape for `capacity` fingerprints; `None` if that would be too large.
    pub fn new(
        capacity: u64,
        bucket_size: u8,
        max_iterations: u16,
        expansion: u16,
    ) -> Option<Shape> {
        let buckets = (capacity / u64::from(bucket_size)).max(1).checked_next_power_of_two()?;
        let expansion = if expansion == 0 { 0 } else { expansion.checked_next_power_of_two()? };
        let shape = Shape { buckets, bucket_size, max_iterations, expansion };
        shape.is_valid().then_some(shape)
    }

    fn is_valid(&self) -> bool {
        self.buckets.is_power_of_two()
            && self.bucket_size > 0
            && self.max_iterations > 0
            && (self.expansion == 0 || self.expansion.is_power_of_two())
            && self.layer_bytes(0).is_some_and(|bytes| bytes <= MAX_BYTES)
    }

    /// Buckets of a layer.
    fn layer_buckets(&self, layer: usize) -> Option<u64> {
        let factor = u64::from(self.expansion).checked_pow(layer as u32)?;
        self.buckets.checked_mul(factor).filter(|buckets| *buckets > 0)
    }

    fn layer_bytes(&self, layer: usize) -> Option<u64> {
        self.layer_buckets(layer)?.checked_mul(u64::from(self.bucket_size))
    }

    /// Bytes of the first layers; `None` if they may not be so many.
    fn bytes_of(&self, layers: usize) -> Option<u64> {
        if layers > MAX_LAYERS {
            return None;
        }
        let sum =
            (0..layers).try_fold(0u64, |sum, layer| sum.checked_add(self.layer_bytes(layer)?));
        sum.filter(|bytes| *bytes <= MAX_BYTES)
    }
}

/// The fingerprint of an item, and the numbers that its buckets are the remainders of.
#[derive(Clone, Copy)]
struct Print {
    print: u8,
    homes: [u64; 2],
}

impl Print {
    fn new(item: &[u8]) -> Print {
        let hash = murmur64a(item, 0);
        let print = (hash % 255 + 1) as u8;
        Print { print, homes: [hash, other_home(print, hash)] }
    }
}

/// The other of the two buckets of a fingerprint.
fn other_home(print: u8, home: u64) -> u64 {
    home ^ (u64::from(print) * 0x5bd1_e995)
}

/// The cells of a bucket.
fn bucket(home: u64, buckets: u64, bucket_size: u8) -> std::ops::Range<usize> {
    let start = (home % buckets) as usize * usize::from(bucket_size);
    start..start + usize::from(bucket_size)
}

/// A cuckoo filter.
pub struct Cuckoo {
    shape: Shape,
    items: u64,
    deletes: u64,
    layers: Vec<Cells>,
}

impl Cuckoo {
    /// An empty filter.
    pub fn new(shape: Shape) -> Cuckoo {
        let first = Cells::new(shape.layer_bytes(0).unwrap_or(0) as usize);
        Cuckoo { shape, items: 0, deletes: 0, layers: vec![first] }
    }

    fn grow(&mut self) -> Result<(), Malformed> {
        let number = self.layers.len();
        self.shape.bytes_of(number + 1).ok_or(Malformed)?;
        self.layers.push(Cells::new(self.shape.layer_bytes(number).ok_or(Malformed)? as usize));
        Ok(())
    }

    fn head(&self) -> Vec<u8> {
        let Shape { buckets, bucket_size, max_iterations, expansion } = self.shape;
        let mut head = Vec::new();
        for number in [
            buckets,
            bucket_size.into(),
            max_iterations.into(),
            expansion.into(),
            self.items,
            self.deletes,
            self.layers.len() as u64,
        ] {
            put_number(&mut head, number);
        }
        head
    }

    fn step(&mut self, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        match reader.byte()? {
            GROW => self.grow(),
            SET => self.layers.get_mut(reader.size()?).ok_or(Malformed)?.apply::<1>(reader),
            COUNTS => {
                (self.items, self.deletes) = (reader.number()?, reader.number()?);
                Ok(())
            }
            OVERWRITE => {
                let (number, at) = (reader.size()?, reader.size()?);
                let cells = self.layers.get_mut(number).ok_or(Malformed)?;
                if cells.overwrite(at, reader.bytes()?) { Ok(()) } else { Err(Malformed) }
            }
            SHRINK if self.layers.len() > 1 => {
                self.layers.pop();
                Ok(())
            }
            _ => Err(Malformed),
        }
    }
}

impl Object for Cuckoo {
    fn apply(&mut self, delta: &[u8]) -> Result<(), Malformed> {
        let mut reader = Reader::new(delta);
        while !reader.is_empty() {
            self.step(&mut reader)?;
        }
        Ok(())
    }

    fn heap_bytes(&self) -> usize {
        self.layers.iter().map(|cells| cells.heap_bytes() + size_of::<Cells>()).sum()
    }

    fn image_len(&self) -> usize {
        self.layers.iter().map(Cells::image_len).sum::<usize>() + size_of::<Shape>()
    }

    fn freeze(&self) -> Box<dyn Image> {
        Box::new(Frozen::new(self.head(), self.layers.clone()))
    }
}

/// What the head of an image says.
struct Head {
    shape: Shape,
    items: u64,
    deletes: u64,
    layers: usize,
}

impl Head {
    fn read(reader: &mut Reader<'_>) -> Result<Head, Malformed> {
        let buckets = reader.number()?;
        let bucket_size = u8::try_from(reader.number()?).map_err(|_| Malformed)?;
        let max_iterations = u16::try_from(reader.number()?).map_err(|_| Malformed)?;
        let expansion = u16::try_from(reader.number()?).map_err(|_| Malformed)?;
        let shape = Shape { buckets, bucket_size, max_iterations, expansion };
        let (items, deletes, layers) = (reader.number()?, reader.number()?, reader.size()?);
        if !shape.is_valid() || layers == 0 || shape.bytes_of(layers).is_none() {
            return Err(Malformed);
        }
        Ok(Head { shape, items, deletes, layers })
    }

    /// Lengths of the layers, in bytes.
    fn lengths(&self) -> impl Iterator<Item = usize> {
        let shape = self.shape;
        (0..self.layers).map(move |layer| shape.layer_bytes(layer).unwrap_or(0) as usize)
    }
}

/// Read access to a filter.
#[derive(Clone, Copy)]
pub enum View<'c> {
    /// A structure.
    Object(&'c Cuckoo),
    /// Its image.
    Image(&'c [u8]),
}

/// A filter for reading.
pub struct Parts<'c> {
    /// What it is like.
    pub shape: Shape,
    /// Fingerprints in it.
    pub items: u64,
    /// Fingerprints that were deleted since it was made compact.
    pub deletes: u64,
    layers: SmallVec<[cells::View<'c>; 4]>,
}

impl<'c> View<'c> {
    /// Its parts.
    ///
    /// # Errors
    /// The image is malformed, which the log's checksums rule out.
    pub fn parts(self) -> Result<Parts<'c>, Malformed> {
        match self {
            View::Object(Cuckoo { shape, items, deletes, layers }) => {
                let layers = layers.iter().map(Cells::view).collect();
                Ok(Parts { shape: *shape, items: *items, deletes: *deletes, layers })
            }
            View::Image(image) => {
                let mut reader = Reader::new(image);
                let head = Head::read(&mut reader)?;
                let layers: Result<_, Malformed> =
                    head.lengths().map(|len| cells::View::read(len, &mut reader)).collect();
                let Head { shape, items, deletes, .. } = head;
                Ok(Parts { shape, items, deletes, layers: layers? })
            }
        }
    }
}

impl Parts<'_> {
    /// Number of layers.
    pub fn layers(&self) -> usize {
        self.layers.len()
    }

    /// Bytes of all layers.
    pub fn bytes(&self) -> u64 {
        self.layers.iter().map(|layer| layer.len() as u64).sum()
    }

    /// How often an item is probably in the filter.
    pub fn count(&self, item: &[u8]) -> u64 {
        let Print { print, homes } = Print::new(item);
        let size = self.shape.bucket_size;
        let count_in = |cells: &cells::View<'_>| {
            let buckets = cells.len() as u64 / u64::from(size);
            let [one, other] = homes.map(|home| bucket(home, buckets, size));
            let twin = (one != other).then_some(other);
            let places = one.chain(twin.into_iter().flatten());
            places.filter(|&at| cells.get::<1>(at) == [print]).count() as u64
        };
        self.layers.iter().map(count_in).sum()
    }

    /// Whether an item is probably in the filter.
    pub fn contains(&self, item: &[u8]) -> bool {
        self.count(item) > 0
    }
}

impl Collection for Cuckoo {
    const KIND: Kind = Kind::Cuckoo;

    type View<'c> = View<'c>;

    fn view(&self) -> View<'_> {
        View::Object(self)
    }

    fn view_image(image: &[u8]) -> View<'_> {
        View::Image(image)
    }

    fn decode(image: &[u8]) -> Result<Cuckoo, Malformed> {
        let mut reader = Reader::new(image);
        let head = Head::read(&mut reader)?;
        let layers: Result<Vec<_>, Malformed> =
            head.lengths().map(|len| Cells::read(len, &mut reader)).collect();
        let Head { shape, items, deletes, .. } = head;
        if !reader.is_empty() {
            return Err(Malformed);
        }
        Ok(Cuckoo { shape, items, deletes, layers: layers? })
    }

    fn encoding(_view: View<'_>, _flags: u8) -> &'static str {
        "raw"
    }
}

#[cfg(test)]
mod tests;
