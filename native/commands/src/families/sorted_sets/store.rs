//! Results that become a sorted set.

use ferric_engine::{Key, Locked};

use super::limits::{Limits, stored};
use crate::context::Outcome;
use crate::values::sorted::{Entry, SortedSet, order};
use crate::values::{Change, commit};

/// Copies of entries, in any order. Their members are distinct.
#[derive(Debug, Default)]
pub struct Entries {
    bytes: Vec<u8>,
    /// Scores, and where members end.
    ends: Vec<(f64, usize)>,
}

impl Entries {
    /// Adds one.
    pub fn push(&mut self, score: f64, member: &[u8]) {
        self.bytes.extend_from_slice(member);
        self.ends.push((score, self.bytes.len()));
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of all members.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Them in the order of a sorted set.
    pub fn sorted(&self) -> Vec<Entry<'_>> {
        let mut start = 0;
        let entries = self.ends.iter().map(|&(score, end)| {
            let member = &self.bytes[start..end];
            start = end;
            (score, member)
        });
        let mut entries: Vec<Entry<'_>> = entries.collect();
        entries.sort_unstable_by(|a, b| order(*a, *b));
        entries
    }
}

/// Has `key` hold these entries, which are in order, whatever it held; without entries it goes.
pub fn replace(
    locked: &mut Locked<'_, '_>,
    key: Key<'_>,
    entries: &[Entry<'_>],
    limits: Limits,
) -> Outcome {
    if entries.is_empty() {
        return commit(locked, &[(key, Change::Delete)]);
    }
    let longest = entries.iter().map(|entry| entry.1.len()).max().unwrap_or(0);
    let flags = limits.flags(entries.len(), longest);
    let entries: Vec<Entry<'_>> =
        entries.iter().map(|(score, member)| (stored(*score, flags), *member)).collect();
    let set = SortedSet::from_entries(&entries)?;
    commit(locked, &[(key, Change::put(&set, flags, 0))])
}
