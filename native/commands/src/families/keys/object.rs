//! OBJECT: how a value is kept.

use ferric_engine::Entry;

use crate::context::{Args, Context, Fault, Outcome};
use crate::families;
use crate::table::{Begin, Command, Find, Flag, KeySpec};
use crate::values::{Kind, Lookup, registry, string};

/// OBJECT's subcommands.
pub const SUBCOMMANDS: &[Command] = &[
    Command {
        name: "help",
        arity: 2,
        flags: &[Flag::Loading, Flag::Stale],
        categories: &["keyspace", "slow"],
        keys: &[],
        tips: &[],
        since: "6.2.0",
        summary: "Lists the subcommands.",
        handler: Some(help),
        ..SUBCOMMAND
    },
    Command {
        name: "encoding",
        summary: "Returns the name of the representation of a value.",
        handler: Some(encoding),
        ..SUBCOMMAND
    },
    Command {
        name: "freq",
        since: "4.0.0",
        summary: "Returns how often a key is used, where that is counted.",
        handler: Some(freq),
        ..SUBCOMMAND
    },
    Command {
        name: "idletime",
        summary: "Returns the seconds since a key was used.",
        handler: Some(idletime),
        ..SUBCOMMAND
    },
    Command {
        name: "refcount",
        summary: "Returns the number of references to a value.",
        handler: Some(refcount),
        ..SUBCOMMAND
    },
];

/// What the subcommands about a key have in common.
const SUBCOMMAND: Command = Command {
    name: "",
    arity: 3,
    flags: &[Flag::Readonly],
    categories: &["keyspace", "read", "slow"],
    keys: &[KeySpec {
        flags: &["RO"],
        notes: "",
        begin: Begin::Index(2),
        find: Find::Range { last: 0, step: 1, limit: 0 },
    }],
    tips: &["nondeterministic_output"],
    group: "generic",
    since: "2.2.3",
    summary: "",
    complexity: "O(1)",
    handler: None,
    subcommands: &[],
    long: false,
};

const HELP: &[&str] = &[
    "ENCODING <key>",
    "    How Redis would represent the value in memory.",
    "FREQ <key>",
    "    How often the key is used; needs an LFU policy.",
    "IDLETIME <key>",
    "    Seconds since the key was last used.",
    "REFCOUNT <key>",
    "    How many keys Redis would let share the value.",
];

/// `OBJECT HELP`
fn help(ctx: &mut Context<'_, '_>, _args: Args<'_>) -> Outcome {
    families::help(ctx, "OBJECT", HELP)
}

/// `OBJECT ENCODING key`
fn encoding(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let Some(encoding) = about(ctx, args, registry::encoding)? else {
        return Ok(());
    };
    ctx.reply.bulk_str(encoding);
    Ok(())
}

/// `OBJECT FREQ key`
fn freq(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    if about(ctx, args, |_| ())?.is_none() {
        return Ok(());
    }
    Err(Fault::error(
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note \
         that when switching between policies at runtime LRU and LFU data will take some time to \
         adjust.",
    ))
}

/// `OBJECT IDLETIME key`
fn idletime(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    if let Some(seconds) = about(ctx, args, |entry| entry.idle_seconds)? {
        ctx.reply.integer(i64::from(seconds));
    }
    Ok(())
}

/// `OBJECT REFCOUNT key`
fn refcount(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let Some(references) = about(ctx, args, |entry| match Kind::of(entry.meta.kind) {
        Some(Kind::String) => string::references(entry.meta.flags, entry.value),
        _ => 1,
    })?
    else {
        return Ok(());
    };
    ctx.reply.integer(references);
    Ok(())
}

/// What `tell` says about the key's entry; without one, replies that there is none.
fn about<T>(
    ctx: &mut Context<'_, '_>,
    args: Args<'_>,
    tell: impl FnOnce(&Entry<'_>) -> T,
) -> Result<Option<T>, Fault> {
    let (key, lookup) = (ctx.key(args[2]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let told = lookup.inspect(&mut locked, &key)?.map(|entry| tell(&entry));
    if told.is_none() {
        ctx.reply.null();
    }
    Ok(told)
}
