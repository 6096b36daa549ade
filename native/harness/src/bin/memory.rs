//! Memory for a key, beside redis-server. `--help` lists the options; see bench/README.md.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use ferric_harness::dataset::{KEY_BYTES, Values};
use ferric_harness::large::load::load;
use ferric_harness::machine::{self, Info};
use ferric_harness::memory::Resident;
use ferric_harness::options::Options;
use ferric_harness::report::{Report, size};
use ferric_harness::server::{Durability, Product, Scratch, Server, Settings};

type Failure = Box<dyn std::error::Error>;

const HELP: &str = "memory [--keys N,N… (1000000,10000000)] [--value BYTES (64)]
       [--limit BYTES (none)] [--server PATH|redis] [--dir DIR] [--out FILE]";

/// What is on its way to the disk gets there, and what is freed is freed, before it is counted.
const SETTLE: Duration = Duration::from_secs(3);

/// How long a server may take to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(120);

fn main() -> ExitCode {
    if std::env::args().any(|word| word == "--help") {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("memory: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let options = Options::from_process(&["keys", "value", "limit", "server", "dir", "out"], &[])?;
    let value = Values::of(options.number("value")?.unwrap_or(64) as usize);
    let limit = options.number("limit")?;
    let base = match options.text("dir") {
        Some(dir) => PathBuf::from(dir),
        None => std::env::current_dir()?.join("target/harness"),
    };
    let mut rows = Vec::new();
    let mut names = Vec::new();
    for keys in options.text("keys").unwrap_or("1000000,10000000").split(',') {
        let keys: u64 = keys.parse().map_err(|_| format!("--keys {keys}?"))?;
        let mut ours =
            Settings::new(options.product("server"), Durability::Soon, PathBuf::default());
        ours.more.extend(limit.map(|limit| ("FERRICSTORE_MAX_MEMORY".into(), limit.to_string())));
        let theirs = Settings::new(Product::Redis, Durability::Never, PathBuf::default());
        let ours = measure(ours, keys, value, &base)?;
        let theirs = measure(theirs, keys, value, &base)?;
        rows.push(ours.cells(keys));
        rows.push(theirs.cells(keys));
        rows.push(ours.ratio(&theirs, keys));
        names = vec![ours.name, theirs.name];
    }
    let mut report = Report::new("Memory for a key");
    report.paragraph(&setup(&names.join(" (async) and "), value, limit));
    report.table(
        &["server", "keys", "RSS", "anonymous", "used_memory", "more than key and value"],
        &rows,
    );
    report.publish(options.text("out"))?;
    Ok(())
}

fn setup(servers: &str, value: Values, limit: Option<u64>) -> String {
    format!(
        "{}; {}. {servers} (no persistence). Keys of {KEY_BYTES} B, values of {} B, memory limit {}. Bytes for a \
         key: how much each figure has grown, {} s after loading, divided by the number of keys. RSS counts \
         the pages of mapped files as well, anonymous (`RssAnon` + `RssShmem`) does not; `used_memory` is INFO's.",
        machine::date(),
        machine::description(),
        value.mean(),
        limit.map_or_else(|| "as by default".to_owned(), size),
        SETTLE.as_secs()
    )
}

/// Bytes in use by a server.
#[derive(Clone, Copy)]
struct Figures {
    resident: Resident,
    used: u64,
}

impl Figures {
    fn of(server: &Server) -> Result<Figures, Failure> {
        let used = Info::of(server)?.number("used_memory").ok_or("INFO has no used_memory")?;
        Ok(Figures { resident: Resident::of(server.pid())?, used })
    }
}

/// A server before and after it was loaded.
struct Growth {
    name: String,
    payload: u64,
    before: Figures,
    after: Figures,
}

impl Growth {
    /// Bytes for a key: RSS, anonymous, `used_memory`.
    fn per_key(&self, keys: u64) -> [f64; 3] {
        let grown = |figure: fn(&Figures) -> u64| {
            (figure(&self.after) as f64 - figure(&self.before) as f64) / keys as f64
        };
        [grown(|f| f.resident.total()), grown(|f| f.resident.anonymous), grown(|f| f.used)]
    }

    fn cells(&self, keys: u64) -> Vec<String> {
        let figures = self.per_key(keys);
        let mut cells = vec![self.name.clone(), keys.to_string()];
        cells.extend(figures.map(|figure| format!("{figure:.1}")));
        cells.push(format!("{:.1}", figures[0] - self.payload as f64));
        cells
    }

    fn ratio(&self, other: &Growth, keys: u64) -> Vec<String> {
        let mut cells = vec!["ratio".to_owned(), keys.to_string()];
        let pairs = self.per_key(keys).into_iter().zip(other.per_key(keys));
        cells.extend(pairs.map(|(mine, theirs)| format!("{:.2}", mine / theirs)));
        cells.push(String::new());
        cells
    }
}

fn measure(
    mut settings: Settings,
    keys: u64,
    value: Values,
    base: &std::path::Path,
) -> Result<Growth, Failure> {
    let scratch = Scratch::below(base, "memory")?;
    settings.data_dir = scratch.path().join("data");
    let server = Server::start(settings)?;
    let name = machine::server(&server)?;
    println!("{name}: {keys} keys");
    let before = Figures::of(&server)?;
    load(server.port(), keys, value)?;
    std::thread::sleep(SETTLE);
    let after = Figures::of(&server)?;
    server.terminate();
    server.wait(STOP_PATIENCE)?;
    Ok(Growth { name, payload: KEY_BYTES as u64 + value.mean(), before, after })
}
