//! A writer's keys, and what it has sent since they were last looked at.

use std::time::Instant;

use super::model::{Entry, Model};
use super::op::{Index, Op};

/// A command that has been sent.
pub(super) struct Sent {
    pub(super) op: Op,
    /// Its number among all commands of the writer, from the beginning of the test.
    pub(super) sequence: u64,
    /// When its reply came.
    pub(super) acknowledged: Option<Instant>,
}

/// A writer.
pub(super) struct Owner {
    pub(super) writer: usize,
    /// The keys before the first of `sent`.
    pub(super) base: Model,
    /// In order; replies come in order as well, so those that are acknowledged come first.
    pub(super) sent: Vec<Sent>,
    /// How many are.
    pub(super) acknowledged: usize,
    /// The number of the next command.
    next: u64,
}

impl Owner {
    /// A writer of `keys` keys that has not written yet.
    pub(super) fn new(writer: usize, keys: Index) -> Owner {
        let base = Model::new(writer, vec![None; keys as usize]);
        Owner { writer, base, sent: Vec::new(), acknowledged: 0, next: 1 }
    }

    /// Begins again with what the server holds now.
    pub(super) fn restart(&mut self, entries: Vec<Option<Entry>>) {
        self.base = Model::new(self.writer, entries);
        self.sent.clear();
        self.acknowledged = 0;
    }

    /// Notes a command before it is sent; returns its number.
    pub(super) fn pending(&mut self, op: Op) -> u64 {
        let sequence = self.next;
        self.sent.push(Sent { op, sequence, acknowledged: None });
        self.next += 1;
        sequence
    }

    /// Notes that the next command has been acknowledged.
    pub(super) fn acknowledge(&mut self) {
        self.sent[self.acknowledged].acknowledged = Some(Instant::now());
        self.acknowledged += 1;
    }

    /// How many commands were acknowledged before `time`.
    pub(super) fn acknowledged_before(&self, time: Instant) -> usize {
        self.sent.partition_point(|sent| sent.acknowledged.is_some_and(|at| at < time))
    }

    /// How many commands there are up to number `sequence`.
    pub(super) fn up_to(&self, sequence: u64) -> usize {
        self.sent.partition_point(|sent| sent.sequence <= sequence)
    }
}
