//! Kills a server under load, again and again, and checks what it remembers.
//!
//! ```text
//! crash [--rounds N] [--seed N] [--durability quorum|async|none] [--server PATH|redis]
//!       [--writers N] [--readers N] [--expect-loss]
//! ```
//!
//! With `--expect-loss` a server that acknowledges without writing (`--durability none`, Redis
//! only) is held to the promise of one that syncs, and the test passes when it notices.

use std::process::ExitCode;

use ferric_harness::crash::{Failure, MAX_WRITERS, Outcome, Plan, Stop, Test};
use ferric_harness::options::Options;
use ferric_harness::rng::{Rng, fresh_seed};
use ferric_harness::server::{Durability, Scratch};

/// Rounds when nothing else is asked for.
const DEFAULT_ROUNDS: u64 = 200;

/// Rounds with the same data, after which an empty directory is taken: data grow with every round.
const ROUNDS_PER_STORE: u64 = 25;

/// One round in so many ends with SIGTERM.
const TERMINATE_EVERY: u64 = 6;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("crash: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool, Box<dyn std::error::Error>> {
    let options = Options::from_process(
        &["rounds", "seed", "durability", "server", "writers", "readers"],
        &["expect-loss"],
    )?;
    let plan = plan(&options)?;
    let rounds = options.number("rounds")?.unwrap_or(DEFAULT_ROUNDS);
    let seed = options.number("seed")?.unwrap_or_else(fresh_seed);
    println!("seed {seed}, {rounds} rounds, {:?}, {:?}", plan.product, plan.durability);
    let keep = !options.has("expect-loss");
    let mut run = Run { rng: Rng::new(seed), total: Outcome::default(), rounds: 0, plan, keep };
    let result = run.all(rounds);
    run.print();
    let failed = match &result {
        Ok(()) => false,
        Err(Failure::Broken(why)) => {
            println!("seed {seed}, round {}: {why}", run.rounds + 1);
            true
        }
        Err(error) => return Err(error.to_string().into()),
    };
    Ok(report(failed, options.has("expect-loss"), run.rounds))
}

/// Prints the closing line; whether the result is the expected one.
fn report(failed: bool, expected: bool, rounds: u64) -> bool {
    match (failed, expected) {
        (false, false) => println!("{rounds} passed, 0 failed"),
        (true, false) => println!("{rounds} passed, 1 failed"),
        (true, true) => println!("the loss was noticed\n1 passed, 0 failed"),
        (false, true) => println!("a server that loses data was not noticed\n0 passed, 1 failed"),
    }
    failed == expected
}

fn plan(options: &Options) -> Result<Plan, String> {
    let durability = match options.text("durability") {
        None | Some("quorum") => Durability::Synced,
        Some("async") => Durability::Soon,
        Some("none") => Durability::Never,
        Some(other) => return Err(format!("there is no durability '{other}'")),
    };
    let claimed = if options.has("expect-loss") { Durability::Synced } else { durability };
    let writers = options.number("writers")?.unwrap_or(6).clamp(1, MAX_WRITERS as u64) as usize;
    let readers = options.number("readers")?.unwrap_or(2) as usize;
    Ok(Plan { product: options.product("server"), durability, claimed, writers, readers })
}

struct Run {
    plan: Plan,
    rng: Rng,
    total: Outcome,
    /// Rounds that have been checked.
    rounds: u64,
    /// Whether the data of a failure are of interest.
    keep: bool,
}

impl Run {
    fn all(&mut self, rounds: u64) -> Result<(), Failure> {
        let mut left = rounds;
        while left > 0 {
            let count = left.min(ROUNDS_PER_STORE);
            self.store(count)?;
            left -= count;
        }
        Ok(())
    }

    /// Some rounds with one store.
    fn store(&mut self, rounds: u64) -> Result<(), Failure> {
        let scratch = Scratch::new("crash");
        let mut scratch = scratch.map_err(|error| Failure::Broken(format!("scratch: {error}")))?;
        let data = scratch.path().join("data");
        let mut test = Test::new(self.plan.clone(), data, self.rng.fork());
        let result = self.rounds(&mut test, rounds);
        self.add(test.outcome);
        if result.is_err() && self.keep {
            scratch.keep();
            println!("the data are kept in {}", scratch.path().display());
        }
        result
    }

    fn rounds(&mut self, test: &mut Test, rounds: u64) -> Result<(), Failure> {
        for round in 0..rounds {
            let terminate = (round + 1).is_multiple_of(TERMINATE_EVERY);
            test.round(if terminate { Stop::Terminate } else { Stop::Kill })?;
            // The check of a round is the beginning of the next.
            self.rounds += u64::from(round > 0);
        }
        test.finish()?;
        self.rounds += 1;
        Ok(())
    }

    fn add(&mut self, outcome: Outcome) {
        self.total.acknowledged += outcome.acknowledged;
        self.total.in_flight += outcome.in_flight;
        self.total.reads += outcome.reads;
        self.total.interrupted_starts += outcome.interrupted_starts;
        self.total.terminated += outcome.terminated;
    }

    fn print(&self) {
        let Outcome { acknowledged, in_flight, reads, interrupted_starts, terminated } = self.total;
        println!(
            "{} rounds, {terminated} of them ended by SIGTERM; {interrupted_starts} starts killed; \
             {acknowledged} acknowledged writes checked, {in_flight} in flight when the server was \
             stopped; {reads} values shown to readers",
            self.rounds
        );
    }
}
