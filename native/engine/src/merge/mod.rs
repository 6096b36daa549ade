//! Merging: what is still needed of old segments is copied to new ones, and the old ones go.
//!
//! A record of a segment is needed if its key's index entry points to it, or if it is a tombstone
//! that still keeps an older record of its key, in another segment, from coming back when the index
//! is rebuilt from the segments. The rule for that is: the record with the highest sequence number
//! among all segments of the store is the truth about its key. FORMAT.md has the details.
//!
//! A round looks at the hints of some segments ([`hinted`]), or reads those without one from beginning
//! to end ([`reader`]), asks the index about each record that could be needed ([`verdict`]), writes
//! what is needed to merged segments ([`output`]) and points the index to the copies ([`repoint`]), unless somebody has changed an entry meanwhile. The segments read stay part
//! of the store until a list of segments without them is published, with a checkpoint; a crash
//! before that leaves things as if there had been no merge.

mod choice;
mod control;
mod fold;
mod hinted;
mod output;
mod reader;
mod repoint;
mod round;
mod survey;
mod verdict;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub(crate) use choice::Effort;
pub(crate) use control::Control;

use crate::address::is_in_log;
use crate::checkpoint::Checkpointer;
use crate::core::Core;
use crate::log::Files;
use crate::options::{Compression, Options};
use crate::stats::Counters;
use control::{Halted, Throttle};
use reader::ReadFailure;
use round::Round;
use survey::Survey;

/// Sealed segments hold so many times what is needed when merging goes on without a limit.
const BEHIND: u64 = 3;

/// Why a round came to no end. Nothing is lost: its inputs stay part of the store.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MergeError {
    /// It was told to stop.
    #[error("merging was interrupted")]
    Halted,
    /// A segment is damaged; it is left alone from now on.
    #[error("damaged data in {file} at offset {offset}: {what}")]
    Damaged {
        /// The segment's file.
        file: String,
        /// Where in the file, in bytes.
        offset: u64,
        /// What was expected there.
        what: &'static str,
    },
    /// A value that has records in a segment could not be written anew.
    #[error("merging: a value could not be written anew")]
    Unwritten,
    /// A segment could not be read, or a new one not written.
    #[error("merging: {0}")]
    Io(#[from] std::io::Error),
}

impl From<Halted> for MergeError {
    fn from(Halted: Halted) -> MergeError {
        MergeError::Halted
    }
}

/// Merges the segments of one store. Used by one thread, and never while a checkpoint is made.
pub(crate) struct Merger {
    core: Arc<Core>,
    files: Arc<Files>,
    route: fn(&[u8], u16) -> u16,
    control: Arc<Control>,
    rate: u64,
    /// Id of the next merged segment. Never given out twice, whatever became of the segment.
    next_id: u64,
    /// Segments whose needed records are elsewhere by now, and which are still part of the store.
    retired: Vec<u64>,
    /// Segments that cannot be read.
    damaged: HashSet<u64>,
}

impl Merger {
    pub(crate) fn new(
        core: Arc<Core>,
        files: Arc<Files>,
        control: Arc<Control>,
        options: &Options,
    ) -> Merger {
        // Numbers of merged segments are above those of the log.
        let last = core.log.segments.states().pop();
        let last = last.filter(|state| state.number >= files.merged_number(0));
        let next_id = last.map_or(0, |last| last.number + u64::from(last.span));
        Merger {
            core,
            control,
            route: options.route,
            rate: options.merge_rate,
            next_id: next_id.saturating_sub(files.merged_number(0)),
            files,
            retired: Vec::new(),
            damaged: HashSet::new(),
        }
    }

    /// Merges some segments, if there are any worth the `effort`. False if there are none.
    ///
    /// # Errors
    /// See [`MergeError`]; what has been copied so far stays, and so do the inputs.
    pub(crate) fn round(
        &mut self,
        effort: Effort,
        checkpointer: &Checkpointer,
    ) -> Result<bool, MergeError> {
        if self.core.log.failure().is_some() {
            return Ok(false);
        }
        // Parts of a base that is being written belong to no chain yet. Asked before the survey: a
        // base that is complete between the two would have parts that neither of them knows of.
        let folding_from = self.core.objects.folding_from();
        let survey = Survey::take(&self.core, &self.retired);
        let mut inputs = choice::choose(&survey, effort, &self.damaged);
        inputs.retain(|input| !is_in_log(input.start) || input.summary.end < folding_from);
        if inputs.is_empty() {
            return Ok(false);
        }
        let pinned_from = survey.pinned_from(&inputs);
        let throttle = Throttle::new(&self.control, self.rate_for(&survey));
        let mut round = Round::new(
            (&self.core, &self.files),
            checkpointer,
            self.route,
            throttle,
            &mut self.next_id,
            pinned_from,
        );
        let outcome = inputs.iter().try_for_each(|input| round.merge(input));
        let outcome = outcome.and_then(|()| round.finish(&inputs));
        if outcome.is_err() {
            round.discard();
        }
        self.conclude(outcome, inputs.iter().map(|input| input.number).collect())
    }

    /// The rate that was set, or none when garbage has grown far beyond what is needed: else it could
    /// grow until the disk is full.
    fn rate_for(&self, survey: &Survey) -> u64 {
        let (live, all) = survey.live_and_all();
        if all > BEHIND * live { 0 } else { self.rate }
    }

    /// All inputs are retired or none is: tombstones were dropped because all would be.
    fn conclude(
        &mut self,
        outcome: Result<(), round::Failure>,
        inputs: Vec<u64>,
    ) -> Result<bool, MergeError> {
        match outcome {
            Ok(()) => {
                self.retired.extend(inputs);
                Counters::add(&self.core.log.counters.merges, 1);
                Ok(true)
            }
            Err(round::Failure::Merge(error)) => Err(error),
            Err(round::Failure::Read(number, error)) => Err(self.unreadable(number, error)),
        }
    }

    /// A segment that cannot be read is no input again.
    fn unreadable(&mut self, number: u64, failure: ReadFailure) -> MergeError {
        self.damaged.insert(number);
        match failure {
            ReadFailure::Io(error) => MergeError::Io(error),
            ReadFailure::Damage { offset, what } => {
                let file = self.files.path_of(number).display().to_string();
                MergeError::Damaged { file, offset, what }
            }
        }
    }

    /// Segments that are not needed any more: all of them, or none while an entry points to one of
    /// them. They may cease to be part of the store when everything that was written before now is
    /// durable: overwriting and deleting is what made records there unneeded.
    pub(crate) fn retired(&self) -> &[u64] {
        // Records of an emptied key space count as live until they are counted out.
        let in_use = Survey::live_in(&self.core, &self.retired) > 0;
        if in_use { &[] } else { &self.retired }
    }

    /// Size of the files of the retired segments.
    pub(crate) fn retired_bytes(&self) -> u64 {
        let len = |&number: &u64| self.core.log.segments.file(number)?.len().ok();
        self.retired.iter().filter_map(len).sum()
    }

    /// The retired segments are no part of the store any more.
    pub(crate) fn forget_retired(&mut self) {
        self.retired.clear();
    }
}

/// Bytes of records that are needed, and of those that are not, by size classes.
pub(crate) fn live_and_dead(core: &Core) -> (u64, u64) {
    let (live, all) = Survey::take(core, &[]).live_and_all();
    (live, all.saturating_sub(live))
}

/// How values are compressed that are written to a merged segment now. What can stay in memory is
/// not: it would have to be unpacked for each read.
fn should_compress(core: &Core) -> Compression {
    if core.all_fits.load(Ordering::Relaxed) { Compression::None } else { core.compression }
}

#[cfg(test)]
mod tests;
