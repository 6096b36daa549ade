//! FerricStore and redis-server side by side: throughput, latency and CPU time of RESP commands.
//!
//! ```text
//! bench-resp [--quick | --types] [--runs N] [--milliseconds N] [--only durable|everysec|memory]
//!            [--server PATH|redis] [--out FILE]
//! ```
//!
//! redis-benchmark is the client. The two servers of a contest run at the same time, and are
//! measured in turn, so that what else happens on the machine meets both. See the folder's README.

mod matrix;
mod measure;
mod table;
mod types;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use ferric_harness::machine;
use ferric_harness::options::Options;
use ferric_harness::server::{Product, Scratch, Server, Settings};
use matrix::{Contest, Workload};
use measure::{Measured, fill, measure};
use table::{Report, Row};

type Failure = Box<dyn std::error::Error>;

/// Runs of which the median is taken.
const RUNS: u64 = 3;

/// How long a run takes, about.
const RUN_MS: u64 = 2000;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-resp: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let options = Options::from_process(
        &["runs", "milliseconds", "only", "server", "out"],
        &["quick", "types"],
    )?;
    let runs = options.number("runs")?.unwrap_or(RUNS).max(1);
    let time = Duration::from_millis(options.number("milliseconds")?.unwrap_or(RUN_MS));
    let mut report = Report::new(runs, time);
    for contest in Contest::ALL {
        if options.text("only").is_none_or(|only| only == contest.name()) {
            let workloads = matrix::workloads(contest, options.has("quick"), options.has("types"));
            hold(contest, &workloads, &options, &mut report)?;
        }
    }
    let text = report.to_markdown();
    match options.text("out") {
        Some(path) => write(Path::new(path), &text)?,
        None => {
            let kind = if options.has("types") { "types" } else { "resp" };
            let name = format!("bench/results/{kind}-{}.md", machine::date());
            write(Path::new(&name), &text)?;
        }
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, text)?;
    println!("{text}\nwritten to {}", path.display());
    Ok(())
}

/// Measures all workloads of a contest.
fn hold(
    contest: Contest,
    workloads: &[Workload],
    options: &Options,
    report: &mut Report,
) -> Result<(), Failure> {
    let scratch = Scratch::new("bench")?;
    let (our_durability, their_durability) = contest.durabilities();
    let start = |product, durability, name: &str| {
        Server::start(Settings::new(product, durability, scratch.path().join(name)))
    };
    let ours = start(options.product("server"), our_durability, "ours")?;
    let theirs = start(Product::Redis, their_durability, "redis")?;
    report.begin(contest, machine::server(&ours)?, machine::server(&theirs)?);
    let mut filled = None;
    for workload in workloads {
        let needed = Some((workload.command.fill, workload.value));
        if filled != needed && !workload.command.consumes {
            fill(&ours, workload)?;
            fill(&theirs, workload)?;
            filled = needed;
        }
        let row = compare(workload, &ours, &theirs, report.runs, report.time)?;
        println!("{}: {}", contest.name(), row.summary());
        report.add(row);
    }
    Ok(())
}

/// Measures one workload on both servers, in turn.
fn compare(
    workload: &Workload,
    ours: &Server,
    theirs: &Server,
    runs: u64,
    time: Duration,
) -> Result<Row, Failure> {
    let our_requests = measure::requests_for(ours, workload, time)?;
    let their_requests = measure::requests_for(theirs, workload, time)?;
    let (mut our_runs, mut their_runs) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        our_runs.push(measure(ours, workload, our_requests)?);
        their_runs.push(measure(theirs, workload, their_requests)?);
    }
    let row = Row {
        workload: *workload,
        ours: Measured::median(&our_runs),
        theirs: Measured::median(&their_runs),
    };
    Ok(row)
}
