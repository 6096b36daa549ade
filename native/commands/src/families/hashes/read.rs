//! Reading fields.

use super::view;
use crate::context::{Args, Context, Fault, Outcome};
use crate::families::element_scan::{self, ElementScan};
use crate::families::sampling::{Count, Urn, sample};
use crate::pattern::is_option;
use crate::values::dice::Dice;
use crate::values::hash::{Field, Hash, Live};
use crate::values::{Lookup, MAX_COPY, MAX_KEYS};

/// `HGET key field`
pub fn hget(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    view(ctx, args[1], |live, reply, lookup| {
        match live.get(args[2]) {
            Some(field) => {
                lookup.bound(field.value.len(), MAX_COPY)?;
                reply.bulk(field.value);
            }
            None => reply.null(),
        }
        Ok(())
    })
}

/// `HMGET key field [field ...]`
pub fn hmget(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.bound(args.len(), MAX_KEYS)?;
    view(ctx, args[1], |live, reply, lookup| {
        reply.array(args.len() - 2);
        let start = reply.len();
        for name in &args[2..] {
            match live.get(name) {
                Some(field) => {
                    lookup.bound(reply.len() - start + field.value.len(), MAX_COPY)?;
                    reply.bulk(field.value);
                }
                None => reply.null(),
            }
        }
        Ok(())
    })
}

/// `HEXISTS key field`
pub fn hexists(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    view(ctx, args[1], |live, reply, _| {
        reply.integer(i64::from(live.get(args[2]).is_some()));
        Ok(())
    })
}

/// `HSTRLEN key field`
pub fn hstrlen(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    view(ctx, args[1], |live, reply, _| {
        reply.integer(live.get(args[2]).map_or(0, |field| field.value.len()) as i64);
        Ok(())
    })
}

/// `HLEN key`
pub fn hlen(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    view(ctx, args[1], |live, reply, lookup| {
        lookup.bound(live.over(MAX_KEYS + 1), MAX_KEYS)?;
        reply.integer(live.len() as i64);
        Ok(())
    })
}

/// `HGETALL key`
pub fn hgetall(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    view(ctx, args[1], |live, reply, lookup| {
        check_size(&live, lookup)?;
        reply.map(live.len());
        live.for_each(|name, field| {
            reply.bulk(name);
            reply.bulk(field.value);
        });
        Ok(())
    })
}

/// `HKEYS key`
pub fn hkeys(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    view(ctx, args[1], |live, reply, lookup| {
        check_size(&live, lookup)?;
        reply.array(live.len());
        live.for_each(|name, _| reply.bulk(name));
        Ok(())
    })
}

/// `HVALS key`
pub fn hvals(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    view(ctx, args[1], |live, reply, lookup| {
        check_size(&live, lookup)?;
        reply.array(live.len());
        live.for_each(|_, field| reply.bulk(field.value));
        Ok(())
    })
}

/// Whether all of a hash may be written on this scheduler.
fn check_size(live: &Live<'_>, lookup: &Lookup<'_>) -> Outcome {
    lookup.bound(live.stored(), MAX_KEYS)?;
    lookup.bound(live.bytes(), MAX_COPY)
}

/// `HSCAN key cursor [MATCH pattern] [COUNT count] [NOVALUES]`
pub fn hscan(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let cursor = element_scan::parse_cursor(args[2])?;
    let (key, lookup, now_ms) = (ctx.key(args[1]), Lookup::new(ctx), ctx.now_ms());
    let Context { access, reply, .. } = ctx;
    lookup.view_as::<Hash, _>(access, &key, |held| {
        let Some(held) = held else {
            element_scan::reply_nothing(reply);
            return Ok(());
        };
        let live = held.view.live(now_ms);
        let scan = ElementScan::parse(cursor, &args[3..], true)?;
        scan.reply(
            reply,
            &lookup,
            live.stored(),
            |cursor, count, visit| {
                live.scan(cursor, count, &mut |name, field| visit(name, (name, field)))
            },
            |reply, (name, field): (&[u8], Field<'_>)| {
                reply.bulk(name);
                if scan.values {
                    reply.bulk(field.value);
                }
            },
        )
    })
}

/// `HRANDFIELD key [count [WITHVALUES]]`
pub fn hrandfield(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let mut dice = Dice::new(ctx.seed);
    let (count, with_values) = match args[2..] {
        [] => {
            return view(ctx, args[1], |live, reply, _| {
                match live.random(&mut dice) {
                    Some((name, _)) => reply.bulk(name),
                    None => reply.null(),
                }
                Ok(())
            });
        }
        [count, ref rest @ ..] => parse_count(count, rest)?,
    };
    view(ctx, args[1], |live, reply, lookup| {
        lookup.bound(live.over(MAX_KEYS + 1), MAX_KEYS)?;
        let len = count.of(live.len());
        lookup.bound(len, MAX_KEYS)?;
        lookup.bound(live.bytes().saturating_mul(len) / live.stored().max(1), MAX_COPY)?;
        let (pairs, resp3) = (with_values, reply.protocol() == ferric_resp::Protocol::Resp3);
        reply.array(if pairs && !resp3 { len.saturating_mul(2) } else { len });
        sample(&live, count, &mut dice, |(name, field)| {
            let start = reply.len();
            if pairs && resp3 {
                reply.array(2);
            }
            reply.bulk(name);
            if pairs {
                reply.bulk(field.value);
            }
            reply.len() - start
        })
    })
}

/// The count, and whether values are wanted.
fn parse_count(count: &[u8], rest: Args<'_>) -> Result<(Count, bool), Fault> {
    const OUT_OF_RANGE: &str = "ERR value is out of range";
    let parsed = Count::parse(count)?;
    match rest {
        [] => Ok((parsed, false)),
        [word] if is_option(word, "WITHVALUES") => match parsed {
            Count::Distinct(count) | Count::Repeated(count) if count > i64::MAX as usize / 2 => {
                Err(Fault::error(OUT_OF_RANGE))
            }
            _ => Ok((parsed, true)),
        },
        _ => Err(Fault::error("ERR syntax error")),
    }
}

impl<'a> Urn<(&'a [u8], Field<'a>)> for Live<'a> {
    fn size(&self) -> usize {
        Live::len(self)
    }

    fn random(&self, dice: &mut Dice) -> Option<(&'a [u8], Field<'a>)> {
        Live::random(self, dice)
    }

    fn for_each(&self, mut visit: impl FnMut((&'a [u8], Field<'a>))) {
        Live::for_each(self, |name, field| visit((name, field)));
    }

    fn identity((name, _): &(&'a [u8], Field<'a>)) -> usize {
        // Even an empty name has a place of its own: lengths stand in front of each.
        name.as_ptr() as usize
    }
}
