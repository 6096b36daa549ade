//! How long a server with many keys takes to serve again, beside redis-server loading the same data.
//! `--help` lists the options; see bench/README.md.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ferric_harness::dataset::{KEY_BYTES, Values, key};
use ferric_harness::large::load::load;
use ferric_harness::large::wire::{Answer, Wire};
use ferric_harness::machine::{self, Info};
use ferric_harness::options::Options;
use ferric_harness::report::{Report, median};
use ferric_harness::rng::Rng;
use ferric_harness::server::{Durability, Product, Scratch, Server, Settings};
use ferric_resp::Value;

type Failure = Box<dyn std::error::Error>;

const HELP: &str =
    "restart [--keys N (10000000)] [--value BYTES (64)] [--tail KEYS (100000)] [--runs N (3)]
        [--memory BYTES (none)] [--only ferricstore|redis] [--server PATH|redis] [--dir DIR] [--out FILE]";

/// How long a server may take to start, to stop, to save or to rewrite its files.
const PATIENCE: Duration = Duration::from_secs(600);

/// Time for what is acknowledged but not yet synced to get to the disk: each mode syncs at least
/// once a second.
const SETTLE: Duration = Duration::from_secs(3);

/// Keys that are read after each start.
const SAMPLE: u64 = 1000;

struct Plan {
    keys: u64,
    values: Values,
    tail: u64,
    runs: u64,
    base: PathBuf,
}

/// A way to stop and start, and how long each start took, in seconds.
struct Row {
    name: String,
    times: Vec<f64>,
}

fn main() -> ExitCode {
    if std::env::args().any(|word| word == "--help") {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("restart: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let options = Options::from_process(
        &["keys", "value", "tail", "runs", "memory", "only", "server", "dir", "out"],
        &[],
    )?;
    let number = |name: &str, default: u64| -> Result<u64, String> {
        Ok(options.number(name)?.unwrap_or(default))
    };
    let keys = number("keys", 10_000_000)?.max(1);
    let plan = Plan {
        keys,
        values: Values::of(number("value", 64)? as usize),
        tail: number("tail", 100_000)?.min(keys),
        runs: number("runs", 3)?.max(1),
        base: match options.text("dir") {
            Some(dir) => PathBuf::from(dir),
            None => std::env::current_dir()?.join("target/harness"),
        },
    };
    let mut rows = Vec::new();
    if options.text("only") != Some("redis") {
        let memory = options.number("memory")?;
        rows.extend(ours(&plan, options.product("server"), memory)?);
    }
    if options.text("only") != Some("ferricstore") {
        rows.extend(redis(&plan)?);
    }
    publish(&plan, &rows, options.text("out"))
}

fn publish(plan: &Plan, rows: &[Row], out: Option<&str>) -> Result<(), Failure> {
    let mut report = Report::new("Restart");
    report.paragraph(&format!(
        "{}; {}. {} keys of {KEY_BYTES} B with values of {} B. Seconds from the start of the process to its first \
         PONG, median of {}; the files are in the page cache. After each start the number of keys and {SAMPLE} \
         values are checked.",
        machine::date(),
        machine::description(),
        plan.keys,
        plan.values.mean(),
        plan.runs,
    ));
    let cells = |row: &Row| {
        let all: Vec<String> = row.times.iter().map(|time| format!("{time:.2}")).collect();
        let middle = format!("{:.2}", median(row.times.iter().copied()));
        vec![row.name.clone(), middle, all.join(", ")]
    };
    report.table(&["what", "seconds", "each"], &rows.iter().map(cells).collect::<Vec<_>>());
    report.publish(out)?;
    Ok(())
}

/// FerricStore: killed right after loading, stopped cleanly, killed after some more writes.
fn ours(plan: &Plan, product: Product, memory: Option<u64>) -> Result<Vec<Row>, Failure> {
    let scratch = Scratch::below(&plan.base, "restart")?;
    let mut settings = Settings::new(product, Durability::Soon, scratch.path().join("data"));
    let limit = memory.map(|bytes| ("FERRICSTORE_MAX_MEMORY".to_owned(), bytes.to_string()));
    settings.more.extend(limit);
    let empty = empty_start(&settings, scratch.path())?;
    let server = Server::start(settings)?;
    let name = machine::server(&server)?;
    println!("{name}: loading");
    load(server.port(), plan.keys, plan.values)?;
    let row = |what: &str, times| Row { name: format!("{name}, {what}"), times };
    let mut rows = vec![row("empty store", vec![empty])];
    std::thread::sleep(SETTLE);
    let (mut server, time) = after_kill(plan, server)?;
    rows.push(row("kill -9 right after loading", vec![time]));
    let mut times = Vec::new();
    for _ in 0..plan.runs {
        let (next, time) = after_stop(plan, server)?;
        server = next;
        times.push(time);
    }
    rows.push(row("clean stop", times));
    let mut times = Vec::new();
    for _ in 0..plan.runs {
        load(server.port(), plan.tail, plan.values)?;
        std::thread::sleep(SETTLE);
        let (next, time) = after_kill(plan, server)?;
        server = next;
        times.push(time);
    }
    rows.push(row(&format!("kill -9 after {} further writes", plan.tail), times));
    stop(server)?;
    Ok(rows)
}

/// redis-server: its append-only file with and without the binary preamble, and its snapshot.
fn redis(plan: &Plan) -> Result<Vec<Row>, Failure> {
    let scratch = Scratch::below(&plan.base, "restart")?;
    let aof = Settings::new(Product::Redis, Durability::Soon, scratch.path().join("data"));
    let empty = empty_start(&aof, scratch.path())?;
    let mut plain = aof.clone();
    plain.more.push(("aof-use-rdb-preamble".to_owned(), "no".to_owned()));
    let mut snapshot = aof.clone();
    snapshot.durability = Durability::Never;

    let server = Server::start(plain.clone())?;
    let name = machine::server(&server)?;
    println!("{name}: loading");
    load(server.port(), plan.keys, plan.values)?;
    let row = |what: &str, times| Row { name: format!("{name}, {what}"), times };
    let mut rows = vec![row("empty store", vec![empty])];

    rewrite(&server)?;
    let (server, times) = restarts(plan, server, &plain)?;
    rows.push(row("AOF of commands", times));
    stop(server)?;

    let (server, _) = start(plan, aof.clone())?;
    rewrite(&server)?;
    let (server, times) = restarts(plan, server, &aof)?;
    rows.push(row("AOF with RDB preamble", times));

    save(&server)?;
    let (server, times) = restarts(plan, server, &snapshot)?;
    rows.push(row("RDB", times));
    stop(server)?;
    Ok(rows)
}

/// Stops and starts a server with `settings`, again and again.
fn restarts(
    plan: &Plan,
    mut server: Server,
    settings: &Settings,
) -> Result<(Server, Vec<f64>), Failure> {
    let mut times = Vec::new();
    for _ in 0..plan.runs {
        stop(server)?;
        let (next, time) = start(plan, settings.clone())?;
        server = next;
        times.push(time);
    }
    Ok((server, times))
}

/// The time that the program alone takes.
fn empty_start(settings: &Settings, dir: &Path) -> Result<f64, Failure> {
    let mut settings = settings.clone();
    settings.data_dir = dir.join("empty");
    let (server, time) = timed(settings)?;
    stop(server)?;
    Ok(time)
}

fn after_stop(plan: &Plan, server: Server) -> Result<(Server, f64), Failure> {
    let settings = server.settings().clone();
    stop(server)?;
    start(plan, settings)
}

fn after_kill(plan: &Plan, server: Server) -> Result<(Server, f64), Failure> {
    let settings = server.settings().clone();
    server.kill();
    start(plan, settings)
}

/// Starts a server that has the data, and checks that it has.
fn start(plan: &Plan, settings: Settings) -> Result<(Server, f64), Failure> {
    let (server, time) = timed(settings)?;
    println!("{time:.3} s");
    check(plan, &server)?;
    Ok((server, time))
}

fn timed(settings: Settings) -> Result<(Server, f64), Failure> {
    let started = Instant::now();
    let mut server = Server::spawn(settings)?;
    server.wait_for_ping(PATIENCE)?;
    Ok((server, started.elapsed().as_secs_f64()))
}

fn stop(server: Server) -> Result<(), Failure> {
    server.terminate();
    let (status, output) = server.wait(PATIENCE)?;
    if status.success() { Ok(()) } else { Err(format!("ended with {status}\n{output}").into()) }
}

fn check(plan: &Plan, server: &Server) -> Result<(), Failure> {
    let size = server.connect()?.call(&["DBSIZE"])?;
    if size != Value::Integer(plan.keys as i64) {
        return Err(format!("{} keys were written, DBSIZE says {size:?}", plan.keys).into());
    }
    let mut wire = Wire::connect(server.port())?;
    let mut rng = Rng::new(plan.keys);
    let sample: Vec<u64> = (0..SAMPLE).map(|_| rng.below(plan.keys)).collect();
    sample.iter().for_each(|n| wire.get(&key(*n)));
    wire.flush()?;
    for n in sample {
        match wire.answer()? {
            Answer::Value(value) if plan.values.version_of(n, value) == Some(0) => {}
            other => return Err(format!("key {n} has become {other:?}").into()),
        }
    }
    Ok(())
}

/// Has Redis write its append-only file anew, and waits for it.
fn rewrite(server: &Server) -> Result<(), Failure> {
    server.connect()?.call(&["BGREWRITEAOF"])?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let info = Info::of(server)?;
        let pending = ["aof_rewrite_in_progress", "aof_rewrite_scheduled"]
            .iter()
            .any(|field| info.number(field) != Some(0));
        if !pending {
            let status = info.field("aof_last_bgrewrite_status").unwrap_or("unknown");
            return if status == "ok" { Ok(()) } else { Err(format!("rewrite: {status}").into()) };
        }
        if Instant::now() > deadline {
            return Err("BGREWRITEAOF does not end".into());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Has Redis write a snapshot.
fn save(server: &Server) -> Result<(), Failure> {
    let mut client = server.connect()?;
    client.send(b"*1\r\n$4\r\nSAVE\r\n")?;
    match client.reply_within(PATIENCE)?.value {
        Value::Simple(text) if text == b"OK" => Ok(()),
        other => Err(format!("SAVE: {other:?}").into()),
    }
}
