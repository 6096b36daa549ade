//! What can be asked about a value of any kind.

use ferric_engine::Entry;

use super::bloom::Bloom;
use super::count_min::CountMin;
use super::cuckoo::Cuckoo;
use super::list::List;
use super::t_digest::TDigest;
use super::top_k::TopK;
use super::{Collection, Held, Kind, string};

/// OBJECT ENCODING.
pub fn encoding(entry: &Entry<'_>) -> &'static str {
    match Kind::of(entry.meta.kind) {
        Some(Kind::String) => string::encoding(entry.meta.flags, entry.value),
        Some(Kind::List) => collection::<List>(entry),
        Some(Kind::Bloom) => collection::<Bloom>(entry),
        Some(Kind::Cuckoo) => collection::<Cuckoo>(entry),
        Some(Kind::CountMin) => collection::<CountMin>(entry),
        Some(Kind::TopK) => collection::<TopK>(entry),
        Some(Kind::TDigest) => collection::<TDigest>(entry),
        _ => "unknown",
    }
}

fn collection<T: Collection>(entry: &Entry<'_>) -> &'static str {
    Held::<T>::of(*entry).map_or("unknown", |held| T::encoding(held.view, entry.meta.flags))
}
