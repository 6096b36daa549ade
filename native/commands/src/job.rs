//! Work that a thread of the engine does while the connection that asked for it waits.
//!
//! The first run of a command starts the job and stops; when the job is done the connection's
//! process is told, runs the command again, and that run takes the outcome. So a command that takes
//! minutes occupies no scheduler.

use std::sync::Arc;

use parking_lot::Mutex;

/// What came of a job: nothing, or what went wrong, in words.
pub type Outcome = Result<(), String>;

/// Tells whoever waits that a job is done.
pub type Waker = Box<dyn FnOnce() + Send>;

/// Takes a job's outcome, once; what the engine is given to call.
pub type Done = Box<dyn FnOnce(Outcome) + Send>;

/// A job that has been started.
#[derive(Clone)]
pub struct Job {
    state: Arc<Mutex<State>>,
}

enum State {
    Running(Option<Waker>),
    Done(Outcome),
}

/// Ends the job when it is dropped, too: whoever waits must hear of a store that was closed.
struct Completion(Arc<Mutex<State>>);

impl Completion {
    fn finish(&self, outcome: Outcome) {
        let mut state = self.0.lock();
        if let State::Running(waker) = &mut *state {
            let waker = waker.take();
            *state = State::Done(outcome);
            drop(state);
            if let Some(wake) = waker {
                wake();
            }
        }
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        self.finish(Err("the store was closed".to_owned()));
    }
}

impl Job {
    /// A job, and what is to be called when it is done.
    pub fn new() -> (Job, Done) {
        let state = Arc::new(Mutex::new(State::Running(None)));
        let completion = Completion(Arc::clone(&state));
        (Job { state }, Box::new(move |outcome| completion.finish(outcome)))
    }

    /// The outcome, if the job is done.
    pub fn outcome(&self) -> Option<Outcome> {
        match &*self.state.lock() {
            State::Running(_) => None,
            State::Done(outcome) => Some(outcome.clone()),
        }
    }

    /// Has `waker` called when the job is done, from the thread that does it. Gives it back,
    /// uncalled, when it is done already.
    pub fn wait(&self, waker: Waker) -> Option<Waker> {
        match &mut *self.state.lock() {
            State::Running(slot) => {
                *slot = Some(waker);
                None
            }
            State::Done(_) => Some(waker),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_waiter_is_told_once_the_outcome_is_there() {
        let (job, done) = Job::new();
        let (sender, receiver) = mpsc::channel();
        assert_eq!(job.outcome(), None);
        assert!(job.wait(Box::new(move || sender.send(()).expect("heard"))).is_none());
        assert!(receiver.try_recv().is_err());
        done(Err("no room".to_owned()));
        receiver.try_recv().expect("told");
        assert_eq!(job.outcome(), Some(Err("no room".to_owned())));
        assert!(job.wait(Box::new(|| panic!("nobody has to wait"))).is_some());
    }

    #[test]
    fn a_job_that_is_forgotten_ends_with_an_error() {
        let (job, done) = Job::new();
        drop(done);
        assert_eq!(job.outcome(), Some(Err("the store was closed".to_owned())));
    }
}
