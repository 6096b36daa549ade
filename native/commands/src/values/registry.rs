//! What can be asked about a value of any kind.

use ferric_engine::Entry;

use super::hash::Hash;
use super::list::List;
use super::set::Set;
use super::{Collection, Held, Kind, string};

/// OBJECT ENCODING.
pub fn encoding(entry: &Entry<'_>) -> &'static str {
    match Kind::of(entry.meta.kind) {
        Some(Kind::String) => string::encoding(entry.meta.flags, entry.value),
        Some(Kind::List) => collection::<List>(entry),
        Some(Kind::Hash) => collection::<Hash>(entry),
        Some(Kind::Set) => collection::<Set>(entry),
        _ => "unknown",
    }
}

fn collection<T: Collection>(entry: &Entry<'_>) -> &'static str {
    Held::<T>::of(*entry).map_or("unknown", |held| T::encoding(held.view, entry.meta.flags))
}
