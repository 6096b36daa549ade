//! Strings: which encoding Redis would report for one.
//!
//! FerricStore keeps the bytes as they were given. Redis keeps a short string beside its header
//! (`embstr`), an integer as a number (`int`), and everything that was changed in place or is long
//! on its own (`raw`). What cannot be told from the bytes is remembered in the entry's flags.

use ferric_engine::{Entry, Meta};

use super::{Kind, WRONG_TYPE};
use crate::context::Fault;
use crate::numbers::parse_i64;

/// The value was made by changing a string in place: `raw` even if it is short.
pub const RAW: u8 = 1;

/// The value was printed by INCRBYFLOAT: never `int`.
pub const TEXT: u8 = 2;

/// The value was made by COPY: not one of Redis's shared objects, even if it is a small integer.
pub const UNSHARED: u8 = 4;

/// Longest string that is `embstr`.
const MAX_EMBEDDED: usize = 44;

/// Integers below this are shared objects in Redis.
const SHARED: i64 = 10_000;

/// The reference count of a shared object.
const SHARED_REFERENCES: i64 = i32::MAX as i64;

/// The description of a string that was given as a whole.
pub fn meta(expiry_ms: u64) -> Meta {
    Meta { expiry_ms, kind: Kind::String as u8, flags: 0 }
}

/// The description of a string with some of the flags [`RAW`], [`TEXT`] and [`UNSHARED`].
pub fn meta_with(flags: u8, expiry_ms: u64) -> Meta {
    Meta { flags, ..meta(expiry_ms) }
}

/// Passes a string, or nothing, on.
///
/// # Errors
/// WRONGTYPE for another kind of value.
#[inline]
pub fn check(entry: Option<Entry<'_>>) -> Result<Option<Entry<'_>>, Fault> {
    match entry {
        Some(entry) if entry.meta.kind != Kind::String as u8 => Err(WRONG_TYPE),
        other => Ok(other),
    }
}

/// OBJECT ENCODING of a string.
pub fn encoding(flags: u8, value: &[u8]) -> &'static str {
    if integer(flags, value).is_some() {
        "int"
    } else if flags & RAW == 0 && value.len() <= MAX_EMBEDDED {
        "embstr"
    } else {
        "raw"
    }
}

/// Whether Redis keeps the string on its own already, as it does with one that it changes in place.
/// If not, a command that would change it in place makes it [`RAW`] even when no byte differs.
pub fn is_raw(entry: &Entry<'_>) -> bool {
    encoding(entry.meta.flags, entry.value) == "raw"
}

/// OBJECT REFCOUNT of a string.
pub fn references(flags: u8, value: &[u8]) -> i64 {
    match integer(flags, value) {
        Some(0..SHARED) if flags & UNSHARED == 0 => SHARED_REFERENCES,
        _ => 1,
    }
}

/// The flags of a copy.
pub fn flags_of_copy(flags: u8, value: &[u8]) -> u8 {
    if integer(flags, value).is_some() { flags | UNSHARED } else { flags }
}

/// The number, if Redis would keep the string as one.
fn integer(flags: u8, value: &[u8]) -> Option<i64> {
    if flags & (RAW | TEXT) == 0 { parse_i64(value) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values are redis-server 7.0.15's replies.
    #[test]
    fn encodings() {
        for (value, expected) in [
            ("", "embstr"),
            ("0", "int"),
            ("-1", "int"),
            ("0012", "embstr"),
            (" 1", "embstr"),
            ("-0", "embstr"),
            ("9223372036854775807", "int"),
            ("-9223372036854775808", "int"),
            ("9223372036854775808", "embstr"),
            ("12345678901234567890123", "embstr"),
        ] {
            assert_eq!(encoding(0, value.as_bytes()), expected, "{value:?}");
        }
        assert_eq!(encoding(0, &[b'x'; 44]), "embstr");
        assert_eq!(encoding(0, &[b'x'; 45]), "raw");
        assert_eq!(encoding(RAW, b"5"), "raw");
        assert_eq!(encoding(TEXT, b"5"), "embstr");
        assert_eq!(encoding(TEXT, &[b'5'; 45]), "raw");
    }

    #[test]
    fn reference_counts() {
        assert_eq!(references(0, b"9999"), 2_147_483_647);
        assert_eq!(references(0, b"10000"), 1);
        assert_eq!(references(0, b"-1"), 1);
        assert_eq!(references(RAW, b"1"), 1);
        assert_eq!(references(flags_of_copy(0, b"1"), b"1"), 1);
        assert_eq!(flags_of_copy(RAW, b"1"), RAW);
    }
}
