//! What a writer's commands make of its keys.

use ferric_resp::Value;

use super::op::{Index, Op, may_expire};
use super::value;

/// How far the server's idea of the time may be from ours, in milliseconds: it is the same clock,
/// read at another moment.
const CLOCK_SLACK_MS: i64 = 100;

/// A key's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The commands that wrote its pieces.
    pub(super) pieces: Vec<u64>,
    /// When it expires, in milliseconds since 1970.
    pub(super) expiry: Option<i64>,
}

/// The reply that a command must get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Ok,
    Number(i64),
    /// How many keys were deleted, when some may have expired: at most so many.
    AtMost(i64),
    /// The value of these pieces, or none.
    Old(Option<Vec<u64>>),
    NoSuchKey,
}

impl Answer {
    /// Whether `reply` is this answer to a command of `writer`.
    pub(super) fn accepts(&self, writer: usize, reply: &Value) -> bool {
        match (self, reply) {
            (Answer::Ok, Value::Simple(text)) => text == b"OK",
            (Answer::Number(expected), Value::Integer(number)) => expected == number,
            (Answer::AtMost(most), Value::Integer(number)) => (0..=*most).contains(number),
            (Answer::Old(None), Value::Null) => true,
            (Answer::Old(Some(pieces)), Value::Bulk(bytes)) => value::parse(bytes)
                .is_ok_and(|origin| origin.writer == writer && origin.pieces == *pieces),
            (Answer::NoSuchKey, Value::Error(text)) => text.starts_with(b"ERR no such key"),
            _ => false,
        }
    }
}

/// The keys of a writer, by their numbers.
#[derive(Debug, Clone)]
pub(super) struct Model {
    writer: usize,
    entries: Vec<Option<Entry>>,
}

impl Model {
    /// The state in which the keys are `entries`.
    pub(super) fn new(writer: usize, entries: Vec<Option<Entry>>) -> Model {
        Model { writer, entries }
    }

    pub(super) fn entry(&self, index: Index) -> Option<&Entry> {
        self.entries[index as usize].as_ref()
    }

    pub(super) fn keys(&self) -> Index {
        self.entries.len() as Index
    }

    /// Bytes of all values.
    pub(super) fn bytes(&self) -> u64 {
        let entries = self.entries.iter().flatten();
        entries.map(|entry| value::length(self.writer, &entry.pieces)).sum()
    }

    /// Applies the writer's command `sequence` and returns what it must be answered with.
    pub(super) fn apply(&mut self, op: &Op, sequence: u64) -> Answer {
        let entry = |expiry| Entry { pieces: vec![sequence], expiry };
        match *op {
            Op::Set(index) => self.set(index, entry(None)),
            Op::SetUntil(index, at) => self.set(index, entry(Some(at))),
            Op::GetSet(index) => {
                let old = self.entries[index as usize].replace(entry(None));
                Answer::Old(old.map(|old| old.pieces))
            }
            Op::Append(index) => self.append(index, sequence),
            Op::SetAll(indexes) => {
                indexes.into_iter().for_each(|index| drop(self.set(index, entry(None))));
                Answer::Ok
            }
            Op::Del([a, b]) => {
                let count = [a, b].into_iter().filter(|index| self.take(*index).is_some()).count();
                let count = count as i64;
                if may_expire(a) { Answer::AtMost(count) } else { Answer::Number(count) }
            }
            Op::Rename(from, to) => match self.take(from) {
                Some(entry) => self.set(to, entry),
                None => Answer::NoSuchKey,
            },
            Op::Copy(from, to) => match self.entry(from).cloned() {
                Some(entry) => {
                    self.set(to, entry);
                    Answer::Number(1)
                }
                None => Answer::Number(0),
            },
        }
    }

    fn set(&mut self, index: Index, entry: Entry) -> Answer {
        self.entries[index as usize] = Some(entry);
        Answer::Ok
    }

    fn take(&mut self, index: Index) -> Option<Entry> {
        self.entries[index as usize].take()
    }

    /// The writer appends only to values that are there: the first piece is always a whole one.
    fn append(&mut self, index: Index, sequence: u64) -> Answer {
        let entry =
            self.entries[index as usize].get_or_insert(Entry { pieces: vec![], expiry: None });
        entry.pieces.push(sequence);
        Answer::Number(value::length(self.writer, &entry.pieces) as i64)
    }
}

/// When keys were looked at, in milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) from: i64,
    pub(super) to: i64,
}

impl Window {
    /// Whether a key that should be `expected` can be seen as `seen`.
    pub(super) fn allows(&self, expected: Option<&Entry>, seen: Option<&Entry>) -> bool {
        match (expected, seen) {
            (None, None) => true,
            (None, Some(_)) => false,
            (Some(entry), None) => {
                entry.expiry.is_some_and(|at| at <= self.to.saturating_add(CLOCK_SLACK_MS))
            }
            (Some(entry), Some(seen)) => {
                let over = |at: i64| at < self.from.saturating_sub(CLOCK_SLACK_MS);
                entry == seen && !entry.expiry.is_some_and(over)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_reply_and_leave_what_redis_would() {
        let mut model = Model::new(0, vec![None; 32]);
        assert_eq!(model.apply(&Op::Set(1), 1), Answer::Ok);
        let length = value::length(0, &[1, 2]) as i64;
        assert_eq!(model.apply(&Op::Append(1), 2), Answer::Number(length));
        assert_eq!(model.apply(&Op::Copy(1, 2), 3), Answer::Number(1));
        assert_eq!(model.apply(&Op::Rename(1, 3), 4), Answer::Ok);
        assert_eq!(model.apply(&Op::Rename(1, 3), 5), Answer::NoSuchKey);
        assert_eq!(model.apply(&Op::GetSet(2), 6), Answer::Old(Some(vec![1, 2])));
        assert_eq!(model.apply(&Op::Del([2, 9]), 7), Answer::Number(1));
        assert_eq!(model.apply(&Op::SetUntil(16, 5), 8), Answer::Ok);
        assert_eq!(model.apply(&Op::Del([16, 16]), 9), Answer::AtMost(1));
        let left: Vec<_> = (0..32).filter(|index| model.entry(*index).is_some()).collect();
        assert_eq!((left, model.bytes()), (vec![3], length as u64));
    }

    #[test]
    fn a_key_may_be_gone_only_after_its_time_and_there_only_before() {
        let window = Window { from: 10_000, to: 11_000 };
        let entry = |expiry| Entry { pieces: vec![1], expiry };
        let cases = [(None, true, false), (Some(9_000), false, true), (Some(12_000), true, false)];
        for (expiry, present, absent) in cases {
            let entry = entry(expiry);
            assert_eq!(window.allows(Some(&entry), Some(&entry)), present);
            assert_eq!(window.allows(Some(&entry), None), absent);
        }
        let during = entry(Some(10_500));
        assert!(window.allows(Some(&during), Some(&during)) && window.allows(Some(&during), None));
        assert!(!window.allows(None, Some(&during)));
        assert!(!window.allows(Some(&entry(None)), Some(&during)));
    }
}
