//! CMS.*: count-min sketches.

use ferric_engine::Key;

use super::{READ, SOURCES, WRITE, key, numbers, view, wrong_arity};
use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::{parse_f64, parse_i64};
use crate::pattern::is_option;
use crate::table::{Command, Flag};
use crate::values::count_min::{CountMin, Increments, Shape};
use crate::values::{Change, Lookup, MAX_COPY, MAX_KEYS, commit};

const READ_FAST: Command =
    Command { categories: &["cms", "read", "fast"], group: "cms", since: "2.0.0", ..READ };

const WRITE_FAST: Command =
    Command { categories: &["cms", "write", "fast"], group: "cms", since: "2.0.0", ..WRITE };

/// The family's part of the command table.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "cms.initbydim",
        arity: 4,
        complexity: "O(1)",
        summary: "Makes a count-min sketch of some width and depth.",
        handler: Some(initbydim),
        ..WRITE_FAST
    },
    Command {
        name: "cms.initbyprob",
        arity: 4,
        complexity: "O(1)",
        summary: "Makes a count-min sketch for an error and the probability that it is larger.",
        handler: Some(initbyprob),
        ..WRITE_FAST
    },
    Command {
        name: "cms.incrby",
        arity: -4,
        flags: &[Flag::Write, Flag::DenyOom],
        categories: &["cms", "write", "slow"],
        complexity: "O(n) for n items",
        summary: "Counts items some times each, and returns their counts.",
        handler: Some(incrby),
        ..WRITE_FAST
    },
    Command {
        name: "cms.query",
        arity: -3,
        flags: &[Flag::Readonly],
        categories: &["cms", "read", "slow"],
        complexity: "O(n) for n items",
        summary: "Returns the counts of items.",
        handler: Some(query),
        ..READ_FAST
    },
    Command {
        name: "cms.merge",
        arity: -4,
        flags: &[Flag::Write, Flag::DenyOom],
        categories: &["cms", "write", "slow"],
        keys: &[key(&["OW", "update"]), SOURCES],
        complexity: "O(n) for n sketches, each of them costly",
        summary: "Adds sketches up, each multiplied by a weight, into another one.",
        handler: Some(merge),
        ..WRITE_FAST
    },
    Command {
        name: "cms.info",
        arity: 2,
        complexity: "O(1)",
        summary: "Returns the width, the depth and the sum of all counts of a sketch.",
        handler: Some(info),
        ..READ_FAST
    },
];

/// Counters that may be added up on a normal scheduler.
const MAX_COUNTERS: usize = 100_000;

const MISSING: Fault = Fault::error("CMS: key does not exist");

/// `CMS.INITBYDIM key width depth`
fn initbydim(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (width, depth) = (args[2], args[3]);
    create(ctx, args[1], || {
        let positive = |word: &[u8], invalid| {
            let number = parse_i64(word).and_then(|number| u64::try_from(number).ok());
            number.filter(|number| *number > 0).ok_or(Fault::error(invalid))
        };
        let width = positive(width, "CMS: invalid width")?;
        Ok(Shape::new(width, positive(depth, "CMS: invalid depth")?))
    })
}

/// `CMS.INITBYPROB key error probability`
fn initbyprob(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (error, probability) = (args[2], args[3]);
    create(ctx, args[1], || {
        let part = |word: &[u8], invalid| {
            let part = parse_f64(word).filter(|part| *part > 0.0 && *part < 1.0);
            part.ok_or(Fault::error(invalid))
        };
        let error = part(error, "CMS: invalid overestimation value")?;
        Ok(Shape::for_error(error, part(probability, "CMS: invalid prob value")?))
    })
}

/// Makes a sketch of the size that `shape` says; a key that exists is refused before it is asked.
fn create(
    ctx: &mut Context<'_, '_>,
    name: &[u8],
    shape: impl FnOnce() -> Result<Option<Shape>, Fault>,
) -> Outcome {
    let (key, lookup) = (ctx.key(name), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    if lookup.modify(&mut locked, &key)?.is_some() {
        return Err(Fault::error("CMS: key already exists"));
    }
    let shape = shape()?.ok_or(Fault::error("CMS: invalid init arguments"))?;
    ctx.reply.ok();
    commit(&mut locked, &[(key, Change::put(&CountMin::new(shape), 0, 0))])
}

/// `CMS.INCRBY key item increment [item increment ...]`
fn incrby(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (pairs, rest) = args[2..].as_chunks::<2>();
    if !rest.is_empty() {
        return Err(wrong_arity(ctx));
    }
    ctx.bound(pairs.len(), MAX_KEYS)?;
    ctx.bound(args.iter().map(|word| word.len()).sum(), MAX_COPY)?;
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let held = lookup.modify_as::<CountMin>(&mut locked, &key)?.ok_or(MISSING)?;
    let mut increments = Increments::new(held.view);
    let mut counts = Vec::with_capacity(pairs.len());
    for [item, by] in pairs {
        let by = parse_i64(by).ok_or(Fault::error("CMS: Cannot parse number"))?;
        let by = u64::try_from(by).map_err(|_| Fault::error("CMS: Number cannot be negative"))?;
        counts.push(increments.add(item, by));
    }
    let change = held.change(held.meta, &increments.into_delta(), 1)?;
    ctx.reply.array(counts.len());
    for count in counts {
        match count {
            Some(count) => ctx.reply.integer(count.into()),
            None => ctx.reply.error("CMS: INCRBY overflow"),
        }
    }
    commit(&mut locked, &[(key, change)])
}

/// `CMS.QUERY key item [item ...]`
fn query(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.bound(args.len(), MAX_KEYS)?;
    let counts: Vec<u32> = view::<CountMin, _>(ctx, args[1], MISSING, |held| {
        Ok(args[2..].iter().map(|item| held.view.count(item)).collect())
    })?;
    ctx.reply.array(counts.len());
    counts.into_iter().for_each(|count| ctx.reply.integer(count.into()));
    Ok(())
}

/// The words behind CMS.MERGE's first key: the sources, and the weight of each.
fn merge_sources<'a>(words: Args<'a>) -> Result<(Args<'a>, Vec<i64>), Fault> {
    const WRONG_KEYS: Fault = Fault::error("CMS: wrong number of keys");
    let count = parse_i64(words[0]).ok_or(Fault::error("CMS: invalid numkeys"))?;
    if count <= 0 {
        return Err(Fault::error("CMS: Number of keys must be positive"));
    }
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let (sources, rest) = words[1..].split_at_checked(count).ok_or(WRONG_KEYS)?;
    let weights = match rest {
        [] => return Ok((sources, vec![1; count])),
        [word, weights @ ..] if is_option(word, "WEIGHTS") => weights,
        _ => return Err(WRONG_KEYS),
    };
    if weights.len() != count {
        return Err(Fault::error("CMS: wrong number of keys/weights"));
    }
    let weights = weights.iter().map(|weight| parse_i64(weight));
    let weights: Option<Vec<i64>> = weights.collect();
    Ok((sources, weights.ok_or(Fault::error("CMS: invalid weight value"))?))
}

/// `CMS.MERGE destination numKeys source [source ...] [WEIGHTS weight [weight ...]]`
fn merge(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    const OVERFLOW: Fault = Fault::error("CMS: MERGE overflow");
    let lookup = Lookup::new(ctx);
    let keys: Vec<Key<'_>> = args[1..].iter().map(|word| ctx.key(word)).collect();
    let mut locked = ctx.access.acquire_all(&keys)?;
    let target = lookup.modify_as::<CountMin>(&mut locked, &keys[0])?.ok_or(MISSING)?;
    let shape = target.view.shape;
    let (sources, weights) = merge_sources(&args[2..])?;
    lookup.bound(shape.counters().saturating_mul(sources.len() + 1), MAX_COUNTERS)?;
    let (mut sums, mut total) = (vec![0i64; shape.counters()], 0i64);
    // The keys of the sources come behind the number of them.
    for (key, weight) in keys[2..].iter().zip(weights) {
        let source = lookup.read_as::<CountMin>(&mut locked, key)?.ok_or(MISSING)?.view;
        if source.shape != shape {
            return Err(Fault::error("CMS: width/depth is not equal"));
        }
        let weighted = |number: i64| number.checked_mul(weight).ok_or(OVERFLOW);
        for (sum, counter) in sums.iter_mut().zip(source.counters()) {
            *sum = sum.checked_add(weighted(counter.into())?).ok_or(OVERFLOW)?;
        }
        total = total.checked_add(weighted(source.total)?).ok_or(OVERFLOW)?;
    }
    if sums.iter().any(|sum| u32::try_from(*sum).is_err()) {
        return Err(OVERFLOW);
    }
    let merged = CountMin::with_counters(shape, total, sums.into_iter().map(|sum| sum as u32));
    let expiry_ms = lookup.modify(&mut locked, &keys[0])?.map_or(0, |entry| entry.meta.expiry_ms);
    ctx.reply.ok();
    commit(&mut locked, &[(keys[0], Change::put(&merged, 0, expiry_ms))])
}

/// `CMS.INFO key`
fn info(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let fields = view::<CountMin, _>(ctx, args[1], MISSING, |held| {
        let (shape, total) = (held.view.shape, held.view.total);
        Ok([("width", shape.width), ("depth", shape.depth), ("count", total as u64)])
    })?;
    numbers(ctx.reply, &fields);
    Ok(())
}
