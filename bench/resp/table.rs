//! Results as Markdown.

use std::fmt::Write;
use std::time::Duration;

use ferric_harness::machine;

use crate::matrix::{Contest, Workload};
use crate::measure::Measured;

/// One workload on both servers.
pub struct Row {
    pub workload: Workload,
    pub ours: Measured,
    pub theirs: Measured,
}

impl Row {
    fn ratio(&self) -> f64 {
        self.ours.rate / self.theirs.rate
    }

    /// One line for people who wait.
    pub fn summary(&self) -> String {
        let Workload { command, value, pipeline, clients } = self.workload;
        format!(
            "{} {value} B, pipeline {pipeline}, {clients} clients: {:.0} and {:.0} a second, {:.2}",
            command.name,
            self.ours.rate,
            self.theirs.rate,
            self.ratio()
        )
    }
}

struct Section {
    contest: Contest,
    servers: String,
    rows: Vec<Row>,
}

/// All results of a run.
pub struct Report {
    pub runs: u64,
    pub time: Duration,
    sections: Vec<Section>,
}

impl Report {
    pub fn new(runs: u64, time: Duration) -> Report {
        Report { runs, time, sections: Vec::new() }
    }

    /// Begins a contest.
    pub fn begin(&mut self, contest: Contest, ours: String, theirs: String) {
        let servers = format!("{ours} and {theirs}");
        self.sections.push(Section { contest, servers, rows: Vec::new() });
    }

    /// Adds a row to the contest that has begun.
    pub fn add(&mut self, row: Row) {
        if let Some(section) = self.sections.last_mut() {
            section.rows.push(row);
        }
    }

    /// The whole report.
    pub fn to_markdown(&self) -> String {
        let mut text = String::from("# RESP: FerricStore and redis-server side by side\n\n");
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{}; {}. Client: redis-benchmark on the same machine, 100,000 keys. Medians of {} runs \
             of about {:.1} s, the servers in turn. CPU: user and system time of the server per \
             request. An MSET sets ten keys. What a command needs is filled with 300,000 writes to random \
             keys, fields or members of 100,000 first.",
            machine::date(),
            machine::description(),
            self.runs,
            self.time.as_secs_f64()
        );
        for section in &self.sections {
            let _ = write!(text, "\n## {}\n\n{}.\n\n", section.contest.title(), section.servers);
            text.push_str(HEADING);
            section.rows.iter().for_each(|row| write_row(&mut text, row));
        }
        text
    }
}

const HEADING: &str = "\
| command | value | pipeline | clients | ours, req/s | Redis, req/s | ratio | ours, p50 / p99 ms \
| Redis, p50 / p99 ms | ours, CPU µs | Redis, CPU µs |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|
";

fn write_row(text: &mut String, row: &Row) {
    let Workload { command, value, pipeline, clients } = row.workload;
    let value = if command.sized { format!("{value} B") } else { "–".to_owned() };
    let (ours, theirs) = (row.ours, row.theirs);
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "| {} | {value} | {pipeline} | {clients} | {} | {} | {:.2} | {:.2} / {:.2} | {:.2} / {:.2} \
         | {:.2} | {:.2} |",
        command.name.to_uppercase(),
        thousands(ours.rate),
        thousands(theirs.rate),
        row.ratio(),
        ours.p50,
        ours.p99,
        theirs.p50,
        theirs.p99,
        ours.cpu,
        theirs.cpu,
    );
}

/// A whole number with commas.
fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            [7.0, 999.4, 1000.0, 1_234_567.0].map(thousands),
            ["7", "999", "1,000", "1,234,567"]
        );
    }
}
