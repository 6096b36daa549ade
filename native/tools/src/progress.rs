//! Says on the standard error how far a command is.

use std::cell::Cell;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use ferric_engine::tools::Progress;

/// Time between two lines, on a terminal and elsewhere.
const ON_TERMINAL: Duration = Duration::from_millis(200);
const ELSEWHERE: Duration = Duration::from_secs(5);
/// What takes less is not worth a line.
const PATIENCE: Duration = Duration::from_secs(1);

/// Shows progress, or does not.
pub(crate) struct Display {
    wanted: bool,
    terminal: bool,
    /// When the stage began, and when it was last shown.
    began: Cell<Instant>,
    shown: Cell<Instant>,
    stage: Cell<&'static str>,
}

impl Display {
    /// Shows progress on a terminal, or `always`.
    pub(crate) fn new(always: bool) -> Display {
        let terminal = std::io::stderr().is_terminal();
        let now = Cell::new(Instant::now());
        let (began, shown) = (now.clone(), now);
        Display { wanted: always || terminal, terminal, began, shown, stage: Cell::new("") }
    }

    /// Shows how far it is, if it is time to.
    pub(crate) fn show(&self, progress: Progress) {
        let now = Instant::now();
        let done = progress.done >= progress.total;
        if self.stage.get() != progress.stage || progress.done == 0 {
            self.stage.set(progress.stage);
            self.began.set(now);
        }
        let pause = if self.terminal { ON_TERMINAL } else { ELSEWHERE };
        let due = now - self.shown.get() >= pause && now - self.began.get() >= PATIENCE;
        if !self.wanted || !(due || done && self.shown.get() > self.began.get()) {
            return;
        }
        self.shown.set(now);
        let line = line(progress, now - self.began.get());
        let (begin, end) = match (self.terminal, done) {
            (true, false) => ("\r\x1b[K", ""),
            (true, true) => ("\r\x1b[K", "\n"),
            (false, _) => ("", "\n"),
        };
        // Progress that cannot be shown is no reason to stop.
        let _ = write!(std::io::stderr(), "{begin}{line}{end}");
    }
}

fn line(progress: Progress, elapsed: Duration) -> String {
    let Progress { stage, done, total } = progress;
    let percent = (u128::from(done) * 100).checked_div(u128::from(total)).unwrap_or(100);
    let rate = done as f64 / elapsed.as_secs_f64().max(0.001);
    if stage.contains("keys") && stage.starts_with("writing") {
        format!("{stage}: {percent} % of {total} ({rate:.0}/s)")
    } else {
        format!("{stage}: {percent} % of {} MB ({:.0} MB/s)", total / 1_000_000, rate / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_much_and_how_fast() {
        let second = Duration::from_secs(2);
        let reading = Progress { stage: "reading", done: 50_000_000, total: 200_000_000 };
        assert_eq!(line(reading, second), "reading: 25 % of 200 MB (25 MB/s)");
        let writing = Progress { stage: "writing keys", done: 10, total: 10 };
        assert_eq!(line(writing, second), "writing keys: 100 % of 10 (5/s)");
        assert!(line(Progress { total: 0, done: 0, ..reading }, second).contains("100 %"));
    }
}
