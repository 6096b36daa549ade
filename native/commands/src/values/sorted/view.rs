//! Reading a sorted set, however it is kept.

use std::ops::{ControlFlow, Range};

use super::bound::{Bound, Limit};
use super::packed::{Entry, Packed};
use super::tree::Tree;

/// Read access to a sorted set.
#[derive(Clone, Copy, Debug)]
pub enum View<'a> {
    /// One run of bytes.
    Packed(Packed<'a>),
    /// A tree.
    Tree(&'a Tree),
}

/// A range of scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreRange {
    /// The least score.
    pub min: f64,
    /// Whether that itself is outside.
    pub min_exclusive: bool,
    /// The greatest score.
    pub max: f64,
    /// Whether that itself is outside.
    pub max_exclusive: bool,
}

/// A range of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LexRange<'a> {
    /// The least member.
    pub min: Limit<'a>,
    /// Whether that itself is outside.
    pub min_exclusive: bool,
    /// The greatest member.
    pub max: Limit<'a>,
    /// Whether that itself is outside.
    pub max_exclusive: bool,
}

impl LexRange<'_> {
    fn start(&self) -> Bound<'_> {
        Bound::Lex { limit: self.min, behind: self.min_exclusive }
    }

    fn end(&self) -> Bound<'_> {
        Bound::Lex { limit: self.max, behind: !self.max_exclusive }
    }

    fn is_empty(&self) -> bool {
        self.min > self.max || self.min == self.max && (self.min_exclusive || self.max_exclusive)
    }
}

impl<'a> View<'a> {
    /// How many members there are.
    #[inline]
    pub fn len(self) -> usize {
        match self {
            View::Packed(packed) => packed.len(),
            View::Tree(tree) => tree.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// A member's score.
    #[inline]
    pub fn score(self, member: &[u8]) -> Option<f64> {
        match self {
            View::Packed(packed) => packed.find(member).map(|(_, score)| score),
            View::Tree(tree) => tree.score(member),
        }
    }

    /// A member's rank, from 0, and score.
    #[inline]
    pub fn rank(self, member: &[u8]) -> Option<(usize, f64)> {
        match self {
            View::Packed(packed) => packed.find(member),
            View::Tree(tree) => {
                let score = tree.score(member)?;
                Some((tree.position(&Bound::Entry { score, member, behind: false }), score))
            }
        }
    }

    /// How many entries lie before `bound`.
    fn position(self, bound: &Bound<'_>) -> usize {
        match self {
            View::Packed(packed) => packed.position(bound),
            View::Tree(tree) => tree.position(bound),
        }
    }

    /// The ranks of the entries with scores in a range.
    pub fn ranks_by_score(self, range: &ScoreRange) -> Range<usize> {
        let start = Bound::Score { score: range.min, behind: range.min_exclusive };
        let end = Bound::Score { score: range.max, behind: !range.max_exclusive };
        let start = self.position(&start);
        start..self.position(&end).max(start)
    }

    /// The ranks of the entries with members in a range, if all scores are equal.
    ///
    /// If they are not, there is no such range, and Redis's manual leaves open what is found. In a
    /// small set that is the same as Redis finds.
    pub fn ranks_by_lex(self, range: &LexRange<'_>, reverse: bool) -> Range<usize> {
        if range.is_empty() {
            return 0..0;
        }
        let (start, end) = (range.start(), range.end());
        match self {
            View::Tree(tree) => {
                let start = tree.position(&start);
                start..tree.position(&end).max(start)
            }
            View::Packed(packed) => packed_ranks_by_lex(packed, &start, &end, reverse),
        }
    }

    /// Hands the entries with these ranks to `visit` until it breaks: in order, or the last one first.
    pub fn visit<B>(
        self,
        ranks: Range<usize>,
        reverse: bool,
        mut visit: impl FnMut(f64, &'a [u8]) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        match self {
            View::Packed(packed) => packed.visit(ranks, reverse, &mut visit),
            View::Tree(tree) => tree.visit(ranks, reverse, &mut visit),
        }
    }

    /// [`View::visit`] of all of these entries.
    pub fn each(self, ranks: Range<usize>, reverse: bool, mut visit: impl FnMut(f64, &'a [u8])) {
        let _ = self.visit(ranks, reverse, |score, member| {
            visit(score, member);
            ControlFlow::<()>::Continue(())
        });
    }

    /// Hands at least `count` entries to `visit`, if there are as many, and returns the cursor of the
    /// next ones, 0 after the last. Whatever is there from cursor 0 to cursor 0 is handed over at
    /// least once.
    pub fn scan(self, cursor: u32, count: usize, mut visit: impl FnMut(f64, &'a [u8])) -> u32 {
        match self {
            View::Packed(packed) => {
                packed.iter().for_each(|(score, member)| visit(score, member));
                0
            }
            View::Tree(tree) => {
                let (mut cursor, mut visited) = (cursor, 0);
                loop {
                    cursor = tree.scan(cursor, |score, member| {
                        visited += 1;
                        visit(score, member);
                    });
                    if cursor == 0 || visited >= count {
                        return cursor;
                    }
                }
            }
        }
    }
}

/// [`View::ranks_by_lex`] in a run of bytes, as Redis searches its own: nothing, if the first entry is
/// behind the range or the last one before it; else from the end that `reverse` says up to an entry
/// that is inside, and on as long as the other limit allows.
fn packed_ranks_by_lex(
    packed: Packed<'_>,
    start: &Bound<'_>,
    end: &Bound<'_>,
    reverse: bool,
) -> Range<usize> {
    let before = |bound: &Bound<'_>, (score, member): Entry<'_>| bound.is_behind(score, || member);
    let (Some(first), Some(last)) = (packed.iter().next(), packed.iter().last()) else {
        return 0..0;
    };
    if !before(end, first) || before(start, last) {
        return 0..0;
    }
    if !reverse {
        let from = packed.position(start);
        let inside = packed.iter().skip(from).take_while(|entry| before(end, *entry));
        return from..from + inside.count();
    }
    let mut ranks = 0..0;
    for (rank, entry) in packed.iter().enumerate() {
        match (before(start, entry), before(end, entry)) {
            (true, true) => ranks = rank + 1..rank + 1,
            (false, true) => ranks.end = rank + 1,
            (true, false) | (false, false) => {}
        }
    }
    ranks
}
