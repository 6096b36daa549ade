//! The log as a chain: frames that follow one another, in segments that do. Where it ends tells a
//! torn tail from damage.

use super::inventory::SegmentFile;
use crate::error::OpenError;
use crate::log::Mark;
use crate::record::View;
use crate::record::frame::{self, BLOCK, Frame, HEADER};
use crate::record::hint::Frames;

/// Bytes of the last frame that are written again at a time.
const SETTLE_CHUNK: usize = 1 << 20;

/// How far the log has been followed.
pub(crate) struct Chain {
    /// Identity of the store.
    pub log_id: u64,
    /// Where the frames read so far end.
    pub end: u64,
    /// Number of the last frame; `None` when any may be next.
    number: Option<u64>,
    incarnation: u32,
    /// Address where the last frame begins, if one has been read.
    last_frame: Option<u64>,
}

impl Chain {
    /// The log from its first present segment on.
    pub(crate) fn new(log_id: u64) -> Chain {
        Chain { log_id, end: 0, number: None, incarnation: 0, last_frame: None }
    }

    /// The log from a place on that was durable once.
    pub(crate) fn from(log_id: u64, mark: &Mark) -> Chain {
        let number = Some(mark.number - 1);
        let Mark { position: end, incarnation, .. } = *mark;
        Chain { log_id, end, number, incarnation, last_frame: None }
    }

    /// Number of the last frame, 0 if there is none, and the incarnation of whoever wrote it.
    pub(crate) fn last(&self) -> (u64, u32) {
        (self.number.unwrap_or(0), self.incarnation)
    }

    /// Goes on in `segment`, behind `previous`; its first frame, or where one would begin. A segment
    /// is made when the frames of the one before are durable, so a difference is damage.
    pub(crate) fn enter(
        &mut self,
        previous: Option<&SegmentFile>,
        segment: &SegmentFile,
    ) -> Result<(), OpenError> {
        let adjacent = previous.filter(|previous| previous.limit == segment.start);
        if let Some(adjacent) = adjacent
            && self.end != segment.header.previous_end
        {
            return Err(adjacent.corrupt(self.end, "a frame is missing or damaged"));
        }
        if previous.is_some() && adjacent.is_none() {
            // Merging has taken the segments between away, with the frames' numbers.
            self.number = None;
        }
        self.end = segment.start + BLOCK;
        Ok(())
    }

    /// Hands the records of the frames from `end` on to `visit`.
    pub(crate) fn frames<'b>(
        &mut self,
        segment: &SegmentFile,
        bytes: &'b [u8],
        mut visit: impl FnMut(u64, &View<'b>),
    ) {
        while let Some(rest) = bytes.get((self.end - segment.start) as usize..)
            && let Ok((frame, records)) = frame::read(rest, self.log_id, self.end)
            && self.follows(&frame)
        {
            records.for_each(|(address, record)| visit(address, &record));
            self.number = Some(frame.number);
            self.incarnation = frame.incarnation;
            self.last_frame = Some(self.end);
            self.end = frame.end();
        }
    }

    fn follows(&self, frame: &Frame) -> bool {
        self.number.is_none_or(|number| frame.number == number + 1)
            && frame.incarnation >= self.incarnation
    }

    /// Takes the frames of a segment for read whose hint says so; false if they do not follow.
    pub(crate) fn skip(&mut self, frames: &Frames) -> bool {
        let follows = frames.last != 0
            && self.number.is_none_or(|number| frames.first == number + 1)
            && frames.incarnation >= self.incarnation;
        if follows {
            self.end = frames.end;
            self.number = Some(frames.last);
            self.incarnation = frames.incarnation;
            self.last_frame = None;
        }
        follows
    }

    /// Ends the chain in `last`. A torn tail is what a crash leaves of frames that were not durable.
    /// If a frame further on was written when this place was durable already, it is damage.
    ///
    /// # Errors
    /// Damage, or the end cannot be settled.
    pub(crate) fn finish(&self, last: &SegmentFile, bytes: &[u8]) -> Result<(), OpenError> {
        let mut address = self.end;
        while let Some(block) = bytes.get((address - last.start) as usize..)
            && block.len() >= HEADER as usize
        {
            if let Some(frame) = Frame::decode(block, self.log_id, address)
                && frame.number > self.number.unwrap_or(0)
                && frame.durable_before > self.end
            {
                return Err(last.corrupt(self.end, "a frame is damaged that others follow"));
            }
            address += BLOCK;
        }
        self.settle(last, bytes).map_err(OpenError::io("settle the end of", &last.path))
    }

    /// Makes what was read durable and keeps it what it is. The last frame may be visible in the
    /// system's memory alone: after a failed sync, whose pages count as clean, only writing it again
    /// puts it on disk; the frames before were synced before it was written. And the beginning of a
    /// torn frame is wiped: else the records behind it, or others like them that are written to
    /// their place, could make it whole again after the next crash.
    fn settle(&self, last: &SegmentFile, bytes: &[u8]) -> std::io::Result<()> {
        let to = (self.end - last.start) as usize;
        let from = self.last_frame.filter(|at| *at >= last.start);
        let from = from.map_or(to, |at| (at - last.start) as usize);
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
            let room = last.limit - self.end;
            last.file.write_all_at(&vec![0; room.min(BLOCK) as usize], to as u64)?;
        }
        last.file.sync_data()
    }
}
