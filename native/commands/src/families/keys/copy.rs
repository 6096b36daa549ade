//! COPY, and database numbers as arguments.

use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::parse_i64_or_fault;
use crate::pattern::is_option;
use crate::values::{Kind, Lookup, MAX_COPY, string};

/// `COPY source destination [DB destination-db] [REPLACE]`
pub fn copy(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (db, replace) = parse_options(ctx, &args[3..])?;
    if db == ctx.session.db() && args[1] == args[2] {
        return Err(Fault::error("ERR source and destination objects are the same"));
    }
    let (source, target) = (ctx.key(args[1]), ctx.key_in(db, args[2]));
    let lookup = Lookup::new(ctx);
    let mut locked = ctx.access.acquire_all([&source, &target])?;
    lookup.read(&mut locked, &source)?;
    let free = locked.about(&target)?.is_none() || replace;
    let Some(entry) = locked.peek(&source)?.filter(|_| free) else {
        ctx.reply.integer(0);
        return Ok(());
    };
    lookup.bound(entry.image_len(), MAX_COPY)?;
    let (mut meta, value) = (entry.meta, entry.image().into_owned());
    if meta.kind == Kind::String as u8 {
        meta.flags = string::flags_of_copy(meta.flags, &value);
    }
    ctx.reply.integer(1);
    locked.put(&target, meta, &value)?;
    ctx.server.field_expiry().note_value(&target, meta);
    Ok(())
}

/// The database to copy to, and whether a key there may be replaced.
fn parse_options(ctx: &Context<'_, '_>, mut words: Args<'_>) -> Result<(u16, bool), Fault> {
    let (mut db, mut replace) = (ctx.session.db(), false);
    loop {
        words = match *words {
            [] => return Ok((db, replace)),
            [word, ref rest @ ..] if is_option(word, "REPLACE") => {
                replace = true;
                rest
            }
            [word, number, ref rest @ ..] if is_option(word, "DB") => {
                db = parse_database(ctx, number)?;
                rest
            }
            _ => return Err(Fault::error("ERR syntax error")),
        };
    }
}

/// The number of an existing database.
pub fn parse_database(ctx: &Context<'_, '_>, word: &[u8]) -> Result<u16, Fault> {
    let number = i32::try_from(parse_i64_or_fault(word)?).map_err(|_| {
        let (min, max) = (i32::MIN, i32::MAX);
        Fault::from(format!("ERR value is out of range, value must between {min} and {max}"))
    })?;
    u16::try_from(number)
        .ok()
        .filter(|&db| db < ctx.server.databases())
        .ok_or(Fault::error("ERR DB index is out of range"))
}
