//! Setting and removing fields.

use super::{change, wrong_number_of_arguments};
use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::{Extended, parse_i64, parse_i64_or_fault};
use crate::values::MAX_KEYS;

const OVERFLOW: Fault = Fault::error("ERR increment or decrement would overflow");
const NOT_AN_INTEGER: Fault = Fault::error("ERR hash value is not an integer");
const NOT_A_FLOAT: Fault = Fault::error("ERR value is not a valid float");
const VALUE_NOT_A_FLOAT: Fault = Fault::error("ERR hash value is not a float");
const INFINITE: Fault = Fault::error("ERR value is NaN or Infinity");
const NOT_FINITE: Fault = Fault::error("ERR increment would produce NaN or Infinity");

/// Bits of a number's whole part that may be printed on a normal scheduler.
const MAX_BITS: usize = 4096;

/// `HSET key field value [field value ...]`
pub fn hset(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let added = set_pairs(ctx, args)?;
    ctx.reply.integer(added);
    Ok(())
}

/// `HMSET key field value [field value ...]`
pub fn hmset(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    set_pairs(ctx, args)?;
    ctx.reply.ok();
    Ok(())
}

/// Sets fields; says how many are new.
fn set_pairs(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Result<i64, Fault> {
    let (pairs, rest) = args[2..].as_chunks::<2>();
    if !rest.is_empty() {
        return Err(wrong_number_of_arguments(ctx));
    }
    ctx.bound(pairs.len(), MAX_KEYS)?;
    let mut added = 0;
    change(ctx, args[1], pairs.len(), |edit, ctx| {
        let mut longest = 0;
        for [name, value] in pairs {
            added += i64::from(edit.set(name, value, 0));
            longest = longest.max(name.len()).max(value.len());
        }
        edit.outgrow(ctx.thresholds, longest);
        Ok(())
    })?;
    Ok(added)
}

/// `HSETNX key field value`
pub fn hsetnx(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (name, value) = (args[2], args[3]);
    change(ctx, args[1], 1, |edit, ctx| {
        let absent = edit.get(name).is_none();
        if absent {
            edit.set(name, value, 0);
            edit.outgrow(ctx.thresholds, name.len().max(value.len()));
        }
        ctx.reply.integer(i64::from(absent));
        Ok(())
    })
}

/// `HDEL key field [field ...]`
pub fn hdel(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.bound(args.len(), MAX_KEYS)?;
    change(ctx, args[1], args.len() - 2, |edit, ctx| {
        let removed = args[2..].iter().filter(|name| edit.remove(name)).count();
        ctx.reply.integer(removed as i64);
        Ok(())
    })
}

/// `HINCRBY key field increment`
pub fn hincrby(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let increment = parse_i64_or_fault(args[3])?;
    change(ctx, args[1], 1, |edit, ctx| {
        let old = edit.get(args[2]);
        let value = old.map_or(Some(0), |field| parse_i64(field.value)).ok_or(NOT_AN_INTEGER)?;
        let sum = value.checked_add(increment).ok_or(OVERFLOW)?;
        let mut digits = itoa::Buffer::new();
        let text = digits.format(sum).as_bytes();
        edit.set(args[2], text, old.map_or(0, |field| field.expiry_ms));
        edit.outgrow(ctx.thresholds, args[2].len().max(text.len()));
        ctx.reply.integer(sum);
        Ok(())
    })
}

/// `HINCRBYFLOAT key field increment`
pub fn hincrbyfloat(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let increment = Extended::parse(args[3]).ok_or(NOT_A_FLOAT)?;
    if !increment.is_finite() {
        return Err(INFINITE);
    }
    change(ctx, args[1], 1, |edit, ctx| {
        let old = edit.get(args[2]);
        let value = old.map_or(Some(Extended::ZERO), |field| Extended::parse(field.value));
        let sum = value.ok_or(VALUE_NOT_A_FLOAT)?.plus(increment).ok_or(NOT_FINITE)?;
        ctx.lookup.bound(sum.whole_bits(), MAX_BITS)?;
        let text = sum.to_text();
        edit.set(args[2], text.as_bytes(), old.map_or(0, |field| field.expiry_ms));
        edit.outgrow(ctx.thresholds, args[2].len().max(text.len()));
        ctx.reply.bulk_str(&text);
        Ok(())
    })
}
