//! The rounds with collections.

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use super::check::check;
use super::model::Model;
use super::observe::observe;
use super::owner::Owner;
use crate::crash::large::{Figures, limit_memory, maintain};
use crate::crash::load::Load;
use crate::crash::round::{Failure, Outcome, Plan, Rounds, Stop, end, random_settings};
use crate::rng::Rng;
use crate::server::{Server, Settings};

/// The shortest and the longest time under load, in milliseconds.
const LOAD_MS: (u64, u64) = (5, 1500);
/// Segment files above which an empty store is taken: data grow where nothing is merged.
const MAX_DISK: u64 = 2 << 30;

/// A store and its rounds.
pub struct CollectionsTest {
    plan: Plan,
    data_dir: PathBuf,
    rng: Rng,
    owners: Vec<Owner>,
    /// Whether the server is asked for checkpoints and merges.
    maintenance: bool,
    /// How the last round ended, if there was one.
    last: Option<Stop>,
    disk_bytes: u64,
    outcome: Outcome,
}

impl CollectionsTest {
    /// A test of a store in an empty directory.
    pub fn new(plan: Plan, data_dir: PathBuf, rng: Rng, maintenance: bool) -> CollectionsTest {
        let owners = (0..plan.writers).map(Owner::new).collect();
        let outcome = Outcome::default();
        CollectionsTest {
            plan,
            data_dir,
            rng,
            owners,
            maintenance,
            last: None,
            disk_bytes: 0,
            outcome,
        }
    }

    fn settings(&mut self) -> Settings {
        let mut settings = random_settings(&self.plan, &self.data_dir, &mut self.rng);
        limit_memory(&mut settings);
        settings
    }

    /// Starts the server, now and then killing it before it is up, and checks what it holds.
    fn start_and_check(&mut self) -> Result<Server, Failure> {
        while self.last == Some(Stop::Kill) && self.rng.chance(20) {
            let server = Server::spawn(self.settings())?;
            thread::sleep(Duration::from_millis(self.rng.below(1_500)));
            server.kill();
            self.outcome.interrupted_starts += 1;
        }
        let server = Server::start(self.settings())?;
        let port = server.port();
        if self.last.is_none() {
            self.each_owner(|owner| owner.fill(port))?;
        }
        self.each_owner(|owner| {
            let found: Model = observe(port, owner.writer)?;
            check(owner, &found)?;
            owner.restart(found);
            Ok(())
        })?;
        Ok(server)
    }

    /// Does something for each writer, on a thread each.
    fn each_owner(
        &mut self,
        work: impl Fn(&mut Owner) -> Result<(), String> + Sync,
    ) -> Result<(), Failure> {
        let work = &work;
        let results = thread::scope(|scope| {
            let threads: Vec<_> =
                self.owners.iter_mut().map(|owner| scope.spawn(move || work(owner))).collect();
            threads.into_iter().map(|thread| thread.join()).collect::<Vec<_>>()
        });
        results.into_iter().try_for_each(joined)
    }

    /// Puts the server under load until it is stopped.
    fn load(&mut self, server: Server, stop: Stop) -> Result<Figures, Failure> {
        let load = Load::new(server.port(), self.plan.writers);
        let time = Duration::from_millis(self.rng.between(LOAD_MS.0, LOAD_MS.1));
        let maintenance = self.maintenance.then(|| self.rng.fork());
        let rngs: Vec<Rng> = self.owners.iter().map(|_| self.rng.fork()).collect();
        let (figures, ended, threads) = thread::scope(|scope| {
            let load = &load;
            let mut threads = Vec::new();
            for (owner, rng) in self.owners.iter_mut().zip(rngs) {
                threads.push(scope.spawn(move || owner.write(load, rng)));
            }
            if let Some(rng) = maintenance {
                threads.push(scope.spawn(move || maintain(load, rng)));
            }
            thread::sleep(time);
            let figures = server
                .connect()
                .map_err(|error| error.to_string())
                .and_then(|mut client| Figures::of(&mut client).map_err(|error| error.to_string()));
            load.stop();
            let ended = end(server, stop);
            let threads: Vec<_> = threads.into_iter().map(|thread| thread.join()).collect();
            (figures, ended, threads)
        });
        threads.into_iter().try_for_each(joined)?;
        ended?;
        figures.map_err(|error| Failure::Broken(format!("INFO: {error}")))
    }
}

/// The result of a thread.
fn joined(result: thread::Result<Result<(), String>>) -> Result<(), Failure> {
    let result = result.unwrap_or_else(|_| Err("a thread of the test panicked".to_owned()));
    result.map_err(Failure::Broken)
}

impl Rounds for CollectionsTest {
    fn round(&mut self, stop: Stop) -> Result<(), Failure> {
        let began = Instant::now();
        let server = self.start_and_check()?;
        let checked = began.elapsed();
        let elements: usize = self.owners.iter().map(|owner| owner.base.len()).sum();
        let figures = self.load(server, stop)?;
        let acknowledged: usize = self.owners.iter().map(|owner| owner.acknowledged).sum();
        let sent: usize = self.owners.iter().map(|owner| owner.sent.len()).sum();
        self.outcome.acknowledged += acknowledged as u64;
        self.outcome.in_flight += (sent - acknowledged) as u64;
        self.outcome.terminated += u64::from(stop == Stop::Terminate);
        self.disk_bytes = figures.disk_bytes;
        self.last = Some(stop);
        println!(
            "collections: {elements} elements; {figures}; start and check {:.1} s, {acknowledged} writes, \
             {stop}",
            checked.as_secs_f64()
        );
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
        self.outcome
    }
}
