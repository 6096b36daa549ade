//! The thread that makes objects of what is on disk, writes new bases of large ones, and keeps all of
//! them within their part of the memory budget.
//!
//! Callers leave what they want and somebody to tell. Records are read by the fetching threads, many
//! at a time; here they are put together, and the object is given to its chain if that still has the
//! same records.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex};

use super::evict::{IDLE_PART, IdleCursor};
use super::fold::{Fold, Folded};
use super::load::Load;
use super::{ColdValue, HeapGauge};
use crate::core::Core;
use crate::tier::fetch::{Flights, Waiter};

/// Bytes that are being read to become objects, unless a single one is larger: the part of the budget
/// for objects, as one in so many, and the most.
const LOADING_PART: u64 = 4;
const MOST_LOADING: u64 = 64 << 20;
/// How often an object that others drive out again is brought into memory to write its base.
const MOST_LOADS: u32 = 3;
/// Chains without an object that are being given up at a time, when there are too many.
const MOST_TIDIED: usize = 32;
/// The part of the boost that wears off in a round, as one in so many.
const BOOST_DECAY: u64 = 8;

/// Told how writing a new base has gone.
pub(crate) type FoldDone = Box<dyn FnOnce(Folded) + Send>;

/// The thread's queue, and what others look at.
pub(crate) struct Objects {
    state: Mutex<State>,
    wake: Condvar,
    heap: HeapGauge,
    /// What objects may take, in bytes.
    limit: AtomicU64,
    /// What they may take beyond that, for commands that need more at a time. Wears off.
    boost: AtomicU64,
    /// Where the log was when the base began that is being written; `u64::MAX` while none is.
    folding_from: AtomicU64,
    /// Nothing is done any more.
    ended: AtomicBool,
    waiters_called: Arc<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct State {
    /// Who waits for what.
    flights: Flights<ColdValue>,
    wanted: VecDeque<ColdValue>,
    /// Loads whose records are being read, by number, and the bytes of all of them.
    reading: HashMap<u64, Arc<Load>>,
    bytes: u64,
    next_load: u64,
    /// Loads whose records have been read.
    landed: VecDeque<Arc<Load>>,
    folds: VecDeque<FoldJob>,
    /// The log had no room for the base that is being written.
    waits_for_room: bool,
    /// There may be more objects than there is room for.
    trim: bool,
    /// Chains without an object take too much memory: some are to be given up.
    tidy: bool,
    /// How many of them are being written anew, and where to look for more.
    tidied: usize,
    tidy_from: IdleCursor,
    running: bool,
    stopped: bool,
}

/// A base to be written.
struct FoldJob {
    value: ColdValue,
    /// Somebody asked for it: then it is done in any case, and the object brought into memory first.
    done: Option<FoldDone>,
    /// How often the object has been brought into memory for it.
    loads: u32,
}

impl FoldJob {
    fn end(self, outcome: Folded) {
        if let Some(done) = self.done {
            done(outcome);
        }
    }
}

/// What is left undone when the thread ends.
#[derive(Default)]
struct Left {
    waiters: Vec<Waiter>,
    folds: VecDeque<FoldJob>,
}

impl State {
    fn abandon(&mut self) -> Left {
        self.wanted.clear();
        self.landed.clear();
        self.reading.clear();
        Left { waiters: self.flights.abandon(), folds: std::mem::take(&mut self.folds) }
    }
}

/// Has everybody told, also when the thread panics, that nothing more will be done.
struct Ended<'a>(&'a Objects);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        (state.stopped, state.running) = (true, false);
        self.0.ended.store(true, Ordering::Release);
        let left = state.abandon();
        drop(state);
        self.0.give_up(left);
    }
}

/// What the thread does next.
enum Job {
    Finish(Arc<Load>),
    Begin(ColdValue),
    Fold(FoldJob),
    /// Goes on with the base that is being written.
    GoOn,
    Trim,
    Tidy,
}

impl Objects {
    /// Calls `waiters_called` each time waiters were called.
    pub(crate) fn new(heap: HeapGauge, waiters_called: Arc<dyn Fn() + Send + Sync>) -> Objects {
        Objects {
            state: Mutex::default(),
            wake: Condvar::new(),
            heap,
            limit: AtomicU64::new(u64::MAX),
            boost: AtomicU64::new(0),
            folding_from: AtomicU64::new(u64::MAX),
            ended: AtomicBool::new(false),
            waiters_called,
        }
    }

    /// Whether no object can be made any more of what is on disk.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Whether another object may be made without letting one go first.
    pub(crate) fn has_room(&self) -> bool {
        self.heap.used() < self.limit()
    }

    /// Bytes that objects may take at the moment.
    pub(super) fn limit(&self) -> u64 {
        let limit = self.limit.load(Ordering::Relaxed);
        limit.saturating_add(self.boost.load(Ordering::Relaxed))
    }

    /// Sets the limit in bytes: once a round of the budget. Objects beyond it go.
    pub(crate) fn set_limit(&self, limit: u64) {
        let boost = self.boost.load(Ordering::Relaxed);
        let less = boost - boost.div_ceil(BOOST_DECAY);
        // A command that met one larger boost may have set it meanwhile: then it stays.
        let _ = self.boost.compare_exchange(boost, less, Ordering::Relaxed, Ordering::Relaxed);
        self.limit.store(limit, Ordering::Relaxed);
        let (trim, tidy) = (!self.has_room(), self.is_untidy());
        if trim || tidy {
            let mut state = self.state.lock();
            (state.trim, state.tidy) = (trim, tidy);
            drop(state);
            self.wake.notify_one();
        }
    }

    /// Whether chains without an object take more than their part.
    pub(super) fn is_untidy(&self) -> bool {
        self.heap.idle() > self.limit() / IDLE_PART
    }

    /// Gives room for so many bytes more for a while.
    pub(crate) fn add_boost(&self, bytes: u64) {
        self.boost.fetch_max(bytes, Ordering::Relaxed);
    }

    /// Where the log was when the base began that is being written. Its parts, which no chain has yet,
    /// are behind that place; `u64::MAX` while none is written. Merging asks after it has chosen
    /// segments, and leaves those alone that reach beyond.
    pub(crate) fn folding_from(&self) -> u64 {
        self.folding_from.load(Ordering::Acquire)
    }

    pub(super) fn set_folding_from(&self, position: u64) {
        self.folding_from.store(position, Ordering::Release);
    }

    /// Has `waiter` called when an object has been made of each of `values`, or it has turned out that
    /// none can be. After [`Objects::stop`] it is called at once.
    pub(crate) fn load(&self, values: Vec<ColdValue>, waiter: Waiter) {
        let mut state = self.state.lock();
        if state.stopped {
            drop(state);
            return self.call(vec![waiter]);
        }
        let new = state.flights.add(values, |value| *value, waiter);
        state.wanted.extend(new);
        drop(state);
        self.wake.notify_one();
    }

    /// Has a new base of the value written when there is time for it.
    pub(crate) fn fold_later(&self, value: ColdValue) {
        self.push_fold(FoldJob { value, done: None, loads: 0 });
    }

    /// Has a new base of the value written, which need not be in memory; `done` is called once.
    pub(crate) fn fold(&self, value: ColdValue, done: FoldDone) {
        self.push_fold(FoldJob { value, done: Some(done), loads: 0 });
    }

    fn push_fold(&self, job: FoldJob) {
        let mut state = self.state.lock();
        if state.stopped {
            drop(state);
            return job.end(Folded::Refused);
        }
        state.folds.push_back(job);
        drop(state);
        self.wake.notify_one();
    }

    /// The load with this number whose records are being read.
    pub(crate) fn reading(&self, number: u64) -> Option<Arc<Load>> {
        self.state.lock().reading.get(&number).cloned()
    }

    /// Ends the thread when it has done what it is at, and has all waiters called.
    pub(crate) fn stop(&self) {
        let mut state = self.state.lock();
        state.stopped = true;
        let left = if state.running { Left::default() } else { state.abandon() };
        drop(state);
        self.wake.notify_one();
        self.give_up(left);
    }

    fn give_up(&self, left: Left) {
        left.folds.into_iter().for_each(|job| job.end(Folded::Refused));
        self.call(left.waiters);
    }

    fn call(&self, waiters: Vec<Waiter>) {
        if waiters.is_empty() {
            return;
        }
        waiters.into_iter().for_each(|waiter| waiter());
        (self.waiters_called)();
    }

    /// The flight of a value has ended.
    fn finish(&self, value: ColdValue) {
        let waiters = self.state.lock().flights.finish([value]);
        self.call(waiters);
    }

    /// Works until [`Objects::stop`].
    pub(crate) fn run(&self, core: &Arc<Core>) {
        self.state.lock().running = true;
        let _ended = Ended(self);
        let mut fold: Option<(Fold, FoldJob)> = None;
        while let Some(job) = self.next(fold.is_some()) {
            match job {
                Job::Finish(load) => {
                    load.finish(core);
                    let mut state = self.state.lock();
                    state.bytes -= load.len();
                    drop(state);
                    self.finish(load.value());
                }
                Job::Begin(value) => self.begin(core, value),
                Job::Fold(job) => fold = self.begin_fold(core, job),
                Job::GoOn => fold = fold.and_then(|fold| self.go_on(core, fold)),
                Job::Trim => core.trim_objects(0),
                Job::Tidy => self.tidy(core),
            }
        }
        if let Some((fold, job)) = fold {
            fold.give_up(core);
            job.end(Folded::Refused);
        }
    }

    /// Waits for something to do; `None` when stopped. `folding` says that a base is being written.
    fn next(&self, folding: bool) -> Option<Job> {
        let mut state = self.state.lock();
        loop {
            if state.stopped {
                return None;
            }
            if let Some(job) = self.take(&mut state, folding) {
                return Some(job);
            }
            self.wake.wait(&mut state);
        }
    }

    /// What somebody waits for comes first.
    fn take(&self, state: &mut State, folding: bool) -> Option<Job> {
        if let Some(load) = state.landed.pop_front() {
            return Some(Job::Finish(load));
        }
        let most = (self.limit() / LOADING_PART).min(MOST_LOADING);
        if state.bytes < most.max(1)
            && let Some(value) = state.wanted.pop_front()
        {
            return Some(Job::Begin(value));
        }
        if std::mem::take(&mut state.trim) {
            return Some(Job::Trim);
        }
        if folding {
            return (!state.waits_for_room).then_some(Job::GoOn);
        }
        let fold = state.folds.pop_front().map(Job::Fold);
        let tidy = fold.is_none() && state.tidied == 0 && std::mem::take(&mut state.tidy);
        if tidy { Some(Job::Tidy) } else { fold }
    }

    /// Has some chains without an object written as one record, so that they need no chain.
    fn tidy(&self, core: &Arc<Core>) {
        let mut from = self.state.lock().tidy_from;
        let values = core.idle_values(&mut from, MOST_TIDIED);
        let mut state = self.state.lock();
        (state.tidied, state.tidy_from) = (values.len(), from);
        drop(state);
        for value in values {
            let shared = Arc::clone(core);
            self.fold(
                value,
                Box::new(move |outcome| shared.objects.tidied(&shared, value, outcome)),
            );
        }
    }

    fn tidied(&self, core: &Core, value: ColdValue, outcome: Folded) {
        if outcome == Folded::Done {
            core.give_up_object(value);
        }
        let mut state = self.state.lock();
        state.tidied -= 1;
        // If the log takes nothing, the next round of the budget tries again.
        state.tidy |= outcome == Folded::Done && self.is_untidy();
    }

    /// Has the records of a value read.
    fn begin(&self, core: &Arc<Core>, value: ColdValue) {
        let number = {
            let mut state = self.state.lock();
            state.next_load += 1;
            state.next_load
        };
        let Some((load, cold)) = Load::begin(core, value, number) else {
            return self.finish(value);
        };
        let load = Arc::new(load);
        let mut state = self.state.lock();
        state.bytes += load.len();
        if cold.is_empty() {
            return state.landed.push_back(load);
        }
        state.reading.insert(number, load);
        drop(state);
        let shared = Arc::clone(core);
        core.fetcher.fetch(cold, Box::new(move || shared.objects.landed(number)));
    }

    /// All records of a load have been read, or cannot be.
    fn landed(&self, number: u64) {
        let mut state = self.state.lock();
        if let Some(load) = state.reading.remove(&number) {
            state.landed.push_back(load);
        }
        drop(state);
        self.wake.notify_one();
    }

    fn begin_fold(&self, core: &Arc<Core>, mut job: FoldJob) -> Option<(Fold, FoldJob)> {
        match Fold::begin(core, job.value, job.done.is_some()) {
            Ok(fold) => return Some((fold, job)),
            Err(Folded::NotInMemory) if job.done.is_some() && job.loads < MOST_LOADS => {
                job.loads += 1;
                let (shared, value) = (Arc::clone(core), job.value);
                self.load(vec![value], Box::new(move || shared.objects.push_fold(job)));
            }
            Err(outcome) => job.end(outcome),
        }
        None
    }

    /// Writes the next part of a base; `None` when it is the last, or has failed.
    fn go_on(&self, core: &Arc<Core>, (mut fold, job): (Fold, FoldJob)) -> Option<(Fold, FoldJob)> {
        match fold.step(core) {
            Folded::NotYet => return Some((fold, job)),
            Folded::Busy => {
                self.wait_for_room(core);
                return Some((fold, job));
            }
            Folded::Done => {
                fold.conclude(core);
                job.end(Folded::Done);
            }
            outcome => {
                fold.give_up(core);
                job.end(outcome);
            }
        }
        None
    }

    fn wait_for_room(&self, core: &Arc<Core>) {
        self.state.lock().waits_for_room = true;
        let shared = Arc::clone(core);
        let room = move |_| {
            shared.objects.state.lock().waits_for_room = false;
            shared.objects.wake.notify_one();
        };
        if core.log.wait_room(Box::new(room)).is_some() {
            self.state.lock().waits_for_room = false;
            // Another writer is just beginning a segment, or the last part is being written.
            std::thread::yield_now();
        }
    }
}
