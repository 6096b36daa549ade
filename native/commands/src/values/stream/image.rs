//! The image of a stream.
//!
//! ```text
//! image    = length id added id count chunk{count} count group{count}
//!                                            the identifiers are the last and the greatest deleted
//! chunk    = id id id live dead node names bytes         first, last and tail; see `chunk`
//! group    = name id read count consumer{count} count pending{count}
//! consumer = name seen active
//! pending  = id time count consumer          the consumer by its number in the list
//! ```

use std::sync::Arc;

use ferric_engine::{Image, Malformed};

use super::chunk::{self, Chunk, Head};
use super::delta::{put_id, read_id};
use super::{Group, Id, Name, Pending, Runs, State, Stream};
use crate::values::wire::{Reader, put_bytes, put_number, put_signed};

/// Reads the state and the number of chunks.
pub(super) fn read_header(reader: &mut Reader<'_>) -> Result<(State, usize), Malformed> {
    let length = reader.number()?;
    let last = read_id(reader, Id::MIN)?;
    let added = reader.number()?;
    let max_deleted = read_id(reader, Id::MIN)?;
    Ok((State { length, last, max_deleted, added }, reader.size()?))
}

fn put_header(out: &mut Vec<u8>, state: State, chunks: usize) {
    put_number(out, state.length);
    put_id(out, Id::MIN, state.last);
    put_number(out, state.added);
    put_id(out, Id::MIN, state.max_deleted);
    put_number(out, chunks as u64);
}

/// Reads a chunk; what its entries are is not looked at.
pub(super) fn read_chunk<'a>(reader: &mut Reader<'a>) -> Result<chunk::View<'a>, Malformed> {
    let first = read_id(reader, Id::MIN)?;
    let last = read_id(reader, first)?;
    let tail = read_id(reader, first)?;
    let count = |number: u64| u32::try_from(number).map_err(|_| Malformed);
    let (live, dead) = (count(reader.number()?)?, count(reader.number()?)?);
    let node_len = reader.number()?;
    let names_len = count(reader.number()?)?;
    let head = Head { first, last, tail, live, dead, node_len, names_len };
    Ok(chunk::View { head, bytes: reader.bytes()? })
}

fn put_chunk(out: &mut Vec<u8>, chunk: chunk::View<'_>) {
    let Head { first, last, tail, live, dead, node_len, names_len } = chunk.head;
    put_id(out, Id::MIN, first);
    put_id(out, first, last);
    put_id(out, first, tail);
    for number in [u64::from(live), u64::from(dead), node_len, u64::from(names_len)] {
        put_number(out, number);
    }
    put_bytes(out, chunk.bytes);
}

/// Makes a stream of its image.
pub(super) fn decode(image: &[u8]) -> Result<Stream, Malformed> {
    let mut reader = Reader::new(image);
    let (state, chunks) = read_header(&mut reader)?;
    let mut stream = Stream { state, ..Stream::default() };
    let (mut length, mut top) = (0, Id::MIN);
    for _ in 0..chunks {
        let chunk = Chunk::check(read_chunk(&mut reader)?)?;
        let head = chunk.head();
        let follows = stream.chunks.last().is_none_or(|last| last.head().first < head.first);
        if !follows || chunk.view().entries().next().is_some_and(|entry| entry.id <= top) {
            return Err(Malformed);
        }
        if head.live > 0 {
            top = head.tail;
        }
        length += u64::from(head.live);
        stream.add_chunk(chunk);
    }
    if length != state.length || top > state.last {
        return Err(Malformed);
    }
    for _ in 0..reader.number()? {
        let (name, group) = read_group(&mut reader)?;
        stream.groups.insert(name, Arc::new(group));
    }
    if reader.is_empty() { Ok(stream) } else { Err(Malformed) }
}

fn read_group(reader: &mut Reader<'_>) -> Result<(Name, Group), Malformed> {
    let name = Name::from(reader.bytes()?);
    let last = read_id(reader, Id::MIN)?;
    let mut group = Group::new(last, reader.signed()?);
    let consumers = reader.number()?;
    for _ in 0..consumers {
        let name = reader.bytes()?;
        let (seen_ms, active_ms) = (reader.number()?, reader.number()?);
        group.set_consumer(name, seen_ms, active_ms)?;
    }
    let mut id = Id::MIN;
    for _ in 0..reader.number()? {
        id = read_id(reader, id)?;
        let (delivered_ms, deliveries) = (reader.number()?, reader.number()?);
        let owner = u32::try_from(reader.number()?).map_err(|_| Malformed)?;
        group.deliver(Pending { id, delivered_ms, deliveries, owner })?;
    }
    Ok((name, group))
}

/// A group's part up to the number of pending entries.
fn put_group(out: &mut Vec<u8>, name: &[u8], group: &Group) {
    put_bytes(out, name);
    put_id(out, Id::MIN, group.last);
    put_signed(out, group.read);
    put_number(out, group.consumer_count() as u64);
    for consumer in group.slots().flatten() {
        put_bytes(out, &consumer.name);
        put_number(out, consumer.seen_ms);
        put_number(out, consumer.active_ms);
    }
    put_number(out, group.pending().len() as u64);
}

/// The numbers that consumers have in an image, where none are left out.
fn numbers(group: &Group) -> Vec<u64> {
    let mut next = 0;
    let number = |present: bool| {
        let number = next;
        next += u64::from(present);
        number
    };
    group.slots().map(|consumer| consumer.is_some()).map(number).collect()
}

/// How far an image has been written.
enum Stage {
    Header,
    /// The runs of chunks before this one, and so many chunks of it.
    Chunks(usize, usize),
    /// The groups before this one.
    Group(usize),
    /// Of a group, the runs of pending entries before this one; the last entry written; and the
    /// numbers of consumers.
    Pending(usize, usize, Id, Vec<u64>),
}

/// A stream as it was, for writing its image.
pub(super) struct Frozen {
    state: State,
    chunks: Runs<Arc<Chunk>>,
    groups: Vec<(Name, Arc<Group>)>,
    stage: Stage,
}

impl Frozen {
    pub(super) fn new(stream: &Stream) -> Frozen {
        Frozen {
            state: stream.state,
            chunks: stream.chunks.clone(),
            groups: stream
                .groups
                .iter()
                .map(|(name, group)| (name.clone(), group.clone()))
                .collect(),
            stage: Stage::Header,
        }
    }

    /// Writes a step; `None` when that was the last.
    fn step(&mut self, out: &mut Vec<u8>) -> Option<Stage> {
        match std::mem::replace(&mut self.stage, Stage::Header) {
            Stage::Header => {
                put_header(out, self.state, self.chunks.len());
                Some(Stage::Chunks(0, 0))
            }
            Stage::Chunks(run, at) => match self.chunks.run(run).map(|chunks| chunks.get(at)) {
                Some(Some(chunk)) => {
                    put_chunk(out, chunk.view());
                    Some(Stage::Chunks(run, at + 1))
                }
                Some(None) => Some(Stage::Chunks(run + 1, 0)),
                None => {
                    put_number(out, self.groups.len() as u64);
                    Some(Stage::Group(0))
                }
            },
            Stage::Group(at) => {
                let (name, group) = self.groups.get(at)?;
                put_group(out, name, group);
                Some(Stage::Pending(at, 0, Id::MIN, numbers(group)))
            }
            Stage::Pending(at, run, previous, numbers) => {
                let (_, group) = self.groups.get(at)?;
                match group.pending().run(run) {
                    Some(pending) => {
                        let last = put_pending(out, pending, previous, &numbers);
                        Some(Stage::Pending(at, run + 1, last, numbers))
                    }
                    None => Some(Stage::Group(at + 1)),
                }
            }
        }
    }
}

fn put_pending(out: &mut Vec<u8>, pending: &[Pending], mut previous: Id, numbers: &[u64]) -> Id {
    for entry in pending {
        put_id(out, previous, entry.id);
        put_number(out, entry.delivered_ms);
        put_number(out, entry.deliveries);
        put_number(out, numbers.get(entry.owner as usize).copied().unwrap_or(0));
        previous = entry.id;
    }
    previous
}

impl Image for Frozen {
    fn write(&mut self, out: &mut Vec<u8>, budget: usize) -> bool {
        let end = out.len().saturating_add(budget);
        while out.len() < end {
            match self.step(out) {
                Some(stage) => self.stage = stage,
                None => {
                    // Asked again, there is nothing more.
                    self.stage = Stage::Group(self.groups.len());
                    return false;
                }
            }
        }
        true
    }
}
