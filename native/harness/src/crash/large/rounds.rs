//! The rounds with data larger than memory.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::figures::Figures;
use super::store::{LargePlan, LargeStore, Proof};
use super::{MAX_MEMORY, limit_memory};
use crate::crash::round::{Failure, Outcome, Plan, Rounds, Stop, end, random_settings};
use crate::rng::Rng;
use crate::server::{Server, Settings};

/// Keys of all writers together, so that the data are more than ten times [`MAX_MEMORY`]: about a
/// tenth of the keys is deleted at any time.
const KEYS: u32 = 112_000;

/// How often the data must exceed the memory budget.
const TIMES_MEMORY: u64 = 10;

/// The shortest and the longest time under load, in milliseconds.
const LOAD_MS: (u64, u64) = (5, 1500);

/// One check in so many compares SCAN as well, which reads the keys in an order of its own, most of
/// them from disk, one by one.
const SCAN_EVERY: u64 = 25;

/// Segment files above which an empty store is taken: data grow where nothing is merged.
const MAX_DISK: u64 = 3 << 30;

/// A store and its rounds.
pub struct LargeTest {
    plan: Plan,
    data_dir: PathBuf,
    rng: Rng,
    store: LargeStore,
    /// What the last round left to be checked.
    last: Option<(Proof, Stop)>,
    /// How long the server took to start.
    start: Duration,
    disk_bytes: u64,
    checks: u64,
    outcome: Outcome,
}

impl LargeTest {
    /// A test of a store in an empty directory. `maintenance` says whether the server is asked for
    /// checkpoints and merges.
    pub fn new(plan: Plan, data_dir: PathBuf, mut rng: Rng, maintenance: bool) -> LargeTest {
        let large =
            LargePlan { writers: plan.writers, readers: plan.readers, keys: KEYS, maintenance };
        LargeTest {
            store: LargeStore::new(large, rng.fork()),
            plan,
            data_dir,
            rng,
            last: None,
            start: Duration::from_secs(1),
            disk_bytes: 0,
            checks: 0,
            outcome: Outcome::default(),
        }
    }

    fn settings(&mut self) -> Settings {
        let mut settings = random_settings(&self.plan, &self.data_dir, &mut self.rng);
        limit_memory(&mut settings);
        settings
    }

    /// Starts the server, now and then killing it before it is up, and checks what it holds.
    fn start_and_check(&mut self) -> Result<Server, Failure> {
        let killed = matches!(self.last, Some((_, Stop::Kill)));
        while killed && self.rng.chance(20) {
            self.interrupt_a_start()?;
        }
        let began = Instant::now();
        let server = Server::start(self.settings())?;
        self.start = began.elapsed();
        let proof = self.last.take().map(|(proof, _)| proof);
        let proof = proof.unwrap_or_else(|| self.store.everything());
        self.checks += 1;
        let scan = self.checks.is_multiple_of(SCAN_EVERY);
        let verified = self.store.verify(server.port(), &proof, scan).map_err(Failure::Broken)?;
        self.store.restart(verified);
        Ok(server)
    }

    /// Kills a server at any moment of its start.
    fn interrupt_a_start(&mut self) -> Result<(), Failure> {
        let server = Server::spawn(self.settings())?;
        let longest = self.start.as_millis() as u64;
        std::thread::sleep(Duration::from_millis(self.rng.below(longest)));
        server.kill();
        self.outcome.interrupted_starts += 1;
        Ok(())
    }

    /// Loads an empty store.
    fn fill(&mut self, server: &Server) -> Result<(), Failure> {
        let began = Instant::now();
        self.store.fill(server.port()).map_err(Failure::Broken)?;
        let proof = self.store.everything();
        let verified = self.store.verify(server.port(), &proof, false).map_err(Failure::Broken)?;
        let (acknowledged, _) = self.store.counts();
        self.outcome.acknowledged += acknowledged;
        self.store.restart(verified);
        println!(
            "larger than memory: loaded {acknowledged} keys with {} MiB of values in {:.1} s",
            self.store.bytes() >> 20,
            began.elapsed().as_secs_f64()
        );
        Ok(())
    }

    fn count(&mut self, figures: &Figures) {
        let outcome = &mut self.outcome;
        let (acknowledged, in_flight) = self.store.counts();
        outcome.acknowledged += acknowledged;
        outcome.in_flight += in_flight;
        outcome.large_rounds += 1;
        outcome.cold_reads += figures.cold_reads;
        outcome.merges += figures.merges;
        outcome.checkpoints += figures.checkpoints;
        self.disk_bytes = figures.disk_bytes;
    }
}

impl Rounds for LargeTest {
    fn round(&mut self, stop: Stop) -> Result<(), Failure> {
        let began = Instant::now();
        let fresh = self.last.is_none();
        let server = self.start_and_check()?;
        if fresh {
            self.fill(&server)?;
        }
        let checked = began.elapsed();
        if self.store.bytes() < TIMES_MEMORY * MAX_MEMORY {
            let why = format!("only {} bytes are left of the data", self.store.bytes());
            return Err(Failure::Broken(why));
        }
        let figures = |server: &Server| Figures::of(&mut server.connect()?);
        let time = Duration::from_millis(self.rng.between(LOAD_MS.0, LOAD_MS.1));
        let ((figures, ended), proof) = self
            .store
            .load(server.port(), time, |halt| {
                let figures = figures(&server);
                halt.announce();
                (figures, end(server, stop))
            })
            .map_err(Failure::Broken)?;
        ended?;
        let figures = figures.map_err(|error| Failure::Broken(format!("INFO: {error}")))?;
        self.count(&figures);
        self.outcome.terminated += u64::from(stop == Stop::Terminate);
        println!(
            "larger than memory: {} MiB of values; {figures}; start and check {:.1} s, load {} ms, {} \
             writes, {stop}",
            self.store.bytes() >> 20,
            checked.as_secs_f64(),
            time.as_millis(),
            self.store.counts().0,
        );
        self.last = Some((proof, stop));
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Failure> {
        let server = self.start_and_check()?;
        end(server, Stop::Terminate)
    }

    fn is_worn(&self) -> bool {
        self.disk_bytes > MAX_DISK
    }

    fn outcome(&self) -> Outcome {
        Outcome { reads: self.store.reads(), ..self.outcome }
    }
}
