//! Keys and values that everybody can compute: what is read back needs no copy to be compared with.
//!
//! A value depends on its key's number and on a version, which it begins with. The rest is noise, so
//! that no compression makes a store look better than it is.

use crate::rng::Rng;

/// Bytes of a key.
pub const KEY_BYTES: usize = 16;

/// Fewest bytes of a value: its version, and something to check it by.
pub const MIN_VALUE: usize = 16;

/// What [`Rng`] adds to its state from one number to the next.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The key with number `n`, which must be below 10^12.
pub fn key(n: u64) -> [u8; KEY_BYTES] {
    let mut key = *b"key:000000000000";
    let mut rest = n;
    for digit in key[4..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    key
}

/// Values between two lengths; which length a key has never changes.
#[derive(Debug, Clone, Copy)]
pub struct Values {
    shortest: usize,
    longest: usize,
}

impl Values {
    /// Values of `shortest` to `longest` bytes, uniformly; at least [`MIN_VALUE`].
    pub fn between(shortest: usize, longest: usize) -> Values {
        let shortest = shortest.max(MIN_VALUE);
        Values { shortest, longest: longest.max(shortest) }
    }

    /// Values of `len` bytes.
    pub fn of(len: usize) -> Values {
        Values::between(len, len)
    }

    /// Bytes of the value of key `n`.
    pub fn len(&self, n: u64) -> usize {
        let span = (self.longest - self.shortest + 1) as u64;
        self.shortest + Rng::new(!n).below(span) as usize
    }

    /// Mean bytes of a value.
    pub fn mean(&self) -> u64 {
        (self.shortest + self.longest) as u64 / 2
    }

    /// Appends version `version` of key `n`'s value to `out`.
    pub fn append(&self, n: u64, version: u64, out: &mut Vec<u8>) {
        let len = self.len(n);
        out.extend_from_slice(&version.to_le_bytes());
        let end = out.len() - 8 + len;
        let mut noise = Rng::new(seed(n, version));
        while out.len() + 8 <= end {
            out.extend_from_slice(&noise.bits().to_le_bytes());
        }
        let rest = end - out.len();
        out.extend_from_slice(&noise.bits().to_le_bytes()[..rest]);
    }

    /// Version `version` of key `n`'s value.
    pub fn value(&self, n: u64, version: u64) -> Vec<u8> {
        let mut value = Vec::with_capacity(self.len(n));
        self.append(n, version, &mut value);
        value
    }

    /// The version of key `n` that `value` is; `None` if it is none, every byte considered.
    pub fn version_of(&self, n: u64, value: &[u8]) -> Option<u64> {
        let version = self.claimed_version(n, value)?;
        let mut noise = Rng::new(seed(n, version));
        let matches = |chunk: &[u8]| chunk == &noise.bits().to_le_bytes()[..chunk.len()];
        value[8..].chunks(8).all(matches).then_some(version)
    }

    /// As [`Values::version_of`], but looks only at the length and at both ends, for loops in which
    /// a comparison of all bytes would be most of what is measured.
    pub fn version_by_ends(&self, n: u64, value: &[u8]) -> Option<u64> {
        let version = self.claimed_version(n, value)?;
        let last = (value.len() - 8).div_ceil(8) - 1;
        [0, last]
            .into_iter()
            .all(|word| {
                let from = 8 + word * 8;
                let chunk = &value[from..value.len().min(from + 8)];
                let at = seed(n, version).wrapping_add(STEP.wrapping_mul(word as u64));
                chunk == &Rng::new(at).bits().to_le_bytes()[..chunk.len()]
            })
            .then_some(version)
    }

    fn claimed_version(&self, n: u64, value: &[u8]) -> Option<u64> {
        let version = u64::from_le_bytes(*value.first_chunk()?);
        (value.len() == self.len(n)).then_some(version)
    }
}

/// Where the noise of a value begins: far from that of any other key and version.
fn seed(n: u64, version: u64) -> u64 {
    let mut rng = Rng::new(n);
    Rng::new(rng.bits() ^ version.rotate_left(32)).bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_differ_and_have_their_length() {
        assert_eq!(&key(0), b"key:000000000000");
        assert_eq!(&key(987_654_321), b"key:000987654321");
    }

    #[test]
    fn a_value_is_known_by_key_and_version_and_by_nothing_else() {
        let values = Values::between(16, 90);
        for n in 0..200 {
            let value = values.value(n, n * 7);
            assert_eq!(value.len(), values.len(n));
            assert_eq!(values.version_of(n, &value), Some(n * 7));
            assert_eq!(values.version_by_ends(n, &value), Some(n * 7));
            assert_eq!(values.version_of(n + 1, &value), None);
            for at in 0..value.len() {
                let mut damaged = value.clone();
                damaged[at] ^= 1;
                assert_eq!(values.version_of(n, &damaged), None, "byte {at} of {}", value.len());
            }
            let mut tail = value.clone();
            *tail.last_mut().expect("not empty") ^= 1;
            assert_eq!(values.version_by_ends(n, &tail), None);
        }
    }

    #[test]
    fn lengths_reach_both_ends() {
        let values = Values::between(100, 110);
        let lengths: Vec<usize> = (0..1000).map(|n| values.len(n)).collect();
        assert_eq!((lengths.iter().min(), lengths.iter().max()), (Some(&100), Some(&110)));
    }
}
