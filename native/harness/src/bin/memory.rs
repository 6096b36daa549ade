//! Memory for a key, beside redis-server. `--help` lists the options; see bench/README.md.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use ferric_harness::dataset::{KEY_BYTES, Values};
use ferric_harness::elements::{self, Kind, Shape};
use ferric_harness::large::load::load;
use ferric_harness::machine::{self, Info};
use ferric_harness::memory::Resident;
use ferric_harness::options::Options;
use ferric_harness::report::{Report, size};
use ferric_harness::server::{Durability, Product, Scratch, Server, Settings};

type Failure = Box<dyn std::error::Error>;

const HELP: &str = "memory [--keys N,N… (1000000,10000000)] [--value BYTES (64)]
       | --elements N (1000000): memory for an element of each type of collection
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
    let options = Options::from_process(
        &["keys", "elements", "value", "limit", "server", "dir", "out"],
        &[],
    )?;
    let value = Values::of(options.number("value")?.unwrap_or(64) as usize);
    let limit = options.number("limit")?;
    let base = match options.text("dir") {
        Some(dir) => PathBuf::from(dir),
        None => std::env::current_dir()?.join("target/harness"),
    };
    if let Some(elements) = options.number("elements")? {
        return collections(elements, limit, &base, &options);
    }
    let mut rows = Vec::new();
    let mut names = Vec::new();
    for keys in options.text("keys").unwrap_or("1000000,10000000").split(',') {
        let keys: u64 = keys.parse().map_err(|_| format!("--keys {keys}?"))?;
        let [ours, theirs] = contestants(limit, &options).map(|settings| {
            measure(settings, &base, |port| {
                load(port, keys, value)?;
                Ok(())
            })
        });
        let (ours, theirs) = (ours?, theirs?);
        let payload = KEY_BYTES as u64 + value.mean();
        rows.push(ours.cells(keys, payload));
        rows.push(theirs.cells(keys, payload));
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

/// FerricStore, and redis-server without persistence.
fn contestants(limit: Option<u64>, options: &Options) -> [Settings; 2] {
    let mut ours = Settings::new(options.product("server"), Durability::Soon, PathBuf::default());
    ours.more.extend(limit.map(|limit| ("FERRICSTORE_MAX_MEMORY".into(), limit.to_string())));
    [ours, Settings::new(Product::Redis, Durability::Never, PathBuf::default())]
}

/// Memory for an element of each type, in small collections and in a large one.
fn collections(
    elements: u64,
    limit: Option<u64>,
    base: &Path,
    options: &Options,
) -> Result<(), Failure> {
    let mut rows = Vec::new();
    let mut names = Vec::new();
    for shape in [Shape::Small, Shape::Large] {
        for kind in Kind::ALL {
            let fill = |port| Ok(elements::load(port, kind, shape, elements)?);
            let [ours, theirs] =
                contestants(limit, options).map(|settings| measure(settings, base, fill));
            let (ours, theirs) = (ours?, theirs?);
            let mut cells = vec![kind.name().to_owned(), shape.name().to_owned()];
            for pair in ours.per_key(elements).into_iter().zip(theirs.per_key(elements)) {
                cells.push(format!("{:.1} / {:.1} ({:.2})", pair.0, pair.1, pair.0 / pair.1));
            }
            println!("{}", cells.join(", "));
            rows.push(cells);
            names = vec![ours.name, theirs.name];
        }
    }
    let mut report = Report::new("Memory for an element");
    report.paragraph(&format!(
        "{}; {}. {} (no persistence). {elements} elements of each type, in collections of {} or all in one. \
         Elements, fields and members are `element:` and 9 digits, values 16 B, integers have 9 digits. \
         Bytes for an element, FerricStore / Redis (ratio): how much each figure has grown, {} s after loading.",
        machine::date(),
        machine::description(),
        names.join(" (async) and "),
        elements::SMALL,
        SETTLE.as_secs()
    ));
    report.table(&["type", "collections", "RSS", "anonymous", "used_memory"], &rows);
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

    fn cells(&self, keys: u64, payload: u64) -> Vec<String> {
        let figures = self.per_key(keys);
        let mut cells = vec![self.name.clone(), keys.to_string()];
        cells.extend(figures.map(|figure| format!("{figure:.1}")));
        cells.push(format!("{:.1}", figures[0] - payload as f64));
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
    base: &Path,
    fill: impl FnOnce(u16) -> Result<(), Failure>,
) -> Result<Growth, Failure> {
    let scratch = Scratch::below(base, "memory")?;
    settings.data_dir = scratch.path().join("data");
    let server = Server::start(settings)?;
    let name = machine::server(&server)?;
    let before = Figures::of(&server)?;
    fill(server.port())?;
    std::thread::sleep(SETTLE);
    let after = Figures::of(&server)?;
    server.terminate();
    server.wait(STOP_PATIENCE)?;
    Ok(Growth { name, before, after })
}
