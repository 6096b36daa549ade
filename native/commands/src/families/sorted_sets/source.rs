//! What sets can be combined: anything with members.

use ferric_engine::Entry;

use crate::context::Fault;
use crate::values::set::{self, Set};
use crate::values::sorted::{SortedSet, View};
use crate::values::{Held, Kind, WRONG_TYPE};

/// An input of a combination.
pub enum Source<'l> {
    /// No such key.
    None,
    /// A sorted set.
    Sorted(View<'l>),
    /// A set: every score is 1.
    Plain(set::View<'l>),
}

/// The score of a plain set's members.
const PLAIN: f64 = 1.0;

impl<'l> Source<'l> {
    /// What an entry holds.
    ///
    /// # Errors
    /// WRONGTYPE if that has no members.
    pub fn of(entry: Option<Entry<'l>>) -> Result<Source<'l>, Fault> {
        let Some(entry) = entry else { return Ok(Source::None) };
        match Kind::of(entry.meta.kind) {
            Some(Kind::SortedSet) => Ok(Source::Sorted(Held::<SortedSet>::of(entry)?.view)),
            Some(Kind::Set) => Ok(Source::Plain(Held::<Set>::of(entry)?.view)),
            _ => Err(WRONG_TYPE),
        }
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        match self {
            Source::None => 0,
            Source::Sorted(view) => view.len(),
            Source::Plain(view) => view.len(),
        }
    }

    /// A member's score.
    pub fn score(&self, member: &[u8]) -> Option<f64> {
        match self {
            Source::None => None,
            Source::Sorted(view) => view.score(member),
            Source::Plain(view) => view.contains(member).then_some(PLAIN),
        }
    }

    /// Hands all members to `visit`.
    pub fn each(&self, mut visit: impl FnMut(f64, &[u8])) {
        match self {
            Source::None => {}
            Source::Sorted(view) => view.each(0..view.len(), false, visit),
            Source::Plain(view) => {
                view.for_each(|member| member.with(|member| visit(PLAIN, member)));
            }
        }
    }
}
