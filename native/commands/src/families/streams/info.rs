//! XINFO.

use ferric_resp::Encoder;

use super::lag::Counting;
use super::pending::since;
use super::reply::{
    Budget, limit, no_group_at_key, put_entries, put_entry, put_id, wrong_subcommand,
};
use crate::context::{Args, Context, Fault, Outcome};
use crate::families;
use crate::numbers::parse_i64_or_fault;
use crate::pattern::is_option;
use crate::values::stream::{Consumer, Entry, Group, Id, Stream, UNKNOWN, View, radix_nodes};
use crate::values::{Collection, Lookup};

const HELP: &[&str] = &[
    "CONSUMERS <key> <group>",
    "    The consumers of a group.",
    "GROUPS <key>",
    "    The groups of a stream.",
    "STREAM <key> [FULL [COUNT <count>]]",
    "    A stream; FULL: with its entries, groups and what is pending, a few of each.",
];

/// `XINFO HELP`
pub fn help(ctx: &mut Context<'_, '_>, _args: Args<'_>) -> Outcome {
    families::help(ctx, "XINFO", HELP)
}

/// Has `tell` reply about the stream that `args` name.
fn about(
    ctx: &mut Context<'_, '_>,
    args: Args<'_>,
    tell: impl FnOnce(&mut Encoder, &Stream, &mut Budget<'_>) -> Outcome,
) -> Outcome {
    let (key, lookup, mut budget) = (ctx.key(args[2]), Lookup::new(ctx), Budget::new(ctx));
    let Context { access, reply, .. } = ctx;
    lookup.view_as::<Stream, _>(access, &key, |held| {
        let held = held.ok_or(Fault::error("ERR no such key"))?;
        tell(reply, &*held.view.to_stream()?, &mut budget)
    })
}

/// `XINFO CONSUMERS key group`
pub fn consumers(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let now_ms = ctx.now_ms();
    about(ctx, args, |reply, stream, budget| {
        let group = stream.group(args[3]).ok_or_else(|| no_group_at_key(args[2], args[3]))?;
        reply.array(group.consumer_count());
        for consumer in group.consumers() {
            reply.map(3);
            put_name(reply, &consumer.name);
            put_number(reply, "pending", consumer.pending.len() as i64);
            put_number(reply, "idle", since(now_ms, consumer.seen_ms).max(0));
            budget.spend(reply)?;
        }
        Ok(())
    })
}

/// `XINFO GROUPS key`
pub fn groups(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    about(ctx, args, |reply, stream, budget| {
        let counting = counting(stream.view());
        reply.array(stream.groups().len());
        for (name, group) in stream.groups() {
            reply.map(6);
            put_name(reply, name);
            put_number(reply, "consumers", group.consumer_count() as i64);
            put_number(reply, "pending", group.pending().len() as i64);
            put_progress(reply, group, &counting);
            budget.spend(reply)?;
        }
        Ok(())
    })
}

/// `XINFO STREAM key [FULL [COUNT count]]`
pub fn stream(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    about(ctx, args, |reply, stream, budget| {
        let Some(count) = parse_full(args)? else {
            reply.map(10);
            put_state(reply, stream.view());
            return put_ends(reply, stream);
        };
        reply.map(9);
        put_state(reply, stream.view());
        reply.bulk_str("entries");
        put_entries(reply, budget, stream.view().entries(Id::MIN, Id::MAX), count)?;
        reply.bulk_str("groups");
        reply.array(stream.groups().len());
        let counting = counting(stream.view());
        for (name, group) in stream.groups() {
            reply.map(7);
            put_name(reply, name);
            put_progress(reply, group, &counting);
            put_group(reply, group, count, budget)?;
        }
        Ok(())
    })
}

/// How many elements FULL is to show of everything, 0 for all; `None` without FULL.
fn parse_full(args: Args<'_>) -> Result<Option<u64>, Fault> {
    const DEFAULT: u64 = 10;
    match &args[3..] {
        [] => Ok(None),
        [full] if is_option(full, "FULL") => Ok(Some(DEFAULT)),
        [full, word, count] if is_option(full, "FULL") && is_option(word, "COUNT") => {
            let count = parse_i64_or_fault(count)?;
            Ok(Some(u64::try_from(count).unwrap_or(DEFAULT)))
        }
        _ => Err(wrong_subcommand("XINFO", args[1])),
    }
}

fn counting(view: View<'_>) -> Counting {
    Counting::new(view.state(), view.first_id())
}

fn put_name(reply: &mut Encoder, name: &[u8]) {
    reply.bulk_str("name");
    reply.bulk(name);
}

fn put_number(reply: &mut Encoder, name: &str, number: i64) {
    reply.bulk_str(name);
    reply.integer(number);
}

fn put_named_id(reply: &mut Encoder, name: &str, id: Id) {
    reply.bulk_str(name);
    put_id(reply, id);
}

/// Seven fields of a stream.
fn put_state(reply: &mut Encoder, view: View<'_>) {
    let state = view.state();
    let nodes = view.chunks(Id::MIN).map(|chunk| chunk.head.first.to_number());
    put_number(reply, "length", state.length as i64);
    put_number(reply, "radix-tree-keys", view.chunk_count() as i64);
    put_number(reply, "radix-tree-nodes", radix_nodes(nodes) as i64);
    put_named_id(reply, "last-generated-id", state.last);
    put_named_id(reply, "max-deleted-entry-id", state.max_deleted);
    put_number(reply, "entries-added", state.added as i64);
    put_named_id(reply, "recorded-first-entry-id", view.first_id().unwrap_or(Id::MIN));
}

/// The three fields that only the short form has.
fn put_ends(reply: &mut Encoder, stream: &Stream) -> Outcome {
    let view = stream.view();
    put_number(reply, "groups", stream.groups().len() as i64);
    let mut put = |name, entry: Option<Entry<'_>>| {
        reply.bulk_str(name);
        match entry {
            Some(entry) => put_entry(reply, &entry),
            None => reply.null(),
        }
    };
    put("first-entry", view.entries(Id::MIN, Id::MAX).next());
    put("last-entry", view.last_id().and_then(|id| view.entry(id)));
    Ok(())
}

/// Three fields of a group: how far it has got.
fn put_progress(reply: &mut Encoder, group: &Group, counting: &Counting) {
    put_named_id(reply, "last-delivered-id", group.last);
    let known = (group.read != UNKNOWN).then_some(group.read);
    for (name, number) in [("entries-read", known), ("lag", counting.lag(group))] {
        reply.bulk_str(name);
        match number {
            Some(number) => reply.integer(number),
            None => reply.null(),
        }
    }
}

/// The fields of a group that only the full form has.
fn put_group(reply: &mut Encoder, group: &Group, count: u64, budget: &mut Budget<'_>) -> Outcome {
    let pending = group.pending();
    put_number(reply, "pel-count", pending.len() as i64);
    reply.bulk_str("pending");
    reply.array(pending.len().min(limit(count)));
    for entry in pending.iter().take(limit(count)) {
        reply.array(4);
        put_id(reply, entry.id);
        reply.bulk(group.consumer(entry.owner).map_or(&[], |consumer| &consumer.name));
        reply.integer(entry.delivered_ms as i64);
        reply.integer(entry.deliveries as i64);
        budget.spend(reply)?;
    }
    reply.bulk_str("consumers");
    reply.array(group.consumer_count());
    for consumer in group.consumers() {
        put_consumer(reply, group, consumer, count, budget)?;
    }
    Ok(())
}

fn put_consumer(
    reply: &mut Encoder,
    group: &Group,
    consumer: &Consumer,
    count: u64,
    budget: &mut Budget<'_>,
) -> Outcome {
    let pending = &consumer.pending;
    reply.map(4);
    put_name(reply, &consumer.name);
    put_number(reply, "seen-time", consumer.seen_ms as i64);
    put_number(reply, "pel-count", pending.len() as i64);
    reply.bulk_str("pending");
    reply.array(pending.len().min(limit(count)));
    for id in pending.iter().take(limit(count)) {
        let entry = group.pending().get(*id);
        reply.array(3);
        put_id(reply, *id);
        reply.integer(entry.map_or(0, |entry| entry.delivered_ms as i64));
        reply.integer(entry.map_or(0, |entry| entry.deliveries as i64));
        budget.spend(reply)?;
    }
    Ok(())
}
