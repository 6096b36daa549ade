//! The value of a `PutCompressed` record.
//!
//! ```text
//!  0         4       5        8
//!  ├─────────┼───────┼────────┼─ compressed ─┐
//!  │ raw_len │ codec │ zero   │              │
//!  └─────────┴───────┴────────┴──────────────┘
//! ```
//!
//! The codecs are the LZ4 block format and Zstandard frames (RFC 8878).

use std::io::Read;

use super::u32_at;
use crate::options::Compression;

/// Bytes before the compressed ones.
const PREFIX: usize = 8;
/// Shorter values are not worth it.
const MIN_VALUE: usize = 64;
const LZ4: u8 = 1;
const ZSTD: u8 = 2;
/// Zstandard's own default.
const ZSTD_LEVEL: i32 = 3;
/// A byte of an LZ4 block stands for at most so many.
const LZ4_MOST: usize = 255;

/// Compresses values one after another, with one codec.
pub(crate) struct Compressor {
    codec: Codec,
    out: Vec<u8>,
}

enum Codec {
    Lz4,
    Zstd(zstd::bulk::Compressor<'static>),
}

impl Compressor {
    /// `None` when nothing is to be compressed, or there is no memory for it.
    pub(crate) fn new(compression: Compression) -> Option<Compressor> {
        let codec = match compression {
            Compression::None => return None,
            Compression::Lz4 => Codec::Lz4,
            Compression::Zstd => Codec::Zstd(zstd::bulk::Compressor::new(ZSTD_LEVEL).ok()?),
        };
        Some(Compressor { codec, out: Vec::new() })
    }

    /// What is stored instead of `value`, if that is at least 10 % shorter.
    pub(crate) fn compress(&mut self, value: &[u8]) -> Option<&[u8]> {
        let raw_len = u32::try_from(value.len()).ok()?;
        if value.len() < MIN_VALUE {
            return None;
        }
        let most = value.len() - value.len() / 10;
        let bound = match self.codec {
            Codec::Lz4 => lz4_flex::block::get_maximum_output_size(value.len()),
            // One that does not fit here is not worth it.
            Codec::Zstd(_) => most,
        };
        self.out.resize(PREFIX + bound, 0);
        let room = &mut self.out[PREFIX..];
        let (codec, len) = match &mut self.codec {
            Codec::Lz4 => (LZ4, lz4_flex::block::compress_into(value, room).ok()?),
            Codec::Zstd(zstd) => (ZSTD, zstd.compress_to_buffer(value, room).ok()?),
        };
        if PREFIX + len > most {
            return None;
        }
        self.out[..4].copy_from_slice(&raw_len.to_le_bytes());
        self.out[4..PREFIX].copy_from_slice(&[codec, 0, 0, 0]);
        Some(&self.out[..PREFIX + len])
    }
}

/// The value that is `stored` compressed, of at most `cap` bytes. Takes no more memory than what the
/// stored bytes really unpack to, whatever they claim.
///
/// # Errors
/// Says what is wrong with the bytes.
pub(crate) fn decompress(stored: &[u8], cap: usize) -> Result<Vec<u8>, &'static str> {
    let (prefix, packed) = stored.split_at_checked(PREFIX).ok_or("compressed value cut short")?;
    let len = u32_at(prefix, 0) as usize;
    if len > cap {
        return Err("compressed value is too long");
    }
    if prefix[5..] != [0; 3] {
        return Err("compressed value of an unknown form");
    }
    let value = match prefix[4] {
        LZ4 if len / LZ4_MOST > packed.len() => return Err("compressed value is too short"),
        LZ4 => {
            lz4_flex::block::decompress(packed, len).map_err(|_| "compressed value is damaged")?
        }
        ZSTD => unpack_zstd(packed, len)?,
        _ => return Err("compressed value of an unknown codec"),
    };
    if value.len() == len { Ok(value) } else { Err("compressed value of another length") }
}

fn unpack_zstd(packed: &[u8], len: usize) -> Result<Vec<u8>, &'static str> {
    let decoder = zstd::stream::read::Decoder::with_buffer(packed);
    let decoder = decoder.map_err(|_| "no memory to decompress a value")?;
    let mut value = Vec::new();
    // One byte more, so that a longer one is noticed.
    let outcome = decoder.single_frame().take(len as u64 + 1).read_to_end(&mut value);
    outcome.map(|_| value).map_err(|_| "compressed value is damaged")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::MAX_VALUE;
    use proptest::prelude::*;

    const CODECS: [Compression; 2] = [Compression::Lz4, Compression::Zstd];

    fn compressor(codec: Compression) -> Compressor {
        Compressor::new(codec).expect("a codec")
    }

    #[test]
    fn only_what_saves_a_tenth_is_compressed() {
        assert!(Compressor::new(Compression::None).is_none());
        for codec in CODECS {
            let mut compressor = compressor(codec);
            assert!(compressor.compress(&[7; MIN_VALUE - 1]).is_none());
            assert!(compressor.compress(&[7; MIN_VALUE]).is_some());
            let mut dice = 1u64;
            let noise: Vec<u8> = std::iter::repeat_with(|| {
                dice = dice.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                (dice >> 56) as u8
            })
            .take(10_000)
            .collect();
            assert!(compressor.compress(&noise).is_none());
            // A fifth of it is empty.
            let some = [&noise[..8_000], &[0; 2_000]].concat();
            let stored = compressor.compress(&some).expect("it pays").len();
            assert!(stored <= 9_000, "{stored}");
        }
    }

    #[test]
    fn a_bomb_takes_no_more_than_it_may() {
        for codec in CODECS {
            let mut compressor = compressor(codec);
            let mut stored = compressor.compress(&vec![0; 1 << 20]).expect("zeros").to_vec();
            assert!(decompress(&stored, (1 << 20) - 1).is_err());
            assert_eq!(decompress(&stored, 1 << 20), Ok(vec![0; 1 << 20]));
            for claimed in [0u32, 1, (1 << 20) - 1, (1 << 20) + 1, 1 << 28, u32::MAX] {
                stored[..4].copy_from_slice(&claimed.to_le_bytes());
                assert!(decompress(&stored, MAX_VALUE).is_err(), "{codec:?}, {claimed}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_was_compressed_comes_back(
            pattern in proptest::collection::vec(any::<u8>(), 1..40), times in 1usize..200, zstd: bool,
        ) {
            let value = pattern.repeat(times);
            let mut compressor = compressor(CODECS[usize::from(zstd)]);
            if let Some(stored) = compressor.compress(&value) {
                prop_assert!(stored.len() * 10 <= value.len() * 9 + 9);
                prop_assert_eq!(decompress(stored, value.len()), Ok(value.clone()));
                prop_assert!(decompress(stored, value.len() - 1).is_err());
                for cut in 0..stored.len() {
                    prop_assert_ne!(decompress(&stored[..cut], MAX_VALUE).ok(), Some(value.clone()));
                }
            }
        }

        #[test]
        fn any_bytes_are_read_without_panic(
            mut bytes in proptest::collection::vec(any::<u8>(), 0..200), codec in 0u8..4, len in 0u32..100_000,
        ) {
            if bytes.len() >= PREFIX {
                bytes[..4].copy_from_slice(&len.to_le_bytes());
                bytes[4..PREFIX].copy_from_slice(&[codec, 0, 0, 0]);
            }
            if let Ok(value) = decompress(&bytes, 50_000) {
                prop_assert!(value.len() == len as usize && value.len() <= 50_000);
            }
        }

        #[test]
        fn a_flipped_bit_is_no_panic(
            pattern in proptest::collection::vec(any::<u8>(), 1..40), zstd: bool, bit in 0usize..10_000,
        ) {
            let mut compressor = compressor(CODECS[usize::from(zstd)]);
            if let Some(stored) = compressor.compress(&pattern.repeat(100)) {
                let mut stored = stored.to_vec();
                let bit = bit % (stored.len() * 8);
                stored[bit / 8] ^= 1 << (bit % 8);
                let _ = decompress(&stored, MAX_VALUE);
            }
        }
    }
}
