//! ZRANDMEMBER.

use std::collections::HashSet;

use ferric_resp::Encoder;

use super::read::{header, put_entry};
use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::parse_i64_or_fault;
use crate::pattern::is_option;
use crate::values::dice::Dice;
use crate::values::sorted::{SortedSet, View};
use crate::values::{Lookup, MAX_COPY, MAX_KEYS};

/// `ZRANDMEMBER key [count [WITHSCORES]]`
pub fn zrandmember(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    match args[2..] {
        [] => one(ctx, args[1]),
        [count, ref options @ ..] => {
            let count = parse_i64_or_fault(count)?;
            if count == i64::MIN {
                return Err(out_of_range(-i64::MAX, i64::MAX));
            }
            let with_scores = match *options {
                [] => false,
                [word] if is_option(word, "WITHSCORES") => true,
                _ => return Err(Fault::error("ERR syntax error")),
            };
            if with_scores && !(-i64::MAX / 2..=i64::MAX / 2).contains(&count) {
                return Err(Fault::error("ERR value is out of range"));
            }
            several(ctx, args[1], count, with_scores)
        }
    }
}

fn out_of_range(min: i64, max: i64) -> Fault {
    format!("ERR value is out of range, value must between {min} and {max}").into()
}

fn one(ctx: &mut Context<'_, '_>, name: &[u8]) -> Outcome {
    let (key, lookup, mut dice) = (ctx.key(name), Lookup::new(ctx), Dice::new(ctx.seed));
    let Context { access, reply, .. } = ctx;
    lookup.view_as::<SortedSet, ()>(access, &key, |held| {
        let Some(held) = held else {
            reply.null();
            return Ok(());
        };
        let rank = dice.below(held.view.len());
        put_one(reply, held.view, rank, false);
        Ok(())
    })
}

fn several(ctx: &mut Context<'_, '_>, name: &[u8], count: i64, with_scores: bool) -> Outcome {
    let (key, lookup, mut dice) = (ctx.key(name), Lookup::new(ctx), Dice::new(ctx.seed));
    let Context { access, reply, .. } = ctx;
    lookup.view_as::<SortedSet, ()>(access, &key, |held| {
        let Some(held) = held else {
            reply.array(0);
            return Ok(());
        };
        let (view, len) = (held.view, held.view.len());
        let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
        let wanted = if count < 0 { wanted } else { wanted.min(len) };
        lookup.bound(wanted, MAX_KEYS)?;
        header(reply, wanted, with_scores);
        let start = reply.len();
        let mut put = |rank| {
            put_one(reply, view, rank, with_scores);
            lookup.bound(reply.len() - start, MAX_COPY)
        };
        if count < 0 {
            return (0..wanted).try_for_each(|_| put(dice.below(len)));
        }
        distinct(wanted, len, &mut dice).into_iter().try_for_each(put)
    })
}

fn put_one(reply: &mut Encoder, view: View<'_>, rank: usize, with_score: bool) {
    view.each(rank..rank + 1, false, |score, member| put_entry(reply, member, score, with_score));
}

/// `count` different numbers below `len`, each set of them as likely as any other (Floyd's method;
/// Bentley and Floyd, "A sample of brilliance", 1987). Their order is not random.
fn distinct(count: usize, len: usize, dice: &mut Dice) -> Vec<usize> {
    if count == len {
        return (0..len).collect();
    }
    let mut chosen = HashSet::with_capacity(count);
    let mut numbers = Vec::with_capacity(count);
    for last in len - count..len {
        let number = dice.below(last + 1);
        let number = if chosen.contains(&number) { last } else { number };
        chosen.insert(number);
        numbers.push(number);
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_distinct_and_even() {
        let (mut dice, mut counts) = (Dice::new(5), [0usize; 10]);
        for _ in 0..20_000 {
            let numbers = distinct(3, 10, &mut dice);
            assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), 3);
            numbers.iter().for_each(|&number| counts[number] += 1);
        }
        assert!(counts.iter().all(|count| (5_600..6_400).contains(count)), "{counts:?}");
        assert_eq!(distinct(4, 4, &mut dice), [0, 1, 2, 3]);
    }
}
