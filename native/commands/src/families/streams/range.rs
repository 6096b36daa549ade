//! XLEN, XRANGE and XREVRANGE.

use super::ids::parse_range;
use super::reply::{Budget, put_entries};
use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::parse_i64_or_fault;
use crate::pattern::is_option;
use crate::values::Lookup;
use crate::values::stream::{Id, Stream};

/// `XLEN key`
pub fn xlen(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let length = lookup.view_as::<Stream, _>(ctx.access, &key, |held| {
        Ok(held.map_or(0, |held| held.view.state().length))
    })?;
    ctx.reply.integer(length as i64);
    Ok(())
}

/// `XRANGE key start end [COUNT count]`
pub fn xrange(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let range = parse_range(args[2], args[3])?;
    reply_range(ctx, args, range, false)
}

/// `XREVRANGE key end start [COUNT count]`
pub fn xrevrange(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let range = parse_range(args[3], args[2])?;
    reply_range(ctx, args, range, true)
}

fn reply_range(
    ctx: &mut Context<'_, '_>,
    args: Args<'_>,
    (from, to): (Id, Id),
    reverse: bool,
) -> Outcome {
    let count = parse_count(&args[4..])?;
    let (key, lookup, mut budget) = (ctx.key(args[1]), Lookup::new(ctx), Budget::new(ctx));
    let Context { access, reply, .. } = ctx;
    lookup.view_as::<Stream, _>(access, &key, |held| {
        match (held, count) {
            (None, _) => reply.array(0),
            (Some(_), Some(0)) => reply.null_array(),
            (Some(held), count) if reverse => {
                let entries = held.view.entries_back(from, to);
                put_entries(reply, &mut budget, entries, count.unwrap_or(0))?;
            }
            (Some(held), count) => {
                let entries = held.view.entries(from, to);
                put_entries(reply, &mut budget, entries, count.unwrap_or(0))?;
            }
        }
        Ok(())
    })
}

/// The last COUNT among the options; a negative one is 0.
fn parse_count(mut words: Args<'_>) -> Result<Option<u64>, Fault> {
    let mut count = None;
    while let Some((word, rest)) = words.split_first() {
        let Some((number, rest)) = rest.split_first().filter(|_| is_option(word, "COUNT")) else {
            return Err(Fault::error("ERR syntax error"));
        };
        count = Some(u64::try_from(parse_i64_or_fault(number)?).unwrap_or(0));
        words = rest;
    }
    Ok(count)
}
