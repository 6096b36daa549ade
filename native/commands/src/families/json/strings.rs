//! JSON.STRAPPEND, JSON.STRLEN and JSON.TOGGLE.

use super::edit::edit;
use super::{NO_KEY, PathArg, parse_value, reply_all, wrong_type};
use crate::context::{Args, Context, Outcome};
use crate::values::json::Json;

/// `JSON.STRAPPEND key [path] value`
pub(super) fn append(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (path, value) = match args {
        [_, _, value] => (PathArg::at(&[], 0)?, value),
        _ => (PathArg::parse(args[2])?, &args[3]),
    };
    let value = parse_value(ctx, value)?;
    let Json::String(suffix) = &value else { return Err(wrong_type("string", &value)) };
    edit(ctx, args[1], NO_KEY, |edit| {
        let lens = edit.each(&path.path, |draft, budget, place| {
            let Json::String(text) = place.value else { return Ok(None) };
            budget.spend(text.len() / BYTES_PER_STEP)?;
            draft.append(place.location, suffix);
            Ok(Some(text.len() + suffix.len()))
        })?;
        reply_all(
            edit.reply,
            &path,
            lens,
            || path.missing_or("not a string"),
            |reply, len| {
                reply.integer(*len as i64);
            },
        )?;
        Ok(true)
    })
}

/// Bytes of a string that are copied in a step.
const BYTES_PER_STEP: usize = 64;

/// `JSON.STRLEN key [path]`
pub(super) fn len(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    super::objects::len_of(ctx, args, "string", |value| match value {
        Json::String(text) => Some(text.len()),
        _ => None,
    })
}

/// `JSON.TOGGLE key path`
pub(super) fn toggle(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let path = PathArg::parse(args[2])?;
    edit(ctx, args[1], NO_KEY, |edit| {
        let toggled = edit.each(&path.path, |draft, _, place| {
            let Json::Boolean(value) = place.value else { return Ok(None) };
            draft.put(place.location, &Json::Boolean(!value));
            Ok(Some(!value))
        })?;
        let legacy = path.is_legacy();
        reply_all(
            edit.reply,
            &path,
            toggled,
            || path.missing_or("not a bool"),
            |reply, value| match (legacy, value) {
                (true, true) => reply.bulk(b"true"),
                (true, false) => reply.bulk(b"false"),
                (false, value) => reply.integer(i64::from(*value)),
            },
        )?;
        Ok(true)
    })
}
