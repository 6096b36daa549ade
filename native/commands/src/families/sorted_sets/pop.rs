//! ZPOPMIN, ZPOPMAX and ZMPOP: taking entries from an end; BZPOPMIN, BZPOPMAX and BZMPOP, which wait for some.

use ferric_engine::Key;
use ferric_resp::{Encoder, Protocol};

use crate::blocked::{Blocking, Wish};
use crate::context::{Args, Context, Fault, Outcome};
use crate::families::waiting::parse_timeout;
use crate::numbers::parse_i64;
use crate::pattern::is_option;
use crate::values::sorted::{Delta, SortedSet};
use crate::values::{Held, Kind, Lookup, MAX_COPY, MAX_KEYS, commit};

const SYNTAX: Fault = Fault::error("ERR syntax error");

/// An end of a sorted set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Min,
    Max,
}

/// How popped entries are replied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Style {
    /// Members and scores alternate.
    Flat,
    /// An array a pair.
    Pairs,
    /// The key, and an array of such arrays.
    Key,
    /// The key, a member and its score.
    One,
}

/// `ZPOPMIN key [count]`
pub fn zpopmin(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    pop_from_one(ctx, args, End::Min)
}

/// `ZPOPMAX key [count]`
pub fn zpopmax(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    pop_from_one(ctx, args, End::Max)
}

fn pop_from_one(ctx: &mut Context<'_, '_>, args: Args<'_>, end: End) -> Outcome {
    let (count, style) = match args[2..] {
        [] => (1, Style::Flat),
        [count] => {
            let count = parse_i64(count).and_then(|count| usize::try_from(count).ok());
            let count = count.ok_or(Fault::error("ERR value is out of range, must be positive"))?;
            let nested = ctx.reply.protocol() == Protocol::Resp3;
            (count, if nested { Style::Pairs } else { Style::Flat })
        }
        _ => return Err(SYNTAX),
    };
    if !pop(ctx, &args[1..2], end, count, style, None)? {
        ctx.reply.array(0);
    }
    Ok(())
}

/// `ZMPOP numkeys key [key ...] <MIN | MAX> [COUNT count]`
pub fn zmpop(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (keys, end, count) = parse_zmpop(args)?;
    if !pop(ctx, keys, end, count, Style::Key, None)? {
        ctx.reply.null_array();
    }
    Ok(())
}

/// `BZMPOP timeout numkeys key [key ...] <MIN | MAX> [COUNT count]`
pub fn bzmpop(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (keys, end, count) = parse_zmpop(&args[1..])?;
    let timeout_ms = parse_timeout(ctx, args[1])?;
    let wish = Wish { words: args, keys, kind: Kind::SortedSet, timeout_ms };
    if !pop(ctx, keys, end, count, Style::Key, Some(wish))? {
        ctx.reply.null_array();
    }
    Ok(())
}

/// `BZPOPMIN key [key ...] timeout`
pub fn bzpopmin(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    wait_for_one(ctx, args, End::Min)
}

/// `BZPOPMAX key [key ...] timeout`
pub fn bzpopmax(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    wait_for_one(ctx, args, End::Max)
}

fn wait_for_one(ctx: &mut Context<'_, '_>, args: Args<'_>, end: End) -> Outcome {
    let (keys, timeout) = (&args[1..args.len() - 1], args[args.len() - 1]);
    let timeout_ms = parse_timeout(ctx, timeout)?;
    let wish = Wish { words: args, keys, kind: Kind::SortedSet, timeout_ms };
    if !pop(ctx, keys, end, 1, Style::One, Some(wish))? {
        ctx.reply.null_array();
    }
    Ok(())
}

/// The keys, the end to pop from, and how many entries.
fn parse_zmpop<'a>(args: Args<'a>) -> Result<(Args<'a>, End, usize), Fault> {
    let numkeys = parse_positive(args[1], "ERR numkeys should be greater than 0")?;
    let rest = args[2..].split_at_checked(numkeys);
    let Some((keys, [end, options @ ..])) = rest else { return Err(SYNTAX) };
    let end = if is_option(end, "MIN") {
        End::Min
    } else if is_option(end, "MAX") {
        End::Max
    } else {
        return Err(SYNTAX);
    };
    let count = match *options {
        [] => 1,
        [word, count, ref rest @ ..] if is_option(word, "COUNT") => {
            let count = parse_positive(count, "ERR count should be greater than 0")?;
            if !rest.is_empty() {
                return Err(SYNTAX);
            }
            count
        }
        _ => return Err(SYNTAX),
    };
    Ok((keys, end, count))
}

/// A number above 0.
fn parse_positive(word: &[u8], otherwise: &'static str) -> Result<usize, Fault> {
    let number = parse_i64(word).and_then(|number| usize::try_from(number).ok());
    number.filter(|&number| number > 0).ok_or(Fault::error(otherwise))
}

/// Pops up to `count` entries of the first key with any, and replies. When there is no such key it waits, if
/// that is wished; else false, and no reply.
fn pop(
    ctx: &mut Context<'_, '_>,
    names: Args<'_>,
    end: End,
    count: usize,
    style: Style,
    wish: Option<Wish<'_>>,
) -> Result<bool, Fault> {
    ctx.bound(names.len(), MAX_KEYS)?;
    let (lookup, blocking) = (Lookup::new(ctx), Blocking::new(ctx));
    let keys: Vec<Key<'_>> = names.iter().map(|name| ctx.key(name)).collect();
    let mut locked = ctx.access.acquire_all(&keys)?;
    for key in &keys {
        let Some(held) = lookup.modify_as::<SortedSet>(&mut locked, key)? else { continue };
        let len = held.view.len();
        let count = count.min(len);
        lookup.bound(count, MAX_KEYS)?;
        if let Style::Key | Style::One = style {
            ctx.reply.array(if style == Style::Key { 2 } else { 3 });
            ctx.reply.bulk(key.bytes);
        }
        if count == 0 {
            ctx.reply.array(0);
            return Ok(true);
        }
        let ranks = if end == End::Min { 0..count } else { len - count..len };
        let before = ctx.reply.len();
        put_popped(ctx.reply, &held, ranks.clone(), end, style);
        lookup.bound(ctx.reply.len() - before, MAX_COPY)?;
        let mut delta = Delta::default();
        delta.remove_range(ranks);
        let change = held.change(held.meta, delta.as_slice(), len - count)?;
        commit(&mut locked, &[(*key, change)])?;
        return Ok(true);
    }
    match wish {
        Some(wish) if !blocking.is_denied() => {
            Err(blocking.wait(ctx.session, ctx.command.name, wish))
        }
        _ => Ok(false),
    }
}

fn put_popped(
    reply: &mut Encoder,
    held: &Held<'_, SortedSet>,
    ranks: std::ops::Range<usize>,
    end: End,
    style: Style,
) {
    let pairs = matches!(style, Style::Pairs | Style::Key);
    match style {
        Style::One => {}
        Style::Flat => reply.array(ranks.len() * 2),
        Style::Pairs | Style::Key => reply.array(ranks.len()),
    }
    held.view.each(ranks, end == End::Max, |score, member| {
        if pairs {
            reply.array(2);
        }
        reply.bulk(member);
        reply.double(score);
    });
}
