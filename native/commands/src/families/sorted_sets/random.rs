//! ZRANDMEMBER.

use ferric_resp::Encoder;

use super::read::{header, put_entry};
use crate::context::{Args, Context, Fault, Outcome};
use crate::families::sampling::{Count, Urn, sample};
use crate::pattern::is_option;
use crate::values::dice::Dice;
use crate::values::sorted::{SortedSet, View};
use crate::values::{Lookup, MAX_KEYS};

/// `ZRANDMEMBER key [count [WITHSCORES]]`
pub fn zrandmember(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    match args[2..] {
        [] => one(ctx, args[1]),
        [count, ref options @ ..] => {
            let count = Count::parse(count)?;
            let with_scores = match *options {
                [] => false,
                [word] if is_option(word, "WITHSCORES") => true,
                _ => return Err(Fault::error("ERR syntax error")),
            };
            let (Count::Distinct(number) | Count::Repeated(number)) = count;
            if with_scores && number > usize::MAX / 4 {
                return Err(Fault::error("ERR value is out of range"));
            }
            several(ctx, args[1], count, with_scores)
        }
    }
}

/// The ranks of a sorted set.
struct Ranks(usize);

impl Urn<usize> for Ranks {
    fn size(&self) -> usize {
        self.0
    }

    fn random(&self, dice: &mut Dice) -> Option<usize> {
        (self.0 > 0).then(|| dice.below(self.0))
    }

    fn for_each(&self, visit: impl FnMut(usize)) {
        (0..self.0).for_each(visit);
    }

    fn identity(rank: &usize) -> usize {
        *rank
    }
}

fn one(ctx: &mut Context<'_, '_>, name: &[u8]) -> Outcome {
    let (key, lookup, mut dice) = (ctx.key(name), Lookup::new(ctx), Dice::new(ctx.seed));
    let Context { access, reply, .. } = ctx;
    lookup.view_as::<SortedSet, ()>(access, &key, |held| {
        match held {
            Some(held) => put_one(reply, held.view, dice.below(held.view.len()), false),
            None => reply.null(),
        }
        Ok(())
    })
}

fn several(ctx: &mut Context<'_, '_>, name: &[u8], count: Count, with_scores: bool) -> Outcome {
    let (key, lookup, mut dice) = (ctx.key(name), Lookup::new(ctx), Dice::new(ctx.seed));
    let Context { access, reply, .. } = ctx;
    lookup.view_as::<SortedSet, ()>(access, &key, |held| {
        let Some(held) = held else {
            reply.array(0);
            return Ok(());
        };
        let (view, len) = (held.view, held.view.len());
        lookup.bound(count.of(len), MAX_KEYS)?;
        header(reply, count.of(len), with_scores);
        sample(&Ranks(len), count, &mut dice, |rank| {
            let before = reply.len();
            put_one(reply, view, rank, with_scores);
            reply.len() - before
        })
    })
}

fn put_one(reply: &mut Encoder, view: View<'_>, rank: usize, with_score: bool) {
    view.each(rank..rank + 1, false, |score, member| put_entry(reply, member, score, with_score));
}
