//! Reads the segments in order and hands every intact frame on.

use std::path::PathBuf;
use std::sync::Arc;

use super::replay::Replay;
use crate::error::OpenError;
use crate::io::{File, OpenMode};
use crate::log::{Files, Memory, Segments, segment_path};
use crate::record::frame::{self, BLOCK, Frame, HEADER};
use crate::record::segment_header::SegmentHeader;

/// A segment found on disk.
pub(crate) struct Found {
    pub header: SegmentHeader,
    pub file: Arc<dyn File>,
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
        if let Some(last) = &mut self.found.last {
            // A crash can have left intact frames that were never synced; they count from now on.
            let path = segment_path(&self.files.dir, last.header.id);
            last.file.sync_data().map_err(OpenError::io("sync", &path))?;
        }
        let Some(last) = &self.found.last else { return Ok(self.found) };
        self.refuse_frames_behind(last)?;
        Ok(self.found)
    }

    fn segment(&mut self, id: u64, replay: &mut Replay<'_>) -> Result<(), OpenError> {
        let path = segment_path(&self.files.dir, id);
        let file = self
            .files
            .io
            .open(&path, OpenMode::Write)
            .map_err(OpenError::io("open", &path))?;
        let len = file.len().map_err(OpenError::io("read", &path))?;
        let mapping = file.map(len).map_err(OpenError::io("map", &path))?;
        let header = self.check_header(id, mapping.as_slice(), &path)?;
        self.segments.add(id, header.span, Memory::Mapped(mapping), Some(Arc::clone(&file)));
        let memory = self.segments.memory(id).expect("just added");
        let Memory::Mapped(mapping) = &*memory else { unreachable!("added as mapped") };
        let end = self.frames(&header, mapping.as_slice(), replay);
        self.found.last = Some(Found { header, file, end });
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
        let header = SegmentHeader::decode(bytes)
            .filter(|h| h.log_id == self.files.log_id && h.id == id && h.shift == self.files.shift)
            .filter(|h| h.span > 0)
            .ok_or_else(|| corrupt(0, "no segment header of this store"))?;
        let Some(last) = &self.found.last else { return Ok(header) };
        if last.header.id + u64::from(last.header.span) != id {
            return Err(corrupt(0, "the segment before this one is missing"));
        }
        if last.end != header.previous_end {
            return Err(self.damage(last, "a frame is missing or damaged"));
        }
        Ok(header)
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

    /// Hands the segment's intact frames on; returns where they end.
    fn frames(&mut self, header: &SegmentHeader, bytes: &[u8], replay: &mut Replay<'_>) -> u64 {
        let start = self.segments.start(header.id);
        let mut address = start + BLOCK;
        while let Some(rest) = bytes.get((address - start) as usize..) {
            let Ok((frame, records)) = frame::read(rest, self.files.log_id, address) else { break };
            if !self.follows(&frame) {
                break;
            }
            self.found.last_number = frame.number;
            self.found.last_incarnation = frame.incarnation;
            records.for_each(|(address, record)| replay.apply(address, &record, self.segments));
            address = frame.end();
        }
        address
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
