//! ZSCAN.

use ferric_resp::{DoubleText, Encoder};

use crate::context::{Args, Context, Outcome};
use crate::families::element_scan::{ElementScan, parse_cursor, reply_nothing};
use crate::values::Lookup;
use crate::values::sorted::{SKIPLIST, SortedSet};

/// `ZSCAN key cursor [MATCH pattern] [COUNT count]`
pub fn zscan(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let cursor = parse_cursor(args[2])?;
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let Context { access, reply, .. } = ctx;
    lookup.view_as::<SortedSet, ()>(access, &key, |held| {
        let Some(held) = held else {
            reply_nothing(reply);
            return Ok(());
        };
        let mut scan = ElementScan::parse(cursor, &args[3..], false)?;
        scan.values = true;
        let compact = held.meta.flags & SKIPLIST == 0;
        scan.reply(
            reply,
            &lookup,
            held.view.len(),
            |cursor, count, visit| {
                let visit = |score, member| visit(member, (score, member));
                u64::from(held.view.scan(cursor as u32, count, visit))
            },
            |reply, (score, member)| {
                reply.bulk(member);
                put_score(reply, score, compact);
            },
        )
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
