//! LSET, LINSERT, LREM and LTRIM: changes anywhere in a list.

use super::pop::trimmed;
use super::{MAX_COMPARED, extent, position};
use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::parse_i64_or_fault;
use crate::pattern::is_option;
use crate::values::list::{Delta, List, View};
use crate::values::{Lookup, MAX_COPY, commit};

/// `LSET key index element`
pub fn lset(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (key, lookup, element) = (ctx.key(args[1]), Lookup::new(ctx), args[3]);
    ctx.bound(element.len(), MAX_COPY)?;
    let mut locked = ctx.access.acquire(&key)?;
    let held = lookup.modify_as::<List>(&mut locked, &key)?;
    let held = held.ok_or(Fault::error("ERR no such key"))?;
    let index = parse_i64_or_fault(args[2])?;
    let len = held.view.len();
    let at = position(index, len).ok_or(Fault::error("ERR index out of range"))?;
    ctx.reply.ok();
    let change = held.change(held.meta, Delta::new().set(at, element).bytes(), len)?;
    commit(&mut locked, &[(key, change)])
}

/// `LINSERT key BEFORE|AFTER pivot element`
pub fn linsert(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let after = match args[2] {
        word if is_option(word, "AFTER") => true,
        word if is_option(word, "BEFORE") => false,
        _ => return Err(Fault::error("ERR syntax error")),
    };
    let (key, lookup, pivot, element) = (ctx.key(args[1]), Lookup::new(ctx), args[3], args[4]);
    ctx.bound(element.len(), MAX_COPY)?;
    let mut locked = ctx.access.acquire(&key)?;
    let Some(held) = lookup.modify_as::<List>(&mut locked, &key)? else {
        ctx.reply.integer(0);
        return Ok(());
    };
    let mut found = None;
    for (at, other) in held.view.iter().enumerate() {
        lookup.bound(at, MAX_COMPARED)?;
        if other == pivot {
            found = Some(at);
            break;
        }
    }
    let Some(at) = found else {
        ctx.reply.integer(-1);
        return Ok(());
    };
    let len = held.view.len() + 1;
    ctx.reply.integer(len as i64);
    let delta = Delta::new().insert(at + usize::from(after), element);
    let change = held.change(held.meta, delta.bytes(), len)?;
    commit(&mut locked, &[(key, change)])
}

/// `LREM key count element`
pub fn lrem(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let count = parse_i64_or_fault(args[2])?;
    let (key, lookup, element) = (ctx.key(args[1]), Lookup::new(ctx), args[3]);
    let mut locked = ctx.access.acquire(&key)?;
    let Some(held) = lookup.modify_as::<List>(&mut locked, &key)? else {
        ctx.reply.integer(0);
        return Ok(());
    };
    let positions = equal(&lookup, held.view, element, count)?;
    ctx.reply.integer(positions.len() as i64);
    if positions.is_empty() {
        return Ok(());
    }
    let left = held.view.len() - positions.len();
    let change = held.change(held.meta, Delta::new().remove(&positions).bytes(), left)?;
    commit(&mut locked, &[(key, change)])
}

/// Ascending positions of the elements that equal `element`: of all (`count` 0), of the first
/// `count`, or of the last `-count`.
fn equal(
    lookup: &Lookup<'_>,
    view: View<'_>,
    element: &[u8],
    count: i64,
) -> Result<Vec<usize>, Fault> {
    let most = if count == 0 { u64::MAX } else { count.unsigned_abs() };
    let (mut positions, len) = (Vec::new(), view.len());
    let mut compare = |compared: usize, at: usize, other: &[u8]| -> Result<bool, Fault> {
        lookup.bound(compared, MAX_COMPARED)?;
        if other == element {
            positions.push(at);
        }
        Ok(positions.len() as u64 == most)
    };
    if count < 0 {
        for (compared, other) in view.backward(len).enumerate() {
            if compare(compared, len - 1 - compared, other)? {
                break;
            }
        }
        positions.reverse();
    } else {
        for (at, other) in view.iter().enumerate() {
            if compare(at, at, other)? {
                break;
            }
        }
    }
    Ok(positions)
}

/// `LTRIM key start stop`
pub fn ltrim(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (start, stop) = (parse_i64_or_fault(args[2])?, parse_i64_or_fault(args[3])?);
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    ctx.reply.ok();
    let Some(held) = lookup.modify_as::<List>(&mut locked, &key)? else { return Ok(()) };
    let len = held.view.len();
    let (from, count) = extent(start, stop, len);
    if count == len {
        return Ok(());
    }
    if count > 0 {
        // What is deleted as a whole is freed by the engine; what is cut off, here.
        lookup.bound(len - count, MAX_COMPARED)?;
    }
    let change = trimmed(&held, from, len - from - count)?;
    commit(&mut locked, &[(key, change)])
}
