//! Places in the order of a sorted set.

use std::cmp::Ordering;

/// A place between two neighbouring entries: every entry lies before it or behind it.
#[derive(Clone, Copy, Debug)]
pub enum Bound<'a> {
    /// Before the entries with this score, or behind them.
    Score {
        /// The score.
        score: f64,
        /// Behind them.
        behind: bool,
    },
    /// Before the entry with this score and member, or behind it, whether or not it is there.
    Entry {
        /// The score.
        score: f64,
        /// The member.
        member: &'a [u8],
        /// Behind it.
        behind: bool,
    },
    /// Where members begin to be greater, when all scores are equal.
    Lex {
        /// The member.
        limit: Limit<'a>,
        /// Behind the member itself.
        behind: bool,
    },
}

/// An end of a range of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit<'a> {
    /// Less than every member: `-`.
    Lowest,
    /// A member.
    Member(&'a [u8]),
    /// Greater than every member: `+`.
    Highest,
}

impl Bound<'_> {
    /// Whether an entry lies before this place. `member` is asked for only when the score does not
    /// decide.
    #[inline]
    pub fn is_behind<'m>(&self, score: f64, member: impl FnOnce() -> &'m [u8]) -> bool {
        match *self {
            Bound::Score { score: limit, behind } => score < limit || behind && score == limit,
            Bound::Entry { score: limit, member: key, behind } => {
                score < limit
                    || score == limit
                        && match member().cmp(key) {
                            Ordering::Less => true,
                            Ordering::Equal => behind,
                            Ordering::Greater => false,
                        }
            }
            Bound::Lex { limit, behind } => {
                let order = Limit::Member(member()).cmp(&limit);
                order == Ordering::Less || behind && order == Ordering::Equal
            }
        }
    }
}

/// The order of entries: by score, then by member. Both zeros are the same score.
#[inline]
pub fn order(a: (f64, &[u8]), b: (f64, &[u8])) -> Ordering {
    a.0.partial_cmp(&b.0).unwrap_or(Ordering::Equal).then_with(|| a.1.cmp(b.1))
}
