//! Brings memory to what the budget allows: segments in and out, the read cache larger or smaller.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use crossbeam_epoch as epoch;

use super::balance::{Candidate, Plan, divide, plan};
use super::landing::repoint;
use crate::address::is_in_log;
use crate::core::Core;
use crate::log::{Buffer, Memory, SegmentState};
use crate::seal::each_record;

/// Work of a shard's cache under one hold of the shard's lock, see `Cache::trim`.
const TRIM_WORK: u64 = 64 << 10;
/// What is needed beside index and segments: buffers for reads in flight, queues, stacks.
const OVERHEAD: u64 = 4 << 20;
/// A shard's cache gets room for this many chunks, however little there is.
const LEAST_CHUNKS: u64 = 4;
/// The part of the boost that wears off in a round, as one in so many.
const BOOST_DECAY: u64 = 8;
/// The bytes of a segment that is copied into memory, at a time.
const PIECE: usize = 1 << 20;

impl Core {
    /// One round of keeping to the budget. `stopping` is asked between steps that take long.
    pub(crate) fn keep_to_budget(&self, stopping: &dyn Fn() -> bool) {
        let segments = self.log.segments.states();
        let (sealed, open): (Vec<_>, Vec<_>) = segments
            .into_iter()
            .filter(|segment| !segment.damaged)
            .partition(|it| self.is_sealed(it));
        let size = self.log.segments.size();
        let open: u64 = open.iter().map(|segment| u64::from(segment.span) * size).sum();
        let (index, object_uses, fetched) = self.measure_shards();
        let left = self.max_memory.saturating_sub(index + open + OVERHEAD);
        let candidates: Vec<Candidate> = sealed.iter().map(|it| self.candidate(it)).collect();
        let stored = candidates.iter().map(|segment| segment.bytes).sum();
        let uses = {
            let mut uses = self.uses.lock();
            uses.note(object_uses, self.chunks.hits() + fetched);
            *uses
        };
        let (objects, left) = divide(left, self.heap.used(), stored, uses);
        self.objects.set_limit(objects);
        let Plan { warm, cache } = plan(left, candidates);
        let warm: HashSet<u64> = warm.into_iter().collect();
        self.all_fits.store(warm.len() == sealed.len(), Ordering::Relaxed);
        self.put_out(&sealed, &warm);
        self.limit_cache(cache, stopping);
        self.bring_in(&sealed, &warm, stopping);
    }

    /// Whether all frames of a segment are on disk and no more will come.
    fn is_sealed(&self, segment: &SegmentState) -> bool {
        let end = self.log.segments.start(segment.number + u64::from(segment.span));
        segment.has_file && (!is_in_log(end) || self.log.durable() >= end)
    }

    fn candidate(&self, segment: &SegmentState) -> Candidate {
        let size = self.log.segments.size();
        let start = self.log.segments.start(segment.number);
        let whole = u64::from(segment.span) * size;
        // What lies behind the last frame was never touched, and takes no memory.
        let bytes = segment.summary.map_or(whole, |summary| summary.end - start);
        let (number, in_memory) = (segment.number, segment.in_memory);
        Candidate { number, bytes, in_memory, in_log: is_in_log(start) }
    }

    /// Memory of all indexes in bytes, how often objects have been used, and how many records have been
    /// fetched.
    fn measure_shards(&self) -> (u64, u64, u64) {
        let (mut bytes, mut uses, mut fetched) = (0, 0, 0);
        for shard in &self.shards {
            let shard = shard.lock();
            bytes += shard.cache.ghost_bytes();
            fetched += shard.cache.counts().insertions;
            for space in &shard.spaces {
                bytes += space.index.bytes() + space.chains.table_bytes();
                uses += space.chains.uses();
            }
        }
        (bytes, uses, fetched)
    }

    fn put_out(&self, sealed: &[SegmentState], warm: &HashSet<u64>) {
        for segment in sealed {
            if segment.in_memory && !warm.contains(&segment.number) {
                self.log.segments.replace(segment.number, None, &self.log.trash);
            }
        }
    }

    fn bring_in(&self, sealed: &[SegmentState], warm: &HashSet<u64>, stopping: &dyn Fn() -> bool) {
        for segment in sealed.iter().rev() {
            if stopping() {
                return;
            }
            if !segment.in_memory && warm.contains(&segment.number) {
                self.bring_in_one(segment);
            }
        }
    }

    /// Brings a segment into memory at once, if there is room for all. It has just been made; nothing
    /// points to it yet.
    pub(crate) fn warm(&self, number: u64) {
        if self.all_fits.load(Ordering::Relaxed)
            && let Some(segment) = self.log.segments.state(number)
        {
            self.bring_in_one(&segment);
        }
    }

    fn bring_in_one(&self, segment: &SegmentState) {
        let Some(summary) = segment.summary else { return };
        match self.load(segment, summary.end) {
            Ok(memory) => {
                self.log.segments.replace(segment.number, Some(memory), &self.log.trash);
            }
            Err(_) => self.log.segments.set_damaged(segment.number),
        }
    }

    /// The bytes of a sealed segment whose frames end at `end`, once all of them have been found
    /// intact: nobody looks at the checksums of what is in memory.
    fn load(&self, segment: &SegmentState, end: u64) -> std::io::Result<Memory> {
        let memory = self.bytes_of(segment)?;
        let start = self.log.segments.start(segment.number);
        // SAFETY: a sealed segment.
        let bytes = unsafe { memory.bytes() };
        let intact = each_record(bytes, self.log_id, start, |_, _| {}).end == end;
        if intact { Ok(memory) } else { Err(std::io::ErrorKind::InvalidData.into()) }
    }

    /// The bytes of a segment: its file mapped, with the pages locked in memory; or, where that is
    /// not allowed, a copy, since a page that is not in memory would stop a scheduler.
    fn bytes_of(&self, segment: &SegmentState) -> std::io::Result<Memory> {
        let file = self.log.segments.file(segment.number).ok_or(std::io::ErrorKind::NotFound)?;
        let range = u64::from(segment.span) * self.log.segments.size();
        let len = file.len()?.min(range);
        let mapping = file.map_lazily(len)?;
        if mapping.lock() {
            return Ok(Memory::Mapped(mapping));
        }
        drop(mapping);
        let buffer = Buffer::new(range as usize)?;
        for offset in (0..len).step_by(PIECE) {
            let piece = PIECE.min((len - offset) as usize);
            // SAFETY: the piece lies within the buffer, which nobody else has yet, and whose bytes
            // are zero until they are written here.
            let bytes = unsafe {
                std::slice::from_raw_parts_mut(buffer.base().add(offset as usize), piece)
            };
            file.read_exact_at(bytes, offset)?;
        }
        Ok(Memory::Buffer(buffer))
    }

    /// Lets each shard's cache grow by `boost` beyond its limit, until it is set again.
    pub(crate) fn boost_caches(&self, boost: u64) {
        for shard in &self.shards {
            shard.lock().cache.add_limit(boost);
        }
    }

    /// Gives each shard's cache its part, and makes those that are too large smaller.
    fn limit_cache(&self, bytes: u64, stopping: &dyn Fn() -> bool) {
        self.chunks.set_budget(bytes);
        let boost = self.boost.load(Ordering::Relaxed);
        let shards = self.shards.len() as u64;
        let part = (bytes / shards).max(LEAST_CHUNKS * self.chunks.size() as u64);
        // A command that met one larger boost may have set it meanwhile: then it stays.
        let less = boost - boost.div_ceil(BOOST_DECAY);
        let _ = self.boost.compare_exchange(boost, less, Ordering::Relaxed, Ordering::Relaxed);
        for shard in &self.shards {
            shard.lock().cache.set_limit(part + boost);
            while !stopping() {
                let guard = epoch::pin();
                let shard = &mut *shard.lock();
                let done = shard.cache.trim(
                    TRIM_WORK,
                    &mut |moved| repoint(&mut shard.spaces, moved),
                    &guard,
                );
                if done {
                    break;
                }
            }
        }
    }
}
