//! Overwriting at random for long: how much more is written than was asked for, and how much more
//! space is taken than is live.

use std::fs;
use std::time::{Duration, Instant};

use ferric_harness::dataset::{KEY_BYTES, Values, key};
use ferric_harness::machine::disk_usage;
use ferric_harness::report::{Report, short};
use ferric_harness::rng::Rng;
use ferric_harness::server::Scratch;

use super::{BATCH, unsynced};
use crate::data::{expect, load};
use crate::engines::with_store;
use crate::results::Results;
use crate::store::Store;
use crate::{Failure, Plan};

const VALUES: usize = 1000;

/// How often the size on disk is looked at.
const LOOK: Duration = Duration::from_millis(500);

/// Background work is over when nothing was written for this long; it is waited for no longer than
/// `PATIENCE`.
const QUIET: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(60);

/// Measures all stores, one after another.
pub fn run(plan: &Plan, report: &mut Report) -> Result<(), Failure> {
    let columns = ["puts/s", "write amplification", "space amplification", "the same, at most"];
    let mut results = Results::new(columns);
    for engine in &plan.engines {
        with_store!(engine, measure(plan, engine.name(), &mut results))?;
    }
    report.section("Amplification");
    report.paragraph(&format!(
        "{} keys of {KEY_BYTES} B with values of {VALUES} B, loaded and then overwritten {} times each at random, \
         every put on its own and not synced; one run. Write amplification: bytes the process has caused to be \
         written (`write_bytes` in /proc/self/io) for the overwrites, background work after them included, \
         divided by the bytes of their keys and values. Space amplification: what the directory takes (`du`) \
         then, and at most during the overwrites, divided by the bytes of live keys and values.",
        plan.overwrite_keys, plan.overwrites,
    ));
    results.publish(report, short);
    Ok(())
}

fn measure<S: Store>(plan: &Plan, name: &str, results: &mut Results) -> Result<(), Failure> {
    let scratch = Scratch::below(&plan.base, name)?;
    let store = S::open(&unsynced(plan, scratch.path()))?;
    let keys = plan.overwrite_keys;
    let values = Values::of(VALUES);
    load(&store, keys, values)?;
    wait_until_quiet()?;
    let before = bytes_written()?;
    let mut versions = vec![0u64; keys as usize];
    let mut rng = Rng::new(keys);
    let mut most = 0;
    let mut looked = Instant::now();
    let started = Instant::now();
    let calls = (keys * plan.overwrites).div_ceil(BATCH as u64);
    for _ in 0..calls {
        overwrite(&store, &mut rng, &mut versions, values)?;
        if looked.elapsed() > LOOK {
            most = most.max(disk_usage(scratch.path())?);
            looked = Instant::now();
        }
    }
    let puts = calls * BATCH as u64;
    let rate = puts as f64 / started.elapsed().as_secs_f64();
    store.settle()?;
    wait_until_quiet()?;
    let written = bytes_written()? - before;
    let space = disk_usage(scratch.path())?;
    let pair = (KEY_BYTES + VALUES) as f64;
    results.add(name, "puts/s", rate);
    results.add(name, "write amplification", written as f64 / (puts as f64 * pair));
    results.add(name, "space amplification", space as f64 / (keys as f64 * pair));
    results.add(name, "the same, at most", most.max(space) as f64 / (keys as f64 * pair));
    check(&store, &versions, values)?;
    store.close()
}

/// Writes the next version of some random keys.
fn overwrite<S: Store>(
    store: &S,
    rng: &mut Rng,
    versions: &mut [u64],
    values: Values,
) -> Result<(), Failure> {
    let mut bytes = Vec::with_capacity(BATCH * VALUES);
    let keys: [[u8; KEY_BYTES]; BATCH] = std::array::from_fn(|_| {
        let n = rng.below(versions.len() as u64);
        versions[n as usize] += 1;
        values.append(n, versions[n as usize], &mut bytes);
        key(n)
    });
    store.put_all(keys.iter().map(|key| &key[..]).zip(bytes.chunks_exact(VALUES)))
}

/// Reads every key; its value must be the newest, in every byte.
fn check<S: Store>(store: &S, versions: &[u64], values: Values) -> Result<(), Failure> {
    for (chunk, newest) in versions.chunks(BATCH).enumerate() {
        let first = (chunk * BATCH) as u64;
        let keys: Vec<_> = (first..first + newest.len() as u64).map(key).collect();
        let mut right = 0;
        store.get_all(&keys, |number, value| {
            let version = value.and_then(|v| values.version_of(first + number as u64, v));
            right += u64::from(version == Some(newest[number]));
        })?;
        expect(right, newest.len() as u64)?;
    }
    Ok(())
}

/// Waits until this process has stopped writing.
fn wait_until_quiet() -> Result<(), Failure> {
    let deadline = Instant::now() + PATIENCE;
    let mut last = bytes_written()?;
    let mut since = Instant::now();
    while since.elapsed() < QUIET && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(100));
        let now = bytes_written()?;
        if now != last {
            (last, since) = (now, Instant::now());
        }
    }
    Ok(())
}

/// Bytes that this process has caused to be sent to the disk.
fn bytes_written() -> Result<u64, Failure> {
    let io = fs::read_to_string("/proc/self/io")?;
    let field = io.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    Ok(field.ok_or("/proc/self/io has no write_bytes")?.trim().parse()?)
}
