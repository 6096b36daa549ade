//! Sets.

use std::io::Read;

use super::Input;
use crate::packed::{intset, listpack};
use crate::{Shape, Sink};

/// One string for each member.
pub(super) fn plain<S: Sink>(input: &mut Input<impl Read>, sink: &mut S) -> Result<(), S::Error> {
    let len = input.count()?;
    sink.begin(Shape::Set, len)?;
    let mut member = Vec::new();
    for _ in 0..len {
        input.string_into(&mut member)?;
        sink.member(&member)?;
    }
    Ok(())
}

/// Integers.
pub(super) fn intset<S: Sink>(input: &mut Input<impl Read>, sink: &mut S) -> Result<(), S::Error> {
    sink.begin(Shape::Set, 0)?;
    for member in intset::read(&input.string()?)? {
        sink.member(&member.text())?;
    }
    Ok(())
}

/// A listpack (since Redis 7.2).
pub(super) fn listpack<S: Sink>(
    input: &mut Input<impl Read>,
    sink: &mut S,
) -> Result<(), S::Error> {
    sink.begin(Shape::Set, 0)?;
    for member in listpack::Elements::new(&input.string()?)? {
        sink.member(&member?.text())?;
    }
    Ok(())
}
