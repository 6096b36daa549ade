//! Changes as they are logged: what is different now, with the identifiers and times it was decided
//! to have.
//!
//! ```text
//! delta = change*
//! change = APPEND byte id names values      the byte is 1: in a chunk of its own
//!        | TRIM chunks id                   so many chunks, and then entries up to this one
//!        | DELETE ids
//!        | STATE id added id                last identifier, entries added, greatest deleted
//!        | GROUP text                       what follows is about this group
//!        | PLACE id read                    creates the group if need be
//!        | DESTROY
//!        | CONSUMER text seen active        creates the consumer if need be; deliveries are to it
//!        | DROP text
//!        | DELIVER time count ids
//!        | ACKNOWLEDGE ids
//! ids   = count id*                         each as the difference to the one before
//! ```

use std::sync::Arc;

use ferric_engine::Malformed;

use super::chunk::Item;
use super::{Group, Id, Pending, Stream, Word};
use crate::values::wire::{Reader, put_bytes, put_number, put_signed};

const APPEND: u8 = 1;
const TRIM: u8 = 2;
const DELETE: u8 = 3;
const STATE: u8 = 4;
const GROUP: u8 = 5;
const PLACE: u8 = 6;
const DESTROY: u8 = 7;
const CONSUMER: u8 = 8;
const DROP: u8 = 9;
const DELIVER: u8 = 10;
const ACKNOWLEDGE: u8 = 11;

/// Changes that are made together.
#[derive(Clone, Debug, Default)]
pub struct Delta {
    bytes: Vec<u8>,
}

impl Delta {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// As it is logged.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Adds what `other` changes after this. Both name the groups they are about.
    pub fn extend(&mut self, other: &Delta) {
        self.bytes.extend_from_slice(&other.bytes);
    }

    /// An entry is added: names and values that alternate.
    pub fn append(&mut self, id: Id, new_chunk: bool, fields: &[&[u8]]) {
        let size: usize = fields.iter().map(|word| word.len() + 4).sum();
        self.bytes.reserve(size + 32);
        self.bytes.extend_from_slice(&[APPEND, u8::from(new_chunk)]);
        self.put_id(Id::MIN, id);
        put_number(&mut self.bytes, (fields.len() / 2) as u64);
        for name in fields.iter().step_by(2) {
            Word::of(name).put(&mut self.bytes);
        }
        for value in fields.iter().skip(1).step_by(2) {
            Word::of(value).put(&mut self.bytes);
        }
    }

    /// The first `chunks` chunks go, and of the one after them the entries up to `through`.
    pub fn trim(&mut self, chunks: u64, through: Id) {
        self.bytes.push(TRIM);
        put_number(&mut self.bytes, chunks);
        self.put_id(Id::MIN, through);
    }

    /// Entries go.
    pub fn delete(&mut self, ids: &[Id]) {
        self.bytes.push(DELETE);
        self.put_ids(ids);
    }

    /// The counters are these.
    pub fn set_state(&mut self, last: Id, added: u64, max_deleted: Id) {
        self.bytes.push(STATE);
        self.put_id(Id::MIN, last);
        put_number(&mut self.bytes, added);
        self.put_id(Id::MIN, max_deleted);
    }

    /// What follows is about this group.
    pub fn group(&mut self, name: &[u8]) {
        self.bytes.push(GROUP);
        put_bytes(&mut self.bytes, name);
    }

    /// The group, which is created if need be, has got as far as this.
    pub fn place_group(&mut self, last: Id, read: i64) {
        self.bytes.push(PLACE);
        self.put_id(Id::MIN, last);
        put_signed(&mut self.bytes, read);
    }

    /// The group goes.
    pub fn destroy_group(&mut self) {
        self.bytes.push(DESTROY);
    }

    /// The consumer, who is created if need be, was seen and active at these times. What is delivered
    /// after this is delivered to it.
    pub fn consumer(&mut self, name: &[u8], seen_ms: u64, active_ms: u64) {
        self.bytes.push(CONSUMER);
        put_bytes(&mut self.bytes, name);
        put_number(&mut self.bytes, seen_ms);
        put_number(&mut self.bytes, active_ms);
    }

    /// The consumer goes, with its pending entries.
    pub fn drop_consumer(&mut self, name: &[u8]) {
        self.bytes.push(DROP);
        put_bytes(&mut self.bytes, name);
    }

    /// Entries are pending, delivered at this time for the so manieth time.
    pub fn deliver(&mut self, time_ms: u64, deliveries: u64, ids: &[Id]) {
        self.bytes.push(DELIVER);
        put_number(&mut self.bytes, time_ms);
        put_number(&mut self.bytes, deliveries);
        self.put_ids(ids);
    }

    /// Entries are no longer pending.
    pub fn acknowledge(&mut self, ids: &[Id]) {
        self.bytes.push(ACKNOWLEDGE);
        self.put_ids(ids);
    }

    fn put_ids(&mut self, ids: &[Id]) {
        put_number(&mut self.bytes, ids.len() as u64);
        let mut previous = Id::MIN;
        for id in ids {
            self.put_id(previous, *id);
            previous = *id;
        }
    }

    fn put_id(&mut self, previous: Id, id: Id) {
        put_id(&mut self.bytes, previous, id);
    }
}

/// Appends an identifier as the difference to another.
pub(super) fn put_id(out: &mut Vec<u8>, previous: Id, id: Id) {
    let ms = id.ms.wrapping_sub(previous.ms) as i64;
    put_signed(out, ms);
    let seq = if ms == 0 { id.seq.wrapping_sub(previous.seq) } else { id.seq };
    put_signed(out, seq as i64);
}

/// Reads what [`put_id`] appended.
pub(super) fn read_id(reader: &mut Reader<'_>, previous: Id) -> Result<Id, Malformed> {
    let ms = reader.signed()? as u64;
    let seq = reader.signed()? as u64;
    let base = if ms == 0 { previous.seq } else { 0 };
    Ok(Id::new(previous.ms.wrapping_add(ms), base.wrapping_add(seq)))
}

/// Has `each` look at a list of identifiers.
fn read_ids(
    reader: &mut Reader<'_>,
    mut each: impl FnMut(Id) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let count = reader.number()?;
    let mut previous = Id::MIN;
    for _ in 0..count {
        previous = read_id(reader, previous)?;
        each(previous)?;
    }
    Ok(())
}

/// What a delta's changes are about.
#[derive(Default)]
struct Scope<'d> {
    group: Option<&'d [u8]>,
    consumer: Option<u32>,
}

/// Makes the changes that `delta` is.
pub(super) fn apply(stream: &mut Stream, delta: &[u8]) -> Result<(), Malformed> {
    let mut reader = Reader::new(delta);
    let mut scope = Scope::default();
    while !reader.is_empty() {
        match reader.byte()? {
            change @ APPEND..=STATE => change_stream(stream, change, &mut reader)?,
            GROUP => scope = Scope { group: Some(reader.bytes()?), consumer: None },
            change @ (PLACE | DESTROY) => {
                change_groups(stream, change, scope.group.ok_or(Malformed)?, &mut reader)?;
            }
            change => change_group(stream, change, &mut scope, &mut reader)?,
        }
    }
    Ok(())
}

fn change_stream(
    stream: &mut Stream,
    change: u8,
    reader: &mut Reader<'_>,
) -> Result<(), Malformed> {
    match change {
        APPEND => {
            let new_chunk = reader.byte()? == 1;
            let id = read_id(reader, Id::MIN)?;
            let item = Item::read(reader, id)?;
            if id <= stream.state.last {
                return Err(Malformed);
            }
            stream.push(&item, id, new_chunk);
        }
        TRIM => {
            let chunks = reader.number()?;
            stream.trim(chunks, read_id(reader, Id::MIN)?);
        }
        DELETE => read_ids(reader, |id| {
            stream.delete(id);
            Ok(())
        })?,
        _ => {
            let last = read_id(reader, Id::MIN)?;
            let added = reader.number()?;
            if stream.top().is_some_and(|top| top > last) {
                return Err(Malformed);
            }
            (stream.state.last, stream.state.added) = (last, added);
            stream.state.max_deleted = read_id(reader, Id::MIN)?;
        }
    }
    Ok(())
}

fn change_groups(
    stream: &mut Stream,
    change: u8,
    name: &[u8],
    reader: &mut Reader<'_>,
) -> Result<(), Malformed> {
    if change == DESTROY {
        stream.groups.remove(name);
        return Ok(());
    }
    let last = read_id(reader, Id::MIN)?;
    let read = reader.signed()?;
    match stream.groups.get_mut(name).map(Arc::make_mut) {
        Some(group) => (group.last, group.read) = (last, read),
        None => {
            stream.groups.insert(name.into(), Arc::new(Group::new(last, read)));
        }
    }
    Ok(())
}

fn change_group(
    stream: &mut Stream,
    change: u8,
    scope: &mut Scope<'_>,
    reader: &mut Reader<'_>,
) -> Result<(), Malformed> {
    let name = scope.group.ok_or(Malformed)?;
    let group = Arc::make_mut(stream.groups.get_mut(name).ok_or(Malformed)?);
    match change {
        CONSUMER => {
            let consumer = reader.bytes()?;
            let (seen_ms, active_ms) = (reader.number()?, reader.number()?);
            scope.consumer = Some(group.set_consumer(consumer, seen_ms, active_ms)?);
            Ok(())
        }
        DROP => {
            group.drop_consumer(reader.bytes()?);
            scope.consumer = None;
            Ok(())
        }
        DELIVER => {
            let (delivered_ms, deliveries) = (reader.number()?, reader.number()?);
            let owner = scope.consumer.ok_or(Malformed)?;
            read_ids(reader, |id| group.deliver(Pending { id, delivered_ms, deliveries, owner }))
        }
        ACKNOWLEDGE => read_ids(reader, |id| {
            group.acknowledge(id);
            Ok(())
        }),
        _ => Err(Malformed),
    }
}
