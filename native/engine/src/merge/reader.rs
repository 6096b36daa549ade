//! Reads a sealed segment that has no hint from beginning to end, and verifies every byte that matters.

use std::sync::Arc;

use super::verdict::Verdict;
use crate::io::File;
use crate::record::frame::{self, BLOCK, Body, Frame};
use crate::record::{HEADER, Header, View};

/// Bytes read at a time, but for longer records.
const PIECE: usize = 1 << 20;

/// Why a segment cannot be read.
#[derive(Debug)]
pub(super) enum ReadFailure {
    Io(std::io::Error),
    /// The bytes at `offset` of the file are not what they were.
    Damage {
        offset: u64,
        what: &'static str,
    },
}

/// A record of the piece that was read last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub address: u64,
    pub header: Header,
    pub hash: u32,
    pub shard: u16,
    pub verdict: Verdict,
    /// Where its key is in the bytes that it was found in.
    key_at: usize,
}

impl Found {
    /// A record whose key is at `key_at` of the bytes that it was found in; nothing is known of it yet.
    pub(super) fn new(address: u64, header: Header, key_at: usize) -> Found {
        Found { address, header, hash: 0, shard: 0, verdict: Verdict::Drop, key_at }
    }

    /// Its key; `bytes` are those that it was found in.
    pub(super) fn key<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        &bytes[self.key_at..][..self.header.key_len as usize]
    }
}

/// The frame that is being read.
struct Walk {
    frame: Frame,
    left: u32,
    body: Body,
}

/// What became of the bytes at hand.
enum Parsed {
    /// All records of the segment have been found.
    All,
    /// So many bytes are needed to go on.
    Needs(usize),
}

pub(super) struct Reader {
    file: Arc<dyn File>,
    log_id: u64,
    /// First address of the segment, and where its frames end.
    start: u64,
    end: u64,
    /// Address of the next frame or record.
    at: u64,
    walk: Option<Walk>,
    last_number: Option<u64>,
    piece: Vec<u8>,
    /// Address of the piece.
    from: u64,
}

impl Reader {
    /// For the segment that begins at `start`, of the store `log_id`, whose frames end at `end`.
    pub(super) fn new(file: Arc<dyn File>, log_id: u64, start: u64, end: u64) -> Reader {
        let at = start + BLOCK;
        let (walk, last_number, piece) = (None, None, Vec::new());
        Reader { file, log_id, start, end, at, walk, last_number, piece, from: at }
    }

    /// The last piece.
    pub(super) fn piece(&self) -> &[u8] {
        &self.piece
    }

    /// The value of a record of the last piece.
    pub(super) fn value(&self, found: &Found) -> &[u8] {
        let at = found.key_at + found.header.key_len as usize;
        &self.piece[at..][..found.header.value_len as usize]
    }

    /// Replaces `found` by the records that come next; there are none at the end.
    pub(super) fn next_piece(&mut self, found: &mut Vec<Found>) -> Result<(), ReadFailure> {
        found.clear();
        let mut want = PIECE;
        loop {
            self.load(want)?;
            match self.parse(found)? {
                Parsed::Needs(bytes) if found.is_empty() => want = bytes.max(PIECE),
                Parsed::All | Parsed::Needs(_) => return Ok(()),
            }
        }
    }

    fn load(&mut self, want: usize) -> Result<(), ReadFailure> {
        let left = usize::try_from(self.end.saturating_sub(self.at)).unwrap_or(usize::MAX);
        self.from = self.at;
        self.piece.clear();
        if want <= PIECE {
            // Not to keep the memory of a huge record for ever.
            self.piece.shrink_to(PIECE);
        }
        self.piece.resize(want.min(left), 0);
        let offset = self.at - self.start;
        self.file.read_exact_at(&mut self.piece, offset).map_err(ReadFailure::Io)
    }

    fn damage(&self, what: &'static str) -> ReadFailure {
        ReadFailure::Damage { offset: self.at - self.start, what }
    }

    /// Bytes of the piece from `self.at` on.
    fn rest(&self) -> &[u8] {
        self.piece.get((self.at - self.from) as usize..).unwrap_or_default()
    }

    fn parse(&mut self, found: &mut Vec<Found>) -> Result<Parsed, ReadFailure> {
        loop {
            let needs = match &self.walk {
                None if self.at == self.end => return Ok(Parsed::All),
                None => self.open_frame()?,
                Some(walk) if walk.left == 0 => self.close_frame()?,
                Some(_) => self.record(found)?,
            };
            if let Some(bytes) = needs {
                return Ok(Parsed::Needs(bytes));
            }
        }
    }

    /// Reads a frame's header; returns how many bytes that would need, if they are not there.
    fn open_frame(&mut self) -> Result<Option<usize>, ReadFailure> {
        let len = frame::HEADER as usize;
        if self.rest().len() < len && self.at + frame::HEADER <= self.end {
            return Ok(Some(len));
        }
        let frame = Frame::decode(self.rest(), self.log_id, self.at);
        let frame = frame.ok_or_else(|| self.damage("no frame header"))?;
        if self.last_number.is_some_and(|last| last + 1 != frame.number) {
            return Err(self.damage("a frame is missing"));
        }
        if frame.len > self.end - self.at || frame.end() > self.end {
            return Err(self.damage("a frame goes beyond the end"));
        }
        self.last_number = Some(frame.number);
        self.at += frame::HEADER;
        self.walk = Some(Walk { frame, left: frame.records, body: Body::default() });
        Ok(None)
    }

    fn close_frame(&mut self) -> Result<Option<usize>, ReadFailure> {
        if let Some(walk) = self.walk.take() {
            if self.at != walk.frame.address + walk.frame.len {
                return Err(self.damage("frame has bytes after its last record"));
            }
            if walk.body.finish() != walk.frame.body {
                return Err(self.damage("frame checksum differs"));
            }
            self.at = walk.frame.end();
        }
        Ok(None)
    }

    fn record(&mut self, found: &mut Vec<Found>) -> Result<Option<usize>, ReadFailure> {
        let Some(walk) = &self.walk else { return Ok(None) };
        let left = walk.frame.address + walk.frame.len - self.at;
        let Some(head) = self.rest().first_chunk::<HEADER>() else {
            let room = left >= HEADER as u64;
            return if room { Ok(Some(HEADER)) } else { Err(self.damage("record cut short")) };
        };
        let header = Header::decode(head).ok_or_else(|| self.damage("not a record header"))?;
        let len = header.total_len();
        if len > left {
            return Err(self.damage("record cut short"));
        }
        let Some(bytes) = self.rest().get(..len as usize) else { return Ok(Some(len as usize)) };
        let view = View::read(bytes, self.at).map_err(|what| self.damage(what))?;
        let content = HEADER + view.key.len() + view.value.len();
        if bytes[content..].iter().any(|&byte| byte != 0) {
            return Err(self.damage("record padding is not zero"));
        }
        let (address, checksum) = (self.at, view.checksum);
        let at = (address - self.from) as usize;
        found.push(Found::new(address, header, at + HEADER));
        self.at += len;
        if let Some(walk) = &mut self.walk {
            walk.body.add(checksum);
            walk.left -= 1;
        }
        Ok(None)
    }
}
