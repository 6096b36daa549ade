//! JSON.ARR*: arrays.

use ferric_resp::Encoder;

use super::edit::edit;
use super::get::{ReplyFormat, print_value};
use super::{Limit, NO_KEY, PathArg, parse_value, reply_all, view, wrong_arity, wrong_type};
use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::{parse_i64, parse_i64_or_fault};
use crate::pattern::is_option;
use crate::values::MAX_KEYS;
use crate::values::json::path::Budget;
use crate::values::json::{Json, MAX_DEPTH, Step};

/// Elements that are moved in a step.
const ELEMENTS_PER_STEP: usize = 32;

fn integer(reply: &mut Encoder, number: &usize) {
    reply.integer(*number as i64);
}

/// The new elements of a command.
fn parse_values(ctx: &Context<'_, '_>, words: Args<'_>) -> Result<Vec<Json>, Fault> {
    ctx.bound(words.len(), MAX_KEYS)?;
    ctx.bound(words.iter().map(|word| word.len()).sum(), super::MAX_TEXT)?;
    words.iter().map(|word| parse_value(ctx, word)).collect()
}

/// `JSON.ARRAPPEND key path value [value ...]`
pub(super) fn append(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let path = PathArg::parse(args[2])?;
    let values = parse_values(ctx, &args[3..])?;
    add(ctx, args[1], &path, &values, Ok)
}

/// `JSON.ARRINSERT key path index value [value ...]`
pub(super) fn insert(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let path = PathArg::parse(args[2])?;
    let index = parse_i64_or_fault(args[3])?;
    let values = parse_values(ctx, &args[4..])?;
    add(ctx, args[1], &path, &values, |len| {
        let place = if index < 0 { index.saturating_add(len as i64) } else { index };
        let place = usize::try_from(place).ok().filter(|place| *place <= len);
        place.ok_or(Fault::error("ERR index out of bounds"))
    })
}

/// Inserts values at the place that `place` says for an array of some length.
fn add(
    ctx: &mut Context<'_, '_>,
    name: &[u8],
    path: &PathArg<'_>,
    values: &[Json],
    place: impl Fn(usize) -> Result<usize, Fault>,
) -> Outcome {
    let depth = values.iter().map(Json::depth).max().unwrap_or(0);
    edit(ctx, name, NO_KEY, |edit| {
        let lens = edit.each(&path.path, |draft, budget, found| {
            let Json::Array(elements) = found.value else { return Ok(None) };
            let at = place(elements.len())?;
            if found.location.len() + 1 + depth > MAX_DEPTH {
                return Err(Fault::error("ERR recursion limit exceeded"));
            }
            budget.spend((elements.len() - at) / ELEMENTS_PER_STEP)?;
            draft.splice(found.location, at, 0, values);
            Ok(Some(elements.len() + values.len()))
        })?;
        reply_all(edit.reply, path, lens, || path.missing_or("not an array"), integer)?;
        Ok(true)
    })
}

/// `JSON.ARRLEN key [path]`
pub(super) fn len(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    super::objects::len_of(ctx, args, "array", |value| match value {
        Json::Array(elements) => Some(elements.len()),
        _ => None,
    })
}

/// `JSON.ARRINDEX key path value [start [stop]]`
pub(super) fn index(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    if args.len() > 6 {
        return Err(wrong_arity(ctx));
    }
    let path = PathArg::parse(args[2])?;
    let wanted = parse_value(ctx, args[3])?;
    let number = |at: usize| args.get(at).map_or(Ok(0), |word| parse_i64_or_fault(word));
    let (start, stop) = (number(4)?, number(5)?);
    let found = view(ctx, args[1], |mut reading| {
        let matches = path.path.find(reading.root, &mut reading.budget)?;
        let mut places = Vec::with_capacity(matches.len());
        for value in matches.values() {
            let Json::Array(elements) = value else {
                if path.is_legacy() {
                    return Err(wrong_type("array", value));
                }
                places.push(None);
                continue;
            };
            let range = search_range(elements.len(), start, stop);
            reading.budget.spend(range.len())?;
            reading.budget.allows(&wanted)?;
            let first = range.clone().find(|at| elements[*at] == wanted);
            places.push(Some(first.map_or(-1, |at| at as i64)));
            if path.is_legacy() {
                break;
            }
        }
        reply_all(reading.reply, &path, places, || path.missing(), |reply, at| reply.integer(*at))
    })?;
    found.ok_or_else(|| path.missing())
}

/// Where JSON.ARRINDEX looks in an array of some length: from `start` to before `stop`, 0 for the
/// end; both rounded to the ends.
fn search_range(len: usize, start: i64, stop: i64) -> std::ops::Range<usize> {
    let round = |at: i64, most: usize| {
        let at = if at < 0 { at.saturating_add(len as i64) } else { at };
        usize::try_from(at).unwrap_or(0).min(most)
    };
    let stop = if stop == 0 { len } else { round(stop, len) };
    round(start, len.saturating_sub(1)).min(stop)..stop
}

/// `JSON.ARRPOP key [FORMAT format] [path [index]]`
pub(super) fn pop(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let mut words = &args[2..];
    let mut format = ReplyFormat::Text;
    // A path may be called like the option.
    if let [word, name, rest @ ..] = words
        && is_option(word, "FORMAT")
    {
        format = ReplyFormat::named(name, "STRINGS", ctx.reply.protocol())?;
        words = rest;
    }
    if words.len() > 2 {
        return Err(wrong_arity(ctx));
    }
    let path = PathArg::at(words, 0)?;
    let index = words.get(1).and_then(|word| parse_i64(word)).unwrap_or(-1);
    let limit = Limit::new(ctx.long);
    edit(ctx, args[1], NO_KEY, |edit| {
        let popped = edit.each(&path.path, |draft, budget, found| {
            let Json::Array(elements) = found.value else { return Ok(None) };
            let at = if index < 0 { index.saturating_add(elements.len() as i64) } else { index };
            let at = usize::try_from(at).unwrap_or(0).min(elements.len().saturating_sub(1));
            let Some(element) = elements.get(at) else { return Ok(Some(None)) };
            budget.spend((elements.len() - at) / ELEMENTS_PER_STEP)?;
            budget.allows(element)?;
            draft.splice(found.location, at, 1, &[]);
            Ok(Some(Some(element.clone())))
        })?;
        let mut outcome = Ok(());
        reply_all(
            edit.reply,
            &path,
            popped,
            || path.missing_or("not an array"),
            |reply, value| match value {
                Some(value) if outcome.is_ok() => {
                    outcome = print_value(reply, value, format, limit);
                }
                _ => reply.null(),
            },
        )?;
        outcome.map(|()| true)
    })
}

/// `JSON.ARRTRIM key path start stop`
pub(super) fn trim(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let path = PathArg::parse(args[2])?;
    let (start, stop) = (parse_i64_or_fault(args[3])?, parse_i64_or_fault(args[4])?);
    edit(ctx, args[1], NO_KEY, |edit| {
        let lens = edit.each(&path.path, |draft, budget, found| {
            let Json::Array(elements) = found.value else { return Ok(None) };
            let kept = kept_range(elements.len(), start, stop);
            let len = elements.len();
            budget.spend((len - kept.start) / ELEMENTS_PER_STEP)?;
            drop_elements(budget, &elements[..kept.start])?;
            drop_elements(budget, &elements[kept.end..])?;
            // From the end on, so that both ranges are those of the array as it is.
            let mut cut = |location: &[Step<'_>], range: std::ops::Range<usize>| {
                if !range.is_empty() {
                    draft.splice(location, range.start, range.len(), &[]);
                }
            };
            cut(found.location, kept.end..len);
            cut(found.location, 0..kept.start);
            Ok(Some(kept.len()))
        })?;
        reply_all(edit.reply, &path, lens, || path.missing_or("not an array"), integer)?;
        Ok(true)
    })
}

fn drop_elements(budget: &mut Budget, elements: &[Json]) -> Outcome {
    budget.spend(elements.len())?;
    Ok(elements.iter().try_for_each(|element| budget.allows(element))?)
}

/// What JSON.ARRTRIM keeps of an array of some length: from `start` to `stop`, both included.
fn kept_range(len: usize, start: i64, stop: i64) -> std::ops::Range<usize> {
    let from_end = |at: i64| if at < 0 { at.saturating_add(len as i64).max(0) } else { at };
    let start = usize::try_from(from_end(start)).unwrap_or(0).min(len);
    let stop = usize::try_from(from_end(stop)).unwrap_or(0).saturating_add(1).min(len);
    if start < stop { start..stop } else { 0..0 }
}
