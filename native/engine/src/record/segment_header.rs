//! The first block of a segment file.

use super::frame::BLOCK;
use super::{u32_at, u64_at};
use crate::address::Region;

const MAGIC: u64 = 0x3147_4553_4352_4546; // "FERCSEG1"
/// Version of the segment format this code writes and reads.
pub(crate) const VERSION: u32 = 1;
const LEN: usize = 64;
/// Most bytes of addresses that one file covers, its size rounded up to whole segments: what is
/// read from a header must not make recovery allocate without bound.
pub(crate) const MAX_COVERED: u64 = 1 << 36;

/// What a segment file says of itself. The file covers the addresses of its region from
/// `id * segment_size` on; a file for one huge record covers several ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// Identity of the store.
    pub log_id: u64,
    /// First segment id of the file.
    pub id: u64,
    /// Number of segment sizes the file covers.
    pub span: u32,
    /// log2 of the segment size.
    pub shift: u32,
    /// Address at which the frames of the segment before end; 0 for the first, and in merged ones.
    pub previous_end: u64,
    /// The log, or merged segments.
    pub region: Region,
}

impl SegmentHeader {
    /// The header block.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![0u8; BLOCK as usize];
        out[0..8].copy_from_slice(&MAGIC.to_le_bytes());
        out[12..16].copy_from_slice(&VERSION.to_le_bytes());
        out[16..24].copy_from_slice(&self.log_id.to_le_bytes());
        out[24..32].copy_from_slice(&self.id.to_le_bytes());
        out[32..36].copy_from_slice(&self.span.to_le_bytes());
        out[36..40].copy_from_slice(&self.shift.to_le_bytes());
        out[40..48].copy_from_slice(&self.previous_end.to_le_bytes());
        out[48..52].copy_from_slice(&(self.region as u32).to_le_bytes());
        let crc = crc32c::crc32c(&out[12..LEN]);
        out[8..12].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads a header block.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub(crate) fn decode(bytes: &[u8]) -> Result<SegmentHeader, String> {
        let block = bytes.get(..BLOCK as usize).ok_or("the segment header is cut short")?;
        let bytes = &block[..LEN];
        if u64_at(bytes, 0) != MAGIC || crc32c::crc32c(&bytes[12..]) != u32_at(bytes, 8) {
            return Err("no segment header".into());
        }
        let version = u32_at(bytes, 12);
        if version != VERSION {
            return Err(format!("segment format version {version}; this version reads {VERSION}"));
        }
        let region = match u32_at(bytes, 48) {
            0 => Region::Log,
            1 => Region::Merged,
            other => return Err(format!("a segment of the unknown region {other}")),
        };
        let header = SegmentHeader {
            region,
            log_id: u64_at(bytes, 16),
            id: u64_at(bytes, 24),
            span: u32_at(bytes, 32),
            shift: u32_at(bytes, 36),
            previous_end: u64_at(bytes, 40),
        };
        let sizes = MAX_COVERED.checked_shr(header.shift).unwrap_or(0);
        if header.span == 0 || u64::from(header.span) > sizes {
            return Err(format!("a segment of {} times 2^{} bytes", header.span, header.shift));
        }
        Ok(header)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn round_trip_and_every_flipped_bit(log_id: u64, id: u64, span in 1u32..=16, shift in 16u32..=32, previous_end: u64, merged: bool, bit in 0usize..512) {
            let region = if merged { Region::Merged } else { Region::Log };
            let header = SegmentHeader { log_id, id, span, shift, previous_end, region };
            let mut bytes = header.encode();
            prop_assert_eq!(SegmentHeader::decode(&bytes), Ok(header));
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(SegmentHeader::decode(&bytes).is_err());
        }
    }
}
