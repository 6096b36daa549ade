//! Reads of a sealed segment what its hint does not say: the values that are needed.
//!
//! A hint has the key and the header of each record, under checksums of its own. That is all it
//! takes to judge them, so what is not needed is neither read nor verified, and a segment without
//! anything that is needed is not read at all. What is copied has been verified, and is what the
//! hint says it is.

use std::sync::Arc;

use super::reader::{Found, ReadFailure};
use super::survey::Known;
use super::verdict::{Judge, Verdict};
use crate::io::File;
use crate::record::hint::{Cursor, Hint, HintHeader, LEN};
use crate::record::{Header, Kind, View};
use crate::tier::fetch::Place;

/// Records judged at a time.
const GROUP: usize = 4096;
/// Entries looked at for a group: so that a pause does not wait for many that need no verdict.
const LOOKED_AT: usize = 64 * GROUP;
/// Bytes read at a time, but for longer records.
const PIECE: u64 = 1 << 20;
/// So many bytes that are not needed are read along rather than beginning another read behind them.
const GAP: u64 = 16 << 10;

/// A segment by its hint.
pub(super) struct Hinted {
    file: Arc<dyn File>,
    /// First address.
    start: u64,
    /// Where its frames end.
    end: u64,
    /// Whether an entry points to one of its records, or a chain has one.
    is_live: bool,
    /// `None` if its header has already said that nothing is needed.
    hint: Option<Hint>,
    cursor: Cursor,
}

impl Hinted {
    /// The segment `input` of the store `log_id`, which is at `place`; `None` if it has no intact hint.
    pub(super) fn open(
        place: &Place,
        log_id: u64,
        input: &Known,
        judge: &Judge<'_>,
    ) -> Option<Hinted> {
        let (file, start, summary) = (Arc::clone(&place.file), input.start, input.summary);
        let header = HintHeader::read(&file, place.end)?;
        if (header.log_id, header.start, header.summary) != (log_id, start, summary) {
            return None;
        }
        let is_live = input.live.records > 0;
        // Entries that are about no key are tables of key spaces.
        let says_nothing = header.entries == summary.records
            && !is_live
            && judge.is_droppable(summary.max_sequence);
        let hint = match says_nothing {
            true => None,
            false => Some(Hint::load(&file, place.end, log_id, start)?),
        };
        Some(Hinted { file, start, end: summary.end, is_live, hint, cursor: Cursor::default() })
    }

    /// Bytes of the hint that have been read.
    pub(super) fn hint_bytes(&self) -> u64 {
        (LEN + self.keys().len()) as u64
    }

    /// The bytes that the keys of the records are in.
    pub(super) fn keys(&self) -> &[u8] {
        self.hint.as_ref().map_or(&[], Hint::body)
    }

    /// Replaces `found` by the records that come next and have to be judged, perhaps none; false at
    /// the end. `spaces` is given the tables of key spaces on the way.
    ///
    /// # Errors
    /// The hint makes no sense, though its checksum fits.
    pub(super) fn next_group(
        &mut self,
        judge: &Judge<'_>,
        found: &mut Vec<Found>,
        mut spaces: impl FnMut(&Header, &[u8]),
    ) -> Result<bool, ReadFailure> {
        found.clear();
        let Some(hint) = &self.hint else { return Ok(false) };
        for looked_at in 0..LOOKED_AT {
            let entry = hint.next(&mut self.cursor);
            let entry = entry.map_err(|what| self.damage(self.start, what))?;
            let Some(entry) = entry else { return Ok(looked_at > 0) };
            let end = entry.offset.checked_add(entry.header.total_len());
            if end.is_none_or(|end| end > self.end - self.start) {
                return Err(self.damage(self.start, "the hint has a record beyond the end"));
            }
            if entry.header.kind == Kind::Spaces {
                spaces(&entry.header, entry.value);
            }
            if judge.may_be_needed(&entry.header, self.is_live) {
                found.push(Found::new(self.start + entry.offset, entry.header, entry.key_at));
            }
            if found.len() == GROUP {
                break;
            }
        }
        Ok(true)
    }

    fn damage(&self, address: u64, what: &'static str) -> ReadFailure {
        ReadFailure::Damage { offset: address - self.start, what }
    }
}

/// Whether a record's value has to be read: it is copied.
pub(super) fn needs_value(record: &Found) -> bool {
    record.verdict == Verdict::Copy && record.header.kind != Kind::Delete
}

/// Values that stand close together, read at once.
#[derive(Default)]
pub(super) struct Run {
    bytes: Vec<u8>,
    /// Address of the first byte.
    from: u64,
}

impl Run {
    /// Whether the record is in it.
    pub(super) fn covers(&self, record: &Found) -> bool {
        let end = record.address + record.header.total_len();
        self.from <= record.address && end <= self.from + self.bytes.len() as u64
    }

    /// Reads the first of `records`, and those whose values are needed as well behind it, as far as
    /// they are near.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn load(&mut self, of: &Hinted, records: &[Found]) -> Result<u64, ReadFailure> {
        let mut wanted = records.iter().filter(|record| needs_value(record));
        let Some(first) = wanted.next() else { return Ok(0) };
        self.from = first.address;
        let mut end = first.address + first.header.total_len();
        for next in wanted {
            let next_end = next.address + next.header.total_len();
            let is_near = next.address >= end && next.address - end <= GAP;
            if !is_near || next_end - self.from > PIECE {
                break;
            }
            end = next_end;
        }
        let len = end - self.from;
        self.bytes.clear();
        // Not to keep the memory of a huge record for ever.
        self.bytes.shrink_to(len.max(PIECE) as usize);
        self.bytes.resize(len as usize, 0);
        of.file.read_exact_at(&mut self.bytes, self.from - of.start).map_err(ReadFailure::Io)?;
        Ok(len)
    }

    /// The value of a record that is in it.
    ///
    /// # Errors
    /// The record is damaged, or not the one that the hint means.
    pub(super) fn value(&self, of: &Hinted, record: &Found) -> Result<&[u8], ReadFailure> {
        let damaged = |what| of.damage(record.address, what);
        let bytes = &self.bytes[(record.address - self.from) as usize..];
        let view = View::read(bytes, record.address).map_err(damaged)?;
        if (view.header, view.key) != (record.header, record.key(of.keys())) {
            return Err(damaged("the record is not the one that the hint means"));
        }
        Ok(view.value)
    }
}
