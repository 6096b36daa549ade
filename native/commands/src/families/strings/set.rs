//! SET and its relatives: replacing one key's string.

use super::expiry::{Expiry, deadline};
use crate::context::{Args, Context, Fault, Outcome};
use crate::pattern::is_option;
use crate::values::expiry::Unit;
use crate::values::{Lookup, MAX_COPY, string};

/// When a string is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Always,
    /// NX: if the key does not exist.
    Absent,
    /// XX: if the key exists.
    Present,
}

/// SET's options.
#[derive(Debug, PartialEq, Eq)]
struct Options<'a> {
    condition: Condition,
    /// GET: reply with the old string.
    get: bool,
    expiry: Option<Expiry<'a>>,
}

impl<'a> Options<'a> {
    fn parse(mut words: Args<'a>) -> Result<Options<'a>, Fault> {
        let mut options = Options { condition: Condition::Always, get: false, expiry: None };
        while let Some(&word) = words.first() {
            let mut length = 1;
            if is_option(word, "NX") && options.condition != Condition::Present {
                options.condition = Condition::Absent;
            } else if is_option(word, "XX") && options.condition != Condition::Absent {
                options.condition = Condition::Present;
            } else if is_option(word, "GET") {
                options.get = true;
            } else {
                match Expiry::read(words, options.expiry) {
                    Some((Expiry::Persist, _)) | None => {
                        return Err(Fault::error("ERR syntax error"));
                    }
                    Some((expiry, words)) => (options.expiry, length) = (Some(expiry), words),
                }
            }
            words = &words[length..];
        }
        Ok(options)
    }
}

/// `SET key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT seconds | PXAT milliseconds
/// | KEEPTTL]`
pub fn set(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let options = Options::parse(&args[3..])?;
    let keep = options.expiry == Some(Expiry::Keep);
    let expiry_ms = match options.expiry {
        Some(Expiry::At(unit, text)) => deadline(unit, text, ctx.now_ms(), ctx.command.name)?,
        _ => 0,
    };
    if options.condition == Condition::Always && !options.get && !keep {
        store(ctx, args[1], args[2], expiry_ms)?;
        ctx.reply.ok();
        return Ok(());
    }
    ctx.bound(args[2].len(), MAX_COPY)?;
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let old = if options.get {
        lookup.read_string(&mut locked, &key)?
    } else {
        lookup.modify(&mut locked, &key)?
    };
    let write = match options.condition {
        Condition::Always => true,
        Condition::Absent => old.is_none(),
        Condition::Present => old.is_some(),
    };
    let expiry_ms = if keep { old.map_or(0, |old| old.meta.expiry_ms) } else { expiry_ms };
    match old {
        Some(old) if options.get => {
            lookup.bound(old.value.len(), MAX_COPY)?;
            ctx.reply.bulk(old.value);
        }
        None if options.get => ctx.reply.null(),
        _ if write => ctx.reply.ok(),
        _ => ctx.reply.null(),
    }
    if write {
        locked.put(&key, string::meta(expiry_ms), args[2])?;
    }
    Ok(())
}

/// `SETNX key value`
pub fn setnx(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.bound(args[2].len(), MAX_COPY)?;
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    if lookup.modify(&mut locked, &key)?.is_some() {
        ctx.reply.integer(0);
        return Ok(());
    }
    ctx.reply.integer(1);
    Ok(locked.put(&key, string::meta(0), args[2])?)
}

/// `SETEX key seconds value`
pub fn setex(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    store_for(ctx, args, Unit::Seconds)
}

/// `PSETEX key milliseconds value`
pub fn psetex(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    store_for(ctx, args, Unit::Milliseconds)
}

fn store_for(ctx: &mut Context<'_, '_>, args: Args<'_>, unit: Unit) -> Outcome {
    let expiry_ms = deadline(unit, args[2], ctx.now_ms(), ctx.command.name)?;
    store(ctx, args[1], args[3], expiry_ms)?;
    ctx.reply.ok();
    Ok(())
}

/// Stores a string without a look at what was there; the expiry is absolute, 0 for none.
fn store(ctx: &mut Context<'_, '_>, key: &[u8], value: &[u8], expiry_ms: u64) -> Outcome {
    ctx.bound(value.len(), MAX_COPY)?;
    let key = ctx.key(key);
    Ok(ctx.access.acquire(&key)?.put(&key, string::meta(expiry_ms), value)?)
}

/// `GETSET key value`
pub fn getset(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.bound(args[2].len(), MAX_COPY)?;
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    match lookup.read_string(&mut locked, &key)? {
        Some(old) => {
            lookup.bound(old.value.len(), MAX_COPY)?;
            ctx.reply.bulk(old.value);
        }
        None => ctx.reply.null(),
    }
    Ok(locked.put(&key, string::meta(0), args[2])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse<'a>(words: &[&'a str]) -> Option<Options<'a>> {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        Options::parse(&words).ok().map(|Options { condition, get, expiry }| Options {
            condition,
            get,
            expiry: expiry.map(|expiry| match expiry {
                // The words live as long as their strings, not only as long as their list.
                Expiry::At(unit, _) => Expiry::At(unit, b""),
                Expiry::Keep => Expiry::Keep,
                Expiry::Persist => Expiry::Persist,
            }),
        })
    }

    #[test]
    fn options_in_any_order() {
        let expected = Options {
            condition: Condition::Absent,
            get: true,
            expiry: Some(Expiry::At(Unit::Seconds, b"")),
        };
        assert_eq!(parse(&["nx", "get", "ex", "5"]), Some(expected));
        let expected =
            Options { condition: Condition::Present, get: false, expiry: Some(Expiry::Keep) };
        assert_eq!(parse(&["KEEPTTL", "XX", "xx"]), Some(expected));
    }

    #[test]
    fn contradictions() {
        for words in [
            &["NX", "XX"][..],
            &["XX", "NX"],
            &["EX", "1", "PX", "1"],
            &["EX", "1", "KEEPTTL"],
            &["PERSIST"],
            &["EX"],
            &["nonsense"],
            &["GET", "GET", ""],
        ] {
            assert_eq!(parse(words), None, "{words:?}");
        }
    }
}
