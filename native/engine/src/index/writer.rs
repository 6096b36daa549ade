//! The index as its writer has it, the holder of the shard's lock.

use std::any::Any;
use std::sync::Arc;

use super::directory::{Directory, IndexReader};
use super::leaf::{Leaf, Room};
use super::size::{MAX_BITS, MIN_BITS};
use super::slot::{HASH_BITS, Slot};
use super::table::{Table, UNITS};
use crate::log::Trash;
use crate::prefetch::prefetch;
use crate::sync::pin;

/// A directory never has more entries for each table than this: beyond, tables grow instead of
/// being split. Hashes that are spread evenly do not come near it.
const DIRECTORY_SHARE: usize = 16;
/// What `due` says of a table in which nothing will expire.
pub(crate) const NEVER: u32 = u32::MAX;

/// An index of one key space of one shard.
pub(crate) struct Index {
    /// What readers without the lock have.
    reader: Arc<IndexReader>,
    published: Option<Arc<Directory>>,
    /// The same directory, one pointer nearer.
    directory: Option<Directory>,
    leaves: Vec<Leaf>,
    /// For each leaf a time, Unix seconds, before which none of its entries expires.
    due: Vec<u32>,
    len: u64,
    /// Of the tables.
    bytes: u64,
    trash: Trash,
}

/// A place in the index. Void after any change of the index but of the slot itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    table: u32,
    at: u32,
}

impl Index {
    /// An index without keys. Memory that a reader could be using goes to `trash`.
    pub(crate) fn new(trash: Trash) -> Index {
        Index {
            reader: Arc::default(),
            published: None,
            directory: None,
            leaves: Vec::new(),
            due: Vec::new(),
            len: 0,
            bytes: 0,
            trash,
        }
    }

    /// An index of these leaves, `directory` leading to them.
    pub(super) fn of(directory: Directory, leaves: Vec<Leaf>, trash: Trash) -> Index {
        let due = leaves.iter().map(|leaf| earliest(leaf.table().entries())).collect();
        let len = leaves.iter().map(|leaf| u64::from(leaf.live())).sum();
        let bytes = leaves.iter().map(|leaf| leaf.table().bytes()).sum();
        let (reader, published) = (Arc::new(IndexReader::default()), Arc::new(directory.clone()));
        reader.publish(Some(&published));
        let (published, directory) = (Some(published), Some(directory));
        Index { reader, published, directory, leaves, due, len, bytes, trash }
    }

    /// The index for who does not hold the shard's lock. It goes empty when the index is dropped.
    pub(crate) fn reader(&self) -> Arc<IndexReader> {
        Arc::clone(&self.reader)
    }

    /// Number of keys.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> u64 {
        let due = self.due.capacity() * size_of::<u32>();
        self.bytes + due as u64 + self.directory.as_ref().map_or(0, Directory::bytes)
    }

    /// Number of tables; they are numbered from 0.
    pub(crate) fn tables(&self) -> usize {
        self.leaves.len()
    }

    pub(super) fn directory(&self) -> Option<&Directory> {
        self.directory.as_ref()
    }

    /// The table of the keys with this prefix of the directory.
    pub(super) fn table_at<'i>(&'i self, directory: &'i Directory, prefix: usize) -> &'i Table {
        // SAFETY: tables are freed by methods that need `&mut self`.
        unsafe { directory.table(prefix) }
    }

    #[inline]
    fn table_of(&self, hash: u32) -> Option<&Table> {
        let directory = self.directory()?;
        Some(self.table_at(directory, directory.prefix(hash)))
    }

    /// Asks for the slots where a search for `hash` begins.
    #[inline]
    pub(crate) fn prefetch(&self, hash: u32) {
        if let Some(table) = self.table_of(hash) {
            prefetch(table.home(hash));
        }
    }

    /// Finds the entry with this hash for which `is_key` holds.
    #[inline]
    pub(crate) fn find(&self, hash: u32, is_key: impl FnMut(Slot) -> bool) -> Option<Place> {
        self.find_slot(hash, is_key).map(|(place, _)| place)
    }

    /// [`Index::find`] with the entry.
    #[inline]
    pub(crate) fn find_slot(
        &self,
        hash: u32,
        is_key: impl FnMut(Slot) -> bool,
    ) -> Option<(Place, Slot)> {
        let table = self.table_of(hash)?;
        let (at, slot) = table.find(hash, is_key)?;
        Some((Place { table: table.number(), at: at as u32 }, slot))
    }

    fn table(&self, number: u32) -> &Table {
        self.leaves[number as usize].table()
    }

    pub(crate) fn slot(&self, place: Place) -> Slot {
        self.table(place.table).cells()[place.at as usize].load()
    }

    /// Replaces the entry at `place` by another one of the same key.
    pub(crate) fn set(&mut self, place: Place, slot: Slot) {
        debug_assert_eq!(self.slot(place).hash(), slot.hash(), "another key");
        self.note_expiry(place.table, slot);
        self.table(place.table).cells()[place.at as usize].store(slot);
    }

    /// Notes an access to the entry at `place`.
    pub(crate) fn touch(&self, place: Place, now_s: u32) {
        self.table(place.table).cells()[place.at as usize].touch(self.slot(place), now_s);
    }

    fn note_expiry(&mut self, number: u32, slot: Slot) {
        let expiry_s = slot.expiry_s();
        if expiry_s != 0 {
            let due = &mut self.due[number as usize];
            *due = expiry_s.min(*due);
        }
    }

    /// Adds an entry for a key that is not there.
    pub(crate) fn insert(&mut self, slot: Slot) {
        let number = self.make_room(slot.hash());
        self.note_expiry(number, slot);
        self.leaves[number as usize].insert(slot);
        self.len += 1;
    }

    pub(crate) fn remove(&mut self, place: Place) {
        self.leaves[place.table as usize].remove(place.at as usize);
        self.len -= 1;
    }

    /// Makes sure that a key with this hash fits in its table, and returns the table's number.
    fn make_room(&mut self, hash: u32) -> u32 {
        loop {
            let Some(number) = self.table_of(hash).map(Table::number) else {
                self.begin();
                continue;
            };
            let leaf = &self.leaves[number as usize];
            match leaf.room() {
                Room::Free => return number,
                Room::Rebuild(bits) => self.replace(leaf.rebuilt(bits), hash),
                Room::Full if self.split(hash, number) => {}
                // More keys whose hashes are the same, or nearly, than a table usually holds.
                Room::Full => {
                    let leaf = &self.leaves[number as usize];
                    self.replace(leaf.rebuilt(leaf.table().bits() + 1), hash);
                }
            }
        }
    }

    /// Makes the first table.
    fn begin(&mut self) {
        let leaf = Leaf::new(0, 0, MIN_BITS);
        self.bytes = leaf.table().bytes();
        self.publish(Directory::new(leaf.table()));
        self.leaves.push(leaf);
        self.due.push(NEVER);
    }

    /// Puts `leaf` in the place of the one with the same number, to which `hash` belongs.
    fn replace(&mut self, leaf: Leaf, hash: u32) {
        if let Some(directory) = &self.directory {
            directory.point(hash, leaf.table());
        }
        let number = leaf.table().number() as usize;
        self.bytes += leaf.table().bytes();
        let old = std::mem::replace(&mut self.leaves[number], leaf);
        self.bytes -= old.table().bytes();
        self.retire(old.into_table());
    }

    /// Splits the table of `hash` in two; false if that would not help, or the directory would grow
    /// out of proportion.
    fn split(&mut self, hash: u32, number: u32) -> bool {
        let Some(directory) = &self.directory else { return false };
        let leaf = &self.leaves[number as usize];
        let depth = leaf.table().depth();
        let is_deep = depth == directory.depth();
        if is_deep && directory.len() * 2 > (self.leaves.len() + 1) * DIRECTORY_SHARE {
            return false;
        }
        let Some((zero, one)) = leaf.split(self.leaves.len() as u32) else { return false };
        if is_deep {
            let doubled = directory.doubled();
            self.publish(doubled);
        }
        if let Some(directory) = &self.directory {
            directory.point(hash | 1 << (HASH_BITS - 1 - depth), one.table());
        }
        self.bytes += one.table().bytes();
        self.leaves.push(one);
        self.due.push(self.due[number as usize]);
        self.replace(zero, hash & !(1 << (HASH_BITS - 1 - depth)));
        true
    }

    /// Makes `directory` the one that everybody uses from now on.
    fn publish(&mut self, directory: Directory) {
        let published = Arc::new(directory.clone());
        self.reader.publish(Some(&published));
        self.directory = Some(directory);
        if let Some(old) = self.published.replace(published) {
            self.retire(old);
        }
    }

    /// Frees what is no longer reachable: at once when nobody can read without the lock, else when
    /// no reader can be using it any more, where the bin is emptied.
    fn retire(&mut self, old: Retired) {
        if Arc::get_mut(&mut self.reader).is_some() {
            return;
        }
        let trash = self.trash.clone();
        let guard = pin();
        guard.defer(move || trash.put(old));
        guard.flush();
    }

    /// Visits about `budget` entries from `cursor` on. Returns the next cursor, 0 at the end, and
    /// how much of the budget was used: an entry counts as one, and so do sixteen empty places.
    ///
    /// Entries are visited in the order of (directory prefix, low bits of the hash). A split or a
    /// growing table only refines that order, so an entry that is there during the whole iteration is
    /// visited at least once; some may be visited twice. Entries whose hashes agree in all these
    /// bits are visited together, whatever the budget.
    pub(crate) fn scan(
        &self,
        cursor: u64,
        budget: usize,
        mut visit: impl FnMut(Slot),
    ) -> (u64, usize) {
        let mut prefix = (cursor >> MAX_BITS) as usize;
        let mut unit = (cursor & (UNITS as u64 - 1)) as usize;
        let Some(directory) = self.directory() else { return (0, 0) };
        // The cursor's prefix always has HASH_BITS bits, so it keeps its meaning when the directory doubles.
        let mut seen = 0;
        while prefix < 1 << HASH_BITS {
            let table = self.table_at(directory, directory.prefix(prefix as u32));
            while unit < table.units() {
                if seen >= budget {
                    return ((prefix as u64) << MAX_BITS | unit as u64, seen);
                }
                for slot in table.in_unit(unit) {
                    visit(slot);
                    seen += 1;
                }
                seen += usize::from(unit % 16 == 15);
                unit += 1;
            }
            let width = 1usize << (HASH_BITS - table.depth());
            prefix = (prefix & !(width - 1)) + width;
            unit = 0;
        }
        (0, seen)
    }

    /// The entries of one table.
    pub(crate) fn entries(&self, number: usize) -> impl Iterator<Item = Slot> + '_ {
        self.leaves.get(number).into_iter().flat_map(|leaf| leaf.table().entries())
    }

    /// The next table from `from` on that may have an entry that expires before `before_s`, Unix
    /// seconds. Looks at one number a table, and at `most` tables; else says where to go on.
    pub(crate) fn next_due(&self, from: usize, most: usize, before_s: u32) -> Due {
        let end = self.due.len().min(from.saturating_add(most));
        match self.due.get(from..end).and_then(|due| due.iter().position(|&due| due < before_s)) {
            Some(step) => Due::Table(from + step),
            None if end < self.due.len() => Due::GoOn(end),
            None => Due::Nothing,
        }
    }

    /// Visits the entries of one table, which may be given other access times, and removes those for
    /// which `keep` says false. Returns the number of slots that were looked at.
    pub(crate) fn retain_in_table(
        &mut self,
        number: usize,
        mut keep: impl FnMut(&mut Slot) -> bool,
    ) -> usize {
        let Some(leaf) = self.leaves.get_mut(number) else { return 0 };
        let table = Arc::clone(leaf.table());
        let mut due = NEVER;
        for (at, cell) in table.cells().iter().enumerate() {
            let old = cell.load();
            let mut slot = old;
            if !old.is_live() {
                continue;
            }
            if !keep(&mut slot) {
                leaf.remove(at);
                self.len -= 1;
                continue;
            }
            due = due.min(earliest(std::iter::once(slot)));
            cell.retouch(old, slot);
        }
        self.due[number] = due;
        table.cells().len()
    }

    /// A live entry near a place chosen by `dice`, if the index is not empty.
    pub(crate) fn random(&self, dice: u64) -> Option<Slot> {
        if self.len == 0 {
            return None;
        }
        let directory = self.directory()?;
        // Tables fill evenly, but young ones are small: choose by prefix, then walk on.
        let start = directory.prefix((dice >> 33) as u32);
        (0..directory.len())
            .map(|step| self.table_at(directory, (start + step) % directory.len()))
            .find(|table| self.leaves[table.number() as usize].live() > 0)
            .and_then(|table| {
                let cells = table.cells();
                let first = dice as usize % cells.len();
                (0..cells.len())
                    .map(|step| cells[(first + step) % cells.len()].load())
                    .find(|slot| slot.is_live())
            })
    }
}

/// A table, a directory, or all of an index.
type Retired = Arc<dyn Any + Send + Sync>;

/// What [`Index::next_due`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// The table with this number.
    Table(usize),
    /// Nothing so far; more tables begin here.
    GoOn(usize),
    /// Nothing.
    Nothing,
}

/// The earliest expiry of some entries as far as the index knows it: an entry whose expiry is not to
/// be told from later times does not expire here.
fn earliest(slots: impl Iterator<Item = Slot>) -> u32 {
    slots.map(Slot::expiry_s).filter(|&expiry_s| expiry_s != 0).min().unwrap_or(NEVER)
}

impl Drop for Index {
    fn drop(&mut self) {
        self.reader.publish(None);
        let tables: Vec<Arc<Table>> = self.leaves.drain(..).map(Leaf::into_table).collect();
        let directory = self.published.take();
        if directory.is_some() {
            self.retire(Arc::new((directory, tables)));
        }
    }
}
