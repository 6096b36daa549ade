//! Taking an index to a checkpoint and back, table by table.

use thiserror::Error;

use super::directory::Directory;
use super::leaf::Leaf;
use super::size::MIN_BITS;
use super::slot::{HASH_BITS, Slot};
use super::writer::Index;
use crate::log::Trash;

/// Hash prefixes, with all their bits, end here.
const END: u64 = 1 << HASH_BITS;
/// A directory of so many entries is never out of proportion.
const MODEST_DIRECTORY: u64 = 1 << 16;
/// A larger one must have a table for so many entries. An index that grew while it was copied may
/// have few large tables in front and many small ones behind.
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
        let directory = self.directory()?;
        if from >= END {
            return None;
        }
        let table = self.table_at(directory, directory.prefix(from as u32));
        let width = 1u64 << (HASH_BITS - table.depth());
        debug_assert!(from.is_multiple_of(width), "no table begins here");
        let (prefix, slots) = (from & !(width - 1), table.entries().collect());
        Some(TableCopy { prefix: prefix as u32, depth: table.depth(), slots, next: prefix + width })
    }
}

/// Why tables do not make an index.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum LoadError {
    /// The tables are not one beside the other.
    #[error("a table for hashes from {found:#x} on where one from {expected:#x} on belongs")]
    Gap {
        /// Where the tables so far end.
        expected: u64,
        /// Where the next one begins.
        found: u64,
    },
    /// There is no such table.
    #[error("no table of depth {depth} begins at {prefix:#x}")]
    Misplaced {
        /// Where it is said to begin.
        prefix: u32,
        /// How many bits its hashes are said to share.
        depth: u32,
    },
    /// An entry is none, or does not belong to its table.
    #[error("a slot that does not belong in its table")]
    Foreign,
    /// The last tables are missing.
    #[error("tables end at {0:#x}")]
    Incomplete(u64),
    /// Tables of a depth that no index would have.
    #[error("a directory of {entries} entries for {tables} tables")]
    Disproportion {
        /// Entries of the directory.
        entries: u64,
        /// Tables it would lead to.
        tables: u64,
    },
}

/// Makes an index of tables as [`Index::copy_table`] hands them out, in that order. Trusts that no key
/// has two entries.
pub(crate) struct IndexLoader {
    trash: Trash,
    leaves: Vec<Leaf>,
    /// Where the tables so far end.
    next: u64,
    depth: u32,
}

impl IndexLoader {
    /// A loader without tables; see [`Index::new`].
    pub(crate) fn new(trash: Trash) -> IndexLoader {
        IndexLoader { trash, leaves: Vec::new(), next: 0, depth: 0 }
    }

    /// Adds the next table.
    ///
    /// # Errors
    /// It is not the next one, or not all of `slots` belong in it.
    pub(crate) fn load_table(
        &mut self,
        prefix: u32,
        depth: u32,
        slots: &[Slot],
    ) -> Result<(), LoadError> {
        let width = END >> depth.min(HASH_BITS);
        let start = u64::from(prefix);
        if depth > HASH_BITS || start >= END || !start.is_multiple_of(width) {
            return Err(LoadError::Misplaced { prefix, depth });
        }
        if start != self.next {
            return Err(LoadError::Gap { expected: self.next, found: start });
        }
        let range = start..start + width;
        if slots.iter().any(|slot| !slot.is_live() || !range.contains(&u64::from(slot.hash()))) {
            return Err(LoadError::Foreign);
        }
        self.leaves.push(Leaf::with(self.leaves.len() as u32, depth, MIN_BITS, slots));
        self.next = range.end;
        self.depth = self.depth.max(depth);
        Ok(())
    }

    /// The index. Without tables it is empty.
    ///
    /// # Errors
    /// The tables do not cover all hashes, or are so narrow that the directory would be huge.
    pub(crate) fn finish(self) -> Result<Index, LoadError> {
        if self.leaves.is_empty() {
            return Ok(Index::new(self.trash));
        }
        if self.next != END {
            return Err(LoadError::Incomplete(self.next));
        }
        let (entries, tables) = (1u64 << self.depth, self.leaves.len() as u64);
        if entries > MODEST_DIRECTORY && entries > tables * ENTRIES_A_TABLE {
            return Err(LoadError::Disproportion { entries, tables });
        }
        let mut owners = Vec::with_capacity(entries as usize);
        for (number, leaf) in self.leaves.iter().enumerate() {
            let width = 1usize << (self.depth - leaf.table().depth());
            owners.extend(std::iter::repeat_n(number, width));
        }
        let table = |prefix: usize| self.leaves[owners[prefix]].table();
        let directory = Directory::build(self.depth, table);
        Ok(Index::of(directory, self.leaves, self.trash))
    }
}
