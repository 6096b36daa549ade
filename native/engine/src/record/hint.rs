//! The hint block of a sealed segment: its keys without their values, so that an index can be
//! rebuilt without reading the data. FORMAT.md draws it.
//!
//! Nothing depends on a hint: one that is torn, stale or damaged is ignored, and the segment's
//! records are read instead.

use std::sync::Arc;

use super::{Header, Kind, MAX_KEY, MAX_VALUE, u32_at, u64_at};
use crate::io::File;
use crate::log::Summary;

const MAGIC: u64 = 0x3154_4e48_4352_4546; // "FERCHNT1"
const VERSION: u32 = 1;
/// Length of the header; the entries follow it.
pub(crate) const LEN: usize = 128;
/// Longest LEB128 form of 64 bits.
const MAX_VARINT: usize = 10;

/// Which frames a segment has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Frames {
    /// Address at which they end.
    pub end: u64,
    /// Numbers of the first and of the last; 0 and 0 if there is none.
    pub first: u64,
    pub last: u64,
    /// Incarnation of the last.
    pub incarnation: u32,
}

/// What a hint says of its segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HintHeader {
    /// Identity of the store.
    pub log_id: u64,
    /// First address of the segment.
    pub start: u64,
    pub frames: Frames,
    /// Number of entries: records of every kind.
    pub entries: u64,
    pub summary: Summary,
    /// Length and checksum of the entries.
    pub body_len: u64,
    pub body_crc: u32,
}

impl HintHeader {
    fn encode(&self) -> [u8; LEN] {
        let mut out = [0u8; LEN];
        let words = [
            (16, self.log_id),
            (24, self.start),
            (32, self.frames.end),
            (40, self.frames.first),
            (48, self.frames.last),
            (64, self.entries),
            (72, self.summary.records),
            (80, self.summary.bytes),
            (88, self.summary.min_sequence),
            (96, self.summary.max_sequence),
            (104, self.body_len),
            (120, self.summary.tombstones),
        ];
        out[0..8].copy_from_slice(&MAGIC.to_le_bytes());
        out[12..16].copy_from_slice(&VERSION.to_le_bytes());
        words.iter().for_each(|(at, word)| out[*at..at + 8].copy_from_slice(&word.to_le_bytes()));
        out[56..60].copy_from_slice(&self.frames.incarnation.to_le_bytes());
        out[112..116].copy_from_slice(&self.body_crc.to_le_bytes());
        let crc = crc32c::crc32c(&out[12..]);
        out[8..12].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads the header at `at` of a file; `None` if there is no intact one.
    pub(crate) fn read(file: &Arc<dyn File>, at: u64) -> Option<HintHeader> {
        let mut head = [0u8; LEN];
        file.read_exact_at(&mut head, at).ok()?;
        HintHeader::decode(&head)
    }

    /// Reads a header; `None` if these bytes are none that this version knows.
    pub(crate) fn decode(bytes: &[u8]) -> Option<HintHeader> {
        let bytes = bytes.get(..LEN)?;
        let intact = u64_at(bytes, 0) == MAGIC && crc32c::crc32c(&bytes[12..]) == u32_at(bytes, 8);
        if !intact || u32_at(bytes, 12) != VERSION {
            return None;
        }
        let frames = Frames {
            end: u64_at(bytes, 32),
            first: u64_at(bytes, 40),
            last: u64_at(bytes, 48),
            incarnation: u32_at(bytes, 56),
        };
        let summary = Summary {
            end: frames.end,
            records: u64_at(bytes, 72),
            tombstones: u64_at(bytes, 120),
            bytes: u64_at(bytes, 80),
            min_sequence: u64_at(bytes, 88),
            max_sequence: u64_at(bytes, 96),
        };
        Some(HintHeader {
            log_id: u64_at(bytes, 16),
            start: u64_at(bytes, 24),
            frames,
            entries: u64_at(bytes, 64),
            summary,
            body_len: u64_at(bytes, 104),
            body_crc: u32_at(bytes, 112),
        })
    }
}

/// Makes a hint, record by record.
#[derive(Default)]
pub(crate) struct HintWriter {
    body: Vec<u8>,
    entries: u64,
    summary: Summary,
    /// Offset and sequence of the record before.
    last: (u64, u64),
}

impl HintWriter {
    /// Adds the record `offset` bytes behind the segment's first address. `value_for_spaces` is the
    /// value of a `Spaces` record and is not looked at for others. Records come in any order,
    /// but take least room in the order of their offsets.
    pub(crate) fn add(
        &mut self,
        offset: u64,
        header: &Header,
        key: &[u8],
        value_for_spaces: &[u8],
    ) {
        let (last_offset, last_sequence) = self.last;
        self.last = (offset, header.sequence);
        let body = &mut self.body;
        put_signed(body, (offset / 8).wrapping_sub(last_offset / 8));
        put_signed(body, header.sequence.wrapping_sub(last_sequence));
        body.extend_from_slice(&[header.kind as u8, header.tag]);
        put(body, u64::from(header.space));
        put(body, header.expiry_ms);
        put(body, key.len() as u64);
        put(body, u64::from(header.value_len));
        body.extend_from_slice(key);
        if header.kind == Kind::Spaces {
            body.extend_from_slice(value_for_spaces);
        }
        self.count(header);
    }

    fn count(&mut self, header: &Header) {
        self.summary.add(header, self.entries == 0);
        self.entries += 1;
    }

    /// The whole block, and what is in the segment that begins at `start`.
    pub(crate) fn finish(self, log_id: u64, start: u64, frames: Frames) -> (Vec<u8>, Summary) {
        let summary = Summary { end: frames.end, ..self.summary };
        let header = HintHeader {
            log_id,
            start,
            frames,
            entries: self.entries,
            summary,
            body_len: self.body.len() as u64,
            body_crc: crc32c::crc32c(&self.body),
        };
        let mut block = Vec::with_capacity(LEN + self.body.len());
        block.extend_from_slice(&header.encode());
        block.extend_from_slice(&self.body);
        (block, summary)
    }
}

/// An intact hint.
pub(crate) struct Hint {
    pub header: HintHeader,
    body: Vec<u8>,
}

/// A record as a hint describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HintEntry<'a> {
    /// Behind the segment's first address.
    pub offset: u64,
    pub header: Header,
    pub key: &'a [u8],
    /// Where the key is in [`Hint::body`].
    pub key_at: usize,
    /// Of `Spaces` records only; else empty.
    pub value: &'a [u8],
}

/// How far the entries of a hint have been read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cursor {
    /// Entries read, and their bytes.
    read: u64,
    at: usize,
    /// Offset and sequence of the last one.
    last: (u64, u64),
}

impl Hint {
    /// Reads the hint at `at` of a file: of store `log_id`, of the segment that begins at `start`;
    /// `None` if there is no intact one. Takes no more memory than the file has bytes.
    pub(crate) fn load(file: &Arc<dyn File>, at: u64, log_id: u64, start: u64) -> Option<Hint> {
        let room = file.len().ok()?.checked_sub(at)?.checked_sub(LEN as u64)?;
        let header = HintHeader::read(file, at)?;
        if (header.log_id, header.start) != (log_id, start) || header.body_len > room {
            return None;
        }
        let mut body = vec![0u8; usize::try_from(header.body_len).ok()?];
        file.read_exact_at(&mut body, at + LEN as u64).ok()?;
        (crc32c::crc32c(&body) == header.body_crc).then_some(Hint { header, body })
    }

    /// Visits all entries.
    ///
    /// # Errors
    /// The entries are not what the header says; some have been visited.
    pub(crate) fn each(&self, mut visit: impl FnMut(HintEntry<'_>)) -> Result<(), &'static str> {
        let mut cursor = Cursor::default();
        while let Some(entry) = self.next(&mut cursor)? {
            visit(entry);
        }
        Ok(())
    }

    /// The entry at the cursor, which moves on; `None` behind the last one.
    ///
    /// # Errors
    /// The entries are not what the header says.
    pub(crate) fn next(&self, cursor: &mut Cursor) -> Result<Option<HintEntry<'_>>, &'static str> {
        let mut rest = self.body.get(cursor.at..).unwrap_or_default();
        if cursor.read == self.header.entries {
            let whole = rest.is_empty();
            return if whole { Ok(None) } else { Err("bytes behind the last hint entry") };
        }
        let entry = HintEntry::read(&mut rest, cursor.last).ok_or("a hint entry makes no sense")?;
        cursor.at = self.body.len() - rest.len();
        cursor.read += 1;
        cursor.last = (entry.offset, entry.header.sequence);
        let key_at = cursor.at - entry.value.len() - entry.key.len();
        Ok(Some(HintEntry { key_at, ..entry }))
    }

    /// The bytes of all entries.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }
}

impl<'a> HintEntry<'a> {
    /// Takes an entry from the front of `rest`; `last` is offset and sequence of the one before.
    /// Where its key is remains to be told.
    fn read(rest: &mut &'a [u8], last: (u64, u64)) -> Option<HintEntry<'a>> {
        let offset = (last.0 / 8).wrapping_add(get_signed(rest)?).checked_mul(8)?;
        let sequence = last.1.wrapping_add(get_signed(rest)?);
        let kind = Kind::from_byte(take(rest, 1)?[0])?;
        let tag = take(rest, 1)?[0];
        let space = u32::try_from(get(rest)?).ok()?;
        let expiry_ms = get(rest)?;
        let key_len = usize::try_from(get(rest)?).ok().filter(|len| *len <= MAX_KEY)?;
        let value_len = usize::try_from(get(rest)?).ok().filter(|len| *len <= MAX_VALUE)?;
        let key = take(rest, key_len)?;
        let value = if kind == Kind::Spaces { take(rest, value_len)? } else { &[] };
        let (key_len, value_len) = (key_len as u32, value_len as u32);
        let header = Header { key_len, value_len, space, sequence, kind, tag, expiry_ms };
        Some(HintEntry { offset, header, key, key_at: 0, value })
    }
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (part, behind) = rest.split_at_checked(len)?;
    *rest = behind;
    Some(part)
}

/// LEB128 (DWARF 4, §7.6): seven bits a byte, lowest first, the top bit says that more follow.
fn put(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn get(rest: &mut &[u8]) -> Option<u64> {
    let mut n = 0u64;
    for step in 0..MAX_VARINT {
        let byte = take(rest, 1)?[0];
        let bits = u64::from(byte & 0x7f);
        if step == MAX_VARINT - 1 && bits > 1 {
            return None;
        }
        n |= bits << (7 * step);
        if byte < 0x80 {
            return Some(n);
        }
    }
    None
}

/// A difference of either sign: the sign goes to the lowest bit, so that small ones stay short.
fn put_signed(out: &mut Vec<u8>, n: u64) {
    put(out, (n << 1) ^ ((n as i64 >> 63) as u64));
}

fn get_signed(rest: &mut &[u8]) -> Option<u64> {
    let n = get(rest)?;
    Some((n >> 1) ^ (n & 1).wrapping_neg())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::sim::SimIo;
    use crate::io::{Io, OpenMode};
    use proptest::prelude::*;
    use std::path::Path;

    fn file(bytes: &[u8], at: u64) -> Arc<dyn File> {
        let file = SimIo::new().open(Path::new("/f"), OpenMode::Create).unwrap();
        file.write_all_at(bytes, at).unwrap();
        file
    }

    fn header() -> impl Strategy<Value = (u64, Header, Vec<u8>)> {
        let kind = prop_oneof![Just(Kind::Put), Just(Kind::Delete), Just(Kind::Spaces)];
        let key = proptest::collection::vec(any::<u8>(), 0..40);
        (0u64..1 << 36, kind, key, any::<(u32, u8, u64)>(), 0u64..1 << 48, 0u32..20).prop_map(
            |(offset, kind, key, (space, tag, expiry_ms), sequence, value_len)| {
                let key_len = key.len() as u32;
                let header = Header { key_len, value_len, space, sequence, kind, tag, expiry_ms };
                (offset * 8, header, key)
            },
        )
    }

    fn frames() -> Frames {
        Frames { end: 77 << 12, first: 3, last: 9, incarnation: 2 }
    }

    fn block(records: &[(u64, Header, Vec<u8>)]) -> (Vec<u8>, Summary) {
        let mut writer = HintWriter::default();
        for (offset, header, key) in records {
            writer.add(*offset, header, key, &vec![7; header.value_len as usize]);
        }
        writer.finish(5, 1 << 16, frames())
    }

    proptest! {
        #[test]
        fn round_trip(records in proptest::collection::vec(header(), 0..20), at in 0u64..9000) {
            let (block, summary) = block(&records);
            let hint = Hint::load(&file(&block, at), at, 5, 1 << 16).expect("intact");
            prop_assert_eq!((hint.header.frames, hint.header.summary), (frames(), summary));
            let mut left = records.iter();
            hint.each(|entry| {
                let (offset, header, key) = left.next().expect("no more than were added");
                assert_eq!((entry.offset, entry.header, entry.key), (*offset, *header, &key[..]));
                assert_eq!(&hint.body()[entry.key_at..][..key.len()], &key[..]);
                let value = if header.kind == Kind::Spaces { header.value_len } else { 0 };
                assert_eq!(entry.value, vec![7; value as usize]);
            }).expect("whole");
            prop_assert!(left.next().is_none());
            let about_keys = records.iter().filter(|(_, header, _)| header.kind != Kind::Spaces);
            prop_assert_eq!(summary.records, about_keys.count() as u64);
            let lowest = records.iter().map(|(_, header, _)| header.sequence).min();
            prop_assert_eq!(summary.min_sequence, lowest.unwrap_or(0));
            prop_assert!(Hint::load(&file(&block, at), at, 6, 1 << 16).is_none());
            prop_assert!(Hint::load(&file(&block, at), at, 5, 2 << 16).is_none());
        }

        #[test]
        fn every_flipped_bit_is_noticed(records in proptest::collection::vec(header(), 0..5), bit: usize) {
            let (mut block, _) = block(&records);
            let bit = bit % (block.len() * 8);
            block[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(Hint::load(&file(&block, 0), 0, 5, 1 << 16).is_none());
        }

        #[test]
        fn any_entries_are_read_without_panic(
            body in proptest::collection::vec(any::<u8>(), 0..200), entries in 0u64..100,
        ) {
            let (block, _) = block(&[]);
            let header = HintHeader { entries, ..HintHeader::decode(&block).expect("intact") };
            let _ = Hint { header, body }.each(|_| {});
        }

        #[test]
        fn any_bytes_are_no_hint(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Hint::load(&file(&bytes, 0), 0, 5, 1 << 16).is_none());
        }

        #[test]
        fn a_cut_off_hint_is_none(records in proptest::collection::vec(header(), 1..5), cut: usize) {
            let (block, _) = block(&records);
            let cut = cut % block.len();
            prop_assert!(Hint::load(&file(&block[..cut], 0), 0, 5, 1 << 16).is_none());
        }
    }
}
