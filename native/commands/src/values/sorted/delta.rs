//! What is logged about a change of a sorted set.
//!
//! A delta is a sequence of steps. Each begins with a byte that says what happens:
//!
//! | byte | then | effect |
//! |---|---|---|
//! | 1 | score, member | the member has this score from now on |
//! | 2 | member | the member goes |
//! | 3 | first rank, count | the entries with these ranks go |

use std::ops::Range;

use ferric_engine::Malformed;

use super::packed::put_entry;
use super::score;
use crate::values::wire::{Reader, put_bytes, put_number};

const SET: u8 = 1;
const REMOVE: u8 = 2;
const REMOVE_RANGE: u8 = 3;

/// The bytes of a delta that is being made.
#[derive(Debug, Default)]
pub struct Delta(Vec<u8>);

impl Delta {
    /// A member has this score, which is not NaN, from now on.
    pub fn set(&mut self, score: f64, member: &[u8]) {
        self.0.push(SET);
        put_entry(&mut self.0, score, member);
    }

    /// A member goes.
    pub fn remove(&mut self, member: &[u8]) {
        self.0.push(REMOVE);
        put_bytes(&mut self.0, member);
    }

    /// The entries with these ranks, which exist when this step is made, go.
    pub fn remove_range(&mut self, ranks: Range<usize>) {
        self.0.push(REMOVE_RANGE);
        put_number(&mut self.0, ranks.start as u64);
        put_number(&mut self.0, ranks.len() as u64);
    }

    /// Whether nothing happens.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

/// A step of a delta.
pub enum Step<'a> {
    /// A member has this score from now on.
    Set(f64, &'a [u8]),
    /// A member goes.
    Remove(&'a [u8]),
    /// Entries with these ranks go.
    RemoveRange(Range<usize>),
}

/// Reads the next step.
///
/// # Errors
/// The bytes are no delta.
pub fn read<'a>(reader: &mut Reader<'a>) -> Result<Step<'a>, Malformed> {
    match reader.byte()? {
        SET => Ok(Step::Set(score::read(reader)?, reader.bytes()?)),
        REMOVE => Ok(Step::Remove(reader.bytes()?)),
        REMOVE_RANGE => {
            let (start, count) = (reader.size()?, reader.size()?);
            Ok(Step::RemoveRange(start..start.checked_add(count).ok_or(Malformed)?))
        }
        _ => Err(Malformed),
    }
}
