//! What ranges are, and how their ends are written.

use std::ops::Range;

use crate::context::{Args, Fault};
use crate::numbers::{parse_i64_or_fault, parse_strtod};
use crate::pattern::is_option;
use crate::values::sorted::{LexRange, Limit, ScoreRange, View};

const SYNTAX: Fault = Fault::error("ERR syntax error");

/// What a range is about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum By<'a> {
    /// Ranks from one to another, both included; negative ones count from the end.
    Rank(i64, i64),
    /// Scores.
    Score(ScoreRange),
    /// Members.
    Lex(LexRange<'a>),
}

/// The unit of a range, before its ends are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Ranks.
    Rank,
    /// Scores.
    Score,
    /// Members.
    Lex,
}

/// A part of a sorted set.
#[derive(Debug, PartialEq)]
pub struct Query<'a> {
    /// The range.
    pub by: By<'a>,
    /// From the end.
    pub reverse: bool,
    /// Entries of the range that are passed over; negative: all.
    pub offset: i64,
    /// Most entries; negative: all.
    pub limit: i64,
    /// Reply with scores.
    pub with_scores: bool,
}

/// What a command says about its range by its name, and may not be said again.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// The unit, if the name says it.
    pub unit: Option<Unit>,
    /// The direction, if the name says it.
    pub reverse: Option<bool>,
    /// WITHSCORES is an option.
    pub with_scores: bool,
}

impl<'a> Query<'a> {
    /// Reads the two ends and the options behind them.
    pub fn parse(words: Args<'a>, form: Form) -> Result<Query<'a>, Fault> {
        let [first, second, options @ ..] = words else { return Err(SYNTAX) };
        let (mut form, may_score) = (form, form.with_scores);
        form.with_scores = false;
        let (mut offset, mut limit) = (0, -1);
        let mut options = options;
        while let [word, rest @ ..] = options {
            options = rest;
            if may_score && is_option(word, "WITHSCORES") {
                form.with_scores = true;
            } else if let ([skip, count, rest @ ..], true) = (rest, is_option(word, "LIMIT")) {
                (offset, limit) = (parse_i64_or_fault(skip)?, parse_i64_or_fault(count)?);
                options = rest;
            } else if form.reverse.is_none() && is_option(word, "REV") {
                form.reverse = Some(true);
            } else if form.unit.is_none() && is_option(word, "BYLEX") {
                form.unit = Some(Unit::Lex);
            } else if form.unit.is_none() && is_option(word, "BYSCORE") {
                form.unit = Some(Unit::Score);
            } else {
                return Err(SYNTAX);
            }
        }
        let unit = form.unit.unwrap_or(Unit::Rank);
        let reverse = form.reverse.unwrap_or(false);
        check(unit, limit, form.with_scores)?;
        let by = By::parse(unit, reverse, first, second)?;
        Ok(Query { by, reverse, offset, limit, with_scores: form.with_scores })
    }

    /// The ranks of the entries that are wanted, counted from the beginning.
    pub fn ranks(&self, view: View<'_>) -> Range<usize> {
        let ranks = match &self.by {
            By::Rank(first, last) => {
                let ranks = between(*first, *last, view.len());
                return if self.reverse { mirror(ranks, view.len()) } else { ranks };
            }
            By::Score(range) => view.ranks_by_score(range),
            By::Lex(range) => view.ranks_by_lex(range, self.reverse),
        };
        let skip = usize::try_from(self.offset).unwrap_or(usize::MAX).min(ranks.len());
        let left = ranks.len() - skip;
        let count = usize::try_from(self.limit).unwrap_or(left).min(left);
        if self.reverse {
            ranks.end - skip - count..ranks.end - skip
        } else {
            ranks.start + skip..ranks.start + skip + count
        }
    }
}

fn check(unit: Unit, limit: i64, with_scores: bool) -> Result<(), Fault> {
    if limit != -1 && unit == Unit::Rank {
        return Err(Fault::error(
            "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX",
        ));
    }
    if with_scores && unit == Unit::Lex {
        return Err(Fault::error(
            "ERR syntax error, WITHSCORES not supported in combination with BYLEX",
        ));
    }
    Ok(())
}

impl<'a> By<'a> {
    /// Reads the ends of a range: the greater one comes first in a reverse range of scores or members.
    pub fn parse(
        unit: Unit,
        reverse: bool,
        first: &'a [u8],
        second: &'a [u8],
    ) -> Result<By<'a>, Fault> {
        let (min, max) = if reverse { (second, first) } else { (first, second) };
        match unit {
            Unit::Rank => Ok(By::Rank(parse_i64_or_fault(first)?, parse_i64_or_fault(second)?)),
            Unit::Score => parse_score_range(min, max).map(By::Score),
            Unit::Lex => parse_lex_range(min, max).map(By::Lex),
        }
    }
}

/// The ranks from `first` to `last`, both included, of a set of `len` entries.
pub fn between(first: i64, last: i64, len: usize) -> Range<usize> {
    let len = len as i64;
    let from_end = |rank: i64| if rank < 0 { len.saturating_add(rank) } else { rank };
    let (first, last) = (from_end(first).max(0), from_end(last).min(len - 1));
    if first > last { 0..0 } else { first as usize..last as usize + 1 }
}

/// The same places, counted from the other end.
fn mirror(ranks: Range<usize>, len: usize) -> Range<usize> {
    len - ranks.end..len - ranks.start
}

/// The scores from `min` to `max`; `(` before a score keeps it out.
///
/// # Errors
/// One of them is not a number.
pub fn parse_score_range(min: &[u8], max: &[u8]) -> Result<ScoreRange, Fault> {
    let end = |word: &[u8]| match word {
        [b'(', score @ ..] => parse_strtod(score).map(|score| (score, true)),
        score => parse_strtod(score).map(|score| (score, false)),
    };
    let (Some((min, min_exclusive)), Some((max, max_exclusive))) = (end(min), end(max)) else {
        return Err(Fault::error("ERR min or max is not a float"));
    };
    Ok(ScoreRange { min, min_exclusive, max, max_exclusive })
}

/// The members from `min` to `max`: `[` or `(` and a member, which is then inside or not, or `-` or
/// `+`, the lowest and the highest end.
///
/// # Errors
/// One of them is written otherwise.
pub fn parse_lex_range<'a>(min: &'a [u8], max: &'a [u8]) -> Result<LexRange<'a>, Fault> {
    let end = |word: &'a [u8]| match word {
        // Redis compares C strings here.
        [b'-'] | [b'-', 0, ..] => Some((Limit::Lowest, true)),
        [b'+'] | [b'+', 0, ..] => Some((Limit::Highest, true)),
        [b'(', member @ ..] => Some((Limit::Member(member), true)),
        [b'[', member @ ..] => Some((Limit::Member(member), false)),
        _ => None,
    };
    let (Some((min, min_exclusive)), Some((max, max_exclusive))) = (end(min), end(max)) else {
        return Err(Fault::error("ERR min or max not valid string range item"));
    };
    Ok(LexRange { min, min_exclusive, max, max_exclusive })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks() {
        for (first, last, expected) in [
            (0, -1, 0..5),
            (1, 2, 1..3),
            (-2, -1, 3..5),
            (-100, 100, 0..5),
            (3, 1, 0..0),
            (5, 9, 0..0),
            (0, -6, 0..0),
            (i64::MIN, i64::MAX, 0..5),
        ] {
            assert_eq!(between(first, last, 5), expected, "{first} {last}");
        }
        assert_eq!(between(0, -1, 0), 0..0);
        assert_eq!(mirror(1..2, 5), 3..4);
    }

    #[test]
    fn ends_of_scores() {
        let range = parse_score_range(b"(1", b"+inf").expect("a range");
        let max = f64::INFINITY;
        let expected = ScoreRange { min: 1.0, min_exclusive: true, max, max_exclusive: false };
        assert_eq!(range, expected);
        assert!(parse_score_range(b"((1", b"2").is_err());
        assert!(parse_score_range(b"1", b"nan").is_err());
    }

    #[test]
    fn ends_of_members() {
        let range = parse_lex_range(b"[a", b"+").expect("a range");
        let (min, max) = (Limit::Member(b"a"), Limit::Highest);
        let expected = LexRange { min, min_exclusive: false, max, max_exclusive: true };
        assert_eq!(range, expected);
        for word in [&b"a"[..], b"", b"-a", b"++"] {
            assert!(parse_lex_range(word, b"+").is_err(), "{word:?}");
        }
    }

    #[test]
    fn options() {
        let any = Form { unit: None, reverse: None, with_scores: true };
        let words: &[&[u8]] =
            &[b"5", b"1", b"rev", b"byscore", b"limit", b"1", b"2", b"WithScores"];
        let query = Query::parse(words, any).expect("a query");
        assert!(query.reverse && query.with_scores);
        assert_eq!((query.offset, query.limit), (1, 2));
        assert!(matches!(query.by, By::Score(range) if range.min == 1.0 && range.max == 5.0));
        for line in [
            "0 1 REV REV",
            "0 1 BYSCORE BYLEX",
            "0 1 LIMIT 0 1",
            "- + BYLEX WITHSCORES",
            "0 1 LIMIT 0",
            "0 x",
            "0",
        ] {
            let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            assert!(Query::parse(&words, any).is_err(), "{line}");
        }
        assert!(Query::parse(&[b"0", b"1", b"LIMIT", b"3", b"-1"], any).is_ok());
    }
}
