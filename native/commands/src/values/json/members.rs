//! The members of a JSON object, in the order in which they were added.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, LazyLock};

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::Json;

/// Members that are looked for one by one; more are hashed.
const FEW: usize = 16;

/// Drawn anew for each process, so that nobody can prepare names which all collide.
static SEED: LazyLock<u64> = LazyLock::new(|| RandomState::new().hash_one(0u8));

fn hash(name: &str) -> u64 {
    xxh3_64_with_seed(name.as_bytes(), *SEED)
}

/// Names and values. A removed member's place is taken by the last one, as in RedisJSON.
#[derive(Clone, Debug, Default)]
pub struct Members {
    entries: Vec<(Arc<str>, Json)>,
    /// Places in `entries` by hash; empty for few.
    places: HashTable<usize>,
}

impl Members {
    /// None, with room for some.
    pub fn with_capacity(count: usize) -> Members {
        Members { entries: Vec::with_capacity(count), places: HashTable::new() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Json)> {
        self.entries.iter().map(|(name, value)| (&**name, value))
    }

    /// The one at a place.
    pub fn at(&self, place: usize) -> Option<(&str, &Json)> {
        self.entries.get(place).map(|(name, value)| (&**name, value))
    }

    /// A value by name.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.entry(name).map(|(_, value)| value)
    }

    /// A member by name.
    pub fn entry(&self, name: &str) -> Option<(&str, &Json)> {
        self.at(self.place(name)?)
    }

    /// A value by name, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Json> {
        let place = self.place(name)?;
        self.entries.get_mut(place).map(|(_, value)| value)
    }

    /// Sets a member; returns the value that it had.
    pub fn insert(&mut self, name: &str, value: Json) -> Option<Json> {
        if let Some(old) = self.get_mut(name) {
            return Some(std::mem::replace(old, value));
        }
        self.entries.push((Arc::from(name), value));
        if self.entries.len() > FEW || !self.places.is_empty() {
            self.note_places();
        }
        None
    }

    /// Removes a member; returns its value.
    pub fn remove(&mut self, name: &str) -> Option<Json> {
        let place = self.place(name)?;
        if !self.places.is_empty() {
            self.move_place(name, place);
        }
        Some(self.entries.swap_remove(place).1)
    }

    /// Memory of the members, in bytes, without what is behind pointers.
    pub fn heap_bytes(&self) -> usize {
        self.entries.capacity() * size_of::<(Arc<str>, Json)>() + self.places.allocation_size()
    }

    fn place(&self, name: &str) -> Option<usize> {
        if self.places.is_empty() {
            return self.entries.iter().position(|(other, _)| &**other == name);
        }
        self.places.find(hash(name), |&place| &*self.entries[place].0 == name).copied()
    }

    /// Notes the places of all members that have none noted: all when they stop being few, then
    /// that of a new last one.
    fn note_places(&mut self) {
        let Members { entries, places } = self;
        for place in places.len()..entries.len() {
            places.insert_unique(hash(&entries[place].0), place, |&other| hash(&entries[other].0));
        }
    }

    /// Forgets the place of a member that goes; the last one moves there.
    fn move_place(&mut self, name: &str, place: usize) {
        let last = self.entries.len() - 1;
        let last_hash = hash(&self.entries[last].0);
        if let Ok(gone) = self.places.find_entry(hash(name), |&other| other == place) {
            gone.remove();
        }
        if let Some(moved) = self.places.find_mut(last_hash, |&other| other == last) {
            *moved = place;
        }
    }
}

/// Objects are equal whatever the order of their members.
impl PartialEq for Members {
    fn eq(&self, other: &Members) -> bool {
        self.len() == other.len() && self.iter().all(|(name, value)| other.get(name) == Some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn behave_like_a_list_of_pairs(
            steps in proptest::collection::vec((0u8..60, any::<bool>(), any::<i64>()), 0..300),
        ) {
            let (mut members, mut model) = (Members::default(), Vec::<(String, Json)>::new());
            for (name, add, number) in steps {
                let name = name.to_string();
                let place = model.iter().position(|(other, _)| *other == name);
                let expected = match (place, add) {
                    (Some(place), true) => {
                        Some(std::mem::replace(&mut model[place].1, Json::Integer(number)))
                    }
                    (Some(place), false) => Some(model.swap_remove(place).1),
                    (None, true) => {
                        model.push((name.clone(), Json::Integer(number)));
                        None
                    }
                    (None, false) => None,
                };
                let found = if add {
                    members.insert(&name, Json::Integer(number))
                } else {
                    members.remove(&name)
                };
                prop_assert!(found == expected);
                prop_assert_eq!(members.get(&name).is_some(), add);
            }
            prop_assert_eq!(members.len(), model.len());
            let same = |((a, b), (c, d)): ((&str, &Json), &(String, Json))| a == c && b == d;
            prop_assert!(members.iter().zip(&model).all(same));
            prop_assert!(model.iter().all(|(name, value)| members.get(name) == Some(value)));
        }
    }
}
