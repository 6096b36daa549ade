//! How fast merging may go, and whether.

use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// Work that is ready may run ahead of the rate by so much.
const BURST: Duration = Duration::from_millis(100);

/// Merging has been told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Halted;

#[derive(Default)]
struct State {
    paused: bool,
    stopping: bool,
}

/// Stops and pauses merging, from any thread.
#[derive(Default)]
pub(crate) struct Control {
    state: Mutex<State>,
    changed: Condvar,
}

impl Control {
    /// No merging while this is on. A round under way is given up.
    pub(crate) fn pause(&self, on: bool) {
        self.state.lock().paused = on;
        self.changed.notify_all();
    }

    /// No merging any more.
    pub(crate) fn stop(&self) {
        self.state.lock().stopping = true;
        self.changed.notify_all();
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.state.lock().paused
    }

    /// Waits until `due`, unless merging is to stop.
    fn wait_until(&self, due: Instant) -> Result<(), Halted> {
        let mut state = self.state.lock();
        loop {
            if state.paused || state.stopping {
                return Err(Halted);
            }
            if Instant::now() >= due {
                return Ok(());
            }
            self.changed.wait_until(&mut state, due);
        }
    }
}

/// A token bucket, kept as the time at which it is full enough again (the generic cell rate
/// algorithm, ITU-T I.371).
pub(super) struct Throttle<'c> {
    control: &'c Control,
    /// Bytes a second; 0 = no limit.
    rate: u64,
    free_at: Instant,
}

impl<'c> Throttle<'c> {
    pub(super) fn new(control: &'c Control, rate: u64) -> Throttle<'c> {
        Throttle { control, rate, free_at: Instant::now() }
    }

    /// Waits for so long.
    pub(super) fn rest(&self, time: Duration) -> Result<(), Halted> {
        self.control.wait_until(Instant::now() + time)
    }

    /// Accounts for the transfer of `bytes`, and waits as long as that takes at the rate allowed.
    pub(super) fn spend(&mut self, bytes: u64) -> Result<(), Halted> {
        let now = Instant::now();
        if self.rate == 0 {
            return self.control.wait_until(now);
        }
        let earliest = now.checked_sub(BURST).unwrap_or(now);
        let takes = Duration::from_secs_f64(bytes as f64 / self.rate as f64);
        self.free_at = self.free_at.max(earliest) + takes;
        self.control.wait_until(self.free_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_rate_is_kept() {
        let control = Control::default();
        let mut throttle = Throttle::new(&control, 1 << 20);
        let started = Instant::now();
        (0..40).for_each(|_| throttle.spend(10_000).unwrap());
        // 400,000 bytes take 381 ms, of which 100 may be saved up.
        assert!(started.elapsed() >= Duration::from_millis(280));
        let mut unlimited = Throttle::new(&control, 0);
        assert_eq!(unlimited.spend(u64::MAX), Ok(()));
    }

    #[test]
    fn whoever_waits_is_stopped_at_once() {
        for pause in [true, false] {
            let control = Arc::new(Control::default());
            let other = Arc::clone(&control);
            let waiting = std::thread::spawn(move || Throttle::new(&other, 1).spend(3_600));
            std::thread::sleep(Duration::from_millis(20));
            if pause {
                control.pause(true)
            } else {
                control.stop()
            }
            assert_eq!(waiting.join().unwrap(), Err(Halted));
            assert_eq!(Throttle::new(&control, 0).spend(1), Err(Halted));
            control.pause(false);
            assert_eq!(Throttle::new(&control, 0).spend(1).is_ok(), pause);
        }
    }
}
