//! Reads all of a store and verifies it.

use std::collections::BTreeSet;
use std::collections::hash_map::{Entry, HashMap};
use std::hash::{BuildHasher, Hasher};
use std::ops::Range;
use std::path::Path;

use xxhash_rust::xxh3::xxh3_128;

use super::chains;
use super::checkpoint::verify_all;
use super::layout::{Layout, SMALLEST_RECORD, SegmentFile};
use super::meter::Meter;
use super::report::{CheckReport, Meaning};
use super::segment::{Chain, Reader, Run, Seen, Visit, Walked, key_hash};
use super::window::Window;
use crate::access::keyspace::SpaceTable;
use crate::chains::follow::Start;
use crate::error::OpenError;
use crate::io::Io;
use crate::log::Summary;
use crate::log::files::LIST;
use crate::record::delta::Member;
use crate::record::frame::BLOCK;
use crate::record::hint::{Frames, Hint, HintHeader, LEN as HINT_HEADER};
use crate::record::{HEADER as RECORD_HEADER, Header, Kind};

/// Incarnations of key spaces that are told apart: each flush makes one.
const MAX_SPACES: usize = 1 << 20;
/// Memory of one key while keys are counted.
const COUNTED_KEY: u64 = 80;
/// A longer hint block is not read: an honest one has a part of its segment, without the values.
const MAX_HINT: u64 = 1 << 30;

/// A store that has been read.
pub(super) struct Inspection {
    pub report: CheckReport,
    /// `None` when nothing says whose segments these are.
    pub layout: Option<Layout>,
    /// Where each segment has intact records.
    pub runs: Vec<Vec<Run>>,
    /// Keys the hashes of the records.
    pub seed: u64,
    /// Records about keys.
    pub key_records: u64,
    /// The newest intact table of key spaces, with its sequence number.
    pub table: Option<(u64, SpaceTable)>,
    /// Incarnations of key spaces that have records, as far as they are not too many.
    pub spaces: BTreeSet<u32>,
}

/// Reads everything below `dir` and verifies it.
///
/// # Errors
/// The directory cannot be read. Damage is no error but goes to the report.
pub(super) fn inspect(
    io: &dyn Io,
    dir: &Path,
    memory: u64,
    now_ms: u64,
    meter: &Meter<'_>,
) -> Result<Inspection, OpenError> {
    let mut report = CheckReport::default();
    let layout = Layout::take(io, dir, &mut report)?;
    let mut inspector = Inspector {
        report,
        seed: std::collections::hash_map::RandomState::new().build_hasher().finish(),
        keys: Some(HashMap::new()),
        most_keys: memory / COUNTED_KEY,
        key_records: 0,
        log_end: 0,
        table: None,
        spaces: BTreeSet::new(),
        runs: Vec::new(),
    };
    if let Some(layout) = &layout {
        let total = layout.segments.iter().map(|segment| segment.file_len).sum();
        meter.begin("reading", total);
        inspector.log_end =
            verify_all(io, layout, &mut inspector.report).map_or(0, |newest| newest.end);
        inspector.segments(layout, meter);
        inspector.chains(layout, now_ms);
    }
    let live = inspector.live_keys();
    let Inspector { mut report, seed, key_records, table, runs, spaces, .. } = inspector;
    report.live_keys = live;
    report.damages.sort_by(|a, b| (&a.file, a.offset).cmp(&(&b.file, b.offset)));
    Ok(Inspection { report, layout, runs, seed, key_records, table, spaces })
}

/// A key's newest record so far, while keys are counted.
struct Newest {
    space: u32,
    sequence: u64,
    live: bool,
    /// The record, if it belongs to a chain.
    chain: Option<Member>,
}

struct Inspector {
    report: CheckReport,
    seed: u64,
    /// `None` once they are too many.
    keys: Option<HashMap<u128, Newest>>,
    most_keys: u64,
    key_records: u64,
    /// The log was durable up to here when the newest checkpoint was taken.
    log_end: u64,
    table: Option<(u64, SpaceTable)>,
    spaces: BTreeSet<u32>,
    runs: Vec<Vec<Run>>,
}

impl Inspector {
    fn segments(&mut self, layout: &Layout, meter: &Meter<'_>) {
        let mut chain = Chain::default();
        let mut expected_id = 0;
        let mut done = 0;
        for (at, segment) in layout.segments.iter().enumerate() {
            if segment.merged {
                chain = Chain::default();
            } else if segment.id != expected_id || segment.id == 0 {
                chain.gap = segment.id != 0;
            }
            expected_id = segment.next_id();
            let next = layout.segments.get(at + 1);
            let next = next.filter(|next| !next.merged && !segment.merged);
            let walked = self.segment(layout, segment, next, &mut chain, (meter, done));
            if !segment.merged && next.is_none() {
                self.report.clean_close = walked.closed && !walked.torn;
            }
            self.runs.push(walked.runs);
            done += segment.file_len;
            meter.reach(done);
        }
    }

    fn segment(
        &mut self,
        layout: &Layout,
        segment: &SegmentFile,
        next: Option<&SegmentFile>,
        chain: &mut Chain,
        (meter, done): (&Meter<'_>, u64),
    ) -> Walked {
        self.report.totals.bytes += segment.file_len;
        match segment.merged {
            true => self.report.totals.merged_segments += 1,
            false => self.report.totals.log_segments += 1,
        }
        let start = segment.start(layout.shift);
        let len = segment.file_len.min(segment.covered(layout.shift));
        let hint = self.hint(layout, segment);
        let end = self.frames_end(layout, segment, next, hint.as_ref());
        // Addresses of merged segments are beyond all of the log's.
        let at_least = self.log_end.saturating_sub(start).min(len);
        let window = Window::new(&*segment.file, len);
        let mut reader = Reader::new(window, layout.log_id, start, self.seed);
        let mut tally = Tally {
            of: self,
            segment,
            meter,
            done,
            start,
            records: 0,
            fingerprint: 0,
            damaged: (0, 0),
            summary: Summary::default(),
        };
        let walked = reader.walk(end, at_least, chain, &mut tally);
        let Tally { records, fingerprint, damaged, mut summary, .. } = tally;
        summary.end = walked.frames.end;
        self.report.totals.frames += walked.count;
        if walked.torn {
            let name = segment.path.file_name().unwrap_or_default().to_string_lossy();
            let offset = walked.frames.end - start;
            self.report.note(format!(
                "{name}, offset {offset}: a write that a crash has cut short; it was never confirmed"
            ));
        }
        if damaged.0 > 0 {
            self.note_loss(damaged, hint.as_ref().map(|hint| hint.header.entries), records);
        } else {
            self.compare_list(layout, segment, &summary);
            if let Some(hint) = &hint {
                let found = Found { frames: walked.frames, records, fingerprint, summary };
                self.compare(segment, layout.shift, hint, &found);
            }
        }
        walked
    }

    /// An intact hint knows how many records there were.
    fn note_loss(&mut self, (ranges, bytes): (u64, u64), entries: Option<u64>, records: u64) {
        let by_size = bytes / SMALLEST_RECORD;
        let loss = &mut self.report.loss;
        loss.ranges += ranges;
        loss.bytes += bytes;
        loss.records += entries.map_or(by_size, |entries| entries.saturating_sub(records));
    }

    /// The segment's hint, if it has an intact one; damage to it is reported.
    fn hint(&mut self, layout: &Layout, segment: &SegmentFile) -> Option<Hint> {
        let at = segment.covered(layout.shift);
        let len = segment.file_len.checked_sub(at).filter(|len| *len > 0)?;
        let start = segment.start(layout.shift);
        let mut head = [0u8; HINT_HEADER];
        let read = segment.file.read_exact_at(&mut head, at);
        let header = read.ok().and_then(|()| HintHeader::decode(&head));
        let fits = header.is_some_and(|header| header.body_len <= MAX_HINT);
        let hint = fits.then(|| Hint::load(&segment.file, at, layout.log_id, start)).flatten();
        match hint {
            Some(hint) => {
                self.report.totals.hints += 1;
                Some(hint)
            }
            None => {
                let what = "the hint block is damaged, or a crash has cut it short";
                self.report.damage(&segment.path, (at, len), what, Meaning::Harmless);
                None
            }
        }
    }

    /// Where the segment's frames end, by what else says so. `None` in the last one of the log.
    fn frames_end(
        &mut self,
        layout: &Layout,
        segment: &SegmentFile,
        next: Option<&SegmentFile>,
        hint: Option<&Hint>,
    ) -> Option<u64> {
        let start = segment.start(layout.shift);
        let covered = segment.covered(layout.shift);
        let next = next.filter(|next| next.id == segment.next_id());
        let by_next = next.and_then(|next| next.header).map(|header| header.previous_end);
        let by_list = segment.listed.and_then(|listed| listed.summary).map(|summary| summary.end);
        let by_hint = hint.map(|hint| hint.header.frames.end);
        let sources =
            [("the next segment", by_next), ("the list", by_list), ("the hint block", by_hint)];
        let mut end: Option<(&str, u64)> = None;
        for (source, address) in sources {
            let Some(address) = address else { continue };
            let offset = address.wrapping_sub(start);
            if !(BLOCK..=covered).contains(&offset) || !offset.is_multiple_of(BLOCK) {
                let what =
                    format!("by {source} its frames end at {address:#x}, which is elsewhere");
                self.report.damage(&segment.path, (0, 0), what, Meaning::Records);
                continue;
            }
            match end {
                None => end = Some((source, offset)),
                Some((other, known)) if known != offset => {
                    let what =
                        format!("its frames end here by {other}, and at {offset} by {source}");
                    self.report.damage(&segment.path, (known, 0), what, Meaning::Records);
                }
                Some(_) => {}
            }
        }
        // A segment that has a successor, or was merged, is complete.
        let complete = segment.merged.then(|| segment.file_len.min(covered) & !(BLOCK - 1));
        end.map(|(_, offset)| offset).or(complete)
    }

    /// Holds what the list of segments says against the records.
    fn compare_list(&mut self, layout: &Layout, segment: &SegmentFile, summary: &Summary) {
        let listed = segment.listed.and_then(|listed| listed.summary);
        if listed.is_some_and(|listed| listed != *summary) {
            let name = segment.path.file_name().unwrap_or_default().to_string_lossy();
            let what = format!("what it says of {name} does not agree with the records");
            self.report.damage(&layout.dir.join(LIST), (0, 0), what, Meaning::Records);
        }
    }

    /// Holds an intact hint against the records.
    fn compare(&mut self, segment: &SegmentFile, shift: u32, hint: &Hint, found: &Found) {
        let (mut sum, seed) = (0u128, self.seed);
        let each = hint.each(|entry| {
            let hash = key_hash(seed, entry.header.space, entry.key);
            sum = sum.wrapping_add(print(entry.offset, &entry.header, hash));
        });
        let header = &hint.header;
        let agrees = each.is_ok()
            && (header.entries, header.frames) == (found.records, found.frames)
            && (header.summary, sum) == (found.summary, found.fingerprint);
        if !agrees {
            let place = (segment.covered(shift), HINT_HEADER as u64 + header.body_len);
            let what = "the hint block does not agree with the records";
            self.report.damage(&segment.path, place, what, Meaning::Records);
        }
    }

    fn count(&mut self, address: u64, seen: &Seen) {
        self.report.totals.records += 1;
        let header = &seen.header;
        if header.kind == Kind::Spaces {
            let table = seen.table.as_deref().and_then(SpaceTable::decode);
            let newest = self.table.as_ref().is_none_or(|(known, _)| *known <= header.sequence);
            if let (Some(table), true) = (table, newest) {
                self.table = Some((header.sequence, table));
            }
            return;
        }
        if header.kind == Kind::BasePart {
            // It says nothing about its key.
            return;
        }
        self.key_records += 1;
        if self.spaces.len() < MAX_SPACES {
            self.spaces.insert(header.space);
        }
        let Some(keys) = &mut self.keys else { return };
        let (space, sequence) = (header.space, header.sequence);
        let live = header.kind != Kind::Delete;
        let in_chain = matches!(header.kind, Kind::Delta | Kind::Base);
        let chain = in_chain.then(|| Member::new(address, header.total_len()));
        let this = Newest { space, sequence, live, chain };
        match keys.entry(seen.hash) {
            Entry::Vacant(vacant) => drop(vacant.insert(this)),
            Entry::Occupied(mut known) if known.get().sequence <= sequence => {
                known.insert(this);
            }
            Entry::Occupied(_) => {}
        }
        if keys.len() as u64 > self.most_keys {
            self.keys = None;
        }
    }

    /// The newest records of the keys that have a value.
    fn live(&self) -> Option<impl Iterator<Item = &Newest>> {
        let exists = |space: u32| match &self.table {
            Some((_, table)) => space >= table.next || table.ids.contains(&space),
            None => true,
        };
        Some(self.keys.as_ref()?.values().filter(move |key| key.live && exists(key.space)))
    }

    fn live_keys(&self) -> Option<u64> {
        if self.report.loss.ranges > 0 {
            return None;
        }
        Some(self.live()?.count() as u64)
    }

    /// Follows the chains of the keys that have a value.
    fn chains(&mut self, layout: &Layout, now_ms: u64) {
        let start = |key: &Newest| Some(Start { newest: key.chain?, space: key.space });
        let Some(starts) = self.live().map(|live| live.filter_map(start).collect::<Vec<_>>())
        else {
            let what = "the keys are too many for the memory: whether values of several records are \
                        complete has not been checked";
            return self.report.note(what);
        };
        chains::check(layout, &starts, now_ms, &mut self.report);
    }
}

/// What makes a hint's entry and a record the same, as a number. Sums of them are equal, as good as
/// certain, if the sets are.
fn print(offset: u64, header: &Header, hash: u128) -> u128 {
    let mut bytes = [0u8; 24 + RECORD_HEADER];
    bytes[..8].copy_from_slice(&offset.to_le_bytes());
    bytes[8..24].copy_from_slice(&hash.to_le_bytes());
    bytes[24..].copy_from_slice(&header.encode());
    xxh3_128(&bytes)
}

/// What an intact segment contains.
struct Found {
    frames: Frames,
    records: u64,
    /// Sum of the records' prints, see [`print`].
    fingerprint: u128,
    summary: Summary,
}

/// Collects what is found in one segment.
struct Tally<'t, 'm, 's> {
    of: &'t mut Inspector,
    segment: &'t SegmentFile,
    meter: &'m Meter<'s>,
    /// Bytes of the segments before.
    done: u64,
    /// Address of the segment.
    start: u64,
    records: u64,
    fingerprint: u128,
    /// Damaged ranges and their bytes.
    damaged: (u64, u64),
    summary: Summary,
}

impl Visit for Tally<'_, '_, '_> {
    fn record(&mut self, offset: u64, seen: &Seen) {
        self.summary.add(&seen.header, self.records == 0);
        self.records += 1;
        self.fingerprint = self.fingerprint.wrapping_add(print(offset, &seen.header, seen.hash));
        self.of.count(self.start + offset, seen);
    }

    fn damage(&mut self, range: Range<u64>, what: String) {
        let len = range.end - range.start;
        self.damaged = (self.damaged.0 + 1, self.damaged.1 + len);
        self.of.report.damage(&self.segment.path, (range.start, len), what, Meaning::Records);
    }

    fn harmless(&mut self, range: Range<u64>, what: &str) {
        let place = (range.start, range.end - range.start);
        self.of.report.damage(&self.segment.path, place, what, Meaning::Harmless);
    }

    fn reached(&mut self, offset: u64) {
        self.meter.reach(self.done + offset);
    }
}
