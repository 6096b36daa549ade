//! A disk that stands still while a test looks at what is in flight.

use std::sync::Arc;

use ferric_engine::io::sim::SimIo;
use parking_lot::{Condvar, Mutex};

/// While the gate is closed, every call that would change the disk waits.
pub struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    closed: bool,
    waiting: u32,
}

impl Gate {
    /// An open gate before `io`.
    pub fn before(io: &SimIo) -> Arc<Gate> {
        let gate = Arc::new(Gate { state: Mutex::default(), changed: Condvar::new() });
        let hook = Arc::clone(&gate);
        io.on_call(Box::new(move |_, _| hook.pass()));
        gate
    }

    fn pass(&self) {
        let mut state = self.state.lock();
        state.waiting += 1;
        self.changed.notify_all();
        while state.closed {
            self.changed.wait(&mut state);
        }
        state.waiting -= 1;
    }

    pub fn close(&self) {
        self.state.lock().closed = true;
    }

    pub fn open(&self) {
        self.state.lock().closed = false;
        self.changed.notify_all();
    }

    /// Returns when somebody stands before the closed gate.
    pub fn await_arrival(&self) {
        let mut state = self.state.lock();
        while state.waiting == 0 {
            self.changed.wait(&mut state);
        }
    }
}
