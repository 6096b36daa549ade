//! APPEND, GETRANGE and SETRANGE: parts of a string.

use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::parse_i64_or_fault;
use crate::values::{Lookup, MAX_COPY, string};

/// `APPEND key value`
pub fn append(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (key, lookup, addition) = (ctx.key(args[1]), Lookup::new(ctx), args[2]);
    let limit = ctx.server.config().max_bulk();
    let mut locked = ctx.access.acquire(&key)?;
    let Some(entry) = lookup.modify_string(&mut locked, &key)? else {
        lookup.bound(addition.len(), MAX_COPY)?;
        ctx.reply.integer(addition.len() as i64);
        return Ok(locked.put(&key, string::meta(0), addition)?);
    };
    let length = checked_length(entry.value.len(), addition.len(), limit)?;
    lookup.bound(length, MAX_COPY)?;
    let meta = string::meta_with(string::RAW, entry.meta.expiry_ms);
    let mut value = Vec::with_capacity(length);
    value.extend_from_slice(entry.value);
    value.extend_from_slice(addition);
    ctx.reply.integer(length as i64);
    Ok(locked.put(&key, meta, &value)?)
}

/// `SETRANGE key offset value`
pub fn setrange(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let offset = usize::try_from(parse_i64_or_fault(args[2])?)
        .map_err(|_| Fault::error("ERR offset is out of range"))?;
    let (key, lookup, patch) = (ctx.key(args[1]), Lookup::new(ctx), args[3]);
    let limit = ctx.server.config().max_bulk();
    let mut locked = ctx.access.acquire(&key)?;
    let entry = lookup.modify_string(&mut locked, &key)?;
    let (old, expiry_ms) = match &entry {
        Some(entry) => (entry.value, entry.meta.expiry_ms),
        None => (&b""[..], 0),
    };
    if patch.is_empty() {
        ctx.reply.integer(old.len() as i64);
        return Ok(());
    }
    let end = checked_length(offset, patch.len(), limit)?;
    let length = end.max(old.len());
    lookup.bound(length, MAX_COPY)?;
    let mut value = Vec::with_capacity(length);
    value.extend_from_slice(old);
    value.resize(length, 0);
    value[offset..end].copy_from_slice(patch);
    ctx.reply.integer(length as i64);
    Ok(locked.put(&key, string::meta_with(string::RAW, expiry_ms), &value)?)
}

/// The length of a string that grows, unless that is more than a string may have.
fn checked_length(from: usize, more: usize, limit: usize) -> Result<usize, Fault> {
    from.checked_add(more)
        .filter(|&length| length <= limit)
        .ok_or(Fault::error("ERR string exceeds maximum allowed size (proto-max-bulk-len)"))
}

/// `GETRANGE key start end`, also as `SUBSTR`
pub fn getrange(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (start, end) = (parse_i64_or_fault(args[2])?, parse_i64_or_fault(args[3])?);
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let Context { access, reply, .. } = ctx;
    lookup.view(access, &key, |entry| {
        let value = string::check(entry)?.map_or(&b""[..], |entry| entry.value);
        let part = part(value, start, end);
        lookup.bound(part.len(), MAX_COPY)?;
        reply.bulk(part);
        Ok(())
    })
}

/// The bytes from `start` to `end`, both included; negative positions count from the end.
fn part(value: &[u8], start: i64, end: i64) -> &[u8] {
    // Both from the end and in the wrong order: empty, even if both would be cut to position 0.
    if value.is_empty() || (start < 0 && end < 0 && start > end) {
        return b"";
    }
    let length = value.len() as i64;
    let from_front =
        |position: i64| if position < 0 { (length + position).max(0) } else { position };
    let (start, end) = (from_front(start), from_front(end).min(length - 1));
    if start > end { b"" } else { &value[start as usize..=end as usize] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        let value = b"This is a string";
        for (start, end, expected) in [
            (0, 3, "This"),
            (-3, -1, "ing"),
            (0, -1, "This is a string"),
            (10, 100, "string"),
            (5, 3, ""),
            (16, 20, ""),
            (-100, -50, "T"),
            (-50, -100, ""),
            (0, -100, "T"),
            (i64::MIN, i64::MAX, "This is a string"),
            (i64::MAX, i64::MIN, ""),
        ] {
            assert_eq!(part(value, start, end), expected.as_bytes(), "{start} {end}");
        }
        assert_eq!(part(b"", 0, -1), b"");
    }

    #[test]
    fn lengths() {
        assert_eq!(checked_length(3, 4, 7), Ok(7));
        assert!(checked_length(3, 4, 6).is_err());
        assert!(checked_length(usize::MAX, 1, usize::MAX).is_err());
    }
}
