//! Taking an index to a checkpoint and back, table by table.

use super::slot::HASH_BITS;
use super::table::Table;
use super::{Index, Slot};

/// Hash prefixes, with all their bits, end here.
const END: u64 = 1 << HASH_BITS;
/// A directory of so many entries is never out of proportion; a larger one must have a table for each
/// `ENTRIES_A_TABLE`.
const MODEST_DIRECTORY: u64 = 1 << 16;
const ENTRIES_A_TABLE: u64 = 256;

/// One table, copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TableCopy {
    /// The lowest hash that belongs to the table.
    pub prefix: u32,
    /// How many leading bits its hashes share.
    pub depth: u32,
    /// Its entries.
    pub slots: Vec<Slot>,
    /// Where the next table begins; `1 << HASH_BITS` when there is none.
    pub next: u64,
}

impl TableCopy {
    /// An empty table for the hashes from `from` on, as large as may begin there.
    pub(crate) fn empty(from: u64) -> Option<TableCopy> {
        if from >= END {
            return None;
        }
        let bits = from.trailing_zeros().min(HASH_BITS);
        let (prefix, depth) = (from as u32, HASH_BITS - bits);
        Some(TableCopy { prefix, depth, slots: Vec::new(), next: from + (1 << bits) })
    }
}

impl Index {
    /// Copies the table to which the hash `from` belongs; `None` behind the last one, or when the
    /// index has no table.
    ///
    /// Beginning with 0 and going on with `next` this hands out every table, and each key that is
    /// there all the time exactly once: tables are split between calls, but never at other places
    /// than within their range, so `next` remains a place where a table begins.
    pub(crate) fn copy_table(&self, from: u64) -> Option<TableCopy> {
        if from >= END {
            return None;
        }
        let number = self.table_of(from as u32)?;
        let table = &self.tables[number as usize];
        let width = END >> table.depth;
        let prefix = from & !(width - 1);
        let slots = self.entries(number as usize).collect();
        Some(TableCopy { prefix: prefix as u32, depth: table.depth, slots, next: prefix + width })
    }
}

/// Makes an index of tables as [`Index::copy_table`] hands them out, in that order. Trusts that no key
/// has two entries.
#[derive(Default)]
pub(crate) struct IndexLoader {
    tables: Vec<Table>,
    /// Where the tables so far end.
    next: u64,
    depth: u32,
}

impl IndexLoader {
    /// Adds the next table.
    ///
    /// # Errors
    /// It is not the next one, or not all of `slots` belong in it.
    pub(crate) fn load_table(
        &mut self,
        prefix: u32,
        depth: u32,
        slots: &[Slot],
    ) -> Result<(), &'static str> {
        let start = u64::from(prefix);
        if depth > HASH_BITS || start != self.next {
            return Err("a table of the index is missing");
        }
        let range = start..start + (END >> depth);
        if !start.is_multiple_of(END >> depth) || range.end > END {
            return Err("a table of the index is in the wrong place");
        }
        if slots.iter().any(|slot| !slot.is_live() || !range.contains(&u64::from(slot.hash()))) {
            return Err("an entry does not belong in its table");
        }
        self.tables.push(Table::with(depth, slots).ok_or("a table of too many entries")?);
        self.next = range.end;
        self.depth = self.depth.max(depth);
        Ok(())
    }

    /// The index. Without tables it is empty.
    ///
    /// # Errors
    /// The tables do not cover all hashes, or are so narrow that the directory would be huge.
    pub(crate) fn finish(self) -> Result<Index, &'static str> {
        if self.tables.is_empty() {
            return Ok(Index::new());
        }
        let (entries, tables) = (1u64 << self.depth, self.tables.len() as u64);
        if self.next != END {
            return Err("the last tables of the index are missing");
        }
        if entries > MODEST_DIRECTORY && entries > tables * ENTRIES_A_TABLE {
            return Err("the index has a directory out of proportion");
        }
        let mut directory = Vec::with_capacity(entries as usize);
        for (number, table) in self.tables.iter().enumerate() {
            let width = 1usize << (self.depth - table.depth);
            directory.extend(std::iter::repeat_n(number as u32, width));
        }
        let len = self.tables.iter().map(|table| u64::from(table.live())).sum();
        let bytes = self.tables.iter().map(|table| table.bytes() as u64).sum();
        Ok(Index { directory, tables: self.tables, depth: self.depth, len, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(n: u64) -> Slot {
        let hash = (xxhash_rust::xxh3::xxh3_64(&n.to_le_bytes()) >> 33) as u32;
        Slot::new(hash, (n + 1) * 8, 40, 0, 0)
    }

    fn addresses(index: &Index) -> Vec<u64> {
        let tables = 0..index.tables();
        let mut all: Vec<u64> =
            tables.flat_map(|table| index.entries(table)).map(Slot::address).collect();
        all.sort_unstable();
        all
    }

    #[test]
    fn a_copy_made_while_tables_split_has_each_key_once() {
        let mut index = Index::new();
        (0..20_000).for_each(|n| index.insert(slot(n)));
        let (mut loader, mut from, mut next) = (IndexLoader::default(), 0, 20_000);
        while let Some(copy) = index.copy_table(from) {
            loader.load_table(copy.prefix, copy.depth, &copy.slots).expect("the next table");
            from = copy.next;
            (next..next + 3_000).for_each(|n| index.insert(slot(n)));
            next += 3_000;
        }
        let copy = loader.finish().expect("all tables");
        let found = addresses(&copy);
        assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "no key twice");
        assert!(found.len() > 20_000 && (1..=20_000).all(|n| found[n - 1] == n as u64 * 8));
        assert_eq!(copy.len(), found.len() as u64);
        (0..20_000).for_each(|n| {
            let found = copy.find(slot(n).hash(), |found| found.address() == slot(n).address());
            assert!(found.is_some(), "{n}");
        });
    }

    #[test]
    fn tables_that_do_not_fit_are_refused() {
        let low = Slot::new(1, 8, 40, 0, 0);
        let mut loader = IndexLoader::default();
        assert!(loader.load_table(0, 32, &[]).is_err());
        assert!(loader.load_table(1 << 30, 1, &[]).is_err(), "a gap");
        assert!(loader.load_table(0, 1, &[Slot::default()]).is_err(), "an empty entry");
        assert!(loader.load_table(0, 1, &[low]).is_ok());
        assert!(loader.load_table(1 << 30, 0, &[]).is_err(), "beyond the end");
        assert!(loader.load_table(1 << 30, 1, &[low]).is_err(), "a foreign entry");
        assert!(loader.finish().is_err(), "half an index");
    }
}
