//! Values of 1 KB, each on disk before its put returns.

use ferric_harness::dataset::{Values, key};
use ferric_harness::report::{Report, short};
use ferric_harness::server::Scratch;
use std::sync::atomic::{AtomicU64, Ordering};

use super::race;
use crate::data::expect;
use crate::engines::with_store;
use crate::results::Results;
use crate::store::{Setup, Store};
use crate::{Failure, Plan};

const KEYS: u64 = 10_000;
const VALUES: usize = 1024;

/// Measures all stores in turn.
pub fn run(plan: &Plan, report: &mut Report) -> Result<(), Failure> {
    let mut results = Results::new(["1 thread", "32 threads"]);
    for _ in 0..plan.runs {
        for engine in &plan.engines {
            for (threads, column) in [(1, "1 thread"), (32, "32 threads")] {
                let rate = with_store!(engine, measure(plan, engine.name(), threads))?;
                results.add(engine.name(), column, rate);
            }
        }
    }
    report.section("1 KB values, synced before put returns: puts a second");
    report.paragraph(&format!(
        "{KEYS} keys, values of {VALUES} B; the threads overwrite keys of their own. Then all are read and compared."
    ));
    results.publish(report, short);
    Ok(())
}

fn measure<S: Store>(plan: &Plan, name: &str, threads: usize) -> Result<f64, Failure> {
    let scratch = Scratch::below(&plan.base, name)?;
    let setup = Setup { dir: scratch.path(), synced: true, shards: plan.shards, memory: None };
    let store = S::open(&setup)?;
    let values = Values::of(VALUES);
    // How often each thread has put; it takes its keys in turn, so this says the version of each.
    let puts: Vec<AtomicU64> = (0..threads).map(|_| AtomicU64::new(0)).collect();
    let own = KEYS / threads as u64;
    let rate = race(threads, plan.time, |thread, call| {
        let n = thread as u64 * own + call % own;
        let value = values.value(n, call / own);
        store.put_all(std::iter::once((&key(n)[..], value.as_slice())))?;
        puts[thread].store(call + 1, Ordering::Relaxed);
        Ok(1)
    })?;
    for (thread, puts) in puts.iter().enumerate() {
        let puts = puts.load(Ordering::Relaxed);
        let written = puts.min(own);
        let first = thread as u64 * own;
        let keys: Vec<_> = (first..first + written).map(key).collect();
        let mut right = 0;
        store.get_all(&keys, |number, value| {
            let newest = (puts - 1 - number as u64) / own;
            let version = value.and_then(|v| values.version_of(first + number as u64, v));
            right += u64::from(version == Some(newest));
        })?;
        expect(right, written)?;
    }
    store.close()?;
    Ok(rate)
}
