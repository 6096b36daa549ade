//! CF.*: cuckoo filters.

use ferric_engine::Object;

use super::{
    ITEM_EXISTS, NOT_FOUND, READ, UNKNOWN_ARGUMENT, WRITE, has_booleans, numbers, view,
    view_if_any, wrong_arity,
};
use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::parse_i64;
use crate::pattern::is_option;
use crate::table::{Command, Flag};
use crate::values::cuckoo::{Cuckoo, Edit, Inserted, Shape, dump};
use crate::values::{Change, Collection, Lookup, MAX_COPY, MAX_KEYS, WRONG_TYPE, commit};

/// What Redis Stack's CF.INFO adds to the layers' bytes: for the filter, and for each layer.
const FILTER_BYTES: u64 = 40;
const LAYER_BYTES: u64 = 16;

const READ_FAST: Command = Command {
    categories: &["cuckoo", "read", "fast"],
    group: "cf",
    complexity: "O(k) for k layers",
    ..READ
};

const READ_SLOW: Command = Command {
    categories: &["cuckoo", "read", "slow"],
    flags: &[Flag::Readonly],
    complexity: "O(k * n) for n items and k layers",
    ..READ_FAST
};

const WRITE_FAST: Command =
    Command { categories: &["cuckoo", "write", "fast"], group: "cf", ..WRITE };

const WRITE_SLOW: Command = Command {
    categories: &["cuckoo", "write", "slow"],
    flags: &[Flag::Write, Flag::DenyOom],
    complexity: "O(n * (k + i)) for n items, k layers and i iterations",
    ..WRITE_FAST
};

/// The family's part of the command table.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "cf.reserve",
        arity: -3,
        complexity: "O(1)",
        summary: "Makes an empty cuckoo filter.",
        handler: Some(reserve),
        ..WRITE_FAST
    },
    Command {
        name: "cf.add",
        arity: 3,
        summary: "Adds an item to a cuckoo filter, which is made if it does not exist.",
        handler: Some(add),
        ..WRITE_SLOW
    },
    Command {
        name: "cf.addnx",
        arity: 3,
        summary: "Adds an item to a cuckoo filter unless it is probably there already.",
        handler: Some(addnx),
        ..WRITE_SLOW
    },
    Command {
        name: "cf.insert",
        arity: -4,
        summary: "Adds items to a cuckoo filter, which is made as the options say if it does not \
                  exist.",
        handler: Some(insert),
        ..WRITE_SLOW
    },
    Command {
        name: "cf.insertnx",
        arity: -4,
        summary: "Adds those of some items to a cuckoo filter that are not there already.",
        handler: Some(insertnx),
        ..WRITE_SLOW
    },
    Command {
        name: "cf.exists",
        arity: 3,
        summary: "Says whether an item is probably in a cuckoo filter.",
        handler: Some(exists),
        ..READ_FAST
    },
    Command {
        name: "cf.mexists",
        arity: -3,
        summary: "Says of each item whether it is probably in a cuckoo filter.",
        handler: Some(mexists),
        ..READ_SLOW
    },
    Command {
        name: "cf.del",
        arity: 3,
        summary: "Takes an item out of a cuckoo filter once.",
        flags: &[Flag::Write, Flag::Fast],
        handler: Some(del),
        ..WRITE_FAST
    },
    Command {
        name: "cf.count",
        arity: 3,
        summary: "Returns how often an item is probably in a cuckoo filter.",
        handler: Some(count),
        ..READ_FAST
    },
    Command {
        name: "cf.info",
        arity: 2,
        complexity: "O(1)",
        summary: "Describes a cuckoo filter.",
        handler: Some(info),
        ..READ_FAST
    },
    Command {
        name: "cf.scandump",
        arity: 3,
        complexity: "O(n) for a part of n bytes",
        summary: "Returns a part of a cuckoo filter, to be loaded elsewhere.",
        handler: Some(scandump),
        ..READ_SLOW
    },
    Command {
        name: "cf.loadchunk",
        arity: 4,
        complexity: "O(n) for a part of n bytes",
        summary: "Loads a part of a cuckoo filter that CF.SCANDUMP has returned.",
        handler: Some(loadchunk),
        ..WRITE_SLOW
    },
];

/// Redis Stack's defaults.
const CAPACITY: u64 = 1024;
const BUCKET_SIZE: u8 = 2;
const MAX_ITERATIONS: u16 = 20;
const EXPANSION: u16 = 1;

const CREATION: Fault = Fault::error("ERR Could not create filter");

fn default_shape(capacity: u64) -> Result<Shape, Fault> {
    Shape::new(capacity, BUCKET_SIZE, MAX_ITERATIONS, EXPANSION).ok_or(CREATION)
}

/// The capacity of a filter with buckets of a size.
fn parse_capacity(word: &[u8], bucket_size: u8) -> Result<u64, Fault> {
    let capacity = parse_i64(word).ok_or(Fault::error("Bad capacity"))?;
    let least = 2 * u64::from(bucket_size);
    u64::try_from(capacity)
        .ok()
        .filter(|capacity| *capacity >= least)
        .ok_or(Fault::error("Capacity must be at least (BucketSize * 2)"))
}

/// The number behind an option, if it is given.
fn setting<N: TryFrom<i64>>(
    words: Args<'_>,
    option: &str,
    least: i64,
    most: u64,
) -> Result<Option<N>, Fault> {
    let (pairs, _) = words.as_chunks::<2>();
    let Some([_, value]) = pairs.iter().find(|[name, _]| is_option(name, option)) else {
        return Ok(None);
    };
    let number = parse_i64(value).ok_or_else(|| format!("Couldn't parse {option}"))?;
    let number = Some(number).filter(|number| *number >= least).and_then(|n| N::try_from(n).ok());
    match number {
        Some(number) => Ok(Some(number)),
        None => Err(format!("{option}: value must be in the range [{least}, {most}]").into()),
    }
}

/// `CF.RESERVE key capacity [BUCKETSIZE bucketsize] [MAXITERATIONS maxiterations] [EXPANSION
/// expansion]`
fn reserve(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let words = &args[3..];
    if !words.len().is_multiple_of(2) {
        return Err(wrong_arity(ctx));
    }
    parse_i64(args[2]).ok_or(Fault::error("Bad capacity"))?;
    let max_iterations = setting(words, "MAXITERATIONS", 1, u16::MAX.into())?;
    let bucket_size = setting(words, "BUCKETSIZE", 1, u8::MAX.into())?.unwrap_or(BUCKET_SIZE);
    // Half of 65536: the expansion is rounded up to a power of two.
    let expansion = setting::<u16>(words, "EXPANSION", 0, 32_768)?.unwrap_or(EXPANSION);
    let capacity = parse_capacity(args[2], bucket_size)?;
    let max_iterations = max_iterations.unwrap_or(MAX_ITERATIONS);
    let shape = Shape::new(capacity, bucket_size, max_iterations, expansion).ok_or(CREATION)?;
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    if lookup.modify_as::<Cuckoo>(&mut locked, &key)?.is_some() {
        return Err(ITEM_EXISTS);
    }
    ctx.reply.ok();
    commit(&mut locked, &[(key, Change::put(&Cuckoo::new(shape), 0, 0))])
}

/// What became of an item that was to be added.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Added,
    /// It was probably there, and should be there once only.
    Known,
    Refused(Inserted),
}

/// `CF.ADD key item`
fn add(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    add_one(ctx, args, false)
}

/// `CF.ADDNX key item`
fn addnx(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    add_one(ctx, args, true)
}

fn add_one(ctx: &mut Context<'_, '_>, args: Args<'_>, once: bool) -> Outcome {
    let what = add_items(ctx, args[1], &args[2..], once, Some(default_shape(CAPACITY)?))?;
    match what.first() {
        Some(What::Refused(Inserted::Full)) => Err(Fault::error("Filter is full")),
        Some(What::Refused(_)) => Err(Fault::error("Maximum expansions reached")),
        what => {
            ctx.reply.boolean(what == Some(&What::Added));
            Ok(())
        }
    }
}

/// `CF.INSERT key [CAPACITY capacity] [NOCREATE] ITEMS item [item ...]`
fn insert(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    add_many(ctx, args, false)
}

/// `CF.INSERTNX key [CAPACITY capacity] [NOCREATE] ITEMS item [item ...]`
fn insertnx(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    add_many(ctx, args, true)
}

fn add_many(ctx: &mut Context<'_, '_>, args: Args<'_>, once: bool) -> Outcome {
    let (mut capacity, mut create, mut words) = (CAPACITY, true, &args[2..]);
    let items = loop {
        words = match *words {
            [word, ref items @ ..] if is_option(word, "ITEMS") && !items.is_empty() => break items,
            [word, ref rest @ ..] if is_option(word, "NOCREATE") => {
                create = false;
                rest
            }
            [word, value, ref rest @ ..] if is_option(word, "CAPACITY") => {
                capacity = parse_capacity(value, BUCKET_SIZE)?;
                rest
            }
            [] => return Err(wrong_arity(ctx)),
            [word] if is_option(word, "ITEMS") || is_option(word, "CAPACITY") => {
                return Err(wrong_arity(ctx));
            }
            _ => return Err(UNKNOWN_ARGUMENT),
        };
    };
    let shape = if create { Some(default_shape(capacity)?) } else { None };
    let what = add_items(ctx, args[1], items, once, shape)?;
    let booleans = has_booleans(ctx.reply) && !once;
    ctx.reply.array(what.len());
    for what in what {
        match what {
            What::Added if booleans => ctx.reply.boolean(true),
            What::Added => ctx.reply.integer(1),
            What::Known => ctx.reply.integer(0),
            What::Refused(_) if booleans => ctx.reply.boolean(false),
            What::Refused(_) => ctx.reply.integer(-1),
        }
    }
    Ok(())
}

/// Adds items to a filter, which is made with `shape`, if one is given, if it does not exist.
fn add_items(
    ctx: &mut Context<'_, '_>,
    name: &[u8],
    items: Args<'_>,
    once: bool,
    shape: Option<Shape>,
) -> Result<Vec<What>, Fault> {
    ctx.bound(items.len(), MAX_KEYS / 4)?;
    ctx.bound(items.iter().map(|item| item.len()).sum(), MAX_COPY)?;
    let (key, lookup) = (ctx.key(name), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let (what, change) = match lookup.modify_as::<Cuckoo>(&mut locked, &key)? {
        Some(held) => {
            let (what, delta) = run(Edit::new(held.view.parts()?), items, once);
            let Some(delta) = delta else { return Ok(what) };
            (what, held.change(held.meta, &delta, 1)?)
        }
        None => {
            let mut filter = Cuckoo::new(shape.ok_or(NOT_FOUND)?);
            let (what, delta) = run(Edit::new(filter.view().parts()?), items, once);
            filter.apply(&delta.unwrap_or_default())?;
            (what, Change::put(&filter, 0, 0))
        }
    };
    commit(&mut locked, &[(key, change)])?;
    Ok(what)
}

/// What becomes of the items, and the delta.
fn run(mut edit: Edit<'_>, items: Args<'_>, once: bool) -> (Vec<What>, Option<Vec<u8>>) {
    let mut add = |item: &&[u8]| {
        if once && edit.contains(item) {
            return What::Known;
        }
        match edit.insert(item) {
            Inserted::Yes => What::Added,
            refused => What::Refused(refused),
        }
    };
    let what = items.iter().map(&mut add).collect();
    (what, edit.into_delta())
}

/// `CF.EXISTS key item`
fn exists(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let counts = counts(ctx, args[1], &args[2..])?;
    ctx.reply.boolean(counts.iter().any(|count| *count > 0));
    Ok(())
}

/// `CF.MEXISTS key item [item ...]`
fn mexists(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.bound(args.len(), MAX_KEYS)?;
    let counts = counts(ctx, args[1], &args[2..])?;
    ctx.reply.array(counts.len());
    counts.into_iter().for_each(|count| ctx.reply.boolean(count > 0));
    Ok(())
}

/// `CF.COUNT key item`
fn count(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let counts = counts(ctx, args[1], &args[2..])?;
    ctx.reply.integer(counts.iter().sum::<u64>() as i64);
    Ok(())
}

fn counts(ctx: &mut Context<'_, '_>, key: &[u8], items: Args<'_>) -> Result<Vec<u64>, Fault> {
    view_if_any::<Cuckoo, _>(ctx, key, |held| {
        let Some(held) = held else { return Ok(vec![0; items.len()]) };
        let parts = held.view.parts()?;
        Ok(items.iter().map(|item| parts.count(item)).collect())
    })
}

/// `CF.DEL key item`
fn del(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    const MISSING: Fault = Fault::error("Not found");
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let held = match lookup.modify_as::<Cuckoo>(&mut locked, &key) {
        Err(fault) if fault == WRONG_TYPE => return Err(MISSING),
        held => held?.ok_or(MISSING)?,
    };
    let mut edit = Edit::new(held.view.parts()?);
    let deleted = edit.delete(args[2]);
    if edit.compactable() > 0 {
        lookup.bound(edit.compactable(), MAX_COPY / 8)?;
        edit.compact();
    }
    ctx.reply.boolean(deleted);
    let Some(delta) = edit.into_delta() else { return Ok(()) };
    let change = held.change(held.meta, &delta, 1)?;
    commit(&mut locked, &[(key, change)])
}

/// `CF.INFO key`
fn info(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let fields = view::<Cuckoo, _>(ctx, args[1], NOT_FOUND, |held| {
        let parts = held.view.parts()?;
        let layers = parts.layers() as u64;
        Ok([
            ("Size", FILTER_BYTES + layers * LAYER_BYTES + parts.bytes()),
            ("Number of buckets", parts.shape.buckets),
            ("Number of filters", layers),
            ("Number of items inserted", parts.items),
            ("Number of items deleted", parts.deletes),
            ("Bucket size", parts.shape.bucket_size.into()),
            ("Expansion rate", parts.shape.expansion.into()),
            ("Max iterations", parts.shape.max_iterations.into()),
        ])
    })?;
    numbers(ctx.reply, &fields);
    Ok(())
}

/// `CF.SCANDUMP key iterator`
fn scandump(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let long = ctx.long;
    let part = view::<Cuckoo, _>(ctx, args[1], NOT_FOUND, |held| {
        let position = parse_i64(args[2]).and_then(|position| u64::try_from(position).ok());
        let position = position.ok_or(Fault::error("Invalid position"))?;
        let parts = held.view.parts()?;
        match position {
            _ if parts.items == 0 => Ok(None),
            0 => Ok(Some((1, dump::header(&parts)))),
            _ if !long => Err(Fault::Long),
            position => Ok(dump::part(&parts, position)),
        }
    })?;
    ctx.reply.array(2);
    match part {
        Some((next, part)) => {
            ctx.reply.integer(next as i64);
            ctx.reply.bulk(&part);
        }
        None => {
            ctx.reply.integer(0);
            ctx.reply.null();
        }
    }
    Ok(())
}

/// `CF.LOADCHUNK key iterator data`
fn loadchunk(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let position = parse_i64(args[2]).filter(|position| *position != 0);
    let position = position.ok_or(Fault::error("Invalid position"))?;
    ctx.bound(args[3].len(), MAX_COPY)?;
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let change = match lookup.modify_as::<Cuckoo>(&mut locked, &key)? {
        Some(_) if position == 1 => return Err(ITEM_EXISTS),
        Some(held) => {
            let position = u64::try_from(position).unwrap_or(0);
            let delta = dump::load(&held.view.parts()?, position, args[3]);
            held.change(held.meta, &delta.ok_or(Fault::error("Couldn't load chunk!"))?, 1)?
        }
        None if position != 1 => return Err(NOT_FOUND),
        None => {
            let header = args[3].try_into().map_err(|_| Fault::error("Invalid header"))?;
            let filter = dump::from_header(header);
            Change::put(&filter.ok_or(Fault::error("Couldn't create filter!"))?, 0, 0)
        }
    };
    ctx.reply.ok();
    commit(&mut locked, &[(key, change)])
}
