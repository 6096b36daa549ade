//! Compares FerricStore with the redis-server of this machine: the same random commands to both, in
//! the same packets, must give the same bytes.
//!
//! ```text
//! differential [--seed N] [--count N | --seconds N | --forever] [--server PATH|redis]
//!              [--keep-going] [--report FILE]
//! ```
//!
//! Sessions have consecutive seeds, so that the seed of a difference runs that session first.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ferric_harness::differential::{Pair, generate, minimise, protocol};
use ferric_harness::options::Options;
use ferric_harness::rng::{Rng, fresh_seed};
use ferric_harness::server::{Durability, Product, Scratch, Server, Settings};

/// Sessions when nothing else is asked for.
const DEFAULT_COUNT: u64 = 200;

/// Random streams of bytes per session.
const CASES_PER_SESSION: u64 = 1;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("differential: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the servers agreed.
fn run() -> Result<bool, Failure> {
    let options = Options::from_process(
        &["seed", "count", "seconds", "server", "report"],
        &["forever", "keep-going"],
    )?;
    let scratch = Scratch::new("differential")?;
    let start = |product, name: &str| {
        Server::start(Settings::new(product, Durability::Soon, scratch.path().join(name)))
    };
    let ours = start(options.product("server"), "ours")?;
    let settings = Settings::new(Product::Redis, Durability::Never, scratch.path().join("redis"));
    let pair = Pair::new(ours, Server::start(settings)?)?;
    let seed = options.number("seed")?.unwrap_or_else(fresh_seed);
    let mut test = Test { pair, found: BTreeMap::new(), tally: Tally::default(), options };
    println!("seed {seed}");
    let result = test.run(seed);
    if result.is_err() {
        eprintln!("{}", test.pair.output());
    }
    result
}

#[derive(Default)]
struct Tally {
    sessions: u64,
    commands: u64,
    streams: u64,
    failed: u64,
}

struct Test {
    pair: Pair,
    /// Differences by kind, in words.
    found: BTreeMap<String, String>,
    tally: Tally,
    options: Options,
}

impl Test {
    fn run(&mut self, seed: u64) -> Result<bool, Failure> {
        let seconds = self.options.number("seconds")?;
        let deadline = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let count = match (self.options.number("count")?, deadline) {
            (Some(count), _) => count,
            (None, None) if !self.options.has("forever") => DEFAULT_COUNT,
            _ => u64::MAX,
        };
        self.fixed_streams(seed)?;
        while self.tally.sessions < count
            && deadline.is_none_or(|deadline| Instant::now() < deadline)
            && self.goes_on()
        {
            self.session(seed.wrapping_add(self.tally.sessions))?;
        }
        self.finish()
    }

    fn goes_on(&self) -> bool {
        self.found.is_empty() || self.options.has("keep-going")
    }

    fn session(&mut self, seed: u64) -> Result<(), Failure> {
        let session = generate::session(seed);
        self.tally.sessions += 1;
        self.tally.commands += session.commands() as u64;
        let found = self.pair.run(&session);
        let found = found.map_err(|error| format!("seed {seed}: {error}\n{session}"))?;
        if let Some(mismatch) = found {
            self.tally.failed += 1;
            let kind = mismatch.kind();
            if !self.found.contains_key(&kind) {
                let (session, mismatch) = minimise(&mut self.pair, session, mismatch)?;
                self.report(kind, format!("seed {seed}\n{session}{mismatch}"))?;
            }
        }
        let mut rng = Rng::new(seed ^ 0x7072_6f74_6f63_6f6c);
        for _ in 0..CASES_PER_SESSION {
            self.stream(seed, &protocol::random_case(&mut rng))?;
        }
        Ok(())
    }

    fn fixed_streams(&mut self, seed: u64) -> Result<(), Failure> {
        for case in protocol::fixed_cases(&mut Rng::new(seed)) {
            self.stream(seed, &case)?;
            if !self.goes_on() {
                break;
            }
        }
        Ok(())
    }

    fn stream(&mut self, seed: u64, case: &protocol::Case) -> Result<(), Failure> {
        self.tally.streams += 1;
        let found = self.pair.run_case(case).map_err(|error| format!("seed {seed}: {error}"))?;
        let Some(found) = found else { return Ok(()) };
        self.tally.failed += 1;
        let text = format!(
            "seed {seed}\n  bytes: {}\n  ours:    {}\n  redis:   {}",
            found.sent, found.ours, found.theirs
        );
        let kind = format!("{} | {}", found.ours, found.theirs);
        if self.found.contains_key(&kind) { Ok(()) } else { self.report(kind, text) }
    }

    fn report(&mut self, kind: String, text: String) -> Result<(), Failure> {
        println!("\ndifference, {text}");
        self.found.insert(kind, text);
        if let Some(path) = self.options.text("report") {
            let mut all = String::new();
            for text in self.found.values() {
                writeln!(all, "{text}\n")?;
            }
            fs::write(path, all)?;
        }
        Ok(())
    }

    fn finish(&self) -> Result<bool, Failure> {
        let Tally { sessions, commands, streams, failed } = self.tally;
        println!("{commands} commands in {sessions} sessions, {streams} streams of bytes");
        println!("{} passed, {failed} failed", sessions + streams - failed);
        Ok(failed == 0)
    }
}
