//! Streams, in both directions.

use ferric_engine::Object;
use ferric_rdb::encode::{GroupContents, NodeLimits, StreamWriter, Writer};
use ferric_rdb::packed::Element;
use ferric_rdb::{self as rdb, Error, StreamState};

use crate::values::Collection;
use crate::values::stream::{Consumer, Delta, Group, Id, Stream, UNKNOWN, Word};

/// A delta cannot be applied, because it says something twice or out of order.
const MALFORMED: Error = Error::Malformed("the stream is malformed");

/// Nodes end where the stream's chunks do.
const NO_LIMITS: NodeLimits = NodeLimits { bytes: 0, entries: 0 };

fn outer(id: Id) -> rdb::Id {
    rdb::Id { ms: id.ms, seq: id.seq }
}

fn inner(id: rdb::Id) -> Id {
    Id::new(id.ms, id.seq)
}

/// Writes a stream.
pub(super) fn write(writer: &mut Writer, stream: &Stream) {
    let (mut nodes, view) = (StreamWriter::new(NO_LIMITS), stream.view());
    let text = |word: Word<'_>| word.with(<[u8]>::to_vec);
    for chunk in view.chunks(Id::MIN) {
        nodes.end_node();
        for entry in chunk.entries() {
            let fields = entry.fields().1.map(|(name, value)| (text(name), text(value)));
            let fields: Vec<(Vec<u8>, Vec<u8>)> = fields.collect();
            let pairs: Vec<_> =
                fields.iter().map(|(name, value)| (&name[..], &value[..])).collect();
            nodes.entry(outer(entry.id), &pairs);
        }
    }
    let state = view.state();
    let state = StreamState {
        len: state.length,
        last: outer(state.last),
        first: view.first_id().map(outer).unwrap_or_default(),
        max_deleted: outer(state.max_deleted),
        added: state.added,
    };
    nodes.finish(writer, &state, stream.groups().map(|(name, group)| contents(name, group)));
}

/// What is written of a group.
fn contents(name: &[u8], group: &Group) -> GroupContents {
    let read = (group.read != UNKNOWN).then_some(group.read as u64);
    let pending = group.pending().iter().map(|pending| rdb::Pending {
        id: outer(pending.id),
        delivered_ms: pending.delivered_ms,
        deliveries: pending.deliveries,
    });
    let consumers = group.consumers().map(|consumer| {
        let Consumer { name, seen_ms, active_ms, pending } = consumer;
        let active_ms = (*active_ms != 0).then_some(*active_ms);
        let consumer = rdb::Consumer { name: name.to_vec(), seen_ms: *seen_ms, active_ms };
        (consumer, pending.iter().copied().map(outer).collect())
    });
    let group = rdb::Group { name: name.to_vec(), last: outer(group.last), read };
    GroupContents { group, pending: pending.collect(), consumers: consumers.collect() }
}

/// A stream that is being built.
#[derive(Default)]
pub(super) struct Builder {
    stream: Stream,
    new_node: bool,
    group: Vec<u8>,
    consumer: Option<rdb::Consumer>,
}

impl Builder {
    fn apply(&mut self, delta: &Delta) -> Result<(), Error> {
        self.stream.apply(delta.as_bytes()).map_err(|_| MALFORMED)
    }

    /// The next entry begins a chunk.
    pub(super) fn node(&mut self) {
        self.new_node = true;
    }

    pub(super) fn entry(
        &mut self,
        id: rdb::Id,
        fields: &[(Element<'_>, Element<'_>)],
    ) -> Result<(), Error> {
        let texts: Vec<_> =
            fields.iter().flat_map(|(name, value)| [name.text(), value.text()]).collect();
        let words: Vec<&[u8]> = texts.iter().map(|text| &text[..]).collect();
        let mut delta = Delta::default();
        delta.append(inner(id), std::mem::take(&mut self.new_node), &words);
        self.apply(&delta)
    }

    pub(super) fn state(&mut self, state: &StreamState) -> Result<(), Error> {
        let mut delta = Delta::default();
        delta.set_state(inner(state.last), state.added, inner(state.max_deleted));
        self.apply(&delta)
    }

    pub(super) fn group(&mut self, group: &rdb::Group) -> Result<(), Error> {
        if self.stream.group(&group.name).is_some() {
            return Err(MALFORMED);
        }
        self.group.clone_from(&group.name);
        let read = group.read.map_or(UNKNOWN, |read| read as i64);
        let mut delta = Delta::default();
        delta.group(&self.group);
        delta.place_group(inner(group.last), read);
        self.apply(&delta)
    }

    pub(super) fn consumer(&mut self, consumer: &rdb::Consumer) -> Result<(), Error> {
        let group = self.stream.group(&self.group).ok_or(MALFORMED)?;
        if group.named(&consumer.name).is_some() {
            return Err(MALFORMED);
        }
        self.consumer = Some(consumer.clone());
        let delta = self.about_consumer(consumer);
        self.apply(&delta)
    }

    fn about_consumer(&self, consumer: &rdb::Consumer) -> Delta {
        let mut delta = Delta::default();
        delta.group(&self.group);
        delta.consumer(&consumer.name, consumer.seen_ms, consumer.active_ms.unwrap_or(0));
        delta
    }

    pub(super) fn pending(&mut self, pending: &rdb::Pending) -> Result<(), Error> {
        let mut delta = self.about_consumer(self.consumer.as_ref().ok_or(MALFORMED)?);
        delta.deliver(pending.delivered_ms, pending.deliveries, &[inner(pending.id)]);
        self.apply(&delta)
    }

    pub(super) fn finish(self) -> Stream {
        self.stream
    }
}
