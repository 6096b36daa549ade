//! A log-structured key-value engine: bytes in, durable bytes out.
//!
//! The log is the store. Every write appends a record to one append-only log; an in-memory index
//! says where the newest record of each key is; a committer thread writes what has gathered as one
//! checksummed frame, syncs it, and publishes the durable address (group commit). FORMAT.md draws
//! the files, README.md the way of a write.
//!
//! The engine knows bytes. What keys and values mean, and what a "database" is, is its caller's
//! business.

// What tests of the outside and of the inside share names the crate.
#[cfg(test)]
extern crate self as ferric_engine;

mod access;
mod address;
mod backup;
mod chains;
mod checkpoint;
mod clock;
mod core;
mod engine;
mod error;
mod index;
pub mod io;
mod live;
mod log;
mod maintain;
mod merge;
mod object;
mod observer;
mod options;
mod prefetch;
mod record;
mod recovery;
mod seal;
mod shard;
mod stats;
mod sweep;
mod sync;
mod tier;
pub mod tools;
mod view;

pub use access::{About, Access, Entry, Hint, Key, Locked, Meta, Missing, Op};
pub use backup::{BackupDone, BackupSummary};
pub use clock::{Clock, ManualClock, SystemClock};
pub use engine::Engine;
pub use error::{CloseError, Contended, Failure, OpenError, ReadError, WriteError};
pub use object::{Codec, Image, Malformed, Object};
pub use observer::Observer;
pub use options::{Compression, Durability, Options};
pub use stats::Stats;

/// A position in the log, in bytes from its beginning. What lies below the durable position
/// survives any crash.
pub type Lsn = u64;
