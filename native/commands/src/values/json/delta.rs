//! Changes of a document, at places that have been found already: no path is ever evaluated again.
//!
//! A delta is a sequence of changes. A change is a tag, a location (a count, and so many steps: 0
//! and a name, or 1 and an index) and, by its tag:
//!
//! | tag | what follows | effect |
//! |---|---|---|
//! | 0 put | a value | the location holds it; its last step may name a new member |
//! | 1 remove | | the element or member goes |
//! | 2 splice | index, count, number of values, values | in this array, these elements make way for those values |
//! | 3 append | a string | this string becomes longer |

use std::sync::Arc;

use ferric_engine::Malformed;
use smallvec::SmallVec;

use super::image::{name_len, put, read, read_text};
use super::{Json, MAX_DEPTH, Members, Weight, member_weight};
use crate::values::wire::{Reader, put_bytes, put_number};

const PUT: u8 = 0;
const REMOVE: u8 = 1;
const SPLICE: u8 = 2;
const APPEND: u8 = 3;

const NAME: u8 = 0;
const INDEX: u8 = 1;

/// One step from a value to one in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step<'a> {
    /// To the member with this name.
    Name(&'a str),
    /// To the element with this number.
    Index(usize),
}

/// Where in a document a value is: the steps to it from the root.
pub type Location<'a> = SmallVec<[Step<'a>; 6]>;

fn put_location(out: &mut Vec<u8>, location: &[Step<'_>]) {
    put_number(out, location.len() as u64);
    for step in location {
        match step {
            Step::Name(name) => {
                out.push(NAME);
                put_bytes(out, name.as_bytes());
            }
            Step::Index(index) => {
                out.push(INDEX);
                put_number(out, *index as u64);
            }
        }
    }
}

fn read_location<'b>(reader: &mut Reader<'b>) -> Result<Location<'b>, Malformed> {
    let count = reader.size()?;
    if count > MAX_DEPTH {
        return Err(Malformed);
    }
    let step = |reader: &mut Reader<'b>| match reader.byte()? {
        NAME => Ok(Step::Name(read_text(reader)?)),
        INDEX => Ok(Step::Index(reader.size()?)),
        _ => Err(Malformed),
    };
    (0..count).map(|_| step(reader)).collect()
}

/// The value at a location.
pub(super) fn at<'j>(root: &'j Json, location: &[Step<'_>]) -> Option<&'j Json> {
    location.iter().try_fold(root, |value, step| match (value, step) {
        (Json::Object(members), Step::Name(name)) => members.get(name),
        (Json::Array(elements), Step::Index(index)) => elements.get(*index),
        _ => None,
    })
}

/// The value at a location, to be changed; what is shared on the way there is copied.
fn at_mut<'j>(root: &'j mut Json, location: &[Step<'_>]) -> Option<&'j mut Json> {
    location.iter().try_fold(root, |value, step| match (value, step) {
        (Json::Object(members), Step::Name(name)) => Arc::make_mut(members).get_mut(name),
        (Json::Array(elements), Step::Index(index)) => Arc::make_mut(elements).get_mut(*index),
        _ => None,
    })
}

/// Makes the changes of a delta.
///
/// # Errors
/// It is none of this document; it may have been changed in part then.
pub(super) fn replay(root: &mut Json, weight: &mut Weight, delta: &[u8]) -> Result<(), Malformed> {
    let mut reader = Reader::new(delta);
    while !reader.is_empty() {
        let tag = reader.byte()?;
        let location = read_location(&mut reader)?;
        match tag {
            PUT => put_at(root, weight, &location, &mut reader)?,
            REMOVE => remove_at(root, weight, &location)?,
            SPLICE => splice_at(root, weight, &location, &mut reader)?,
            APPEND => append_at(root, weight, &location, &mut reader)?,
            _ => return Err(Malformed),
        }
    }
    Ok(())
}

fn put_at(
    root: &mut Json,
    weight: &mut Weight,
    location: &[Step<'_>],
    reader: &mut Reader<'_>,
) -> Result<(), Malformed> {
    let value = read(reader, MAX_DEPTH - location.len())?;
    if let Some(old) = at_mut(root, location) {
        weight.subtract(old.weight());
        weight.add(value.weight());
        *old = value;
        return Ok(());
    }
    let Some((Step::Name(name), parent)) = location.split_last() else { return Err(Malformed) };
    let members = members_mut(root, parent)?;
    weight.add(member_weight(name, &value));
    change_members(members, weight, |members| members.insert(name, value));
    Ok(())
}

fn members_mut<'j>(root: &'j mut Json, place: &[Step<'_>]) -> Result<&'j mut Members, Malformed> {
    match at_mut(root, place) {
        Some(Json::Object(members)) => Ok(Arc::make_mut(members)),
        _ => Err(Malformed),
    }
}

/// Adds or removes a member; accounts for what the others take for that, but not for its value.
fn change_members<R>(
    members: &mut Members,
    weight: &mut Weight,
    change: impl FnOnce(&mut Members) -> R,
) -> R {
    let taken = |members: &Members| Weight {
        heap: members.heap_bytes(),
        image: crate::values::wire::number_len(members.len() as u64),
    };
    weight.subtract(taken(members));
    let result = change(members);
    weight.add(taken(members));
    result
}

/// Does the same for an array.
fn change_elements(
    elements: &mut Vec<Json>,
    weight: &mut Weight,
    change: impl FnOnce(&mut Vec<Json>, &mut Weight),
) {
    let taken = |elements: &Vec<Json>| Weight {
        heap: elements.capacity() * size_of::<Json>(),
        image: crate::values::wire::number_len(elements.len() as u64),
    };
    weight.subtract(taken(elements));
    change(elements, weight);
    weight.add(taken(elements));
}

fn remove_at(root: &mut Json, weight: &mut Weight, place: &[Step<'_>]) -> Result<(), Malformed> {
    let (last, parent) = place.split_last().ok_or(Malformed)?;
    match (at_mut(root, parent), last) {
        (Some(Json::Object(members)), Step::Name(name)) => {
            let members = Arc::make_mut(members);
            let removed = change_members(members, weight, |members| members.remove(name));
            weight.subtract(member_weight(name, &removed.ok_or(Malformed)?));
        }
        (Some(Json::Array(elements)), Step::Index(index)) if *index < elements.len() => {
            change_elements(Arc::make_mut(elements), weight, |elements, weight| {
                weight.subtract(elements.remove(*index).weight());
            });
        }
        _ => return Err(Malformed),
    }
    Ok(())
}

fn splice_at(
    root: &mut Json,
    weight: &mut Weight,
    location: &[Step<'_>],
    reader: &mut Reader<'_>,
) -> Result<(), Malformed> {
    let (from, removed, added) = (reader.size()?, reader.size()?, reader.size()?);
    let depth = MAX_DEPTH.checked_sub(location.len() + 1).ok_or(Malformed)?;
    let values: Result<Vec<Json>, Malformed> = (0..added).map(|_| read(reader, depth)).collect();
    let values = values?;
    let Some(Json::Array(elements)) = at_mut(root, location) else { return Err(Malformed) };
    let end = from.checked_add(removed).filter(|end| *end <= elements.len()).ok_or(Malformed)?;
    change_elements(Arc::make_mut(elements), weight, |elements, weight| {
        values.iter().for_each(|value| weight.add(value.weight()));
        for old in elements.splice(from..end, values) {
            weight.subtract(old.weight());
        }
    });
    Ok(())
}

fn append_at(
    root: &mut Json,
    weight: &mut Weight,
    location: &[Step<'_>],
    reader: &mut Reader<'_>,
) -> Result<(), Malformed> {
    let suffix = read_text(reader)?;
    let Some(Json::String(text)) = at_mut(root, location) else { return Err(Malformed) };
    weight.subtract(Weight { heap: text.len(), image: name_len(text) });
    *text = [&**text, suffix].concat().into();
    weight.add(Weight { heap: text.len(), image: name_len(text) });
    Ok(())
}

/// Changes of a document that have been decided on, but not been made.
pub struct Draft {
    /// The document with the changes made, for those who have to see them.
    working: Option<(Json, Weight)>,
    delta: Vec<u8>,
}

impl Draft {
    /// No changes; those to come do not depend on each other.
    pub fn new() -> Draft {
        Draft { working: None, delta: Vec::new() }
    }

    /// No changes; those to come may be changes of what others have changed. What they touch is
    /// copied.
    pub fn dependent(root: Json) -> Draft {
        Draft { working: Some((root, Weight::default())), delta: Vec::new() }
    }

    /// The value at a location of the document (`root`), as it is with the changes.
    pub fn at<'d>(&'d self, root: &'d Json, location: &[Step<'_>]) -> Option<&'d Json> {
        at(self.root(root), location)
    }

    /// The document (`root`) as it is with the changes, if they may depend on each other.
    pub fn root<'d>(&'d self, root: &'d Json) -> &'d Json {
        self.working.as_ref().map_or(root, |(working, _)| working)
    }

    /// Bytes of the delta.
    pub fn len(&self) -> usize {
        self.delta.len()
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.delta.is_empty()
    }

    /// What they are.
    pub fn into_delta(self) -> Vec<u8> {
        self.delta
    }

    /// A location holds this value from now on.
    pub fn put(&mut self, location: &[Step<'_>], value: &Json) {
        self.change(PUT, location, |delta| put(delta, value));
    }

    /// An element or member goes.
    pub fn remove(&mut self, location: &[Step<'_>]) {
        self.change(REMOVE, location, |_| ());
    }

    /// In an array, the `removed` elements from the one at `from` on make way for `values`.
    pub fn splice(&mut self, location: &[Step<'_>], from: usize, removed: usize, values: &[Json]) {
        self.change(SPLICE, location, |delta| {
            for number in [from, removed, values.len()] {
                put_number(delta, number as u64);
            }
            values.iter().for_each(|value| put(delta, value));
        });
    }

    /// A string becomes longer.
    pub fn append(&mut self, location: &[Step<'_>], suffix: &str) {
        self.change(APPEND, location, |delta| put_bytes(delta, suffix.as_bytes()));
    }

    fn change(&mut self, tag: u8, location: &[Step<'_>], put_rest: impl FnOnce(&mut Vec<u8>)) {
        let begin = self.delta.len();
        self.delta.push(tag);
        put_location(&mut self.delta, location);
        put_rest(&mut self.delta);
        if let Some((root, weight)) = &mut self.working {
            let made = replay(root, weight, &self.delta[begin..]);
            debug_assert!(made.is_ok(), "changes are made of what is there");
        }
    }
}

impl Default for Draft {
    fn default() -> Draft {
        Draft::new()
    }
}
