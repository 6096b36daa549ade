//! RESTORE.

use ferric_rdb::payload;

use super::MAX_BYTES;
use super::build::Builder;
use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::parse_i64_or_fault;
use crate::pattern::is_option;
use crate::values::{Change, commit};

const BUSY_KEY: Fault = Fault::error("BUSYKEY Target key name already exists.");

/// What stands behind the payload.
#[derive(Default)]
struct Options {
    /// A key of this name is replaced.
    replace: bool,
    /// The expiry is a time, not a number of milliseconds from now.
    absolute: bool,
}

impl Options {
    /// Seconds since the last use, and how often the key is used, are checked, but not kept: here
    /// both are counted anew.
    fn parse(mut words: Args<'_>) -> Result<Options, Fault> {
        let (mut options, mut idle, mut frequency) = (Options::default(), false, false);
        loop {
            words = match *words {
                [] => return Ok(options),
                [word, ref rest @ ..] if is_option(word, "REPLACE") => {
                    options.replace = true;
                    rest
                }
                [word, ref rest @ ..] if is_option(word, "ABSTTL") => {
                    options.absolute = true;
                    rest
                }
                [word, seconds, ref rest @ ..] if is_option(word, "IDLETIME") && !frequency => {
                    if parse_i64_or_fault(seconds)? < 0 {
                        return Err(Fault::error("ERR Invalid IDLETIME value, must be >= 0"));
                    }
                    idle = true;
                    rest
                }
                [word, number, ref rest @ ..] if is_option(word, "FREQ") && !idle => {
                    if !(0..=255).contains(&parse_i64_or_fault(number)?) {
                        return Err(Fault::error(
                            "ERR Invalid FREQ value, must be >= 0 and <= 255",
                        ));
                    }
                    frequency = true;
                    rest
                }
                _ => return Err(Fault::error("ERR syntax error")),
            };
        }
    }
}

/// `RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]`
pub(super) fn restore(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let options = Options::parse(&args[4..])?;
    let (key, now) = (ctx.key(args[1]), ctx.now_ms());
    // The value is built while no lock is held; whether the key is there decides before its errors
    // do.
    if !options.replace {
        let mut locked = ctx.access.acquire(&key)?;
        if locked.about(&key)?.is_some() {
            return Err(BUSY_KEY);
        }
    }
    let ttl = parse_i64_or_fault(args[2])?;
    if ttl < 0 {
        return Err(Fault::error("ERR Invalid TTL value, must be >= 0"));
    }
    ctx.bound(args[3].len(), MAX_BYTES)?;
    let value = payload::verify(args[3])
        .ok_or(Fault::error("ERR DUMP payload version or checksum are wrong"))?;
    let mut builder = Builder::new(value, ctx.server.config().thresholds());
    let built = payload::read(value, &mut builder).and_then(|()| builder.finish(now));
    let value = built.map_err(|_| Fault::error("ERR Bad data format"))?;

    let expiry = match ttl {
        0 => 0,
        _ if options.absolute => ttl,
        // One so far away that it wraps has passed, as it has for Redis.
        _ => ttl.wrapping_add_unsigned(now),
    };
    let gone = expiry != 0 && u64::try_from(expiry).is_ok_and(|expiry| expiry <= now) || expiry < 0;
    let mut locked = ctx.access.acquire(&key)?;
    if !options.replace && locked.about(&key)?.is_some() {
        return Err(BUSY_KEY);
    }
    ctx.reply.ok();
    let change = if gone { Change::Delete } else { value.change(expiry as u64) };
    let meta = change.described();
    commit(&mut locked, &[(key, change)])?;
    if let Some(meta) = meta {
        ctx.server.field_expiry().note_value(&key, meta);
    }
    Ok(())
}
