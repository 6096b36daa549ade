//! 10,000 keys with values of 1 KB, one thread: put into an empty store, get, scan.

use ferric_harness::dataset::Values;
use ferric_harness::report::{Report, short};
use ferric_harness::server::Scratch;

use super::{BATCH, race, unsynced};
use crate::data::{Pairs, expect};
use crate::engines::with_store;
use crate::results::Results;
use crate::store::Store;
use crate::{Failure, Plan};

const KEYS: usize = 10_000;
const VALUES: usize = 1024;

/// Measures all stores in turn.
pub fn run(plan: &Plan, report: &mut Report) -> Result<(), Failure> {
    let values = Values::of(VALUES);
    let pairs = Pairs::of(0..KEYS as u64, values);
    let columns = ["put", "put, 100 a call", "get", "get, 100 a call", "scan"];
    let mut results = Results::new(columns);
    for _ in 0..plan.runs {
        for engine in &plan.engines {
            with_store!(engine, measure(plan, engine.name(), values, &pairs, &mut results))?;
        }
    }
    report.section("1 KB values, not synced before put returns: operations a second");
    report.paragraph(&format!(
        "{KEYS} keys in turn, values of {VALUES} B, one thread. put: each key once, into an empty store."
    ));
    results.publish(report, short);
    Ok(())
}

fn measure<S: Store>(
    plan: &Plan,
    name: &str,
    values: Values,
    pairs: &Pairs,
    results: &mut Results,
) -> Result<(), Failure> {
    for (batch, note) in [(1, ""), (BATCH, ", 100 a call")] {
        let scratch = Scratch::below(&plan.base, name)?;
        let store = S::open(&unsynced(plan, scratch.path()))?;
        let started = std::time::Instant::now();
        for from in (0..KEYS).step_by(batch) {
            store.put_all(pairs.part(from..from + batch))?;
        }
        let rate = KEYS as f64 / started.elapsed().as_secs_f64();
        results.add(name, &format!("put{note}"), rate);
        pairs.check(&store)?;
        let rate = race(1, plan.time, |_, call| {
            let from = call as usize * batch % KEYS;
            let mut right = 0;
            store.get_all(&pairs.keys[from..from + batch], |number, value| {
                let version = value.and_then(|v| values.version_by_ends((from + number) as u64, v));
                right += u64::from(version == Some(0));
            })?;
            expect(right, batch as u64)?;
            Ok(right)
        })?;
        results.add(name, &format!("get{note}"), rate);
        if batch == 1 {
            results.add(name, "scan", race(1, plan.time, |_, _| scan(&store, values))?);
        }
        store.close()?;
    }
    Ok(())
}

/// Visits everything, and looks at the ends of each value.
fn scan<S: Store>(store: &S, values: Values) -> Result<u64, Failure> {
    let mut right = 0;
    store.scan(|key, value| {
        let digits = std::str::from_utf8(&key[4..]).unwrap_or_default();
        let n = digits.parse().unwrap_or(u64::MAX);
        right += u64::from(values.version_by_ends(n, value) == Some(0));
    })?;
    expect(right, KEYS as u64)?;
    Ok(right)
}
