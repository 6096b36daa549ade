//! A table as its writer has it: with the counts that say when it has to grow.

use std::sync::Arc;

use super::size::{MAX_BITS, MIN_BITS};
use super::slot::{HASH_BITS, Slot};
use super::table::Table;

/// A table and what only the holder of the shard's lock needs to know about it.
pub(crate) struct Leaf {
    table: Arc<Table>,
    live: u32,
    /// Live slots and those that hold a key no more.
    used: u32,
}

/// What a table needs before it can take another key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// Nothing.
    Free,
    /// A new table with so many bits.
    Rebuild(u32),
    /// It is so large that it should be split.
    Full,
}

impl Leaf {
    /// A leaf without entries, of `2^bits` slots.
    pub(crate) fn new(number: u32, depth: u32, bits: u32) -> Leaf {
        Leaf { table: Arc::new(Table::new(number, depth, bits)), live: 0, used: 0 }
    }

    /// A leaf with these entries, of different keys whose hashes begin alike, of a size that fits.
    pub(crate) fn with(number: u32, depth: u32, min_bits: u32, slots: &[Slot]) -> Leaf {
        // One more than there are must fit: see `room`.
        let fitting = ((slots.len() + 1) * 8).div_ceil(7).next_power_of_two().trailing_zeros();
        let mut leaf = Leaf::new(number, depth, fitting.max(min_bits).max(MIN_BITS));
        slots.iter().for_each(|&slot| leaf.insert(slot));
        leaf
    }

    pub(crate) fn table(&self) -> &Arc<Table> {
        &self.table
    }

    pub(crate) fn into_table(self) -> Arc<Table> {
        self.table
    }

    pub(crate) fn live(&self) -> u32 {
        self.live
    }

    /// Adds an entry of a key that is not there; [`Leaf::room`] must have said `Free`.
    pub(crate) fn insert(&mut self, slot: Slot) {
        let cell = &self.table.cells()[self.table.vacancy(slot.hash())];
        self.used += u32::from(cell.load().is_empty());
        self.live += 1;
        cell.store(slot);
    }

    /// Removes the entry at `at`.
    pub(crate) fn remove(&mut self, at: usize) {
        // No search needs the slot to get further if there is nothing behind it.
        let is_last = self.table.ends_behind(at);
        self.live -= 1;
        self.used -= u32::from(is_last);
        self.table.cells()[at].clear(is_last);
    }

    /// What the table needs before it can take one more key.
    pub(crate) fn room(&self) -> Room {
        let capacity = self.table.cells().len() as u64;
        let (live, used) = (u64::from(self.live), u64::from(self.used));
        let bits = self.table.bits();
        if (used + 1) * 8 <= capacity * 7 {
            Room::Free
        } else if live * 4 <= capacity * 3 {
            Room::Rebuild(bits)
        } else if bits < MAX_BITS {
            Room::Rebuild(bits + 1)
        } else {
            Room::Full
        }
    }

    /// The same entries in a new table.
    pub(crate) fn rebuilt(&self, bits: u32) -> Leaf {
        let mut leaf = Leaf::new(self.table.number(), self.table.depth(), bits);
        self.table.entries().for_each(|slot| leaf.insert(slot));
        leaf
    }

    /// Two tables one bit deeper that hold this table's keys, the second one with number `other`;
    /// `None` when that would not help: all of them would be in one.
    pub(crate) fn split(&self, other: u32) -> Option<(Leaf, Leaf)> {
        let (number, depth) = (self.table.number(), self.table.depth());
        if depth == HASH_BITS {
            return None;
        }
        let bit = 1u32 << (HASH_BITS - 1 - depth);
        let (zero, one): (Vec<Slot>, Vec<Slot>) =
            self.table.entries().partition(|slot| slot.hash() & bit == 0);
        if zero.is_empty() || one.is_empty() {
            return None;
        }
        let leaf = |number, slots: &[Slot]| Leaf::with(number, depth + 1, MAX_BITS, slots);
        Some((leaf(number, &zero), leaf(other, &one)))
    }
}
