//! The engine beside other embedded key-value stores, on the same machine in the same run.
//! `--help` lists the options; README.md says what is measured, and how the peers are set up.

mod data;
mod engines;
mod results;
mod store;
mod workloads;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use ferric_harness::machine;
use ferric_harness::options::Options;
use ferric_harness::report::Report;
use ferric_harness::server::Scratch;

use engines::Engine;
use workloads::{amplification, kilobyte, large, small, synced};

/// Anything that ends the run.
type Failure = Box<dyn std::error::Error + Send + Sync>;

const VALUED: [&str; 11] = [
    "only",
    "engines",
    "runs",
    "seconds",
    "shards",
    "large-keys",
    "memory",
    "overwrite-keys",
    "overwrites",
    "dir",
    "out",
];

const HELP: &str = "peers [--only kilobyte,synced,small,large,amplification (all)]
      [--engines ferric,rocksdb,fjall,redb,lmdb (all)] [--runs N, of which the median (5)]
      [--seconds N for each figure (1)] [--shards N of ours (a shard per processor)]
      [--large-keys N (10000000)] [--memory BYTES for our cold reads (32 a key, and an eighth of the data)]
      [--overwrite-keys N (200000)] [--overwrites N for each key (10)] [--dir DIR] [--out FILE]";

/// Measures something, and adds a section about it.
type Workload = fn(&Plan, &mut Report) -> Result<(), Failure>;

/// What the workloads have in common.
struct Plan {
    engines: Vec<Engine>,
    runs: u64,
    time: Duration,
    shards: u16,
    /// Stores are made below this directory, one after another.
    base: PathBuf,
    large_keys: u64,
    memory: Option<u64>,
    overwrite_keys: u64,
    overwrites: u64,
}

impl Plan {
    fn from(options: &Options, base: PathBuf) -> Result<Plan, Failure> {
        let number = |name: &str, default: u64| -> Result<u64, String> {
            Ok(options.number(name)?.unwrap_or(default).max(1))
        };
        let engines = match options.text("engines") {
            None => Engine::ALL.to_vec(),
            Some(names) => names.split(',').map(Engine::parse).collect::<Result<_, _>>()?,
        };
        let processors = std::thread::available_parallelism().map_or(1, |count| count.get());
        Ok(Plan {
            engines,
            runs: number("runs", 5)?,
            time: Duration::from_secs(number("seconds", 1)?),
            shards: u16::try_from(number("shards", processors as u64)?)?,
            base,
            large_keys: number("large-keys", 10_000_000)?,
            memory: options.number("memory")?,
            overwrite_keys: number("overwrite-keys", 200_000)?,
            overwrites: number("overwrites", 10)?,
        })
    }
}

fn main() -> ExitCode {
    if std::env::args().any(|word| word == "--help") {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peers: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let options = Options::from_process(&VALUED, &[])?;
    let scratch = match options.text("dir") {
        Some(dir) => Scratch::below(dir.as_ref(), "peers")?,
        None => Scratch::new("peers")?,
    };
    let plan = Plan::from(&options, scratch.path().to_owned())?;
    let wanted: Vec<&str> = options.text("only").map_or_else(Vec::new, |w| w.split(',').collect());
    let mut report = Report::new("The engine beside other embedded stores");
    report.paragraph(&format!(
        "{}; {}. Medians of {} runs. Keys and values are in README.md of `native/peers`, as are the settings of the \
         stores: {}. Ours has {} shards. Every value that is read is checked.",
        machine::date(),
        machine::description(),
        plan.runs,
        plan.engines.iter().map(|engine| engine.version()).collect::<Vec<_>>().join(", "),
        plan.shards,
    ));
    let workloads: [(&str, Workload); 5] = [
        ("kilobyte", kilobyte::run),
        ("synced", synced::run),
        ("small", small::run),
        ("large", large::run),
        ("amplification", amplification::run),
    ];
    for (name, run) in workloads {
        if wanted.is_empty() || wanted.contains(&name) {
            run(&plan, &mut report)?;
        }
    }
    report.publish(options.text("out"))?;
    Ok(())
}
