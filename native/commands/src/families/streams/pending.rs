//! XACK and XPENDING.

use ferric_resp::Encoder;

use super::ids::{parse, parse_range};
use super::reply::{Budget, no_group, put_id};
use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::parse_i64_or_fault;
use crate::pattern::is_option;
use crate::values::stream::{Delta, Group, Id, Pending, Stream};
use crate::values::{Lookup, MAX_KEYS, commit};

/// `XACK key group id [id ...]`
pub fn xack(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.bound(args.len(), MAX_KEYS)?;
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let held = lookup.read_as::<Stream>(&mut locked, &key)?;
    let stream = held.as_ref().map(|held| held.view.to_stream()).transpose()?;
    let group = stream.as_ref().and_then(|stream| stream.group(args[2]));
    let (Some(held), Some(group)) = (&held, group) else {
        ctx.reply.integer(0);
        return Ok(());
    };
    let mut ids = args[3..].iter().map(|word| parse(word)).collect::<Result<Vec<_>, _>>()?;
    ids.retain(|id| group.pending().get(*id).is_some());
    ids.sort_unstable();
    ids.dedup();
    ctx.reply.integer(ids.len() as i64);
    if ids.is_empty() {
        return Ok(());
    }
    let mut delta = Delta::default();
    delta.group(args[2]);
    delta.acknowledge(&ids);
    let change = held.change(held.meta, delta.as_bytes(), 1)?;
    commit(&mut locked, &[(key, change)])
}

/// Which pending entries XPENDING is to list.
struct Filter<'a> {
    from: Id,
    to: Id,
    count: u64,
    /// Least time since the last delivery, in milliseconds; 0: any.
    idle_ms: i64,
    consumer: Option<&'a [u8]>,
}

impl<'a> Filter<'a> {
    /// Parses what follows the group; nothing asks for a summary.
    fn parse(words: Args<'a>) -> Result<Option<Filter<'a>>, Fault> {
        const SYNTAX: Fault = Fault::error("ERR syntax error");
        if words.is_empty() {
            return Ok(None);
        }
        if !(3..=6).contains(&words.len()) {
            return Err(SYNTAX);
        }
        let (mut rest, mut idle_ms) = (words, 0);
        if is_option(words[0], "IDLE") {
            idle_ms = parse_i64_or_fault(words[1])?;
            rest = &words[2..];
        }
        let [from, to, count, consumer @ ..] = rest else { return Err(SYNTAX) };
        let count = u64::try_from(parse_i64_or_fault(count)?).unwrap_or(0);
        let (from, to) = parse_range(from, to)?;
        let consumer = consumer.first().copied();
        Ok(Some(Filter { from, to, count, idle_ms, consumer }))
    }
}

/// `XPENDING key group [[IDLE min-idle-time] start end count [consumer]]`
pub fn xpending(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let filter = Filter::parse(&args[3..])?;
    let (key, lookup, now_ms) = (ctx.key(args[1]), Lookup::new(ctx), ctx.now_ms());
    let mut budget = Budget::new(ctx);
    let Context { access, reply, .. } = ctx;
    lookup.view_as::<Stream, _>(access, &key, |held| {
        let stream = held.map(|held| held.view.to_stream()).transpose()?;
        let group = stream.as_ref().and_then(|stream| stream.group(args[2]));
        let group = group.ok_or_else(|| no_group(args[1], args[2], ""))?;
        match &filter {
            None => summarize(reply, group, &mut budget),
            Some(filter) => list(reply, group, filter, now_ms, &mut budget),
        }
    })
}

fn summarize(reply: &mut Encoder, group: &Group, budget: &mut Budget<'_>) -> Outcome {
    let pending = group.pending();
    reply.array(4);
    reply.integer(pending.len() as i64);
    let (Some(first), Some(last)) = (pending.first(), pending.last()) else {
        reply.null();
        reply.null();
        reply.null_array();
        return Ok(());
    };
    put_id(reply, first.id);
    put_id(reply, last.id);
    let mark = reply.begin_deferred();
    let mut count = 0;
    for consumer in group.consumers() {
        budget.spend(reply)?;
        if !consumer.pending.is_empty() {
            reply.array(2);
            reply.bulk(&consumer.name);
            reply.bulk(itoa::Buffer::new().format(consumer.pending.len()).as_bytes());
            count += 1;
        }
    }
    reply.end_deferred_array(mark, count);
    Ok(())
}

fn list(
    reply: &mut Encoder,
    group: &Group,
    filter: &Filter<'_>,
    now_ms: u64,
    budget: &mut Budget<'_>,
) -> Outcome {
    let consumer = filter.consumer.map(|name| group.named(name));
    let pending: &mut dyn Iterator<Item = &Pending> = match consumer {
        None => &mut group.pending().from(filter.from),
        Some(None) => &mut std::iter::empty(),
        Some(Some(consumer)) => {
            &mut consumer.pending.from(filter.from).filter_map(|id| group.pending().get(*id))
        }
    };
    let mark = reply.begin_deferred();
    let mut count = 0;
    for entry in pending.take_while(|entry| entry.id <= filter.to) {
        if count == filter.count {
            break;
        }
        budget.spend(reply)?;
        let idle_ms = since(now_ms, entry.delivered_ms);
        if filter.idle_ms != 0 && idle_ms < filter.idle_ms {
            continue;
        }
        put_pending(reply, group, entry, idle_ms);
        count += 1;
    }
    reply.end_deferred_array(mark, count as usize);
    Ok(())
}

fn put_pending(reply: &mut Encoder, group: &Group, entry: &Pending, idle_ms: i64) {
    reply.array(4);
    put_id(reply, entry.id);
    reply.bulk(group.consumer(entry.owner).map_or(&[], |consumer| &consumer.name));
    reply.integer(idle_ms.max(0));
    reply.integer(entry.deliveries as i64);
}

/// Milliseconds from a point in time until now; negative when the clock was set back.
pub fn since(now_ms: u64, then_ms: u64) -> i64 {
    now_ms.wrapping_sub(then_ms) as i64
}
