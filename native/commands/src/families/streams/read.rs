//! XREAD, and the words that it shares with XREADGROUP.

use ferric_resp::{DeferredLength, Encoder, Protocol};

use super::ids::{is_sign, parse};
use super::reply::{Budget, put_entries};
use crate::blocked::{Blocking, Wish};
use crate::context::{Args, Context, Fault, Outcome};
use crate::families::waiting::check_end;
use crate::numbers::parse_i64_or_fault;
use crate::pattern::is_option;
use crate::values::stream::{Id, Stream, Text};
use crate::values::{Held, Kind, Lookup};

const SYNTAX: Fault = Fault::error("ERR syntax error");

/// What is to be read.
pub struct Request<'a> {
    /// Most entries of a stream; 0: all.
    pub count: u64,
    /// The group and its consumer.
    pub group: Option<(&'a [u8], &'a [u8])>,
    /// How long to wait if there is nothing, in milliseconds, 0 without end; `None`: not at all.
    pub block_ms: Option<u64>,
    /// What is delivered does not become pending.
    pub no_ack: bool,
    /// The streams.
    pub keys: Args<'a>,
    /// For each of them after which entry.
    pub after: Args<'a>,
}

impl<'a> Request<'a> {
    /// Parses the words of XREAD or, with `of_group`, XREADGROUP.
    ///
    /// # Errors
    /// They are none.
    pub fn parse(
        args: Args<'a>,
        of_group: bool,
        ctx: &Context<'_, '_>,
    ) -> Result<Request<'a>, Fault> {
        let mut request =
            Request { count: 0, group: None, block_ms: None, no_ack: false, keys: &[], after: &[] };
        let mut streams = None;
        let mut words = &args[1..];
        while let Some((word, rest)) = words.split_first() {
            words = match rest {
                [timeout, rest @ ..] if is_option(word, "BLOCK") => {
                    request.block_ms = Some(parse_timeout(ctx, timeout)?);
                    rest
                }
                [count, rest @ ..] if is_option(word, "COUNT") => {
                    request.count = u64::try_from(parse_i64_or_fault(count)?).unwrap_or(0);
                    rest
                }
                [_, ..] if is_option(word, "STREAMS") => {
                    streams = Some(rest);
                    break;
                }
                [group, consumer, rest @ ..] if is_option(word, "GROUP") => {
                    check_option(of_group, GROUP_OPTION)?;
                    request.group = Some((group, consumer));
                    rest
                }
                _ if is_option(word, "NOACK") => {
                    check_option(of_group, NOACK_OPTION)?;
                    request.no_ack = true;
                    rest
                }
                _ => return Err(SYNTAX),
            };
        }
        let streams = streams.ok_or(SYNTAX)?;
        if streams.len() % 2 == 1 {
            return Err(Fault::error(
                "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' must be \
                 specified.",
            ));
        }
        if of_group && request.group.is_none() {
            return Err(Fault::error("ERR Missing GROUP option for XREADGROUP"));
        }
        (request.keys, request.after) = streams.split_at(streams.len() / 2);
        Ok(request)
    }
}

const GROUP_OPTION: Fault =
    Fault::error("ERR The GROUP option is only supported by XREADGROUP. You called XREAD instead.");
const NOACK_OPTION: Fault =
    Fault::error("ERR The NOACK option is only supported by XREADGROUP. You called XREAD instead.");

fn check_option(of_group: bool, refusal: Fault) -> Outcome {
    if of_group { Ok(()) } else { Err(refusal) }
}

/// The time to wait, in milliseconds.
fn parse_timeout(ctx: &Context<'_, '_>, word: &[u8]) -> Result<u64, Fault> {
    let refusal = Fault::error("ERR timeout is not an integer or out of range");
    let timeout = parse_i64_or_fault(word).map_err(|_| refusal)?;
    let timeout = u64::try_from(timeout).map_err(|_| Fault::error("ERR timeout is negative"))?;
    check_end(ctx, timeout)
}

/// The reply: of each stream that has something, its key and the entries.
pub struct Served {
    mark: DeferredLength,
    count: usize,
}

impl Served {
    /// Begins a reply.
    pub fn begin(reply: &mut Encoder) -> Served {
        Served { mark: reply.begin_deferred(), count: 0 }
    }

    /// Goes on with a stream; its entries follow.
    pub fn stream(&mut self, reply: &mut Encoder, key: &[u8]) {
        self.count += 1;
        if reply.protocol() == Protocol::Resp2 {
            reply.array(2);
        }
        reply.bulk(key);
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Ends the reply.
    pub fn end(self, reply: &mut Encoder) {
        match (self.count, reply.protocol()) {
            (0, _) => reply.null_array(),
            (count, Protocol::Resp2) => reply.end_deferred_array(self.mark, count),
            (count, Protocol::Resp3) => reply.end_deferred_map(self.mark, count),
        }
    }
}

/// `XREAD [COUNT count] [BLOCK milliseconds] STREAMS key [key ...] id [id ...]`
pub fn xread(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let request = Request::parse(args, false, ctx)?;
    let keys: Vec<_> = request.keys.iter().map(|key| ctx.key(key)).collect();
    let (lookup, mut budget, blocking) = (Lookup::new(ctx), Budget::new(ctx), Blocking::new(ctx));
    let mut locked = ctx.access.acquire_all(&keys)?;
    let (mut after, mut has_news) = (Vec::with_capacity(keys.len()), false);
    for (key, word) in keys.iter().zip(request.after) {
        let held = lookup.read_as::<Stream>(&mut locked, key)?;
        let last = held.as_ref().map_or(Id::MIN, |held| held.view.state().last);
        let from = start(word, last)?;
        has_news |= held.and_then(|held| held.view.last_id()).is_some_and(|top| top > from);
        after.push(from);
    }
    if let Some(timeout_ms) = request.block_ms
        && !has_news
        && !blocking.is_denied()
    {
        // By the time it is run again `$` would be another entry.
        let after: Vec<_> = after.iter().map(|id| id.text()).collect();
        let fixed = &args[..args.len() - after.len()];
        let words: Vec<&[u8]> =
            fixed.iter().copied().chain(after.iter().map(Text::as_bytes)).collect();
        let wish = Wish { words: &words, keys: request.keys, kind: Kind::Stream, timeout_ms };
        return Err(blocking.wait(ctx.session, ctx.command.name, wish));
    }
    let mut values = lookup.keep_all(&mut locked, &keys)?;
    let mut served = Served::begin(ctx.reply);
    for (number, (key, after)) in keys.iter().zip(after).enumerate() {
        let Some(entry) = values.entry(number, key)? else { continue };
        let held = Held::<Stream>::of(entry)?;
        if held.view.last_id().is_none_or(|last| last <= after) {
            continue;
        }
        let Some(from) = after.next() else { continue };
        served.stream(ctx.reply, key.bytes);
        put_entries(ctx.reply, &mut budget, held.view.entries(from, Id::MAX), request.count)?;
    }
    served.end(ctx.reply);
    Ok(())
}

/// The entry after which is read.
fn start(word: &[u8], last: Id) -> Result<Id, Fault> {
    if is_sign(word, b'$') {
        return Ok(last);
    }
    if is_sign(word, b'>') {
        return Err(Fault::error(
            "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> \
             <consumer> option.",
        ));
    }
    parse(word)
}
