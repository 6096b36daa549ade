//! Reads the segments in order and hands every intact frame on.

use std::path::PathBuf;
use std::sync::Arc;

use super::replay::Replay;
use crate::error::OpenError;
use crate::io::{File, OpenMode};
use crate::log::{Files, Memory, Segments, segment_path};
use crate::record::frame::{self, BLOCK, Frame, HEADER};
use crate::record::segment_header::SegmentHeader;

/// Bytes of the last frame that are written again at a time.
const SETTLE_CHUNK: usize = 1 << 20;

/// A segment found on disk.
pub(crate) struct Found {
    pub header: SegmentHeader,
    pub file: Arc<dyn File>,
    /// Address where its last frame begins; `end` if it has none.
    last_frame: u64,
    /// Address where its frames end.
    pub end: u64,
}

/// What the scan has found.
pub(crate) struct Scanned {
    pub last: Option<Found>,
    /// Number of the last frame; 0 if there is none.
    pub last_number: u64,
    pub last_incarnation: u32,
}

/// A scan under way.
pub(crate) struct Scan<'a> {
    files: &'a Files,
    segments: &'a Segments,
    found: Scanned,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(files: &'a Files, segments: &'a Segments) -> Scan<'a> {
        let found = Scanned { last: None, last_number: 0, last_incarnation: 0 };
        Scan { files, segments, found }
    }

    /// Reads everything. Segments stay mapped.
    ///
    /// # Errors
    /// Damage anywhere but in a tail that a crash can have torn.
    pub(crate) fn run(mut self, replay: &mut Replay<'_>) -> Result<Scanned, OpenError> {
        let ids = self.files.segment_ids().map_err(OpenError::io("list", &self.files.dir))?;
        for id in ids {
            self.segment(id, replay)?;
        }
        if let Some(last) = &self.found.last {
            self.refuse_frames_behind(last)?;
            self.settle(last).map_err(OpenError::io("settle the end of", &self.path(last)))?;
        }
        // A segment's name may be visible and not durable, after a process that was killed.
        let dir = &self.files.dir;
        self.files.io.sync_dir(dir).map_err(OpenError::io("sync directory", dir))?;
        Ok(self.found)
    }

    /// Makes what was read durable and keeps it what it is. The last frame may be visible in the
    /// system's memory alone: after a failed sync, whose pages count as clean, only writing it again
    /// puts it on disk; the frames before were synced before it was written. And the beginning of a
    /// torn frame is wiped: else the records behind it, or others like them that are written to
    /// their place, could make it whole again after the next crash.
    fn settle(&self, last: &Found) -> std::io::Result<()> {
        let memory = self.segments.memory(last.header.id).expect("the last segment is present");
        let Memory::Mapped(mapping) = &*memory else { return Ok(()) };
        let start = self.segments.start(last.header.id);
        let (from, to) = ((last.last_frame - start) as usize, (last.end - start) as usize);
        let bytes = mapping.as_slice();
        let mut copy = Vec::new();
        let frame = bytes.get(from..bytes.len().min(to)).unwrap_or_default();
        for (number, part) in frame.chunks(SETTLE_CHUNK).enumerate() {
            // Through a copy: the system may not be given pages of the file it writes to.
            copy.clear();
            copy.extend_from_slice(part);
            last.file.write_all_at(&copy, (from + number * SETTLE_CHUNK) as u64)?;
        }
        let torn = bytes.get(to..).unwrap_or_default();
        if torn.iter().take(BLOCK as usize).any(|&byte| byte != 0) {
            last.file.write_all_at(&[0; BLOCK as usize], to as u64)?;
        }
        last.file.sync_data()
    }

    fn segment(&mut self, id: u64, replay: &mut Replay<'_>) -> Result<(), OpenError> {
        let path = segment_path(&self.files.dir, id);
        let file =
            self.files.io.open(&path, OpenMode::Write).map_err(OpenError::io("open", &path))?;
        let len = file.len().map_err(OpenError::io("read", &path))?;
        let mapping = file.map(len).map_err(OpenError::io("map", &path))?;
        let header = self.check_header(id, mapping.as_slice(), &path)?;
        let memory = Some(Memory::Mapped(mapping));
        self.segments.add(id, header.span, memory, Some(Arc::clone(&file)));
        let memory = self.segments.memory(id).expect("just added");
        let Memory::Mapped(mapping) = &*memory else { unreachable!("added as mapped") };
        let (last_frame, end) = self.frames(&header, mapping.as_slice(), replay);
        self.found.last = Some(Found { header, file, last_frame, end });
        Ok(())
    }

    /// A segment's name stands only when its header is durable, so a bad header is damage; and
    /// every frame of the segment before was durable by then.
    fn check_header(
        &self,
        id: u64,
        bytes: &[u8],
        path: &std::path::Path,
    ) -> Result<SegmentHeader, OpenError> {
        let corrupt = |offset: u64, what: &str| OpenError::Corrupt {
            file: path.to_owned(),
            offset,
            what: what.to_owned(),
        };
        let header = SegmentHeader::decode(bytes).map_err(|what| corrupt(0, &what))?;
        let ours = (header.log_id, header.shift) == (self.files.log_id, self.files.shift);
        if !ours || header.id != id {
            return Err(corrupt(0, "this segment belongs elsewhere"));
        }
        let last = self.found.last.as_ref();
        if last.map_or(0, |last| last.header.id + u64::from(last.header.span)) != id {
            return Err(corrupt(0, "the segment before this one is missing"));
        }
        match last {
            Some(last) if last.end != header.previous_end => {
                Err(self.damage(last, "a frame is missing or damaged"))
            }
            _ => Ok(header),
        }
    }

    fn damage(&self, segment: &Found, what: &str) -> OpenError {
        OpenError::Corrupt {
            file: self.path(segment),
            offset: segment.end - self.segments.start(segment.header.id),
            what: what.to_owned(),
        }
    }

    fn path(&self, segment: &Found) -> PathBuf {
        segment_path(&self.files.dir, segment.header.id)
    }

    /// Hands the segment's intact frames on; returns where the last one begins and ends.
    fn frames(
        &mut self,
        header: &SegmentHeader,
        bytes: &[u8],
        replay: &mut Replay<'_>,
    ) -> (u64, u64) {
        let start = self.segments.start(header.id);
        let mut address = start + BLOCK;
        let mut last = address;
        while let Some(rest) = bytes.get((address - start) as usize..) {
            let Ok((frame, records)) = frame::read(rest, self.files.log_id, address) else { break };
            if !self.follows(&frame) {
                break;
            }
            self.found.last_number = frame.number;
            self.found.last_incarnation = frame.incarnation;
            records.for_each(|(address, record)| replay.apply(address, &record, self.segments));
            last = address;
            address = frame.end();
        }
        (last, address)
    }

    fn follows(&self, frame: &Frame) -> bool {
        let first = self.found.last.is_none() && self.found.last_number == 0;
        (first || frame.number == self.found.last_number + 1)
            && frame.incarnation >= self.found.last_incarnation
    }

    /// A torn tail is what a crash leaves of frames that were not durable. If a frame further on
    /// was written when this place was durable already, it is damage.
    fn refuse_frames_behind(&self, last: &Found) -> Result<(), OpenError> {
        let memory = self.segments.memory(last.header.id).expect("the last segment is present");
        let Memory::Mapped(mapping) = &*memory else { return Ok(()) };
        let bytes = mapping.as_slice();
        let start = self.segments.start(last.header.id);
        let mut address = last.end;
        while let Some(block) = bytes.get((address - start) as usize..)
            && block.len() >= HEADER as usize
        {
            if let Some(frame) = Frame::decode(block, self.files.log_id, address)
                && frame.number > self.found.last_number
                && frame.durable_before > last.end
            {
                return Err(self.damage(last, "a frame is damaged that others follow"));
            }
            address += BLOCK;
        }
        Ok(())
    }
}
