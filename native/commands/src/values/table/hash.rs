//! Hashes of keys: where in a table an entry is.
//!
//! XXH3 with a seed that is drawn anew for each process, so that nobody can prepare keys which all
//! meet in one chunk. Nothing that is stored or logged depends on it.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Bits of a position.
pub(super) const POSITION_BITS: u32 = 52;

/// The process's seed: the standard library draws its keys from the system's random numbers.
static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0u8));

/// The hash of a key. Chunks are told apart by its low bits, keys of one chunk by its top byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hash(pub(super) u64);

impl Hash {
    #[inline]
    pub(super) fn of(key: &[u8]) -> Hash {
        Hash(xxh3_64_with_seed(key, *SEED))
    }

    /// The byte by which most keys of a chunk can be told from another without a look at them.
    #[inline]
    pub(super) fn tag(self) -> u8 {
        (self.0 >> 56) as u8
    }

    /// Place in the order of scans: the low bits come first, so that all keys of a chunk lie side by
    /// side, however many bits choose chunks. Below 2^52, which clients keep exactly even if they
    /// take cursors for doubles.
    pub(super) fn position(self) -> u64 {
        self.0.reverse_bits() >> (u64::BITS - POSITION_BITS)
    }

    /// A hash with this position.
    pub(super) fn at(position: u64) -> Hash {
        Hash((position << (u64::BITS - POSITION_BITS)).reverse_bits())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_the_low_bits_in_reverse() {
        assert_eq!(Hash(1).position(), 1 << (POSITION_BITS - 1));
        assert_eq!(Hash(2).position(), 1 << (POSITION_BITS - 2));
        assert_eq!(Hash(u64::MAX << POSITION_BITS).position(), 0);
        for position in [0, 1, 0x000f_ffff_ffff_ffff, 0x0001_2345_6789_abcd] {
            assert_eq!(Hash::at(position).position(), position);
        }
    }
}
