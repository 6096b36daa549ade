//! ZREM and the removal of ranges.

use std::ops::Range;

use super::range::{By, Unit, between};
use crate::context::{Args, Context, Outcome};
use crate::values::sorted::{Delta, SortedSet, View};
use crate::values::touched::Touched;
use crate::values::{Lookup, MAX_KEYS, commit};

/// `ZREM key member [member ...]`
pub fn zrem(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let members = &args[2..];
    ctx.bound(members.len(), MAX_KEYS)?;
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let Some(held) = lookup.modify_as::<SortedSet>(&mut locked, &key)? else {
        ctx.reply.integer(0);
        return Ok(());
    };
    let (mut delta, mut removed) = (Delta::default(), 0);
    let mut gone = Touched::new(members.len());
    for member in members {
        if gone.get(member).is_none() && held.view.score(member).is_some() {
            gone.set(member, ());
            delta.remove(member);
            removed += 1;
        }
    }
    ctx.reply.integer(removed as i64);
    if removed == 0 {
        return Ok(());
    }
    let change = held.change(held.meta, delta.as_slice(), held.view.len() - removed)?;
    commit(&mut locked, &[(key, change)])
}

/// `ZREMRANGEBYRANK key start stop`
pub fn zremrangebyrank(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    remove_range(ctx, args, Unit::Rank)
}

/// `ZREMRANGEBYSCORE key min max`
pub fn zremrangebyscore(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    remove_range(ctx, args, Unit::Score)
}

/// `ZREMRANGEBYLEX key min max`
pub fn zremrangebylex(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    remove_range(ctx, args, Unit::Lex)
}

fn remove_range(ctx: &mut Context<'_, '_>, args: Args<'_>, unit: Unit) -> Outcome {
    let by = By::parse(unit, false, args[2], args[3])?;
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let Some(held) = lookup.modify_as::<SortedSet>(&mut locked, &key)? else {
        ctx.reply.integer(0);
        return Ok(());
    };
    let ranks = ranks(&by, held.view);
    lookup.bound(ranks.len(), MAX_KEYS)?;
    ctx.reply.integer(ranks.len() as i64);
    if ranks.is_empty() {
        return Ok(());
    }
    let mut delta = Delta::default();
    delta.remove_range(ranks.clone());
    let change = held.change(held.meta, delta.as_slice(), held.view.len() - ranks.len())?;
    commit(&mut locked, &[(key, change)])
}

fn ranks(by: &By<'_>, view: View<'_>) -> Range<usize> {
    match by {
        By::Rank(first, last) => between(*first, *last, view.len()),
        By::Score(range) => view.ranks_by_score(range),
        By::Lex(range) => view.ranks_by_lex(range, false),
    }
}
