//! KEYS, SCAN and RANDOMKEY: the keys of a database.

use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::{parse_i64_or_fault, parse_strtoul};
use crate::pattern::{is_option, matches};
use crate::values::{MAX_KEYS, type_name};

/// Keys that KEYS visits at a time, so that it holds no shard for long.
const PIECE: usize = 1024;

/// Steps of matching keys with a pattern that SCAN may take on a normal scheduler.
const MAX_STEPS: usize = 150_000;

/// `KEYS pattern`
pub fn keys(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let filter = Filter { pattern: Some(args[1]), kind: None }.simplified();
    let db = ctx.session.db();
    let mut found = Vec::new();
    let mut cursor = 0;
    loop {
        cursor = ctx.access.scan(db, cursor, PIECE, &mut |key, entry| {
            if filter.accepts(key, entry.meta.kind) {
                found.push(key.to_vec());
            }
        })?;
        if cursor == 0 {
            break;
        }
    }
    // A key may be visited twice when the index grows meanwhile.
    found.sort_unstable();
    found.dedup();
    reply_keys(ctx, &found);
    Ok(())
}

/// `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]`
pub fn scan(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let cursor = parse_cursor(args[1])?;
    let (filter, count) = parse_options(&args[2..])?;
    ctx.bound(count, MAX_KEYS)?;
    let db = ctx.session.db();
    let mut steps = 0usize;
    let mut found = Vec::new();
    let next = ctx.access.scan(db, cursor, count, &mut |key, entry| {
        steps = steps.saturating_add(filter.steps(key));
        if (ctx.long || steps <= MAX_STEPS) && filter.accepts(key, entry.meta.kind) {
            found.push(key.to_vec());
        }
    })?;
    ctx.bound(steps, MAX_STEPS)?;
    ctx.reply.array(2);
    ctx.reply.bulk(itoa::Buffer::new().format(next).as_bytes());
    reply_keys(ctx, &found);
    Ok(())
}

/// `RANDOMKEY`
pub fn randomkey(ctx: &mut Context<'_, '_>, _args: Args<'_>) -> Outcome {
    match ctx.access.random(ctx.session.db(), ctx.seed)? {
        Some(key) => ctx.reply.bulk(&key),
        None => ctx.reply.null(),
    }
    Ok(())
}

fn reply_keys(ctx: &mut Context<'_, '_>, keys: &[Vec<u8>]) {
    ctx.reply.array(keys.len());
    for key in keys {
        ctx.reply.bulk(key);
    }
}

/// Which keys are wanted.
#[derive(Debug, Default, PartialEq, Eq)]
struct Filter<'a> {
    pattern: Option<&'a [u8]>,
    /// Name of a kind of value, in any case.
    kind: Option<&'a [u8]>,
}

impl Filter<'_> {
    /// The same without a pattern that every key matches, also the empty one.
    fn simplified(mut self) -> Self {
        self.pattern = self.pattern.filter(|&pattern| pattern != b"*");
        self
    }

    /// The most steps that matching this key may take.
    fn steps(&self, key: &[u8]) -> usize {
        self.pattern.map_or(0, |pattern| pattern.len().saturating_mul(key.len()))
    }

    fn accepts(&self, key: &[u8], kind: u8) -> bool {
        self.pattern.is_none_or(|pattern| matches(pattern, key))
            && self.kind.is_none_or(|wanted| is_option(wanted, type_name(kind)))
    }
}

/// Redis reads a cursor with C's `strtoul`, but does not let it skip white space.
fn parse_cursor(word: &[u8]) -> Result<u64, Fault> {
    parse_strtoul(word).ok_or(Fault::error("ERR invalid cursor"))
}

/// The filter and the number of keys to visit.
fn parse_options(mut words: Args<'_>) -> Result<(Filter<'_>, usize), Fault> {
    const SYNTAX: Fault = Fault::error("ERR syntax error");
    let (mut filter, mut count) = (Filter::default(), 10);
    while let [word, rest @ ..] = words {
        let [value, rest @ ..] = rest else { return Err(SYNTAX) };
        if is_option(word, "COUNT") {
            count = usize::try_from(parse_i64_or_fault(value)?).map_err(|_| SYNTAX)?;
            if count == 0 {
                return Err(SYNTAX);
            }
        } else if is_option(word, "MATCH") {
            filter.pattern = Some(value);
        } else if is_option(word, "TYPE") {
            filter.kind = Some(value);
        } else {
            return Err(SYNTAX);
        }
        words = rest;
    }
    Ok((filter.simplified(), count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options() {
        let expected = Filter { pattern: Some(b"a*"), kind: Some(b"string") };
        let words: &[&[u8]] = &[b"count", b"5", b"MATCH", b"a*", b"Type", b"string"];
        assert_eq!(parse_options(words), Ok((expected, 5)));
        assert_eq!(parse_options(&[b"match", b"*"]), Ok((Filter::default(), 10)));
        for words in [&[&b"COUNT"[..], b"0"][..], &[b"MATCH"], &[b"x", b"1"], &[b"COUNT", b"-1"]] {
            assert_eq!(parse_options(words), Err(Fault::error("ERR syntax error")));
        }
        let fault = Fault::error("ERR value is not an integer or out of range");
        assert_eq!(parse_options(&[b"COUNT", b"x"]), Err(fault));
    }

    #[test]
    fn filters() {
        let filter = Filter { pattern: Some(b"*"), kind: None }.simplified();
        assert!(filter.accepts(b"", 0));
        let filter = Filter { pattern: Some(b"a?"), kind: Some(b"STRING") };
        assert!(filter.accepts(b"ab", 0));
        assert!(!filter.accepts(b"ab", 1));
        assert!(!filter.accepts(b"b", 0));
        assert!(!Filter { pattern: None, kind: Some(b"nosuch") }.accepts(b"", 0));
    }
}
