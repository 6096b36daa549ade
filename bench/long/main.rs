//! What long commands do to everybody else: the latency of GETs while another client has the server
//! work through a million elements, again and again. `--help` lists the options; see bench/README.md.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ferric_harness::client::{Client, encode};
use ferric_harness::elements::{self, Kind, Shape};
use ferric_harness::large::histogram::Histogram;
use ferric_harness::machine;
use ferric_harness::options::Options;
use ferric_harness::report::Report;
use ferric_harness::server::{Durability, Product, Scratch, Server, Settings};

type Failure = Box<dyn std::error::Error>;

const HELP: &str =
    "bench-long [--elements N (1000000)] [--seconds N (5)] [--server PATH|redis] [--out FILE]";

/// Keys that GET chooses from.
const KEYS: u64 = 1000;

/// How long the reply to a long command may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Stands behind the reply to a long command.
const END: &[u8] = b"$16\r\nthe reply's end.\r\n";

/// Long commands; `None` is nothing, for comparison.
const COMMANDS: &[Option<&[&str]>] = &[
    None,
    Some(&["KEYS", "*nothing*"]),
    Some(&["LRANGE", "list", "0", "-1"]),
    Some(&["HGETALL", "hash"]),
    Some(&["SMEMBERS", "set"]),
    Some(&["SUNIONSTORE", "union", "set", "integers"]),
    Some(&["ZRANGE", "zset", "0", "-1", "WITHSCORES"]),
    Some(&["ZUNIONSTORE", "zunion", "1", "zset"]),
    Some(&["SORT", "integers", "LIMIT", "0", "10"]),
    Some(&["XRANGE", "stream", "-", "+"]),
];

fn main() -> ExitCode {
    if std::env::args().any(|word| word == "--help") {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench-long: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let options = Options::from_process(&["elements", "seconds", "server", "out"], &[])?;
    let count = options.number("elements")?.unwrap_or(1_000_000);
    let time = Duration::from_secs(options.number("seconds")?.unwrap_or(5));
    let scratch = Scratch::new("long")?;
    let start = |product, durability, name: &str| {
        Server::start(Settings::new(product, durability, scratch.path().join(name)))
    };
    let ours = start(options.product("server"), Durability::Soon, "ours")?;
    let theirs = start(Product::Redis, Durability::Never, "redis")?;
    for server in [&ours, &theirs] {
        fill(server, count)?;
    }
    let mut rows = Vec::new();
    for command in COMMANDS {
        let mut row = vec![command.map_or_else(|| "nothing".to_owned(), |words| words.join(" "))];
        for server in [&ours, &theirs] {
            row.extend(measure(server, *command, time)?);
        }
        println!("{}", row.join(" | "));
        rows.push(row);
    }
    let mut report = Report::new("Long commands beside short ones");
    report.paragraph(&format!(
        "{}; {}. {} (async) and {} (no persistence). One client sends GETs of {KEYS} keys, one at a time, for \
         {} s, while another repeats a command on collections of {count} elements. Latency of the GETs in \
         milliseconds, p50 / p99 / most, and how long one of the commands took, in milliseconds.",
        machine::date(),
        machine::description(),
        machine::server(&ours)?,
        machine::server(&theirs)?,
        time.as_secs()
    ));
    let heading = ["beside", "FerricStore: GET", "the command", "Redis: GET", "the command"];
    report.table(&heading, &rows);
    report.publish(options.text("out"))?;
    Ok(())
}

/// A collection of each type, and short keys.
fn fill(server: &Server, count: u64) -> Result<(), Failure> {
    let mut client = Client::connect(server.port())?;
    let kinds = [
        (Kind::List, "list"),
        (Kind::Hash, "hash"),
        (Kind::Set, "set"),
        (Kind::IntegerSet, "integers"),
        (Kind::SortedSet, "zset"),
        (Kind::Stream, "stream"),
    ];
    for (kind, name) in kinds {
        elements::load(server.port(), kind, Shape::Large, count)?;
        client.call(&["RENAME", "key", name])?;
    }
    elements::load(server.port(), Kind::Set, Shape::Small, count)?;
    for key in 0..KEYS {
        client.call(&["SET", &format!("short:{key}"), "value"])?;
    }
    Ok(())
}

/// The latency of GETs, and of the command beside them, as two cells.
fn measure(
    server: &Server,
    command: Option<&[&str]>,
    time: Duration,
) -> Result<[String; 2], Failure> {
    let stop = AtomicBool::new(false);
    let (gets, long) = std::thread::scope(|scope| {
        let long = command.map(|words| scope.spawn(|| repeat(server.port(), words, &stop)));
        let gets = get_for(server.port(), time);
        stop.store(true, Ordering::Relaxed);
        (gets, long.map(|thread| thread.join().map_err(|_| "the long client panicked")))
    });
    let gets = gets?;
    let quantiles = [0.5, 0.99, 1.0].map(|at| milliseconds(gets.quantile(at)));
    let took = match long {
        None => "–".to_owned(),
        Some(outcome) => milliseconds(outcome?.map_err(|error| error.to_string())?),
    };
    Ok([quantiles.join(" / "), took])
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1e3)
}

/// GETs one after another.
fn get_for(port: u16, time: Duration) -> Result<Histogram, Failure> {
    let mut client = Client::connect(port)?;
    let mut histogram = Histogram::default();
    let end = Instant::now() + time;
    for key in (0..KEYS).cycle() {
        let before = Instant::now();
        if before >= end {
            break;
        }
        client.call(&["GET", &format!("short:{key}")])?;
        histogram.add(before.elapsed());
    }
    Ok(histogram)
}

/// Repeats a command until told to stop; the mean time of one.
fn repeat(port: u16, words: &[&str], stop: &AtomicBool) -> std::io::Result<Duration> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut request = Vec::new();
    encode(&mut request, words);
    encode(&mut request, &["ECHO", "the reply's end."]);
    let mut buffer = vec![0; 1 << 20];
    let (began, mut times) = (Instant::now(), 0);
    while !stop.load(Ordering::Relaxed) {
        stream.write_all(&request)?;
        skip_reply(&mut stream, &mut buffer)?;
        times += 1;
    }
    Ok(began.elapsed() / times.max(1))
}

/// Reads, and does not look at, everything up to [`END`], behind which nothing comes.
fn skip_reply(stream: &mut TcpStream, buffer: &mut [u8]) -> std::io::Result<()> {
    let mut kept = 0;
    loop {
        let read = stream.read(&mut buffer[kept..])?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let filled = kept + read;
        if buffer[..filled].ends_with(END) {
            return Ok(());
        }
        kept = filled.min(END.len());
        buffer.copy_within(filled - kept..filled, 0);
    }
}
