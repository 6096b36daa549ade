//! The types of values: one for each encoding that Redis has ever written.

use crate::Error;

/// What a value is, whatever its encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Bytes.
    String,
    /// A sequence of strings.
    List,
    /// Distinct strings.
    Set,
    /// Distinct strings, each with a score.
    SortedSet,
    /// Fields with values.
    Hash,
    /// A log of entries.
    Stream,
}

/// The byte in front of a value, which says how it is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names are Redis's: RDB_TYPE_…")]
pub enum ValueType {
    String = 0,
    List = 1,
    Set = 2,
    SortedSet = 3,
    Hash = 4,
    SortedSet2 = 5,
    HashZipmap = 9,
    ListZiplist = 10,
    SetIntset = 11,
    SortedSetZiplist = 12,
    HashZiplist = 13,
    ListQuicklist = 14,
    StreamListpacks = 15,
    HashListpack = 16,
    SortedSetListpack = 17,
    ListQuicklist2 = 18,
    StreamListpacks2 = 19,
    SetListpack = 20,
    StreamListpacks3 = 21,
    HashMetadataPreGa = 22,
    HashListpackExPreGa = 23,
    HashMetadata = 24,
    HashListpackEx = 25,
}

/// A value of a module as the release candidates of Redis 4.0 wrote it: only the module can tell
/// where it ends.
pub(crate) const MODULE_PRE_GA: u8 = 6;

/// A value of a module, annotated so that anyone can skip it.
pub(crate) const MODULE_2: u8 = 7;

use ValueType as T;

const ALL: [ValueType; 23] = [
    T::String,
    T::List,
    T::Set,
    T::SortedSet,
    T::Hash,
    T::SortedSet2,
    T::HashZipmap,
    T::ListZiplist,
    T::SetIntset,
    T::SortedSetZiplist,
    T::HashZiplist,
    T::ListQuicklist,
    T::StreamListpacks,
    T::HashListpack,
    T::SortedSetListpack,
    T::ListQuicklist2,
    T::StreamListpacks2,
    T::SetListpack,
    T::StreamListpacks3,
    T::HashMetadataPreGa,
    T::HashListpackExPreGa,
    T::HashMetadata,
    T::HashListpackEx,
];

impl ValueType {
    /// The type with this byte.
    ///
    /// # Errors
    /// There is none, or it is that of a module's values.
    pub fn of(byte: u8) -> Result<ValueType, Error> {
        match ALL.iter().find(|value_type| **value_type as u8 == byte) {
            Some(value_type) => Ok(*value_type),
            None if matches!(byte, MODULE_PRE_GA | MODULE_2) => {
                Err(Error::Unsupported("a value of a module".into()))
            }
            None => Err(Error::Unsupported(format!("a value of type {byte}"))),
        }
    }

    /// What values of this type are.
    pub fn shape(self) -> Shape {
        match self {
            T::String => Shape::String,
            T::List | T::ListZiplist | T::ListQuicklist | T::ListQuicklist2 => Shape::List,
            T::Set | T::SetIntset | T::SetListpack => Shape::Set,
            T::SortedSet | T::SortedSet2 | T::SortedSetZiplist | T::SortedSetListpack => {
                Shape::SortedSet
            }
            T::Hash
            | T::HashZipmap
            | T::HashZiplist
            | T::HashListpack
            | T::HashMetadata
            | T::HashMetadataPreGa
            | T::HashListpackEx
            | T::HashListpackExPreGa => Shape::Hash,
            T::StreamListpacks | T::StreamListpacks2 | T::StreamListpacks3 => Shape::Stream,
        }
    }

    /// The version of the format that a payload of this type claims: 10 (Redis 7.0) unless the type
    /// is newer, so that every server that knows the type accepts it.
    pub fn version(self) -> u16 {
        match self as u8 {
            22.. => 12,
            20.. => 11,
            _ => 10,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_found_by_their_byte() {
        let known = (0..=255).filter(|byte| ValueType::of(*byte).is_ok()).count();
        assert_eq!(known, ALL.len());
        assert_eq!(ValueType::of(18).ok(), Some(ValueType::ListQuicklist2));
        let name = |byte| ValueType::of(byte).expect_err("not a type").to_string();
        assert_eq!(name(7), "a value of a module cannot be read");
        assert_eq!(name(8), "a value of type 8 cannot be read");
    }

    #[test]
    fn a_payload_claims_the_version_that_brought_its_type() {
        assert_eq!(ValueType::StreamListpacks2.version(), 10);
        assert_eq!(ValueType::SetListpack.version(), 11);
        assert_eq!(ValueType::HashListpackEx.version(), 12);
    }
}
