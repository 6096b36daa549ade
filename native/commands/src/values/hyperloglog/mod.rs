//! HyperLogLog: how many different elements were seen, in 12 KiB at most.
//!
//! The algorithm is Flajolet et al., "HyperLogLog: the analysis of a near-optimal cardinality
//! estimation algorithm" (2007), with the estimator of Ertl (see [`estimate`]). The value is an
//! ordinary string in Redis's format, so that it can be taken from one server to the other:
//!
//! ```text
//! "HYLL" · encoding (1 byte: 0 dense, 1 sparse) · 3 bytes unused · cached count (8) · registers
//! ```
//!
//! The cached count is little-endian; its highest bit says that it is out of date. Registers hold
//! the longest run seen of zeros that begin an element's hash, plus one: dense, six bits each
//! ([`dense`]), or sparse, as runs of equal registers ([`sparse`]).

use std::borrow::Cow;

mod dense;
mod estimate;
mod hash;
mod registers;
mod sparse;

pub use hash::{Place, place};
pub use registers::Registers;

/// Bits of the hash that choose a register.
const PRECISION: u32 = 14;

/// Number of registers.
pub const REGISTERS: usize = 1 << PRECISION;

/// Bits of the hash in which zeros are counted.
const RANK_BITS: u32 = u64::BITS - PRECISION;

/// Values that six bits can have.
const RANKS: usize = 64;

/// How many registers have each value.
type Histogram = [u32; RANKS];

const MAGIC: &[u8] = b"HYLL";
const ENCODING_AT: usize = 4;
const CACHE_AT: usize = 8;
const HEADER: usize = 16;

/// The bit of the cached count's last byte that says that it is out of date.
const OUT_OF_DATE: u8 = 0x80;

/// The registers' encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Six bits a register.
    Dense,
    /// Runs of equal registers.
    Sparse,
}

/// The header is right, but the registers are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupted;

/// The encoding of a string, if it begins like a HyperLogLog and has the length of one.
pub fn encoding(value: &[u8]) -> Option<Encoding> {
    if value.len() < HEADER || !value.starts_with(MAGIC) {
        return None;
    }
    match value[ENCODING_AT] {
        0 => (value.len() == HEADER + dense::LEN).then_some(Encoding::Dense),
        1 => Some(Encoding::Sparse),
        _ => None,
    }
}

/// One that has seen nothing.
pub fn empty() -> Vec<u8> {
    let mut value = header(Encoding::Sparse);
    sparse::push_zeros(&mut value, REGISTERS);
    value
}

fn header(encoding: Encoding) -> Vec<u8> {
    let mut value = vec![0; HEADER];
    value[..MAGIC.len()].copy_from_slice(MAGIC);
    value[ENCODING_AT] = u8::from(encoding == Encoding::Sparse);
    value
}

/// Raises the register of a place to its rank, unless it is as high already; whether it was raised.
/// A sparse value that would be longer than `sparse_max` becomes dense. Only a value that changes is
/// copied. The cached count is left as it is.
///
/// # Errors
/// The registers cannot be understood; nothing has changed then.
pub fn raise(
    value: &mut Cow<'_, [u8]>,
    place: Place,
    sparse_max: usize,
) -> Result<bool, Corrupted> {
    if encoding(value) == Some(Encoding::Sparse) {
        match sparse::find(&value[HEADER..], place)? {
            sparse::Found::High => return Ok(false),
            sparse::Found::Low(opcode) => {
                if opcode.replace(value.to_mut(), place, sparse_max) {
                    return Ok(true);
                }
            }
            sparse::Found::TooHigh => {}
        }
        make_dense(value.to_mut())?;
    }
    if dense::register(&value[HEADER..], place.register) >= place.rank {
        return Ok(false);
    }
    dense::set(&mut value.to_mut()[HEADER..], place.register, place.rank);
    Ok(true)
}

/// Makes a sparse value dense; whether it was sparse.
///
/// # Errors
/// The registers cannot be understood; nothing has changed then.
pub fn make_dense(value: &mut Vec<u8>) -> Result<bool, Corrupted> {
    if encoding(value) != Some(Encoding::Sparse) {
        return Ok(false);
    }
    let mut registers = Registers::new();
    registers.merge(value)?;
    value.truncate(HEADER);
    value[ENCODING_AT] = 0;
    registers.append_dense(value);
    Ok(true)
}

/// The cached count, if it is not out of date.
pub fn cached_count(value: &[u8]) -> Option<u64> {
    let (cache, _) = value[CACHE_AT..].split_first_chunk()?;
    (cache[7] & OUT_OF_DATE == 0).then(|| u64::from_le_bytes(*cache))
}

/// Writes down a count for [`cached_count`].
pub fn cache_count(value: &mut [u8], count: u64) {
    value[CACHE_AT..HEADER].copy_from_slice(&count.to_le_bytes());
}

/// Makes the cached count out of date; the rest of its bits stay.
pub fn invalidate_count(value: &mut [u8]) {
    value[HEADER - 1] |= OUT_OF_DATE;
}

/// Estimates the number of different elements.
///
/// # Errors
/// The registers cannot be understood.
pub fn count(value: &[u8]) -> Result<u64, Corrupted> {
    let registers = &value[HEADER..];
    let histogram = match encoding(value) {
        Some(Encoding::Dense) => dense::histogram(registers),
        Some(Encoding::Sparse) => sparse::histogram(registers)?,
        None => return Err(Corrupted),
    };
    Ok(estimate::count(&histogram))
}

/// A sparse value's runs as PFDEBUG DECODE shows them: `z:length` and `Z:length` for registers that
/// are zero (in one byte and in two), `v:value,length`.
pub fn describe_sparse(value: &[u8]) -> String {
    sparse::describe(&value[HEADER..])
}

#[cfg(test)]
mod tests;
