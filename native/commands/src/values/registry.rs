//! What can be asked about a value of any kind.

use std::ops::ControlFlow;

use ferric_engine::{Codec, Entry, Malformed, Meta, Object};

use super::bloom::Bloom;
use super::collection::MAX_PACKED;
use super::count_min::CountMin;
use super::cuckoo::Cuckoo;
use super::hash::Hash;
use super::json::Document;
use super::list::List;
use super::set::Set;
use super::sorted::SortedSet;
use super::stream::Stream;
use super::t_digest::TDigest;
use super::top_k::TopK;
use super::{Collection, Held, Kind, WRONG_TYPE, string};
use crate::context::{Fault, Outcome};

/// OBJECT ENCODING.
pub fn encoding(entry: &Entry<'_>) -> &'static str {
    match Kind::of(entry.meta.kind) {
        Some(Kind::String) => string::encoding(entry.meta.flags, entry.value),
        Some(Kind::List) => collection::<List>(entry),
        Some(Kind::Hash) => collection::<Hash>(entry),
        Some(Kind::Set) => collection::<Set>(entry),
        Some(Kind::SortedSet) => collection::<SortedSet>(entry),
        Some(Kind::Stream) => collection::<Stream>(entry),
        Some(Kind::Json) => collection::<Document>(entry),
        Some(Kind::Bloom) => collection::<Bloom>(entry),
        Some(Kind::Cuckoo) => collection::<Cuckoo>(entry),
        Some(Kind::CountMin) => collection::<CountMin>(entry),
        Some(Kind::TopK) => collection::<TopK>(entry),
        Some(Kind::TDigest) => collection::<TDigest>(entry),
        _ => "unknown",
    }
}

/// Which values the engine keeps as objects, and how it makes them: for every store that commands are
/// executed on.
pub struct ValueCodec;

impl Codec for ValueCodec {
    #[inline]
    fn is_object(&self, meta: Meta, len: usize) -> bool {
        len > MAX_PACKED && meta.kind != Kind::String as u8
    }

    fn decode(&self, meta: Meta, image: &[u8]) -> Result<Box<dyn Object>, Malformed> {
        decode(meta, image)
    }
}

/// Makes an object of the image of a collection.
///
/// # Errors
/// The bytes are no image of this kind, or the kind is none of a collection.
pub fn decode(meta: Meta, image: &[u8]) -> Result<Box<dyn Object>, Malformed> {
    match Kind::of(meta.kind) {
        Some(Kind::List) => object::<List>(image),
        Some(Kind::Hash) => object::<Hash>(image),
        Some(Kind::Set) => object::<Set>(image),
        Some(Kind::SortedSet) => object::<SortedSet>(image),
        Some(Kind::Stream) => object::<Stream>(image),
        Some(Kind::Json) => object::<Document>(image),
        Some(Kind::Bloom) => object::<Bloom>(image),
        Some(Kind::Cuckoo) => object::<Cuckoo>(image),
        Some(Kind::CountMin) => object::<CountMin>(image),
        Some(Kind::TopK) => object::<TopK>(image),
        Some(Kind::TDigest) => object::<TDigest>(image),
        _ => Err(Malformed),
    }
}

fn object<T: Collection>(image: &[u8]) -> Result<Box<dyn Object>, Malformed> {
    Ok(Box::new(T::decode(image)?))
}

fn collection<T: Collection>(entry: &Entry<'_>) -> &'static str {
    Held::<T>::of(*entry).map_or("unknown", |held| T::encoding(held.view, entry.meta.flags))
}

/// Number of elements of a value that SORT takes.
///
/// # Errors
/// WRONGTYPE for any other.
pub fn len(entry: &Entry<'_>) -> Result<usize, Fault> {
    match Kind::of(entry.meta.kind) {
        Some(Kind::List) => Ok(Held::<List>::of(*entry)?.view.len()),
        Some(Kind::SortedSet) => Ok(Held::<SortedSet>::of(*entry)?.view.len()),
        Some(Kind::Set) => Ok(Held::<Set>::of(*entry)?.view.len()),
        _ => Err(WRONG_TYPE),
    }
}

/// Hands up to `count` elements of a value that SORT takes, from the one at `from` on, to `visit`:
/// those of a list in its order, those of a sorted set by score, those of a set in any order.
///
/// # Errors
/// WRONGTYPE for any other; what `visit` returns, which ends the visit.
pub fn elements(
    entry: &Entry<'_>,
    from: usize,
    count: usize,
    visit: &mut dyn FnMut(&[u8]) -> Outcome,
) -> Outcome {
    match Kind::of(entry.meta.kind) {
        Some(Kind::List) => Held::<List>::of(*entry)?.view.range(from, count).try_for_each(visit),
        Some(Kind::SortedSet) => {
            let view = Held::<SortedSet>::of(*entry)?.view;
            let end = from.saturating_add(count).min(view.len());
            let ended = view.visit(from.min(end)..end, false, |_, member| match visit(member) {
                Ok(()) => ControlFlow::Continue(()),
                Err(fault) => ControlFlow::Break(fault),
            });
            ended.break_value().map_or(Ok(()), Err)
        }
        Some(Kind::Set) => {
            let mut members = Held::<Set>::of(*entry)?.view.iter().skip(from).take(count);
            members.try_for_each(|member| member.with(&mut *visit))
        }
        _ => Err(WRONG_TYPE),
    }
}

/// A string, or at this time the field of a hash; `None` if the value is no such thing or has no
/// such field.
///
/// # Errors
/// The stored value is malformed.
pub fn text<'e>(
    entry: &Entry<'e>,
    field: Option<&[u8]>,
    now_ms: u64,
) -> Result<Option<&'e [u8]>, Fault> {
    match (Kind::of(entry.meta.kind), field) {
        (Some(Kind::String), None) => Ok(Some(entry.value)),
        (Some(Kind::Hash), Some(name)) => {
            let live = Held::<Hash>::of(*entry)?.view.live(now_ms);
            Ok(live.get(name).map(|field| field.value))
        }
        _ => Ok(None),
    }
}
