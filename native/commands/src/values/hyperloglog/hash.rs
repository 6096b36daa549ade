//! From an element to a register.

use super::{PRECISION, RANK_BITS, REGISTERS};

/// Redis's seed.
const SEED: u64 = 0xadc8_3b19;

/// A register and what an element says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which register.
    pub register: usize,
    /// One more than the zeros that begin the rest of the hash: 1 to 51.
    pub rank: u8,
}

/// The place of an element.
pub fn place(element: &[u8]) -> Place {
    let hash = murmur64a(element, SEED);
    // A bit behind the last ends the longest run of zeros.
    let rest = hash >> PRECISION | 1 << RANK_BITS;
    Place { register: hash as usize & (REGISTERS - 1), rank: rest.trailing_zeros() as u8 + 1 }
}

/// MurmurHash64A, by Austin Appleby (public domain), on any processor as on a little-endian one.
fn murmur64a(bytes: &[u8], seed: u64) -> u64 {
    const MULTIPLIER: u64 = 0xc6a4_a793_5bd1_e995;
    const SHIFT: u32 = 47;
    let mix = |word: u64| {
        let word = word.wrapping_mul(MULTIPLIER);
        (word ^ word >> SHIFT).wrapping_mul(MULTIPLIER)
    };
    let mut hash = seed ^ (bytes.len() as u64).wrapping_mul(MULTIPLIER);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        hash = (hash ^ mix(u64::from_le_bytes(*word))).wrapping_mul(MULTIPLIER);
    }
    if !rest.is_empty() {
        let mut word = [0; 8];
        word[..rest.len()].copy_from_slice(rest);
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(MULTIPLIER);
    }
    hash = (hash ^ hash >> SHIFT).wrapping_mul(MULTIPLIER);
    hash ^ hash >> SHIFT
}
