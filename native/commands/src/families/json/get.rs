//! JSON.GET and JSON.MGET.

use std::collections::HashSet;

use ferric_resp::{Encoder, Protocol};

use super::resp::native;
use super::{Limit, PathArg, Reading, budget, json_only, view};
use crate::context::{Args, Context, Fault, Outcome};
use crate::pattern::is_option;
use crate::values::json::path::{Budget, Matches};
use crate::values::json::text::{Format, Printer};
use crate::values::json::{Document, Json};
use crate::values::{Lookup, MAX_KEYS, WRONG_TYPE};

/// What a value is in a reply.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ReplyFormat {
    /// JSON text.
    Text,
    /// JSON text of arrays and objects, anything else by the protocol's types.
    Outermost,
    /// The protocol's types.
    Native,
}

impl ReplyFormat {
    /// The format with this name; `text` is what JSON text is called.
    pub(super) fn named(name: &[u8], text: &str, protocol: Protocol) -> Result<ReplyFormat, Fault> {
        let format = if is_option(name, text) {
            ReplyFormat::Text
        } else if is_option(name, "EXPAND1") {
            ReplyFormat::Outermost
        } else if is_option(name, "EXPAND") {
            ReplyFormat::Native
        } else {
            return Err(Fault::error("ERR wrong reply format"));
        };
        if protocol == Protocol::Resp2 {
            return Err(Fault::error("ERR FORMAT argument is not supported on RESP2"));
        }
        Ok(format)
    }
}

/// Replies with a value in some format.
pub(super) fn print_value(
    reply: &mut Encoder,
    value: &Json,
    format: ReplyFormat,
    limit: Limit,
) -> Outcome {
    let is_scalar = !matches!(value, Json::Array(_) | Json::Object(_));
    if format == ReplyFormat::Native || (format == ReplyFormat::Outermost && is_scalar) {
        native(reply, value);
        return limit.check(reply.len());
    }
    let mut text = Vec::new();
    limit.text(Printer::new(&mut text, Format::default(), limit.bytes).value(value))?;
    reply.bulk(&text);
    limit.check(reply.len())
}

/// `JSON.GET key [INDENT indent] [NEWLINE newline] [SPACE space] [FORMAT format] [path ...]`
pub(super) fn get(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (mut layout, mut format, mut words) = (Format::default(), ReplyFormat::Text, &args[2..]);
    loop {
        words = match *words {
            [word, indent, ref rest @ ..] if is_option(word, "INDENT") => {
                layout.indent = indent;
                rest
            }
            [word, newline, ref rest @ ..] if is_option(word, "NEWLINE") => {
                layout.newline = newline;
                rest
            }
            [word, space, ref rest @ ..] if is_option(word, "SPACE") => {
                layout.space = space;
                rest
            }
            [word, name, ref rest @ ..] if is_option(word, "FORMAT") => {
                format = ReplyFormat::named(name, "STRING", ctx.reply.protocol())?;
                rest
            }
            // Once it kept characters beyond ASCII from being escaped, which none are now.
            [word, ref rest @ ..] if is_option(word, "NOESCAPE") => rest,
            _ => break,
        };
    }
    ctx.bound(words.len(), MAX_KEYS)?;
    let paths: Result<Vec<_>, _> = match words {
        [] => PathArg::at(&[], 0).map(|path| vec![path]),
        words => words.iter().map(|word| PathArg::parse(word)).collect(),
    };
    let paths = paths?;
    let found = view(ctx, args[1], |mut reading| match (format, &paths[..]) {
        (ReplyFormat::Text, [path]) => reply_one(&mut reading, path, layout),
        (ReplyFormat::Text, paths) => reply_many(&mut reading, paths, layout),
        (format, paths) => expand(&mut reading, paths, format),
    })?;
    if found.is_none() {
        ctx.reply.null();
    }
    Ok(())
}

/// The first match of a legacy path.
fn first<'j>(path: &PathArg<'_>, matches: &Matches<'j>) -> Result<&'j Json, Fault> {
    matches.values().next().ok_or_else(|| path.missing())
}

fn reply_one(reading: &mut Reading<'_>, path: &PathArg<'_>, layout: Format<'_>) -> Outcome {
    let text = print_matches(reading.root, path, layout, &mut reading.budget, reading.limit)?;
    reading.reply.bulk(&text);
    Ok(())
}

fn print_matches(
    root: &Json,
    path: &PathArg<'_>,
    layout: Format<'_>,
    budget: &mut Budget,
    limit: Limit,
) -> Result<Vec<u8>, Fault> {
    let matches = path.path.find(root, budget)?;
    let mut text = Vec::new();
    let mut printer = Printer::new(&mut text, layout, limit.bytes);
    let printed = if path.is_legacy() {
        printer.value(first(path, &matches)?)
    } else {
        printer.array(matches.values())
    };
    limit.text(printed)?;
    Ok(text)
}

/// An object whose names are the paths: with all matches if any of them is no legacy path.
fn reply_many(reading: &mut Reading<'_>, paths: &[PathArg<'_>], layout: Format<'_>) -> Outcome {
    let legacy = paths.iter().all(PathArg::is_legacy);
    let (mut seen, mut found) = (HashSet::new(), Vec::with_capacity(paths.len()));
    for path in paths {
        // A path that is named repeatedly is there once.
        if !seen.insert(path.text) {
            continue;
        }
        let matches = path.path.find(reading.root, &mut reading.budget)?;
        if legacy {
            first(path, &matches)?;
        }
        found.push((path.text, matches));
    }
    let mut text = Vec::new();
    let mut printer = Printer::new(&mut text, layout, reading.limit.bytes);
    let members = found.iter().map(|(name, matches)| (*name, matches));
    let printed = printer.object(members, |printer, matches| {
        let mut values = matches.values();
        match (legacy, values.next()) {
            (true, Some(value)) => printer.value(value),
            _ => printer.array(matches.values()),
        }
    });
    reading.limit.text(printed)?;
    reading.reply.bulk(&text);
    Ok(())
}

/// An array with an array of matches for each path.
fn expand(reading: &mut Reading<'_>, paths: &[PathArg<'_>], format: ReplyFormat) -> Outcome {
    reading.reply.array(paths.len());
    for path in paths {
        let matches = path.path.find(reading.root, &mut reading.budget)?;
        reading.reply.array(matches.len());
        for value in matches.values() {
            reading.budget.allows(value)?;
            print_value(reading.reply, value, format, reading.limit)?;
        }
    }
    Ok(())
}

/// `JSON.MGET key [key ...] path`
pub(super) fn mget(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let [_, names @ .., path] = args else { return Ok(()) };
    ctx.bound(names.len(), MAX_KEYS)?;
    let path = PathArg::parse(path)?;
    let keys: Vec<_> = names.iter().map(|name| ctx.key(name)).collect();
    let (lookup, mut budget, limit) = (Lookup::new(ctx), budget(ctx.long), Limit::new(ctx.long));
    let reply = &mut *ctx.reply;
    let mut locked = ctx.access.acquire_all(&keys)?;
    reply.array(keys.len());
    for key in &keys {
        let text = match lookup.read_as::<Document>(&mut locked, key) {
            Ok(None) => None,
            Err(fault) if fault == WRONG_TYPE => None,
            Err(fault) => return Err(json_only(fault)),
            Ok(Some(held)) => held.view.with(|root| {
                let matches = path.path.find(root, &mut budget)?;
                if path.is_legacy() && matches.is_empty() {
                    return Ok(None);
                }
                print_matches(root, &path, Format::default(), &mut budget, limit).map(Some)
            })??,
        };
        match text {
            Some(text) => reply.bulk(&text),
            None => reply.null(),
        }
        limit.check(reply.len())?;
    }
    Ok(())
}
