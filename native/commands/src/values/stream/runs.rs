//! A sorted sequence in runs that are shared with its copies until one of them changes.

use std::collections::VecDeque;
use std::sync::Arc;

use super::Id;

/// Most elements of a run.
const MAX_RUN: usize = 128;

/// What a sequence is sorted by; no two elements have the same.
pub trait Ordered: Clone {
    /// The element's place in the order.
    fn id(&self) -> Id;
}

impl Ordered for Id {
    fn id(&self) -> Id {
        *self
    }
}

/// A sorted sequence. A clone costs one reference per run.
#[derive(Clone)]
pub struct Runs<T> {
    /// None is empty.
    runs: VecDeque<Arc<Vec<T>>>,
    len: usize,
}

impl<T> Default for Runs<T> {
    fn default() -> Runs<T> {
        Runs { runs: VecDeque::new(), len: 0 }
    }
}

/// The place of an element: its run, and its number in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    run: usize,
    at: usize,
}

impl<T: Ordered> Runs<T> {
    /// Number of elements.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The least element.
    pub fn first(&self) -> Option<&T> {
        self.runs.front()?.first()
    }

    /// The greatest element.
    pub fn last(&self) -> Option<&T> {
        self.runs.back()?.last()
    }

    /// The greatest element, to be changed in anything but its place.
    pub fn last_mut(&mut self) -> Option<&mut T> {
        Arc::make_mut(self.runs.back_mut()?).last_mut()
    }

    /// The element with this place in the order.
    pub fn get(&self, id: Id) -> Option<&T> {
        let Place { run, at } = self.find(id).ok()?;
        self.runs[run].get(at)
    }

    /// [`Runs::get`], to be changed in anything but its place.
    pub fn get_mut(&mut self, id: Id) -> Option<&mut T> {
        let Place { run, at } = self.find(id).ok()?;
        Arc::make_mut(&mut self.runs[run]).get_mut(at)
    }

    /// The last element that is not after `id`.
    pub fn floor(&self, id: Id) -> Option<&T> {
        let run = self.run_of(id)?;
        let end = self.runs[run].partition_point(|item| item.id() <= id);
        self.runs[run].get(end.checked_sub(1)?)
    }

    /// Adds an element; returns the one that it takes the place of.
    pub fn insert(&mut self, item: T) -> Option<T> {
        match self.find(item.id()) {
            Ok(Place { run, at }) => {
                let place = &mut Arc::make_mut(&mut self.runs[run])[at];
                Some(std::mem::replace(place, item))
            }
            Err(place) => {
                self.insert_at(place, item);
                None
            }
        }
    }

    fn insert_at(&mut self, Place { run, at }: Place, item: T) {
        self.len += 1;
        let Some(shared) = self.runs.get_mut(run) else {
            self.runs.push_back(Arc::new(vec![item]));
            return;
        };
        if shared.len() < MAX_RUN {
            Arc::make_mut(shared).insert(at, item);
            return;
        }
        let items = Arc::make_mut(shared);
        // What only ever grows at its end gets full runs.
        let split = if at == items.len() { at } else { items.len() / 2 };
        let mut rest = items.split_off(split);
        items.shrink_to_fit();
        if at < split {
            items.insert(at, item);
        } else {
            rest.insert(at - split, item);
        }
        self.runs.insert(run + 1, Arc::new(rest));
    }

    /// Removes the element with this place in the order.
    pub fn remove(&mut self, id: Id) -> Option<T> {
        let Place { run, at } = self.find(id).ok()?;
        let items = Arc::make_mut(&mut self.runs[run]);
        let item = items.remove(at);
        self.len -= 1;
        if items.is_empty() {
            self.runs.remove(run);
        } else {
            self.join(run);
        }
        Some(item)
    }

    /// Keeps the elements that `keep` says; the others' runs are made anew.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        for run in &mut self.runs {
            if !run.iter().all(&mut keep) {
                *run = Arc::new(run.iter().filter(|item| keep(item)).cloned().collect());
            }
        }
        self.runs.retain(|run| !run.is_empty());
        self.len = self.runs.iter().map(|run| run.len()).sum();
    }

    /// Moves what is left of a run to the one before it when that has plenty of room, so that there
    /// are never many small runs.
    fn join(&mut self, run: usize) {
        let Some(before) = run.checked_sub(1) else { return };
        if self.runs[before].len() + self.runs[run].len() > MAX_RUN / 2 {
            return;
        }
        if let Some(items) = self.runs.remove(run) {
            Arc::make_mut(&mut self.runs[before]).extend_from_slice(&items);
        }
    }

    /// The elements that are not before `id`, in order.
    pub fn from(&self, id: Id) -> Iter<'_, T> {
        match self.find(id) {
            Ok(place) | Err(place) => self.iter_at(place),
        }
    }

    /// [`Runs::from`], and the element before `id`.
    pub fn from_floor(&self, id: Id) -> Iter<'_, T> {
        match self.floor(id) {
            Some(item) => self.from(item.id()),
            None => self.iter(),
        }
    }

    /// All elements in order.
    pub fn iter(&self) -> Iter<'_, T> {
        self.iter_at(Place { run: 0, at: 0 })
    }

    fn iter_at(&self, Place { run, at }: Place) -> Iter<'_, T> {
        Iter { runs: &self.runs, run, at }
    }

    /// The elements that are not after `id`, the greatest first.
    pub fn back_from(&self, id: Id) -> impl Iterator<Item = &T> {
        let (runs, end) = match self.run_of(id) {
            Some(run) => (run + 1, self.runs[run].partition_point(|item| item.id() <= id)),
            None => (0, 0),
        };
        let whole = runs.saturating_sub(1);
        let part = self.runs.get(whole).map_or(&[][..], |items| &items[..end]);
        part.iter().rev().chain(self.runs.range(..whole).rev().flat_map(|items| items.iter().rev()))
    }

    /// The elements from the `run`-th run on that make up about one run, for whoever takes all of
    /// them a piece at a time.
    pub fn run(&self, run: usize) -> Option<&[T]> {
        self.runs.get(run).map(|items| items.as_slice())
    }

    /// Number of the run in which an element with this place is, or would be.
    fn run_of(&self, id: Id) -> Option<usize> {
        // Most often it is the last.
        let last = self.runs.len().checked_sub(1)?;
        if starts_by(&self.runs[last], id) {
            return Some(last);
        }
        self.runs.partition_point(|items| starts_by(items, id)).checked_sub(1)
    }

    /// Where the element with this place is, or else would be.
    fn find(&self, id: Id) -> Result<Place, Place> {
        let Some(run) = self.run_of(id) else { return Err(Place { run: 0, at: 0 }) };
        let items = &self.runs[run];
        if items.last().is_some_and(|last| last.id() < id) {
            return Err(Place { run, at: items.len() });
        }
        match items.binary_search_by_key(&id, T::id) {
            Ok(at) => Ok(Place { run, at }),
            Err(at) => Err(Place { run, at }),
        }
    }
}

fn starts_by<T: Ordered>(items: &[T], id: Id) -> bool {
    items.first().is_some_and(|first| first.id() <= id)
}

/// Elements in order.
pub struct Iter<'a, T> {
    runs: &'a VecDeque<Arc<Vec<T>>>,
    run: usize,
    at: usize,
}

impl<'a, T> Iterator for Iter<'a, T> {
    type Item = &'a T;

    #[inline]
    fn next(&mut self) -> Option<&'a T> {
        loop {
            let items = self.runs.get(self.run)?;
            if let Some(item) = items.get(self.at) {
                self.at += 1;
                return Some(item);
            }
            (self.run, self.at) = (self.run + 1, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// Few places, so that elements meet; runs are full from 128 on.
    const SPAN: u64 = 700;

    fn check(runs: &Runs<Id>, model: &BTreeSet<Id>, probe: Id) {
        assert_eq!(runs.len(), model.len());
        assert!(runs.iter().eq(model.iter()));
        assert_eq!(runs.first(), model.first());
        assert_eq!(runs.last(), model.last());
        assert!(runs.from(probe).eq(model.range(probe..)));
        assert!(runs.back_from(probe).eq(model.range(..=probe).rev()));
        assert_eq!(runs.floor(probe), model.range(..=probe).next_back());
        assert_eq!(runs.get(probe), model.get(&probe));
        assert!(runs.runs.iter().all(|run| !run.is_empty() && run.len() <= MAX_RUN));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn is_a_sorted_set(
            start in 0..SPAN,
            steps in prop::collection::vec((0..SPAN, prop::bool::weighted(0.4)), 0..1500),
        ) {
            let mut runs = Runs::default();
            let mut model = BTreeSet::new();
            for n in 0..start {
                runs.insert(Id::new(n, 0));
                model.insert(Id::new(n, 0));
            }
            let (frozen, as_it_was) = (runs.clone(), model.clone());
            for (n, add) in steps {
                let id = Id::new(n, 0);
                if add {
                    prop_assert_eq!(runs.insert(id).is_none(), model.insert(id));
                } else {
                    prop_assert_eq!(runs.remove(id).is_some(), model.remove(&id));
                }
            }
            for probe in [0, 1, SPAN / 2, SPAN] {
                check(&runs, &model, Id::new(probe, 0));
                check(&frozen, &as_it_was, Id::new(probe, 0));
            }
            runs.retain(|id| id.ms % 3 > 0);
            model.retain(|id| id.ms % 3 > 0);
            check(&runs, &model, Id::new(SPAN / 2, 0));
            while let Some(first) = runs.first().copied() {
                prop_assert_eq!(runs.remove(first), model.pop_first());
            }
            prop_assert!(model.is_empty());
        }
    }

    #[test]
    fn what_grows_at_its_end_has_full_runs() {
        let mut runs = Runs::default();
        for n in 0..1000 {
            runs.insert(Id::new(n, 0));
        }
        assert_eq!(runs.runs.len(), 1000usize.div_ceil(MAX_RUN));
    }
}
