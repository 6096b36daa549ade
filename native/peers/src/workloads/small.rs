//! 10,000 small keys in turn, `key:<n>` with `value:<n>`: GET and overwriting SET on one and several
//! threads; ours also from sealed segments, and from disk.

use std::time::Instant;

use ferric_harness::dataset::Values;
use ferric_harness::report::{Report, short};
use ferric_harness::server::Scratch;

use super::{BATCH, THREADS, race, unsynced};
use crate::data::{Pairs, expect, load};
use crate::engines::{Engine, Ferric, with_store};
use crate::results::Results;
use crate::store::Store;
use crate::{Failure, Plan};

const KEYS: usize = 10_000;

/// Other data, written after the keys so that their segments are sealed and the oldest: values of
/// 1,000 bytes, 256 MiB or 1 GiB together.
const FILLER: usize = 1000;
const SEALING: u64 = 256 << 20;
const CHILLING: u64 = 1 << 30;

/// Our memory when the keys are to be on disk.
const COLD_MEMORY: u64 = 160 << 20;

/// Measures all stores in turn.
pub fn run(plan: &Plan, report: &mut Report) -> Result<(), Failure> {
    let pairs = Pairs::named(KEYS);
    let kinds = ["GET", "SET"];
    let columns = kinds.iter().flat_map(|kind| THREADS.map(|threads| column(kind, threads)));
    let mut results = Results::new(columns);
    for _ in 0..plan.runs {
        for engine in &plan.engines {
            with_store!(engine, measure(plan, engine.name(), &pairs, &mut results))?;
        }
        if plan.engines.contains(&Engine::Ferric) {
            sealed(plan, &pairs, &mut results)?;
            cold(plan, &pairs, &mut results)?;
        }
    }
    report.section("10,000 small keys, not synced before SET returns: operations a second");
    report.paragraph(&format!(
        "`key:<n>` and `value:<n>` in turn, {BATCH} a call, 1, 2 and 4 threads. Sealed: after {} MiB of other data. \
         From disk: with a memory limit of {} MiB, after {} MiB of other data; each key once. Again: once more.",
        SEALING >> 20,
        COLD_MEMORY >> 20,
        CHILLING >> 20
    ));
    results.publish(report, short);
    Ok(())
}

/// The name of a column.
pub(super) fn column(kind: &str, threads: usize) -> String {
    format!("{kind} ×{threads}")
}

fn measure<S: Store>(
    plan: &Plan,
    name: &str,
    pairs: &Pairs,
    results: &mut Results,
) -> Result<(), Failure> {
    let scratch = Scratch::below(&plan.base, name)?;
    let store = S::open(&unsynced(plan, scratch.path()))?;
    store.load(pairs.part(0..KEYS))?;
    gets(plan, &store, name, pairs, results)?;
    for threads in THREADS {
        let rate = race(threads, plan.time, |thread, call| {
            let from = begin(thread, threads, call);
            store.put_all(pairs.part(from..from + BATCH))?;
            Ok(BATCH as u64)
        })?;
        results.add(name, &column("SET", threads), rate);
    }
    pairs.check(&store)?;
    store.close()
}

/// Where a thread's next batch begins: each has its own place in the circle.
fn begin(thread: usize, threads: usize, call: u64) -> usize {
    let place = KEYS / threads / BATCH * thread + call as usize;
    place % (KEYS / BATCH) * BATCH
}

/// Measures GET on 1, 2 and 4 threads.
fn gets<S: Store>(
    plan: &Plan,
    store: &S,
    name: &str,
    pairs: &Pairs,
    results: &mut Results,
) -> Result<(), Failure> {
    for threads in THREADS {
        let rate = race(threads, plan.time, |thread, call| {
            get(store, pairs, begin(thread, threads, call))
        })?;
        results.add(name, &column("GET", threads), rate);
    }
    Ok(())
}

/// Reads a batch and compares it.
fn get<S: Store>(store: &S, pairs: &Pairs, from: usize) -> Result<u64, Failure> {
    let mut right = 0;
    store.get_all(&pairs.keys[from..from + BATCH], |number, value| {
        right += u64::from(value == Some(pairs.values[from + number].as_slice()));
    })?;
    expect(right, BATCH as u64)?;
    Ok(right)
}

/// Ours, from segments that are no longer written.
fn sealed(plan: &Plan, pairs: &Pairs, results: &mut Results) -> Result<(), Failure> {
    let scratch = Scratch::below(&plan.base, "sealed")?;
    let store = Ferric::open(&unsynced(plan, scratch.path()))?;
    store.load(pairs.part(0..KEYS))?;
    load(&store, SEALING / FILLER as u64, Values::of(FILLER))?;
    gets(plan, &store, "ferric, sealed", pairs, results)?;
    store.close()
}

/// Ours, with far less memory than data.
fn cold(plan: &Plan, pairs: &Pairs, results: &mut Results) -> Result<(), Failure> {
    let scratch = Scratch::below(&plan.base, "cold")?;
    let mut setup = unsynced(plan, scratch.path());
    setup.memory = Some(COLD_MEMORY);
    let store = Ferric::open(&setup)?;
    store.load(pairs.part(0..KEYS))?;
    load(&store, CHILLING / FILLER as u64, Values::of(FILLER))?;
    let started = Instant::now();
    for from in (0..KEYS).step_by(BATCH) {
        get(&store, pairs, from)?;
    }
    let rate = KEYS as f64 / started.elapsed().as_secs_f64();
    let percent = store.cold_reads() * 100 / KEYS as u64;
    results.add("ferric, from disk", &column("GET", 1), rate);
    results.add("ferric, from disk", "% from disk", percent as f64);
    gets(plan, &store, "ferric, again", pairs, results)?;
    store.close()
}
