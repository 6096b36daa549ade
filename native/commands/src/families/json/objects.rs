//! JSON.OBJKEYS, JSON.OBJLEN and JSON.TYPE.

use ferric_resp::{Encoder, Protocol};

use super::{NO_KEY, PathArg, Reading, view, wrong_type};
use crate::context::{Args, Context, Fault, Outcome};
use crate::values::json::{Json, Members};

/// `JSON.OBJKEYS key [path]`
pub(super) fn keys(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let path = PathArg::at(args, 2)?;
    let found = view(ctx, args[1], |mut reading| {
        let matches = path.path.find(reading.root, &mut reading.budget)?;
        if !path.is_legacy() {
            reading.reply.array(matches.len());
        }
        for value in matches.values() {
            match value {
                Json::Object(members) => names(&mut reading, members)?,
                _ if path.is_legacy() => return Err(path.missing_or("not an object")),
                _ => reading.reply.null(),
            }
            if path.is_legacy() {
                return Ok(());
            }
        }
        if path.is_legacy() {
            reading.reply.null();
        }
        Ok(())
    })?;
    missing(ctx, &path, found)
}

fn names(reading: &mut Reading<'_>, members: &Members) -> Outcome {
    reading.budget.spend(members.len())?;
    reading.reply.array(members.len());
    for (name, _) in members.iter() {
        reading.reply.bulk_str(name);
        reading.limit.check(reading.reply.len())?;
    }
    Ok(())
}

/// Replies if the key does not exist.
fn missing(ctx: &mut Context<'_, '_>, path: &PathArg<'_>, found: Option<()>) -> Outcome {
    match found {
        Some(()) => Ok(()),
        None if path.is_legacy() => {
            ctx.reply.null();
            Ok(())
        }
        None => Err(NO_KEY),
    }
}

/// `JSON.OBJLEN key [path]`
pub(super) fn len(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let path = PathArg::at(args, 2)?;
    let found = view(ctx, args[1], |mut reading| {
        let matches = path.path.find(reading.root, &mut reading.budget)?;
        let len = |value: &Json| match value {
            Json::Object(members) => Some(members.len()),
            _ => None,
        };
        if path.is_legacy() && matches.is_empty() {
            reading.reply.null();
            return Ok(());
        }
        lens(reading.reply, &path, matches.values(), len, |value| wrong_type("object", value))
    })?;
    match found {
        None if !path.is_legacy() => Err(path.missing()),
        found => missing(ctx, &path, found),
    }
}

/// Replies with what something is long at a path, in one way or another; `expected` is the type that
/// has a length.
pub(super) fn len_of(
    ctx: &mut Context<'_, '_>,
    args: Args<'_>,
    expected: &str,
    len: impl Fn(&Json) -> Option<usize>,
) -> Outcome {
    let path = PathArg::at(args, 2)?;
    let found = view(ctx, args[1], |mut reading| {
        let matches = path.path.find(reading.root, &mut reading.budget)?;
        lens(reading.reply, &path, matches.values(), len, |value| match expected {
            "array" => path.missing_or("not an array"),
            _ => wrong_type(expected, value),
        })
    })?;
    missing(ctx, &path, found)
}

fn lens<'j>(
    reply: &mut Encoder,
    path: &PathArg<'_>,
    mut values: impl ExactSizeIterator<Item = &'j Json>,
    len: impl Fn(&Json) -> Option<usize>,
    wrong: impl Fn(&Json) -> Fault,
) -> Outcome {
    if path.is_legacy() {
        let value = values.next().ok_or_else(|| path.missing())?;
        let len = len(value).ok_or_else(|| wrong(value))?;
        reply.integer(len as i64);
        return Ok(());
    }
    reply.array(values.len());
    for value in values {
        match len(value) {
            Some(len) => reply.integer(len as i64),
            None => reply.null(),
        }
    }
    Ok(())
}

/// `JSON.TYPE key [path]`
pub(super) fn type_of(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let path = PathArg::at(args, 2)?;
    let in_array = ctx.reply.protocol() == Protocol::Resp3;
    let found = view(ctx, args[1], |mut reading| {
        let matches = path.path.find(reading.root, &mut reading.budget)?;
        if in_array {
            reading.reply.array(1);
        }
        let mut types = matches.values().map(Json::type_name);
        if path.is_legacy() {
            match types.next() {
                Some(name) => reading.reply.bulk_str(name),
                None => reading.reply.null(),
            }
            return Ok(());
        }
        reading.reply.array(types.len());
        types.for_each(|name| reading.reply.bulk_str(name));
        Ok(())
    })?;
    if found.is_none() {
        if in_array {
            ctx.reply.array(1);
        }
        ctx.reply.null();
    }
    Ok(())
}
