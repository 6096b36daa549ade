//! A value that is an object: a list of byte strings.
//!
//! The image is each string behind its length in 4 bytes; a delta is the places of strings in 4 bytes,
//! each with the string as in an image, which is set there or, at the end, appended.

use std::any::Any;
use std::cmp::Ordering;
use std::sync::Arc;

use ferric_engine::{Codec, Entry, Image, Malformed, Meta, Object};

/// The kind of values that are lists.
pub const KIND: u8 = 1;
/// Lists with a longer image are objects.
pub const PACKED: usize = 200;

/// The list. Strings are shared with what is frozen of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List(pub Vec<Arc<[u8]>>);

impl List {
    pub fn of(strings: &[Vec<u8>]) -> List {
        List(strings.iter().map(|string| Arc::from(&string[..])).collect())
    }

    pub fn strings(&self) -> Vec<Vec<u8>> {
        self.0.iter().map(|string| string.to_vec()).collect()
    }

    /// Reads an image.
    pub fn decode(image: &[u8]) -> Result<List, Malformed> {
        let (mut list, mut rest) = (List::default(), image);
        while let Some((len, more)) = rest.split_first_chunk::<4>() {
            let len = u32::from_le_bytes(*len) as usize;
            let (string, more) = more.split_at_checked(len).ok_or(Malformed)?;
            list.0.push(string.into());
            rest = more;
        }
        if rest.is_empty() { Ok(list) } else { Err(Malformed) }
    }

    pub fn image(&self) -> Vec<u8> {
        let (mut frozen, mut image) = (self.freeze(), Vec::new());
        while frozen.write(&mut image, 1_000) {}
        image
    }
}

/// What an entry holds, whatever it is kept as.
pub fn strings(entry: &Entry<'_>) -> Vec<Vec<u8>> {
    assert_eq!(entry.meta.kind, KIND);
    match entry.object {
        Some(object) => {
            assert!(entry.value.is_empty());
            let object: &dyn Any = object;
            object.downcast_ref::<List>().expect("a list").strings()
        }
        None => List::decode(entry.value).expect("an image").strings(),
    }
}

/// The delta that sets, or at the end appends, a string.
pub fn delta(place: usize, string: &[u8]) -> Vec<u8> {
    [&(place as u32).to_le_bytes()[..], &(string.len() as u32).to_le_bytes(), string].concat()
}

impl Object for List {
    fn apply(&mut self, delta: &[u8]) -> Result<(), Malformed> {
        let mut rest = delta;
        while let Some((place, more)) = rest.split_first_chunk::<4>() {
            let (len, more) = more.split_first_chunk::<4>().ok_or(Malformed)?;
            let len = u32::from_le_bytes(*len) as usize;
            let (string, more) = more.split_at_checked(len).ok_or(Malformed)?;
            let place = u32::from_le_bytes(*place) as usize;
            match place.cmp(&self.0.len()) {
                Ordering::Less => self.0[place] = string.into(),
                Ordering::Equal => self.0.push(string.into()),
                Ordering::Greater => return Err(Malformed),
            }
            rest = more;
        }
        if rest.is_empty() { Ok(()) } else { Err(Malformed) }
    }

    fn heap_bytes(&self) -> usize {
        let strings: usize = self.0.iter().map(|string| string.len() + 16).sum();
        strings + self.0.capacity() * 16
    }

    fn image_len(&self) -> usize {
        self.0.iter().map(|string| string.len() + 4).sum()
    }

    fn freeze(&self) -> Box<dyn Image> {
        Box::new(Frozen { list: self.clone(), next: 0 })
    }
}

struct Frozen {
    list: List,
    next: usize,
}

impl Image for Frozen {
    fn write(&mut self, out: &mut Vec<u8>, budget: usize) -> bool {
        let before = out.len();
        while out.len() - before < budget {
            let Some(string) = self.list.0.get(self.next) else { return false };
            out.extend_from_slice(&(string.len() as u32).to_le_bytes());
            out.extend_from_slice(string);
            self.next += 1;
        }
        self.next < self.list.0.len()
    }
}

/// Makes lists of values of their kind.
pub struct Lists;

impl Codec for Lists {
    fn is_object(&self, meta: Meta, len: usize) -> bool {
        meta.kind == KIND && len > PACKED
    }

    fn decode(&self, meta: Meta, image: &[u8]) -> Result<Box<dyn Object>, Malformed> {
        if meta.kind == KIND { Ok(Box::new(List::decode(image)?)) } else { Err(Malformed) }
    }
}
