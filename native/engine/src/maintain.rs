//! The thread that keeps the store quick to open and its files small: it seals segments, merges them,
//! and takes checkpoints.
//!
//! Nothing waits for it, and the store is whole without it. What fails here is told in the figures
//! and tried again later, less and less often.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::chains::Settling;
use crate::checkpoint::{Checkpointer, Taken};
use crate::core::Core;
use crate::log::Files;
use crate::merge::{self, Control, Effort, MergeError, Merger};
use crate::options::Options;
use crate::seal::seal;
use crate::stats::{Counters, Stats};

/// Time between two looks at what is due.
const ROUND: Duration = Duration::from_secs(1);
/// After a failure this passes before the next try; each further one doubles it, up to the most.
const FIRST_RETRY: Duration = Duration::from_secs(1);
const LAST_RETRY: Duration = Duration::from_secs(60);
/// A store that is closed gets a checkpoint if so many bytes have been logged, even without a record.
const FRAMES_WITHOUT_RECORDS: u64 = 1 << 20;

/// Told how a checkpoint that was asked for has gone.
pub(crate) type Done = Box<dyn FnOnce(Result<(), String>) + Send>;

/// What others tell the thread, and it them.
pub(crate) struct Maintainer {
    core: Arc<Core>,
    state: Mutex<State>,
    wake: Condvar,
    /// Stops and pauses merging.
    pub merging: Arc<Control>,
    /// Whether a round of merging is under way.
    in_round: AtomicBool,
    /// Bytes of segments that have been merged and go with the next checkpoint.
    retired_bytes: AtomicU64,
    checkpoints: AtomicU64,
    checkpoint_bytes: AtomicU64,
    last_checkpoint_s: AtomicU64,
    /// Last sequence number that the last checkpoint covers.
    checkpoint_sequence: AtomicU64,
    failures: AtomicU64,
    error: Mutex<Option<String>>,
}

#[derive(Default)]
struct State {
    /// Segments that the committer has finished.
    sealed: Vec<u64>,
    /// Who has asked for a checkpoint.
    requests: Vec<Done>,
    /// Who has asked for everything to be merged.
    merges: Vec<Done>,
    /// The committer has ended: nothing is written any more.
    log_ended: bool,
    /// The thread has ended.
    ended: bool,
}

/// The thread's own state.
pub(crate) struct Worker {
    shared: Arc<Maintainer>,
    checkpointer: Checkpointer,
    log_id: u64,
    /// Whether anything is done without being asked for.
    background: bool,
    checkpoint_bytes: u64,
    checkpoint_interval: Duration,
    /// Sealed segments without a summary.
    unsealed: Vec<u64>,
    /// What is left to do before anything is merged.
    settling: Settling,
    merger: Merger,
    /// What the next round of merging is for, and whether it may begin at once.
    effort: Effort,
    more_to_merge: bool,
    /// The last checkpoint.
    last: Taken,
    taken_at: Instant,
    /// A checkpoint is due whatever has been written: there is none that could be used.
    urgent: bool,
    /// Failures in a row, and when to try again.
    failed: u32,
    retry_at: Option<Instant>,
}

/// What recovery hands on.
pub(crate) struct Start {
    pub checkpointer: Checkpointer,
    pub log_id: u64,
    pub files: Arc<Files>,
    pub unsealed: Vec<u64>,
    /// Where the checkpoint that was used begins, and its sequence number; 0 and 0 without one.
    pub begin: u64,
    pub sequence: u64,
    /// The index had to be rebuilt.
    pub rebuilt: bool,
}

/// A round's work.
struct Round {
    requests: Vec<Done>,
    merges: Vec<Done>,
    /// The last round.
    ending: bool,
}

impl Maintainer {
    pub(crate) fn new(core: Arc<Core>) -> Arc<Maintainer> {
        Arc::new(Maintainer {
            core,
            state: Mutex::default(),
            wake: Condvar::new(),
            merging: Arc::default(),
            in_round: AtomicBool::new(false),
            retired_bytes: AtomicU64::new(0),
            checkpoints: AtomicU64::new(0),
            checkpoint_bytes: AtomicU64::new(0),
            last_checkpoint_s: AtomicU64::new(0),
            checkpoint_sequence: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            error: Mutex::new(None),
        })
    }

    /// The committer has written the last frame of a segment.
    pub(crate) fn segment_sealed(&self, number: u64) {
        self.state.lock().sealed.push(number);
        self.wake.notify_one();
    }

    /// The committer has ended: the thread takes a last checkpoint and ends, too.
    pub(crate) fn log_ended(&self) {
        self.state.lock().log_ended = true;
        self.wake.notify_one();
    }

    /// Asks for a checkpoint; `done` is called once, from the thread or at once.
    pub(crate) fn request(&self, done: Done) {
        let mut state = self.state.lock();
        if state.ended {
            drop(state);
            return done(Err("the store is closed".into()));
        }
        state.requests.push(done);
        self.wake.notify_one();
    }

    /// Asks for everything to be merged that can be; `done` is called once, when a checkpoint without
    /// what was merged is there, or it has failed.
    pub(crate) fn request_merge(&self, done: Done) {
        let mut state = self.state.lock();
        if state.ended {
            drop(state);
            return done(Err("the store is closed".into()));
        }
        state.merges.push(done);
        self.wake.notify_one();
    }

    fn merge_state(&self) -> &'static str {
        match (self.in_round.load(Ordering::Relaxed), self.merging.is_paused()) {
            (true, _) => "running",
            (false, true) => "paused",
            (false, false) => "idle",
        }
    }

    /// Adds its figures.
    pub(crate) fn add_to(&self, stats: &mut Stats) {
        stats.checkpoints = self.checkpoints.load(Ordering::Relaxed);
        stats.checkpoint_bytes = self.checkpoint_bytes.load(Ordering::Relaxed);
        stats.last_checkpoint_s = self.last_checkpoint_s.load(Ordering::Relaxed);
        let covered = self.checkpoint_sequence.load(Ordering::Relaxed);
        stats.records_since_checkpoint = self.core.log.sequence().saturating_sub(covered);
        stats.maintenance_failures = self.failures.load(Ordering::Relaxed);
        stats.maintenance_error = self.error.lock().clone();
        let counters = &self.core.log.counters;
        stats.merges = counters.merges.load(Ordering::Relaxed);
        stats.merged_bytes = counters.merge_read.load(Ordering::Relaxed);
        stats.merge_bytes = counters.merge_written.load(Ordering::Relaxed);
        stats.hint_bytes = counters.hints.load(Ordering::Relaxed);
        stats.merge_state = self.merge_state();
        stats.retired_bytes = self.retired_bytes.load(Ordering::Relaxed);
        (stats.live_bytes, stats.dead_bytes) = merge::live_and_dead(&self.core);
    }

    fn note_failure(&self, error: String) {
        Counters::add(&self.failures, 1);
        *self.error.lock() = Some(error);
    }
}

/// Tells the maintainer, also when the committer's thread panics, that the log has ended.
pub(crate) struct LogEnded(pub Arc<Maintainer>);

impl Drop for LogEnded {
    fn drop(&mut self) {
        self.0.log_ended();
    }
}

/// Refuses, also when the thread panics, what is asked for after its end.
struct Ended<'a>(&'a Maintainer);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.ended = true;
        let mut requests = std::mem::take(&mut state.requests);
        requests.append(&mut state.merges);
        drop(state);
        requests.into_iter().for_each(|done| done(Err("the store is closed".into())));
    }
}

impl Worker {
    pub(crate) fn new(shared: Arc<Maintainer>, start: Start, options: &Options) -> Worker {
        let (begin, sequence) = (start.begin, start.sequence);
        let (core, control) = (Arc::clone(&shared.core), Arc::clone(&shared.merging));
        let merger = Merger::new(core, start.files, control, options);
        Worker {
            shared,
            checkpointer: start.checkpointer,
            log_id: start.log_id,
            background: options.maintenance,
            checkpoint_bytes: options.checkpoint_bytes,
            checkpoint_interval: options.checkpoint_interval,
            unsealed: start.unsealed,
            settling: Settling::new(),
            merger,
            effort: Effort::Usual,
            more_to_merge: false,
            last: Taken { begin, sequence, bytes: 0, left_over: None },
            taken_at: Instant::now(),
            urgent: start.rebuilt,
            failed: 0,
            retry_at: None,
        }
    }

    /// Works until the log has ended.
    pub(crate) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let _ended = Ended(&shared);
        loop {
            let round = self.next_round();
            if self.background && !round.ending {
                self.settling.step(&self.shared.core);
            }
            let asked = !round.requests.is_empty() || !round.merges.is_empty();
            if self.shared.core.log.failure().is_some() {
                // What is in memory may be more than what is on disk ever will be.
                let all = round.requests.into_iter().chain(round.merges);
                all.for_each(|done| done(Err("the log has failed".into())));
                if round.ending {
                    return;
                }
                continue;
            }
            let may_work = self.background && self.retry_at.is_none_or(|at| at <= Instant::now());
            if may_work || asked || round.ending {
                self.seal_all();
            }
            let merged = match round.merges.is_empty() {
                true if may_work && !round.ending => self.merge(),
                true => Ok(()),
                false => self.merge_everything(),
            };
            let due = may_work && self.is_due() || round.ending && self.has_changed();
            if asked || due {
                let outcome = self.checkpoint();
                round.requests.into_iter().for_each(|done| done(outcome.clone()));
                let outcome = merged.and(outcome);
                round.merges.into_iter().for_each(|done| done(outcome.clone()));
            }
            if round.ending {
                return;
            }
        }
    }

    /// Waits until there may be something to do.
    fn next_round(&mut self) -> Round {
        let mut state = self.shared.state.lock();
        let idle = |state: &State| {
            !state.log_ended
                && state.requests.is_empty()
                && state.merges.is_empty()
                && !(self.more_to_merge && self.background)
                && (self.settling.is_done(&self.shared.core) || !self.background)
                && (state.sealed.is_empty() || !self.background)
        };
        if idle(&state) {
            self.shared.wake.wait_for(&mut state, ROUND);
        }
        self.unsealed.append(&mut state.sealed);
        let (requests, merges) =
            (std::mem::take(&mut state.requests), std::mem::take(&mut state.merges));
        Round { requests, merges, ending: state.log_ended }
    }

    fn seal_all(&mut self) {
        for number in std::mem::take(&mut self.unsealed) {
            if let Err(error) = seal(&self.shared.core, self.log_id, number) {
                self.unsealed.push(number);
                self.note_failure(error);
            }
        }
    }

    /// A round of merging, if one is worth it: never beside a checkpoint, and not before all chains
    /// are settled.
    fn merge(&mut self) -> Result<(), String> {
        self.more_to_merge = false;
        if !self.settling.is_done(&self.shared.core) || self.shared.merging.is_paused() {
            return Ok(());
        }
        self.merge_round(self.effort).map(|more| self.more_to_merge = more)
    }

    fn merge_everything(&mut self) -> Result<(), String> {
        while self.settling.step(&self.shared.core) {}
        while self.merge_round(Effort::Everything)? {}
        Ok(())
    }

    /// False if there was nothing to merge.
    fn merge_round(&mut self, effort: Effort) -> Result<bool, String> {
        self.shared.in_round.store(true, Ordering::Relaxed);
        let outcome = self.merger.round(effort, &self.checkpointer);
        self.shared.in_round.store(false, Ordering::Relaxed);
        self.shared.retired_bytes.store(self.merger.retired_bytes(), Ordering::Relaxed);
        let full = matches!(&outcome, Err(MergeError::Io(error)) if error.kind() == ErrorKind::StorageFull);
        self.effort = if full { Effort::Free } else { Effort::Usual };
        match outcome {
            Ok(merged) => Ok(merged),
            Err(MergeError::Halted) => Err(MergeError::Halted.to_string()),
            Err(error) => {
                self.note_failure(error.to_string());
                Err(error.to_string())
            }
        }
    }

    fn checkpoint(&mut self) -> Result<(), String> {
        let removed = self.merger.retired().to_vec();
        let taken = self.checkpointer.publish(&removed);
        let taken = taken.inspect_err(|error| self.note_failure(error.clone()))?;
        if !removed.is_empty() {
            self.merger.forget_retired();
            self.shared.retired_bytes.store(0, Ordering::Relaxed);
        }
        if let Some(error) = taken.left_over.clone() {
            self.shared.note_failure(error);
        }
        Counters::add(&self.shared.checkpoints, 1);
        Counters::add(&self.shared.checkpoint_bytes, taken.bytes);
        let now_s = self.shared.core.clock.now_ms() / 1000;
        self.shared.last_checkpoint_s.store(now_s, Ordering::Relaxed);
        self.shared.checkpoint_sequence.store(taken.sequence, Ordering::Relaxed);
        (self.last, self.taken_at, self.urgent) = (taken, Instant::now(), false);
        if self.unsealed.is_empty() {
            (self.failed, self.retry_at) = (0, None);
        }
        Ok(())
    }

    fn note_failure(&mut self, error: String) {
        self.shared.note_failure(error);
        let wait = FIRST_RETRY.saturating_mul(1 << self.failed.min(10)).min(LAST_RETRY);
        self.failed += 1;
        self.retry_at = Some(Instant::now() + wait);
    }

    /// Whether opening the store would take noticeably longer than it must, or space waits to be
    /// given back.
    fn is_due(&self) -> bool {
        let core = &*self.shared.core;
        let logged = core.log.written().saturating_sub(self.last.begin);
        let index = || -> u64 {
            let bytes = |shard: &Mutex<crate::shard::Shard>| -> u64 {
                shard.lock().spaces.iter().map(|space| space.index.bytes()).sum()
            };
            core.shards.iter().map(bytes).sum()
        };
        let waiting = self.merger.retired_bytes();
        self.urgent
            || logged > self.checkpoint_bytes && logged > 2 * index()
            || waiting > 0 && core.log.is_full()
            || waiting > self.checkpoint_bytes / 4
                && waiting > 4 * core.log.segments.size()
                && waiting > index()
            || self.taken_at.elapsed() > self.checkpoint_interval
                && core.log.sequence() != self.last.sequence
    }

    /// Whether a store that is closed now would open quicker with another checkpoint.
    fn has_changed(&self) -> bool {
        let log = &self.shared.core.log;
        let logged = log.written().saturating_sub(self.last.begin);
        log.sequence() != self.last.sequence
            || self.last.sequence > 0 && logged > FRAMES_WITHOUT_RECORDS
            || !self.merger.retired().is_empty()
    }
}
