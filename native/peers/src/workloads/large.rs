//! Many keys in random order: 16 B keys, 100 B values, GET and overwriting SET on one and several
//! threads; ours also with less memory than data.

use std::sync::atomic::{AtomicU64, Ordering};

use ferric_harness::dataset::{KEY_BYTES, Values, key};
use ferric_harness::report::{Report, short};
use ferric_harness::rng::Rng;
use ferric_harness::server::Scratch;

use super::small::column;
use super::{BATCH, THREADS, race, unsynced};
use crate::data::{expect, load};
use crate::engines::{Engine, Ferric, with_store};
use crate::results::Results;
use crate::store::{Setup, Store};
use crate::{Failure, Plan};

const VALUES: usize = 100;

/// Our index for a key, about, and with room to spare.
const INDEX_BYTES: u64 = 32;

/// Measures all stores, one after another: loading takes most of the time, so there is one run.
pub fn run(plan: &Plan, report: &mut Report) -> Result<(), Failure> {
    let keys = plan.large_keys;
    let memory = plan.memory.unwrap_or(keys * (INDEX_BYTES + (KEY_BYTES + VALUES) as u64 / 8));
    let kinds = ["GET", "SET"];
    let columns = kinds.iter().flat_map(|kind| THREADS.map(|threads| column(kind, threads)));
    let mut results = Results::new(columns);
    for engine in &plan.engines {
        let scratch = Scratch::below(&plan.base, engine.name())?;
        let setup = unsynced(plan, scratch.path());
        with_store!(engine, measure(plan, &setup, engine.name(), &mut results))?;
    }
    if plan.engines.contains(&Engine::Ferric) {
        let scratch = Scratch::below(&plan.base, "limited")?;
        let mut setup = unsynced(plan, scratch.path());
        setup.memory = Some(memory);
        measure::<Ferric>(plan, &setup, "ferric, limited memory", &mut results)?;
    }
    report.section(&format!("{keys} keys in random order: operations a second"));
    report.paragraph(&format!(
        "Keys of {KEY_BYTES} B, values of {VALUES} B, {BATCH} a call, not synced before SET returns; median of {} \
         runs on one store. Limited memory: {} MiB.",
        plan.runs,
        memory >> 20
    ));
    results.publish(report, short);
    Ok(())
}

fn measure<S: Store>(
    plan: &Plan,
    setup: &Setup<'_>,
    name: &str,
    results: &mut Results,
) -> Result<(), Failure> {
    let store = S::open(setup)?;
    let values = Values::of(VALUES);
    load(&store, plan.large_keys, values)?;
    for run in 0..plan.runs {
        for threads in THREADS {
            let cold = store.cold_reads();
            let reads = AtomicU64::new(0);
            let rate = race(threads, plan.time, |thread, call| {
                reads.fetch_add(BATCH as u64, Ordering::Relaxed);
                get(&store, &picks(plan, (run, thread, call)), values, 0)
            })?;
            results.add(name, &column("GET", threads), rate);
            if setup.memory.is_some() {
                let share = (store.cold_reads() - cold) as f64 / reads.into_inner() as f64;
                results.add(name, "% of GET from disk", share * 100.0);
            }
        }
    }
    for run in 0..plan.runs {
        for threads in THREADS {
            let rate = race(threads, plan.time, |thread, call| {
                set(&store, &picks(plan, (run, thread, call)), values)
            })?;
            results.add(name, &column("SET", threads), rate);
        }
    }
    for call in 0..1000.min(plan.large_keys) {
        get(&store, &picks(plan, (0, 0, call)), values, 1)?;
    }
    store.close()
}

/// Random keys, the same for the same run, thread and call.
fn picks(plan: &Plan, (run, thread, call): (u64, usize, u64)) -> [u64; BATCH] {
    let mut rng = Rng::new(run << 56 ^ (thread as u64) << 48 ^ call << 8);
    std::array::from_fn(|_| rng.below(plan.large_keys))
}

/// Reads keys; their values must be of version `newest` or older.
fn get<S: Store>(
    store: &S,
    picks: &[u64; BATCH],
    values: Values,
    newest: u64,
) -> Result<u64, Failure> {
    let keys = picks.map(key);
    let mut right = 0;
    store.get_all(&keys, |number, value| {
        let version = value.and_then(|value| values.version_by_ends(picks[number], value));
        right += u64::from(version.is_some_and(|version| version <= newest));
    })?;
    expect(right, BATCH as u64)?;
    Ok(right)
}

/// Writes version 1 of keys.
fn set<S: Store>(store: &S, picks: &[u64; BATCH], values: Values) -> Result<u64, Failure> {
    let keys = picks.map(key);
    let mut bytes = Vec::with_capacity(BATCH * VALUES);
    picks.iter().for_each(|n| values.append(*n, 1, &mut bytes));
    store.put_all(keys.iter().map(|key| &key[..]).zip(bytes.chunks_exact(VALUES)))?;
    Ok(BATCH as u64)
}
