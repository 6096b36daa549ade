//! Group commit: the only thread that writes the log.

use std::collections::VecDeque;
use std::io::{ErrorKind, Result};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::handover::Rest;
use super::tail::Sealed;
use super::{Files, Log, Mark, Memory};
use crate::clock::Clock;
use crate::error::{Failure, WriteError};
use crate::io::File;
use crate::options::Durability;
use crate::record::frame::{self, BLOCK, Frame};
use crate::record::{HEADER, Header, align_up, checksum};
use crate::stats::Counters;

/// Time between two tries to write to a full disk.
const FULL_RETRY: Duration = Duration::from_millis(100);

/// The committer's own state: where it is in the log.
pub(crate) struct Committer {
    pub log: Arc<Log>,
    pub files: Arc<Files>,
    pub clock: Arc<dyn Clock>,
    /// Called with the id of a segment whose last frame is durable.
    pub segment_sealed: Box<dyn Fn(u64) + Send>,
    /// Frames taken from the log that are not on disk: the disk was full.
    pub waiting: VecDeque<Sealed>,
    /// File of the segment that is written to, if it exists yet.
    pub current: Option<(u64, Arc<dyn File>)>,
    /// Number of the last frame written.
    pub number: u64,
    pub incarnation: u32,
}

/// Runs until the log is stopped; leaves everything durable then, unless the log has failed.
pub(crate) fn run(mut committer: Committer) {
    committer.log.handover.begin();
    let _watch = FailOnPanic(Arc::clone(&committer.log));
    let mut last_sync = Instant::now();
    loop {
        let stopping = committer.wait_for_work(last_sync);
        let outcome = committer.commit_all();
        last_sync = Instant::now();
        let outcome = outcome.and_then(|()| if stopping { committer.close() } else { Ok(()) });
        let outcome = outcome.and_then(|()| committer.all_written_when(stopping));
        if let Err(error) = outcome {
            committer.log.fail(Failure(format!("writing the log failed: {error}")));
            committer.wait_for_stop();
            return;
        }
        if stopping {
            return;
        }
    }
}

/// Fails the log when the committer's thread panics, in a waiter for instance: nobody must wait for
/// a thread that is gone.
struct FailOnPanic(Arc<Log>);

impl Drop for FailOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(Failure("the thread that writes the log has panicked".into()));
        }
    }
}

/// A durable position, and where the frames of the segment before end.
#[derive(Clone, Copy)]
struct Durable {
    position: u64,
    previous_end: u64,
}

impl Durable {
    /// All before a frame.
    fn before(frame: &Sealed) -> Durable {
        Durable { position: frame.start, previous_end: frame.previous_end }
    }
}

impl Log {
    fn has_work(&self) -> bool {
        let tail = self.tail.lock();
        tail.records > 0 || !tail.sealed.is_empty()
    }

    /// Takes all frames that are ready, the open one included, and what is durable once they are.
    fn take_frames(&self) -> (Vec<Sealed>, Durable) {
        let mut tail = self.tail.lock();
        while tail.copying > 0 {
            self.copied.wait(&mut tail);
        }
        let mut frames: Vec<Sealed> = tail.sealed.drain(..).collect();
        frames.extend(tail.seal());
        self.submitted.store(tail.frame_start, Ordering::Release);
        (frames, Durable { position: tail.frame_start, previous_end: tail.previous_end })
    }
}

impl Committer {
    /// Sleeps until there is something to write; true when the log is being stopped.
    fn wait_for_work(&self, last_sync: Instant) -> bool {
        let rest = || match self.log.durability {
            Durability::Quorum => None,
            Durability::Async { interval } => {
                Some(Rest { left: interval.saturating_sub(last_sync.elapsed()), interval })
            }
        };
        if !self.waiting.is_empty() {
            // What is new cannot be written either.
            std::thread::park_timeout(FULL_RETRY);
            return self.log.handover.is_stopping();
        }
        self.log.handover.wait(|| self.log.has_work(), rest)
    }

    fn wait_for_stop(&self) {
        while !self.log.handover.is_stopping() {
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }

    fn commit_all(&mut self) -> Result<()> {
        let (frames, durable) = self.log.take_frames();
        self.waiting.extend(frames);
        let mut written = false;
        while let Some(sealed) = self.waiting.front().copied() {
            let Some(len) = self.write_or_wait(&sealed)? else { break };
            self.waiting.pop_front();
            written = true;
            let counters = &self.log.counters;
            Counters::add(&counters.groups, 1);
            Counters::add(&counters.group_bytes, len);
            Counters::add(&counters.group_records, u64::from(sealed.records));
            Counters::add(&counters.record_bytes, sealed.end - sealed.start - frame::HEADER);
            Counters::add(&counters.syncs, 1);
        }
        if written {
            let next = self.waiting.front().copied();
            let durable = next.map_or(durable, |sealed| Durable::before(&sealed));
            self.publish(durable, self.number + 1);
        }
        Ok(())
    }

    /// Writes a frame; `None` when there is no room for its segment's file.
    fn write_or_wait(&mut self, sealed: &Sealed) -> Result<Option<u64>> {
        match self.file_of(sealed) {
            Ok(file) => self.write_frame(&*file, sealed, 0).map(Some),
            Err(error) if error.kind() == ErrorKind::StorageFull => {
                self.log.set_full(true);
                self.log.refusing.store(true, Ordering::Release);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Who stops does not wait for room.
    fn all_written_when(&self, stopping: bool) -> Result<()> {
        let left = stopping && !self.waiting.is_empty();
        if left { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    /// Everything below `durable` is on stable storage, and the frame there has `number`: tells whom
    /// it concerns.
    fn publish(&self, durable: Durable, number: u64) {
        let log = &*self.log;
        let Durable { position, previous_end } = durable;
        let incarnation = self.incarnation;
        *log.mark.lock() = Mark { position, number, incarnation, previous_end };
        let durable = position;
        log.counters.last_sync_s.store(self.clock.now_ms() / 1000, Ordering::Relaxed);
        log.durable.store(durable, Ordering::Release);
        log.durability_waiters.release(durable);
        if !log.room_waiters.is_empty() && log.undurable() <= log.max_undurable / 2 {
            log.room_waiters.release(durable);
        }
        (log.waiters_called)();
    }

    /// Writes a frame durably; returns its length on disk.
    fn write_frame(&mut self, file: &dyn File, sealed: &Sealed, flags: u32) -> Result<u64> {
        let Some(memory) = self.log.segments.memory(sealed.segment) else {
            return Err(std::io::Error::other("segment has no memory"));
        };
        let Memory::Buffer(buffer) = &*memory else {
            return Err(std::io::Error::other("segment is already sealed"));
        };
        let segment_start = self.log.segments.start(sealed.segment);
        let offset = sealed.start - segment_start;
        let len = align_up(sealed.end - sealed.start, BLOCK);
        self.number += 1;
        let header = Frame {
            log_id: self.files.log_id,
            address: sealed.start,
            durable_before: self.log.durable(),
            len: sealed.end - sealed.start,
            number: self.number,
            records: sealed.records,
            body: 0,
            incarnation: self.incarnation,
            flags,
        };
        // SAFETY: the frame lies within the segment's buffer, which `memory` keeps alive; it is
        // sealed, so nobody writes to it but this thread, and readers of its records do not touch
        // the checksums and the frame header that are written here.
        let bytes = unsafe {
            let start = buffer.base().add(offset as usize);
            finish_frame(start, header);
            std::slice::from_raw_parts(start, len as usize)
        };
        file.write_durable(bytes, offset)?;
        Ok(len)
    }

    /// The file of the frame's segment, made if this is its first frame.
    fn file_of(&mut self, sealed: &Sealed) -> Result<Arc<dyn File>> {
        if let Some((id, file)) = &self.current
            && *id == sealed.segment
        {
            return Ok(Arc::clone(file));
        }
        let file = self.files.create_segment(sealed.segment, sealed.span, sealed.previous_end)?;
        self.log.segments.set_file(sealed.segment, Arc::clone(&file));
        if let Some((full, _)) = self.current.replace((sealed.segment, Arc::clone(&file))) {
            (self.segment_sealed)(full);
        }
        Ok(file)
    }

    /// Ends the log with a frame that says so: then damage to the frame before it cannot pass for
    /// a write that a crash cut short. An empty log has nothing to protect.
    fn close(&mut self) -> Result<()> {
        if self.number == 0 || !self.waiting.is_empty() {
            return Ok(());
        }
        let last = match self.log.last_frame() {
            // Without it the store is as after a crash right now: whole.
            Err(WriteError::Full) => return Ok(()),
            last => last.map_err(std::io::Error::other)?,
        };
        let file = self.file_of(&last)?;
        self.write_frame(&*file, &last, frame::FLAG_CLOSE)?;
        self.publish(Durable::before(&last), self.number);
        Ok(())
    }
}

/// Fills in the checksums of a frame's records and its header.
///
/// # Safety
/// `start` points to the frame's first byte in memory valid for `header.len` bytes that holds
/// `header.records` records written by `fill_record`; nobody else writes to it, and nobody reads
/// the checksums.
unsafe fn finish_frame(start: *mut u8, header: Frame) {
    let mut body = frame::Body::default();
    let mut at = frame::HEADER;
    for _ in 0..header.records {
        // SAFETY: a record was written here, with a valid header that gives its length.
        unsafe {
            let record = start.add(at as usize);
            let mut head = [0u8; HEADER];
            std::ptr::copy_nonoverlapping(record.add(4), head.as_mut_ptr().add(4), HEADER - 4);
            let head = Header::decode(&head).expect("records in memory have valid headers");
            let content = HEADER + head.key_len as usize + head.value_len as usize;
            let sum = checksum(header.address + at, std::slice::from_raw_parts(record, content));
            std::ptr::copy_nonoverlapping(sum.to_le_bytes().as_ptr(), record, 4);
            body.add(sum);
            at += head.total_len();
        }
    }
    let bytes = Frame { body: body.finish(), ..header }.encode();
    // SAFETY: the frame's memory begins with room for its header.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), start, bytes.len()) };
}
