//! Hashes.

use std::io::Read;

use super::{Input, rest_of_group};
use crate::packed::{Element, listpack, ziplist, zipmap};
use crate::{Error, Shape, Sink};

/// The latest time at which a field can expire, milliseconds since 1970.
const MAX_EXPIRY: u64 = (1 << 48) - 1;

/// A field and its value, as often as there are fields.
pub(super) fn plain<S: Sink>(input: &mut Input<impl Read>, sink: &mut S) -> Result<(), S::Error> {
    let len = input.count()?;
    sink.begin(Shape::Hash, len)?;
    let (mut field, mut value) = (Vec::new(), Vec::new());
    for _ in 0..len {
        input.string_into(&mut field)?;
        input.string_into(&mut value)?;
        sink.field(&field, &value, 0)?;
    }
    Ok(())
}

/// Fields and values in turn, in a zipmap (before Redis 2.6).
pub(super) fn zipmap<S: Sink>(input: &mut Input<impl Read>, sink: &mut S) -> Result<(), S::Error> {
    sink.begin(Shape::Hash, 0)?;
    pairs(zipmap::Elements::new(&input.string()?)?, sink)
}

/// Fields and values in turn, in a ziplist.
pub(super) fn ziplist<S: Sink>(input: &mut Input<impl Read>, sink: &mut S) -> Result<(), S::Error> {
    sink.begin(Shape::Hash, 0)?;
    pairs(ziplist::Elements::new(&input.string()?)?, sink)
}

/// Fields and values in turn, in a listpack.
pub(super) fn listpack<S: Sink>(
    input: &mut Input<impl Read>,
    sink: &mut S,
) -> Result<(), S::Error> {
    sink.begin(Shape::Hash, 0)?;
    pairs(listpack::Elements::new(&input.string()?)?, sink)
}

fn pairs<'a, S: Sink>(
    mut elements: impl Iterator<Item = Result<Element<'a>, Error>>,
    sink: &mut S,
) -> Result<(), S::Error> {
    while let Some(field) = elements.next() {
        let field = field?;
        let value = rest_of_group(&mut elements)?;
        sink.field(&field.text(), &value.text(), 0)?;
    }
    Ok(())
}

/// Expiry, field and value, as often as there are fields (Redis 7.4). A `relative` expiry counts
/// from one millisecond before the earliest, which is stored first; 0 is none in any case.
pub(super) fn metadata<S: Sink>(
    input: &mut Input<impl Read>,
    sink: &mut S,
    relative: bool,
) -> Result<(), S::Error> {
    let earliest = if relative { input.u64_le()? } else { 1 };
    let len = input.count()?;
    sink.begin(Shape::Hash, len)?;
    let (mut field, mut value) = (Vec::new(), Vec::new());
    for _ in 0..len {
        let expiry = match input.count()? {
            0 => 0,
            distance => valid(earliest.checked_add(distance - 1))?,
        };
        input.string_into(&mut field)?;
        input.string_into(&mut value)?;
        sink.field(&field, &value, expiry)?;
    }
    Ok(())
}

/// Field, value and expiry in turn, in a listpack (Redis 7.4). The earliest expiry is stored first
/// if there is a `header`.
pub(super) fn listpack_ex<S: Sink>(
    input: &mut Input<impl Read>,
    sink: &mut S,
    header: bool,
) -> Result<(), S::Error> {
    if header {
        input.u64_le()?;
    }
    sink.begin(Shape::Hash, 0)?;
    let blob = input.string()?;
    let mut elements = listpack::Elements::new(&blob)?;
    while let Some(field) = elements.next() {
        let field = field?;
        let value = rest_of_group(&mut elements)?;
        let expiry = rest_of_group(&mut elements)?.integer();
        let expiry = valid(expiry.and_then(|expiry| u64::try_from(expiry).ok()))?;
        sink.field(&field.text(), &value.text(), expiry)?;
    }
    Ok(())
}

fn valid(expiry: Option<u64>) -> Result<u64, Error> {
    expiry
        .filter(|expiry| *expiry <= MAX_EXPIRY)
        .ok_or(Error::Malformed("a field expires at an impossible time"))
}
