//! Turning records into reads.

use std::io::{Error, ErrorKind};
use std::sync::Arc;

use super::{ColdRef, Landing};
use crate::io::File;

/// Records with a gap of at most so many bytes between them are read together: reading the gap
/// costs a device less than another read.
const MAX_GAP: u64 = 16 << 10;

/// No record is added to a read that would then be longer than this.
const MAX_MERGED: u64 = 512 << 10;

/// One read and the records it brings.
pub(super) struct Job {
    pub(super) file: Arc<dyn File>,
    /// Range in the file, bytes.
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) parts: Vec<Part>,
}

/// A record within a read.
pub(super) struct Part {
    pub(super) cold: ColdRef,
    /// Range in the file, bytes.
    start: u64,
    end: u64,
}

impl Job {
    /// The read of one record, which begins inside the file's data.
    ///
    /// # Errors
    /// See [`Landing::failed`].
    pub(super) fn of(cold: ColdRef, landing: &dyn Landing) -> Result<Job, Error> {
        let place = landing.locate(cold.address).ok_or(ErrorKind::NotFound)?;
        let start = place.offset;
        let end = start.saturating_add(u64::from(cold.len)).min(place.end);
        if end <= start {
            let reason = "the record is behind the data of its file";
            return Err(Error::new(ErrorKind::UnexpectedEof, reason));
        }
        Ok(Job { file: place.file, start, end, parts: vec![Part { cold, start, end }] })
    }

    /// Bytes to read.
    pub(super) fn len(&self) -> u64 {
        self.end - self.start
    }

    /// The bytes of one part among those of the whole read.
    pub(super) fn slice<'b>(&self, part: &Part, bytes: &'b [u8]) -> &'b [u8] {
        &bytes[(part.start - self.start) as usize..(part.end - self.start) as usize]
    }

    /// A read for each record.
    pub(super) fn split(self) -> impl DoubleEndedIterator<Item = Job> {
        self.parts.into_iter().map(move |part| {
            let (start, end) = (part.start, part.end);
            Job { file: Arc::clone(&self.file), start, end, parts: vec![part] }
        })
    }

    /// Takes over the parts of `next`, or gives it back if it is better read by itself. `next` must
    /// not begin before this read.
    fn absorb(&mut self, next: Job) -> Option<Job> {
        let same = Arc::as_ptr(&self.file).addr() == Arc::as_ptr(&next.file).addr();
        let near = next.start >= self.start && next.start <= self.end.saturating_add(MAX_GAP);
        let end = self.end.max(next.end);
        if !same || !near || end - self.start > MAX_MERGED {
            return Some(next);
        }
        self.end = end;
        self.parts.extend(next.parts);
        None
    }
}

/// Joins reads that are neighbours. They come back in the order of their addresses.
pub(super) fn merge(mut jobs: Vec<Job>) -> Vec<Job> {
    jobs.sort_unstable_by_key(|job| job.parts[0].cold.address);
    let mut merged: Vec<Job> = Vec::with_capacity(jobs.len());
    for job in jobs {
        let apart = match merged.last_mut() {
            Some(last) => last.absorb(job),
            None => Some(job),
        };
        merged.extend(apart);
    }
    merged
}
