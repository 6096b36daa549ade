//! Lists.

use std::io::Read;

use super::Input;
use crate::packed::{Element, listpack, ziplist};
use crate::{Error, Shape, Sink};

/// How a node of a quicklist is stored.
const PLAIN: u64 = 1;
const PACKED: u64 = 2;

/// One string for each element.
pub(super) fn plain<S: Sink>(input: &mut Input<impl Read>, sink: &mut S) -> Result<(), S::Error> {
    let len = input.count()?;
    sink.begin(Shape::List, len)?;
    let mut element = Vec::new();
    for _ in 0..len {
        input.string_into(&mut element)?;
        sink.element(&element)?;
    }
    Ok(())
}

/// One ziplist.
pub(super) fn ziplist<S: Sink>(input: &mut Input<impl Read>, sink: &mut S) -> Result<(), S::Error> {
    sink.begin(Shape::List, 0)?;
    pass_on(ziplist::Elements::new(&input.string()?)?, sink)
}

/// Nodes that are ziplists (Redis 3.2 to 6.2).
pub(super) fn quicklist<S: Sink>(
    input: &mut Input<impl Read>,
    sink: &mut S,
) -> Result<(), S::Error> {
    sink.begin(Shape::List, 0)?;
    let mut node = Vec::new();
    for _ in 0..input.count()? {
        input.string_into(&mut node)?;
        pass_on(ziplist::Elements::new(&node)?, sink)?;
    }
    Ok(())
}

/// Nodes that are listpacks, or single large elements (since Redis 7.0).
pub(super) fn quicklist_2<S: Sink>(
    input: &mut Input<impl Read>,
    sink: &mut S,
) -> Result<(), S::Error> {
    sink.begin(Shape::List, 0)?;
    let mut node = Vec::new();
    for _ in 0..input.count()? {
        let container = input.count()?;
        input.string_into(&mut node)?;
        match container {
            PLAIN => sink.element(&node)?,
            PACKED => pass_on(listpack::Elements::new(&node)?, sink)?,
            _ => return Err(Error::Malformed("a list has a node of an unknown kind").into()),
        }
    }
    Ok(())
}

fn pass_on<'a, S: Sink>(
    elements: impl Iterator<Item = Result<Element<'a>, Error>>,
    sink: &mut S,
) -> Result<(), S::Error> {
    for element in elements {
        sink.element(&element?.text())?;
    }
    Ok(())
}
