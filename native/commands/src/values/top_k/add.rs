//! Items being counted.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{CELL, Cell, Kept, Parts, Shape, fingerprint};
use crate::values::cells::Draft;
use crate::values::wire::{put_bytes, put_number};

/// Items being counted by a Top-K.
pub struct Addition<'t> {
    shape: Shape,
    table: Draft<'t, CELL>,
    kept: Vec<Kept>,
    /// Places of `kept` that are different now.
    changed: BTreeSet<usize>,
    dice: u64,
}

impl<'t> Addition<'t> {
    /// Counts items with this one; the dice are seeded with `seed`.
    pub fn new(parts: Parts<'t>, seed: u64) -> Addition<'t> {
        let Parts { shape, table, kept } = parts;
        let (table, changed) = (Draft::new(table), BTreeSet::new());
        Addition { shape, table, kept: Arc::unwrap_or_clone(kept), changed, dice: seed }
    }

    /// Counts an item `by` times; returns the item that it displaces.
    pub fn add(&mut self, item: &[u8], by: u32) -> Option<Arc<[u8]>> {
        let count = self.count(item, by);
        let is_full = self.kept.len() as u64 == self.shape.kept;
        if is_full && self.kept.first().is_none_or(|lowest| count < lowest.count) {
            return None;
        }
        let found = self.kept.iter().position(|kept| *kept.item == *item);
        if let Some(place) = found {
            self.put(place, Kept { count, item: Arc::clone(&self.kept[place].item) });
            self.restore(place);
            return None;
        }
        let new = Kept { count, item: Arc::from(item) };
        if !is_full {
            let place = self.kept.len();
            self.kept.push(new);
            self.changed.insert(place);
            self.restore(place);
            return None;
        }
        let displaced = Arc::clone(&self.kept[0].item);
        self.put(0, new);
        self.restore(0);
        Some(displaced)
    }

    /// Counts an item in its cells; the highest count that it has there.
    fn count(&mut self, item: &[u8], by: u32) -> u32 {
        let fingerprint = fingerprint(item);
        let mut highest = 0;
        for place in self.shape.places(item) {
            let cell = Cell::read(self.table.get(place));
            let count = if cell.count == 0 {
                by
            } else if cell.fingerprint == fingerprint {
                cell.count.saturating_add(by)
            } else {
                match self.attack(cell.count, by) {
                    Ok(count) => count,
                    Err(left) => {
                        if left != cell.count {
                            let decayed = Cell { count: left, ..cell };
                            self.table.set(place, decayed.bytes());
                        }
                        continue;
                    }
                }
            };
            self.table.set(place, Cell { fingerprint, count }.bytes());
            highest = highest.max(count);
        }
        highest
    }

    /// Another item's count decays, up to `by` times: what is left of `by` when the cell is free, or
    /// of the count.
    fn attack(&mut self, mut count: u32, by: u32) -> Result<u32, u32> {
        for left in (1..=by).rev() {
            if self.roll() < self.shape.decay.powi(i32::try_from(count).unwrap_or(i32::MAX)) {
                count -= 1;
                if count == 0 {
                    return Ok(left);
                }
            }
        }
        Err(count)
    }

    /// A number from 0 up to 1 (splitmix64, Steele et al., 2014).
    fn roll(&mut self) -> f64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.dice;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ bits >> 31) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn put(&mut self, place: usize, kept: Kept) {
        self.kept[place] = kept;
        self.changed.insert(place);
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.kept.swap(a, b);
        self.changed.extend([a, b]);
    }

    /// Makes a heap of it again after a change at `place`.
    fn restore(&mut self, mut place: usize) {
        let count = |kept: &[Kept], place: usize| kept[place].count;
        while place > 0 && count(&self.kept, place) < count(&self.kept, (place - 1) / 2) {
            self.swap(place, (place - 1) / 2);
            place = (place - 1) / 2;
        }
        loop {
            let children = [2 * place + 1, 2 * place + 2].into_iter();
            let lowest = children
                .filter(|child| *child < self.kept.len())
                .min_by_key(|child| count(&self.kept, *child));
            match lowest {
                Some(child) if count(&self.kept, child) < count(&self.kept, place) => {
                    self.swap(place, child);
                    place = child;
                }
                _ => return,
            }
        }
    }

    /// The delta.
    pub fn into_delta(self) -> Vec<u8> {
        let mut delta = Vec::new();
        self.table.put(&mut delta);
        put_number(&mut delta, self.changed.len() as u64);
        for place in self.changed {
            let Kept { count, item } = &self.kept[place];
            put_number(&mut delta, place as u64);
            put_number(&mut delta, u64::from(*count));
            put_bytes(&mut delta, item);
        }
        delta
    }
}
