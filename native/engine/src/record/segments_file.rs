//! The file `SEGMENTS`: which segments make up the store, and which checkpoints it has. Replacing it
//! is the moment at which a checkpoint begins to count and merged segments cease to.

use super::{u32_at, u64_at};
use crate::log::Summary;

const MAGIC: u64 = 0x3153_4745_5343_5246; // "FRCSEGS1"
const VERSION: u32 = 1;
const HEADER: usize = 64;
const ENTRY: usize = 64;
/// Set in an entry whose summary is known.
const FLAG_SUMMARY: u32 = 1;

/// One segment of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Its first address divided by the segment size, region included.
    pub number: u64,
    /// Segment sizes it covers.
    pub span: u32,
    /// `None` while it is written to, or has not been read through since.
    pub summary: Option<Summary>,
}

/// The contents of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SegmentsFile {
    /// Identity of the store.
    pub log_id: u64,
    /// Ids of the newest checkpoint and of the one before; 0 = none.
    pub newest: u64,
    pub older: u64,
    /// Log segments from this id on belong to the store though they are not listed; those below
    /// only if they are.
    pub log_next: u64,
    pub segments: Vec<Listed>,
}

impl SegmentsFile {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![0u8; HEADER];
        out[0..8].copy_from_slice(&MAGIC.to_le_bytes());
        out[12..16].copy_from_slice(&VERSION.to_le_bytes());
        let words = [self.log_id, self.newest, self.older, self.log_next];
        for (at, word) in (16..).step_by(8).zip(words) {
            out[at..at + 8].copy_from_slice(&word.to_le_bytes());
        }
        out[48..56].copy_from_slice(&(self.segments.len() as u64).to_le_bytes());
        self.segments.iter().for_each(|listed| put_entry(&mut out, listed));
        let crc = crc32c::crc32c(&out[12..]);
        out[8..12].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads the file's bytes.
    ///
    /// # Errors
    /// Says what is wrong with them.
    pub(crate) fn decode(bytes: &[u8]) -> Result<SegmentsFile, String> {
        if bytes.len() < HEADER || u64_at(bytes, 0) != MAGIC {
            return Err("not a list of segments".into());
        }
        if crc32c::crc32c(&bytes[12..]) != u32_at(bytes, 8) {
            return Err("the checksum of the list of segments differs".into());
        }
        let version = u32_at(bytes, 12);
        if version != VERSION {
            return Err(format!("format version {version}; this version reads {VERSION}"));
        }
        let entries = &bytes[HEADER..];
        if u64_at(bytes, 48).checked_mul(ENTRY as u64) != Some(entries.len() as u64) {
            return Err("the list of segments has another length than it says".into());
        }
        Ok(SegmentsFile {
            log_id: u64_at(bytes, 16),
            newest: u64_at(bytes, 24),
            older: u64_at(bytes, 32),
            log_next: u64_at(bytes, 40),
            segments: entries.chunks_exact(ENTRY).map(get_entry).collect(),
        })
    }
}

fn put_entry(out: &mut Vec<u8>, listed: &Listed) {
    let flags = if listed.summary.is_some() { FLAG_SUMMARY } else { 0 };
    let summary = listed.summary.unwrap_or_default();
    out.extend_from_slice(&listed.number.to_le_bytes());
    out.extend_from_slice(&listed.span.to_le_bytes());
    out.extend_from_slice(&flags.to_le_bytes());
    let Summary { end, records, tombstones, bytes, min_sequence, max_sequence } = summary;
    for word in [end, records, tombstones, bytes, min_sequence, max_sequence] {
        out.extend_from_slice(&word.to_le_bytes());
    }
}

fn get_entry(bytes: &[u8]) -> Listed {
    let summary = Summary {
        end: u64_at(bytes, 16),
        records: u64_at(bytes, 24),
        tombstones: u64_at(bytes, 32),
        bytes: u64_at(bytes, 40),
        min_sequence: u64_at(bytes, 48),
        max_sequence: u64_at(bytes, 56),
    };
    let known = u32_at(bytes, 12) & FLAG_SUMMARY != 0;
    Listed { number: u64_at(bytes, 0), span: u32_at(bytes, 8), summary: known.then_some(summary) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn listed() -> impl Strategy<Value = Listed> {
        (any::<u64>(), any::<u32>(), any::<Option<[u64; 6]>>()).prop_map(|(number, span, words)| {
            let summary =
                words.map(|[end, records, tombstones, bytes, min_sequence, max_sequence]| {
                    Summary { end, records, tombstones, bytes, min_sequence, max_sequence }
                });
            Listed { number, span, summary }
        })
    }

    proptest! {
        #[test]
        fn round_trip_and_every_flipped_bit(
            segments in proptest::collection::vec(listed(), 0..6), words: [u64; 4], bit: usize,
        ) {
            let [log_id, newest, older, log_next] = words;
            let file = SegmentsFile { log_id, newest, older, log_next, segments };
            let mut bytes = file.encode();
            prop_assert_eq!(SegmentsFile::decode(&bytes), Ok(file));
            let bit = bit % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(SegmentsFile::decode(&bytes).is_err());
        }

        #[test]
        fn any_bytes_are_refused_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(SegmentsFile::decode(&bytes).is_err());
        }

        #[test]
        fn a_wrong_count_is_refused(count: u64) {
            let mut bytes = SegmentsFile::default().encode();
            bytes[48..56].copy_from_slice(&count.to_le_bytes());
            let crc = crc32c::crc32c(&bytes[12..]);
            bytes[8..12].copy_from_slice(&crc.to_le_bytes());
            prop_assert_eq!(SegmentsFile::decode(&bytes).is_ok(), count == 0);
        }
    }
}
