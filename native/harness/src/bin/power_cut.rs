//! Cuts a server's disk off under load, and checks what another server finds on it; or fills it.
//!
//! ```text
//! power-cut [--rounds N] [--seed N] [--server PATH|redis] [--durability quorum|async|none]
//!           [--writers N] [--readers N] [--without-maintenance] [--full-disk] [--expect-loss]
//! ```
//!
//! Disks are loop-mounted files, which takes root and loop devices: where these are missing, the
//! exit status is 77 and nothing has been tested. `--full-disk` fills a small disk instead.
//!
//! With `--expect-loss` the test passes when the server, which must be one that acknowledges
//! before it syncs (`--durability async`), is found to lose something.

use std::process::ExitCode;

use ferric_harness::crash::MAX_WRITERS;
use ferric_harness::disk::{DiskError, NOT_ALLOWED_STATUS, enter};
use ferric_harness::options::Options;
use ferric_harness::power_cut::cut::{self, CutError, CutPlan};
use ferric_harness::power_cut::full;
use ferric_harness::rng::{Rng, fresh_seed};
use ferric_harness::server::{Durability, Product, Scratch};

/// Rounds when nothing else is asked for: two to three minutes.
const DEFAULT_ROUNDS: u64 = 10;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("power-cut: {error}");
            match error.downcast_ref() {
                Some(DiskError::NotAllowed(_)) => ExitCode::from(NOT_ALLOWED_STATUS),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

fn run() -> Result<bool, Box<dyn std::error::Error>> {
    let options = Options::from_process(
        &["rounds", "seed", "server", "durability", "writers", "readers"],
        &["without-maintenance", "full-disk", "expect-loss"],
    )?;
    let plan = plan(&options)?;
    let rounds = options.number("rounds")?.unwrap_or(DEFAULT_ROUNDS);
    let seed = options.number("seed")?.unwrap_or_else(fresh_seed);
    enter(Scratch::new("disk")?.path())?;
    let keep = !options.has("expect-loss");
    let mut passed = 0;
    let result = if options.has("full-disk") {
        println!("full disk, {:?}, {:?}", plan.product, plan.durability);
        full::run(&plan, keep).map(|filled| {
            passed = 1;
            println!(
                "{} writes until the disk was full, {} refused; {} ms after there was room writes \
                 worked again, {} of them",
                filled.before, filled.refused, filled.recovered_ms, filled.after
            );
        })
    } else {
        println!("seed {seed}, {rounds} power cuts, {:?}, {:?}", plan.product, plan.durability);
        cut::run(&plan, rounds, &mut Rng::new(seed), keep, || passed += 1)
    };
    let failed = match result {
        Ok(()) => false,
        Err(CutError::Broken(why)) => {
            println!("seed {seed}, after {passed}: {why}");
            true
        }
        Err(CutError::Disk(error)) => return Err(error.into()),
        Err(error) => return Err(error.into()),
    };
    Ok(report(failed, options.has("expect-loss"), passed))
}

/// Prints the closing line; whether the result is the expected one.
fn report(failed: bool, expected: bool, passed: u64) -> bool {
    match (failed, expected) {
        (false, false) => println!("{passed} passed, 0 failed"),
        (true, false) => println!("{passed} passed, 1 failed"),
        (true, true) => println!("that was noticed\n1 passed, 0 failed"),
        (false, true) => {
            println!("a server that breaks its promise was not noticed\n0 passed, 1 failed")
        }
    }
    failed == expected
}

fn plan(options: &Options) -> Result<CutPlan, String> {
    let durability = match options.text("durability") {
        None | Some("quorum") => Durability::Synced,
        Some("async") => Durability::Soon,
        Some("none") => Durability::Never,
        Some(other) => return Err(format!("there is no durability '{other}'")),
    };
    let product = options.product("server");
    let has_tiers = matches!(product, Product::Release(_));
    Ok(CutPlan {
        maintenance: has_tiers && !options.has("without-maintenance"),
        product,
        durability,
        writers: options.number("writers")?.unwrap_or(4).clamp(1, MAX_WRITERS as u64) as usize,
        readers: options.number("readers")?.unwrap_or(2) as usize,
    })
}
