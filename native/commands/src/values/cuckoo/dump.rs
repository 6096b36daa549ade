//! A filter in pieces, as CF.SCANDUMP hands it out: a header, then parts of the layers' bytes, each
//! with the position behind it (counted from 1 over all layers).
//!
//! Header, little-endian: items (8) · buckets of the first layer (8) · deletes (8) · layers (8) ·
//! size of a bucket (2) · iterations (2) · expansion (2).

use super::{Cuckoo, OVERWRITE, Parts, Shape};
use crate::values::wire::{put_bytes, put_number};

/// Longest part, in bytes.
const MAX_PART: u64 = 1 << 20;

/// Length of a header.
pub const HEADER: usize = 38;

/// The header of a filter.
pub fn header(parts: &Parts<'_>) -> Vec<u8> {
    let Shape { buckets, bucket_size, max_iterations, expansion } = parts.shape;
    let mut out = Vec::with_capacity(HEADER);
    for number in [parts.items, buckets, parts.deletes, parts.layers() as u64] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    for number in [u16::from(bucket_size), max_iterations, expansion] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out
}

/// The filter of a header, without fingerprints; `None` if it is not one that [`header`] can have
/// made.
pub fn from_header(header: &[u8; HEADER]) -> Option<Cuckoo> {
    let (words, rest) = header.as_chunks::<8>();
    let [items, buckets, deletes, layers] = [0, 1, 2, 3].map(|at| u64::from_le_bytes(words[at]));
    let short = |at: usize| u16::from_le_bytes([rest[at], rest[at + 1]]);
    let bucket_size = u8::try_from(short(0)).ok()?;
    let shape = Shape { buckets, bucket_size, max_iterations: short(2), expansion: short(4) };
    let layers = usize::try_from(layers).ok()?;
    if !shape.is_valid() || layers == 0 || items == 0 {
        return None;
    }
    shape.bytes_of(layers)?;
    let mut filter = Cuckoo { items, deletes, ..Cuckoo::new(shape) };
    for _ in 1..layers {
        filter.grow().ok()?;
    }
    Some(filter)
}

/// The layer and the byte in it of a position from 0 on, and how many bytes there are from there.
fn locate(parts: &Parts<'_>, mut at: u64) -> Option<(usize, u64, u64)> {
    for (number, layer) in parts.layers.iter().enumerate() {
        let len = layer.len() as u64;
        match at.checked_sub(len) {
            None => return Some((number, at, len - at)),
            Some(rest) => at = rest,
        }
    }
    None
}

/// The part that begins at a position (from 1 on), and the position behind it; nothing behind the
/// end.
pub fn part(parts: &Parts<'_>, position: u64) -> Option<(u64, Vec<u8>)> {
    let (number, at, left) = locate(parts, position.checked_sub(1)?)?;
    let len = left.min(MAX_PART);
    let mut out = Vec::with_capacity(len as usize);
    parts.layers[number].copy_to(at as usize, len as usize, &mut out);
    Some((position + len, out))
}

/// The delta that puts the part that ends before a position (from 1 on) into a filter; `None` if it
/// does not belong there.
pub fn load(parts: &Parts<'_>, position: u64, part: &[u8]) -> Option<Vec<u8>> {
    let at = position.checked_sub(1)?.checked_sub(part.len() as u64)?;
    let (number, at, left) = locate(parts, at)?;
    if part.len() as u64 > left {
        return None;
    }
    let mut delta = vec![OVERWRITE];
    put_number(&mut delta, number as u64);
    put_number(&mut delta, at);
    put_bytes(&mut delta, part);
    Some(delta)
}
