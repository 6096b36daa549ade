//! XREADGROUP.

use ferric_resp::Encoder;

use super::ids::{is_sign, parse};
use super::lag::Counting;
use super::read::{Request, Served};
use super::reply::{Budget, limit, no_group, put_entry, put_id};
use crate::blocked::{Blocking, Wish};
use crate::context::{Args, Context, Fault, Outcome};
use crate::values::stream::{Delta, Group, Id, Stream, View};
use crate::values::{Collection, Kind, Lookup, commit};

/// `XREADGROUP GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key [key ...]
/// id [id ...]`
pub fn xreadgroup(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let request = Request::parse(args, true, ctx)?;
    let (name, consumer) = request.group.ok_or(Fault::error("ERR syntax error"))?;
    let keys: Vec<_> = request.keys.iter().map(|key| ctx.key(key)).collect();
    let (lookup, budget, now_ms) = (Lookup::new(ctx), Budget::new(ctx), ctx.now_ms());
    let blocking = Blocking::new(ctx);
    let mut locked = ctx.access.acquire_all(&keys)?;
    let mut after = Vec::with_capacity(keys.len());
    for (key, word) in keys.iter().zip(request.after) {
        let held = lookup.read_as::<Stream>(&mut locked, key)?;
        let stream = held.map(|held| held.view.to_stream()).transpose()?;
        if stream.is_none_or(|stream| stream.group(name).is_none()) {
            return Err(no_group(key.bytes, name, " in XREADGROUP with GROUP option"));
        }
        after.push(start(word)?);
    }
    let served = Served::begin(ctx.reply);
    let mut delivery =
        Delivery { reply: ctx.reply, budget, served, request: &request, name, consumer, now_ms };
    // A key may be named more than once: each time it is read as it is after the times before.
    let mut deltas: Vec<Delta> = Vec::with_capacity(keys.len());
    for (at, key) in keys.iter().enumerate() {
        let Some(held) = lookup.modify_as::<Stream>(&mut locked, key)? else { continue };
        let mut stream = held.view.to_stream()?;
        let before = (0..at).filter(|earlier| keys[*earlier].bytes == key.bytes);
        for earlier in before {
            stream = std::borrow::Cow::Owned(stream.after(&deltas[earlier])?);
        }
        deltas.push(delivery.from(&stream, key.bytes, after[at])?);
    }
    if let Some(timeout_ms) = request.block_ms
        && delivery.served.is_empty()
        && !blocking.is_denied()
    {
        let wish = Wish { words: args, keys: request.keys, kind: Kind::Stream, timeout_ms };
        return Err(blocking.wait(ctx.session, ctx.command.name, wish));
    }
    delivery.served.end(ctx.reply);
    let mut changes = Vec::with_capacity(keys.len());
    for (at, key) in keys.iter().enumerate() {
        let same = |other: &usize| keys[*other].bytes == key.bytes;
        if (0..at).any(|earlier| same(&earlier)) {
            continue;
        }
        let Some(held) = lookup.modify_as::<Stream>(&mut locked, key)? else { continue };
        let mut delta = Delta::default();
        (at..keys.len()).filter(same).for_each(|other| delta.extend(&deltas[other]));
        if delta.is_empty() {
            continue;
        }
        changes.push((*key, held.change(held.meta, delta.as_bytes(), 1)?));
    }
    if changes.is_empty() {
        return Ok(());
    }
    commit(&mut locked, &changes)
}

/// Where a consumer goes on.
#[derive(Clone, Copy)]
enum Start {
    /// With what the group has not been delivered.
    New,
    /// With its own pending entries after this one.
    Pending(Id),
}

fn start(word: &[u8]) -> Result<Start, Fault> {
    if is_sign(word, b'$') {
        return Err(Fault::error(
            "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the \
             history of this consumer by specifying a proper ID, or use the > ID to get new \
             messages. The $ ID would just return an empty result set.",
        ));
    }
    if is_sign(word, b'>') {
        return Ok(Start::New);
    }
    match parse(word)? {
        // Nothing comes after it: Redis takes it for `>`.
        Id::MAX => Ok(Start::New),
        id => Ok(Start::Pending(id)),
    }
}

/// Deliveries to a consumer, as they are replied.
struct Delivery<'a, 'c> {
    reply: &'a mut Encoder,
    budget: Budget<'c>,
    served: Served,
    request: &'a Request<'a>,
    /// The group.
    name: &'a [u8],
    consumer: &'a [u8],
    now_ms: u64,
}

impl Delivery<'_, '_> {
    /// Delivers from one stream; what changes in it.
    fn from(&mut self, stream: &Stream, key: &[u8], start: Start) -> Result<Delta, Fault> {
        let mut delta = Delta::default();
        let Some(group) = stream.group(self.name) else { return Ok(delta) };
        // Who finds nothing new has not been there, for Redis 7.0: not even a consumer is created.
        let is_new = |last: Id| last > group.last;
        if matches!(start, Start::New) && !stream.view().last_id().is_some_and(is_new) {
            return Ok(delta);
        }
        self.served.stream(self.reply, key);
        delta.group(self.name);
        match start {
            Start::New => self.new_ones(stream.view(), group, &mut delta)?,
            Start::Pending(after) => self.again(stream.view(), group, after, &mut delta)?,
        }
        Ok(delta)
    }

    /// Entries that the group has not been delivered; there are some.
    fn new_ones(&mut self, view: View<'_>, group: &Group, delta: &mut Delta) -> Outcome {
        let counting = Counting::new(view.state(), view.first_id());
        let from = group.last.next().unwrap_or(Id::MAX);
        let mut read = group.read;
        let mut ids = Vec::new();
        let mark = self.reply.begin_deferred();
        for entry in view.entries(from, Id::MAX).take(limit(self.request.count)) {
            put_entry(self.reply, &entry);
            self.budget.spend(self.reply)?;
            read = counting.advance(read, entry.id);
            ids.push(entry.id);
        }
        self.reply.end_deferred_array(mark, ids.len());
        delta.place_group(ids.last().copied().unwrap_or(group.last), read);
        delta.consumer(self.consumer, self.now_ms, self.now_ms);
        if !self.request.no_ack {
            delta.deliver(self.now_ms, 1, &ids);
        }
        Ok(())
    }

    /// The consumer's pending entries once more.
    fn again(&mut self, view: View<'_>, group: &Group, after: Id, delta: &mut Delta) -> Outcome {
        let consumer = group.named(self.consumer);
        delta.consumer(self.consumer, self.now_ms, consumer.map_or(0, |before| before.active_ms));
        let from = after.next().unwrap_or(Id::MAX);
        let pending = consumer.into_iter().flat_map(|consumer| consumer.pending.from(from));
        let mut batch = Batch::default();
        let mark = self.reply.begin_deferred();
        let mut count = 0;
        for &id in pending.take(limit(self.request.count)) {
            match view.entry(id) {
                Some(entry) => {
                    put_entry(self.reply, &entry);
                    let deliveries = group.pending().get(id).map_or(0, |entry| entry.deliveries);
                    batch.add(delta, self.now_ms, deliveries.wrapping_add(1), id);
                }
                None => {
                    self.reply.array(2);
                    put_id(self.reply, id);
                    self.reply.null_array();
                }
            }
            self.budget.spend(self.reply)?;
            count += 1;
        }
        batch.flush(delta);
        self.reply.end_deferred_array(mark, count);
        Ok(())
    }
}

/// Entries delivered at the same time for the so manieth time, gathered into one change.
#[derive(Default)]
pub struct Batch {
    time_ms: u64,
    deliveries: u64,
    ids: Vec<Id>,
}

impl Batch {
    /// Adds an entry; those before it become part of `delta` when they are different.
    pub fn add(&mut self, delta: &mut Delta, time_ms: u64, deliveries: u64, id: Id) {
        if (self.time_ms, self.deliveries) != (time_ms, deliveries) {
            self.flush(delta);
            (self.time_ms, self.deliveries) = (time_ms, deliveries);
        }
        self.ids.push(id);
    }

    /// Whether nothing has been added since the last flush.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Makes what was gathered part of `delta`.
    pub fn flush(&mut self, delta: &mut Delta) {
        if !self.ids.is_empty() {
            delta.deliver(self.time_ms, self.deliveries, &self.ids);
            self.ids.clear();
        }
    }
}
