//! ZRANGE and its older forms, and ZRANGESTORE.

use std::ops::ControlFlow;

use ferric_resp::{Encoder, Protocol};

use super::limits::Limits;
use super::range::{Form, Query, Unit};
use super::store::{Entries, replace};
use crate::context::{Args, Context, Outcome};
use crate::values::sorted::SortedSet;
use crate::values::{Lookup, MAX_COPY, MAX_KEYS};

/// `ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]`
pub fn zrange(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    range(ctx, args, Form { unit: None, reverse: None, with_scores: true })
}

/// `ZREVRANGE key start stop [WITHSCORES]`
pub fn zrevrange(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    range(ctx, args, form(Unit::Rank, true))
}

/// `ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]`
pub fn zrangebyscore(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    range(ctx, args, form(Unit::Score, false))
}

/// `ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]`
pub fn zrevrangebyscore(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    range(ctx, args, form(Unit::Score, true))
}

/// `ZRANGEBYLEX key min max [LIMIT offset count]`
pub fn zrangebylex(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    range(ctx, args, form(Unit::Lex, false))
}

/// `ZREVRANGEBYLEX key max min [LIMIT offset count]`
pub fn zrevrangebylex(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    range(ctx, args, form(Unit::Lex, true))
}

fn form(unit: Unit, reverse: bool) -> Form {
    Form { unit: Some(unit), reverse: Some(reverse), with_scores: true }
}

fn range(ctx: &mut Context<'_, '_>, args: Args<'_>, form: Form) -> Outcome {
    let query = Query::parse(&args[2..], form)?;
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let Context { access, reply, .. } = ctx;
    lookup.view_as::<SortedSet, ()>(access, &key, |held| {
        let Some(held) = held else {
            reply.array(0);
            return Ok(());
        };
        let ranks = query.ranks(held.view);
        lookup.bound(ranks.len(), MAX_KEYS)?;
        header(reply, ranks.len(), query.with_scores);
        let mut copied = 0;
        let end = held.view.visit(ranks, query.reverse, |score, member| {
            copied += member.len();
            if let Err(fault) = lookup.bound(copied, MAX_COPY) {
                return ControlFlow::Break(fault);
            }
            put_entry(reply, member, score, query.with_scores);
            ControlFlow::Continue(())
        });
        end.break_value().map_or(Ok(()), Err)
    })
}

/// The header of an array of entries.
pub fn header(reply: &mut Encoder, entries: usize, with_scores: bool) {
    let flat = with_scores && reply.protocol() == Protocol::Resp2;
    reply.array(if flat { entries * 2 } else { entries });
}

/// An entry of such an array.
#[inline]
pub fn put_entry(reply: &mut Encoder, member: &[u8], score: f64, with_score: bool) {
    if !with_score {
        return reply.bulk(member);
    }
    if reply.protocol() == Protocol::Resp3 {
        reply.array(2);
    }
    reply.bulk(member);
    reply.double(score);
}

/// `ZRANGESTORE destination source min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]`
pub fn zrangestore(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let form = Form { unit: None, reverse: None, with_scores: false };
    let query = Query::parse(&args[3..], form)?;
    let (target, source) = (ctx.key(args[1]), ctx.key(args[2]));
    let (lookup, limits) = (Lookup::new(ctx), Limits::of(ctx));
    let mut locked = ctx.access.acquire_all([&target, &source])?;
    let mut entries = Entries::default();
    if let Some(held) = lookup.modify_as::<SortedSet>(&mut locked, &source)? {
        let ranks = query.ranks(held.view);
        lookup.bound(ranks.len(), MAX_KEYS)?;
        held.view.each(ranks, false, |score, member| entries.push(score, member));
    }
    lookup.bound(entries.bytes(), MAX_COPY)?;
    ctx.reply.integer(entries.count() as i64);
    replace(&mut locked, target, &entries.sorted(), limits)
}
