//! How much memory a process has resident, and of which kind.

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Resident memory in bytes (`/proc/PID/status`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Resident {
    /// Pages that belong to no file, shared ones included: what the kernel cannot drop.
    pub anonymous: u64,
    /// Pages of mapped files, which the page cache holds as well.
    pub file: u64,
}

impl Resident {
    /// What `pid` has resident now.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn of(pid: u32) -> io::Result<Resident> {
        Ok(Resident::parse(&fs::read_to_string(format!("/proc/{pid}/status"))?))
    }

    fn parse(status: &str) -> Resident {
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_ascii_whitespace().next()?.parse().ok());
            number.unwrap_or(0u64) << 10
        };
        Resident { anonymous: bytes("RssAnon:") + bytes("RssShmem:"), file: bytes("RssFile:") }
    }

    /// Everything.
    pub fn total(&self) -> u64 {
        self.anonymous + self.file
    }

    /// The larger of each figure.
    fn max(self, other: Resident) -> Resident {
        let anonymous = self.anonymous.max(other.anonymous);
        Resident { anonymous, file: self.file.max(other.file) }
    }
}

/// How often a [`Sampler`] looks, and how often it looks whether it should end.
const PERIOD: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(20);

/// A thread that looks at a process once a second.
pub struct Sampler {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Resident>,
}

impl Sampler {
    /// Starts looking at `pid`.
    pub fn start(pid: u32) -> Sampler {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut most = Resident::default();
            while !stopped.load(Ordering::Relaxed) {
                // A process that has ended has nothing resident.
                most = most.max(Resident::of(pid).unwrap_or_default());
                let next = Instant::now() + PERIOD;
                while Instant::now() < next && !stopped.load(Ordering::Relaxed) {
                    std::thread::sleep(POLL);
                }
            }
            most.max(Resident::of(pid).unwrap_or_default())
        });
        Sampler { stop, thread }
    }

    /// The most that was resident at any look, of each kind.
    pub fn finish(self) -> Resident {
        self.stop.store(true, Ordering::Relaxed);
        // It cannot panic; if it did there would be nothing to report.
        self.thread.join().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart() {
        let status =
            "Name:\tx\nVmRSS:\t 10 kB\nRssAnon:\t 5 kB\nRssFile:\t 4 kB\nRssShmem:\t 1 kB\n";
        let resident = Resident::parse(status);
        assert_eq!(resident, Resident { anonymous: 6 << 10, file: 4 << 10 });
        assert_eq!(resident.total(), 10 << 10);
    }

    #[test]
    fn a_sampler_sees_this_process() {
        let most = Sampler::start(std::process::id()).finish();
        assert!(most.anonymous > 0 && most.file > 0);
    }
}
