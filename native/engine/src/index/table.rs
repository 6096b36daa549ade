//! One open-addressed table of slots: a leaf of the index.

use super::slot::{EMPTY, GONE, HASH_BITS, Slot};

/// log2 of the smallest and of the largest number of slots.
const MIN_BITS: u32 = 4;
pub(crate) const MAX_BITS: u32 = 12;

/// Slots for the keys whose hash begins with one prefix of `depth` bits. Placed by the low hash
/// bits, probed linearly; at most 7/8 of the slots are ever used, so a probe ends.
pub(crate) struct Table {
    slots: Box<[Slot]>,
    /// How many leading hash bits the keys of this table share.
    pub(crate) depth: u32,
    live: u32,
    /// Live slots and those that hold a key no more.
    used: u32,
}

/// What a table needs before it can take another key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// Nothing.
    Free,
    /// It was rebuilt in place: places found before are void.
    Rebuilt,
    /// It is at its largest: split it.
    Full,
}

impl Table {
    pub(crate) fn new(depth: u32) -> Table {
        Table::with_bits(depth, MIN_BITS)
    }

    /// A table that holds `slots`, whose hashes begin with its prefix; `None` if they are too many.
    pub(crate) fn with(depth: u32, slots: &[Slot]) -> Option<Table> {
        let bits = (MIN_BITS..=MAX_BITS).find(|&bits| slots.len() * 8 <= 7 << bits)?;
        let mut table = Table::with_bits(depth, bits);
        slots.iter().for_each(|slot| table.insert(*slot));
        Some(table)
    }

    fn with_bits(depth: u32, bits: u32) -> Table {
        Table { slots: vec![EMPTY; 1 << bits].into_boxed_slice(), depth, live: 0, used: 0 }
    }

    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    pub(crate) fn live(&self) -> u32 {
        self.live
    }

    fn mask(&self) -> usize {
        self.slots.len() - 1
    }

    /// The place where a probe for `hash` begins.
    pub(crate) fn home(&self, hash: u32) -> usize {
        hash as usize & self.mask()
    }

    /// Finds the entry with this hash for which `is_key` holds.
    pub(crate) fn find(&self, hash: u32, mut is_key: impl FnMut(Slot) -> bool) -> Option<usize> {
        let mask = self.mask();
        let mut at = self.home(hash);
        loop {
            let slot = self.slots[at];
            if slot.matches(hash) && is_key(slot) {
                return Some(at);
            }
            if slot.is_empty() {
                return None;
            }
            at = (at + 1) & mask;
        }
    }

    pub(crate) fn slot_mut(&mut self, at: usize) -> &mut Slot {
        &mut self.slots[at]
    }

    /// Adds an entry; the key must not be there and [`Table::make_room`] must have said `Free` or
    /// `Rebuilt`.
    pub(crate) fn insert(&mut self, slot: Slot) {
        let mask = self.mask();
        let mut at = self.home(slot.hash());
        while self.slots[at].is_live() {
            at = (at + 1) & mask;
        }
        self.used += u32::from(self.slots[at].is_empty());
        self.live += 1;
        self.slots[at] = slot;
    }

    pub(crate) fn remove(&mut self, at: usize) {
        let next_empty = self.slots[(at + 1) & self.mask()].is_empty();
        self.live -= 1;
        if next_empty {
            self.slots[at] = EMPTY;
            self.used -= 1;
        } else {
            self.slots[at] = GONE;
        }
    }

    /// Makes sure that one more key fits, growing or cleaning the table when it is crowded.
    pub(crate) fn make_room(&mut self) -> Room {
        let capacity = self.slots.len() as u32;
        if (self.used + 1) * 8 <= capacity * 7 {
            return Room::Free;
        }
        if self.live * 4 <= capacity * 3 {
            self.rebuild(capacity.trailing_zeros());
            return Room::Rebuilt;
        }
        if capacity < 1 << MAX_BITS {
            self.rebuild(capacity.trailing_zeros() + 1);
            return Room::Rebuilt;
        }
        Room::Full
    }

    fn rebuild(&mut self, bits: u32) {
        let mut table = Table::with_bits(self.depth, bits);
        for &slot in self.slots.iter().filter(|slot| slot.is_live()) {
            table.insert(slot);
        }
        *self = table;
    }

    /// The two tables one bit deeper that hold this table's keys.
    pub(crate) fn split(&self) -> (Table, Table) {
        let bit = 1u32 << (HASH_BITS - 1 - self.depth);
        let mut zero = Table::with_bits(self.depth + 1, MAX_BITS);
        let mut one = Table::with_bits(self.depth + 1, MAX_BITS);
        for &slot in self.slots.iter().filter(|slot| slot.is_live()) {
            if slot.hash() & bit == 0 { zero.insert(slot) } else { one.insert(slot) }
        }
        (zero, one)
    }

    /// Live entries whose probe begins at `home`.
    pub(crate) fn with_home(&self, home: usize) -> impl Iterator<Item = Slot> + '_ {
        let mask = self.mask();
        (0..self.slots.len())
            .map(move |step| self.slots[(home + step) & mask])
            .take_while(|slot| !slot.is_empty())
            .filter(move |slot| slot.is_live() && self.home(slot.hash()) == home)
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&*self.slots)
    }
}
