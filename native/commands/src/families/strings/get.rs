//! GET and its relatives: one key's string.

use super::expiry::{Expiry, deadline};
use crate::context::{Args, Context, Fault, Outcome};
use crate::values::{Lookup, MAX_COPY, string};

/// `GET key`
pub fn get(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let Context { access, reply, .. } = ctx;
    lookup.view(access, &key, |entry| {
        match string::check(entry)? {
            Some(entry) => {
                lookup.bound(entry.value.len(), MAX_COPY)?;
                reply.bulk(entry.value);
            }
            None => reply.null(),
        }
        Ok(())
    })
}

/// `STRLEN key`
pub fn strlen(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let len = lookup.view(ctx.access, &key, |entry| {
        Ok(string::check(entry)?.map_or(0, |entry| entry.value.len()))
    })?;
    ctx.reply.integer(len as i64);
    Ok(())
}

/// `GETDEL key`
pub fn getdel(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let Some(entry) = lookup.read_string(&mut locked, &key)? else {
        ctx.reply.null();
        return Ok(());
    };
    lookup.bound(entry.value.len(), MAX_COPY)?;
    ctx.reply.bulk(entry.value);
    Ok(locked.delete(&key)?)
}

/// `GETEX key [EX seconds | PX milliseconds | EXAT seconds | PXAT milliseconds | PERSIST]`
pub fn getex(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let option = getex_option(&args[2..])?;
    let (key, lookup, now) = (ctx.key(args[1]), Lookup::new(ctx), ctx.now_ms());
    let mut locked = ctx.access.acquire(&key)?;
    let Some(entry) = lookup.read_string(&mut locked, &key)? else {
        ctx.reply.null();
        return Ok(());
    };
    let mut meta = entry.meta;
    match option {
        None | Some(Expiry::Keep) => {}
        Some(Expiry::Persist) => meta.expiry_ms = 0,
        Some(Expiry::At(unit, text)) => {
            meta.expiry_ms = deadline(unit, text, now, ctx.command.name)?;
        }
    }
    lookup.bound(entry.value.len(), MAX_COPY)?;
    ctx.reply.bulk(entry.value);
    if meta == entry.meta {
        return Ok(());
    }
    if (1..=now).contains(&meta.expiry_ms) {
        return Ok(locked.delete(&key)?);
    }
    let value = entry.value.to_vec();
    Ok(locked.put(&key, meta, &value)?)
}

fn getex_option(mut words: Args<'_>) -> Result<Option<Expiry<'_>>, Fault> {
    let mut option = None;
    while !words.is_empty() {
        match Expiry::read(words, option) {
            Some((Expiry::Keep, _)) | None => return Err(Fault::error("ERR syntax error")),
            Some((read, length)) => {
                option = Some(read);
                words = &words[length..];
            }
        }
    }
    Ok(option)
}
