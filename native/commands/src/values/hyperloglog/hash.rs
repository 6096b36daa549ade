//! From an element to a register.

use super::{PRECISION, RANK_BITS, REGISTERS};
use crate::values::murmur::murmur64a;

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
