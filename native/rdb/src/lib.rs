//! Redis's serialization format, up to its version 12 (Redis 7.4): the files that SAVE and BGSAVE
//! write, and the payloads of DUMP and RESTORE. Pure Rust; knows neither the engine nor commands.
//!
//! Reading is a walk: [`decode::value`] hands the elements of a value to a [`Sink`] one after the
//! other, whichever of the many encodings it is in, so a value need not fit memory. Nothing that is
//! read is believed: a malformed input is an [`Error`], and what is allocated on its behalf stays
//! in proportion to the bytes that were really there (see [`decode::value`]). Writing ([`encode`])
//! yields what redis-server 7.0 writes for the same value, byte for byte where it can.
//!
//! The format is documented by its implementation, `rdb.c` of Redis; names of types are Redis's.

pub mod decode;
pub mod encode;
mod error;
pub mod file;
mod id;
mod input;
pub mod kind;
pub mod lzf;
pub mod module;
pub mod packed;
pub mod payload;
mod sink;

pub use error::Error;
pub use id::Id;
pub use kind::{Shape, ValueType};
pub use sink::{Consumer, Discard, Group, Pending, Sink, StreamState};

/// Newest version of the format that is understood.
pub const NEWEST_VERSION: u16 = 12;

/// The longest string there is, in bytes: Redis's default `proto-max-bulk-len`.
pub const MAX_STRING: u64 = 512 << 20;

/// CRC-64 as Redis uses it (polynomial of Jones), continued over several pieces of input.
pub(crate) static CRC: crc::Crc<u64, crc::Table<16>> =
    crc::Crc::<u64, crc::Table<16>>::new(&crc::CRC_64_REDIS);
