//! ZSCAN.

use ferric_resp::{DoubleText, Encoder};

use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::{parse_i64_or_fault, parse_strtoul};
use crate::pattern::{is_option, matches};
use crate::values::sorted::{SKIPLIST, SortedSet};
use crate::values::{Lookup, MAX_KEYS};

/// `ZSCAN key cursor [MATCH pattern] [COUNT count]`
pub fn zscan(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let cursor = parse_strtoul(args[2]).ok_or(Fault::error("ERR invalid cursor"))?;
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let Context { access, reply, .. } = ctx;
    lookup.view_as::<SortedSet, ()>(access, &key, |held| {
        let Some(held) = held else {
            reply.array(2);
            reply.bulk(b"0");
            reply.array(0);
            return Ok(());
        };
        let (pattern, count) = parse_options(&args[3..])?;
        let (mut visited, mut found) = (0, Vec::new());
        let mut cursor = cursor as u32;
        loop {
            cursor = held.view.scan(cursor, |score, member| {
                visited += 1;
                if pattern.is_none_or(|pattern| matches(pattern, member)) {
                    found.push((score, member));
                }
            });
            lookup.bound(visited, MAX_KEYS)?;
            if cursor == 0 || visited >= count {
                break;
            }
        }
        reply.array(2);
        reply.bulk(itoa::Buffer::new().format(cursor).as_bytes());
        reply.array(found.len() * 2);
        let compact = held.meta.flags & SKIPLIST == 0;
        for (score, member) in found {
            reply.bulk(member);
            put_score(reply, score, compact);
        }
        Ok(())
    })
}

/// ZSCAN shows scores as Redis keeps them: whole ones are integers in its compact encoding.
fn put_score(reply: &mut Encoder, score: f64, compact: bool) {
    const MAX_INTEGER: f64 = (i64::MAX / 2) as f64;
    if compact && score.abs() <= MAX_INTEGER && score.trunc() == score {
        reply.bulk(itoa::Buffer::new().format(score as i64).as_bytes());
    } else {
        reply.bulk(DoubleText::new(score).as_bytes());
    }
}

/// The pattern, if there is one that not everything matches, and the number of entries to visit.
fn parse_options(mut words: Args<'_>) -> Result<(Option<&[u8]>, usize), Fault> {
    const SYNTAX: Fault = Fault::error("ERR syntax error");
    let (mut pattern, mut count) = (None, 10);
    while let [word, rest @ ..] = words {
        let [value, rest @ ..] = rest else { return Err(SYNTAX) };
        if is_option(word, "COUNT") {
            count = usize::try_from(parse_i64_or_fault(value)?).map_err(|_| SYNTAX)?;
            if count == 0 {
                return Err(SYNTAX);
            }
        } else if is_option(word, "MATCH") {
            pattern = Some(*value);
        } else {
            return Err(SYNTAX);
        }
        words = rest;
    }
    Ok((pattern.filter(|&pattern| pattern != b"*"), count))
}
