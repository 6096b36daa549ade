//! Expiries of single fields: HEXPIRE, HTTL and their relatives, HGETEX, HSETEX and HGETDEL.
//!
//! Checks and texts are those of Redis 7.4 and, for the last three, 8.0.

use super::{change, view, wrong_number_of_arguments};
use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::{parse_i64, parse_i64_or_fault};
use crate::pattern::is_option;
use crate::values::expiry::{Unit, invalid_expire_time};
use crate::values::hash::{Edit, Field};
use crate::values::{MAX_COPY, MAX_KEYS};

/// The latest time at which a field may expire, in milliseconds since 1970: 46 bits.
const LATEST_MS: i64 = (1 << 46) - 1;

const MISPLACED: Fault =
    Fault::error("ERR Mandatory argument FIELDS is missing or not at the right position");
const NO_NUMBER: Fault = Fault::error("ERR Number of fields must be a positive integer");
const MISMATCH: Fault =
    Fault::error("ERR The `numfields` parameter must match the number of arguments");

/// Replies for a field: it is not there.
const NO_FIELD: i64 = -2;
/// It never expires.
const NO_EXPIRY: i64 = -1;
/// The condition does not hold.
const UNMET: i64 = 0;
/// Done.
const CHANGED: i64 = 1;
/// The time is over: the field is gone.
const DELETED: i64 = 2;

/// On what an expiry is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Absent,
    Present,
    Later,
    Earlier,
}

impl Condition {
    fn parse(word: &[u8]) -> Option<Condition> {
        let conditions = [
            ("NX", Condition::Absent),
            ("XX", Condition::Present),
            ("GT", Condition::Later),
            ("LT", Condition::Earlier),
        ];
        conditions.into_iter().find(|(name, _)| is_option(word, name)).map(|(_, found)| found)
    }

    /// Whether an expiry of `new` may replace `old`; a field without one expires in the farthest
    /// future.
    fn holds(self, old: u64, new: u64) -> bool {
        match self {
            Condition::Absent => old == 0,
            Condition::Present => old != 0,
            Condition::Later => old != 0 && new > old,
            Condition::Earlier => old == 0 || new < old,
        }
    }
}

/// The absolute time that `word` means.
fn parse_time(unit: Unit, word: &[u8], now_ms: u64, command: &str) -> Result<u64, Fault> {
    let time = parse_i64_or_fault(word)?;
    if time < 0 {
        return Err(Fault::error("ERR invalid expire time, must be >= 0"));
    }
    unit.absolute(time, now_ms)
        .filter(|ms| *ms <= LATEST_MS)
        .and_then(|ms| u64::try_from(ms).ok())
        .ok_or_else(|| invalid_expire_time(command))
}

/// The fields of `FIELDS numfields field [field ...]`, which is all of `words`.
fn parse_fields<'a>(words: Args<'a>, no_number: Fault) -> Result<Args<'a>, Fault> {
    let [word, rest @ ..] = words else { return Err(MISPLACED) };
    if !is_option(word, "FIELDS") {
        return Err(MISPLACED);
    }
    let [number, fields @ ..] = rest else { return Err(MISMATCH) };
    let number = parse_i64(number).filter(|number| *number > 0).ok_or(no_number)?;
    if usize::try_from(number) == Ok(fields.len()) { Ok(fields) } else { Err(MISMATCH) }
}

/// `HEXPIRE key seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]`
pub fn hexpire(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    expire(ctx, args, Unit::Seconds)
}

/// `HPEXPIRE key milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]`
pub fn hpexpire(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    expire(ctx, args, Unit::Milliseconds)
}

/// `HEXPIREAT key unix-time-seconds [NX | XX | GT | LT] FIELDS numfields field [field ...]`
pub fn hexpireat(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    expire(ctx, args, Unit::UnixSeconds)
}

/// `HPEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT] FIELDS numfields field [field ...]`
pub fn hpexpireat(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    expire(ctx, args, Unit::UnixMilliseconds)
}

fn expire(ctx: &mut Context<'_, '_>, args: Args<'_>, unit: Unit) -> Outcome {
    ctx.bound(args.len(), MAX_KEYS)?;
    let (now_ms, command) = (ctx.now_ms(), ctx.command.name);
    change(ctx, args[1], args.len() - 5, |edit, ctx| {
        let at = parse_time(unit, args[2], now_ms, command)?;
        let condition = Condition::parse(args[3]);
        let words = if condition.is_some() { &args[4..] } else { &args[3..] };
        let no_number = Fault::error("ERR Parameter `numFields` should be greater than 0");
        let fields = parse_fields(words, no_number)?;
        ctx.reply.array(fields.len());
        for name in fields {
            let reply = match edit.get(name) {
                None => NO_FIELD,
                Some(old) if condition.is_some_and(|that| !that.holds(old.expiry_ms, at)) => UNMET,
                Some(old) => set_expiry(edit, name, old, at, now_ms),
            };
            ctx.reply.integer(reply);
        }
        Ok(())
    })
}

/// Sets a field's expiry, or removes the field if that is over.
fn set_expiry<'a>(
    edit: &mut Edit<'_, 'a>,
    name: &'a [u8],
    old: Field<'_>,
    at: u64,
    now_ms: u64,
) -> i64 {
    if at <= now_ms {
        edit.remove(name);
        return DELETED;
    }
    if old.expiry_ms != at {
        edit.set_expiry(name, old, at);
    }
    CHANGED
}

/// `HPERSIST key FIELDS numfields field [field ...]`
pub fn hpersist(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.bound(args.len(), MAX_KEYS)?;
    change(ctx, args[1], args.len() - 4, |edit, ctx| {
        let fields = parse_fields(&args[2..], NO_NUMBER)?;
        ctx.reply.array(fields.len());
        for name in fields {
            let reply = match edit.get(name) {
                None => NO_FIELD,
                Some(Field { expiry_ms: 0, .. }) => NO_EXPIRY,
                Some(old) => {
                    edit.set_expiry(name, old, 0);
                    CHANGED
                }
            };
            ctx.reply.integer(reply);
        }
        Ok(())
    })
}

/// `HTTL key FIELDS numfields field [field ...]`
pub fn httl(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let now_ms = ctx.now_ms();
    times(ctx, args, |expiry_ms| expiry_ms.saturating_sub(now_ms).div_ceil(1000))
}

/// `HPTTL key FIELDS numfields field [field ...]`
pub fn hpttl(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let now_ms = ctx.now_ms();
    times(ctx, args, |expiry_ms| expiry_ms.saturating_sub(now_ms))
}

/// `HEXPIRETIME key FIELDS numfields field [field ...]`
pub fn hexpiretime(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    times(ctx, args, |expiry_ms| expiry_ms.div_ceil(1000))
}

/// `HPEXPIRETIME key FIELDS numfields field [field ...]`
pub fn hpexpiretime(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    times(ctx, args, |expiry_ms| expiry_ms)
}

/// Replies with what `tell` makes of each field's expiry.
fn times(ctx: &mut Context<'_, '_>, args: Args<'_>, tell: impl Fn(u64) -> u64) -> Outcome {
    ctx.bound(args.len(), MAX_KEYS)?;
    view(ctx, args[1], |live, reply, _| {
        let fields = parse_fields(&args[2..], NO_NUMBER)?;
        reply.array(fields.len());
        for name in fields {
            reply.integer(match live.get(name) {
                None => NO_FIELD,
                Some(Field { expiry_ms: 0, .. }) => NO_EXPIRY,
                Some(field) => tell(field.expiry_ms) as i64,
            });
        }
        Ok(())
    })
}

/// `HGETDEL key FIELDS numfields field [field ...]`
pub fn hgetdel(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.bound(args.len(), MAX_KEYS)?;
    change(ctx, args[1], args.len() - 4, |edit, ctx| {
        let fields = parse_fields(&args[2..], NO_NUMBER)?;
        ctx.reply.array(fields.len());
        let start = ctx.reply.len();
        for name in fields {
            ctx.reply_value(edit.get(name))?;
            ctx.lookup.bound(ctx.reply.len() - start, MAX_COPY)?;
            edit.remove(name);
        }
        Ok(())
    })
}

/// The options of HGETEX and HSETEX that say a time.
fn time_unit(word: &[u8]) -> Option<Unit> {
    let units = [
        ("EX", Unit::Seconds),
        ("PX", Unit::Milliseconds),
        ("EXAT", Unit::UnixSeconds),
        ("PXAT", Unit::UnixMilliseconds),
    ];
    units.into_iter().find(|(name, _)| is_option(word, name)).map(|(_, unit)| unit)
}

/// `HGETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds |
/// PXAT unix-time-milliseconds | PERSIST] FIELDS numfields field [field ...]`
pub fn hgetex(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.bound(args.len(), MAX_KEYS)?;
    let (now_ms, command) = (ctx.now_ms(), ctx.command.name);
    change(ctx, args[1], args.len() - 4, |edit, ctx| {
        let (expiry, words) = match time_unit(args[2]) {
            Some(unit) => (Some(parse_time(unit, args[3], now_ms, command)?), &args[4..]),
            None if is_option(args[2], "PERSIST") => (Some(0), &args[3..]),
            None => (None, &args[2..]),
        };
        let fields = parse_fields(words, NO_NUMBER)?;
        ctx.reply.array(fields.len());
        let start = ctx.reply.len();
        for name in fields {
            let field = edit.get(name);
            ctx.reply_value(field)?;
            ctx.lookup.bound(ctx.reply.len() - start, MAX_COPY)?;
            match (field, expiry) {
                (Some(Field { expiry_ms: 0, .. }), Some(0)) | (None, _) | (_, None) => {}
                (Some(old), Some(0)) => edit.set_expiry(name, old, 0),
                (Some(old), Some(at)) => {
                    set_expiry(edit, name, old, at, now_ms);
                }
            }
        }
        Ok(())
    })
}

/// What HSETEX is to do.
#[derive(Debug, Default, PartialEq, Eq)]
struct SetOptions<'a> {
    /// FXX (true) or FNX: only if all fields exist, or none.
    exist: Option<bool>,
    keep: bool,
    expiry_ms: Option<u64>,
    pairs: &'a [[&'a [u8]; 2]],
}

/// Reads what follows the key; `None` when the number of arguments is wrong.
fn parse_hsetex<'a>(
    mut words: Args<'a>,
    now_ms: u64,
    command: &str,
) -> Result<Option<SetOptions<'a>>, Fault> {
    const CONDITIONS: Fault = Fault::error("ERR Only one of FXX or FNX arguments can be specified");
    const EXPIRIES: Fault =
        Fault::error("ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified");
    let mut options = SetOptions::default();
    while let [word, rest @ ..] = words {
        words = rest;
        let unit = time_unit(word);
        if is_option(word, "FIELDS") {
            return parse_pairs(rest, options);
        } else if unit.is_some() || is_option(word, "KEEPTTL") {
            if options.keep || options.expiry_ms.is_some() {
                return Err(EXPIRIES);
            }
            options.keep = unit.is_none();
            if let Some(unit) = unit {
                let [time, rest @ ..] = rest else {
                    return Err(Fault::error("ERR missing expire time"));
                };
                options.expiry_ms = Some(parse_time(unit, time, now_ms, command)?);
                words = rest;
            }
        } else if is_option(word, "FXX") || is_option(word, "FNX") {
            if options.exist.is_some() {
                return Err(CONDITIONS);
            }
            options.exist = Some(is_option(word, "FXX"));
        } else {
            let word = crate::families::as_c_string(word);
            return Err(Fault::Bytes([b"ERR unknown argument: ", word].concat()));
        }
    }
    Ok(None)
}

fn parse_pairs<'a>(
    words: Args<'a>,
    options: SetOptions<'a>,
) -> Result<Option<SetOptions<'a>>, Fault> {
    const INVALID: Fault = Fault::error("ERR invalid number of fields");
    let [number, rest @ ..] = words else { return Ok(None) };
    if rest.len() < 2 {
        return Ok(None);
    }
    let number = parse_i64(number).filter(|number| (1..=i64::from(i32::MAX)).contains(number));
    let number = number.ok_or(INVALID)? as usize;
    let (pairs, odd) = rest.as_chunks::<2>();
    if !odd.is_empty() || pairs.len() != number {
        return Ok(None);
    }
    Ok(Some(SetOptions { pairs, ..options }))
}

/// `HSETEX key [FNX | FXX] [EX seconds | PX milliseconds | EXAT unix-time-seconds |
/// PXAT unix-time-milliseconds | KEEPTTL] FIELDS numfields field value [field value ...]`
pub fn hsetex(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.bound(args.len(), MAX_KEYS)?;
    let now_ms = ctx.now_ms();
    let options = parse_hsetex(&args[2..], now_ms, ctx.command.name)?;
    let Some(options) = options else { return Err(wrong_number_of_arguments(ctx)) };
    change(ctx, args[1], options.pairs.len(), |edit, ctx| {
        let mut names = options.pairs.iter().map(|[name, _]| name);
        let met =
            options.exist.is_none_or(|wanted| names.all(|name| edit.get(name).is_some() == wanted));
        ctx.reply.integer(i64::from(met));
        if !met {
            return Ok(());
        }
        let mut longest = 0;
        for [name, value] in options.pairs {
            longest = longest.max(name.len()).max(value.len());
            match options.expiry_ms {
                Some(at) if at <= now_ms => {
                    edit.remove(name);
                }
                Some(at) => {
                    edit.set(name, value, at);
                }
                None => {
                    let kept = edit.get(name).filter(|_| options.keep);
                    edit.set(name, value, kept.map_or(0, |field| field.expiry_ms));
                }
            }
        }
        edit.outgrow(ctx.thresholds, longest);
        Ok(())
    })
}
