//! The crash test: clients write and read, the server is killed, started again and checked.
//!
//! Each writer owns keys and databases that nobody else writes, and keeps a journal of what it has
//! sent and what has been acknowledged ([`journal`]). After a kill, what the server holds must be
//! what the writer's commands make of it when they are applied one after another ([`model`]) up to
//! some point: not before the last acknowledged command, nor before the last one whose effect a
//! reader was shown. So one comparison finds lost writes, dirty reads, half-applied commands and
//! deleted keys that come back ([`check`]). Counters and groups of keys that all writers share are
//! checked by counting.
//!
//! [`large`] does the same with more data than memory, [`collections`] with lists, hashes and sorted
//! sets.

mod check;
pub mod collections;
mod dump;
mod journal;
pub mod large;
mod load;
mod model;
mod op;
mod reader;
mod round;
mod writer;

pub use round::{Failure, Outcome, Plan, Rounds, Stop, Test};

/// Writers: each has two of the sixteen databases for itself, and all share database 0.
pub const MAX_WRITERS: usize = 7;
