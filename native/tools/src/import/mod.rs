//! `import`: takes what Redis has saved over into a running server.
//!
//! Values go one by one, as they are read: a small one whole, as the payload of a RESTORE, a large
//! one in pieces by the commands of its type, its expiry last. So memory is bounded by the longest
//! string, and the server never has to take in a large value at once. What an append-only file has
//! behind its snapshot are commands already.

mod aof;
mod command;
mod options;
mod parts;
mod pieces;
mod pipe;
mod report;
mod snapshot;
mod target;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::time::Instant;

pub(crate) use options::{HELP, Options, parse};

use crate::progress::Display;
use crate::{DAMAGED, FAILED, WELL, print};
use parts::Part;
use pipe::Pipe;
use report::Report;
use target::Target;

/// Bytes read from a file at a time.
const READ_SIZE: usize = 256 << 10;

/// Why an import ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The file is malformed or cannot be read.
    #[error(transparent)]
    File(#[from] ferric_rdb::Error),
    /// There is no connection, or no longer.
    #[error("the connection to the server: {0}")]
    Connection(std::io::Error),
    /// The import makes no sense, or the server does not want it.
    #[error("{0}")]
    Refused(String),
}

/// Does what the options say; the exit status.
pub(crate) fn run(options: &Options) -> u8 {
    let mut report = Report::new(options);
    let began = Instant::now();
    let ended = import(options, &mut report);
    report.seconds = began.elapsed().as_secs_f64();
    let status = match &ended {
        Err(_) => FAILED,
        Ok(()) if report.is_whole() => WELL,
        Ok(()) => DAMAGED,
    };
    let status = print(&if options.json { report.json() } else { report.text() }, status);
    if let Err(failure) = ended {
        eprintln!("ferricstore-tool: {failure}");
    }
    status
}

fn import(options: &Options, report: &mut Report) -> Result<(), Failure> {
    let parts = parts::find(&options.file)?;
    report.total = parts.iter().map(|part| part.len).sum();
    let pipe = if options.check { None } else { Some(Pipe::connect(options)?) };
    let mut target = Target::new(options, pipe);
    if parts.iter().any(|part| part.is_log) {
        target.require_empty()?;
    }
    let display = Display::new(options.progress);
    let last = parts.len() - 1;
    let mut result = Ok(());
    for (at, part) in parts.iter().enumerate() {
        result = part_of(part, at == last, &mut target, report, &display);
        if result.is_err() {
            break;
        }
        report.done_before += part.len;
    }
    // What the server said is worth knowing in any case.
    let finished = target.finish(report);
    result.and(finished)
}

fn part_of(
    part: &Part,
    is_last: bool,
    target: &mut Target,
    report: &mut Report,
    display: &Display,
) -> Result<(), Failure> {
    let name = part.path.display();
    let named = |error: std::io::Error| Failure::Refused(format!("{name}: {error}"));
    let mut input = BufReader::with_capacity(READ_SIZE, File::open(&part.path).map_err(named)?);
    let mut position = 0;
    let head = input.fill_buf().map_err(named)?;
    let result = if head.starts_with(ferric_rdb::file::MAGIC) {
        snapshot::import(input, &mut position, target, report, display).and_then(|rest| {
            // Behind the snapshot there may be commands.
            target.select(0, report)?;
            aof::import(rest, &mut position, is_last, target, report, display)
        })
    } else if !matches!(head, [] | [b'*' | b'#', ..]) {
        return Err(Failure::Refused(format!("{name} is none of Redis's files")));
    } else {
        aof::import(input, &mut position, is_last, target, report, display)
    };
    result.map_err(|failure| match failure {
        Failure::File(error) => {
            Failure::Refused(format!("{name}, before byte {position}: {error}"))
        }
        other => other,
    })
}
