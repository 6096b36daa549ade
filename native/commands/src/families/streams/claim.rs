//! XCLAIM and XAUTOCLAIM.

use std::collections::BTreeMap;

use ferric_resp::Encoder;

use super::ids::{parse, parse_from};
use super::pending::since;
use super::read_group::Batch;
use super::reply::{Budget, fault, no_group, put_entry, put_id};
use crate::context::{Args, Context, Fault, Outcome};
use crate::families::as_c_string;
use crate::numbers::parse_i64;
use crate::pattern::is_option;
use crate::values::stream::{Delta, Entry, Group, Id, Stream};
use crate::values::{Collection, Lookup, MAX_KEYS, commit};

/// Pending entries that XAUTOCLAIM looks at for each that it may return.
const ATTEMPTS: u64 = 10;

/// Most entries that XAUTOCLAIM may be asked for, and from how many on Redis has no memory for them.
const MAX_COUNT: i64 = i64::MAX / 16;
const MAX_MEMORY: i64 = 1 << 43;

fn parse_or(word: &[u8], refusal: &'static str) -> Result<i64, Fault> {
    parse_i64(word).ok_or(Fault::error(refusal))
}

/// XCLAIM's options, in the order in which they are given.
#[derive(Default)]
struct Options {
    /// When the entries are said to have been delivered.
    time_ms: Option<i64>,
    deliveries: Option<u64>,
    force: bool,
    just_id: bool,
    last: Id,
}

impl Options {
    fn parse(mut words: Args<'_>, now_ms: u64) -> Result<Options, Fault> {
        let mut options = Options::default();
        while let Some((word, rest)) = words.split_first() {
            let value = rest.first();
            let mut length = 2;
            match value {
                _ if is_option(word, "FORCE") => (options.force, length) = (true, 1),
                _ if is_option(word, "JUSTID") => (options.just_id, length) = (true, 1),
                Some(value) if is_option(word, "IDLE") => {
                    let idle = parse_or(value, "ERR Invalid IDLE option argument for XCLAIM")?;
                    options.time_ms = Some((now_ms as i64).wrapping_sub(idle));
                }
                Some(value) if is_option(word, "TIME") => {
                    let time = parse_or(value, "ERR Invalid TIME option argument for XCLAIM")?;
                    options.time_ms = Some(time);
                }
                Some(value) if is_option(word, "RETRYCOUNT") => {
                    let refusal = "ERR Invalid RETRYCOUNT option argument for XCLAIM";
                    options.deliveries = u64::try_from(parse_or(value, refusal)?).ok();
                }
                Some(value) if is_option(word, "LASTID") => options.last = parse(value)?,
                _ => {
                    let quoted = as_c_string(word);
                    return Err(fault(&[b"ERR Unrecognized XCLAIM option '", quoted, b"'"]));
                }
            }
            words = &words[length..];
        }
        Ok(options)
    }
}

/// `XCLAIM key group consumer min-idle-time id [id ...] [IDLE ms] [TIME unix-time-milliseconds]
/// [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID last-id]`
pub fn xclaim(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.bound(args.len(), MAX_KEYS)?;
    let (key, lookup, now_ms) = (ctx.key(args[1]), Lookup::new(ctx), ctx.now_ms());
    let mut budget = Budget::new(ctx);
    let mut locked = ctx.access.acquire(&key)?;
    let held = lookup.read_as::<Stream>(&mut locked, &key)?;
    let stream = held.as_ref().map(|held| held.view.to_stream()).transpose()?;
    let (Some(held), Some(stream)) = (&held, &stream) else {
        return Err(no_group(args[1], args[2], ""));
    };
    let group = stream.group(args[2]).ok_or_else(|| no_group(args[1], args[2], ""))?;
    let refusal = "ERR Invalid min-idle-time argument for XCLAIM";
    let min_idle_ms = parse_or(args[4], refusal)?.max(0);
    let ids: Vec<Id> = args[5..].iter().map_while(|word| parse(word).ok()).collect();
    let options = Options::parse(&args[5 + ids.len()..], now_ms)?;
    let mut claim = Claim::new(stream, group, args[2], now_ms);
    claim.min_idle_ms = min_idle_ms;
    claim.options = options;
    let mark = ctx.reply.begin_deferred();
    let mut count = 0;
    for id in ids {
        if let Some(entry) = claim.take(id) {
            claim.put(ctx.reply, &entry);
            count += 1;
        }
        budget.spend(ctx.reply)?;
    }
    ctx.reply.end_deferred_array(mark, count);
    let Some(delta) = claim.finish(args[3]) else { return Ok(()) };
    let change = held.change(held.meta, delta.as_bytes(), 1)?;
    commit(&mut locked, &[(key, change)])
}

/// The time of delivery: as given, unless it is not in the past.
fn time(given: Option<i64>, now_ms: u64) -> u64 {
    // Redis marks the absence of a time with -1, which is not in the past either.
    given.and_then(|time| u64::try_from(time).ok()).filter(|time| *time <= now_ms).unwrap_or(now_ms)
}

/// Entries on their way to a consumer.
struct Claim<'a> {
    stream: &'a Stream,
    group: &'a Group,
    name: &'a [u8],
    now_ms: u64,
    /// Entries delivered less long ago stay where they are.
    min_idle_ms: i64,
    options: Options,
    /// What became of pending entries: when they were delivered and how often, or nothing.
    changed: BTreeMap<Id, Option<(u64, u64)>>,
}

impl<'a> Claim<'a> {
    /// Of the pending entries of a group with this name.
    fn new(stream: &'a Stream, group: &'a Group, name: &'a [u8], now_ms: u64) -> Claim<'a> {
        let (options, changed) = (Options::default(), BTreeMap::new());
        Claim { stream, group, name, now_ms, min_idle_ms: 0, options, changed }
    }

    /// When a pending entry was delivered, and how often.
    fn pending(&self, id: Id) -> Option<(u64, u64)> {
        let before =
            || self.group.pending().get(id).map(|entry| (entry.delivered_ms, entry.deliveries));
        self.changed.get(&id).copied().unwrap_or_else(before)
    }

    /// Claims an entry if it has waited long enough. One that was deleted is no longer pending.
    fn take(&mut self, id: Id) -> Option<Entry<'a>> {
        let pending = self.pending(id);
        let Some(entry) = self.stream.view().entry(id) else {
            if pending.is_some() {
                self.changed.insert(id, None);
            }
            return None;
        };
        let deliveries = match pending {
            Some((delivered_ms, deliveries)) if self.is_idle(delivered_ms) => deliveries,
            // Redis makes it pending, and then counts the claim as another delivery.
            None if self.options.force => 1,
            _ => return None,
        };
        let more = u64::from(!self.options.just_id);
        let deliveries = self.options.deliveries.unwrap_or(deliveries.wrapping_add(more));
        let time_ms = time(self.options.time_ms, self.now_ms);
        self.changed.insert(id, Some((time_ms, deliveries)));
        Some(entry)
    }

    fn is_idle(&self, delivered_ms: u64) -> bool {
        self.min_idle_ms == 0 || since(self.now_ms, delivered_ms) >= self.min_idle_ms
    }

    /// A claimed entry, as it was asked for.
    fn put(&self, reply: &mut Encoder, entry: &Entry<'_>) {
        if self.options.just_id {
            put_id(reply, entry.id);
        } else {
            put_entry(reply, entry);
        }
    }

    /// What changes, if anything does.
    fn finish(self, consumer: &[u8]) -> Option<Delta> {
        let moved = self.options.last > self.group.last;
        if !moved && self.changed.is_empty() {
            return None;
        }
        let mut delta = Delta::default();
        delta.group(self.name);
        if moved {
            delta.place_group(self.options.last, self.group.read);
        }
        let gone = self.changed.iter().filter(|(_, pending)| pending.is_none());
        delta.acknowledge(&gone.map(|(id, _)| *id).collect::<Vec<_>>());
        let mut batch = Batch::default();
        for (id, pending) in &self.changed {
            let Some((time_ms, deliveries)) = *pending else { continue };
            if batch.is_empty() {
                delta.consumer(consumer, self.now_ms, self.now_ms);
            }
            batch.add(&mut delta, time_ms, deliveries, *id);
        }
        batch.flush(&mut delta);
        Some(delta)
    }
}

/// XAUTOCLAIM's words after the consumer.
struct Sweep {
    min_idle_ms: i64,
    from: Id,
    count: u64,
    just_id: bool,
}

impl Sweep {
    fn parse(args: Args<'_>) -> Result<Sweep, Fault> {
        let refusal = "ERR Invalid min-idle-time argument for XAUTOCLAIM";
        let min_idle_ms = parse_or(args[4], refusal)?.max(0);
        let mut sweep =
            Sweep { min_idle_ms, from: parse_from(args[5])?, count: 100, just_id: false };
        let mut words = &args[6..];
        while let Some((word, rest)) = words.split_first() {
            words = match rest {
                [count, rest @ ..] if is_option(word, "COUNT") => {
                    sweep.count = parse_count(count)?;
                    rest
                }
                _ if is_option(word, "JUSTID") => {
                    sweep.just_id = true;
                    rest
                }
                _ => return Err(Fault::error("ERR syntax error")),
            };
        }
        Ok(sweep)
    }
}

fn parse_count(word: &[u8]) -> Result<u64, Fault> {
    let count = parse_or(word, "ERR COUNT must be > 0")?;
    if !(1..=MAX_COUNT).contains(&count) {
        return Err(Fault::error("ERR COUNT must be > 0"));
    }
    Ok(count.unsigned_abs())
}

/// `XAUTOCLAIM key group consumer min-idle-time start [COUNT count] [JUSTID]`
pub fn xautoclaim(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let sweep = Sweep::parse(args)?;
    let (key, lookup, now_ms) = (ctx.key(args[1]), Lookup::new(ctx), ctx.now_ms());
    let mut budget = Budget::new(ctx);
    let mut locked = ctx.access.acquire(&key)?;
    let held = lookup.modify_as::<Stream>(&mut locked, &key)?;
    let stream = held.as_ref().map(|held| held.view.to_stream()).transpose()?;
    let (Some(held), Some(stream)) = (&held, &stream) else {
        return Err(no_group(args[1], args[2], ""));
    };
    let group = stream.group(args[2]).ok_or_else(|| no_group(args[1], args[2], ""))?;
    if sweep.count > MAX_MEMORY.unsigned_abs() {
        return Err(Fault::error(
            "ERR Insufficient memory, failed allocating transient memory, COUNT too high.",
        ));
    }
    let mut claim = Claim::new(stream, group, args[2], now_ms);
    claim.min_idle_ms = sweep.min_idle_ms;
    claim.options.just_id = sweep.just_id;
    let swept = claim.sweep(&sweep, &lookup)?;
    let reply = &mut *ctx.reply;
    reply.array(3);
    put_id(reply, swept.next);
    reply.array(swept.claimed.len());
    for entry in &swept.claimed {
        claim.put(reply, entry);
        budget.spend(reply)?;
    }
    reply.array(swept.gone.len());
    swept.gone.iter().for_each(|id| put_id(reply, *id));
    let Some(delta) = claim.finish(args[3]) else { return Ok(()) };
    let change = held.change(held.meta, delta.as_bytes(), 1)?;
    commit(&mut locked, &[(key, change)])
}

/// What XAUTOCLAIM came across.
struct Swept<'a> {
    /// Where to go on; the least identifier at the end.
    next: Id,
    claimed: Vec<Entry<'a>>,
    /// Pending, but deleted.
    gone: Vec<Id>,
}

impl<'a> Claim<'a> {
    /// Claims pending entries in order.
    fn sweep(&mut self, sweep: &Sweep, lookup: &Lookup<'_>) -> Result<Swept<'a>, Fault> {
        let (mut attempts, mut left) = (sweep.count.saturating_mul(ATTEMPTS), sweep.count);
        let mut pending = self.group.pending().from(sweep.from);
        let mut swept = Swept { next: Id::MIN, claimed: Vec::new(), gone: Vec::new() };
        let mut looked_at = 0;
        while attempts > 0 && left > 0 {
            let Some(entry) = pending.next() else { break };
            attempts -= 1;
            looked_at += 1;
            lookup.bound(looked_at, MAX_KEYS)?;
            match self.take(entry.id) {
                Some(claimed) => swept.claimed.push(claimed),
                None if self.pending(entry.id).is_none() => swept.gone.push(entry.id),
                None => continue,
            }
            left -= 1;
        }
        swept.next = pending.next().map_or(Id::MIN, |entry| entry.id);
        Ok(swept)
    }
}
