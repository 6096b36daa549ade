//! `ferricstore-tool`: looks after stores that are not open, and imports what Redis has saved. The
//! release's `bin/ferricstore` hands `check`, `salvage`, `stat` and `import` on to it.

mod arguments;
mod import;
mod json;
mod progress;
mod show;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use arguments::{Command, Invocation};
use ferric_engine::OpenError;
use ferric_engine::io::PosixIo;
use ferric_engine::tools::{Settings, check, salvage, stat};
use progress::Display;

/// Exit statuses: everything is well, something is damaged or lost, nothing could be said.
const WELL: u8 = 0;
const DAMAGED: u8 = 1;
const FAILED: u8 = 2;

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let status = match arguments::parse(&words) {
        Ok(Invocation::Help(text)) => print(text, WELL),
        Ok(Invocation::Import(options)) => import::run(&options),
        Ok(Invocation::Run(command)) => run(&command).unwrap_or_else(|error| {
            eprintln!("ferricstore-tool: {error}");
            FAILED
        }),
        Err(message) => {
            eprintln!("ferricstore-tool: {message}");
            FAILED
        }
    };
    ExitCode::from(status)
}

fn run(command: &Command) -> Result<u8, OpenError> {
    let display = Display::new(command.progress);
    let mut settings = Settings::new(Arc::new(PosixIo));
    settings.memory = command.memory;
    settings.progress = Box::new(move |progress| display.show(progress));
    match command.name {
        "check" => {
            let report = check(&command.dir, &mut settings)?;
            let text = if command.json { json::check(&report) } else { show::check(&report) };
            Ok(print(&text, if report.is_intact() { WELL } else { DAMAGED }))
        }
        "salvage" => {
            let report = salvage(&command.dir, &command.out, &mut settings)?;
            let text = if command.json { json::salvage(&report) } else { show::salvage(&report) };
            let whole = report.found.loss.ranges == 0 && report.unreadable == 0;
            Ok(print(&text, if whole { WELL } else { DAMAGED }))
        }
        _ => {
            let report = stat(&command.dir, &mut settings)?;
            let text = if command.json { json::stat(&report) } else { show::stat(&report) };
            Ok(print(&text, WELL))
        }
    }
}

/// Writes the result to the standard output. Who does not read it to the end has seen enough.
fn print(text: &str, status: u8) -> u8 {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => FAILED,
        _ => status,
    }
}
