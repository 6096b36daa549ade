//! XADD and XTRIM.

use super::ids::{self, Wanted, is_sign, parse_wanted};
use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::parse_i64_or_fault;
use crate::pattern::is_option;
use crate::thresholds::Thresholds;
use crate::values::stream::{Bound, Delta, Id, Stream, Trim, View};
use crate::values::{Change, Collection, Lookup, MAX_COPY, MAX_KEYS, commit};

/// Longest node of Redis's whatever the configuration, and longest entry, in bytes.
const MAX_NODE: u64 = 1 << 30;

/// Approximate trimming removes as many entries as this many full nodes have, unless a limit is given.
const NODES_AT_ONCE: i64 = 100;
const DEFAULT_LIMIT: i64 = 10_000;
const MAX_DEFAULT_LIMIT: i64 = 1_000_000;

const SYNTAX: Fault = Fault::error("ERR syntax error");

/// Which of the two commands the options are of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Xadd,
    Xtrim,
}

/// The options in front of an entry's identifier, or of XTRIM.
struct Options {
    trim: Option<Trim>,
    no_mkstream: bool,
    wanted: Wanted,
    /// Where the fields begin.
    fields: usize,
}

impl Options {
    fn parse(args: Args<'_>, of: Of, thresholds: &Thresholds) -> Result<Options, Fault> {
        let mut options =
            Options { trim: None, no_mkstream: false, wanted: Wanted::Any, fields: 0 };
        let mut limit = None;
        let mut at = 2;
        while at < args.len() {
            let (word, more) = (args[at], args.len() - at > 1);
            if of == Of::Xadd && is_sign(word, b'*') {
                break;
            } else if (is_option(word, "MAXLEN") || is_option(word, "MINID")) && more {
                at = options.parse_trim(args, at)?;
            } else if is_option(word, "LIMIT") && more {
                limit = Some(at_least_0(args[at + 1], "ERR The LIMIT argument must be >= 0.")?);
                at += 2;
            } else if of == Of::Xadd && is_option(word, "NOMKSTREAM") {
                options.no_mkstream = true;
                at += 1;
            } else if of == Of::Xadd {
                options.wanted = parse_wanted(word)?;
                break;
            } else {
                return Err(SYNTAX);
            }
        }
        options.fields = at + 1;
        options.check_limit(limit, of, thresholds)?;
        Ok(options)
    }

    /// Parses what begins with MAXLEN or MINID at `at`; where it ends.
    fn parse_trim(&mut self, args: Args<'_>, mut at: usize) -> Result<usize, Fault> {
        if self.trim.is_some() {
            return Err(Fault::error(
                "ERR syntax error, MAXLEN and MINID options at the same time are not compatible",
            ));
        }
        let by_length = is_option(args[at], "MAXLEN");
        let sign = |sign| args.len() - at > 2 && is_sign(args[at + 1], sign);
        let approximate = sign(b'~');
        at += if approximate || sign(b'=') { 2 } else { 1 };
        let bound = if by_length {
            Bound::Length(at_least_0(args[at], "ERR The MAXLEN argument must be >= 0.")?)
        } else {
            Bound::From(ids::parse(args[at])?)
        };
        self.trim = Some(Trim { bound, approximate, limit: 0 });
        Ok(at + 1)
    }

    fn check_limit(
        &mut self,
        limit: Option<u64>,
        of: Of,
        thresholds: &Thresholds,
    ) -> Result<(), Fault> {
        let Some(trim) = &mut self.trim else {
            return match limit {
                Some(1..) => Err(Fault::error(
                    "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy",
                )),
                _ if of == Of::Xtrim => Err(Fault::error(
                    "ERR syntax error, XTRIM must be called with a trimming strategy",
                )),
                Some(0) => Err(LIMIT_IS_EXACT),
                None => Ok(()),
            };
        };
        trim.limit = match limit {
            Some(_) if !trim.approximate => return Err(LIMIT_IS_EXACT),
            Some(limit) => limit,
            None if trim.approximate => default_limit(thresholds),
            None => 0,
        };
        Ok(())
    }
}

const LIMIT_IS_EXACT: Fault =
    Fault::error("ERR syntax error, LIMIT cannot be used without the special ~ option");

fn default_limit(thresholds: &Thresholds) -> u64 {
    let limit = thresholds.stream_node_entries.get().saturating_mul(NODES_AT_ONCE);
    let limit = if limit <= 0 { DEFAULT_LIMIT } else { limit.min(MAX_DEFAULT_LIMIT) };
    limit.unsigned_abs()
}

fn at_least_0(word: &[u8], refusal: &'static str) -> Result<u64, Fault> {
    u64::try_from(parse_i64_or_fault(word)?).map_err(|_| Fault::error(refusal))
}

/// `XADD key [NOMKSTREAM] [MAXLEN | MINID [= | ~] threshold [LIMIT count]] * | id field value
/// [field value ...]`
pub fn xadd(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let thresholds = ctx.server.config().thresholds();
    let options = Options::parse(args, Of::Xadd, thresholds)?;
    let fields = args.get(options.fields..).unwrap_or_default();
    if fields.is_empty() || fields.len() % 2 == 1 {
        return Err(Fault::error("ERR wrong number of arguments for 'xadd' command"));
    }
    if options.wanted == Wanted::Exactly(Id::MIN) {
        return Err(Fault::error("ERR The ID specified in XADD must be greater than 0-0"));
    }
    let size = fields.iter().map(|word| word.len()).sum();
    ctx.bound(size, MAX_COPY)?;
    ctx.bound(fields.len(), MAX_KEYS)?;
    let (key, lookup, now_ms) = (ctx.key(args[1]), Lookup::new(ctx), ctx.now_ms());
    let mut locked = ctx.access.acquire(&key)?;
    let held = lookup.modify_as::<Stream>(&mut locked, &key)?;
    let addition = Addition { options: &options, fields, size: size as u64, now_ms, thresholds };
    let (id, change) = match held {
        Some(held) => {
            let (id, delta) = addition.to(held.view, &lookup)?;
            (id, held.change(held.meta, delta.as_bytes(), 1)?)
        }
        None if options.no_mkstream => {
            ctx.reply.null();
            return Ok(());
        }
        None => {
            let empty = Stream::default();
            let (id, delta) = addition.to(empty.view(), &lookup)?;
            (id, Change::put(&empty.after(&delta)?, 0, 0))
        }
    };
    ctx.reply.bulk(id.text().as_bytes());
    commit(&mut locked, &[(key, change)])
}

/// What XADD is to add.
struct Addition<'a> {
    options: &'a Options,
    fields: Args<'a>,
    /// Length of the fields, in bytes.
    size: u64,
    now_ms: u64,
    thresholds: &'a Thresholds,
}

impl Addition<'_> {
    /// The identifier of the entry in this stream, and what changes.
    fn to(&self, view: View<'_>, lookup: &Lookup<'_>) -> Result<(Id, Delta), Fault> {
        let id = new_id(self.options.wanted, view.state().last, self.now_ms)?;
        if self.size > MAX_NODE {
            return Err(Fault::error("ERR Elements are too large to be stored"));
        }
        let alone = self.needs_chunk(view);
        let mut delta = Delta::default();
        delta.append(id, alone, self.fields);
        if let Some(trim) = self.options.trim {
            let plan = trim.plan(view, Some((id, alone)));
            lookup.bound(plan.chunks as usize, MAX_KEYS)?;
            if !plan.is_empty() {
                delta.trim(plan.chunks, plan.through);
            }
        }
        Ok((id, delta))
    }

    /// Whether Redis would begin a new node.
    fn needs_chunk(&self, view: View<'_>) -> bool {
        let Some(last) = view.last_chunk() else { return true };
        let max_bytes = match self.thresholds.stream_node_bytes.get() {
            bytes @ 1.. => bytes.unsigned_abs().min(MAX_NODE),
            _ => MAX_NODE,
        };
        let max_entries = self.thresholds.stream_node_entries.get();
        let entries = i64::from(last.live) + i64::from(last.dead);
        last.node_len.saturating_add(self.size) >= max_bytes
            || (max_entries != 0 && entries >= max_entries)
    }
}

/// The identifier of a new entry of a stream whose last one is `last`.
fn new_id(wanted: Wanted, last: Id, now_ms: u64) -> Result<Id, Fault> {
    const TOO_SMALL: Fault = Fault::error(
        "ERR The ID specified in XADD is equal or smaller than the target stream top item",
    );
    if last == Id::MAX {
        return Err(Fault::error(
            "ERR The stream has exhausted the last possible ID, unable to add more items",
        ));
    }
    let id = match wanted {
        Wanted::Exactly(id) => Some(id),
        Wanted::InMillisecond(ms) if ms == last.ms => {
            last.seq.checked_add(1).map(|seq| Id::new(ms, seq))
        }
        Wanted::InMillisecond(ms) => Some(Id::new(ms, 0)),
        Wanted::Any if now_ms > last.ms => Some(Id::new(now_ms, 0)),
        Wanted::Any => last.next(),
    };
    id.filter(|id| *id > last).ok_or(TOO_SMALL)
}

/// `XTRIM key MAXLEN | MINID [= | ~] threshold [LIMIT count]`
pub fn xtrim(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let options = Options::parse(args, Of::Xtrim, ctx.server.config().thresholds())?;
    let trim = options.trim.ok_or(SYNTAX)?;
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let Some(held) = lookup.modify_as::<Stream>(&mut locked, &key)? else {
        ctx.reply.integer(0);
        return Ok(());
    };
    let plan = trim.plan(held.view, None);
    lookup.bound(plan.chunks as usize, MAX_KEYS)?;
    ctx.reply.integer(plan.removed as i64);
    if plan.is_empty() {
        return Ok(());
    }
    let mut delta = Delta::default();
    delta.trim(plan.chunks, plan.through);
    let change = held.change(held.meta, delta.as_bytes(), 1)?;
    commit(&mut locked, &[(key, change)])
}
