//! Streams: nodes of entries, then what is known about the stream, then its consumer groups.
//!
//! A node is a listpack with the ID of its first entry as its key. It begins with the number of its
//! entries, of those that are deleted, and the fields that most of them share, followed by a 0. Of each
//! entry: flags, how far its ID is from the node's (both halves), its fields and values (its values only,
//! if it has the shared fields), and the number of these elements.

use std::io::Read;

use super::Input;
use crate::packed::{Element, listpack};
use crate::{Consumer, Error, Group, Id, Pending, Shape, Sink, StreamState};

const DELETED: i64 = 1;
const SAME_FIELDS: i64 = 2;

const MALFORMED: Error = Error::Malformed("a stream is malformed");

/// A stream as version 1 (Redis 5.0), 2 (7.0) or 3 (7.2) of this format has it.
pub(super) fn stream<S: Sink>(
    input: &mut Input<impl Read>,
    sink: &mut S,
    version: u32,
) -> Result<(), S::Error> {
    sink.begin(Shape::Stream, 0)?;
    let mut entries = Entries::default();
    for _ in 0..input.count()? {
        let (key, node) = (input.string()?, input.string()?);
        let key = Id::from_bytes(key.try_into().map_err(|_| MALFORMED)?);
        entries.node(key, &node, sink)?;
    }
    let state = state(input, &entries, version)?;
    sink.state(&state)?;
    for _ in 0..input.count()? {
        group(input, sink, &state, version)?;
    }
    Ok(())
}

/// What has been seen of a stream's entries.
#[derive(Default)]
struct Entries {
    /// Of those that are not deleted.
    count: u64,
    first: Option<Id>,
    last_live: Option<Id>,
    /// Deleted or not.
    last: Option<Id>,
}

impl Entries {
    /// Passes on the entries of a node.
    fn node<S: Sink>(&mut self, key: Id, node: &[u8], sink: &mut S) -> Result<(), S::Error> {
        let mut elements = Elements(listpack::Elements::new(node)?);
        let (live, deleted) = (elements.size()?, elements.size()?);
        let mut shared = Vec::new();
        for _ in 0..elements.size()? {
            shared.push(elements.next()?);
        }
        if elements.integer()? != 0 {
            return Err(MALFORMED.into());
        }
        sink.node()?;
        let (mut seen, mut pairs) = ([0, 0], Vec::new());
        while let Some(flags) = elements.0.next() {
            let flags = flags?.integer().ok_or(MALFORMED)?;
            let id = self.entry(&mut elements, flags, (key, &shared), &mut pairs)?;
            let gone = flags & DELETED != 0;
            seen[usize::from(gone)] += 1;
            if !gone {
                self.count += 1;
                self.first.get_or_insert(id);
                self.last_live = Some(id);
                sink.entry(id, &pairs)?;
            }
        }
        if seen == [live, deleted] { Ok(()) } else { Err(MALFORMED.into()) }
    }

    /// Reads an entry's ID, and its fields into `pairs`.
    fn entry<'a>(
        &mut self,
        elements: &mut Elements<'a>,
        flags: i64,
        (key, shared): (Id, &[Element<'a>]),
        pairs: &mut Vec<(Element<'a>, Element<'a>)>,
    ) -> Result<Id, Error> {
        if flags & !(DELETED | SAME_FIELDS) != 0 {
            return Err(MALFORMED);
        }
        let ms = key.ms.wrapping_add_signed(elements.integer()?);
        let id = Id { ms, seq: key.seq.wrapping_add_signed(elements.integer()?) };
        if self.last.replace(id).is_some_and(|last| last >= id) {
            return Err(Error::Malformed("the entries of a stream are not in order"));
        }
        pairs.clear();
        let mut len = 3;
        if flags & SAME_FIELDS != 0 {
            for field in shared {
                pairs.push((*field, elements.next()?));
                len += 1;
            }
        } else {
            len += 1;
            for _ in 0..elements.size()? {
                pairs.push((elements.next()?, elements.next()?));
                len += 2;
            }
        }
        if elements.size()? == len { Ok(id) } else { Err(MALFORMED) }
    }
}

/// The elements of a node, each of which has to be there.
struct Elements<'a>(listpack::Elements<'a>);

impl<'a> Elements<'a> {
    fn next(&mut self) -> Result<Element<'a>, Error> {
        self.0.next().ok_or(MALFORMED)?
    }

    fn integer(&mut self) -> Result<i64, Error> {
        self.next()?.integer().ok_or(MALFORMED)
    }

    fn size(&mut self) -> Result<u64, Error> {
        u64::try_from(self.integer()?).map_err(|_| MALFORMED)
    }
}

/// What is known besides the entries. Version 1 leaves out what follows from them, or nearly.
fn state(
    input: &mut Input<impl Read>,
    entries: &Entries,
    version: u32,
) -> Result<StreamState, Error> {
    let (len, last) = (input.count()?, id(input)?);
    if len != entries.count || entries.last_live.is_some_and(|entry| entry > last) {
        return Err(MALFORMED);
    }
    let first = entries.first.unwrap_or_default();
    if version < 2 {
        return Ok(StreamState { len, last, first, max_deleted: Id::default(), added: len });
    }
    let (_, max_deleted, added) = (id(input)?, id(input)?, input.count()?);
    Ok(StreamState { len, last, first, max_deleted, added })
}

/// An ID as two numbers.
fn id(input: &mut Input<impl Read>) -> Result<Id, Error> {
    Ok(Id { ms: input.count()?, seq: input.count()? })
}

/// An ID as 16 bytes.
fn raw_id(input: &mut Input<impl Read>) -> Result<Id, Error> {
    Ok(Id::from_bytes(input.array()?))
}

fn group<S: Sink>(
    input: &mut Input<impl Read>,
    sink: &mut S,
    stream: &StreamState,
    version: u32,
) -> Result<(), S::Error> {
    let (name, last) = (input.string()?, id(input)?);
    let read = match version {
        1 => estimated_read(stream, last),
        // -1 stands for "not known".
        _ => Some(input.count()?).filter(|read| *read != u64::MAX),
    };
    sink.group(&Group { name, last, read })?;
    let mut pending = PendingEntries::read(input)?;
    for _ in 0..input.count()? {
        consumer(input, sink, &mut pending, version)?;
    }
    Ok(pending.end()?)
}

/// How many entries a group has read that got as far as `last`, where that can be told.
fn estimated_read(stream: &StreamState, last: Id) -> Option<u64> {
    if stream.added == 0 || last < stream.first {
        Some(0)
    } else if last == stream.last {
        Some(stream.added)
    } else {
        (last == stream.first).then_some(1)
    }
}

fn consumer<S: Sink>(
    input: &mut Input<impl Read>,
    sink: &mut S,
    pending: &mut PendingEntries,
    version: u32,
) -> Result<(), S::Error> {
    let (name, seen_ms) = (input.string()?, input.u64_le()?);
    let active_ms = match version {
        // Nobody knows; Redis assumes this, too.
        ..3 => Some(seen_ms),
        // -1 stands for "never".
        _ => Some(input.u64_le()?).filter(|time| *time != u64::MAX),
    };
    sink.consumer(&Consumer { name, seen_ms, active_ms })?;
    let mut last = None;
    for _ in 0..input.count()? {
        let id = raw_id(input)?;
        if last.replace(id).is_some_and(|last| last >= id) {
            return Err(MALFORMED.into());
        }
        sink.pending(&pending.take(id)?)?;
    }
    Ok(())
}

/// What a group has pending. It is stored before the consumers, each of which then says which are its.
struct PendingEntries {
    /// In the order of their IDs; false once a consumer has it.
    entries: Vec<(Pending, bool)>,
    free: usize,
}

impl PendingEntries {
    fn read(input: &mut Input<impl Read>) -> Result<PendingEntries, Error> {
        let mut entries: Vec<(Pending, bool)> = Vec::new();
        for _ in 0..input.count()? {
            let (id, delivered_ms) = (raw_id(input)?, input.u64_le()?);
            let entry = Pending { id, delivered_ms, deliveries: input.count()? };
            if entries.last().is_some_and(|(last, _)| last.id >= id) {
                return Err(MALFORMED);
            }
            entries.push((entry, true));
        }
        let free = entries.len();
        Ok(PendingEntries { entries, free })
    }

    fn take(&mut self, id: Id) -> Result<Pending, Error> {
        let found = self.entries.binary_search_by_key(&id, |(entry, _)| entry.id);
        let (entry, free) = &mut self.entries[found.map_err(|_| MALFORMED)?];
        if !std::mem::take(free) {
            return Err(MALFORMED);
        }
        self.free -= 1;
        Ok(*entry)
    }

    /// There is no pending entry without a consumer.
    fn end(self) -> Result<(), Error> {
        if self.free == 0 { Ok(()) } else { Err(MALFORMED) }
    }
}
