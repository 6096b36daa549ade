//! BITCOUNT and BITPOS: counting and finding bits.

use super::{MAX_SCAN, Range, SYNTAX, is_bit_unit};
use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::parse_i64_or_fault;
use crate::values::{Lookup, bitmap, string};

/// `BITCOUNT key [start end [BYTE | BIT]]`
///
/// The words after the key are only looked at when it exists, as in Redis 7.0.
pub fn bitcount(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let ones = lookup.view(ctx.access, &key, |entry| {
        let Some(entry) = string::check(entry)? else { return Ok(0) };
        let range = count_range(&args[2..])?;
        let Some((first, last)) = range.and_then(|range| range.bits_in(entry.value.len())) else {
            return Ok(0);
        };
        lookup.bound(((last - first) / 8) as usize, MAX_SCAN)?;
        Ok(bitmap::count_range(entry.value, first, last))
    })?;
    ctx.reply.integer(ones as i64);
    Ok(())
}

/// BITCOUNT's range; `None` if it is empty whatever it is a range of, in which case what it counts
/// is not looked at.
fn count_range(words: Args<'_>) -> Result<Option<Range>, Fault> {
    let (start, end, unit) = match *words {
        [] => return Ok(Some(Range { start: 0, end: -1, bits: false })),
        [start, end] => (start, end, None),
        [start, end, unit] => (start, end, Some(unit)),
        _ => return Err(SYNTAX),
    };
    let (start, end) = (parse_i64_or_fault(start)?, parse_i64_or_fault(end)?);
    if start < 0 && end < 0 && start > end {
        return Ok(None);
    }
    let bits = unit.map_or(Ok(false), is_bit_unit)?;
    Ok(Some(Range { start, end, bits }))
}

/// `BITPOS key bit [start [end [BYTE | BIT]]]`
pub fn bitpos(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let bit = match parse_i64_or_fault(args[2])? {
        0 => false,
        1 => true,
        _ => return Err(Fault::error("ERR The bit argument must be 1 or 0.")),
    };
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let position = lookup.view(ctx.access, &key, |entry| {
        // A key that does not exist is zeros without an end.
        let Some(entry) = string::check(entry)? else { return Ok(if bit { -1 } else { 0 }) };
        let (range, open) = search_range(&args[3..])?;
        let Some((first, last)) = range.bits_in(entry.value.len()) else { return Ok(-1) };
        lookup.bound(((last - first) / 8) as usize, MAX_SCAN)?;
        let found = bitmap::position(entry.value, bit, first, last);
        // Without an end, zeros follow the string.
        let beyond = if open && !bit { last as i64 + 1 } else { -1 };
        Ok(found.map_or(beyond, |at| at as i64))
    })?;
    ctx.reply.integer(position);
    Ok(())
}

/// BITPOS's range, and whether it was given no end.
fn search_range(words: Args<'_>) -> Result<(Range, bool), Fault> {
    let number =
        |word: Option<&&[u8]>, missing| word.map_or(Ok(missing), |word| parse_i64_or_fault(word));
    if words.len() > 3 {
        return Err(SYNTAX);
    }
    let start = number(words.first(), 0)?;
    let bits = words.get(2).map_or(Ok(false), |unit| is_bit_unit(unit))?;
    let end = number(words.get(1), -1)?;
    Ok((Range { start, end, bits }, words.len() < 2))
}
