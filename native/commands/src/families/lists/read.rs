//! LLEN, LINDEX and LRANGE: looking at a list.

use super::{extent, position};
use crate::context::{Args, Context, Outcome};
use crate::numbers::parse_i64_or_fault;
use crate::values::list::List;
use crate::values::{Lookup, MAX_COPY, MAX_KEYS};

/// `LLEN key`
pub fn llen(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let len = lookup
        .view_as::<List, _>(ctx.access, &key, |held| Ok(held.map_or(0, |held| held.view.len())))?;
    ctx.reply.integer(len as i64);
    Ok(())
}

/// `LINDEX key index`
pub fn lindex(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let Context { access, reply, .. } = ctx;
    lookup.view_as::<List, _>(access, &key, |held| {
        let Some(held) = held else {
            reply.null();
            return Ok(());
        };
        let index = parse_i64_or_fault(args[2])?;
        match position(index, held.view.len()).and_then(|at| held.view.get(at)) {
            Some(element) => {
                lookup.bound(element.len(), MAX_COPY)?;
                reply.bulk(element);
            }
            None => reply.null(),
        }
        Ok(())
    })
}

/// `LRANGE key start stop`
pub fn lrange(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (start, stop) = (parse_i64_or_fault(args[2])?, parse_i64_or_fault(args[3])?);
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let Context { access, reply, .. } = ctx;
    lookup.view_as::<List, _>(access, &key, |held| {
        let Some(held) = held else {
            reply.array(0);
            return Ok(());
        };
        let (from, count) = extent(start, stop, held.view.len());
        lookup.bound(count, MAX_KEYS)?;
        reply.array(count);
        let mut copied = 0;
        for element in held.view.range(from, count) {
            copied += element.len();
            lookup.bound(copied, MAX_COPY)?;
            reply.bulk(element);
        }
        Ok(())
    })
}
