//! The bytes of the log: records, and the frames that make a group of them durable at once.
//!
//! FORMAT.md draws them. All integers are little-endian.

pub(crate) mod compressed;
pub(crate) mod delta;
pub(crate) mod frame;
pub(crate) mod hint;
pub(crate) mod manifest;
pub(crate) mod segment_header;
pub(crate) mod segments_file;

use crate::address::ChainPlace;

/// Length of a record's header.
pub(crate) const HEADER: usize = 32;
/// Where in the header the kind is.
pub(crate) const KIND_AT: usize = 16;
/// Records begin at multiples of this.
pub(crate) const ALIGN: u64 = 8;
/// Longest key in bytes.
pub(crate) const MAX_KEY: usize = 512 << 20;
/// Longest value in bytes: what Redis allows, with some room for encodings.
pub(crate) const MAX_VALUE: usize = (512 << 20) + (1 << 20);

/// What a record means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// The key has this value.
    Put = 1,
    /// The key is gone; the value is the address of the record it ends (8 bytes).
    Delete = 2,
    /// The key's value has changed: see [`delta`].
    Delta = 3,
    /// The key's value is in the records of this kind's parts: see [`delta::Base`].
    Base = 4,
    /// Which key spaces exist: see `SpaceTable`.
    Spaces = 5,
    /// The key has a value that is stored compressed: see [`compressed`]. In merged segments only.
    PutCompressed = 6,
    /// A part of a value's image; has no meaning without the [`Kind::Base`] that lists it.
    BasePart = 7,
}

impl Kind {
    /// The kind that a byte stands for, if it does.
    pub(crate) fn from_byte(byte: u8) -> Option<Kind> {
        match byte {
            1 => Some(Kind::Put),
            2 => Some(Kind::Delete),
            3 => Some(Kind::Delta),
            4 => Some(Kind::Base),
            5 => Some(Kind::Spaces),
            6 => Some(Kind::PutCompressed),
            7 => Some(Kind::BasePart),
            _ => None,
        }
    }

    /// What an entry has for the address of its key's newest record, which is at `address`.
    pub(crate) fn entry_address(self, address: u64) -> u64 {
        match self {
            Kind::Delta | Kind::Base => ChainPlace::Newest(address).address(),
            _ => address,
        }
    }
}

/// Everything in a record's header but its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub key_len: u32,
    pub value_len: u32,
    /// Incarnation of the key space.
    pub space: u32,
    /// Order of all writes of the store, 48 bits.
    pub sequence: u64,
    pub kind: Kind,
    /// Caller's type tag (low 4 bits) and flags (high 4 bits).
    pub tag: u8,
    /// Absolute, Unix milliseconds; 0 = never.
    pub expiry_ms: u64,
}

impl Header {
    /// Bytes the record occupies, padding included.
    pub(crate) fn total_len(&self) -> u64 {
        total_len(self.key_len as usize, self.value_len as usize)
    }

    /// The header's bytes 4..32; the checksum in front is the committer's to fill in.
    pub(crate) fn encode(&self) -> [u8; HEADER] {
        let mut out = [0u8; HEADER];
        out[4..8].copy_from_slice(&self.key_len.to_le_bytes());
        out[8..12].copy_from_slice(&self.value_len.to_le_bytes());
        out[12..16].copy_from_slice(&self.space.to_le_bytes());
        let word = (self.sequence << 16) | (u64::from(self.tag) << 8) | self.kind as u64;
        out[KIND_AT..KIND_AT + 8].copy_from_slice(&word.to_le_bytes());
        out[24..32].copy_from_slice(&self.expiry_ms.to_le_bytes());
        out
    }

    /// Reads a header; `None` if it cannot be one.
    pub(crate) fn decode(bytes: &[u8; HEADER]) -> Option<Header> {
        let word = u64_at(bytes, KIND_AT);
        let header = Header {
            key_len: u32_at(bytes, 4),
            value_len: u32_at(bytes, 8),
            space: u32_at(bytes, 12),
            sequence: word >> 16,
            kind: Kind::from_byte(word as u8)?,
            tag: (word >> 8) as u8,
            expiry_ms: u64_at(bytes, 24),
        };
        (header.key_len as usize <= MAX_KEY && header.value_len as usize <= MAX_VALUE)
            .then_some(header)
    }
}

/// Bytes a record with such a key and value occupies, padding included.
pub(crate) fn total_len(key_len: usize, value_len: usize) -> u64 {
    align_up((HEADER + key_len + value_len) as u64, ALIGN)
}

/// `n` rounded up to a multiple of `to`, a power of two.
pub(crate) const fn align_up(n: u64, to: u64) -> u64 {
    (n + to - 1) & !(to - 1)
}

/// The checksum of a record at `address`: CRC-32C (Castagnoli, RFC 3720 §12.1) over the address and
/// all of `record` (header, key, value; no padding) but the checksum itself. The address is in it so
/// that a record read from the wrong place, or left over in a reused file, never passes.
pub(crate) fn checksum(address: u64, record: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&address.to_le_bytes()), &record[4..])
}

/// One record found in a byte range.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View<'a> {
    pub header: Header,
    pub checksum: u32,
    pub key: &'a [u8],
    pub value: &'a [u8],
}

impl<'a> View<'a> {
    /// Reads the record at the beginning of `bytes`, which stand at `address` in the log.
    ///
    /// # Errors
    /// Says what is wrong when the bytes are no intact record.
    pub(crate) fn read(bytes: &'a [u8], address: u64) -> Result<View<'a>, &'static str> {
        let head: &[u8; HEADER] =
            bytes.get(..HEADER).and_then(|b| b.try_into().ok()).ok_or("record header cut short")?;
        let header = Header::decode(head).ok_or("not a record header")?;
        let key_end = HEADER + header.key_len as usize;
        let end = key_end + header.value_len as usize;
        let record = bytes.get(..end).ok_or("record cut short")?;
        let stored = u32_at(head, 0);
        if checksum(address, record) != stored {
            return Err("record checksum differs");
        }
        Ok(View {
            header,
            checksum: stored,
            key: &record[HEADER..key_end],
            value: &record[key_end..],
        })
    }
}

/// Little-endian `u32` at `at`. Panics if out of range: for fixed-size headers only.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

/// Little-endian `u64` at `at`. Panics if out of range: for fixed-size headers only.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encode(header: &Header, key: &[u8], value: &[u8], address: u64) -> Vec<u8> {
        let mut bytes = header.encode().to_vec();
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(value);
        let crc = checksum(address, &bytes);
        bytes[..4].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    proptest! {
        #[test]
        fn round_trip(
            key in proptest::collection::vec(any::<u8>(), 0..64),
            value in proptest::collection::vec(any::<u8>(), 0..256),
            space: u32, sequence in 0u64..1 << 48, tag: u8, expiry_ms: u64, address in 0u64..1 << 48,
        ) {
            let header = Header {
                key_len: key.len() as u32, value_len: value.len() as u32,
                space, sequence, kind: Kind::Put, tag, expiry_ms,
            };
            let bytes = encode(&header, &key, &value, address);
            let view = View::read(&bytes, address).expect("intact");
            prop_assert_eq!(view.header, header);
            prop_assert_eq!(view.key, &key[..]);
            prop_assert_eq!(view.value, &value[..]);
            prop_assert!(View::read(&bytes, address ^ 8).is_err());
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), address: u64) {
            let _ = View::read(&bytes, address);
        }

        #[test]
        fn every_flipped_bit_is_noticed(value in proptest::collection::vec(any::<u8>(), 0..40), bit in 0usize..10_000) {
            let header = Header {
                key_len: 3, value_len: value.len() as u32, space: 1, sequence: 7,
                kind: Kind::Put, tag: 0, expiry_ms: 0,
            };
            let mut bytes = encode(&header, b"key", &value, 4096);
            let bit = bit % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(View::read(&bytes, 4096).is_err());
        }
    }
}
