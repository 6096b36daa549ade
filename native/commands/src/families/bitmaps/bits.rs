//! SETBIT and GETBIT: single bits.

use super::{grown, parse_offset};
use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::parse_i64;
use crate::values::{Lookup, bitmap, string};

/// `SETBIT key offset value`
pub fn setbit(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let offset = parse_offset(args[2], ctx.server.config().max_bulk())?;
    let on = match parse_i64(args[3]) {
        Some(0) => false,
        Some(1) => true,
        _ => return Err(Fault::error("ERR bit is not an integer or out of range")),
    };
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let entry = lookup.modify_string(&mut locked, &key)?;
    let (old, expiry_ms) = entry.map_or((&b""[..], 0), |entry| (entry.value, entry.meta.expiry_ms));
    let fits = offset / 8 < old.len() as u64;
    if fits && bitmap::bit(old, offset) == on && entry.is_some_and(|entry| string::is_raw(&entry)) {
        ctx.reply.integer(i64::from(on));
        return Ok(());
    }
    let mut value = grown(&lookup, old, offset)?;
    ctx.reply.integer(i64::from(bitmap::set_bit(&mut value, offset, on)));
    Ok(locked.put(&key, string::meta_with(string::RAW, expiry_ms), &value)?)
}

/// `GETBIT key offset`
pub fn getbit(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let offset = parse_offset(args[2], ctx.server.config().max_bulk())?;
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let bit = lookup.view(ctx.access, &key, |entry| {
        Ok(string::check(entry)?.is_some_and(|entry| bitmap::bit(entry.value, offset)))
    })?;
    ctx.reply.integer(i64::from(bit));
    Ok(())
}
