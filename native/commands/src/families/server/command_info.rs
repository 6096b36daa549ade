//! COMMAND and COMMAND INFO: the command table as clients and proxies read it.

use ferric_resp::Encoder;

use crate::context::{Args, Context, Outcome};
use crate::table::{self, Begin, Entry, Find, KeySpec};

pub(super) fn all(ctx: &mut Context<'_, '_>, _: Args<'_>) -> Outcome {
    ctx.reply.array(table::all().count());
    for entry in table::all() {
        describe(ctx.reply, entry);
    }
    Ok(())
}

pub(super) fn info(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let names = &args[2..];
    if names.is_empty() {
        return all(ctx, args);
    }
    ctx.reply.array(names.len());
    for name in names {
        match table::lookup_full(name) {
            Some(entry) => describe(ctx.reply, entry),
            None => ctx.reply.null(),
        }
    }
    Ok(())
}

/// The ten fields of a command: name, arity, flags, first key, last key, step, categories, tips,
/// key specifications, subcommands.
fn describe(reply: &mut Encoder, entry: &Entry) {
    let command = entry.command;
    let range = table::legacy_range(command.keys);
    reply.array(10);
    reply.bulk_str(&entry.full_name);
    reply.integer(command.arity.into());
    reply.set(command.flags.len());
    for flag in command.flags {
        reply.simple(flag.name());
    }
    reply.integer(range.first.into());
    reply.integer(range.last.into());
    reply.integer(range.step.into());
    reply.set(command.categories.len());
    for category in command.categories {
        reply.simple(&format!("@{category}"));
    }
    reply.set(command.tips.len());
    for tip in command.tips {
        reply.bulk_str(tip);
    }
    reply.set(command.keys.len());
    for spec in command.keys {
        key_spec(reply, spec);
    }
    let subcommands = entry.subcommands();
    if subcommands.is_empty() {
        return reply.set(0);
    }
    reply.array(subcommands.len());
    for subcommand in subcommands {
        describe(reply, subcommand);
    }
}

fn key_spec(reply: &mut Encoder, spec: &KeySpec) {
    if spec.notes.is_empty() {
        reply.map(3);
    } else {
        reply.map(4);
        reply.bulk_str("notes");
        reply.bulk_str(spec.notes);
    }
    reply.bulk_str("flags");
    reply.set(spec.flags.len());
    for flag in spec.flags {
        reply.simple(flag);
    }
    reply.bulk_str("begin_search");
    match spec.begin {
        Begin::Index(index) => numbers(reply, "index", &[("index", index)]),
        Begin::Unknown => kind(reply, "unknown", 0),
        Begin::Keyword(word, from) => {
            kind(reply, "keyword", 2);
            reply.bulk_str("keyword");
            reply.bulk_str(word);
            reply.bulk_str("startfrom");
            reply.integer(from.into());
        }
    }
    reply.bulk_str("find_keys");
    match spec.find {
        Find::Range { last, step, limit } => {
            numbers(reply, "range", &[("lastkey", last), ("keystep", step), ("limit", limit)]);
        }
        Find::KeyNum { num, first, step } => {
            let fields = [("keynumidx", num), ("firstkey", first), ("keystep", step)];
            numbers(reply, "keynum", &fields);
        }
        Find::Unknown => kind(reply, "unknown", 0),
    }
}

/// The head of one half of a specification: its type, and a map of so many fields.
fn kind(reply: &mut Encoder, name: &str, fields: usize) {
    reply.map(2);
    reply.bulk_str("type");
    reply.bulk_str(name);
    reply.bulk_str("spec");
    reply.map(fields);
}

fn numbers(reply: &mut Encoder, name: &str, fields: &[(&str, i32)]) {
    kind(reply, name, fields.len());
    for (field, value) in fields {
        reply.bulk_str(field);
        reply.integer(i64::from(*value));
    }
}
