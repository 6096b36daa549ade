//! The Erlang NIF: decodes terms, calls the executor, encodes what comes of it.
//!
//! Nothing here decides anything. Calls on normal schedulers only touch memory and are bounded by
//! the executor's time slice; what may take long runs on dirty schedulers; what waits for the disk
//! is told by message from the engine's own threads (see `waiting`).

mod atoms;
mod execute;
mod figures;
mod store;
mod terms;
mod waiting;

rustler::init!("Elixir.FerricStore.Native");
