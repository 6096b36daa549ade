//! A change of a set that a command makes.

use ferric_engine::Meta;

use super::{Collection, HASHTABLE, Object, Set, View, op};
use crate::context::Fault;
use crate::numbers::parse_i64;
use crate::thresholds::Thresholds;
use crate::values::collection::SHORT_DELTA;
use crate::values::touched::Touched;
use crate::values::wire::put_bytes;
use crate::values::{Change, Held};

/// A change in the making.
pub struct Edit<'h, 'a> {
    held: Option<Held<'h, Set>>,
    delta: Vec<u8>,
    /// Whether members that this change has touched are there after it.
    touched: Touched<'a, bool>,
    len: usize,
    flags: u8,
    max_intset: usize,
}

impl<'h, 'a> Edit<'h, 'a> {
    /// Begins a change of what a key holds by a command that names so many members.
    pub fn new(held: Option<Held<'h, Set>>, thresholds: &Thresholds, names: usize) -> Edit<'h, 'a> {
        Edit {
            delta: Vec::with_capacity(SHORT_DELTA),
            touched: Touched::new(names),
            len: held.as_ref().map_or(0, |held| held.view.len()),
            flags: held.as_ref().map_or(0, |held| held.meta.flags),
            max_intset: thresholds.set_max_intset.size(),
            held,
        }
    }

    fn contains(&self, member: &[u8]) -> bool {
        self.touched
            .get(member)
            .unwrap_or_else(|| self.held.as_ref().is_some_and(|held| held.view.contains(member)))
    }

    /// Adds a member. False if it is there.
    pub fn add(&mut self, member: &'a [u8]) -> bool {
        if self.contains(member) {
            return false;
        }
        self.len += 1;
        if self.len > self.max_intset || parse_i64(member).is_none() {
            self.flags |= HASHTABLE;
        }
        self.put(op::ADD, member);
        self.touched.set(member, true);
        true
    }

    /// Removes a member. False if it is not there.
    pub fn remove(&mut self, member: &'a [u8]) -> bool {
        let there = self.contains(member);
        if there {
            self.take(member);
            self.touched.set(member, false);
        }
        there
    }

    /// Removes a member that is there and that this change has not touched.
    pub fn take(&mut self, member: &[u8]) {
        self.len -= 1;
        self.put(op::REMOVE, member);
    }

    /// What is to be written; `None` when nothing has changed.
    ///
    /// # Errors
    /// The stored set is malformed.
    pub fn finish(self) -> Result<Option<Change>, Fault> {
        if self.delta.is_empty() {
            return Ok(None);
        }
        match self.held {
            Some(held) => {
                let meta = Meta { flags: self.flags, ..held.meta };
                held.change(meta, &self.delta, self.len).map(Some)
            }
            None => {
                let mut set = Set::default();
                set.apply(&self.delta)?;
                Ok(Some(Change::put(&set, self.flags, 0)))
            }
        }
    }

    fn put(&mut self, op: u8, member: &[u8]) {
        self.delta.push(op);
        put_bytes(&mut self.delta, member);
    }
}

/// A set in the making, with Redis's rules for its encoding.
pub struct Builder {
    set: Set,
    flags: u8,
    max_intset: usize,
}

impl Builder {
    /// Begins with an empty set.
    pub fn new(thresholds: &Thresholds) -> Builder {
        Builder { set: Set::default(), flags: 0, max_intset: thresholds.set_max_intset.size() }
    }

    /// Adds a member. False if it is there.
    pub fn add(&mut self, member: &[u8]) -> bool {
        let new = self.set.insert(member);
        if new && (self.set.view().len() > self.max_intset || parse_i64(member).is_none()) {
            self.flags |= HASHTABLE;
        }
        new
    }

    /// Removes a member, if it is there.
    pub fn remove(&mut self, member: &[u8]) {
        self.set.remove(member);
    }

    /// What has been built so far.
    pub fn view(&self) -> View<'_> {
        self.set.view()
    }

    /// The key holds this set from now on; without members, nothing.
    pub fn finish(&self, expiry_ms: u64) -> Change {
        if self.set.view().is_empty() {
            return Change::Delete;
        }
        Change::put(&self.set, self.flags, expiry_ms)
    }
}
