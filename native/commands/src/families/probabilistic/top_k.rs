//! TOPK.*: the heaviest items of a stream.

use std::sync::Arc;

use ferric_resp::Encoder;

use super::{READ, WRITE, view, wrong_arity};
use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::{parse_f64, parse_i64};
use crate::pattern::is_option;
use crate::table::{Command, Flag};
use crate::values::top_k::{Addition, Shape, TopK};
use crate::values::{Change, Lookup, MAX_COPY, MAX_KEYS, commit};

const READ_FAST: Command =
    Command { categories: &["topk", "read", "fast"], group: "topk", since: "2.0.0", ..READ };

const READ_SLOW: Command = Command {
    categories: &["topk", "read", "slow"],
    flags: &[Flag::Readonly],
    complexity: "O(n) for n items",
    ..READ_FAST
};

const WRITE_FAST: Command =
    Command { categories: &["topk", "write", "fast"], group: "topk", since: "2.0.0", ..WRITE };

const WRITE_SLOW: Command = Command {
    categories: &["topk", "write", "slow"],
    flags: &[Flag::Write, Flag::DenyOom],
    complexity: "O(n * k) for n items and k kept ones",
    ..WRITE_FAST
};

/// The family's part of the command table.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "topk.reserve",
        arity: -3,
        complexity: "O(1)",
        summary: "Makes an empty Top-K that keeps some number of items.",
        handler: Some(reserve),
        ..WRITE_FAST
    },
    Command {
        name: "topk.add",
        arity: -3,
        summary: "Counts items, and returns those that are no longer kept.",
        handler: Some(add),
        ..WRITE_SLOW
    },
    Command {
        name: "topk.incrby",
        arity: -4,
        summary: "Counts items some times each, and returns those that are no longer kept.",
        handler: Some(incrby),
        ..WRITE_SLOW
    },
    Command {
        name: "topk.query",
        arity: -3,
        summary: "Says of each item whether it is one of the heaviest.",
        handler: Some(query),
        ..READ_SLOW
    },
    Command {
        name: "topk.count",
        arity: -3,
        summary: "Estimates how often items were counted.",
        handler: Some(count),
        ..READ_SLOW
    },
    Command {
        name: "topk.list",
        arity: -2,
        complexity: "O(k log k) for k kept items",
        summary: "Returns the heaviest items.",
        handler: Some(list),
        ..READ_SLOW
    },
    Command {
        name: "topk.info",
        arity: 2,
        complexity: "O(1)",
        summary: "Returns what a Top-K was made with.",
        handler: Some(info),
        ..READ_FAST
    },
];

/// Redis Stack's defaults.
const WIDTH: u64 = 8;
const DEPTH: u64 = 7;
const DECAY: f64 = 0.9;

/// Largest increment.
const MAX_INCREMENT: u32 = 100_000;

/// Rolls of the dice on a normal scheduler.
const MAX_ROLLS: usize = 20_000;

const MISSING: Fault = Fault::error("TopK: key does not exist");

/// `TOPK.RESERVE key topk [width depth decay]`
fn reserve(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    if args.len() != 3 && args.len() != 6 {
        return Err(wrong_arity(ctx));
    }
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    if lookup.modify(&mut locked, &key)?.is_some() {
        return Err(Fault::error("TopK: key already exists"));
    }
    let shape = parse_shape(&args[2..])?;
    if !shape.is_valid() {
        return Err(Fault::error("ERR Insufficient memory to create topk data structure"));
    }
    ctx.reply.ok();
    commit(&mut locked, &[(key, Change::put(&TopK::new(shape), 0, 0))])
}

fn parse_shape(words: Args<'_>) -> Result<Shape, Fault> {
    let size = |word: &[u8], invalid| {
        let size = parse_i64(word).and_then(|size| u32::try_from(size).ok());
        size.filter(|size| *size > 0).map(u64::from).ok_or(Fault::error(invalid))
    };
    let kept = size(words[0], "TopK: invalid k")?;
    let &[_, width, depth, decay] = words else {
        return Ok(Shape { kept, width: WIDTH, depth: DEPTH, decay: DECAY });
    };
    let width = size(width, "TopK: invalid width")?;
    let depth = size(depth, "TopK: invalid depth")?;
    let decay = parse_f64(decay).filter(|decay| *decay > 0.0 && *decay <= 1.0);
    let decay = decay.ok_or(Fault::error("TopK: invalid decay value. must be '<= 1' & '> 0'"))?;
    Ok(Shape { kept, width, depth, decay })
}

/// `TOPK.ADD key item [item ...]`
fn add(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let items: Vec<_> = args[2..].iter().map(|item| (*item, Some(1))).collect();
    add_items(ctx, args[1], &items)
}

/// `TOPK.INCRBY key item increment [item increment ...]`
fn incrby(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (pairs, rest) = args[2..].as_chunks::<2>();
    if !rest.is_empty() {
        return Err(wrong_arity(ctx));
    }
    let increment = |word: &[u8]| {
        let increment = parse_i64(word).and_then(|number| u32::try_from(number).ok());
        increment.filter(|increment| *increment <= MAX_INCREMENT)
    };
    let items: Vec<_> = pairs.iter().map(|[item, by]| (*item, increment(by))).collect();
    add_items(ctx, args[1], &items)
}

/// Counts items, each as often as the number beside it says; `None` is replied to with an error.
fn add_items(ctx: &mut Context<'_, '_>, name: &[u8], items: &[(&[u8], Option<u32>)]) -> Outcome {
    ctx.bound(items.len(), MAX_KEYS)?;
    ctx.bound(items.iter().map(|(item, _)| item.len()).sum(), MAX_COPY)?;
    let (key, lookup, seed) = (ctx.key(name), Lookup::new(ctx), ctx.seed);
    let mut locked = ctx.access.acquire(&key)?;
    let held = lookup.modify_as::<TopK>(&mut locked, &key)?.ok_or(MISSING)?;
    let parts = held.view.parts()?;
    let rolls: usize = items.iter().map(|(_, by)| by.unwrap_or(0) as usize).sum();
    lookup.bound(rolls.saturating_mul(parts.shape.depth as usize), MAX_ROLLS)?;
    lookup.bound(items.len().saturating_mul(parts.shape.kept as usize), MAX_ROLLS)?;
    let mut addition = Addition::new(parts, seed);
    let displaced: Vec<Option<Option<Arc<[u8]>>>> =
        items.iter().map(|(item, by)| by.map(|by| addition.add(item, by))).collect();
    let change = held.change(held.meta, &addition.into_delta(), 1)?;
    reply_displaced(ctx.reply, &displaced);
    commit(&mut locked, &[(key, change)])
}

fn reply_displaced(reply: &mut Encoder, displaced: &[Option<Option<Arc<[u8]>>>]) {
    reply.array(displaced.len());
    for displaced in displaced {
        match displaced {
            Some(Some(item)) => reply.bulk(item),
            Some(None) => reply.null(),
            None => reply.error(
                "TopK: increment must be an integer greater or equal to 0 and smaller or equal to \
                 100,000",
            ),
        }
    }
}

/// `TOPK.QUERY key item [item ...]`
fn query(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.bound(args.len(), MAX_KEYS / 10)?;
    let found: Vec<bool> = view::<TopK, _>(ctx, args[1], MISSING, |held| {
        let parts = held.view.parts()?;
        Ok(args[2..].iter().map(|item| parts.contains(item)).collect())
    })?;
    ctx.reply.array(found.len());
    found.into_iter().for_each(|found| ctx.reply.boolean(found));
    Ok(())
}

/// `TOPK.COUNT key item [item ...]`
fn count(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.bound(args.len(), MAX_KEYS / 10)?;
    let counts: Vec<u32> = view::<TopK, _>(ctx, args[1], MISSING, |held| {
        let parts = held.view.parts()?;
        Ok(args[2..].iter().map(|item| parts.count(item)).collect())
    })?;
    ctx.reply.array(counts.len());
    counts.into_iter().for_each(|count| ctx.reply.integer(count.into()));
    Ok(())
}

/// `TOPK.LIST key [WITHCOUNT]`
fn list(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let counts = match args[2..] {
        [] => false,
        [word] if is_option(word, "WITHCOUNT") => true,
        [_] => return Err(Fault::error("WITHCOUNT keyword expected")),
        _ => return Err(wrong_arity(ctx)),
    };
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let Context { access, reply, .. } = ctx;
    lookup.view_as::<TopK, _>(access, &key, |held| {
        let parts = held.ok_or(MISSING)?.view.parts()?;
        lookup.bound(parts.shape.kept as usize, 4 * MAX_KEYS)?;
        let list = parts.list();
        reply.array(list.len() * if counts { 2 } else { 1 });
        for (item, count) in list {
            reply.bulk(item);
            if counts {
                reply.integer(count.into());
            }
        }
        Ok(())
    })
}

/// `TOPK.INFO key`
fn info(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let Shape { kept, width, depth, decay } =
        view::<TopK, _>(ctx, args[1], MISSING, |held| Ok(held.view.parts()?.shape))?;
    ctx.reply.map(4);
    for (name, number) in [("k", kept), ("width", width), ("depth", depth)] {
        ctx.reply.simple(name);
        ctx.reply.integer(number as i64);
    }
    ctx.reply.simple("decay");
    ctx.reply.double(decay);
    Ok(())
}
