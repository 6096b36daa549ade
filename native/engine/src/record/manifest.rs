//! The file `STORE`: what a data directory is, written when it is created, and when a store of an
//! older version is opened.

use super::{u32_at, u64_at};

const MAGIC: u64 = 0x3152_4f54_5343_5246; // "FRCSTOR1"
/// Version of the directory's format this code writes.
pub(crate) const VERSION: u32 = 2;
/// The first version that it reads. What is new since is values of several records.
const OLDEST: u32 = 1;
/// Length of the file.
pub(crate) const LEN: usize = 48;

/// Identity and fixed settings of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// Random identity; part of every frame, so that bytes of another store never pass.
    pub log_id: u64,
    /// Seed of the key hash: keyed, so that clients cannot choose colliding keys.
    pub hash_seed: u64,
    /// log2 of the segment size.
    pub shift: u32,
}

impl Manifest {
    pub(crate) fn encode(&self) -> [u8; LEN] {
        let mut out = [0u8; LEN];
        out[0..8].copy_from_slice(&MAGIC.to_le_bytes());
        out[12..16].copy_from_slice(&VERSION.to_le_bytes());
        out[16..24].copy_from_slice(&self.log_id.to_le_bytes());
        out[24..32].copy_from_slice(&self.hash_seed.to_le_bytes());
        out[32..36].copy_from_slice(&self.shift.to_le_bytes());
        let crc = crc32c::crc32c(&out[12..]);
        out[8..12].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads the file's bytes; also returns their version.
    ///
    /// # Errors
    /// Says what is wrong with them.
    pub(crate) fn decode(bytes: &[u8]) -> Result<(Manifest, u32), String> {
        if bytes.len() != LEN || u64_at(bytes, 0) != MAGIC {
            return Err("not a store manifest".into());
        }
        if crc32c::crc32c(&bytes[12..]) != u32_at(bytes, 8) {
            return Err("manifest checksum differs".into());
        }
        let version = u32_at(bytes, 12);
        if !(OLDEST..=VERSION).contains(&version) {
            return Err(format!("format version {version}; this version reads up to {VERSION}"));
        }
        let shift = u32_at(bytes, 32);
        if !(16..=32).contains(&shift) {
            return Err(format!("segment size 2^{shift} out of range"));
        }
        let (log_id, hash_seed) = (u64_at(bytes, 16), u64_at(bytes, 24));
        Ok((Manifest { log_id, hash_seed, shift }, version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn round_trip_and_every_flipped_bit(log_id: u64, hash_seed: u64, shift in 16u32..=32, bit in 0usize..LEN * 8) {
            let manifest = Manifest { log_id, hash_seed, shift };
            let mut bytes = manifest.encode();
            prop_assert_eq!(Manifest::decode(&bytes), Ok((manifest, VERSION)));
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(Manifest::decode(&bytes).is_err());
        }
    }
}
