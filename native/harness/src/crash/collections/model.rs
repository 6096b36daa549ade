//! What a writer's collections contain.

use std::collections::{BTreeMap, VecDeque};

use ferric_resp::Value;

use super::element::Element;
use super::op::Op;

/// Collections of each type that a writer has.
pub(super) const SETS: usize = 4;

/// Field of a hash, or member of a sorted set.
pub(super) type Name = u32;

/// A writer's collections. A sorted set has numbers of commands for scores.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Model {
    pub(super) lists: [VecDeque<Element>; SETS],
    pub(super) hashes: [BTreeMap<Name, Element>; SETS],
    pub(super) sorted: [BTreeMap<Name, u64>; SETS],
}

/// What the server has to answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Integer(usize),
    Ok,
    /// These elements, in an array.
    Elements(Vec<Element>),
    /// This element.
    Element(Element),
    Null,
}

impl Answer {
    /// Whether `reply` is this answer to `writer`.
    pub(super) fn accepts(&self, writer: usize, reply: &Value) -> bool {
        let is = |element: &Element, value: &Value| matches!(value, Value::Bulk(bytes) if *bytes == element.bytes(writer));
        match (self, reply) {
            (Answer::Integer(n), Value::Integer(found)) => usize::try_from(*found) == Ok(*n),
            (Answer::Ok, Value::Simple(text)) => text == b"OK",
            (Answer::Null, Value::Null) => true,
            (Answer::Element(element), value) => is(element, value),
            (Answer::Elements(elements), Value::Array(values)) => {
                elements.len() == values.len()
                    && elements.iter().zip(values).all(|(element, value)| is(element, value))
            }
            _ => false,
        }
    }
}

impl Model {
    /// Does what the writer's command with this number does.
    pub(super) fn apply(&mut self, op: &Op, sequence: u64) -> Answer {
        let element = |place: u32| Element { sequence, place };
        match op {
            Op::Push { list, count } => {
                self.lists[*list].extend((0..*count).map(element));
                Answer::Integer(self.lists[*list].len())
            }
            Op::Pop { list, count } => {
                let list = &mut self.lists[*list];
                let popped: Vec<Element> = list.drain(..list.len().min(*count as usize)).collect();
                if popped.is_empty() { Answer::Null } else { Answer::Elements(popped) }
            }
            Op::SetAt { list, index } => {
                self.lists[*list][*index as usize] = element(0);
                Answer::Ok
            }
            Op::Move { from, to } => match self.lists[*from].pop_front() {
                Some(moved) => {
                    self.lists[*to].push_back(moved);
                    Answer::Element(moved)
                }
                None => Answer::Null,
            },
            Op::Fields { hash, fields } => {
                let hash = &mut self.hashes[*hash];
                let before = hash.len();
                hash.extend(fields.iter().zip(0..).map(|(&field, place)| (field, element(place))));
                Answer::Integer(hash.len() - before)
            }
            Op::RemoveFields { hash, fields } => {
                Answer::Integer(removed(&mut self.hashes[*hash], fields))
            }
            Op::Members { sorted, members } => {
                let sorted = &mut self.sorted[*sorted];
                let before = sorted.len();
                sorted.extend(members.iter().map(|&member| (member, sequence)));
                Answer::Integer(sorted.len() - before)
            }
            Op::RemoveMembers { sorted, members } => {
                Answer::Integer(removed(&mut self.sorted[*sorted], members))
            }
            Op::Delete { number } => {
                let lost = [
                    std::mem::take(&mut self.lists[*number]).is_empty(),
                    std::mem::take(&mut self.hashes[*number]).is_empty(),
                    std::mem::take(&mut self.sorted[*number]).is_empty(),
                ];
                Answer::Integer(lost.iter().filter(|empty| !**empty).count())
            }
        }
    }

    /// Elements of all collections.
    pub(super) fn len(&self) -> usize {
        let lists: usize = self.lists.iter().map(VecDeque::len).sum();
        let hashes: usize = self.hashes.iter().map(BTreeMap::len).sum();
        lists + hashes + self.sorted.iter().map(BTreeMap::len).sum::<usize>()
    }
}

/// Removes what of `names` is there; how many.
fn removed<V>(of: &mut BTreeMap<Name, V>, names: &[Name]) -> usize {
    names.iter().filter(|name| of.remove(name).is_some()).count()
}
