//! Reads one segment, intact or not.

use std::ops::Range;

use xxhash_rust::xxh3::Xxh3;

use super::window::{Unreadable, Window};
use crate::record::compressed::decompress;
use crate::record::delta::{Base, DeltaHead};
use crate::record::frame::{BLOCK, Body, FLAG_CLOSE, Frame, HEADER as FRAME_HEADER};
use crate::record::hint::Frames;
use crate::record::segment_header::LEN as HEADER_LEN;
use crate::record::{ALIGN, HEADER, Header, Kind, MAX_VALUE, u32_at};

/// Longest value of a table of key spaces: 65,536 of them, and the number in front.
const MAX_TABLE: u64 = 4 * 65_537;
/// How often the bytes of a segment are verified at most, in the search for intact records: enough
/// for any accident, and a bound for files that were made to take long.
const PATIENCE: u64 = 16;

/// What is wrong, and where in the file.
#[derive(Debug)]
pub(super) struct Trouble {
    pub offset: u64,
    pub what: String,
}

impl Trouble {
    fn at(offset: u64, what: impl Into<String>) -> Trouble {
        Trouble { offset, what: what.into() }
    }
}

impl From<Unreadable> for Trouble {
    fn from(unreadable: Unreadable) -> Trouble {
        Trouble::at(unreadable.offset, unreadable.what())
    }
}

/// An intact record.
pub(super) struct Seen {
    pub header: Header,
    pub checksum: u32,
    /// Of its key space and key.
    pub hash: u128,
    /// The value of a table of key spaces.
    pub table: Option<Vec<u8>>,
}

fn begin_hash(seed: u64, space: u32) -> Xxh3 {
    let mut hash = Xxh3::with_seed(seed);
    hash.update(&space.to_le_bytes());
    hash
}

/// See [`Seen::hash`].
pub(super) fn key_hash(seed: u64, space: u32, key: &[u8]) -> u128 {
    let mut hash = begin_hash(seed, space);
    hash.update(key);
    hash.digest128()
}

/// How closely a record is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// All of it, by its checksum.
    Verify,
    /// Header and key, of a record that was verified before.
    Key,
}

/// A part of a segment's file that has intact records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub range: Range<u64>,
    /// Whole frames, one behind the other; else records somewhere in a damaged part.
    pub whole: bool,
}

/// Which frame comes next in the log.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Chain {
    last: u64,
    incarnation: u32,
    /// Frames may be missing before the next: a damaged part, or merged segments.
    pub gap: bool,
}

impl Chain {
    fn follows(&self, frame: &Frame) -> bool {
        let next = frame.number.checked_sub(1) == Some(self.last);
        let next = next || self.gap && frame.number > self.last;
        next && frame.incarnation >= self.incarnation
    }

    fn take(&mut self, frame: &Frame) {
        *self = Chain { last: frame.number, incarnation: frame.incarnation, gap: false };
    }
}

/// Is told what is found in a segment.
pub(super) trait Visit {
    /// An intact record.
    fn record(&mut self, offset: u64, record: &Seen);
    /// A damaged part.
    fn damage(&mut self, range: Range<u64>, what: String);
    /// Bytes that mean nothing are not as they were written.
    fn harmless(&mut self, range: Range<u64>, what: &str);
    /// All before this offset is done.
    fn reached(&mut self, offset: u64);
}

/// What a segment consists of.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub runs: Vec<Run>,
    pub frames: Frames,
    pub count: u64,
    /// The last frame says that the log was closed there.
    pub closed: bool,
    /// There is something behind the last frame that a crash may have left.
    pub torn: bool,
}

/// Reads the records of a segment's file.
pub(super) struct Reader<'f> {
    window: Window<'f>,
    log_id: u64,
    /// Address of the file's first byte.
    start: u64,
    seed: u64,
    /// Bytes that may still be verified.
    work: u64,
}

impl<'f> Reader<'f> {
    /// For the segment of store `log_id` that begins at address `start`; `seed` keys the hashes.
    pub(super) fn new(window: Window<'f>, log_id: u64, start: u64, seed: u64) -> Reader<'f> {
        let work = window.len().saturating_mul(PATIENCE).saturating_add(1 << 26);
        Reader { window, log_id, start, seed, work }
    }

    /// The record at `offset`, which ends at `limit` at the latest.
    ///
    /// # Errors
    /// There is no intact one.
    pub(super) fn record(&mut self, offset: u64, limit: u64, look: Look) -> Result<Seen, Trouble> {
        if limit.saturating_sub(offset) < HEADER as u64 {
            return Err(Trouble::at(offset, "record header cut short"));
        }
        let head: [u8; HEADER] = self.window.array(offset)?;
        let header =
            Header::decode(&head).ok_or_else(|| Trouble::at(offset, "not a record header"))?;
        if header.total_len() > limit - offset {
            return Err(Trouble::at(offset, "record cut short"));
        }
        self.spend(offset, header.total_len())?;
        let key_end = offset + HEADER as u64 + u64::from(header.key_len);
        let mut hash = begin_hash(self.seed, header.space);
        let mut crc = crc32c::crc32c(&(self.start + offset).to_le_bytes());
        crc = crc32c::crc32c_append(crc, &head[4..]);
        self.window.each_piece(offset + HEADER as u64, key_end, |piece| {
            hash.update(piece);
            crc = crc32c::crc32c_append(crc, piece);
        })?;
        let checksum = u32_at(&head, 0);
        let mut seen = Seen { header, checksum, hash: hash.digest128(), table: None };
        if look == Look::Verify {
            self.verify_value(offset, &mut seen, crc)?;
        }
        Ok(seen)
    }

    /// Verifies value and padding of a record whose checksum is `crc` so far.
    fn verify_value(&mut self, offset: u64, seen: &mut Seen, mut crc: u32) -> Result<(), Trouble> {
        let header = &seen.header;
        let value_at = offset + HEADER as u64 + u64::from(header.key_len);
        let end = value_at + u64::from(header.value_len);
        let is_table = header.kind == Kind::Spaces && u64::from(header.value_len) <= MAX_TABLE;
        let most = match header.kind {
            Kind::PutCompressed | Kind::Base => MAX_VALUE,
            Kind::Delta => DeltaHead::LEN,
            _ if is_table => MAX_TABLE as usize,
            _ => 0,
        };
        let mut kept = Vec::new();
        self.window.each_piece(value_at, end, |piece| {
            crc = crc32c::crc32c_append(crc, piece);
            let more = most.saturating_sub(kept.len()).min(piece.len());
            kept.extend_from_slice(&piece[..more]);
        })?;
        if crc != seen.checksum {
            return Err(Trouble::at(offset, "record checksum differs"));
        }
        let mut zero = true;
        self.window.each_piece(end, offset + header.total_len(), |piece| {
            zero &= piece.iter().all(|&byte| byte == 0);
        })?;
        if !zero {
            return Err(Trouble::at(end, "record padding is not zero"));
        }
        let wrong = match header.kind {
            Kind::PutCompressed => decompress(&kept, MAX_VALUE).err(),
            Kind::Delta if DeltaHead::decode(&kept).is_none() => Some("the delta makes no sense"),
            Kind::Base if Base::decode(&kept).is_none() => Some("the base makes no sense"),
            _ => None,
        };
        if let Some(what) = wrong {
            return Err(Trouble::at(value_at, what));
        }
        seen.table = is_table.then_some(kept);
        Ok(())
    }

    fn spend(&mut self, offset: u64, bytes: u64) -> Result<(), Trouble> {
        match self.work.checked_sub(bytes) {
            Some(left) => self.work = left,
            None => return Err(Trouble::at(offset, "too damaged to be searched further")),
        }
        Ok(())
    }

    /// Key and value, unpacked, of a record that was seen at `offset`, once more verified.
    ///
    /// # Errors
    /// It cannot be read any more.
    pub(super) fn content(&mut self, offset: u64) -> Result<(Header, Vec<u8>, Vec<u8>), Trouble> {
        let limit = self.window.len();
        let seen = self.record(offset, limit, Look::Verify)?;
        let key_at = offset + HEADER as u64;
        let value_at = key_at + u64::from(seen.header.key_len);
        let (mut key, mut value) = (Vec::new(), Vec::new());
        self.window.each_piece(key_at, value_at, |piece| key.extend_from_slice(piece))?;
        let end = value_at + u64::from(seen.header.value_len);
        self.window.each_piece(value_at, end, |piece| value.extend_from_slice(piece))?;
        if seen.header.kind == Kind::PutCompressed {
            value = decompress(&value, MAX_VALUE).map_err(|what| Trouble::at(value_at, what))?;
        }
        Ok((seen.header, key, value))
    }

    /// The header of the frame at `offset`, all of whose bytes are before `limit`.
    fn frame(&mut self, offset: u64, limit: u64) -> Result<Frame, Trouble> {
        let bytes: [u8; FRAME_HEADER as usize] = self.window.array(offset)?;
        let frame = Frame::decode(&bytes, self.log_id, self.start + offset)
            .ok_or_else(|| Trouble::at(offset, "no frame header"))?;
        if frame.len > limit - offset {
            return Err(Trouble::at(offset, "frame cut short"));
        }
        Ok(frame)
    }

    /// Visits the records of a frame.
    ///
    /// # Errors
    /// One of them, or the frame as a whole, is damaged; those before have been visited.
    fn frame_records(
        &mut self,
        offset: u64,
        frame: &Frame,
        look: Look,
        visit: &mut dyn FnMut(u64, &Seen),
    ) -> Result<(), Trouble> {
        let (mut at, end) = (offset + FRAME_HEADER, offset + frame.len);
        let mut body = Body::default();
        for _ in 0..frame.records {
            let seen = self.record(at, end, look)?;
            body.add(seen.checksum);
            visit(at, &seen);
            at += seen.header.total_len();
        }
        if at != end {
            return Err(Trouble::at(at, "frame has bytes after its last record"));
        }
        if body.finish() != frame.body {
            return Err(Trouble::at(offset, "frame checksum differs"));
        }
        Ok(())
    }

    /// The frame at `offset`, if all of it is intact.
    fn whole_frame(&mut self, offset: u64, limit: u64) -> Result<Frame, Trouble> {
        let frame = self.frame(offset, limit)?;
        self.frame_records(offset, &frame, Look::Verify, &mut |_, _| {})?;
        Ok(frame)
    }

    /// Goes through a segment whose frames end at the offset `end`, as something else in the store
    /// says; `None` if nothing does, as at the end of the log. Then they go `at_least` so far.
    pub(super) fn walk(
        &mut self,
        end: Option<u64>,
        at_least: u64,
        chain: &mut Chain,
        visit: &mut dyn Visit,
    ) -> Walked {
        let mut walked = Walked::default();
        if !self.is_zero(HEADER_LEN..BLOCK) {
            visit.harmless(HEADER_LEN..BLOCK, "what follows the segment header is not zero");
        }
        let mut at = self.walk_to(BLOCK, end, chain, visit, &mut walked);
        if let Some(end) = end {
            if at < end {
                visit.damage(at..end, "the segment is cut short".into());
                chain.gap = true;
            } else if let Ok(frame) = self.frame(at, self.window.len())
                && chain.follows(&frame)
            {
                visit.damage(at..at, "frames go on behind where they are said to end".into());
                at = self.walk_to(at, None, chain, visit, &mut walked);
            }
        }
        if end.is_none() && at < at_least {
            visit.damage(at..at_least, "the log ends before a checkpoint's end".into());
            self.search(at..at_least, &mut |offset, seen| visit.record(offset, seen));
            walked.runs.push(Run { range: at..at_least, whole: false });
            at = at_least;
        }
        walked.torn = end.is_none() && !self.is_zero(at..at + BLOCK);
        walked.frames.end = self.start + at;
        walked
    }

    fn walk_to(
        &mut self,
        mut at: u64,
        end: Option<u64>,
        chain: &mut Chain,
        visit: &mut dyn Visit,
        walked: &mut Walked,
    ) -> u64 {
        let limit = end.unwrap_or(u64::MAX).min(self.window.len());
        while at < limit {
            let trouble = match self.whole_frame(at, limit) {
                Ok(frame) if chain.follows(&frame) => {
                    at = self.take_frame(at, &frame, chain, visit, walked);
                    continue;
                }
                Ok(frame) => {
                    let what = format!("frame {} follows frame {}", frame.number, chain.last);
                    if end.is_some() {
                        visit.damage(at..at, what);
                        at = self.take_frame(at, &frame, chain, visit, walked);
                        continue;
                    }
                    Trouble::at(at, what)
                }
                Err(trouble) => trouble,
            };
            let next = self.next_frame(at, limit, chain, end.is_some());
            if next.is_none() && end.is_none() {
                break;
            }
            let to = next.unwrap_or(limit);
            // The damage is where it was noticed, the frame as a whole does not count.
            let from = trouble.offset.clamp(at, to);
            visit.damage(from..to, trouble.what);
            self.search(at..to, &mut |offset, seen| visit.record(offset, seen));
            walked.runs.push(Run { range: at..to, whole: false });
            chain.gap = true;
            at = to;
            visit.reached(at);
        }
        at
    }

    /// Visits an intact frame; where it ends.
    fn take_frame(
        &mut self,
        at: u64,
        frame: &Frame,
        chain: &mut Chain,
        visit: &mut dyn Visit,
        walked: &mut Walked,
    ) -> u64 {
        let mut record = |offset: u64, seen: &Seen| visit.record(offset, seen);
        if let Err(trouble) = self.frame_records(at, frame, Look::Verify, &mut record) {
            // Read a moment ago it was intact.
            visit.damage(trouble.offset..trouble.offset, trouble.what);
        }
        chain.take(frame);
        let to = frame.end() - self.start;
        if !self.is_zero(at + frame.len..to) {
            visit.harmless(at + frame.len..to, "what follows the frame's records is not zero");
        }
        match walked.runs.last_mut() {
            Some(run) if run.whole && run.range.end == at => run.range.end = to,
            _ => walked.runs.push(Run { range: at..to, whole: true }),
        }
        let frames = &mut walked.frames;
        if walked.count == 0 {
            frames.first = frame.number;
        }
        (frames.last, frames.incarnation) = (frame.number, frame.incarnation);
        walked.count += 1;
        walked.closed = frame.flags & FLAG_CLOSE != 0;
        visit.reached(to);
        to
    }

    /// Where behind the damage at `at` the next frame begins. If nothing says that there must be
    /// one, only one that was written when this place was durable already.
    fn next_frame(&mut self, at: u64, limit: u64, chain: &Chain, certain: bool) -> Option<u64> {
        let mut offset = at + BLOCK;
        while offset + FRAME_HEADER <= limit {
            if let Ok(bytes) = self.window.array::<{ FRAME_HEADER as usize }>(offset)
                && let Some(frame) = Frame::decode(&bytes, self.log_id, self.start + offset)
                && frame.number > chain.last
                && (certain || frame.durable_before > self.start + at)
            {
                return Some(offset);
            }
            offset += BLOCK;
        }
        None
    }

    /// Visits all intact records in a damaged part.
    fn search(&mut self, range: Range<u64>, visit: &mut dyn FnMut(u64, &Seen)) {
        let mut at = range.start;
        while at + HEADER as u64 <= range.end && self.work > 0 {
            match self.record(at, range.end, Look::Verify) {
                Ok(seen) => {
                    visit(at, &seen);
                    at += seen.header.total_len();
                }
                Err(_) => at += ALIGN,
            }
        }
    }

    /// Goes through the frames by their headers, and those of their records, without verifying
    /// more than the frames' headers. Says which they are, how many, and whether the last one closed
    /// the log.
    pub(super) fn skim(&mut self, visit: &mut dyn FnMut(&Header)) -> (Frames, u64, bool) {
        let limit = self.window.len();
        let (mut at, mut chain, mut closed) =
            (BLOCK, Chain { gap: true, ..Chain::default() }, false);
        let (mut frames, mut count) = (Frames { end: self.start + at, ..Frames::default() }, 0);
        while let Ok(frame) = self.frame(at, limit)
            && chain.follows(&frame)
        {
            let each = &mut |_: u64, seen: &Seen| visit(&seen.header);
            if self.frame_records(at, &frame, Look::Key, each).is_err() {
                break;
            }
            chain.take(&frame);
            let first = if count == 0 { frame.number } else { frames.first };
            let (end, last, incarnation) = (frame.end(), frame.number, frame.incarnation);
            frames = Frames { end, first, last, incarnation };
            (closed, count) = (frame.flags & FLAG_CLOSE != 0, count + 1);
            at = end - self.start;
        }
        (frames, count, closed)
    }

    /// Visits the records of a part that was walked before.
    pub(super) fn revisit(
        &mut self,
        run: &Run,
        visit: &mut dyn FnMut(u64, &Seen),
    ) -> Result<(), Trouble> {
        if !run.whole {
            self.search(run.range.clone(), visit);
            return Ok(());
        }
        let mut at = run.range.start;
        while at < run.range.end {
            let frame = self.frame(at, run.range.end)?;
            self.frame_records(at, &frame, Look::Key, visit)?;
            at = frame.end() - self.start;
        }
        Ok(())
    }

    /// Whether there are zeros only, as far as the file goes.
    fn is_zero(&mut self, range: Range<u64>) -> bool {
        let end = range.end.min(self.window.len());
        let mut zero = true;
        let outcome = self.window.each_piece(range.start, end, |piece| {
            zero &= piece.iter().all(|&byte| byte == 0);
        });
        outcome.is_ok() && zero
    }
}
