//! INCR and its relatives.

use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::{Extended, parse_i64_or_fault};
use crate::values::{Lookup, string};

const OVERFLOW: Fault = Fault::error("ERR increment or decrement would overflow");
const NOT_A_FLOAT: Fault = Fault::error("ERR value is not a valid float");
const NOT_FINITE: Fault = Fault::error("ERR increment would produce NaN or Infinity");

/// Bits of a number's whole part that may be printed on a normal scheduler.
const MAX_BITS: usize = 4096;

/// `INCR key`
pub fn incr(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    add(ctx, args[1], 1)
}

/// `DECR key`
pub fn decr(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    add(ctx, args[1], -1)
}

/// `INCRBY key increment`
pub fn incrby(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let increment = parse_i64_or_fault(args[2])?;
    add(ctx, args[1], increment)
}

/// `DECRBY key decrement`
pub fn decrby(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let decrement = parse_i64_or_fault(args[2])?;
    let increment = decrement.checked_neg().ok_or(Fault::error("ERR decrement would overflow"))?;
    add(ctx, args[1], increment)
}

fn add(ctx: &mut Context<'_, '_>, key: &[u8], increment: i64) -> Outcome {
    let (key, lookup) = (ctx.key(key), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let (value, expiry_ms) = match lookup.modify_string(&mut locked, &key)? {
        Some(entry) => (parse_i64_or_fault(entry.value)?, entry.meta.expiry_ms),
        None => (0, 0),
    };
    let sum = value.checked_add(increment).ok_or(OVERFLOW)?;
    let mut digits = itoa::Buffer::new();
    ctx.reply.integer(sum);
    Ok(locked.put(&key, string::meta(expiry_ms), digits.format(sum).as_bytes())?)
}

/// `INCRBYFLOAT key increment`
pub fn incrbyfloat(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let (value, expiry_ms) = match lookup.modify_string(&mut locked, &key)? {
        Some(entry) => (Extended::parse(entry.value).ok_or(NOT_A_FLOAT)?, entry.meta.expiry_ms),
        None => (Extended::ZERO, 0),
    };
    let increment = Extended::parse(args[2]).ok_or(NOT_A_FLOAT)?;
    let sum = value.plus(increment).ok_or(NOT_FINITE)?;
    lookup.bound(sum.whole_bits(), MAX_BITS)?;
    let text = sum.to_text();
    ctx.reply.bulk_str(&text);
    Ok(locked.put(&key, string::meta_with(string::TEXT, expiry_ms), text.as_bytes())?)
}
