//! Questions about members, and counts.

use super::range::{parse_lex_range, parse_score_range};
use crate::context::{Args, Context, Fault, Outcome};
use crate::pattern::is_option;
use crate::values::sorted::{SortedSet, View};
use crate::values::{Lookup, MAX_KEYS};

/// Has `ask` look at the sorted set at a key; `None` without one.
fn view<R>(
    ctx: &mut Context<'_, '_>,
    key: &[u8],
    ask: impl FnOnce(Option<View<'_>>) -> R,
) -> Result<R, Fault> {
    let (key, lookup) = (ctx.key(key), Lookup::new(ctx));
    lookup.view_as::<SortedSet, R>(ctx.access, &key, |held| Ok(ask(held.map(|held| held.view))))
}

/// `ZCARD key`
pub fn zcard(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let len = view(ctx, args[1], |view| view.map_or(0, View::len))?;
    ctx.reply.integer(len as i64);
    Ok(())
}

/// `ZSCORE key member`
pub fn zscore(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    match view(ctx, args[1], |view| view?.score(args[2]))? {
        Some(score) => ctx.reply.double(score),
        None => ctx.reply.null(),
    }
    Ok(())
}

/// `ZMSCORE key member [member ...]`
pub fn zmscore(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let members = &args[2..];
    ctx.bound(members.len(), MAX_KEYS)?;
    let scores: Vec<Option<f64>> =
        view(ctx, args[1], |view| members.iter().map(|member| view?.score(member)).collect())?;
    ctx.reply.array(scores.len());
    for score in scores {
        match score {
            Some(score) => ctx.reply.double(score),
            None => ctx.reply.null(),
        }
    }
    Ok(())
}

/// `ZRANK key member [WITHSCORE]`
pub fn zrank(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    rank(ctx, args, |rank, _| rank)
}

/// `ZREVRANK key member [WITHSCORE]`
pub fn zrevrank(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    rank(ctx, args, |rank, len| len - 1 - rank)
}

fn rank(ctx: &mut Context<'_, '_>, args: Args<'_>, place: fn(usize, usize) -> usize) -> Outcome {
    let with_score = match args[3..] {
        [] => false,
        [word] if is_option(word, "WITHSCORE") => true,
        [_] => return Err(Fault::error("ERR syntax error")),
        _ => return Err(wrong_number(ctx.command.name)),
    };
    let found = view(ctx, args[1], |view| {
        let (rank, score) = view?.rank(args[2])?;
        Some((place(rank, view?.len()), score))
    })?;
    match found {
        None if with_score => ctx.reply.null_array(),
        None => ctx.reply.null(),
        Some((rank, score)) => {
            if with_score {
                ctx.reply.array(2);
            }
            ctx.reply.integer(rank as i64);
            if with_score {
                ctx.reply.double(score);
            }
        }
    }
    Ok(())
}

fn wrong_number(command: &str) -> Fault {
    format!("ERR wrong number of arguments for '{command}' command").into()
}

/// `ZCOUNT key min max`
pub fn zcount(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let range = parse_score_range(args[2], args[3])?;
    let count = view(ctx, args[1], |view| view.map_or(0, |v| v.ranks_by_score(&range).len()))?;
    ctx.reply.integer(count as i64);
    Ok(())
}

/// `ZLEXCOUNT key min max`
pub fn zlexcount(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let range = parse_lex_range(args[2], args[3])?;
    let count = view(ctx, args[1], |view| view.map_or(0, |v| v.ranks_by_lex(&range, false).len()))?;
    ctx.reply.integer(count as i64);
    Ok(())
}
