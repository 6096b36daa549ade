//! ZADD and ZINCRBY.

use ferric_engine::{Meta, Object};
use smallvec::SmallVec;

use super::limits::{Limits, stored};
use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::parse_f64;
use crate::pattern::is_option;
use crate::values::sorted::{Delta, Entry, SKIPLIST, SortedSet, View};
use crate::values::touched::Touched;
use crate::values::{Change, Held, Lookup, MAX_KEYS, commit};

const SYNTAX: Fault = Fault::error("ERR syntax error");

/// ZADD's options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// NX: only new members.
    pub absent: bool,
    /// XX: only members that are there.
    pub present: bool,
    /// GT: only if the score becomes greater.
    pub greater: bool,
    /// LT: only if the score becomes less.
    pub less: bool,
    /// CH: reply with the number of changes instead of additions.
    pub changes: bool,
    /// INCR: add to the score, and reply with the sum.
    pub increment: bool,
}

impl Options {
    /// The options in front of the pairs, and what follows them.
    fn parse(mut self, mut words: Args<'_>) -> (Options, Args<'_>) {
        while let [word, rest @ ..] = words {
            let flag = if is_option(word, "NX") {
                &mut self.absent
            } else if is_option(word, "XX") {
                &mut self.present
            } else if is_option(word, "CH") {
                &mut self.changes
            } else if is_option(word, "GT") {
                &mut self.greater
            } else if is_option(word, "LT") {
                &mut self.less
            } else if is_option(word, "INCR") {
                &mut self.increment
            } else {
                break;
            };
            *flag = true;
            words = rest;
        }
        (self, words)
    }

    fn check(self, pairs: usize) -> Outcome {
        if self.absent && self.present {
            return Err(Fault::error("ERR XX and NX options at the same time are not compatible"));
        }
        let conflict = self.greater && (self.absent || self.less) || self.less && self.absent;
        if conflict {
            return Err(Fault::error(
                "ERR GT, LT, and/or NX options at the same time are not compatible",
            ));
        }
        if self.increment && pairs > 1 {
            return Err(Fault::error("ERR INCR option supports a single increment-element pair"));
        }
        Ok(())
    }
}

/// `ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member ...]`
pub fn zadd(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    add_words(ctx, args, Options::default())
}

/// `ZINCRBY key increment member`
pub fn zincrby(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    add_words(ctx, args, Options { increment: true, ..Options::default() })
}

/// Both: also an increment that is spelled like an option is one.
fn add_words(ctx: &mut Context<'_, '_>, args: Args<'_>, options: Options) -> Outcome {
    let (options, words) = options.parse(&args[2..]);
    let (pairs, rest) = words.as_chunks::<2>();
    if pairs.is_empty() || !rest.is_empty() {
        return Err(SYNTAX);
    }
    options.check(pairs.len())?;
    let mut entries = SmallVec::<[Entry<'_>; 4]>::with_capacity(pairs.len());
    for [score, member] in pairs {
        entries.push((parse_score(score)?, member));
    }
    add(ctx, args[1], &entries, options)
}

fn parse_score(word: &[u8]) -> Result<f64, Fault> {
    parse_f64(word).ok_or(Fault::error("ERR value is not a valid float"))
}

/// Adds scores and members to the sorted set at a key, and replies.
///
/// # Errors
/// The key holds something else, or a sum is not a number.
pub fn add(
    ctx: &mut Context<'_, '_>,
    key: &[u8],
    entries: &[Entry<'_>],
    options: Options,
) -> Outcome {
    ctx.bound(entries.len(), MAX_KEYS)?;
    let (key, lookup, limits) = (ctx.key(key), Lookup::new(ctx), Limits::of(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let held = lookup.modify_as::<SortedSet>(&mut locked, &key)?;
    let mut plan = Plan::new(held.as_ref(), limits, options, entries.len());
    // With XX nothing can happen to a key that is not there.
    if held.is_some() || !options.present {
        entries.iter().try_for_each(|(score, member)| plan.add(*score, member))?;
    }
    match plan.sum {
        Some(sum) => ctx.reply.double(sum),
        None if options.increment => ctx.reply.null(),
        None if options.changes => ctx.reply.integer((plan.added + plan.updated) as i64),
        None => ctx.reply.integer(plan.added as i64),
    }
    if plan.delta.is_empty() {
        return Ok(());
    }
    let change = plan.change(held.as_ref())?;
    commit(&mut locked, &[(key, change)])
}

/// What an addition comes to.
struct Plan<'v, 'm> {
    view: Option<View<'v>>,
    limits: Limits,
    options: Options,
    /// Scores that members will have: they may be named repeatedly.
    scores: Touched<'m, f64>,
    delta: Delta,
    flags: u8,
    /// Members there will be.
    len: usize,
    added: usize,
    updated: usize,
    /// The score that INCR has led to.
    sum: Option<f64>,
}

impl<'v, 'm> Plan<'v, 'm> {
    fn new(
        held: Option<&Held<'v, SortedSet>>,
        limits: Limits,
        options: Options,
        count: usize,
    ) -> Plan<'v, 'm> {
        Plan {
            view: held.map(|held| held.view),
            limits,
            options,
            scores: Touched::new(count),
            delta: Delta::default(),
            flags: held.map_or(0, |held| held.meta.flags),
            len: held.map_or(0, |held| held.view.len()),
            added: 0,
            updated: 0,
            sum: None,
        }
    }

    fn score(&self, member: &[u8]) -> Option<f64> {
        self.scores.get(member).or_else(|| self.view?.score(member))
    }

    fn add(&mut self, score: f64, member: &'m [u8]) -> Outcome {
        let options = self.options;
        let Some(old) = self.score(member) else {
            if !options.present {
                self.len += 1;
                self.flags |= self.limits.flags(self.len, member.len());
                self.added += 1;
                self.sum = options.increment.then_some(score);
                self.set(score, member);
            }
            return Ok(());
        };
        if options.absent {
            return Ok(());
        }
        let new = if options.increment { old + score } else { score };
        if new.is_nan() {
            return Err(Fault::error("ERR resulting score is not a number (NaN)"));
        }
        if options.greater && new <= old || options.less && new >= old {
            return Ok(());
        }
        self.sum = options.increment.then_some(new);
        if new != old {
            self.updated += 1;
            self.set(new, member);
        }
        Ok(())
    }

    fn set(&mut self, score: f64, member: &'m [u8]) {
        let score = stored(score, self.flags);
        self.delta.set(score, member);
        self.scores.set(member, score);
    }

    fn change(self, held: Option<&Held<'_, SortedSet>>) -> Result<Change, Fault> {
        let delta = self.delta.as_slice();
        match held {
            Some(held) => {
                let flags = held.meta.flags | self.flags & SKIPLIST;
                held.change(Meta { flags, ..held.meta }, delta, self.len)
            }
            None => {
                let mut set = SortedSet::default();
                set.apply(delta)?;
                Ok(Change::put(&set, self.flags, 0))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_end_where_pairs_begin() {
        let words: &[&[u8]] = &[b"nx", b"CH", b"Incr", b"1", b"xx"];
        let expected =
            Options { absent: true, changes: true, increment: true, ..Options::default() };
        assert_eq!(Options::default().parse(words), (expected, &words[3..]));
    }

    #[test]
    fn contradictions() {
        let all = Options::default();
        let (nx, xx) = (Options { absent: true, ..all }, Options { present: true, ..all });
        for options in [
            Options { present: true, ..nx },
            Options { greater: true, ..nx },
            Options { less: true, ..nx },
            Options { greater: true, less: true, ..all },
        ] {
            assert!(options.check(1).is_err(), "{options:?}");
        }
        assert!(Options { greater: true, ..xx }.check(2).is_ok());
        assert!(Options { increment: true, ..all }.check(2).is_err());
    }
}
