//! SRANDMEMBER and SPOP: members chosen at random.

use super::super::sampling::{Count, Urn, sample};
use crate::context::{Args, Context, Fault, Outcome};
use crate::families::lists::parse_at_least;
use crate::values::dice::Dice;
use crate::values::set::{Builder, Edit, Member, Set, View};
use crate::values::{Change, Held, Lookup, MAX_COPY, MAX_KEYS, commit};

const SYNTAX: Fault = Fault::error("ERR syntax error");

/// Redis builds a set anew from what is left when more than this times as many members go.
const REBUILD: usize = 5;

/// `SRANDMEMBER key [count]`
pub fn srandmember(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let count = match args[2..] {
        [] => None,
        [word] => Some(Count::parse(word)?),
        _ => return Err(SYNTAX),
    };
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut dice = Dice::new(ctx.seed);
    let Context { access, reply, .. } = ctx;
    lookup.view_as::<Set, _>(access, &key, |held| {
        let Some(count) = count else {
            match held.and_then(|held| held.view.random(&mut dice)) {
                Some(member) => member.with(|bytes| reply.bulk(bytes)),
                None => reply.null(),
            }
            return Ok(());
        };
        let Some(view) = held.map(|held| held.view) else {
            reply.array(0);
            return Ok(());
        };
        check_size(&lookup, view, count.of(view.len()))?;
        reply.array(count.of(view.len()));
        sample(&view, count, &mut dice, |member| {
            let start = reply.len();
            member.with(|bytes| reply.bulk(bytes));
            reply.len() - start
        })
    })
}

/// Whether `count` members may be drawn on this scheduler.
fn check_size(lookup: &Lookup<'_>, view: View<'_>, count: usize) -> Outcome {
    lookup.bound(count, MAX_KEYS)?;
    lookup.bound(view.bytes().saturating_mul(count) / view.len().max(1), MAX_COPY)?;
    // Many members are drawn in one pass over all.
    let pass = if count.saturating_mul(3) > view.len() { view.len() } else { 0 };
    lookup.bound(pass, MAX_KEYS)
}

/// `SPOP key [count]`
pub fn spop(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let count = match args[2..] {
        [] => None,
        [word] => Some(parse_at_least(0, word, "ERR value is out of range, must be positive")?),
        _ => return Err(SYNTAX),
    };
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let thresholds = ctx.server.config().thresholds();
    let mut dice = Dice::new(ctx.seed);
    let mut locked = ctx.access.acquire(&key)?;
    let Some(held) = lookup.modify_as::<Set>(&mut locked, &key)? else {
        if count.is_some() {
            ctx.reply.set(0)
        } else {
            ctx.reply.null()
        }
        return Ok(());
    };
    let view = held.view;
    let taken = count.unwrap_or(1).min(view.len());
    check_size(&lookup, view, taken)?;
    if count.is_some() {
        ctx.reply.set(taken);
    }
    if taken == 0 {
        return Ok(());
    }
    let mut popped = Vec::with_capacity(taken);
    sample(&view, Count::Distinct(taken), &mut dice, |member| {
        member.with(|bytes| ctx.reply.bulk(bytes));
        popped.push(member);
        0
    })?;
    let left = view.len() - taken;
    let change = if left == 0 {
        Change::Delete
    } else if left * REBUILD > taken {
        let mut edit = Edit::new(Some(held), thresholds, 1);
        popped.iter().for_each(|member| member.with(|bytes| edit.take(bytes)));
        let Some(change) = edit.finish()? else { return Ok(()) };
        change
    } else {
        remaining(&held, &popped, Builder::new(thresholds))
    };
    commit(&mut locked, &[(key, change)])
}

/// The set without the members that are taken from it, built anew.
fn remaining(held: &Held<'_, Set>, popped: &[Member<'_>], mut left: Builder) -> Change {
    // Members are visited and were drawn in the same order, as so many are drawn in one pass.
    let mut popped = popped.iter().peekable();
    held.view.for_each_ordered(|member| {
        if popped.next_if_eq(&&member).is_none() {
            member.with(|bytes| left.add(bytes));
        }
    });
    left.finish(held.meta.expiry_ms)
}

impl<'a> Urn<Member<'a>> for View<'a> {
    fn size(&self) -> usize {
        View::len(self)
    }

    fn random(&self, dice: &mut Dice) -> Option<Member<'a>> {
        View::random(self, dice)
    }

    fn for_each(&self, visit: impl FnMut(Member<'a>)) {
        self.for_each_ordered(visit);
    }

    fn identity(member: &Member<'a>) -> usize {
        match member {
            // Even an empty text has a place of its own: lengths stand in front of each.
            Member::Text(text) => text.as_ptr() as usize,
            Member::Integer(number) => *number as usize,
        }
    }
}
