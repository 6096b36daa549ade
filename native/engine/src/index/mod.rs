//! Where the newest record of each key is: an extendible hash table of 16-byte slots.
//!
//! R. Fagin, J. Nievergelt, N. Pippenger, H. R. Strong, "Extendible Hashing", ACM TODS 4(3), 1979:
//! a directory, indexed by the leading bits of the hash, of tables that are split one at a time. So
//! growing never moves more than one table's 4,096 slots, however many keys there are. Keys are not
//! in the index; each slot keeps 31 bits of the key's hash, all that a split needs.

mod slot;
mod table;
mod transfer;

pub(crate) use slot::{ACCESS_SPAN, HASH_BITS, Slot};
use table::{Room, Table};
pub(crate) use transfer::{IndexLoader, TableCopy};

use crate::prefetch::prefetch;

/// An index of one key space of one shard.
pub(crate) struct Index {
    /// `2^depth` table numbers.
    directory: Vec<u32>,
    tables: Vec<Table>,
    depth: u32,
    len: u64,
    bytes: u64,
}

/// A place in the index. Void after any change of the index but of the slot itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    table: u32,
    at: u32,
}

impl Index {
    pub(crate) fn new() -> Index {
        Index { directory: Vec::new(), tables: Vec::new(), depth: 0, len: 0, bytes: 0 }
    }

    /// Number of keys.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes + (self.directory.capacity() * size_of::<u32>()) as u64
    }

    /// Number of tables; they are numbered from 0.
    pub(crate) fn tables(&self) -> usize {
        self.tables.len()
    }

    fn prefix(hash: u32, depth: u32) -> usize {
        (u64::from(hash) >> (HASH_BITS - depth)) as usize
    }

    fn table_of(&self, hash: u32) -> Option<u32> {
        self.directory.get(Index::prefix(hash, self.depth)).copied()
    }

    /// Asks for the slots where a search for `hash` begins.
    #[inline]
    pub(crate) fn prefetch(&self, hash: u32) {
        if let Some(table) = self.table_of(hash) {
            let table = &self.tables[table as usize];
            prefetch(&raw const table.slots()[table.home(hash)]);
        }
    }

    /// Finds the entry with this hash for which `is_key` holds.
    pub(crate) fn find(&self, hash: u32, is_key: impl FnMut(Slot) -> bool) -> Option<Place> {
        let table = self.table_of(hash)?;
        let at = self.tables[table as usize].find(hash, is_key)?;
        Some(Place { table, at: at as u32 })
    }

    pub(crate) fn slot(&self, place: Place) -> Slot {
        self.tables[place.table as usize].slots()[place.at as usize]
    }

    pub(crate) fn slot_mut(&mut self, place: Place) -> &mut Slot {
        self.tables[place.table as usize].slot_mut(place.at as usize)
    }

    /// Adds an entry for a key that is not there.
    pub(crate) fn insert(&mut self, slot: Slot) {
        if self.directory.is_empty() {
            self.directory.push(0);
            self.tables.push(Table::new(0));
            self.bytes = self.tables[0].bytes() as u64;
        }
        let hash = slot.hash();
        let mut number = self.directory[Index::prefix(hash, self.depth)];
        loop {
            let table = &mut self.tables[number as usize];
            let before = table.bytes() as u64;
            match table.make_room() {
                Room::Free | Room::Rebuilt => {
                    self.bytes += table.bytes() as u64 - before;
                    break;
                }
                Room::Full => {
                    self.split(hash, number);
                    number = self.directory[Index::prefix(hash, self.depth)];
                }
            }
        }
        self.tables[number as usize].insert(slot);
        self.len += 1;
    }

    pub(crate) fn remove(&mut self, place: Place) {
        self.tables[place.table as usize].remove(place.at as usize);
        self.len -= 1;
    }

    fn split(&mut self, hash: u32, number: u32) {
        let depth = self.tables[number as usize].depth;
        assert!(depth < HASH_BITS, "more keys with one hash than a table holds");
        if depth == self.depth {
            self.directory = self.directory.iter().flat_map(|&n| [n, n]).collect();
            self.depth += 1;
        }
        let (zero, one) = self.tables[number as usize].split();
        self.bytes += one.bytes() as u64;
        let other = self.tables.len() as u32;
        self.tables[number as usize] = zero;
        self.tables.push(one);
        let width = 1usize << (self.depth - depth);
        let first = Index::prefix(hash, depth) << (self.depth - depth);
        self.directory[first + width / 2..first + width].fill(other);
    }

    /// Visits about `budget` entries from `cursor` on. Returns the next cursor, 0 at the end, and
    /// how much of the budget was used: an entry counts as one, and so do sixteen empty places.
    ///
    /// Entries are visited in the order of (directory prefix, home place). A split or a growing
    /// table only refines that order, so an entry that is there during the whole iteration is
    /// visited at least once; some may be visited twice.
    pub(crate) fn scan(
        &self,
        cursor: u64,
        budget: usize,
        mut visit: impl FnMut(Slot),
    ) -> (u64, usize) {
        let mut prefix = (cursor >> table::MAX_BITS) as usize;
        let mut home = (cursor & ((1 << table::MAX_BITS) - 1)) as usize;
        // The cursor's prefix always has HASH_BITS bits, so it keeps its meaning when the directory doubles.
        let mut seen = 0;
        while prefix < 1 << HASH_BITS && !self.directory.is_empty() {
            let table = &self.tables[self.directory[prefix >> (HASH_BITS - self.depth)] as usize];
            while home < table.slots().len() {
                if seen >= budget {
                    return ((prefix as u64) << table::MAX_BITS | home as u64, seen);
                }
                for slot in table.with_home(home) {
                    visit(slot);
                    seen += 1;
                }
                seen += usize::from(home % 16 == 15);
                home += 1;
            }
            let width = 1usize << (HASH_BITS - table.depth);
            prefix = (prefix & !(width - 1)) + width;
            home = 0;
        }
        (0, seen)
    }

    /// The entries of one table.
    pub(crate) fn entries(&self, number: usize) -> impl Iterator<Item = Slot> + '_ {
        let slots = self.tables.get(number).map(Table::slots).unwrap_or_default();
        slots.iter().copied().filter(|slot| slot.is_live())
    }

    /// Visits the entries of one table that `pick` chooses and removes those for which it says so.
    pub(crate) fn retain_in_table(
        &mut self,
        number: usize,
        mut keep: impl FnMut(&mut Slot) -> bool,
    ) {
        let Some(table) = self.tables.get_mut(number) else { return };
        if table.live() == 0 {
            return;
        }
        for at in 0..table.slots().len() {
            if table.slots()[at].is_live() && !keep(table.slot_mut(at)) {
                table.remove(at);
                self.len -= 1;
            }
        }
    }

    /// A live entry near a place chosen by `dice`, if the index is not empty.
    pub(crate) fn random(&self, dice: u64) -> Option<Slot> {
        if self.len == 0 {
            return None;
        }
        // Tables fill evenly, but young ones are small: choose by prefix, then walk on.
        let start = Index::prefix((dice >> 33) as u32, self.depth);
        let width = self.directory.len();
        (0..width)
            .map(|step| &self.tables[self.directory[(start + step) % width] as usize])
            .find(|table| table.live() > 0)
            .and_then(|table| {
                let slots = table.slots();
                let first = dice as usize % slots.len();
                (0..slots.len())
                    .map(|step| slots[(first + step) % slots.len()])
                    .find(|slot| slot.is_live())
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{HashMap, HashSet};

    fn hash(n: u64) -> u32 {
        (xxhash_rust::xxh3::xxh3_64(&n.to_le_bytes()) >> 33) as u32
    }

    fn slot(n: u64) -> Slot {
        Slot::new(hash(n), (n + 1) * 8, 40, 0, 0)
    }

    fn find(index: &Index, n: u64) -> Option<Place> {
        index.find(hash(n), |slot| slot.address() == (n + 1) * 8)
    }

    #[test]
    fn behaves_like_a_map() {
        let mut index = Index::new();
        let mut model = HashMap::new();
        let mut dice = 1u64;
        for _ in 0..200_000 {
            dice = dice.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let n = (dice >> 40) % 30_000;
            match (find(&index, n), (dice >> 20) % 3) {
                (Some(place), 0) => {
                    index.remove(place);
                    model.remove(&n);
                }
                (None, 1 | 2) => {
                    index.insert(slot(n));
                    model.insert(n, ());
                }
                _ => {}
            }
        }
        assert_eq!(index.len(), model.len() as u64);
        for n in 0..30_000 {
            assert_eq!(find(&index, n).is_some(), model.contains_key(&n), "{n}");
        }
    }

    #[test]
    fn a_scan_misses_nothing_that_stays_while_the_index_grows_and_shrinks() {
        for budget in [1, 10, 1000] {
            let mut index = Index::new();
            (0..3_000).for_each(|n| index.insert(slot(n)));
            let mut seen = HashSet::new();
            let (mut cursor, mut next) = (0, 10_000);
            loop {
                (cursor, _) = index.scan(cursor, budget, |slot| {
                    seen.insert(slot.address() / 8 - 1);
                });
                if cursor == 0 {
                    break;
                }
                if next < 60_000 {
                    (next..next + 200).for_each(|n| index.insert(slot(n)));
                    next += 200;
                } else if let Some(place) = find(&index, next - 50_000) {
                    index.remove(place);
                }
            }
            assert!((0..3_000).all(|n| seen.contains(&n)), "budget {budget}");
        }
    }

    #[test]
    fn a_scan_without_changes_visits_each_entry_once() {
        let mut index = Index::new();
        (0..50_000).for_each(|n| index.insert(slot(n)));
        let (mut cursor, mut count) = (0, 0);
        loop {
            (cursor, _) = index.scan(cursor, 100, |_| count += 1);
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(count, 50_000);
    }

    #[test]
    fn random_finds_the_last_key() {
        let mut index = Index::new();
        (0..20_000).for_each(|n| index.insert(slot(n)));
        for n in 0..19_999 {
            let place = find(&index, n).expect("inserted");
            index.remove(place);
        }
        for dice in 0..100u64 {
            let found = index.random(dice.wrapping_mul(0x9e3779b97f4a7c15)).expect("one key left");
            assert_eq!(found.address(), 20_000 * 8);
        }
        assert!(Index::new().random(7).is_none());
    }

    #[test]
    fn removed_slots_are_used_again() {
        let mut index = Index::new();
        for n in 0..1_000_000u64 {
            index.insert(slot(n));
            if n >= 100 {
                let place = find(&index, n - 100).expect("inserted");
                index.remove(place);
            }
        }
        assert_eq!(index.len(), 100);
        assert!(index.bytes() < 100_000, "{}", index.bytes());
    }
}
