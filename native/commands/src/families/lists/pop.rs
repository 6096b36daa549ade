//! LPOP, RPOP and LMPOP: taking elements from an end.

use ferric_engine::Key;

use super::{parse_at_least, parse_end};
use crate::blocked::{Blocking, Wish};
use crate::context::{Args, Context, Fault, Outcome};
use crate::pattern::is_option;
use crate::values::list::{self, Delta, End, List, View};
use crate::values::{Change, Held, Lookup, MAX_COPY, MAX_KEYS, commit};
use ferric_resp::Encoder;

/// `LPOP key [count]`
pub fn lpop(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    pop(ctx, args, End::Left)
}

/// `RPOP key [count]`
pub fn rpop(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    pop(ctx, args, End::Right)
}

fn pop(ctx: &mut Context<'_, '_>, args: Args<'_>, end: End) -> Outcome {
    let count = match args[2..] {
        [] => None,
        [word] => Some(parse_at_least(0, word, "ERR value is out of range, must be positive")?),
        _ => {
            let name = ctx.command.name;
            return Err(format!("ERR wrong number of arguments for '{name}' command").into());
        }
    };
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let Some(held) = lookup.modify_as::<List>(&mut locked, &key)? else {
        if count.is_some() {
            ctx.reply.null_array()
        } else {
            ctx.reply.null()
        }
        return Ok(());
    };
    let taken = count.unwrap_or(1).min(held.view.len());
    if count.is_some() {
        ctx.reply.array(taken);
    }
    if taken == 0 {
        return Ok(());
    }
    reply_end(ctx.reply, &lookup, held.view, end, taken)?;
    let change = popped(&held, end, taken)?;
    commit(&mut locked, &[(key, change)])
}

/// `LMPOP numkeys key [key ...] LEFT|RIGHT [COUNT count]`
pub fn lmpop(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (names, end, count) = parse_lmpop(args)?;
    try_pop_many(ctx, names, end, count, None)
}

/// Takes elements of the first list that is there; if there is none, waits if that is wished.
pub(super) fn try_pop_many(
    ctx: &mut Context<'_, '_>,
    words: Args<'_>,
    end: End,
    count: usize,
    wish: Option<Wish<'_>>,
) -> Outcome {
    ctx.bound(words.len(), MAX_KEYS)?;
    let (lookup, blocking) = (Lookup::new(ctx), Blocking::new(ctx));
    let keys: Vec<Key<'_>> = words.iter().map(|word| ctx.key(word)).collect();
    let mut locked = ctx.access.acquire_all(&keys)?;
    for key in &keys {
        let Some(held) = lookup.modify_as::<List>(&mut locked, key)? else { continue };
        let taken = count.min(held.view.len());
        ctx.reply.array(2);
        ctx.reply.bulk(key.bytes);
        ctx.reply.array(taken);
        reply_end(ctx.reply, &lookup, held.view, end, taken)?;
        let change = popped(&held, end, taken)?;
        return commit(&mut locked, &[(*key, change)]);
    }
    match wish {
        Some(wish) if !blocking.is_denied() => {
            Err(blocking.wait(ctx.session, ctx.command.name, wish))
        }
        _ => {
            ctx.reply.null_array();
            Ok(())
        }
    }
}

/// The keys, the end to take from, and how many elements.
pub(super) fn parse_lmpop<'a>(args: Args<'a>) -> Result<(Args<'a>, End, usize), Fault> {
    const SYNTAX: Fault = Fault::error("ERR syntax error");
    let keys = parse_at_least(1, args[1], "ERR numkeys should be greater than 0")?;
    let (keys, rest) = args[2..].split_at_checked(keys).ok_or(SYNTAX)?;
    let (end, mut options) = rest.split_first().ok_or(SYNTAX)?;
    let end = parse_end(end)?;
    let mut count = None;
    while let [option, word, rest @ ..] = options {
        if count.is_some() || !is_option(option, "COUNT") {
            return Err(SYNTAX);
        }
        count = Some(parse_at_least(1, word, "ERR count should be greater than 0")?);
        options = rest;
    }
    if options.is_empty() { Ok((keys, end, count.unwrap_or(1))) } else { Err(SYNTAX) }
}

/// Replies with the last `count` elements at an end, which are there, from the outermost on.
pub(super) fn reply_end(
    reply: &mut Encoder,
    lookup: &Lookup<'_>,
    view: View<'_>,
    end: End,
    count: usize,
) -> Outcome {
    lookup.bound(count, MAX_KEYS)?;
    let mut copied = 0;
    let mut add = |element: &[u8]| {
        copied += element.len();
        reply.bulk(element);
        lookup.bound(copied, MAX_COPY)
    };
    let len = view.len();
    match end {
        End::Left => view.range(0, count).try_for_each(&mut add),
        // The usual case, for which nothing has to be turned round.
        End::Right if count == 1 => view.range(len - 1, 1).try_for_each(&mut add),
        End::Right => view.backward(len).take(count).try_for_each(&mut add),
    }
}

/// The change that takes `count` elements, which are there, from an end.
pub(super) fn popped(held: &Held<'_, List>, end: End, count: usize) -> Result<Change, Fault> {
    match end {
        End::Left => trimmed(held, count, 0),
        End::Right => trimmed(held, 0, count),
    }
}

/// The change that takes elements, which are there, from both ends.
pub(super) fn trimmed(held: &Held<'_, List>, front: usize, back: usize) -> Result<Change, Fault> {
    let left = held.view.len() - front - back;
    let delta = Delta::new().trim(front, back);
    if left == 0 || left > MAX_KEYS || front + back <= MAX_KEYS {
        return held.change(held.meta, delta.bytes(), left);
    }
    // Little is left of much: a new value, and the engine frees the old one when it has time.
    let kept: Vec<&[u8]> = held.view.range(front, left).collect();
    if kept.iter().map(|element| element.len()).sum::<usize>() > MAX_COPY {
        return held.change(held.meta, delta.bytes(), left);
    }
    Ok(list::put(kept.iter().copied(), held.meta.expiry_ms))
}
