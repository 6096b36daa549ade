//! Kills a server under load, again and again, and checks what it remembers.
//!
//! ```text
//! crash [--rounds N] [--seed N] [--durability quorum|async|none] [--server PATH|redis]
//!       [--writers N] [--readers N] [--larger-than-memory | --few-keys | --collections]
//!       [--without-maintenance] [--expect-loss]
//! ```
//!
//! Rounds with few keys, with more data than memory, and with lists, hashes and sorted sets take
//! turns; `--few-keys`, `--larger-than-memory` and `--collections` each make all of one sort. A server
//! that acknowledges before it writes has rounds of the first sort only.
//! `--without-maintenance` is for a server that does not know FERRICSTORE.CHECKPOINT and
//! FERRICSTORE.MERGE: it is neither asked for these nor expected to do them.
//!
//! With `--expect-loss` a server that acknowledges without writing (`--durability none`, Redis
//! only) is held to the promise of one that syncs, and the test passes when it notices.

use std::process::ExitCode;

use ferric_harness::crash::collections::CollectionsTest;
use ferric_harness::crash::large::LargeTest;
use ferric_harness::crash::{Failure, MAX_WRITERS, Outcome, Plan, Rounds, Stop, Test};
use ferric_harness::options::Options;
use ferric_harness::rng::{Rng, fresh_seed};
use ferric_harness::server::{Durability, Product, Scratch};

/// Rounds when nothing else is asked for.
const DEFAULT_ROUNDS: u64 = 200;

/// Rounds with the same data, after which an empty directory is taken: few keys, then more data than
/// memory, which take long to load, and collections.
const ROUNDS_PER_STORE: [u64; 3] = [25, 50, 40];

/// One round of a store in so many ends with SIGTERM.
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
        &["larger-than-memory", "few-keys", "collections", "without-maintenance", "expect-loss"],
    )?;
    let plan = plan(&options)?;
    let kinds = kinds(&options, &plan)?;
    let rounds = options.number("rounds")?.unwrap_or(DEFAULT_ROUNDS);
    let seed = options.number("seed")?.unwrap_or_else(fresh_seed);
    println!("seed {seed}, {rounds} rounds, {:?}, {:?}", plan.product, plan.durability);
    let has_tiers = matches!(plan.product, Product::Release(_));
    let mut run = Run {
        maintenance: has_tiers && !options.has("without-maintenance"),
        has_tiers,
        keep: !options.has("expect-loss"),
        plan,
        rng: Rng::new(seed),
        total: Outcome::default(),
        rounds: 0,
    };
    let result = run.all(rounds, &kinds);
    run.print();
    let failed = match &result.and_then(|()| run.check_tiers()) {
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

/// What a round is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// All commands, on few keys.
    Few,
    /// More data than memory.
    Large,
    /// Lists, hashes and sorted sets.
    Collections,
}

/// The kinds of rounds, in turn.
fn kinds(options: &Options, plan: &Plan) -> Result<Vec<Kind>, String> {
    let sorts = [
        ("few-keys", Kind::Few),
        ("larger-than-memory", Kind::Large),
        ("collections", Kind::Collections),
    ];
    let asked: Vec<_> = sorts.iter().filter(|(option, _)| options.has(option)).collect();
    let synced = plan.claimed == Durability::Synced;
    match asked[..] {
        [] if synced => Ok(sorts.iter().map(|(_, kind)| *kind).collect()),
        [] | [(_, Kind::Few)] => Ok(vec![Kind::Few]),
        [(_, kind)] if synced => Ok(vec![*kind]),
        [(option, _)] => Err(format!("with --{option} the durability must be quorum")),
        [(one, _), (other, _), ..] => Err(format!("--{one} and --{other} exclude each other")),
    }
}

/// A store in use.
struct Store {
    scratch: Scratch,
    test: Box<dyn Rounds>,
    rounds: u64,
}

struct Run {
    plan: Plan,
    rng: Rng,
    total: Outcome,
    /// Rounds that are over.
    rounds: u64,
    /// Whether the data of a failure are of interest.
    keep: bool,
    /// Whether the server can hold more data than memory.
    has_tiers: bool,
    /// Whether it is asked for checkpoints and merges.
    maintenance: bool,
}

impl Run {
    fn all(&mut self, rounds: u64, kinds: &[Kind]) -> Result<(), Failure> {
        let mut stores: [Option<Store>; 3] = [None, None, None];
        for kind in kinds.iter().cycle().take(rounds as usize) {
            let mut store = match stores[*kind as usize].take() {
                Some(store) => store,
                None => self.open(*kind)?,
            };
            store.rounds += 1;
            let stop = match store.rounds.is_multiple_of(TERMINATE_EVERY) {
                true => Stop::Terminate,
                false => Stop::Kill,
            };
            let result = store.test.round(stop);
            let worn = store.rounds == ROUNDS_PER_STORE[*kind as usize] || store.test.is_worn();
            if result.is_err() {
                self.close(store, result)?;
            } else if worn {
                self.finish(store)?;
            } else {
                stores[*kind as usize] = Some(store);
            }
            // What a round left is checked at the beginning of the next with the same store.
            self.rounds += 1;
        }
        stores.into_iter().flatten().try_for_each(|store| self.finish(store))
    }

    fn open(&mut self, kind: Kind) -> Result<Store, Failure> {
        let scratch = Scratch::new("crash");
        let scratch = scratch.map_err(|error| Failure::Broken(format!("scratch: {error}")))?;
        let (plan, data, rng) = (self.plan.clone(), scratch.path().join("data"), self.rng.fork());
        let test: Box<dyn Rounds> = match kind {
            Kind::Few => Box::new(Test::new(plan, data, rng)),
            Kind::Large => Box::new(LargeTest::new(plan, data, rng, self.maintenance)),
            Kind::Collections => Box::new(CollectionsTest::new(plan, data, rng, self.maintenance)),
        };
        Ok(Store { scratch, test, rounds: 0 })
    }

    fn finish(&mut self, mut store: Store) -> Result<(), Failure> {
        let result = store.test.finish();
        self.close(store, result)
    }

    fn close(&mut self, mut store: Store, result: Result<(), Failure>) -> Result<(), Failure> {
        self.total += store.test.outcome();
        if result.is_err() && self.keep {
            store.scratch.keep();
            println!("the data are kept in {}", store.scratch.path().display());
        }
        result
    }

    /// A run that has never read a cold key, merged or written a checkpoint has tested nothing of
    /// that.
    fn check_tiers(&self) -> Result<(), Failure> {
        let Outcome { large_rounds, cold_reads, merges, checkpoints, .. } = self.total;
        let idle = match () {
            () if large_rounds == 0 || !self.has_tiers => return Ok(()),
            () if cold_reads == 0 => "no record was read from disk",
            () if self.maintenance && merges == 0 => "nothing was merged",
            () if self.maintenance && checkpoints == 0 => "no checkpoint was written",
            () => return Ok(()),
        };
        Err(Failure::Broken(format!("in {large_rounds} rounds larger than memory {idle}")))
    }

    fn print(&self) {
        let total = &self.total;
        println!(
            "{} rounds, {} of them ended by SIGTERM; {} starts killed; {} acknowledged writes \
             checked, {} in flight when the server was stopped; {} values shown to readers",
            self.rounds,
            total.terminated,
            total.interrupted_starts,
            total.acknowledged,
            total.in_flight,
            total.reads
        );
        println!(
            "{} rounds larger than memory: {} cold reads, {} merges, {} checkpoints",
            total.large_rounds, total.cold_reads, total.merges, total.checkpoints
        );
    }
}
