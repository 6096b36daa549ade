//! XGROUP.

use super::ids::{is_sign, parse, parse_or_end};
use super::reply::{no_group_at_key, wrong_subcommand};
use crate::context::{Args, Context, Fault, Outcome};
use crate::families;
use crate::numbers::parse_i64_or_fault;
use crate::pattern::is_option;
use crate::values::stream::{Delta, Id, Stream, UNKNOWN};
use crate::values::{Change, Lookup, MAX_KEYS, commit};

const HELP: &[&str] = &[
    "CREATE <key> <group> <id|$> [MKSTREAM] [ENTRIESREAD <n>]",
    "    Creates a group that has got as far as an entry ($: the last one).",
    "    * MKSTREAM: creates the stream as well, if need be.",
    "    * ENTRIESREAD: how many entries the stream had up to there.",
    "CREATECONSUMER <key> <group> <consumer>",
    "    Creates a consumer.",
    "DELCONSUMER <key> <group> <consumer>",
    "    Removes a consumer and what is pending for it.",
    "DESTROY <key> <group>",
    "    Removes a group.",
    "SETID <key> <group> <id|$> [ENTRIESREAD <n>]",
    "    Sets how far a group has got.",
];

/// `XGROUP HELP`
pub fn help(ctx: &mut Context<'_, '_>, _args: Args<'_>) -> Outcome {
    families::help(ctx, "XGROUP", HELP)
}

/// What follows the identifier in CREATE and SETID.
struct Options {
    mkstream: bool,
    read: i64,
}

impl Options {
    fn parse(args: Args<'_>, create: bool) -> Result<Options, Fault> {
        let mut options = Options { mkstream: false, read: UNKNOWN };
        let mut words = &args[5..];
        while let Some((word, rest)) = words.split_first() {
            words = match rest {
                _ if create && is_option(word, "MKSTREAM") => {
                    options.mkstream = true;
                    rest
                }
                [count, rest @ ..] if is_option(word, "ENTRIESREAD") => {
                    options.read = parse_i64_or_fault(count)?;
                    if options.read < UNKNOWN {
                        return Err(Fault::error(
                            "ERR value for ENTRIESREAD must be positive or -1",
                        ));
                    }
                    rest
                }
                _ => return Err(wrong_subcommand("XGROUP", args[1])),
            };
        }
        Ok(options)
    }
}

const NO_KEY: Fault = Fault::error(
    "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to \
     use the MKSTREAM option to create an empty stream automatically.",
);

/// `XGROUP CREATE key group id | $ [MKSTREAM] [ENTRIESREAD entries-read]`
pub fn create(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    const MAX_WORDS: usize = 8;
    let options = Options::parse(args, true)?;
    let (key, lookup) = (ctx.key(args[2]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let held = lookup.modify_as::<Stream>(&mut locked, &key)?;
    if held.is_none() && !options.mkstream {
        return Err(NO_KEY);
    }
    if args.len() > MAX_WORDS {
        return Err(wrong_subcommand("XGROUP", args[1]));
    }
    let last = held.as_ref().map_or(Id::MIN, |held| held.view.state().last);
    let id = if is_sign(args[4], b'$') { last } else { parse(args[4])? };
    let mut delta = Delta::default();
    delta.group(args[3]);
    delta.place_group(id, options.read);
    let change = match held {
        None => Change::put(&Stream::default().after(&delta)?, 0, 0),
        Some(held) if held.view.to_stream()?.group(args[3]).is_some() => {
            return Err(Fault::error("BUSYGROUP Consumer Group name already exists"));
        }
        Some(held) => held.change(held.meta, delta.as_bytes(), 1)?,
    };
    ctx.reply.ok();
    commit(&mut locked, &[(key, change)])
}

/// What a subcommand finds.
struct Found<'a> {
    lookup: Lookup<'a>,
    stream: &'a Stream,
    /// The greatest identifier that was given out.
    last: Id,
    now_ms: u64,
}

/// Has `decide` say what becomes of the group that `args` name, and what is replied.
fn change_group(
    ctx: &mut Context<'_, '_>,
    args: Args<'_>,
    must_exist: bool,
    decide: impl FnOnce(&Found<'_>, &mut Delta) -> Result<Answer, Fault>,
) -> Outcome {
    let (key, lookup, now_ms) = (ctx.key(args[2]), Lookup::new(ctx), ctx.now_ms());
    let mut locked = ctx.access.acquire(&key)?;
    let held = lookup.modify_as::<Stream>(&mut locked, &key)?.ok_or(NO_KEY)?;
    let stream = held.view.to_stream()?;
    let exists = stream.group(args[3]).is_some();
    if must_exist && !exists {
        return Err(no_group_at_key(args[2], args[3]));
    }
    let mut delta = Delta::default();
    delta.group(args[3]);
    let nothing = delta.as_bytes().len();
    let found = Found { lookup, stream: &stream, last: held.view.state().last, now_ms };
    match decide(&found, &mut delta)? {
        Answer::Ok => ctx.reply.ok(),
        Answer::Number(number) => ctx.reply.integer(number),
    }
    if delta.as_bytes().len() == nothing {
        return Ok(());
    }
    let change = held.change(held.meta, delta.as_bytes(), 1)?;
    commit(&mut locked, &[(key, change)])
}

enum Answer {
    Ok,
    Number(i64),
}

/// `XGROUP SETID key group id | $ [ENTRIESREAD entries-read]`
pub fn setid(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let options = Options::parse(args, false)?;
    change_group(ctx, args, true, |found, delta| {
        if args.len() != 5 && args.len() != 7 {
            return Err(wrong_subcommand("XGROUP", args[1]));
        }
        let id = if is_sign(args[4], b'$') { found.last } else { parse_or_end(args[4])? };
        delta.place_group(id, options.read);
        Ok(Answer::Ok)
    })
}

/// `XGROUP DESTROY key group`
pub fn destroy(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    change_group(ctx, args, false, |found, delta| {
        let group = found.stream.group(args[3]);
        let exists = group.is_some();
        found.lookup.bound(group.map_or(0, |group| group.pending().len()), MAX_KEYS)?;
        if exists {
            delta.destroy_group();
        }
        Ok(Answer::Number(i64::from(exists)))
    })
}

/// `XGROUP CREATECONSUMER key group consumer`
pub fn createconsumer(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    change_group(ctx, args, true, |found, delta| {
        let consumer = found.stream.group(args[3]).and_then(|group| group.named(args[4]));
        if consumer.is_none() {
            delta.consumer(args[4], found.now_ms, 0);
        }
        Ok(Answer::Number(i64::from(consumer.is_none())))
    })
}

/// `XGROUP DELCONSUMER key group consumer`
pub fn delconsumer(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    change_group(ctx, args, true, |found, delta| {
        let consumer = found.stream.group(args[3]).and_then(|group| group.named(args[4]));
        let pending = consumer.map_or(0, |consumer| consumer.pending.len());
        found.lookup.bound(pending, MAX_KEYS)?;
        if consumer.is_some() {
            delta.drop_consumer(args[4]);
        }
        Ok(Answer::Number(pending as i64))
    })
}
