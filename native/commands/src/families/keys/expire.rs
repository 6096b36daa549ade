//! EXPIRE, TTL and their relatives: when keys expire.

use ferric_engine::{About, Key, Locked, Meta};

use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::parse_i64_or_fault;
use crate::pattern::is_option;
use crate::values::expiry::{Unit, give, given, invalid_expire_time};
use crate::values::{Change, Lookup, MAX_COPY, commit};

/// On what an expiry is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Conditions {
    /// NX: the key has none.
    absent: bool,
    /// XX: the key has one.
    present: bool,
    /// GT: the new one is later.
    later: bool,
    /// LT: the new one is earlier.
    earlier: bool,
}

impl Conditions {
    fn parse(words: Args<'_>) -> Result<Conditions, Fault> {
        let mut conditions = Conditions::default();
        for word in words {
            let condition = if is_option(word, "NX") {
                &mut conditions.absent
            } else if is_option(word, "XX") {
                &mut conditions.present
            } else if is_option(word, "GT") {
                &mut conditions.later
            } else if is_option(word, "LT") {
                &mut conditions.earlier
            } else {
                return Err(unsupported(word));
            };
            *condition = true;
        }
        let Conditions { absent, present, later, earlier } = conditions;
        if absent && (present || later || earlier) {
            return Err(Fault::error(
                "ERR NX and XX, GT or LT options at the same time are not compatible",
            ));
        }
        if later && earlier {
            return Err(Fault::error("ERR GT and LT options at the same time are not compatible"));
        }
        Ok(conditions)
    }

    /// Whether an expiry may change; times in milliseconds since 1970, `current` 0 for never.
    fn allow(self, current: u64, new: i64) -> bool {
        let current = i64::try_from(current).unwrap_or(i64::MAX);
        let never = current == 0;
        !(self.absent && !never
            || self.present && never
            || self.later && (never || new <= current)
            || self.earlier && !never && new >= current)
    }
}

/// The error for an unknown option, which it quotes up to a NUL byte and without the line ends at
/// its end.
fn unsupported(word: &[u8]) -> Fault {
    let word = word.split(|&byte| byte == 0).next().unwrap_or_default();
    let end = word.iter().rposition(|byte| !matches!(byte, b'\r' | b'\n'));
    let word = &word[..end.map_or(0, |last| last + 1)];
    Fault::Bytes([b"ERR Unsupported option ", word].concat())
}

/// `EXPIRE key seconds [NX | XX | GT | LT]`
pub fn expire(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    set_expiry(ctx, args, Unit::Seconds)
}

/// `PEXPIRE key milliseconds [NX | XX | GT | LT]`
pub fn pexpire(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    set_expiry(ctx, args, Unit::Milliseconds)
}

/// `EXPIREAT key unix-time-seconds [NX | XX | GT | LT]`
pub fn expireat(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    set_expiry(ctx, args, Unit::UnixSeconds)
}

/// `PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT]`
pub fn pexpireat(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    set_expiry(ctx, args, Unit::UnixMilliseconds)
}

fn set_expiry(ctx: &mut Context<'_, '_>, args: Args<'_>, unit: Unit) -> Outcome {
    let conditions = Conditions::parse(&args[3..])?;
    let now = ctx.now_ms();
    let time = unit
        .absolute(parse_i64_or_fault(args[2])?, now)
        .ok_or_else(|| invalid_expire_time(ctx.command.name))?;
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let about = match locked.about(&key)? {
        Some(about) if conditions.allow(given(about.meta), time) => about,
        about => {
            if about.is_some() {
                lookup.note_use(&mut locked, &key)?;
            }
            ctx.reply.integer(0);
            return Ok(());
        }
    };
    match u64::try_from(time) {
        Ok(time) if time > now => {
            let meta = give(about.meta, time);
            change_meta(&lookup, &mut locked, &key, about, meta)?;
        }
        // The time has passed already.
        _ => locked.delete(&key)?,
    }
    ctx.reply.integer(1);
    Ok(())
}

/// `PERSIST key`
pub fn persist(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let about = match locked.about(&key)? {
        Some(about) if given(about.meta) != 0 => about,
        about => {
            if about.is_some() {
                lookup.note_use(&mut locked, &key)?;
            }
            ctx.reply.integer(0);
            return Ok(());
        }
    };
    let meta = give(about.meta, 0);
    change_meta(&lookup, &mut locked, &key, about, meta)?;
    ctx.reply.integer(1);
    Ok(())
}

/// Gives the key another expiry. An object need not be in memory for that; anything else is written
/// anew.
fn change_meta(
    lookup: &Lookup<'_>,
    locked: &mut Locked<'_, '_>,
    key: &Key<'_>,
    about: About,
    meta: Meta,
) -> Outcome {
    let change = if about.is_object {
        lookup.note_use(locked, key)?;
        Change::Patch { meta, delta: Default::default() }
    } else {
        let Some(entry) = lookup.modify(locked, key)? else { return Ok(()) };
        if entry.object.is_none() {
            lookup.bound(entry.value.len(), MAX_COPY)?;
        }
        Change::meta(&entry, meta)
    };
    commit(locked, &[(*key, change)])
}

/// `TTL key`
pub fn ttl(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    reply_expiry(ctx, args, |expiry, now| to_seconds(expiry.saturating_sub(now)))
}

/// `PTTL key`
pub fn pttl(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    reply_expiry(ctx, args, |expiry, now| expiry.saturating_sub(now))
}

/// `EXPIRETIME key`
pub fn expiretime(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    reply_expiry(ctx, args, |expiry, _| to_seconds(expiry))
}

/// `PEXPIRETIME key`
pub fn pexpiretime(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    reply_expiry(ctx, args, |expiry, _| expiry)
}

/// Milliseconds in whole seconds, rounded.
fn to_seconds(milliseconds: u64) -> u64 {
    (milliseconds + 500) / 1000
}

/// Replies with -2 for no key, -1 for no expiry, or else what `show` makes of the expiry and the
/// present time.
fn reply_expiry(ctx: &mut Context<'_, '_>, args: Args<'_>, show: fn(u64, u64) -> u64) -> Outcome {
    let (key, lookup, now) = (ctx.key(args[1]), Lookup::new(ctx), ctx.now_ms());
    let reply = match lookup.look(ctx.access, &key)? {
        None => -2,
        Some(about) => match given(about.meta) {
            0 => -1,
            expiry_ms => show(expiry_ms, now) as i64,
        },
    };
    ctx.reply.integer(reply);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Conditions, Fault> {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        Conditions::parse(&words)
    }

    #[test]
    fn conditions() {
        for (word, current, new, expected) in [
            ("NX", 0, 5, true),
            ("NX", 5, 6, false),
            ("XX", 0, 5, false),
            ("xx", 5, 6, true),
            ("GT", 0, 5, false),
            ("GT", 5, 5, false),
            ("GT", 5, 6, true),
            ("LT", 0, 5, true),
            ("LT", 5, 5, false),
            ("lt", 5, 4, true),
            ("LT", 5, -1, true),
        ] {
            let conditions = parse(&[word]).expect(word);
            assert_eq!(conditions.allow(current, new), expected, "{word} {current} {new}");
        }
        assert!(parse(&["XX", "GT"]).is_ok());
        assert!(Conditions::default().allow(5, 1));
    }

    #[test]
    fn contradictions() {
        for words in [["NX", "XX"], ["GT", "NX"], ["LT", "NX"]] {
            let text = "ERR NX and XX, GT or LT options at the same time are not compatible";
            assert_eq!(parse(&words), Err(Fault::error(text)));
        }
        let text = "ERR GT and LT options at the same time are not compatible";
        assert_eq!(parse(&["GT", "LT"]), Err(Fault::error(text)));
        let text = b"ERR Unsupported option KEEP".to_vec();
        assert_eq!(parse(&["NX", "KEEP\r\n\0x"]), Err(Fault::Bytes(text)));
    }

    #[test]
    fn seconds_are_rounded() {
        assert_eq!([0, 499, 500, 1499, 1500].map(to_seconds), [0, 0, 1, 1, 2]);
    }
}
