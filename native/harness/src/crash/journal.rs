//! What a writer has sent, and what of it has been acknowledged.

use std::collections::BTreeMap;
use std::time::Instant;

use super::model::{Entry, Model, Place};
use super::op::Op;

/// A command that has been sent.
pub(super) struct Sent {
    pub(super) op: Op,
    /// Its number among all commands of the writer, from the beginning of the test.
    pub(super) sequence: u64,
    pub(super) at: Instant,
    /// When its reply came.
    pub(super) acknowledged: Option<Instant>,
}

/// The commands of one writer since the server started.
pub(super) struct Journal {
    /// Which writer.
    pub(super) writer: usize,
    /// The writer's keys before the first of `sent`.
    pub(super) base: Model,
    /// The commands in order. Replies come in order as well, so those that have been acknowledged
    /// come first.
    pub(super) sent: Vec<Sent>,
    /// How many have been acknowledged.
    pub(super) acknowledged: usize,
    /// The number of the next command.
    pub(super) next: u64,
}

impl Journal {
    /// The journal of a writer that has not written yet.
    pub(super) fn new(writer: usize) -> Journal {
        Journal { writer, base: Model::default(), sent: Vec::new(), acknowledged: 0, next: 1 }
    }

    /// Begins again with what the server holds now.
    pub(super) fn restart(&mut self, actual: BTreeMap<Place, Entry>) {
        self.base = Model::new(actual);
        self.sent.clear();
        self.acknowledged = 0;
    }

    /// Notes a command before it is sent.
    pub(super) fn pending(&mut self, op: Op) {
        let at = Instant::now();
        self.sent.push(Sent { op, sequence: self.next, at, acknowledged: None });
        self.next += 1;
    }

    /// Notes that the next command has been acknowledged.
    pub(super) fn acknowledge(&mut self) {
        self.sent[self.acknowledged].acknowledged = Some(Instant::now());
        self.acknowledged += 1;
    }

    /// How many commands, from the first, were acknowledged before `time`.
    pub(super) fn acknowledged_before(&self, time: Instant) -> usize {
        self.sent.partition_point(|sent| sent.acknowledged.is_some_and(|at| at < time))
    }

    /// How many commands, from the first, there are up to number `sequence`.
    pub(super) fn up_to(&self, sequence: u64) -> usize {
        self.sent.partition_point(|sent| sent.sequence <= sequence)
    }
}
