//! One open-addressed table of slots: the part of a leaf of the index that readers see.

use super::cell::{Cell, Probe};
use super::size::MAX_BITS;
use super::slot::Slot;

/// Slots for the keys whose hash begins with one prefix of `depth` bits. Placed by the low hash
/// bits, probed linearly; at most 7/8 of the slots are ever used, so a probe ends.
///
/// **Readers without the lock.** An entry does not move within a table, and between two stores of
/// the writer no slot from its home to its own is empty. So a search that passes every slot from
/// the home on, each at its own moment, passes the entry of a key that is there all the time; if it
/// comes to an end without, then at the moment it looked at the slot where the key is now, or was,
/// the key was not there. A table that is no longer reachable is not changed any more, but for
/// access times: who still searches it began before it was replaced, and finds its state as of
/// then.
pub(crate) struct Table {
    cells: Box<[Cell]>,
    depth: u32,
    number: u32,
}

/// Scan cursors divide a table by this many low bits of the hash at most: places of a larger table
/// that agree in them are visited together.
pub(crate) const UNITS: usize = 1 << MAX_BITS;

impl Table {
    /// An empty table of `2^bits` slots, the `number`-th of its index.
    pub(crate) fn new(number: u32, depth: u32, bits: u32) -> Table {
        Table { cells: (0..1usize << bits).map(|_| Cell::empty()).collect(), depth, number }
    }

    /// How many leading hash bits the keys of this table share.
    pub(crate) fn depth(&self) -> u32 {
        self.depth
    }

    /// Its number in the index.
    pub(crate) fn number(&self) -> u32 {
        self.number
    }

    pub(crate) fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// log2 of the number of slots.
    pub(crate) fn bits(&self) -> u32 {
        self.cells.len().trailing_zeros()
    }

    fn mask(&self) -> usize {
        self.cells.len() - 1
    }

    /// The slot where a search for `hash` begins.
    #[inline]
    pub(crate) fn home(&self, hash: u32) -> &Cell {
        &self.cells[hash as usize & self.mask()]
    }

    /// Finds the entry with this hash for which `is_key` holds, and where it is.
    #[inline]
    pub(crate) fn find(
        &self,
        hash: u32,
        mut is_key: impl FnMut(Slot) -> bool,
    ) -> Option<(usize, Slot)> {
        let mask = self.mask();
        let mut at = hash as usize & mask;
        // Bounded for readers without the lock: the empty slot may always be elsewhere.
        for _ in 0..self.cells.len() {
            match self.cells[at].probe(hash) {
                Probe::Match(slot) if is_key(slot) => return Some((at, slot)),
                Probe::End => return None,
                Probe::Match(_) | Probe::Other => at = (at + 1) & mask,
            }
        }
        None
    }

    /// The slot for a new entry with this hash: the first one on its way that holds none.
    pub(crate) fn vacancy(&self, hash: u32) -> usize {
        let mask = self.mask();
        let mut at = hash as usize & mask;
        while self.cells[at].load().is_live() {
            at = (at + 1) & mask;
        }
        at
    }

    /// Whether the slot behind `at` was never used.
    pub(crate) fn ends_behind(&self, at: usize) -> bool {
        self.cells[(at + 1) & self.mask()].load().is_empty()
    }

    /// All entries.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Slot> + '_ {
        self.cells.iter().map(Cell::load).filter(|slot| slot.is_live())
    }

    /// Number of units a scan divides the table into.
    pub(crate) fn units(&self) -> usize {
        self.cells.len().min(UNITS)
    }

    /// The entries of one unit: those whose hash has these low bits.
    pub(crate) fn in_unit(&self, unit: usize) -> impl Iterator<Item = Slot> + '_ {
        (unit..self.cells.len()).step_by(UNITS).flat_map(|home| self.with_home(home))
    }

    /// Entries whose probe begins at `home`.
    fn with_home(&self, home: usize) -> impl Iterator<Item = Slot> + '_ {
        let mask = self.mask();
        (0..self.cells.len())
            .map(move |step| self.cells[(home + step) & mask].load())
            .take_while(|slot| !slot.is_empty())
            .filter(move |slot| slot.is_live() && slot.hash() as usize & mask == home)
    }

    /// Bytes of memory.
    pub(crate) fn bytes(&self) -> u64 {
        size_of_val(&*self.cells) as u64
    }
}
