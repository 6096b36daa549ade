//! Reads that are done when they are submitted, on the submitting thread.

use std::collections::VecDeque;
use std::io::Result;
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

use super::{BatchReader, MAX_DEPTH, Read, Waker};

/// A reader for disks that answer at once, as the simulated one does: every read goes through
/// [`crate::io::File::read_exact_at`], in the order of submission.
pub(in crate::io) struct ImmediateReader {
    depth: usize,
    finished: VecDeque<(u64, Result<Vec<u8>>)>,
    signal: Arc<Signal>,
}

/// Whether the waker was called since the last wait.
#[derive(Default)]
struct Signal {
    raised: Mutex<bool>,
    changed: Condvar,
}

impl ImmediateReader {
    /// A reader that keeps up to `depth` outcomes.
    pub(in crate::io) fn new(depth: usize) -> Self {
        let depth = depth.clamp(1, MAX_DEPTH);
        Self { depth, finished: VecDeque::new(), signal: Arc::default() }
    }
}

impl BatchReader for ImmediateReader {
    fn submit(&mut self, read: Read) -> std::result::Result<(), Read> {
        if self.finished.len() == self.depth {
            return Err(read);
        }
        let mut bytes = vec![0; read.len];
        let outcome = read.file.read_exact_at(&mut bytes, read.offset);
        self.finished.push_back((read.token, outcome.map(|()| bytes)));
        Ok(())
    }

    fn depth(&self) -> usize {
        self.depth
    }

    fn in_flight(&self) -> usize {
        self.finished.len()
    }

    fn wait(&mut self, done: &mut dyn FnMut(u64, Result<&[u8]>)) -> usize {
        {
            let mut raised = self.signal.raised.lock();
            while self.finished.is_empty() && !*raised {
                self.signal.changed.wait(&mut raised);
            }
            *raised = false;
        }
        let count = self.finished.len();
        for (token, outcome) in self.finished.drain(..) {
            match outcome {
                Ok(bytes) => done(token, Ok(&bytes)),
                Err(error) => done(token, Err(error)),
            }
        }
        count
    }

    fn waker(&self) -> Waker {
        let signal = Arc::clone(&self.signal);
        Arc::new(move || {
            *signal.raised.lock() = true;
            signal.changed.notify_all();
        })
    }
}
