//! What can be asked about a value of any kind.

use ferric_engine::Entry;

use super::{Kind, sorted, string};

/// OBJECT ENCODING.
pub fn encoding(entry: &Entry<'_>) -> &'static str {
    match Kind::of(entry.meta.kind) {
        Some(Kind::String) => string::encoding(entry.meta.flags, entry.value),
        Some(Kind::SortedSet) => sorted::encoding(entry.meta.flags),
        _ => "unknown",
    }
}
