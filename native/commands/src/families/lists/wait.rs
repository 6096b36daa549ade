//! BLPOP, BRPOP, BLMPOP, BLMOVE and BRPOPLPUSH: as their namesakes, but they wait when there is nothing.

use ferric_engine::Key;

use super::parse_end;
use super::pop::{parse_lmpop, popped, reply_end, try_pop_many};
use super::relocate::try_relocate;
use crate::blocked::{Blocking, Wish};
use crate::context::{Args, Context, Outcome};
use crate::families::waiting::parse_timeout;
use crate::values::list::{End, List};
use crate::values::{Kind, Lookup, MAX_KEYS, commit};

/// `BLPOP key [key ...] timeout`
pub fn blpop(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    pop(ctx, args, End::Left)
}

/// `BRPOP key [key ...] timeout`
pub fn brpop(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    pop(ctx, args, End::Right)
}

fn pop(ctx: &mut Context<'_, '_>, args: Args<'_>, end: End) -> Outcome {
    let (names, last) = (&args[1..args.len() - 1], args[args.len() - 1]);
    let timeout_ms = parse_timeout(ctx, last)?;
    ctx.bound(names.len(), MAX_KEYS)?;
    let (lookup, blocking) = (Lookup::new(ctx), Blocking::new(ctx));
    let keys: Vec<Key<'_>> = names.iter().map(|name| ctx.key(name)).collect();
    let mut locked = ctx.access.acquire_all(&keys)?;
    for key in &keys {
        let Some(held) = lookup.modify_as::<List>(&mut locked, key)? else { continue };
        ctx.reply.array(2);
        ctx.reply.bulk(key.bytes);
        reply_end(ctx.reply, &lookup, held.view, end, 1)?;
        let change = popped(&held, end, 1)?;
        return commit(&mut locked, &[(*key, change)]);
    }
    if blocking.is_denied() {
        ctx.reply.null_array();
        return Ok(());
    }
    let wish = Wish { words: args, keys: names, kind: Kind::List, timeout_ms };
    Err(blocking.wait(ctx.session, ctx.command.name, wish))
}

/// `BLMPOP timeout numkeys key [key ...] LEFT|RIGHT [COUNT count]`
pub fn blmpop(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (names, end, count) = parse_lmpop(&args[1..])?;
    let timeout_ms = parse_timeout(ctx, args[1])?;
    let wish = Wish { words: args, keys: names, kind: Kind::List, timeout_ms };
    try_pop_many(ctx, names, end, count, Some(wish))
}

/// `BLMOVE source destination LEFT|RIGHT LEFT|RIGHT timeout`
pub fn blmove(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (from, to) = (parse_end(args[3])?, parse_end(args[4])?);
    relocate(ctx, args, from, to, args[5])
}

/// `BRPOPLPUSH source destination timeout`
pub fn brpoplpush(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    relocate(ctx, args, End::Right, End::Left, args[3])
}

fn relocate(
    ctx: &mut Context<'_, '_>,
    args: Args<'_>,
    from: End,
    to: End,
    timeout: &[u8],
) -> Outcome {
    let timeout_ms = parse_timeout(ctx, timeout)?;
    let wish = Wish { words: args, keys: &args[1..2], kind: Kind::List, timeout_ms };
    try_relocate(ctx, args, from, to, Some(wish))
}
