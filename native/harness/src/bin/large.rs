//! A server with far more data than memory, beside redis-server with all of it in memory and beside
//! what fio reads from the same device. `--help` lists the options; see bench/README.md.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use ferric_harness::dataset::{KEY_BYTES, Values};
use ferric_harness::large::drive::{Outcome, Work, drive};
use ferric_harness::large::fio::{self, Device};
use ferric_harness::large::load::load;
use ferric_harness::large::picks::{Distribution, Picks};
use ferric_harness::large::versions::Versions;
use ferric_harness::machine::{self, Info};
use ferric_harness::memory::{Resident, Sampler};
use ferric_harness::options::Options;
use ferric_harness::report::{Report, short, size};
use ferric_harness::rng::fresh_seed;
use ferric_harness::server::{Durability, Product, Scratch, Server, Settings};

type Failure = Box<dyn std::error::Error>;

const VALUED: [&str; 18] = [
    "keys",
    "redis-keys",
    "shortest",
    "longest",
    "memory",
    "clients",
    "pipeline",
    "seconds",
    "writes",
    "only",
    "memory-field",
    "cold-field",
    "fio-bytes",
    "seed",
    "server",
    "dir",
    "out",
    "durability",
];

/// How long a server may take to stop: it may have gigabytes to sync.
const STOP_PATIENCE: Duration = Duration::from_secs(300);

/// The smallest memory limit that FerricStore takes.
const MIN_MEMORY: u64 = 16 << 20;

/// Bytes that Redis needs for a key beyond the key and its value, about.
const REDIS_OVERHEAD: u64 = 110;

const HELP: &str = "large [--keys N (20000000)] [--shortest N (100)] [--longest N (1000)]
      [--memory BYTES (a tenth of the data)] [--clients N (16)] [--pipeline N (16)]
      [--seconds N for each workload (30)] [--writes PERCENT of the mix (10)]
      [--durability quorum|async (async)] [--only ferricstore|redis|fio] [--redis-keys N]
      [--memory-field NAME (tier_memory_reads)] [--cold-field NAME (tier_cold_reads)]
      [--fio-bytes N (4294967296)] [--seed N] [--server PATH|redis] [--dir DIR] [--out FILE]";

/// What is to be done.
struct Plan {
    keys: u64,
    values: Values,
    memory: u64,
    clients: u64,
    pipeline: u64,
    time: Duration,
    writes: u64,
    durability: Durability,
    memory_field: String,
    cold_field: String,
    fio_bytes: u64,
    seed: u64,
    base: PathBuf,
}

impl Plan {
    fn from(options: &Options) -> Result<Plan, Failure> {
        let number = |name: &str, default: u64| -> Result<u64, String> {
            Ok(options.number(name)?.unwrap_or(default))
        };
        let text = |name: &str, default: &str| options.text(name).unwrap_or(default).to_owned();
        let keys = number("keys", 20_000_000)?.clamp(2, u64::from(u32::MAX));
        let (shortest, longest) = (number("shortest", 100)?, number("longest", 1000)?);
        let values = Values::between(shortest as usize, longest as usize);
        let base = match options.text("dir") {
            Some(dir) => PathBuf::from(dir),
            None => std::env::current_dir()?.join("target/harness"),
        };
        Ok(Plan {
            keys,
            values,
            memory: number("memory", (bytes_of(keys, values) / 10).max(MIN_MEMORY))?,
            clients: number("clients", 16)?.max(1),
            pipeline: number("pipeline", 16)?.max(1),
            time: Duration::from_secs(number("seconds", 30)?.max(1)),
            writes: number("writes", 10)?.min(100),
            durability: match options.text("durability") {
                Some("quorum") => Durability::Synced,
                Some("async") | None => Durability::Soon,
                Some(other) => return Err(format!("--durability {other}?").into()),
            },
            memory_field: text("memory-field", "tier_memory_reads"),
            cold_field: text("cold-field", "tier_cold_reads"),
            fio_bytes: number("fio-bytes", 4 << 30)?,
            seed: number("seed", fresh_seed())?,
            base,
        })
    }

    fn workloads(&self) -> [(String, Distribution, u64); 3] {
        let zipf = Distribution::Zipf(0.99);
        [
            ("GET, uniform".to_owned(), Distribution::Uniform, 0),
            ("GET, Zipf 0.99".to_owned(), zipf, 0),
            (format!("{} % SET, Zipf 0.99", self.writes), zipf, self.writes),
        ]
    }
}

/// Bytes of keys and values.
fn bytes_of(keys: u64, values: Values) -> u64 {
    keys * (KEY_BYTES as u64 + values.mean())
}

/// One workload on one server.
struct Row {
    name: String,
    outcome: Outcome,
    resident: Resident,
    memory_reads: Option<u64>,
    cold_reads: Option<u64>,
}

impl Row {
    fn hit_rate(&self) -> Option<f64> {
        let cold = self.cold_reads?;
        let memory = self.memory_reads.unwrap_or(self.outcome.commands.saturating_sub(cold));
        Some(memory as f64 / (memory + cold) as f64)
    }

    fn cold_rate(&self) -> Option<f64> {
        Some(self.cold_reads? as f64 / self.outcome.time.as_secs_f64())
    }

    fn cells(&self, device: Option<Device>) -> Vec<String> {
        let absent = || "–".to_owned();
        let milliseconds = |quantile: f64| {
            format!("{:.2}", self.outcome.latency.quantile(quantile).as_secs_f64() * 1e3)
        };
        let cold = self.cold_rate();
        let ratio = device.and_then(|device| Some(cold? / device.reads));
        vec![
            self.name.clone(),
            short(self.outcome.rate()),
            milliseconds(0.5),
            milliseconds(0.99),
            self.outcome.wrong.to_string(),
            self.outcome.missing.to_string(),
            self.hit_rate().map_or_else(absent, |rate| format!("{:.1} %", rate * 100.0)),
            cold.map_or_else(absent, short),
            ratio.map_or_else(absent, |ratio| format!("{ratio:.2}")),
            size(self.resident.anonymous),
            size(self.resident.file),
        ]
    }
}

const HEADING: [&str; 11] = [
    "workload",
    "commands/s",
    "p50 ms",
    "p99 ms",
    "wrong",
    "missing",
    "from memory",
    "cold GET/s",
    "× fio",
    "anonymous, most",
    "mapped files, most",
];

fn main() -> ExitCode {
    if std::env::args().any(|word| word == "--help") {
        println!("{HELP}");
        return ExitCode::SUCCESS;
    }
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("large: values were wrong or missing");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("large: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Measures what was asked for; says whether every value was right.
fn run() -> Result<bool, Failure> {
    let options = Options::from_process(&VALUED, &[])?;
    let plan = Plan::from(&options)?;
    let wanted = |what: &str| options.text("only").is_none_or(|only| only == what);
    let mut report = Report::new("Larger than memory");
    report.paragraph(&setup(&plan));
    let mut device = None;
    if wanted("fio") {
        device = Some(measure_device(&plan, &mut report)?);
    }
    let mut right = true;
    if wanted("ferricstore") {
        let product = options.product("server");
        let mut settings = Settings::new(product, plan.durability, PathBuf::default());
        settings.more.push(("FERRICSTORE_MAX_MEMORY".to_owned(), plan.memory.to_string()));
        right &= measure_server(&plan, settings, plan.keys, device, &mut report)?;
    }
    if wanted("redis") {
        let settings = Settings::new(Product::Redis, Durability::Never, PathBuf::default());
        let keys = redis_keys(&plan, options.number("redis-keys")?, &mut report);
        right &= measure_server(&plan, settings, keys, None, &mut report)?;
    }
    report.publish(options.text("out"))?;
    Ok(right)
}

fn setup(plan: &Plan) -> String {
    format!(
        "{}; {}. {} keys of {KEY_BYTES} B with values of {} B in the mean, incompressible: {}. {} clients with \
         {} commands on their way each; {} s a workload, after a third of that unmeasured. Every value \
         read is checked in every byte, and must be no older than the last acknowledged. Anonymous memory is \
         RSS less the pages of mapped files (`RssAnon` + `RssShmem`), looked at once a second. \
         From memory: the share that INFO's {} has in it and {} together; where INFO has no such field, the \
         share of the commands that the second did not count. Seed {}.",
        machine::date(),
        machine::description(),
        plan.keys,
        plan.values.mean(),
        size(bytes_of(plan.keys, plan.values)),
        plan.clients,
        plan.pipeline,
        plan.time.as_secs(),
        plan.memory_field,
        plan.cold_field,
        plan.seed,
    )
}

fn measure_device(plan: &Plan, report: &mut Report) -> Result<Device, Failure> {
    let scratch = Scratch::below(&plan.base, "fio")?;
    let depth = plan.clients * plan.pipeline;
    let seconds = plan.time.as_secs().min(30);
    let device = fio::random_reads(scratch.path(), plan.fio_bytes, depth, seconds)?;
    report.paragraph(&format!(
        "fio, random reads of 4 KiB (O_DIRECT, io_uring) from a file of {} on the same device, depth {depth}, \
         {seconds} s: {} reads/s, p50 {:.0} µs, p99 {:.0} µs.",
        size(plan.fio_bytes),
        short(device.reads),
        device.p50,
        device.p99
    ));
    Ok(device)
}

/// As many keys as Redis has memory for.
fn redis_keys(plan: &Plan, asked: Option<u64>, report: &mut Report) -> u64 {
    let each = KEY_BYTES as u64 + plan.values.mean() * 9 / 8 + REDIS_OVERHEAD;
    let available = machine::available_memory();
    let fitting = available / 10 * 8 / each;
    let keys = asked.unwrap_or(plan.keys).min(fitting).max(2);
    if keys < plan.keys {
        report.paragraph(&format!(
            "redis-server holds {keys} of the {} keys: {} of memory were available.",
            plan.keys,
            size(available)
        ));
    }
    keys
}

/// Starts a server in a directory of its own, loads it, runs all workloads, and adds a section about
/// it. Says whether every value was right.
fn measure_server(
    plan: &Plan,
    mut settings: Settings,
    keys: u64,
    device: Option<Device>,
    report: &mut Report,
) -> Result<bool, Failure> {
    let scratch = Scratch::below(&plan.base, "large")?;
    settings.data_dir = scratch.path().join("data");
    let server = Server::start(settings)?;
    let name = machine::server(&server)?;
    println!("{name}: loading {keys} keys");
    let empty = Resident::of(server.pid())?;
    let sampler = Sampler::start(server.pid());
    let took = load(server.port(), keys, plan.values)?;
    let most = sampler.finish();
    let disk = machine::disk_usage(&server.settings().data_dir)?;
    let versions = Versions::new(keys);
    let mut rows = Vec::new();
    for (name, distribution, writes) in plan.workloads() {
        let picks = Picks::new(keys, distribution);
        let row = measure(plan, &server, name, (&picks, &versions), writes)?;
        println!("{}", row.cells(device).join("  "));
        rows.push(row);
    }
    report.section(&name);
    let limit = match server.settings().product {
        Product::Release(_) => format!("Memory limit {}. ", size(plan.memory)),
        Product::Redis => String::new(),
    };
    report.paragraph(&format!(
        "{limit}{keys} keys loaded in {:.1} s ({} a second), {} on disk then; most memory while loading: {} \
         anonymous, {} mapped files; before it: {} anonymous. Acknowledged {}.",
        took.as_secs_f64(),
        short(keys as f64 / took.as_secs_f64()),
        size(disk),
        size(most.anonymous),
        size(most.file),
        size(empty.anonymous),
        match server.settings().durability {
            Durability::Synced => "when synced",
            Durability::Soon => "before it is synced",
            Durability::Never => "and never written to disk",
        }
    ));
    report.table(&HEADING, &rows.iter().map(|row| row.cells(device)).collect::<Vec<_>>());
    server.terminate();
    let (status, output) = server.wait(STOP_PATIENCE)?;
    if !status.success() {
        return Err(format!("the server ended with {status}\n{output}").into());
    }
    Ok(rows.iter().all(|row| row.outcome.wrong + row.outcome.missing == 0))
}

/// Runs one workload, after some of it that does not count.
fn measure(
    plan: &Plan,
    server: &Server,
    name: String,
    (picks, versions): (&Picks, &Versions),
    write_percent: u64,
) -> Result<Row, Failure> {
    let mut work = Work {
        port: server.port(),
        clients: plan.clients,
        pipeline: plan.pipeline,
        time: plan.time / 3,
        write_percent,
        picks,
        values: plan.values,
        versions,
        seed: plan.seed,
    };
    let before_counted = drive(&work)?;
    work.time = plan.time;
    work.seed = plan.seed ^ 1;
    let sampler = Sampler::start(server.pid());
    let before = Info::of(server)?;
    let mut outcome = drive(&work)?;
    let after = Info::of(server)?;
    outcome.wrong += before_counted.wrong;
    outcome.missing += before_counted.missing;
    let grown = |field: &str| Some(after.number(field)? - before.number(field)?);
    Ok(Row {
        name,
        outcome,
        resident: sampler.finish(),
        memory_reads: grown(&plan.memory_field),
        cold_reads: grown(&plan.cold_field),
    })
}
