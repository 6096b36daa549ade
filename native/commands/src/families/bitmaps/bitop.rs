//! BITOP: strings combined bit by bit.

use ferric_engine::Key;

use super::SYNTAX;
use crate::context::{Args, Context, Fault, Outcome};
use crate::pattern::is_option;
use crate::values::bitmap::{self, Operator};
use crate::values::{Lookup, MAX_COPY, MAX_KEYS, string};

/// What BITOP does; `None` stands for NOT.
fn operation(word: &[u8]) -> Result<Option<Operator>, Fault> {
    match word {
        word if is_option(word, "AND") => Ok(Some(Operator::And)),
        word if is_option(word, "OR") => Ok(Some(Operator::Or)),
        word if is_option(word, "XOR") => Ok(Some(Operator::Xor)),
        word if is_option(word, "NOT") => Ok(None),
        _ => Err(SYNTAX),
    }
}

/// `BITOP AND | OR | XOR | NOT destkey key [key ...]`
pub fn bitop(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let operator = operation(args[1])?;
    if operator.is_none() && args.len() != 4 {
        return Err(Fault::error("ERR BITOP NOT must be called with a single source key."));
    }
    ctx.bound(args.len(), MAX_KEYS)?;
    let lookup = Lookup::new(ctx);
    let keys: Vec<Key<'_>> = args[2..].iter().map(|word| ctx.key(word)).collect();
    let mut locked = ctx.access.acquire_all(&keys)?;
    let (mut result, mut visited) = (Vec::new(), 0);
    for (number, key) in keys[1..].iter().enumerate() {
        let entry = lookup.read_string(&mut locked, key)?;
        let value = entry.map_or(&b""[..], |entry| entry.value);
        visited += value.len();
        lookup.bound(visited, MAX_COPY)?;
        match operator {
            Some(operator) if number > 0 => bitmap::combine(operator, &mut result, value),
            _ => result.extend_from_slice(value),
        }
    }
    if operator.is_none() {
        bitmap::invert(&mut result);
    }
    ctx.reply.integer(result.len() as i64);
    if result.is_empty() {
        return Ok(locked.delete(&keys[0])?);
    }
    Ok(locked.put(&keys[0], string::meta_with(string::RAW, 0), &result)?)
}
