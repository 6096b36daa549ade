//! What a stored value is: the kinds, and the rules of each.

pub mod bitmap;
pub mod bloom;
pub mod cells;
pub mod collection;
pub mod count_min;
pub mod cuckoo;
pub mod dice;
pub mod expiry;
pub mod hash;
pub mod hyperloglog;
pub mod json;
mod kept;
pub mod list;
mod lookup;
pub mod murmur;
pub mod registry;
pub mod set;
pub mod sorted;
pub mod stream;
pub mod string;
pub mod t_digest;
pub mod table;
pub mod top_k;
pub mod touched;
pub mod wire;

pub use collection::{Change, Collection, Held, commit};
pub use kept::{Kept, Values};
pub use lookup::{Lookup, MAX_COPY, MAX_KEYS};

use crate::context::Fault;

/// A value's type: what the engine stores in `Meta::kind`. The numbers are part of the format on
/// disk and must not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Bytes.
    String = 0,
    /// A sequence of strings.
    List = 1,
    /// Fields with values.
    Hash = 2,
    /// Distinct strings.
    Set = 3,
    /// Distinct strings, each with a score.
    SortedSet = 4,
    /// A log of entries.
    Stream = 5,
    /// A JSON document.
    Json = 6,
    /// A scalable Bloom filter.
    Bloom = 7,
    /// A scalable cuckoo filter.
    Cuckoo = 8,
    /// A count-min sketch.
    CountMin = 9,
    /// The heaviest items of a stream, with estimates of their counts.
    TopK = 10,
    /// A t-digest.
    TDigest = 11,
}

/// All kinds, by number.
const KINDS: [Kind; 12] = [
    Kind::String,
    Kind::List,
    Kind::Hash,
    Kind::Set,
    Kind::SortedSet,
    Kind::Stream,
    Kind::Json,
    Kind::Bloom,
    Kind::Cuckoo,
    Kind::CountMin,
    Kind::TopK,
    Kind::TDigest,
];

impl Kind {
    /// The kind with this number; `None` for a number that no kind has.
    pub fn of(tag: u8) -> Option<Kind> {
        KINDS.get(usize::from(tag)).copied()
    }

    /// The name that TYPE replies with; beyond Redis's own kinds, that of Redis Stack's modules.
    pub fn name(self) -> &'static str {
        match self {
            Kind::String => "string",
            Kind::List => "list",
            Kind::Hash => "hash",
            Kind::Set => "set",
            Kind::SortedSet => "zset",
            Kind::Stream => "stream",
            Kind::Json => "ReJSON-RL",
            Kind::Bloom => "MBbloom--",
            Kind::Cuckoo => "MBbloomCF",
            Kind::CountMin => "CMSk-TYPE",
            Kind::TopK => "TopK-TYPE",
            Kind::TDigest => "TDIS-TYPE",
        }
    }
}

/// The reply to a command for one kind of value that meets another.
pub const WRONG_TYPE: Fault =
    Fault::error("WRONGTYPE Operation against a key holding the wrong kind of value");

/// The name of the kind with this number.
pub fn type_name(tag: u8) -> &'static str {
    Kind::of(tag).map_or("unknown", Kind::name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_their_numbers() {
        for (tag, name) in ["string", "list", "hash", "set", "zset", "stream"].iter().enumerate() {
            assert_eq!(type_name(tag as u8), *name);
        }
        assert!(KINDS.iter().zip(0..).all(|(kind, tag)| *kind as u8 == tag));
        assert_eq!(Kind::of(15), None);
    }
}
