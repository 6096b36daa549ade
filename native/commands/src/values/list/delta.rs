//! Changes of a list as bytes: steps, one after another.
//!
//! ```text
//! delta  = step { step }
//! step   = 1 number { string }       elements added at the end, in this order
//!        | 2 number { string }       elements added at the beginning, one before the other
//!        | 3 number number           so many elements taken from the beginning, and from the end
//!        | 4 number string           the element at a position has another value
//!        | 5 number string           an element added before a position, or at the end
//!        | 6 number { number }       so many elements taken: the position of the first, then for
//!                                    each other how many stay between it and the one before
//! ```

use ferric_engine::Malformed;

use super::End;
use crate::values::wire::{Reader, bytes_len, put_bytes, put_number};

const PUSH_BACK: u8 = 1;
const PUSH_FRONT: u8 = 2;
const TRIM: u8 = 3;
const SET: u8 = 4;
const INSERT: u8 = 5;
const REMOVE: u8 = 6;

/// Room for a step's numbers, in bytes; most are short.
const STEP: usize = 8;

/// A change under construction.
#[derive(Default)]
pub struct Delta(Vec<u8>);

impl Delta {
    /// No change.
    pub fn new() -> Delta {
        Delta::default()
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Adds elements at an end, one after the other.
    pub fn push(mut self, end: End, elements: &[&[u8]]) -> Delta {
        let len: usize = elements.iter().map(|element| bytes_len(element)).sum();
        self.0.reserve(STEP + len);
        self.0.push(if end == End::Left { PUSH_FRONT } else { PUSH_BACK });
        put_number(&mut self.0, elements.len() as u64);
        elements.iter().for_each(|element| put_bytes(&mut self.0, element));
        self
    }

    /// Takes elements from both ends.
    pub fn trim(mut self, front: usize, back: usize) -> Delta {
        self.0.reserve(STEP);
        self.0.push(TRIM);
        put_number(&mut self.0, front as u64);
        put_number(&mut self.0, back as u64);
        self
    }

    /// Takes elements from one end.
    pub fn pop(self, end: End, count: usize) -> Delta {
        if end == End::Left { self.trim(count, 0) } else { self.trim(0, count) }
    }

    /// Gives the element at a position another value.
    pub fn set(self, at: usize, element: &[u8]) -> Delta {
        self.at(SET, at, element)
    }

    /// Adds an element before a position.
    pub fn insert(self, at: usize, element: &[u8]) -> Delta {
        self.at(INSERT, at, element)
    }

    fn at(mut self, step: u8, at: usize, element: &[u8]) -> Delta {
        self.0.reserve(STEP + bytes_len(element));
        self.0.push(step);
        put_number(&mut self.0, at as u64);
        put_bytes(&mut self.0, element);
        self
    }

    /// Takes the elements at these ascending positions.
    pub fn remove(mut self, positions: &[usize]) -> Delta {
        self.0.reserve(STEP + positions.len());
        self.0.push(REMOVE);
        put_number(&mut self.0, positions.len() as u64);
        let mut next = 0;
        for &position in positions {
            put_number(&mut self.0, (position - next) as u64);
            next = position + 1;
        }
        self
    }
}

/// A step, read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step<'d> {
    /// So many elements, which follow, added at an end, one after the other.
    Push(End, usize),
    /// Elements taken from the beginning and from the end.
    Trim(usize, usize),
    /// The element at a position has another value.
    Set(usize, &'d [u8]),
    /// An element added before a position.
    Insert(usize, &'d [u8]),
    /// Elements taken from these positions, ascending.
    Remove(Vec<usize>),
}

impl<'d> Step<'d> {
    /// The next step of a delta.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn read(reader: &mut Reader<'d>) -> Result<Step<'d>, Malformed> {
        Ok(match reader.byte()? {
            PUSH_BACK => Step::Push(End::Right, read_count(reader)?),
            PUSH_FRONT => Step::Push(End::Left, read_count(reader)?),
            TRIM => Step::Trim(reader.size()?, reader.size()?),
            SET => Step::Set(reader.size()?, reader.bytes()?),
            INSERT => Step::Insert(reader.size()?, reader.bytes()?),
            REMOVE => Step::Remove(read_positions(reader)?),
            _ => return Err(Malformed),
        })
    }
}

/// A number that says how many things follow, each of a byte or more.
fn read_count(reader: &mut Reader<'_>) -> Result<usize, Malformed> {
    let count = reader.size()?;
    if count <= reader.rest().len() { Ok(count) } else { Err(Malformed) }
}

fn read_positions(reader: &mut Reader<'_>) -> Result<Vec<usize>, Malformed> {
    let mut next = 0usize;
    (0..read_count(reader)?)
        .map(|_| {
            let position = next.checked_add(reader.size()?).ok_or(Malformed)?;
            next = position.checked_add(1).ok_or(Malformed)?;
            Ok(position)
        })
        .collect()
}
