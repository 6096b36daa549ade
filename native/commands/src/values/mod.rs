//! What a stored value is: the kinds, and the rules of each.

pub mod expiry;
mod lookup;
pub mod string;

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
}

impl Kind {
    /// The kind with this number; `None` for a number that no kind has.
    pub fn of(tag: u8) -> Option<Kind> {
        [Kind::String, Kind::List, Kind::Hash, Kind::Set, Kind::SortedSet, Kind::Stream]
            .into_iter()
            .find(|kind| *kind as u8 == tag)
    }

    /// The name that TYPE replies with.
    pub fn name(self) -> &'static str {
        match self {
            Kind::String => "string",
            Kind::List => "list",
            Kind::Hash => "hash",
            Kind::Set => "set",
            Kind::SortedSet => "zset",
            Kind::Stream => "stream",
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
        assert_eq!(Kind::of(15), None);
    }
}
