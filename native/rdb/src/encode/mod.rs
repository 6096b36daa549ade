//! Writing values as redis-server 7.0 does.
//!
//! The bytes are the same as Redis's where the order of the elements is: for strings, lists that were
//! only appended to, sets of integers, small hashes and sorted sets, streams that were only added
//! to. Hash tables are written in the order in which they are given.

mod hash;
mod list;
mod set;
mod sorted_set;
mod stream;

pub use list::NodeSize;
pub use stream::{GroupContents, NodeLimits, StreamWriter};

use crate::ValueType;
use crate::input::{INT8, INT16, INT32, LZF};
use crate::lzf::Compressor;
use crate::packed::canonical_integer;

/// Shorter strings are not worth compressing; in bytes.
const MIN_COMPRESSED: usize = 21;

/// Bytes that compressing has to save.
const MIN_SAVED: usize = 4;

/// Longest string that can be stored as an integer, in bytes.
const MAX_INTEGER: usize = 11;

/// Writes one value.
#[derive(Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
    compressor: Compressor,
}

impl Writer {
    /// A string.
    pub fn string(&mut self, value: &[u8]) {
        self.begin(ValueType::String);
        self.put_string(value);
    }

    /// What was written: the value with its type in front.
    pub fn finish(self) -> Vec<u8> {
        self.out
    }

    fn begin(&mut self, value_type: ValueType) {
        self.out.push(value_type as u8);
    }

    /// A number that is a length or a count.
    fn put_count(&mut self, count: u64) {
        match count {
            0..=0x3f => self.out.push(count as u8),
            0x40..=0x3fff => self.out.extend([0x40 | (count >> 8) as u8, count as u8]),
            0x4000..=0xffff_ffff => {
                self.out.push(0x80);
                self.out.extend_from_slice(&(count as u32).to_be_bytes());
            }
            _ => {
                self.out.push(0x81);
                self.out.extend_from_slice(&count.to_be_bytes());
            }
        }
    }

    /// A string: as an integer, compressed, or as it is.
    fn put_string(&mut self, value: &[u8]) {
        let integer = Some(value).filter(|value| value.len() <= MAX_INTEGER);
        if let Some(number) = integer.and_then(canonical_integer)
            && self.put_integer(number)
        {
            return;
        }
        if value.len() >= MIN_COMPRESSED && self.put_compressed(value) {
            return;
        }
        self.put_count(value.len() as u64);
        self.out.extend_from_slice(value);
    }

    /// False for a number of more than 32 bits.
    fn put_integer(&mut self, number: i64) -> bool {
        const SPECIAL: u8 = 0xc0;
        let wide = number.to_le_bytes();
        let (form, used) = match number {
            -0x80..=0x7f => (INT8, 1),
            -0x8000..=0x7fff => (INT16, 2),
            -0x8000_0000..=0x7fff_ffff => (INT32, 4),
            _ => return false,
        };
        self.out.push(SPECIAL | form);
        self.out.extend_from_slice(&wide[..used]);
        true
    }

    /// False if it is not worth it.
    fn put_compressed(&mut self, value: &[u8]) -> bool {
        let mut compressed = Vec::new();
        if !self.compressor.compress(value, value.len() - MIN_SAVED, &mut compressed) {
            return false;
        }
        self.out.push(0xc0 | LZF);
        self.put_count(compressed.len() as u64);
        self.put_count(value.len() as u64);
        self.out.append(&mut compressed);
        true
    }

    /// A time or another number of 8 bytes.
    fn put_u64_le(&mut self, number: u64) {
        self.out.extend_from_slice(&number.to_le_bytes());
    }
}
