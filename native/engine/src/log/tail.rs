//! The end of the log: the frame that is being filled.

use std::collections::VecDeque;

use crate::record::align_up;
use crate::record::frame::{BLOCK, HEADER as FRAME_HEADER};

/// A frame that takes no more records and waits to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    /// Segment the frame is in.
    pub segment: u64,
    /// Segment sizes the segment covers.
    pub span: u32,
    pub start: u64,
    /// Just behind the last record.
    pub end: u64,
    pub records: u32,
    /// Where the frames of the segment before end: for the segment's header.
    pub previous_end: u64,
}

/// State under the log's tail lock.
pub(crate) struct Tail {
    /// Where the next record goes.
    pub address: u64,
    /// Where the open frame begins; records from here on may be updated in place.
    pub frame_start: u64,
    /// Records in the open frame.
    pub records: u32,
    /// Last sequence number given out.
    pub sequence: u64,
    /// Segment of the open frame, how many segment sizes it covers, and where it ends.
    pub segment: u64,
    pub span: u32,
    pub segment_end: u64,
    /// Where the frames of the segment before this one end.
    pub previous_end: u64,
    /// Frames closed because their segment was full.
    pub sealed: VecDeque<Sealed>,
    /// Writers that have reserved space and are still copying.
    pub copying: u32,
    pub closed: bool,
}

impl Tail {
    /// A tail whose next frame begins at `address` in a present segment.
    pub(crate) fn at(
        address: u64,
        segment: u64,
        span: u32,
        segment_end: u64,
        sequence: u64,
    ) -> Tail {
        Tail {
            address: address + FRAME_HEADER,
            frame_start: address,
            records: 0,
            sequence,
            segment,
            span,
            segment_end,
            previous_end: 0,
            sealed: VecDeque::new(),
            copying: 0,
            closed: false,
        }
    }

    /// Whether `len` more bytes fit into the open frame.
    pub(crate) fn fits(&self, len: u64) -> bool {
        self.address + len <= self.segment_end
    }

    /// Closes the open frame and begins the next one behind it, in the same segment. `None` when
    /// there is nothing in it.
    pub(crate) fn seal(&mut self) -> Option<Sealed> {
        if self.records == 0 {
            return None;
        }
        let sealed = self.open_frame();
        self.frame_start = align_up(self.address, BLOCK);
        self.address = self.frame_start + FRAME_HEADER;
        self.records = 0;
        Some(sealed)
    }

    /// The open frame as it is.
    pub(super) fn open_frame(&self) -> Sealed {
        Sealed {
            segment: self.segment,
            span: self.span,
            start: self.frame_start,
            end: self.address,
            records: self.records,
            previous_end: self.previous_end,
        }
    }

    /// Where the frames of the tail's segment end, were the open one sealed now.
    pub(crate) fn frames_end(&self) -> u64 {
        if self.records == 0 { self.frame_start } else { align_up(self.address, BLOCK) }
    }

    /// Whether nothing has been appended to the tail's segment yet.
    pub(super) fn is_unused(&self, shift: u32) -> bool {
        self.records == 0 && self.frame_start == (self.segment << shift) + BLOCK
    }

    /// Lets the tail's segment, which is unused, cover `span` segment sizes.
    pub(super) fn widen(&mut self, span: u32, shift: u32) {
        self.span = span;
        self.segment_end = (self.segment + u64::from(span)) << shift;
    }

    /// Goes on at the beginning of the segment `id` of `span` segment sizes.
    pub(crate) fn roll(&mut self, id: u64, span: u32, shift: u32) {
        let previous_end = self.frames_end();
        if let Some(sealed) = self.seal() {
            self.sealed.push_back(sealed);
        }
        self.previous_end = previous_end;
        self.segment = id;
        self.span = span;
        self.segment_end = (id + u64::from(span)) << shift;
        self.frame_start = (id << shift) + BLOCK;
        self.address = self.frame_start + FRAME_HEADER;
    }
}
