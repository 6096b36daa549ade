//! Scalable Bloom filters: whether an item was probably added before.
//!
//! A filter has layers (Almeida et al., "Scalable Bloom Filters", 2007): when the newest one has as
//! many items as it was made for, another one is added, larger and with half the error rate. Bits
//! are chosen by double hashing (Kirsch and Mitzenmacher, 2006). Sizes, hashes and the order of bits
//! are those of Redis Stack, and so is the form in which BF.SCANDUMP hands a filter out.

pub mod dump;

use std::f64::consts::LN_2;

use ferric_engine::{Image, Malformed, Object};
use smallvec::SmallVec;

use super::cells::{self, Cells, Draft, Frozen};
use super::murmur::murmur64a;
use super::wire::{Reader, put_double, put_number};
use super::{Collection, Kind};

/// Most bytes that the layers of a filter have together.
pub const MAX_BYTES: u64 = 2 << 30;

/// Error rate of a layer, as part of the one before it.
const TIGHTENING: f64 = 0.5;

/// Most bits of an item; the least error rate that a double can have takes fewer.
const MAX_HASHES: u32 = 2048;

/// Seed of an item's first hash, which is that of the second.
const SEED: u64 = 0xc6a4_a793_5bd1_e995;

// What a delta consists of.
const GROW: u8 = 0;
const SET: u8 = 1;
const OVERWRITE: u8 = 2;

/// What a layer is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Layer {
    /// Items that it is made for.
    pub capacity: u64,
    /// Part of the items never added that it takes for added when it has `capacity` items.
    pub error: f64,
    /// Bytes of its bits, a multiple of 8.
    pub bytes: u64,
    /// Bits of an item.
    pub hashes: u32,
    /// Items that were added to it.
    pub items: u64,
}

impl Layer {
    /// An empty layer; `None` if that would be too large.
    fn new(capacity: u64, error: f64) -> Option<Layer> {
        let bits_per_item = bits_per_item(error);
        let bits = capacity as f64 * bits_per_item;
        // So that the conversion to an integer below is exact enough.
        if bits >= (MAX_BYTES * 8) as f64 {
            return None;
        }
        let bytes = (bits as u64).max(1).div_ceil(64) * 8;
        let hashes = (LN_2 * bits_per_item).ceil() as u32;
        Some(Layer { capacity, error, bytes, hashes: hashes.max(1), items: 0 })
    }

    fn read(reader: &mut Reader<'_>) -> Result<Layer, Malformed> {
        let (capacity, error, bytes) = (reader.number()?, reader.double()?, reader.number()?);
        let hashes = u32::try_from(reader.number()?).map_err(|_| Malformed)?;
        let layer = Layer { capacity, error, bytes, hashes, items: reader.number()? };
        if layer.is_valid() { Ok(layer) } else { Err(Malformed) }
    }

    fn is_valid(&self) -> bool {
        self.items <= self.capacity
            && self.capacity > 0
            && self.error > 0.0
            && self.error < 1.0
            && (8..=MAX_BYTES).contains(&self.bytes)
            && self.bytes.is_multiple_of(8)
            && (1..=MAX_HASHES).contains(&self.hashes)
    }

    fn put(&self, out: &mut Vec<u8>) {
        put_number(out, self.capacity);
        put_double(out, self.error);
        put_number(out, self.bytes);
        put_number(out, u64::from(self.hashes));
        put_number(out, self.items);
    }

    /// The bits of an item.
    fn bits(&self, hash: Hash) -> impl Iterator<Item = u64> {
        let bits = self.bytes * 8;
        (0..u64::from(self.hashes))
            .map(move |number| hash.0.wrapping_add(number.wrapping_mul(hash.1)) % bits)
    }
}

fn bits_per_item(error: f64) -> f64 {
    -error.ln() / (LN_2 * LN_2)
}

/// The byte of a bit, and the bit in it.
fn place(bit: u64) -> (usize, u8) {
    ((bit / 8) as usize, 1 << (bit % 8))
}

/// Two hashes of an item.
#[derive(Clone, Copy)]
struct Hash(u64, u64);

impl Hash {
    fn new(item: &[u8]) -> Hash {
        let first = murmur64a(item, SEED);
        Hash(first, murmur64a(item, first))
    }
}

/// A Bloom filter.
pub struct Bloom {
    growth: u32,
    layers: Vec<(Layer, Cells)>,
}

impl Bloom {
    /// An empty filter for `capacity` items. Each further layer has `growth` times as many; 0 for no
    /// further ones. `None` if that would be too large.
    pub fn new(capacity: u64, error: f64, growth: u32) -> Option<Bloom> {
        let first = if growth == 0 { error } else { error * TIGHTENING };
        let layer = Layer::new(capacity, first)?;
        Some(Bloom { growth, layers: vec![(layer, Cells::new(layer.bytes as usize))] })
    }

    fn bytes(&self) -> u64 {
        self.layers.iter().map(|(layer, _)| layer.bytes).sum()
    }

    fn push(&mut self, layer: Layer) -> Result<(), Malformed> {
        if self.bytes() + layer.bytes > MAX_BYTES {
            return Err(Malformed);
        }
        self.layers.push((layer, Cells::new(layer.bytes as usize)));
        Ok(())
    }

    fn head(&self) -> Vec<u8> {
        let mut head = Vec::new();
        put_number(&mut head, u64::from(self.growth));
        put_number(&mut head, self.layers.len() as u64);
        self.layers.iter().for_each(|(layer, _)| layer.put(&mut head));
        head
    }

    fn step(&mut self, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        match reader.byte()? {
            GROW => {
                let (capacity, error) = (reader.number()?, reader.double()?);
                let layer = Layer::new(capacity, error).filter(Layer::is_valid).ok_or(Malformed)?;
                self.push(layer)
            }
            SET => {
                let (layer, cells) = self.layers.last_mut().ok_or(Malformed)?;
                layer.items = reader.number()?;
                if layer.is_valid() { cells.apply::<1>(reader) } else { Err(Malformed) }
            }
            OVERWRITE => {
                let (number, at) = (reader.size()?, reader.size()?);
                let (_, cells) = self.layers.get_mut(number).ok_or(Malformed)?;
                if cells.overwrite(at, reader.bytes()?) { Ok(()) } else { Err(Malformed) }
            }
            _ => Err(Malformed),
        }
    }
}

impl Object for Bloom {
    fn apply(&mut self, delta: &[u8]) -> Result<(), Malformed> {
        let mut reader = Reader::new(delta);
        while !reader.is_empty() {
            self.step(&mut reader)?;
        }
        Ok(())
    }

    fn heap_bytes(&self) -> usize {
        let cells: usize = self.layers.iter().map(|(_, cells)| cells.heap_bytes()).sum();
        cells + self.layers.capacity() * size_of::<(Layer, Cells)>()
    }

    fn image_len(&self) -> usize {
        self.layers.iter().map(|(_, cells)| cells.image_len() + size_of::<Layer>()).sum()
    }

    fn freeze(&self) -> Box<dyn Image> {
        let cells = self.layers.iter().map(|(_, cells)| cells.clone()).collect();
        Box::new(Frozen::new(self.head(), cells))
    }
}

/// What the head of an image says.
fn read_head(reader: &mut Reader<'_>) -> Result<(u32, SmallVec<[Layer; 4]>), Malformed> {
    let growth = u32::try_from(reader.number()?).map_err(|_| Malformed)?;
    let (mut layers, mut bytes) = (SmallVec::new(), 0);
    for _ in 0..reader.size()? {
        let layer = Layer::read(reader)?;
        bytes += layer.bytes;
        if bytes > MAX_BYTES {
            return Err(Malformed);
        }
        layers.push(layer);
    }
    if layers.is_empty() { Err(Malformed) } else { Ok((growth, layers)) }
}

/// Read access to a filter.
#[derive(Clone, Copy)]
pub enum View<'b> {
    /// A structure.
    Object(&'b Bloom),
    /// Its image.
    Image(&'b [u8]),
}

/// Layers for reading.
type Layers<'b> = SmallVec<[(Layer, cells::View<'b>); 4]>;

impl<'b> View<'b> {
    /// Factor between layers, 0 if there is one only; and the layers. Nothing for a malformed image,
    /// which the log's checksums rule out.
    fn parts(self) -> (u32, Layers<'b>) {
        match self {
            View::Object(bloom) => {
                let layers = bloom.layers.iter();
                (bloom.growth, layers.map(|(layer, cells)| (*layer, cells.view())).collect())
            }
            View::Image(image) => View::parts_of_image(image).unwrap_or_default(),
        }
    }

    fn parts_of_image(image: &'b [u8]) -> Result<(u32, Layers<'b>), Malformed> {
        let mut reader = Reader::new(image);
        let (growth, layers) = read_head(&mut reader)?;
        let layers: Result<_, Malformed> = layers
            .into_iter()
            .map(|layer| Ok((layer, cells::View::read(layer.bytes as usize, &mut reader)?)))
            .collect();
        Ok((growth, layers?))
    }

    /// Factor between the capacities of layers, 0 if there is one only.
    pub fn growth(self) -> u32 {
        self.parts().0
    }

    /// What the layers are like.
    pub fn layers(self) -> SmallVec<[Layer; 4]> {
        self.parts().1.iter().map(|(layer, _)| *layer).collect()
    }

    /// Whether each of some items was probably added.
    pub fn contains<'i>(self, items: impl Iterator<Item = &'i [u8]>) -> impl Iterator<Item = bool> {
        let (_, layers) = self.parts();
        items.map(move |item| {
            let hash = Hash::new(item);
            layers.iter().rev().any(|(layer, cells)| {
                layer.bits(hash).map(place).all(|(at, bit)| cells.get::<1>(at)[0] & bit != 0)
            })
        })
    }
}

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It is in the filter now.
    New,
    /// It was probably in the filter before.
    Known,
    /// The filter is full and does not grow.
    Full,
    /// The filter is as large as a filter may be.
    TooLarge,
}

/// Items being added to a filter.
pub struct Addition<'b> {
    growth: u32,
    layers: SmallVec<[NewLayer<'b>; 4]>,
}

struct NewLayer<'b> {
    layer: Layer,
    draft: Draft<'b, 1>,
    is_new: bool,
}

impl<'b> Addition<'b> {
    /// Adds to this filter.
    pub fn new(view: View<'b>) -> Addition<'b> {
        let (growth, layers) = view.parts();
        let layers = layers
            .into_iter()
            .map(|(layer, cells)| NewLayer { layer, draft: Draft::new(cells), is_new: false })
            .collect();
        Addition { growth, layers }
    }

    /// Adds an item.
    pub fn add(&mut self, item: &[u8]) -> Added {
        let hash = Hash::new(item);
        let known = self.layers.iter().rev().any(|NewLayer { layer, draft, .. }| {
            layer.bits(hash).map(place).all(|(at, bit)| draft.get(at)[0] & bit != 0)
        });
        if known {
            return Added::Known;
        }
        if self.layers.last().is_none_or(|last| last.layer.items >= last.layer.capacity) {
            if self.growth == 0 {
                return Added::Full;
            }
            if self.grow().is_none() {
                return Added::TooLarge;
            }
        }
        let Some(NewLayer { layer, draft, .. }) = self.layers.last_mut() else {
            return Added::Full;
        };
        for (at, bit) in layer.bits(hash).map(place) {
            draft.set(at, [draft.get(at)[0] | bit]);
        }
        layer.items += 1;
        Added::New
    }

    fn grow(&mut self) -> Option<()> {
        let last = self.layers.last()?.layer;
        let capacity = last.capacity.checked_mul(u64::from(self.growth))?;
        let layer = Layer::new(capacity, last.error * TIGHTENING).filter(Layer::is_valid)?;
        let bytes: u64 = self.layers.iter().map(|other| other.layer.bytes).sum();
        if bytes + layer.bytes > MAX_BYTES {
            return None;
        }
        let draft = Draft::new(cells::View::zeros(layer.bytes as usize));
        self.layers.push(NewLayer { layer, draft, is_new: true });
        Some(())
    }

    /// The delta; `None` if nothing has changed.
    pub fn into_delta(self) -> Option<Vec<u8>> {
        let mut delta = Vec::new();
        for NewLayer { layer, draft, is_new } in &self.layers {
            if *is_new {
                delta.push(GROW);
                put_number(&mut delta, layer.capacity);
                put_double(&mut delta, layer.error);
            }
            if !draft.is_empty() {
                delta.push(SET);
                put_number(&mut delta, layer.items);
                draft.put(&mut delta);
            }
        }
        (!delta.is_empty()).then_some(delta)
    }
}

impl Collection for Bloom {
    const KIND: Kind = Kind::Bloom;

    type View<'b> = View<'b>;

    fn view(&self) -> View<'_> {
        View::Object(self)
    }

    fn view_image(image: &[u8]) -> View<'_> {
        View::Image(image)
    }

    fn decode(image: &[u8]) -> Result<Bloom, Malformed> {
        let mut reader = Reader::new(image);
        let (growth, layers) = read_head(&mut reader)?;
        let layers: Result<Vec<_>, Malformed> = layers
            .into_iter()
            .map(|layer| Ok((layer, Cells::read(layer.bytes as usize, &mut reader)?)))
            .collect();
        if reader.is_empty() { Ok(Bloom { growth, layers: layers? }) } else { Err(Malformed) }
    }

    fn encoding(_view: View<'_>, _flags: u8) -> &'static str {
        "raw"
    }
}

#[cfg(test)]
mod tests;
