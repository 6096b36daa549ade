//! The engine's lock-free code over model-checked atomics; README.md has the overview.
//!
//! The modules have the names they have in the engine, since the engine's files refer to each other
//! by them. Each model is a function that a test calls.
// Some of the engine's items are not needed by any model.
#![allow(dead_code, unused_imports)]

#[path = "../../engine/src/address.rs"]
mod address;
pub mod handover_models;
mod index;
pub mod index_models;
mod log;
#[path = "../../engine/src/prefetch.rs"]
mod prefetch;
mod record;
mod sync;

/// Tries every order of events of `model` with at most `preemptions` of them against the will of
/// the thread that was running.
fn explore(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 100_000;
    builder.check(model);
}
