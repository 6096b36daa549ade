//! Sorted sets.

use std::io::Read;

use super::{Input, rest_of_group};
use crate::packed::{Element, listpack, ziplist};
use crate::{Error, Shape, Sink};

/// A member and its score, as often as there are members.
pub(super) fn plain<S: Sink, R: Read>(
    input: &mut Input<R>,
    sink: &mut S,
    score: impl Fn(&mut Input<R>) -> Result<f64, Error>,
) -> Result<(), S::Error> {
    let len = input.count()?;
    sink.begin(Shape::SortedSet, len)?;
    let mut member = Vec::new();
    for _ in 0..len {
        input.string_into(&mut member)?;
        let score = number(score(input)?)?;
        sink.scored(&member, score)?;
    }
    Ok(())
}

/// A score as Redis wrote it until version 3.2: its length and its digits, or a length that stands
/// for what has no digits.
pub(super) fn text_score(input: &mut Input<impl Read>) -> Result<f64, Error> {
    let len = match input.byte()? {
        253 => return Ok(f64::NAN),
        254 => return Ok(f64::INFINITY),
        255 => return Ok(f64::NEG_INFINITY),
        len => usize::from(len),
    };
    let mut text = [0; 252];
    input.0.read_exact(&mut text[..len])?;
    parse(&text[..len])
}

/// A score in its eight bytes.
pub(super) fn binary_score(input: &mut Input<impl Read>) -> Result<f64, Error> {
    input.double()
}

/// Members and scores in turn, in a ziplist.
pub(super) fn ziplist<S: Sink>(input: &mut Input<impl Read>, sink: &mut S) -> Result<(), S::Error> {
    sink.begin(Shape::SortedSet, 0)?;
    pairs(ziplist::Elements::new(&input.string()?)?, sink)
}

/// Members and scores in turn, in a listpack.
pub(super) fn listpack<S: Sink>(
    input: &mut Input<impl Read>,
    sink: &mut S,
) -> Result<(), S::Error> {
    sink.begin(Shape::SortedSet, 0)?;
    pairs(listpack::Elements::new(&input.string()?)?, sink)
}

fn pairs<'a, S: Sink>(
    mut elements: impl Iterator<Item = Result<Element<'a>, Error>>,
    sink: &mut S,
) -> Result<(), S::Error> {
    while let Some(member) = elements.next() {
        let member = member?;
        let score = match rest_of_group(&mut elements)? {
            Element::Integer(score) => score as f64,
            Element::Bytes(score) => number(parse(score)?)?,
        };
        sink.scored(&member.text(), score)?;
    }
    Ok(())
}

fn parse(text: &[u8]) -> Result<f64, Error> {
    let score = str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    score.ok_or(Error::Malformed("a score is not a number"))
}

fn number(score: f64) -> Result<f64, Error> {
    if score.is_nan() { Err(Error::Malformed("a score is not a number")) } else { Ok(score) }
}
