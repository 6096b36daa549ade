//! Changing a cuckoo filter.

use smallvec::SmallVec;

use super::{COUNTS, GROW, Parts, Print, SET, SHRINK, Shape, bucket, other_home};
use crate::values::cells::{self, Draft};
use crate::values::wire::put_number;

/// What became of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It is in the filter now, once more than before.
    Yes,
    /// There is no room, and the filter does not grow.
    Full,
    /// There is no room, and the filter is as large as a filter may be.
    TooLarge,
}

/// Items being added to a filter or deleted from it.
pub struct Edit<'c> {
    shape: Shape,
    items: u64,
    deletes: u64,
    /// Layers that the filter had at first.
    before: usize,
    layers: SmallVec<[Layer<'c>; 4]>,
    changed: bool,
}

struct Layer<'c> {
    buckets: u64,
    draft: Draft<'c, 1>,
}

impl Layer<'_> {
    fn find(&self, at: std::ops::Range<usize>, print: u8) -> Option<usize> {
        at.into_iter().find(|&at| self.draft.get(at) == [print])
    }
}

impl<'c> Edit<'c> {
    /// Changes this filter.
    pub fn new(parts: Parts<'c>) -> Edit<'c> {
        let Parts { shape, items, deletes, layers } = parts;
        let size = u64::from(shape.bucket_size);
        let layers: SmallVec<[Layer<'c>; 4]> = layers
            .into_iter()
            .map(|cells| Layer { buckets: cells.len() as u64 / size, draft: Draft::new(cells) })
            .collect();
        Edit { shape, items, deletes, before: layers.len(), layers, changed: false }
    }

    fn bucket(&self, layer: usize, home: u64) -> std::ops::Range<usize> {
        bucket(home, self.layers[layer].buckets, self.shape.bucket_size)
    }

    /// Where a fingerprint (0: a free place) is in one of two buckets of a layer.
    fn find(&self, layer: usize, homes: [u64; 2], print: u8) -> Option<usize> {
        homes.iter().find_map(|&home| self.layers[layer].find(self.bucket(layer, home), print))
    }

    /// Whether an item is probably in the filter.
    pub fn contains(&self, item: &[u8]) -> bool {
        let Print { print, homes } = Print::new(item);
        (0..self.layers.len()).any(|layer| self.find(layer, homes, print).is_some())
    }

    /// Adds an item, newest layers first.
    pub fn insert(&mut self, item: &[u8]) -> Inserted {
        let Print { print, homes } = Print::new(item);
        let free = (0..self.layers.len())
            .rev()
            .find_map(|layer| Some((layer, self.find(layer, homes, 0)?)));
        match free {
            Some((layer, at)) => self.layers[layer].draft.set(at, [print]),
            None if self.move_about(Print { print, homes }) => {}
            None if self.shape.expansion == 0 => return Inserted::Full,
            None => {
                let Some(layer) = self.grow() else { return Inserted::TooLarge };
                let at = self.bucket(layer, homes[0]).start;
                self.layers[layer].draft.set(at, [print]);
            }
        }
        self.items += 1;
        self.changed = true;
        Inserted::Yes
    }

    /// Makes room in the newest layer by moving fingerprints to their other buckets, and puts the
    /// new one there. If there is none after so many moves, everything goes back to where it was.
    fn move_about(&mut self, new: Print) -> bool {
        let layer = self.layers.len() - 1;
        let buckets = self.layers[layer].buckets;
        let (mut print, mut home) = (new.print, new.homes[0] % buckets);
        let (mut victim, mut moves) = (0, Vec::new());
        for _ in 0..self.shape.max_iterations {
            let at = self.bucket(layer, home).start + victim;
            let draft = &mut self.layers[layer].draft;
            let [evicted] = draft.get(at);
            draft.set(at, [print]);
            moves.push((at, evicted));
            print = evicted;
            home = other_home(print, home) % buckets;
            if let Some(free) = self.layers[layer].find(self.bucket(layer, home), 0) {
                self.layers[layer].draft.set(free, [print]);
                return true;
            }
            victim = (victim + 1) % usize::from(self.shape.bucket_size);
        }
        for (at, evicted) in moves.into_iter().rev() {
            self.layers[layer].draft.set(at, [evicted]);
        }
        false
    }

    fn grow(&mut self) -> Option<usize> {
        let number = self.layers.len();
        self.shape.bytes_of(number + 1)?;
        let buckets = self.shape.layer_buckets(number)?;
        let zeros = cells::View::zeros(self.shape.layer_bytes(number)? as usize);
        self.layers.push(Layer { buckets, draft: Draft::new(zeros) });
        Some(number)
    }

    /// Takes an item out once, newest layers first; whether it was there.
    pub fn delete(&mut self, item: &[u8]) -> bool {
        let Print { print, homes } = Print::new(item);
        let found = (0..self.layers.len())
            .rev()
            .find_map(|layer| Some((layer, self.find(layer, homes, print)?)));
        let Some((layer, at)) = found else { return false };
        self.layers[layer].draft.set(at, [0]);
        self.items = self.items.saturating_sub(1);
        self.deletes += 1;
        self.changed = true;
        true
    }

    /// Bytes that [`Edit::compact`] will look at now: 0 if too little was deleted for it to be worth
    /// while.
    pub fn compactable(&self) -> usize {
        let worth = self.layers.len() > 1 && self.deletes as f64 > self.items as f64 * 0.1;
        let last = self.layers.last().filter(|_| worth);
        last.map_or(0, |layer| layer.buckets as usize * usize::from(self.shape.bucket_size))
    }

    /// Moves fingerprints from the newest layers to free places of older ones; layers that become
    /// empty go. Ends with the first that does not.
    pub fn compact(&mut self) {
        while self.layers.len() > 1 && self.empty_last() {
            self.layers.pop();
        }
        self.deletes = 0;
        self.changed = true;
    }

    /// Whether all fingerprints of the newest layer found another place.
    fn empty_last(&mut self) -> bool {
        let last = self.layers.len() - 1;
        let size = usize::from(self.shape.bucket_size);
        let mut emptied = true;
        for at in 0..self.layers[last].buckets as usize * size {
            let [print] = self.layers[last].draft.get(at);
            if print == 0 {
                continue;
            }
            let home = (at / size) as u64;
            let homes = [home, other_home(print, home)];
            let free = (0..last).find_map(|layer| Some((layer, self.find(layer, homes, 0)?)));
            match free {
                Some((layer, place)) => {
                    self.layers[layer].draft.set(place, [print]);
                    self.layers[last].draft.set(at, [0]);
                }
                None => emptied = false,
            }
        }
        emptied
    }

    /// The delta; `None` if nothing has changed.
    pub fn into_delta(self) -> Option<Vec<u8>> {
        let mut delta = Vec::new();
        if !self.changed {
            return None;
        }
        delta.extend(std::iter::repeat_n(SHRINK, self.before.saturating_sub(self.layers.len())));
        for (number, layer) in self.layers.iter().enumerate() {
            if number >= self.before {
                delta.push(GROW);
            }
            if !layer.draft.is_empty() {
                delta.push(SET);
                put_number(&mut delta, number as u64);
                layer.draft.put(&mut delta);
            }
        }
        delta.push(COUNTS);
        put_number(&mut delta, self.items);
        put_number(&mut delta, self.deletes);
        Some(delta)
    }
}
