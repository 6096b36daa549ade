//! Streams, in the form of Redis 7.0; `decode::stream` describes it.

use super::Writer;
use crate::packed::listpack::Builder;
use crate::{Consumer, Group, Id, Pending, StreamState, ValueType};

const SAME_FIELDS: i64 = 2;

/// Largest node, whatever the limits say; in bytes.
const MAX_NODE: usize = 1 << 30;

/// How large the nodes of a stream become: Redis's `stream-node-max-bytes` and
/// `stream-node-max-entries`; 0 = no limit.
#[derive(Clone, Copy, Debug)]
pub struct NodeLimits {
    /// Bytes of the listpack.
    pub bytes: usize,
    /// Entries in it.
    pub entries: usize,
}

/// A group with everything that belongs to it.
#[derive(Debug)]
pub struct GroupContents {
    /// The group itself.
    pub group: Group,
    /// What all of its consumers have pending, in the order of IDs.
    pub pending: Vec<Pending>,
    /// The consumers, each with the IDs of what it has pending.
    pub consumers: Vec<(Consumer, Vec<Id>)>,
}

/// Writes a stream: first its entries, then its state, then the groups.
#[derive(Debug)]
pub struct StreamWriter {
    nodes: Writer,
    count: u64,
    node: Option<Node>,
    limits: NodeLimits,
}

/// The node that takes the next entry.
#[derive(Debug)]
struct Node {
    key: Id,
    fields: Vec<Vec<u8>>,
    /// What stands in front of the entries, without their number.
    head: Builder,
    entries: Builder,
    count: usize,
}

impl StreamWriter {
    /// A stream, as it becomes when its entries are added one by one.
    pub fn new(limits: NodeLimits) -> StreamWriter {
        StreamWriter { nodes: Writer::default(), count: 0, node: None, limits }
    }

    /// The next entry.
    pub fn entry(&mut self, id: Id, pairs: &[(&[u8], &[u8])]) {
        let added: usize = pairs.iter().map(|(field, value)| field.len() + value.len()).sum();
        let full = |node: &mut Node| node.is_full(added, self.limits);
        if let Some(node) = self.node.take_if(full) {
            self.put_node(node);
        }
        self.node.get_or_insert_with(|| Node::new(id, pairs)).push(id, pairs);
    }

    /// The next entry begins another node, whatever the limits say.
    pub fn end_node(&mut self) {
        if let Some(node) = self.node.take() {
            self.put_node(node);
        }
    }

    fn put_node(&mut self, node: Node) {
        self.count += 1;
        self.nodes.put_string(&node.key.to_bytes());
        self.nodes.put_string(&node.finish());
    }

    /// What is known besides the entries, and the groups.
    pub fn finish(
        mut self,
        writer: &mut Writer,
        state: &StreamState,
        groups: impl ExactSizeIterator<Item = GroupContents>,
    ) {
        self.end_node();
        writer.begin(ValueType::StreamListpacks2);
        writer.put_count(self.count);
        writer.out.append(&mut self.nodes.out);
        writer.put_count(state.len);
        for id in [state.last, state.first, state.max_deleted] {
            writer.put_id(id);
        }
        writer.put_count(state.added);
        writer.put_count(groups.len() as u64);
        for group in groups {
            writer.put_group(&group);
        }
    }
}

impl Writer {
    fn put_id(&mut self, id: Id) {
        self.put_count(id.ms);
        self.put_count(id.seq);
    }

    fn put_group(&mut self, contents: &GroupContents) {
        let GroupContents { group, pending, consumers } = contents;
        self.put_string(&group.name);
        self.put_id(group.last);
        // -1 stands for "not known".
        self.put_count(group.read.unwrap_or(u64::MAX));
        self.put_count(pending.len() as u64);
        for entry in pending {
            self.out.extend_from_slice(&entry.id.to_bytes());
            self.put_u64_le(entry.delivered_ms);
            self.put_count(entry.deliveries);
        }
        self.put_count(consumers.len() as u64);
        for (consumer, ids) in consumers {
            self.put_string(&consumer.name);
            self.put_u64_le(consumer.seen_ms);
            self.put_count(ids.len() as u64);
            for id in ids {
                self.out.extend_from_slice(&id.to_bytes());
            }
        }
    }
}

impl Node {
    /// An empty node whose first entry will be this one.
    fn new(key: Id, pairs: &[(&[u8], &[u8])]) -> Node {
        let mut head = Builder::default();
        head.push_integer(pairs.len() as i64);
        pairs.iter().for_each(|(field, _)| head.push(field));
        head.push_integer(0);
        let fields = pairs.iter().map(|(field, _)| field.to_vec()).collect();
        Node { key, fields, head, entries: Builder::default(), count: 0 }
    }

    /// Whether it does not take another entry with `added` bytes of fields and values.
    fn is_full(&self, added: usize, limits: NodeLimits) -> bool {
        let bytes = if limits.bytes == 0 { MAX_NODE } else { limits.bytes.min(MAX_NODE) };
        let entries = if limits.entries == 0 { usize::MAX } else { limits.entries };
        self.len() + added >= bytes || self.count >= entries
    }

    /// Its length as a listpack, in bytes.
    fn len(&self) -> usize {
        let empty = Builder::default().len();
        let counts = self.counts().len() - empty;
        self.head.len() + self.entries.len() - empty + counts
    }

    /// Its beginning: how many entries there are, and how many deleted ones.
    fn counts(&self) -> Builder {
        let mut counts = Builder::default();
        counts.push_integer(self.count as i64);
        counts.push_integer(0);
        counts
    }

    fn push(&mut self, id: Id, pairs: &[(&[u8], &[u8])]) {
        let same = self.fields.len() == pairs.len()
            && self.fields.iter().zip(pairs).all(|(known, (field, _))| known == field);
        let entries = &mut self.entries;
        entries.push_integer(if same { SAME_FIELDS } else { 0 });
        entries.push_integer(id.ms.wrapping_sub(self.key.ms) as i64);
        entries.push_integer(id.seq.wrapping_sub(self.key.seq) as i64);
        if same {
            pairs.iter().for_each(|(_, value)| entries.push(value));
            entries.push_integer(3 + pairs.len() as i64);
        } else {
            entries.push_integer(pairs.len() as i64);
            for (field, value) in pairs {
                entries.push(field);
                entries.push(value);
            }
            entries.push_integer(4 + 2 * pairs.len() as i64);
        }
        self.count += 1;
    }

    fn finish(self) -> Vec<u8> {
        let mut pack = self.counts();
        pack.append(&self.head);
        pack.append(&self.entries);
        pack.finish()
    }
}
