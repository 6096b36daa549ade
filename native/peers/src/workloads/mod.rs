//! What is measured: one file a table.

pub mod amplification;
pub mod kilobyte;
pub mod large;
pub mod small;
pub mod synced;

use std::path::Path;
use std::time::{Duration, Instant};

use crate::store::Setup;
use crate::{Failure, Plan};

/// Reads or writes in one call of a store, where it says so: as many as a client's pipeline brings.
const BATCH: usize = 100;

/// Numbers of threads that are tried.
const THREADS: [usize; 3] = [1, 2, 4];

/// A store in `dir` that does not sync before it returns.
fn unsynced<'a>(plan: &Plan, dir: &'a Path) -> Setup<'a> {
    Setup { dir, synced: false, shards: plan.shards, memory: None }
}

/// Has `step` called by `threads` threads for `time`, with the number of the thread and of its
/// call. It returns how many operations it did; the result is operations a second.
fn race(
    threads: usize,
    time: Duration,
    step: impl Fn(usize, u64) -> Result<u64, Failure> + Sync,
) -> Result<f64, Failure> {
    let step = &step;
    let started = Instant::now();
    let work = |thread| {
        let mut operations = 0;
        let mut call = 0;
        while started.elapsed() < time {
            operations += step(thread, call)?;
            call += 1;
        }
        Ok::<u64, Failure>(operations)
    };
    let mut operations = 0;
    std::thread::scope(|scope| -> Result<(), Failure> {
        let threads: Vec<_> = (0..threads).map(|n| scope.spawn(move || work(n))).collect();
        for thread in threads {
            operations += thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        Ok(())
    })?;
    Ok(operations as f64 / started.elapsed().as_secs_f64())
}
