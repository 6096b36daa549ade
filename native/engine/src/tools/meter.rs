//! How far a tool is.

use std::cell::RefCell;

/// Bytes between two reports.
const STEP: u64 = 4 << 20;

/// How much of the work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done, in a word.
    pub stage: &'static str,
    /// Bytes gone through, and bytes to go through, of this stage.
    pub done: u64,
    /// See `done`.
    pub total: u64,
}

/// Counts bytes and tells somebody now and then.
pub(super) struct Meter<'t> {
    state: RefCell<State<'t>>,
}

struct State<'t> {
    progress: Progress,
    told: u64,
    tell: &'t mut dyn FnMut(Progress),
}

impl<'t> Meter<'t> {
    pub(super) fn new(tell: &'t mut dyn FnMut(Progress)) -> Meter<'t> {
        let progress = Progress { stage: "", done: 0, total: 0 };
        Meter { state: RefCell::new(State { progress, told: 0, tell }) }
    }

    /// Begins a stage of `total` bytes.
    pub(super) fn begin(&self, stage: &'static str, total: u64) {
        let mut state = self.state.borrow_mut();
        state.progress = Progress { stage, done: 0, total };
        state.told = 0;
        state.tell_now();
    }

    /// So many bytes of the stage are done, in all; never fewer than before.
    pub(super) fn reach(&self, done: u64) {
        let mut state = self.state.borrow_mut();
        state.progress.done = state.progress.done.max(done.min(state.progress.total));
        if state.progress.done >= state.told + STEP || state.progress.done == state.progress.total {
            state.tell_now();
        }
    }
}

impl State<'_> {
    fn tell_now(&mut self) {
        self.told = self.progress.done;
        (self.tell)(self.progress);
    }
}
