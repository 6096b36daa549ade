//! Measuring one workload on one server.

use std::fs;
use std::process::Command;
use std::time::Duration;

use ferric_harness::server::Server;

use crate::Failure;
use crate::matrix::Workload;

/// Keys that commands choose from.
const KEYSPACE: u64 = 100_000;

/// Pipelines per client in the run that finds out how fast a server is.
const TRIAL_PIPELINES: u64 = 20;

/// Fewest and most requests of a run.
const REQUESTS: std::ops::RangeInclusive<u64> = 200..=50_000_000;

/// Clock ticks a second in `/proc` (Linux, every architecture that Rust supports).
const TICKS: f64 = 100.0;

/// The result of a run, or the median of several.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measured {
    /// Requests a second.
    pub rate: f64,
    /// Latency in milliseconds.
    pub p50: f64,
    pub p99: f64,
    /// CPU time of the server per request, user and system, in microseconds.
    pub cpu: f64,
}

impl Measured {
    /// The median of each figure.
    pub fn median(runs: &[Measured]) -> Measured {
        let median = |field: fn(&Measured) -> f64| {
            let mut values: Vec<f64> = runs.iter().map(field).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or_default()
        };
        Measured {
            rate: median(|run| run.rate),
            p50: median(|run| run.p50),
            p99: median(|run| run.p99),
            cpu: median(|run| run.cpu),
        }
    }
}

/// How many requests take about `time`.
pub fn requests_for(server: &Server, load: &Workload, time: Duration) -> Result<u64, Failure> {
    let trial = u64::from(load.clients) * u64::from(load.pipeline) * TRIAL_PIPELINES;
    let measured = measure(server, load, trial.max(2_000))?;
    let wanted = measured.rate * time.as_secs_f64();
    Ok((wanted as u64).clamp(*REQUESTS.start(), *REQUESTS.end()))
}

/// Puts what a workload needs there: each of its keys is written three times, on average.
pub fn fill(server: &Server, load: &Workload) -> Result<(), Failure> {
    fill_with(server, load, KEYSPACE * 3)
}

fn fill_with(server: &Server, load: &Workload, requests: u64) -> Result<(), Failure> {
    for words in load.command.fill {
        let filling = Workload { pipeline: 64, clients: 50, ..*load };
        benchmark(server, &filling, words, requests)?;
    }
    Ok(())
}

/// Runs a workload of `requests` requests.
pub fn measure(server: &Server, load: &Workload, requests: u64) -> Result<Measured, Failure> {
    if load.command.consumes {
        fill_with(server, load, requests)?;
    }
    let before = cpu_seconds(server.pid())?;
    let [rate, p50, p99] = benchmark(server, load, load.command.words, requests)?;
    let cpu = (cpu_seconds(server.pid())? - before) * 1e6 / requests as f64;
    Ok(Measured { rate, p50, p99, cpu })
}

/// Sends `words`, or runs redis-benchmark's own test; requests a second and two latencies.
fn benchmark(
    server: &Server,
    load: &Workload,
    words: &[&str],
    requests: u64,
) -> Result<[f64; 3], Failure> {
    let mut command = Command::new("redis-benchmark");
    command
        .args(["-h", "127.0.0.1", "-p", &server.port().to_string(), "--csv"])
        .args(["-P", &load.pipeline.to_string(), "-c", &load.clients.to_string()])
        .args(["-n", &requests.to_string(), "-r", &KEYSPACE.to_string()])
        .args(["-d", &load.value.to_string()]);
    match words {
        [] => command.args(["-t", load.command.name]),
        words => command.args(words),
    };
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() || text.contains("rror from server") {
        return Err(format!("redis-benchmark failed: {text}{errors}").into());
    }
    parse(&text).ok_or_else(|| format!("redis-benchmark printed:\n{text}{errors}").into())
}

/// Requests a second and two latencies, from a heading and one line of CSV.
fn parse(csv: &str) -> Option<[f64; 3]> {
    let cells = |line: &str| -> Vec<String> {
        line.split("\",\"").map(|cell| cell.trim_matches('"').to_owned()).collect()
    };
    let heading = csv.lines().find(|line| line.starts_with("\"test\""))?;
    let names = cells(heading);
    let values = cells(csv.lines().rfind(|line| line.starts_with('"') && *line != heading)?);
    let value = |name: &str| {
        let index = names.iter().position(|other| other == name)?;
        values.get(index)?.parse().ok()
    };
    Some([value("rps")?, value("p50_latency_ms")?, value("p99_latency_ms")?])
}

/// User and system time that a process has used, all of its threads together.
fn cpu_seconds(pid: u32) -> Result<f64, Failure> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold spaces; the times are the 12th and 13th field after it.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace();
    let times: Vec<f64> = fields.skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    match times.as_slice() {
        [user, system] => Ok((user + system) / TICKS),
        _ => Err(format!("/proc/{pid}/stat cannot be understood: {stat}").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_is_read_by_column_names() {
        let csv = "\"test\",\"rps\",\"avg_latency_ms\",\"p50_latency_ms\",\"p99_latency_ms\"\n\
                   \"MSET (10 keys)\",\"1234.50\",\"0.9\",\"0.255\",\"1.500\"\n";
        assert_eq!(parse(csv), Some([1234.5, 0.255, 1.5]));
        assert_eq!(parse("Error\n"), None);
    }

    #[test]
    fn medians_are_taken_field_by_field() {
        let run = |rate, cpu| Measured { rate, cpu, ..Measured::default() };
        let median = Measured::median(&[run(1.0, 9.0), run(3.0, 7.0), run(2.0, 8.0)]);
        assert_eq!((median.rate, median.cpu), (2.0, 8.0));
    }
}
