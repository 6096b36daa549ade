//! Checkpoints: the index on disk, so that opening a store does not mean reading its data.
//!
//! A checkpoint is fuzzy: writes go on while it is taken. Its tables are copied one after another,
//! each under its shard's lock, so each shows the index as of a moment between the positions `begin`
//! and `end`. Replaying the log from `begin` over it gives the index at any later position: of the
//! records of a key the one at the higher address counts, wherever the copy stands. This is the fuzzy
//! checkpoint of ARIES (C. Mohan et al., ACM TODS 17(1), 1992) for a log that is the data.

mod format;

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::channel;

use crossbeam_epoch as epoch;

use crate::address::{Region, position, region};
use crate::core::Core;
use crate::index::{Slot, TableCopy};
use crate::log::{Files, Log};
use crate::record::segments_file::{Listed, SegmentsFile};
pub(crate) use format::{Block, Footer, SectionReader, read_footer};
use format::{FooterOf, Writer};

/// Why a checkpoint is not taken.
const STILL_IN_USE: &str = "a segment that is to be removed is still in use";

/// Takes checkpoints and publishes them.
pub(crate) struct Checkpointer {
    core: Arc<Core>,
    files: Arc<Files>,
    /// What the list of segments is known to say on disk.
    newest: u64,
    older: u64,
    /// Ids are never used twice, also not that of a checkpoint that failed.
    next_id: u64,
}

/// A checkpoint that was published.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    /// The log is replayed from here on.
    pub begin: u64,
    /// Records up to this sequence number are in it or in the log behind `begin`.
    pub sequence: u64,
    /// Length of its file.
    pub bytes: u64,
    /// What could not be removed that is not needed any more. It goes when the store is opened.
    pub left_over: Option<String>,
}

impl Checkpointer {
    /// For a store whose list of segments names the checkpoints `newest` and `older` (0 = none), and
    /// that has no checkpoint file with an id from `next_id` on.
    pub(crate) fn new(
        core: Arc<Core>,
        files: Arc<Files>,
        (newest, older): (u64, u64),
        next_id: u64,
    ) -> Checkpointer {
        Checkpointer { core, files, newest, older, next_id }
    }

    /// Takes a checkpoint, and makes the segments that are present now, without those `removed`, the
    /// ones that the store consists of. These are dropped and their files removed when that is
    /// durable. No record of theirs may be in use any more.
    ///
    /// # Errors
    /// Says what went wrong. Nothing was dropped then, and what is on disk is still whole.
    pub(crate) fn publish(&mut self, removed: &[u64]) -> Result<Taken, String> {
        let id = self.next_id;
        self.next_id += 1;
        let (taken, list) =
            self.write(id, removed).inspect_err(|_| self.files.discard_checkpoint())?;
        let _layout = self.core.layout.lock();
        self.files
            .replace_list(&list.encode())
            .map_err(|error| format!("replacing the list of segments: {error}"))?;
        (self.newest, self.older) = (list.newest, list.older);
        let left_over = self.clean_up(removed).err().map(|error| format!("cleaning up: {error}"));
        Ok(Taken { left_over, ..taken })
    }

    /// Writes a checkpoint and gives it its name; the list that will make it count.
    fn write(&self, id: u64, removed: &[u64]) -> Result<(Taken, SegmentsFile), String> {
        let failed = |error: std::io::Error| format!("writing checkpoint {id}: {error}");
        let core = &*self.core;
        let mark = core.log.mark();
        // With a lock held that whoever changes the table holds, too: it is not older than `mark`.
        let shard = core.shards[0].lock();
        let spaces = core.logged_spaces.lock().clone();
        drop(shard);
        let file = self.files.create_checkpoint().map_err(failed)?;
        let mut writer = Writer::new(file);
        let doomed = self.ranges(removed);
        for shard in 0..core.shards.len() {
            self.copy_shard(shard, &doomed, &mut writer)?;
            writer.end_section();
        }
        let sequence = core.log.sequence();
        let end = core.log.written();
        wait_durable(&core.log, end)?;
        let list = self.list([id, self.newest], removed);
        let segments = list.segments.iter().map(|listed| listed.number).collect();
        let footer = FooterOf {
            log_id: self.files.log_id,
            id,
            mark,
            end,
            sequence,
            hash_seed: core.hash_seed,
            spaces,
            segments,
        };
        let bytes = writer.finish(footer).map_err(failed)?;
        self.files.name_checkpoint(id).map_err(failed)?;
        Ok((Taken { begin: mark.position, sequence, bytes, left_over: None }, list))
    }

    /// Copies the tables of one shard. Key spaces are known by their incarnations: their places
    /// change when two are exchanged.
    fn copy_shard(
        &self,
        shard: usize,
        doomed: &[Range<u64>],
        writer: &mut Writer,
    ) -> Result<(), String> {
        let ids = self.spaces_without(shard, doomed)?;
        for id in ids {
            let mut from = 0;
            while let Some(copy) = self.copy_table(shard, id, from) {
                let in_use = |slot: &Slot| doomed.iter().any(|of| of.contains(&slot.address()));
                if copy.slots.iter().any(in_use) {
                    return Err(STILL_IN_USE.into());
                }
                from = copy.next;
                let block = Block { space: id, shard: shard as u32, table: copy };
                writer.add(&block).map_err(|error| format!("writing a checkpoint: {error}"))?;
            }
        }
        Ok(())
    }

    /// The key spaces of a shard, none of whose records is in one of the `doomed` ranges: not those
    /// that entries lead to by way of a chain either.
    fn spaces_without(&self, shard: usize, doomed: &[Range<u64>]) -> Result<Vec<u32>, String> {
        let size = self.core.log.segments.size();
        let shard = self.core.shards[shard].lock();
        let span = |of: &Range<u64>| ((of.end - of.start) / size) as u32;
        let in_use = |of: &Range<u64>| shard.live.of(of.start, span(of)).records > 0;
        if doomed.iter().any(in_use) {
            return Err(STILL_IN_USE.into());
        }
        Ok(shard.spaces.iter().map(|space| space.id).collect())
    }

    /// One table, with the addresses that its records have on disk. Of a key space that has been
    /// emptied meanwhile, what would complete it: an empty table, as large as may begin there.
    fn copy_table(&self, shard: usize, id: u32, from: u64) -> Option<TableCopy> {
        let guard = epoch::pin();
        let shard = self.core.shards[shard].lock();
        let Some(space) = shard.spaces.iter().find(|space| space.id == id) else {
            return TableCopy::empty(from);
        };
        let mut copy = space.index.copy_table(from)?;
        for slot in &mut copy.slots {
            match region(slot.address()) {
                Region::Cache => *slot = slot.moved_to(self.core.origin(*slot, &guard)),
                Region::Chain => *slot = space.chains.lasting(*slot),
                Region::Log | Region::Merged => {}
            }
        }
        Some(copy)
    }

    /// The addresses of these segments.
    fn ranges(&self, numbers: &[u64]) -> Vec<Range<u64>> {
        let segments = &self.core.log.segments;
        let states = segments.states().into_iter();
        states
            .filter(|state| numbers.contains(&state.number))
            .map(|state| {
                segments.start(state.number)..segments.start(state.number + u64::from(state.span))
            })
            .collect()
    }

    /// Makes the merged segments that are present now lasting parts of the store, as the segments of the
    /// log are from their beginning on: so that records may say where in them others are.
    ///
    /// # Errors
    /// The list could not be replaced, or it is not known whether it was.
    pub(crate) fn publish_segments(&self) -> std::io::Result<()> {
        let _layout = self.core.layout.lock();
        self.files.replace_list(&self.list([self.newest, self.older], &[]).encode())
    }

    /// What the store consists of, with two checkpoints (0 = none). Segments without a file have nothing
    /// durable.
    fn list(&self, [newest, older]: [u64; 2], removed: &[u64]) -> SegmentsFile {
        let segments = &self.core.log.segments;
        let in_log = |number: u64| region(segments.start(number)) == Region::Log;
        let states = segments.states();
        let mut log_next = None;
        for state in states.iter().filter(|state| in_log(state.number)) {
            // Those without a file are the last ones of the log.
            match (state.has_file, log_next) {
                (true, _) => log_next = Some(state.number + u64::from(state.span)),
                (false, None) => log_next = Some(state.number),
                (false, Some(_)) => {}
            }
        }
        let listed = states
            .iter()
            .filter(|state| state.has_file && !removed.contains(&state.number))
            .map(|state| Listed { number: state.number, span: state.span, summary: state.summary });
        SegmentsFile {
            log_id: self.files.log_id,
            newest,
            older,
            log_next: log_next
                .map_or(0, |number| position(number << self.files.shift) >> self.files.shift),
            segments: listed.collect(),
        }
    }

    /// Drops segments that are no longer part of the store, and checkpoints but the last two.
    fn clean_up(&self, removed: &[u64]) -> std::io::Result<()> {
        for &number in removed {
            drop(self.core.log.segments.remove(number, &self.core.log.trash));
        }
        if !removed.is_empty() {
            self.files.remove_segments(removed)?;
        }
        let checkpoints = self.files.listing()?.checkpoints.into_iter();
        let mut old = checkpoints.filter(|&id| id != self.newest && id != self.older);
        old.try_for_each(|id| self.files.remove_if_there(&self.files.checkpoint_path(id)))
    }
}

/// Returns when everything below `end` survives a crash.
fn wait_durable(log: &Log, end: u64) -> Result<(), String> {
    let (sender, receiver) = channel();
    let waiter = Box::new(move |outcome: Result<u64, _>| drop(sender.send(outcome.map(drop))));
    let outcome = match log.wait_durable(end, waiter) {
        Some(_) if log.durable() >= end => return Ok(()),
        Some(_) => None,
        None => receiver.recv().ok(),
    };
    match outcome {
        Some(Ok(())) => Ok(()),
        Some(Err(failure)) => Err(failure.0),
        None => Err("the log has failed".into()),
    }
}
