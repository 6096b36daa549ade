//! What a command has made so far of the elements that it names: they may be named repeatedly.

use std::collections::HashMap;

use smallvec::SmallVec;

/// Elements that are looked for one by one; more are hashed.
const FEW: usize = 16;

/// States of elements by name. With one name there is nothing to remember, and nothing is.
pub struct Touched<'a, T> {
    few: SmallVec<[(&'a [u8], T); 1]>,
    many: HashMap<&'a [u8], T>,
    names: usize,
}

impl<'a, T: Copy> Touched<'a, T> {
    /// For a command that names so many elements.
    pub fn new(names: usize) -> Touched<'a, T> {
        Touched { few: SmallVec::new(), many: HashMap::new(), names }
    }

    /// The state of an element that has been touched.
    #[inline]
    pub fn get(&self, name: &[u8]) -> Option<T> {
        let mut few = self.few.iter();
        few.find(|(other, _)| *other == name)
            .map(|(_, state)| *state)
            .or_else(|| if self.many.is_empty() { None } else { self.many.get(name).copied() })
    }

    /// Notes the state of an element.
    #[inline]
    pub fn set(&mut self, name: &'a [u8], state: T) {
        if self.names <= 1 {
            return;
        }
        if self.names > FEW {
            self.many.insert(name, state);
            return;
        }
        match self.few.iter_mut().find(|(other, _)| *other == name) {
            Some((_, old)) => *old = state,
            None => self.few.push((name, state)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_state_counts() {
        let names: Vec<Vec<u8>> = (0..20u8).map(|n| vec![n]).collect();
        for count in [2, FEW, FEW + 4] {
            let mut touched = Touched::new(count);
            for state in [1, 2] {
                names[..count].iter().for_each(|name| touched.set(name, state));
            }
            assert!(names[..count].iter().all(|name| touched.get(name) == Some(2)));
            assert_eq!(touched.get(b"other"), None);
        }
        let mut single = Touched::new(1);
        single.set(b"a", 1);
        assert_eq!(single.get(b"a"), None);
    }
}
