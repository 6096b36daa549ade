//! From the leading bits of a hash to a table, for the writer and for readers without the lock.

use std::sync::Arc;

use super::slot::{HASH_BITS, Slot};
use super::table::Table;
use crate::prefetch::prefetch;
use crate::sync::{AtomicPtr, Guard, Ordering};

/// `2^depth` tables by the leading `depth` bits of the hash; one that shares fewer bits is there
/// several times.
///
/// The pointers are borrowed from the index, which owns the tables. A clone is the same directory.
#[derive(Clone)]
pub(crate) struct Directory {
    depth: u32,
    tables: Arc<[AtomicPtr<Table>]>,
}

impl Directory {
    /// A directory of one table for all hashes.
    pub(crate) fn new(table: &Arc<Table>) -> Directory {
        Directory { depth: 0, tables: Arc::new([AtomicPtr::new(pointer(table))]) }
    }

    /// A directory of `2^depth` tables: for each prefix the one that `table` gives.
    pub(crate) fn build<'t>(depth: u32, table: impl Fn(usize) -> &'t Arc<Table>) -> Directory {
        let tables = (0..1usize << depth).map(|at| AtomicPtr::new(pointer(table(at)))).collect();
        Directory { depth, tables }
    }

    /// The same tables by one bit more.
    pub(crate) fn doubled(&self) -> Directory {
        let tables = (0..self.tables.len() * 2)
            .map(|at| AtomicPtr::new(self.tables[at / 2].load(Ordering::Relaxed)))
            .collect();
        Directory { depth: self.depth + 1, tables }
    }

    pub(crate) fn depth(&self) -> u32 {
        self.depth
    }

    pub(crate) fn len(&self) -> usize {
        self.tables.len()
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> u64 {
        size_of_val(&*self.tables) as u64
    }

    /// The entry for a hash.
    #[inline]
    pub(crate) fn prefix(&self, hash: u32) -> usize {
        (u64::from(hash) >> (HASH_BITS - self.depth)) as usize
    }

    /// The table of the keys with this prefix.
    ///
    /// # Safety
    /// The tables that were reachable when the caller loaded the pointer to this directory, and
    /// those that have been since, are not freed while the result is used: the caller holds the
    /// shard's lock, or a guard that it had before it loaded that pointer.
    #[inline]
    pub(crate) unsafe fn table(&self, prefix: usize) -> &Table {
        // SAFETY: never null; the table was reachable at some moment since the directory's pointer
        // was loaded, so by this function's promise it is still there.
        unsafe { &*self.tables[prefix].load(Ordering::Acquire) }
    }

    /// Serves the hashes that begin as `hash` does, as far as the table's depth goes, from `table`.
    pub(crate) fn point(&self, hash: u32, table: &Arc<Table>) {
        let width = 1usize << (self.depth - table.depth());
        let first = self.prefix(hash) & !(width - 1);
        for entry in &self.tables[first..first + width] {
            entry.store(pointer(table), Ordering::Release);
        }
    }
}

fn pointer(table: &Arc<Table>) -> *mut Table {
    Arc::as_ptr(table).cast_mut()
}

/// The index as readers see it that do not hold the shard's lock.
///
/// Tables and directories are replaced as a whole: the new one is filled, then published by storing
/// the pointer to it, and the old one is never written again (but for access times) and freed when
/// no guard is left that could have loaded a pointer to it. A search therefore runs in a table that
/// was current at some moment after it began:
///
/// - *A rebuilt or split table*: the old one is frozen in the state in which it was replaced, and
///   who found it through the pointer had begun before.
/// - *A doubled directory*: the old one keeps leading to the tables of the moment when it was
///   replaced. Each of them is current, or frozen at a later moment than that.
///
/// No writer's change comes between filling the new table and the last of the stores that publish it,
/// so it does not matter which of them a reader has seen.
#[derive(Default)]
pub(crate) struct IndexReader {
    /// Null while the index has no table, and when it is gone.
    directory: AtomicPtr<Directory>,
}

impl IndexReader {
    /// Publishes a directory; null when there is none any more.
    pub(crate) fn publish(&self, directory: Option<&Arc<Directory>>) {
        let pointer = directory.map_or(std::ptr::null_mut(), |it| Arc::as_ptr(it).cast_mut());
        self.directory.store(pointer, Ordering::Release);
    }

    #[inline]
    fn table<'g>(&self, hash: u32, _guard: &'g Guard) -> Option<&'g Table> {
        let directory = self.directory.load(Ordering::Acquire);
        // SAFETY: null, or a directory that the index owns or has retired since through the epoch:
        // the guard keeps it.
        let directory: &'g Directory = unsafe { directory.as_ref() }?;
        // SAFETY: the guard is older than the pointer that was just loaded.
        Some(unsafe { directory.table(directory.prefix(hash)) })
    }

    /// Finds the entry with this hash for which `is_key` holds, which compares the record's key.
    ///
    /// The record's address is that of the key's newest value at some moment during the call. The
    /// expiry and size class may be those of a newer one (see `cell.rs`); the record's header and
    /// the holder of the lock know better. `None` means that there was a moment during the call
    /// when the key had no entry. When a batch of writes changes the key twice, the state between is
    /// seen, too.
    #[inline]
    pub(crate) fn find(
        &self,
        hash: u32,
        guard: &Guard,
        is_key: impl FnMut(Slot) -> bool,
    ) -> Option<Slot> {
        self.table(hash, guard)?.find(hash, is_key).map(|(_, slot)| slot)
    }

    /// Notes an access to an entry that [`IndexReader::find`] returned as `slot`, unless it has been
    /// changed since.
    pub(crate) fn touch(&self, hash: u32, slot: Slot, now_s: u32, guard: &Guard) {
        let Some(table) = self.table(hash, guard) else { return };
        if let Some((at, _)) = table.find(hash, |found| found.address() == slot.address()) {
            table.cells()[at].touch(slot, now_s);
        }
    }

    /// Asks for the slots where a search for `hash` begins.
    #[inline]
    pub(crate) fn prefetch(&self, hash: u32, guard: &Guard) {
        if let Some(table) = self.table(hash, guard) {
            prefetch(table.home(hash));
        }
    }
}
