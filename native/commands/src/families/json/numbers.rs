//! JSON.NUMINCRBY, JSON.NUMMULTBY and JSON.NUMPOWBY.

use ferric_resp::{Encoder, Protocol};

use super::edit::edit;
use super::{NO_KEY, PathArg, parse_value, wrong_type};
use crate::context::{Args, Context, Fault, Outcome};
use crate::values::json::Json;
use crate::values::json::text::print;

/// An operation: on integers, `None` if the result is none, and on doubles.
struct Operation {
    integers: fn(i64, i64) -> Result<Option<i64>, Overflow>,
    doubles: fn(f64, f64) -> f64,
}

/// A result does not fit 64 bits.
struct Overflow;

const OVERFLOW: Fault = Fault::error("ERR numeric overflow");

/// `JSON.NUMINCRBY key path value`
pub(super) fn increase(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let integers = |a: i64, b: i64| a.checked_add(b).map(Some).ok_or(Overflow);
    calculate(ctx, args, &Operation { integers, doubles: |a, b| a + b })
}

/// `JSON.NUMMULTBY key path value`
pub(super) fn multiply(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let integers = |a: i64, b: i64| a.checked_mul(b).map(Some).ok_or(Overflow);
    calculate(ctx, args, &Operation { integers, doubles: |a, b| a * b })
}

/// `JSON.NUMPOWBY key path value`
pub(super) fn raise(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let integers = |a: i64, b: i64| {
        if b < 0 {
            return Ok(None);
        }
        // Larger exponents overflow as well, unless the base is 0, 1 or -1: then their parity counts.
        let exponent = if b > 64 { 64 + (b % 2) as u32 } else { b as u32 };
        a.checked_pow(exponent).map(Some).ok_or(Overflow)
    };
    calculate(ctx, args, &Operation { integers, doubles: f64::powf })
}

fn calculate(ctx: &mut Context<'_, '_>, args: Args<'_>, operation: &Operation) -> Outcome {
    let path = PathArg::parse(args[2])?;
    let by = parse_value(ctx, args[3])?;
    if double(&by).is_none() {
        return Err(wrong_type("number", &by));
    }
    edit(ctx, args[1], NO_KEY, |edit| {
        let results = edit.each(&path.path, |draft, _, place| {
            if double(place.value).is_none() {
                return Ok(None);
            }
            let result = operation.apply(place.value, &by)?;
            draft.put(place.location, &result);
            Ok(Some(result))
        })?;
        reply(edit.reply, &path, results)?;
        Ok(true)
    })
}

impl Operation {
    fn apply(&self, value: &Json, by: &Json) -> Result<Json, Fault> {
        if let (Json::Integer(a), Json::Integer(b)) = (value, by)
            && let Some(result) = (self.integers)(*a, *b).map_err(|Overflow| OVERFLOW)?
        {
            return Ok(Json::Integer(result));
        }
        let (Some(a), Some(b)) = (double(value), double(by)) else { return Err(OVERFLOW) };
        let result = (self.doubles)(a, b);
        if result.is_finite() {
            Ok(Json::Double(result))
        } else {
            Err(Fault::error("ERR result is not a number"))
        }
    }
}

fn double(value: &Json) -> Option<f64> {
    match value {
        Json::Integer(number) => Some(*number as f64),
        Json::Unsigned(number) => Some(*number as f64),
        Json::Double(number) => Some(*number),
        _ => None,
    }
}

/// Replies with text, or numbers where the protocol has them.
fn reply(reply: &mut Encoder, path: &PathArg<'_>, results: Vec<Option<Json>>) -> Outcome {
    let last = results.iter().rev().flatten().next();
    if path.is_legacy() && last.is_none() {
        return Err(path.missing_or("does not contains a number"));
    }
    if reply.protocol() == Protocol::Resp3 {
        let one = last.filter(|_| path.is_legacy()).cloned();
        let results = if one.is_some() { vec![one] } else { results };
        reply.array(results.len());
        for result in results {
            super::resp::native(reply, &result.unwrap_or(Json::Null));
        }
        return Ok(());
    }
    match last {
        Some(last) if path.is_legacy() => reply.bulk(&print(last)),
        _ => {
            let results = results.into_iter().map(|result| result.unwrap_or(Json::Null));
            reply.bulk(&print(&Json::array(results.collect())));
        }
    }
    Ok(())
}
