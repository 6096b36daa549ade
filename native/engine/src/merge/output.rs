//! Writes a merged segment.

use std::io::{Error, Result};
use std::sync::Arc;

use super::repoint::Move;
use crate::address::{MAX_POSITION, MERGED};
use crate::io::File;
use crate::log::{Files, Summary};
use crate::record::frame::{BLOCK, Body, Frame, HEADER as FRAME_HEADER};
use crate::record::hint::{Frames, HintWriter};
use crate::record::segment_header::MAX_COVERED;
use crate::record::{HEADER, Header, align_up, checksum};

/// Bytes of a frame, unless it is one record's.
const FRAME: usize = 1 << 20;
/// Bytes written between two syncs: so that the log's syncs do not wait for all of them.
const SYNC_PIECE: u64 = 4 << 20;
/// Records in a segment: their moves are kept in memory until it is finished.
const MAX_RECORDS: u64 = 1 << 20;

/// A merged segment that is being written.
pub(super) struct Output {
    file: Arc<dyn File>,
    log_id: u64,
    id: u64,
    number: u64,
    span: u32,
    /// First address of the segment, and the address behind its last.
    start: u64,
    limit: u64,
    /// The open frame: where it begins, its bytes with room for the header, and what is in it.
    frame_start: u64,
    frame: Vec<u8>,
    records: u32,
    body: Body,
    /// Frames written, and records in all of them.
    frames: u64,
    total: u64,
    unsynced: u64,
    hint: HintWriter,
    pub moves: Vec<Move>,
}

/// A segment that is complete and has its name.
pub(super) struct Finished {
    pub number: u64,
    pub span: u32,
    pub file: Arc<dyn File>,
    pub summary: Summary,
    /// Length of the hint behind it, if it has one.
    pub hint_bytes: u64,
    pub moves: Vec<Move>,
}

impl Output {
    /// Begins the merged segment `id`, large enough for a record of `len` bytes.
    ///
    /// # Errors
    /// The file cannot be made, or there are no addresses left.
    pub(super) fn create(files: &Files, id: u64, len: u64) -> Result<Output> {
        let size = 1u64 << files.shift;
        let span = (BLOCK + FRAME_HEADER + len).div_ceil(size);
        if span > MAX_COVERED / size || (id + span) << files.shift > MAX_POSITION {
            return Err(Error::other("no addresses are left for merged segments"));
        }
        let span = u32::try_from(span).map_err(Error::other)?;
        let number = files.merged_number(id);
        let start = MERGED | id << files.shift;
        Ok(Output {
            file: files.create_merged(id, span)?,
            log_id: files.log_id,
            id,
            number,
            span,
            start,
            limit: start + (u64::from(span) << files.shift),
            frame_start: start + BLOCK,
            frame: vec![0; FRAME_HEADER as usize],
            records: 0,
            body: Body::default(),
            frames: 0,
            total: 0,
            unsynced: 0,
            hint: HintWriter::default(),
            moves: Vec::new(),
        })
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn span(&self) -> u32 {
        self.span
    }

    /// Whether the open frame takes `len` more bytes.
    fn frame_takes(&self, len: u64) -> bool {
        self.records == 0 || self.frame.len() as u64 + len <= FRAME as u64
    }

    /// Whether a record of `len` bytes fits.
    pub(super) fn fits(&self, len: u64) -> bool {
        let end = self.frame_start + self.frame.len() as u64;
        let at = if self.frame_takes(len) { end } else { align_up(end, BLOCK) + FRAME_HEADER };
        self.total < MAX_RECORDS && at + len <= self.limit
    }

    /// Adds a record that fits; returns its address, and how many bytes have been written for it.
    pub(super) fn push(&mut self, header: &Header, key: &[u8], value: &[u8]) -> Result<(u64, u64)> {
        let len = header.total_len();
        let written = if self.frame_takes(len) { 0 } else { self.write_frame()? };
        let at = self.frame.len();
        let address = self.frame_start + at as u64;
        self.frame.extend_from_slice(&header.encode());
        self.frame.extend_from_slice(key);
        self.frame.extend_from_slice(value);
        let crc = checksum(address, &self.frame[at..]);
        debug_assert_eq!(self.frame.len() - at, HEADER + key.len() + value.len());
        self.frame[at..at + 4].copy_from_slice(&crc.to_le_bytes());
        self.frame.resize(at + len as usize, 0);
        self.body.add(crc);
        self.records += 1;
        self.total += 1;
        self.hint.add(address - self.start, header, key, value);
        Ok((address, written))
    }

    /// Writes the open frame and begins the next one; returns the bytes written.
    fn write_frame(&mut self) -> Result<u64> {
        if self.records == 0 {
            return Ok(0);
        }
        self.frames += 1;
        let header = Frame {
            log_id: self.log_id,
            address: self.frame_start,
            durable_before: 0,
            len: self.frame.len() as u64,
            number: self.frames,
            records: self.records,
            body: self.body.finish(),
            incarnation: 0,
            flags: 0,
        };
        self.frame[..FRAME_HEADER as usize].copy_from_slice(&header.encode());
        let len = align_up(header.len, BLOCK);
        self.frame.resize(len as usize, 0);
        self.file.write_all_at(&self.frame, self.frame_start - self.start)?;
        self.unsynced += len;
        if self.unsynced >= SYNC_PIECE {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        self.frame_start = header.end();
        self.frame.clear();
        self.frame.shrink_to(FRAME);
        self.frame.resize(FRAME_HEADER as usize, 0);
        (self.records, self.body) = (0, Body::default());
        Ok(len)
    }

    /// Makes the segment durable and gives it its name.
    pub(super) fn finish(&mut self, files: &Files) -> Result<Finished> {
        self.write_frame()?;
        let frames = Frames { end: self.frame_start, first: 1, last: self.frames, incarnation: 0 };
        let hint = std::mem::take(&mut self.hint);
        let (block, summary) = hint.finish(self.log_id, self.start, frames);
        // The hint's place is behind the address range. A file that is far from filling that is
        // read as quickly without one, and looks as short as it is.
        let mut hint_bytes = 0;
        if self.limit - self.frame_start < (self.limit - self.start) / 2 {
            self.file.write_all_at(&block, self.limit - self.start)?;
            hint_bytes = block.len() as u64;
        }
        self.file.sync_data()?;
        files.name_merged(self.id)?;
        Ok(Finished {
            number: self.number,
            span: self.span,
            file: Arc::clone(&self.file),
            summary,
            hint_bytes,
            moves: std::mem::take(&mut self.moves),
        })
    }
}
