//! What trimming removes.
//!
//! Approximate trimming removes whole chunks only and stops where it would have to open one; exact
//! trimming goes on in that one. Which entries go is decided before anything is changed.

use super::chunk;
use super::{Id, View};

/// What is to be left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// At most so many entries.
    Length(u64),
    /// The entries from this identifier on.
    From(Id),
}

/// How to trim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trim {
    /// What is to be left.
    pub bound: Bound,
    /// Only whole chunks go.
    pub approximate: bool,
    /// Most entries that go, 0 for any number; decides before each chunk.
    pub limit: u64,
}

/// What goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// So many chunks, the first ones.
    pub chunks: u64,
    /// The entries up to this one of the chunk after them.
    pub through: Id,
    /// Number of entries that go.
    pub removed: u64,
}

impl Plan {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.chunks == 0 && self.removed == 0
    }
}

/// A chunk as trimming sees it.
struct Candidate<'a> {
    live: u64,
    last: Id,
    entries: Option<chunk::View<'a>>,
}

impl Trim {
    /// What goes from a stream; with `added` after an entry with that identifier has been added, in a
    /// chunk of its own or in the last one.
    pub fn plan(&self, view: View<'_>, added: Option<(Id, bool)>) -> Plan {
        let mut length = view.state().length + u64::from(added.is_some());
        let mut plan = Plan::default();
        for candidate in candidates(view, added) {
            if self.is_done(length) || self.is_too_much(plan.removed + candidate.live) {
                break;
            }
            if self.takes_all(&candidate, length) {
                length -= candidate.live;
                plan.removed += candidate.live;
                plan.chunks += 1;
                continue;
            }
            if !self.approximate {
                self.open(&candidate, length, &mut plan);
            }
            break;
        }
        plan
    }

    fn is_done(&self, length: u64) -> bool {
        matches!(self.bound, Bound::Length(max) if length <= max)
    }

    fn is_too_much(&self, removed: u64) -> bool {
        self.limit != 0 && removed > self.limit
    }

    fn takes_all(&self, candidate: &Candidate<'_>, length: u64) -> bool {
        match self.bound {
            Bound::Length(max) => length - candidate.live >= max,
            Bound::From(id) => candidate.last < id,
        }
    }

    /// Takes entries from the beginning of a chunk. An entry that is only about to be added is never
    /// among them: were it to go, all before it would, and so the whole chunk.
    fn open(&self, candidate: &Candidate<'_>, length: u64, plan: &mut Plan) {
        let Some(chunk) = candidate.entries else { return };
        let (mut through, mut count) = (Id::MIN, 0);
        let most = match self.bound {
            Bound::Length(max) => length - max,
            Bound::From(_) => u64::MAX,
        };
        for entry in chunk.entries() {
            if count == most || matches!(self.bound, Bound::From(id) if entry.id >= id) {
                break;
            }
            (through, count) = (entry.id, count + 1);
        }
        plan.through = through;
        plan.removed += count;
    }
}

fn candidates(view: View<'_>, added: Option<(Id, bool)>) -> impl Iterator<Item = Candidate<'_>> {
    let inside = added.and_then(|(id, alone)| (!alone).then_some(id));
    let outside = added.and_then(|(id, alone)| alone.then_some(id));
    let count = view.chunk_count();
    let chunks = view.chunks(Id::MIN).enumerate().map(move |(at, chunk)| {
        let (live, last) = (u64::from(chunk.head.live), chunk.head.last);
        match inside {
            Some(id) if at + 1 == count => {
                Candidate { live: live + 1, last: id, entries: Some(chunk) }
            }
            _ => Candidate { live, last, entries: Some(chunk) },
        }
    });
    chunks.chain(outside.map(|id| Candidate { live: 1, last: id, entries: None }))
}
