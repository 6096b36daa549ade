//! A round: start, check what survived the last one, load, stop.

use std::fmt;
use std::ops::AddAssign;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::check::{Promise, Shared, check};
use super::dump::dump;
use super::journal::Journal;
use super::load::Load;
use super::{reader, writer};
use crate::rng::Rng;
use crate::server::{Durability, Product, Server, ServerError, Settings};

/// How long a clean stop may take.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// How much of what was acknowledged may be lost when replies do not wait for the disk.
const ASYNC_LOSS: Duration = Duration::from_secs(1);

/// The shortest and the longest time under load, in milliseconds.
const LOAD_MS: (u64, u64) = (5, 2000);

/// How long a start that is interrupted lasts at most, in milliseconds.
const INTERRUPTED_START_MS: u64 = 1500;

/// What is tested.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Which server.
    pub product: Product,
    /// When it acknowledges.
    pub durability: Durability,
    /// What it is held to.
    pub claimed: Durability,
    /// Writing connections, at most [`super::MAX_WRITERS`].
    pub writers: usize,
    /// Reading connections.
    pub readers: usize,
}

/// How a round ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// With SIGKILL.
    Kill,
    /// With SIGTERM, which must be a clean stop.
    Terminate,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stop::Kill => "SIGKILL",
            Stop::Terminate => "SIGTERM",
        })
    }
}

/// Rounds with one store.
pub trait Rounds {
    /// Starts the server, checks what it remembers, and puts it under load until it is stopped.
    ///
    /// # Errors
    /// See [`Failure`].
    fn round(&mut self, stop: Stop) -> Result<(), Failure>;

    /// Checks what the last round left, and stops cleanly.
    ///
    /// # Errors
    /// See [`Failure`].
    fn finish(&mut self) -> Result<(), Failure>;

    /// Whether the store has become too large to go on with.
    fn is_worn(&self) -> bool;

    /// The figures so far.
    fn outcome(&self) -> Outcome;
}

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The server broke a promise.
    #[error("{0}")]
    Broken(String),
    /// The server did not start or stop.
    #[error(transparent)]
    Server(#[from] ServerError),
}

/// Figures over all rounds.
#[derive(Debug, Clone, Copy, Default)]
pub struct Outcome {
    /// Acknowledged writes that were looked for.
    pub acknowledged: u64,
    /// Writes that had been sent and not acknowledged when the server was stopped.
    pub in_flight: u64,
    /// Values that readers were shown.
    pub reads: u64,
    /// Starts that were killed before they were over, or right after.
    pub interrupted_starts: u64,
    /// Clean stops.
    pub terminated: u64,
    /// Rounds with data larger than memory, and what the servers said they did in these: records
    /// read from disk for commands, merges, and checkpoints.
    pub large_rounds: u64,
    /// See above.
    pub cold_reads: u64,
    /// See above.
    pub merges: u64,
    /// See above.
    pub checkpoints: u64,
}

impl AddAssign for Outcome {
    fn add_assign(&mut self, other: Outcome) {
        self.acknowledged += other.acknowledged;
        self.in_flight += other.in_flight;
        self.reads += other.reads;
        self.interrupted_starts += other.interrupted_starts;
        self.terminated += other.terminated;
        self.large_rounds += other.large_rounds;
        self.cold_reads += other.cold_reads;
        self.merges += other.merges;
        self.checkpoints += other.checkpoints;
    }
}

/// A store and what the writers know about it.
pub struct Test {
    plan: Plan,
    data_dir: PathBuf,
    rng: Rng,
    journals: Vec<Journal>,
    shared: Shared,
    last: Option<Last>,
    outcome: Outcome,
}

/// The round before, not checked yet.
struct Last {
    load: Load,
    promise: Promise,
    clean: bool,
}

impl Test {
    /// A test of a store in an empty directory.
    pub fn new(plan: Plan, data_dir: PathBuf, rng: Rng) -> Test {
        let journals = (0..plan.writers).map(Journal::new).collect();
        let outcome = Outcome::default();
        Test { plan, data_dir, rng, journals, shared: Shared::new(), last: None, outcome }
    }

    fn start_and_check(&mut self) -> Result<Server, Failure> {
        let clean = self.last.as_ref().is_some_and(|last| last.clean);
        while !clean && self.last.is_some() && self.rng.chance(20) {
            self.interrupt_a_start()?;
        }
        let server = Server::start(random_settings(&self.plan, &self.data_dir, &mut self.rng))?;
        self.check(&server)?;
        Ok(server)
    }

    fn interrupt_a_start(&mut self) -> Result<(), Failure> {
        let server = Server::spawn(random_settings(&self.plan, &self.data_dir, &mut self.rng))?;
        thread::sleep(Duration::from_millis(self.rng.below(INTERRUPTED_START_MS)));
        server.kill();
        self.outcome.interrupted_starts += 1;
        Ok(())
    }

    fn check(&mut self, server: &Server) -> Result<(), Failure> {
        let failed = |error| Failure::Broken(format!("reading what survived: {error}"));
        let mut client = server.connect().map_err(failed)?;
        let found = dump(&mut client, self.plan.writers).map_err(failed)?;
        if let Some(last) = self.last.take() {
            let checked = check(&found, &self.journals, &self.shared, &last.load, last.promise);
            checked.map_err(Failure::Broken)?;
        }
        for (journal, actual) in self.journals.iter_mut().zip(found.writers) {
            journal.restart(actual);
        }
        self.shared = found.shared;
        Ok(())
    }

    fn count(&mut self, load: &Load, stop: Stop) {
        for journal in &self.journals {
            self.outcome.acknowledged += journal.acknowledged as u64;
            self.outcome.in_flight += (journal.sent.len() - journal.acknowledged) as u64;
        }
        self.outcome.reads += load.reads();
        self.outcome.terminated += u64::from(stop == Stop::Terminate);
    }
}

impl Rounds for Test {
    fn round(&mut self, stop: Stop) -> Result<(), Failure> {
        let server = self.start_and_check()?;
        let load = Load::new(server.port(), self.plan.writers);
        let time = Duration::from_millis(self.rng.between(LOAD_MS.0, LOAD_MS.1));
        let seeds: Vec<Rng> =
            (0..self.plan.writers + self.plan.readers).map(|_| self.rng.fork()).collect();
        let journals = &mut self.journals;
        let (stopped, threads) = thread::scope(|scope| {
            let (writer_seeds, reader_seeds) = seeds.split_at(journals.len());
            let load = &load;
            let mut threads = Vec::new();
            for (journal, rng) in journals.iter_mut().zip(writer_seeds) {
                threads.push(scope.spawn(move || writer::write(load, journal, rng.clone())));
            }
            for rng in reader_seeds {
                threads.push(scope.spawn(move || reader::read(load, rng.clone())));
            }
            thread::sleep(time);
            load.stop();
            let at = Instant::now();
            let stopped = end(server, stop).map(|()| at);
            let results: Vec<_> = threads.into_iter().map(|thread| thread.join()).collect();
            (stopped, results)
        });
        let stopped = stopped?;
        for result in threads {
            let result = result.map_err(|_| "a thread of the test panicked".to_owned());
            result.and_then(|result| result).map_err(Failure::Broken)?;
        }
        self.count(&load, stop);
        let promise = match (self.plan.claimed, stop) {
            (Durability::Synced, _) | (_, Stop::Terminate) => Promise::Everything,
            _ => Promise::Before(stopped.checked_sub(ASYNC_LOSS).unwrap_or(stopped)),
        };
        self.last = Some(Last { load, promise, clean: stop == Stop::Terminate });
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Failure> {
        let server = self.start_and_check()?;
        end(server, Stop::Terminate)
    }

    /// It has too few keys to grow.
    fn is_worn(&self) -> bool {
        false
    }

    fn outcome(&self) -> Outcome {
        self.outcome
    }
}

/// Other settings each time, which must not matter.
pub(super) fn random_settings(plan: &Plan, data_dir: &Path, rng: &mut Rng) -> Settings {
    let mut settings = Settings::new(plan.product.clone(), plan.durability, data_dir.to_owned());
    settings.io = *rng.pick(&["auto", "uring", "posix"]);
    settings.shards = *rng.pick(&[0, 1, 2, 3, 8]);
    settings
}

/// Stops a server.
pub(super) fn end(server: Server, stop: Stop) -> Result<(), Failure> {
    match stop {
        Stop::Kill => {
            server.kill();
            Ok(())
        }
        Stop::Terminate => {
            server.terminate();
            let (status, output) = server.wait(STOP_PATIENCE)?;
            if status.success() {
                return Ok(());
            }
            Err(Failure::Broken(format!("SIGTERM ended the server with {status}\n{output}")))
        }
    }
}
