//! The other subcommands of COMMAND: COUNT, LIST, DOCS, GETKEYS, GETKEYSANDFLAGS, HELP.

use ferric_resp::Encoder;

use crate::context::{Args, Context, Fault, Outcome};
use crate::families::help;
use crate::families::server::command_docs;
use crate::pattern::{self, is_option};
use crate::table::{self, Entry, KeyError, Keys};

const HELP: &[&str] = &[
    "(without a subcommand)",
    "    Describes all commands.",
    "COUNT",
    "    How many commands there are.",
    "DOCS [<command> ...]",
    "    Documentation of these commands, or of all.",
    "GETKEYS <command> [<arg> ...]",
    "    Which of these words are keys.",
    "GETKEYSANDFLAGS <command> [<arg> ...]",
    "    The same, with what the command does with each key.",
    "INFO [<command> ...]",
    "    Describes these commands, or all.",
    "LIST [FILTERBY MODULE <name> | ACLCAT <category> | PATTERN <pattern>]",
    "    The names of all commands, or of those that the filter fits.",
];

pub(super) fn print_help(ctx: &mut Context<'_, '_>, _: Args<'_>) -> Outcome {
    help(ctx, "COMMAND", HELP)
}

pub(super) fn count(ctx: &mut Context<'_, '_>, _: Args<'_>) -> Outcome {
    ctx.reply.integer(i64::try_from(table::all().count()).unwrap_or(i64::MAX));
    Ok(())
}

pub(super) fn list(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    match args[2..] {
        [] => names(ctx.reply, |_| true),
        [filterby, kind, value] if is_option(filterby, "filterby") => {
            if is_option(kind, "module") {
                // No command comes from a module.
                names(ctx.reply, |_| false);
            } else if is_option(kind, "aclcat") {
                names(ctx.reply, |entry| has_category(entry, value));
            } else if is_option(kind, "pattern") {
                names(ctx.reply, |entry| {
                    pattern::matches_ignoring_case(value, entry.full_name.as_bytes())
                });
            } else {
                return Err(Fault::error("ERR syntax error"));
            }
        }
        _ => return Err(Fault::error("ERR syntax error")),
    }
    Ok(())
}

fn has_category(entry: &Entry, name: &[u8]) -> bool {
    entry.command.categories.iter().any(|c| c.as_bytes().eq_ignore_ascii_case(name))
}

fn names(reply: &mut Encoder, wanted: impl Fn(&Entry) -> bool) {
    let names: Vec<&str> =
        table::entries().iter().filter(|e| wanted(e)).map(|e| e.full_name.as_str()).collect();
    reply.array(names.len());
    for name in names {
        reply.bulk_str(name);
    }
}

pub(super) fn docs(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let entries: Vec<&Entry> = match &args[2..] {
        [] => table::all().collect(),
        names => names.iter().filter_map(|name| table::lookup_full(name)).collect(),
    };
    command_docs::write(ctx.reply, &entries);
    Ok(())
}

pub(super) fn getkeys(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let words = &args[2..];
    let keys = keys_among(words)?;
    ctx.reply.array(keys.len());
    for key in keys {
        ctx.reply.bulk(words[key.position]);
    }
    Ok(())
}

pub(super) fn getkeysandflags(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let words = &args[2..];
    let keys = keys_among(words)?;
    ctx.reply.array(keys.len());
    for key in keys {
        ctx.reply.array(2);
        ctx.reply.bulk(words[key.position]);
        ctx.reply.set(key.flags.len());
        for flag in key.flags {
            ctx.reply.simple(flag);
        }
    }
    Ok(())
}

fn keys_among(words: &[&[u8]]) -> Result<Keys, Fault> {
    let entry = find(words).ok_or(Fault::error("ERR Invalid command specified"))?;
    if entry.command.keys.is_empty() {
        return Err(Fault::error("ERR The command has no key arguments"));
    }
    if !entry.accepts(words.len()) {
        return Err(Fault::error("ERR Invalid number of arguments specified for command"));
    }
    table::keys_of(entry, words).map_err(|error| match error {
        KeyError::NoKeys => Fault::error("ERR The command has no key arguments"),
        KeyError::Invalid => Fault::error("ERR Invalid arguments specified for command"),
    })
}

/// The command or subcommand that the words begin with.
fn find(words: &[&[u8]]) -> Option<&'static Entry> {
    let entry = table::lookup(words.first()?)?;
    match words.get(1) {
        Some(second) if !entry.subcommands().is_empty() => entry.subcommand(second),
        _ => Some(entry),
    }
}
