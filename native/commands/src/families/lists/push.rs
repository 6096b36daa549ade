//! LPUSH, RPUSH, LPUSHX and RPUSHX: adding elements at an end.

use crate::context::{Args, Context, Outcome};
use crate::values::list::{self, Delta, End, List};
use crate::values::{Change, Lookup, MAX_COPY, MAX_KEYS, commit};

/// `LPUSH key element [element ...]`
pub fn lpush(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    push(ctx, args, End::Left, true)
}

/// `RPUSH key element [element ...]`
pub fn rpush(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    push(ctx, args, End::Right, true)
}

/// `LPUSHX key element [element ...]`
pub fn lpushx(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    push(ctx, args, End::Left, false)
}

/// `RPUSHX key element [element ...]`
pub fn rpushx(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    push(ctx, args, End::Right, false)
}

/// Adds elements, one after the other; `create` says whether also where there is no list.
fn push(ctx: &mut Context<'_, '_>, args: Args<'_>, end: End, create: bool) -> Outcome {
    let (key, lookup, elements) = (ctx.key(args[1]), Lookup::new(ctx), &args[2..]);
    ctx.bound(elements.len(), MAX_KEYS)?;
    ctx.bound(elements.iter().map(|element| element.len()).sum(), MAX_COPY)?;
    let mut locked = ctx.access.acquire(&key)?;
    let change = match lookup.modify_as::<List>(&mut locked, &key)? {
        Some(held) => {
            let len = held.view.len() + elements.len();
            ctx.reply.integer(len as i64);
            held.change(held.meta, Delta::new().push(end, elements).bytes(), len)?
        }
        None if create => {
            ctx.reply.integer(elements.len() as i64);
            created(elements, end)
        }
        None => {
            ctx.reply.integer(0);
            return Ok(());
        }
    };
    commit(&mut locked, &[(key, change)])
}

/// A new list of elements that were added at an end, one after the other.
pub(super) fn created(elements: &[&[u8]], end: End) -> Change {
    match end {
        End::Left => list::put(elements.iter().rev().copied(), 0),
        End::Right => list::put(elements.iter().copied(), 0),
    }
}
