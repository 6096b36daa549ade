//! How many entries a group has been through, and how many are before it.
//!
//! A group counts what it is delivered. Its counter is worth nothing once entries ahead of it were
//! deleted, or when the group was put somewhere by hand; at the ends of the stream the number is
//! known anyway. Source: the public documentation of XINFO GROUPS.

use crate::values::stream::{Group, Id, State, UNKNOWN};

/// What decides about counters.
#[derive(Clone, Copy)]
pub struct Counting {
    state: State,
    /// The first entry; the least identifier without one.
    first: Id,
}

impl Counting {
    /// Of a stream with this state, whose first entry is this.
    pub fn new(state: State, first: Option<Id>) -> Counting {
        Counting { state, first: first.unwrap_or(Id::MIN) }
    }

    /// A group's counter after it has been delivered the entry `id`.
    pub fn advance(&self, read: i64, id: Id) -> i64 {
        if read != UNKNOWN && !self.has_tombstones_from(id) {
            return read.wrapping_add(1);
        }
        if self.state.added != 0 { self.count_up_to(id) } else { read }
    }

    /// Number of entries that a group has yet to be delivered, if it is known.
    pub fn lag(&self, group: &Group) -> Option<i64> {
        let added = self.state.added as i64;
        if added == 0 {
            return Some(0);
        }
        if group.read != UNKNOWN && !self.has_tombstones_from(group.last) {
            return Some(added.wrapping_sub(group.read));
        }
        let read = self.count_up_to(group.last);
        (read != UNKNOWN).then(|| added.wrapping_sub(read))
    }

    /// Whether entries from `id` on have been deleted, behind the first that is there.
    fn has_tombstones_from(&self, id: Id) -> bool {
        let State { length, max_deleted, .. } = self.state;
        length != 0 && self.first.max(id) <= max_deleted
    }

    /// How many entries were added up to `id`, where that can be told; else [`UNKNOWN`].
    fn count_up_to(&self, id: Id) -> i64 {
        let State { length, last, max_deleted, added } = self.state;
        let (length, added) = (length as i64, added as i64);
        if added == 0 {
            return 0;
        }
        if (length == 0 && id < last) || id == last {
            return added;
        }
        if id > last {
            return UNKNOWN;
        }
        if max_deleted == Id::MIN || max_deleted < self.first {
            if id < self.first {
                return added.wrapping_sub(length);
            }
            if id == self.first {
                return added.wrapping_sub(length).wrapping_add(1);
            }
        }
        UNKNOWN
    }
}
