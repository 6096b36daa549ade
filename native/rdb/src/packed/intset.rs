//! Intset: different integers in increasing order, all of the same width.
//!
//! Width in bytes (2, 4 or 8) and number of integers, 32 bits each, then the integers.

use super::{Bytes, Element};
use crate::Error;

const MALFORMED: &str = "an intset is malformed";

/// The integers of an intset.
///
/// # Errors
/// It is malformed, or its integers do not increase.
pub fn read(blob: &[u8]) -> Result<impl Iterator<Item = Element<'_>>, Error> {
    let mut bytes = Bytes { rest: blob, malformed: MALFORMED };
    let width = u32::from_le_bytes(bytes.array()?);
    let count = u32::from_le_bytes(bytes.array()?);
    if !matches!(width, 2 | 4 | 8) || u64::from(count) * u64::from(width) != bytes.rest.len() as u64
    {
        return Err(bytes.error());
    }
    let numbers = bytes.rest.chunks_exact(width as usize).map(number);
    if !numbers.clone().is_sorted_by(|one, next| one < next) {
        return Err(Error::Malformed("an intset is not in order"));
    }
    Ok(numbers.map(Element::Integer))
}

/// A signed number of 8 bytes or fewer, lowest first.
fn number(bytes: &[u8]) -> i64 {
    let mut wide = [0; 8];
    wide[8 - bytes.len()..].copy_from_slice(bytes);
    i64::from_le_bytes(wide) >> (64 - 8 * bytes.len())
}

/// The intset of integers that increase. It is as narrow as they allow, which Redis's is only until
/// a wide one has been removed.
pub fn write(numbers: &[i64]) -> Vec<u8> {
    let fits = |bits: u32| {
        let limit = 1i64 << (bits - 1);
        numbers.iter().all(|number| (-limit..limit).contains(number))
    };
    let width: usize = if fits(16) {
        2
    } else if fits(32) {
        4
    } else {
        8
    };
    let mut out = Vec::with_capacity(8 + numbers.len() * width);
    out.extend_from_slice(&(width as u32).to_le_bytes());
    out.extend_from_slice(&(numbers.len() as u32).to_le_bytes());
    for number in numbers {
        out.extend_from_slice(&number.to_le_bytes()[..width]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(blob: &[u8]) -> Option<Vec<i64>> {
        Some(read(blob).ok()?.filter_map(Element::integer).collect())
    }

    #[test]
    fn what_was_written_is_read() {
        for (list, len) in [
            (vec![], 8),
            (vec![-32768, 0, 32767], 14),
            (vec![-32769, 5], 16),
            (vec![i64::MIN, -1, i64::MAX], 32),
        ] {
            let blob = write(&list);
            assert_eq!((blob.len(), numbers(&blob)), (len, Some(list)));
        }
    }

    #[test]
    fn what_is_no_intset_is_refused() {
        let blob = write(&[1, 2]);
        for (at, byte) in [(0, 3), (4, 3), (8, 2), (10, 1), (10, 0)] {
            let mut blob = blob.clone();
            blob[at] = byte;
            assert_eq!(numbers(&blob), None, "{at} {byte}");
        }
        assert_eq!(numbers(&blob[..blob.len() - 1]), None);
        assert_eq!(numbers(b""), None);
    }
}
