//! A filter in pieces, as BF.SCANDUMP hands it out: a header, then parts of the layers' bytes,
//! each with the position behind it (counted from 1 over all layers).
//!
//! Header, little-endian: items (8) · layers (4) · options (4) · growth (4) · for each layer:
//! bytes (8), bits (8), items (8), error (8), bits per item (8), hashes (4), capacity (8) and the
//! logarithm of bits if that is a power of two by design (1; here it never is).

use smallvec::SmallVec;

use super::{Bloom, Layer, OVERWRITE, View, bits_per_item};
use crate::values::wire::{put_bytes, put_number};

/// Longest part, in bytes.
const MAX_PART: u64 = 1 << 20;

const HEAD: usize = 20;
const LAYER: usize = 53;

/// Sizes are not rounded to powers of two; hashes have 64 bits; there are no further layers.
const NO_ROUNDING: u32 = 1;
const WIDE: u32 = 4;
const FIXED: u32 = 8;

/// The header of a filter.
pub fn header(view: View<'_>) -> Vec<u8> {
    let (growth, layers) = (view.growth(), view.layers());
    let mut out = Vec::with_capacity(HEAD + LAYER * layers.len());
    let items: u64 = layers.iter().map(|layer| layer.items).sum();
    let options = NO_ROUNDING | WIDE | if growth == 0 { FIXED } else { 0 };
    out.extend_from_slice(&items.to_le_bytes());
    out.extend_from_slice(&(layers.len() as u32).to_le_bytes());
    out.extend_from_slice(&options.to_le_bytes());
    out.extend_from_slice(&growth.to_le_bytes());
    for layer in &layers {
        for number in [layer.bytes, layer.bytes * 8, layer.items] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&layer.error.to_le_bytes());
        out.extend_from_slice(&bits_per_item(layer.error).to_le_bytes());
        out.extend_from_slice(&layer.hashes.to_le_bytes());
        out.extend_from_slice(&layer.capacity.to_le_bytes());
        out.push(0);
    }
    out
}

/// The filter of a header, its bits all 0; `None` if it is not one that [`header`] can have made.
pub fn from_header(header: &[u8]) -> Option<Bloom> {
    let (head, layers) = header.split_at_checked(HEAD)?;
    let (layers, rest) = layers.as_chunks::<LAYER>();
    let number = |at| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (count, options) = (number(8), number(12));
    let growth = if options & FIXED == 0 { number(16) } else { 0 };
    let known = options & !FIXED == NO_ROUNDING | WIDE;
    let scales = growth > 0 || options & FIXED != 0;
    if !rest.is_empty() || layers.is_empty() || layers.len() != count as usize {
        return None;
    }
    if !known || !scales {
        return None;
    }
    let mut bloom = Bloom { growth, layers: Vec::with_capacity(layers.len()) };
    for layer in layers {
        bloom.push(layer_of(layer)?).ok()?;
    }
    Some(bloom)
}

fn layer_of(bytes: &[u8; LAYER]) -> Option<Layer> {
    let word =
        |at: usize| -> Option<u64> { Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?)) };
    let hashes = u32::from_le_bytes(*bytes.get(40..)?.first_chunk()?);
    let layer = Layer {
        capacity: word(44)?,
        error: f64::from_bits(word(24)?),
        bytes: word(0)?,
        hashes,
        items: word(16)?,
    };
    let bits = layer.bytes.checked_mul(8)?;
    (layer.is_valid() && word(8)? == bits && bytes[LAYER - 1] == 0).then_some(layer)
}

/// The layer and the byte in it of a position from 0 on, and how many bytes there are from there.
fn locate(layers: &[Layer], mut at: u64) -> Option<(usize, u64, u64)> {
    for (number, layer) in layers.iter().enumerate() {
        match at.checked_sub(layer.bytes) {
            None => return Some((number, at, layer.bytes - at)),
            Some(rest) => at = rest,
        }
    }
    None
}

/// The part that begins at a position (from 1 on), and the position behind it: 0 and nothing
/// behind the end.
pub fn part(view: View<'_>, position: u64) -> (u64, Vec<u8>) {
    let (_, layers) = view.parts();
    let shapes: SmallVec<[Layer; 4]> = layers.iter().map(|(layer, _)| *layer).collect();
    let Some((number, at, left)) = position.checked_sub(1).and_then(|at| locate(&shapes, at))
    else {
        return (0, Vec::new());
    };
    let len = left.min(MAX_PART);
    let mut out = Vec::with_capacity(len as usize);
    layers[number].1.copy_to(at as usize, len as usize, &mut out);
    (position + len, out)
}

/// Why a part cannot be loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Its position is none.
    BadData,
    /// There is no layer there.
    NoLayer,
    /// It is longer than the rest of the layer.
    TooLong,
}

/// The delta that puts the part that ends before a position (from 1 on) into a filter.
///
/// # Errors
/// It does not belong there.
pub fn load(view: View<'_>, position: u64, part: &[u8]) -> Result<Vec<u8>, Refusal> {
    let start = position.checked_sub(part.len() as u64).filter(|_| position > 0);
    let start = start.ok_or(Refusal::BadData)?;
    let at = start.checked_sub(1).ok_or(Refusal::NoLayer)?;
    let (number, at, left) = locate(&view.layers(), at).ok_or(Refusal::NoLayer)?;
    if part.len() as u64 > left {
        return Err(Refusal::TooLong);
    }
    let mut delta = vec![OVERWRITE];
    put_number(&mut delta, number as u64);
    put_number(&mut delta, at);
    put_bytes(&mut delta, part);
    Ok(delta)
}
