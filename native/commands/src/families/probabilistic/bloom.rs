//! BF.*: Bloom filters.

use ferric_engine::Object;

use super::{
    ITEM_EXISTS, NOT_FOUND, READ, UNKNOWN_ARGUMENT, WRITE, has_booleans, view, view_if_any,
    wrong_arity,
};
use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::{parse_f64, parse_i64};
use crate::pattern::is_option;
use crate::table::{Command, Flag};
use crate::values::bloom::dump::{self, Refusal};
use crate::values::bloom::{Added, Addition, Bloom, Layer};
use crate::values::{Change, Collection, Lookup, MAX_COPY, MAX_KEYS, commit};

/// What Redis Stack's BF.INFO adds to the layers' bytes: for the filter, and for each layer.
const FILTER_BYTES: u64 = 32;
const LAYER_BYTES: u64 = 64;

const READ_FAST: Command = Command { categories: &["bloom", "read", "fast"], group: "bf", ..READ };

const WRITE_FAST: Command =
    Command { categories: &["bloom", "write", "fast"], group: "bf", ..WRITE };

const WRITE_SLOW: Command = Command {
    categories: &["bloom", "write", "slow"],
    flags: &[Flag::Write, Flag::DenyOom],
    complexity: "O(k * n) for n items and k hashes",
    ..WRITE_FAST
};

/// The family's part of the command table.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "bf.reserve",
        arity: -4,
        complexity: "O(1)",
        summary: "Makes an empty Bloom filter for a number of items and an error rate.",
        handler: Some(reserve),
        ..WRITE_FAST
    },
    Command {
        name: "bf.add",
        arity: 3,
        summary: "Adds an item to a Bloom filter, which is made if it does not exist.",
        handler: Some(add),
        ..WRITE_FAST
    },
    Command {
        name: "bf.madd",
        arity: -3,
        summary: "Adds items to a Bloom filter, which is made if it does not exist.",
        handler: Some(madd),
        ..WRITE_SLOW
    },
    Command {
        name: "bf.insert",
        arity: -4,
        summary: "Adds items to a Bloom filter, which is made as the options say if it does not \
                  exist.",
        handler: Some(insert),
        ..WRITE_SLOW
    },
    Command {
        name: "bf.exists",
        arity: 3,
        summary: "Says whether an item was probably added to a Bloom filter.",
        handler: Some(exists),
        ..READ_FAST
    },
    Command {
        name: "bf.mexists",
        arity: -3,
        summary: "Says of each item whether it was probably added to a Bloom filter.",
        complexity: "O(k * n) for n items and k hashes",
        flags: &[Flag::Readonly],
        categories: &["bloom", "read", "slow"],
        handler: Some(mexists),
        ..READ_FAST
    },
    Command {
        name: "bf.info",
        arity: -2,
        complexity: "O(1)",
        summary: "Describes a Bloom filter, or one of its properties.",
        handler: Some(info),
        ..READ_FAST
    },
    Command {
        name: "bf.card",
        arity: 2,
        since: "2.4.4",
        complexity: "O(1)",
        summary: "Returns how many items were added to a Bloom filter.",
        handler: Some(card),
        ..READ_FAST
    },
    Command {
        name: "bf.scandump",
        arity: 3,
        complexity: "O(n) for a part of n bytes",
        flags: &[Flag::Readonly],
        categories: &["bloom", "read", "slow"],
        summary: "Returns a part of a Bloom filter, to be loaded elsewhere.",
        handler: Some(scandump),
        ..READ_FAST
    },
    Command {
        name: "bf.loadchunk",
        arity: 4,
        complexity: "O(n) for a part of n bytes",
        summary: "Loads a part of a Bloom filter that BF.SCANDUMP has returned.",
        handler: Some(loadchunk),
        ..WRITE_SLOW
    },
];

/// How a filter is made.
#[derive(Clone, Copy)]
struct Options {
    error: f64,
    capacity: u64,
    /// 0: it does not grow.
    expansion: u32,
    create: bool,
}

/// Redis Stack's defaults.
const DEFAULTS: Options = Options { error: 0.01, capacity: 100, expansion: 2, create: true };

impl Options {
    fn filter(&self) -> Result<Bloom, Fault> {
        let filter = Bloom::new(self.capacity, self.error, self.expansion);
        filter.ok_or(Fault::error("ERR could not create filter"))
    }
}

fn parse_error(word: &[u8], unreadable: &'static str) -> Result<f64, Fault> {
    let error = parse_f64(word).ok_or(Fault::error(unreadable))?;
    if error > 0.0 && error < 1.0 {
        return Ok(error);
    }
    Err(Fault::error("ERR (0 < error rate range < 1)"))
}

fn parse_capacity(word: &[u8], unreadable: &'static str) -> Result<u64, Fault> {
    let capacity = parse_i64(word).ok_or(Fault::error(unreadable))?;
    u64::try_from(capacity)
        .ok()
        .filter(|capacity| *capacity > 0)
        .ok_or(Fault::error("ERR (capacity should be larger than 0)"))
}

/// `BF.RESERVE key error_rate capacity [EXPANSION expansion] [NONSCALING]`
fn reserve(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    if args.len() > 7 {
        return Err(wrong_arity(ctx));
    }
    let error = parse_error(args[2], "ERR bad error rate")?;
    let capacity = parse_capacity(args[3], "ERR bad capacity")?;
    let expansion = reserve_expansion(&args[4..])?;
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    if lookup.modify_as::<Bloom>(&mut locked, &key)?.is_some() {
        return Err(ITEM_EXISTS);
    }
    let filter = Options { error, capacity, expansion, ..DEFAULTS }.filter()?;
    ctx.reply.ok();
    commit(&mut locked, &[(key, Change::put(&filter, 0, 0))])
}

/// BF.RESERVE's options; words that it does not know count for nothing.
fn reserve_expansion(words: Args<'_>) -> Result<u32, Fault> {
    let fixed = words.iter().any(|word| is_option(word, "NONSCALING"));
    let Some(at) = words.iter().position(|word| is_option(word, "EXPANSION")) else {
        return Ok(if fixed { 0 } else { DEFAULTS.expansion });
    };
    let word = words.get(at + 1).ok_or(Fault::error("ERR no expansion"))?;
    if fixed {
        return Err(Fault::error("Nonscaling filters cannot expand"));
    }
    let expansion = parse_i64(word).ok_or(Fault::error("ERR bad expansion"))?;
    u32::try_from(expansion)
        .ok()
        .filter(|expansion| *expansion > 0)
        .ok_or(Fault::error("ERR expansion should be greater or equal to 1"))
}

/// `BF.ADD key item`
fn add(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let added = add_items(ctx, args[1], &args[2..], DEFAULTS)?;
    added.first().map_or(Ok(()), |added| reply_added(ctx, *added))
}

/// `BF.MADD key item [item ...]`
fn madd(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    add_many(ctx, args[1], &args[2..], DEFAULTS)
}

/// `BF.INSERT key [CAPACITY capacity] [ERROR error] [EXPANSION expansion] [NOCREATE] [NONSCALING]
/// ITEMS item [item ...]`
fn insert(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let mut options = DEFAULTS;
    let mut words = &args[2..];
    loop {
        words = match *words {
            [word, ref items @ ..] if is_option(word, "ITEMS") && !items.is_empty() => {
                return add_many(ctx, args[1], items, options);
            }
            [word, ref rest @ ..] if is_option(word, "NOCREATE") => {
                options.create = false;
                rest
            }
            [word, ref rest @ ..] if is_option(word, "NONSCALING") => {
                options.expansion = 0;
                rest
            }
            [word, value, ref rest @ ..] if is_option(word, "CAPACITY") => {
                options.capacity = parse_capacity(value, "Bad capacity")?;
                rest
            }
            [word, value, ref rest @ ..] if is_option(word, "ERROR") => {
                options.error = parse_error(value, "Bad error rate")?;
                rest
            }
            [word, value, ref rest @ ..] if is_option(word, "EXPANSION") => {
                let expansion = parse_i64(value).and_then(|n| u32::try_from(n).ok());
                let expansion = expansion.filter(|expansion| *expansion > 0);
                options.expansion = expansion.ok_or(Fault::error("Bad expansion"))?;
                rest
            }
            [] => return Err(wrong_arity(ctx)),
            [word]
                if ["ITEMS", "CAPACITY", "ERROR", "EXPANSION"]
                    .iter()
                    .any(|name| is_option(word, name)) =>
            {
                return Err(wrong_arity(ctx));
            }
            _ => return Err(UNKNOWN_ARGUMENT),
        };
    }
}

/// Adds items and replies with one element each, up to the first that has no room.
fn add_many(ctx: &mut Context<'_, '_>, key: &[u8], items: Args<'_>, options: Options) -> Outcome {
    let added = add_items(ctx, key, items, options)?;
    ctx.reply.array(added.len());
    for added in added {
        if let Err(Fault::Error(text)) = reply_added(ctx, added) {
            ctx.reply.error(&text);
        }
    }
    Ok(())
}

fn reply_added(ctx: &mut Context<'_, '_>, added: Added) -> Outcome {
    match added {
        Added::New => ctx.reply.boolean(true),
        Added::Known => ctx.reply.boolean(false),
        Added::Full => return Err(Fault::error("ERR non scaling filter is full")),
        Added::TooLarge => return Err(Fault::error("ERR problem inserting into filter")),
    }
    Ok(())
}

/// Adds items up to the first that has no room, to a filter that is made if need be.
fn add_items(
    ctx: &mut Context<'_, '_>,
    name: &[u8],
    items: Args<'_>,
    options: Options,
) -> Result<Vec<Added>, Fault> {
    ctx.bound(items.len(), MAX_KEYS)?;
    ctx.bound(items.iter().map(|item| item.len()).sum(), MAX_COPY)?;
    let (key, lookup) = (ctx.key(name), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let change;
    let added = match lookup.modify_as::<Bloom>(&mut locked, &key)? {
        Some(held) => {
            let (added, delta) = run(Addition::new(held.view), items);
            let Some(delta) = delta else { return Ok(added) };
            change = held.change(held.meta, &delta, 1)?;
            added
        }
        None if !options.create => return Err(NOT_FOUND),
        None => {
            let mut filter = options.filter()?;
            let (added, delta) = run(Addition::new(filter.view()), items);
            filter.apply(&delta.unwrap_or_default())?;
            change = Change::put(&filter, 0, 0);
            added
        }
    };
    commit(&mut locked, &[(key, change)])?;
    Ok(added)
}

/// What becomes of the items, and the delta.
fn run(mut addition: Addition<'_>, items: Args<'_>) -> (Vec<Added>, Option<Vec<u8>>) {
    let mut added = Vec::with_capacity(items.len());
    for item in items {
        let what = addition.add(item);
        added.push(what);
        if matches!(what, Added::Full | Added::TooLarge) {
            break;
        }
    }
    (added, addition.into_delta())
}

/// `BF.EXISTS key item`
fn exists(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let found = contained(ctx, args[1], &args[2..])?;
    ctx.reply.boolean(found == [true]);
    Ok(())
}

/// `BF.MEXISTS key item [item ...]`
fn mexists(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.bound(args.len(), MAX_KEYS)?;
    let found = contained(ctx, args[1], &args[2..])?;
    ctx.reply.array(found.len());
    found.into_iter().for_each(|found| ctx.reply.boolean(found));
    Ok(())
}

fn contained(ctx: &mut Context<'_, '_>, key: &[u8], items: Args<'_>) -> Result<Vec<bool>, Fault> {
    view_if_any::<Bloom, _>(ctx, key, |held| {
        let Some(held) = held else { return Ok(vec![false; items.len()]) };
        Ok(held.view.contains(items.iter().copied()).collect())
    })
}

/// `BF.CARD key`
fn card(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let items = lookup.view_as::<Bloom, _>(ctx.access, &key, |held| {
        Ok(held.map_or(0, |held| held.view.layers().iter().map(|layer| layer.items).sum::<u64>()))
    })?;
    ctx.reply.integer(items as i64);
    Ok(())
}

/// `BF.INFO key [CAPACITY | SIZE | FILTERS | ITEMS | EXPANSION]`
fn info(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    if args.len() > 3 {
        return Err(wrong_arity(ctx));
    }
    let (growth, layers) = view::<Bloom, _>(ctx, args[1], NOT_FOUND, |held| {
        Ok((held.view.growth(), held.view.layers()))
    })?;
    let sum = |what: fn(&Layer) -> u64| layers.iter().map(what).sum::<u64>();
    let count = layers.len() as u64;
    let size = FILTER_BYTES + count * LAYER_BYTES + sum(|layer| layer.bytes);
    let fields = [
        ("CAPACITY", "Capacity", Some(sum(|layer| layer.capacity))),
        ("SIZE", "Size", Some(size)),
        ("FILTERS", "Number of filters", Some(count)),
        ("ITEMS", "Number of items inserted", Some(sum(|layer| layer.items))),
        ("EXPANSION", "Expansion rate", (growth > 0).then_some(u64::from(growth))),
    ];
    let wanted = args.get(2);
    let shown = |option: &str| wanted.is_none_or(|word| is_option(word, option));
    let shown: Vec<_> = fields.into_iter().filter(|(option, ..)| shown(option)).collect();
    if shown.is_empty() {
        return Err(Fault::error("Invalid information value"));
    }
    // A single value has its name with it only where there are maps.
    let named = wanted.is_none() || has_booleans(ctx.reply);
    if named {
        ctx.reply.map(shown.len());
    } else {
        ctx.reply.array(shown.len());
    }
    for (_, name, value) in shown {
        if named {
            ctx.reply.simple(name);
        }
        match value {
            Some(value) => ctx.reply.integer(value as i64),
            None => ctx.reply.null(),
        }
    }
    Ok(())
}

/// `BF.SCANDUMP key iterator`
fn scandump(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let long = ctx.long;
    let (next, part) = view::<Bloom, _>(ctx, args[1], NOT_FOUND, |held| {
        let position = parse_i64(args[2]);
        let position = position.ok_or(Fault::error("Second argument must be numeric"))?;
        if position == 0 {
            return Ok((1, dump::header(held.view)));
        }
        if !long {
            return Err(Fault::Long);
        }
        // There is nothing at a negative position.
        Ok(dump::part(held.view, u64::try_from(position).unwrap_or(0)))
    })?;
    ctx.reply.array(2);
    ctx.reply.integer(next as i64);
    ctx.reply.bulk(&part);
    Ok(())
}

/// `BF.LOADCHUNK key iterator data`
fn loadchunk(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    const BAD_DATA: Fault = Fault::error("ERR received bad data");
    let position = parse_i64(args[2]).ok_or(Fault::error("ERR Second argument must be numeric"))?;
    ctx.bound(args[3].len(), MAX_COPY)?;
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let change = match lookup.modify_as::<Bloom>(&mut locked, &key)? {
        Some(held) => {
            let position = u64::try_from(position).map_err(|_| BAD_DATA)?;
            let delta = dump::load(held.view, position, args[3]).map_err(|why| match why {
                Refusal::BadData => BAD_DATA,
                Refusal::NoLayer => Fault::error("ERR invalid offset - no link found"),
                Refusal::TooLong => Fault::error("ERR invalid chunk - Too big for current filter"),
            })?;
            held.change(held.meta, &delta, 1)?
        }
        None if position != 1 => return Err(NOT_FOUND),
        None => Change::put(&dump::from_header(args[3]).ok_or(BAD_DATA)?, 0, 0),
    };
    ctx.reply.ok();
    commit(&mut locked, &[(key, change)])
}
