//! RENAME, RENAMENX and MOVE: a value gets another key.

use ferric_engine::{Key, Locked, Op};

use super::copy::parse_database;
use crate::context::{Args, Context, Fault, Outcome};
use crate::server::Server;
use crate::values::{Lookup, MAX_COPY};

/// `RENAME key newkey`
pub fn rename(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (source, target) = (ctx.key(args[1]), ctx.key(args[2]));
    let lookup = Lookup::new(ctx);
    let mut locked = ctx.access.acquire_all([&source, &target])?;
    if lookup.modify(&mut locked, &source)?.is_none() {
        return Err(NO_SUCH_KEY);
    }
    ctx.reply.ok();
    if source.bytes == target.bytes {
        return Ok(());
    }
    relocate(ctx.server, &lookup, &mut locked, source, target)
}

/// `RENAMENX key newkey`
pub fn renamenx(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (source, target) = (ctx.key(args[1]), ctx.key(args[2]));
    let lookup = Lookup::new(ctx);
    let mut locked = ctx.access.acquire_all([&source, &target])?;
    if lookup.modify(&mut locked, &source)?.is_none() {
        return Err(NO_SUCH_KEY);
    }
    // This covers a key that is to be renamed to itself.
    if locked.about(&target)?.is_some() {
        ctx.reply.integer(0);
        return Ok(());
    }
    ctx.reply.integer(1);
    relocate(ctx.server, &lookup, &mut locked, source, target)
}

/// `MOVE key db`
pub fn move_key(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let db = parse_database(ctx, args[2])?;
    if db == ctx.session.db() {
        return Err(Fault::error("ERR source and destination objects are the same"));
    }
    let (source, target) = (ctx.key(args[1]), ctx.key_in(db, args[1]));
    let lookup = Lookup::new(ctx);
    let mut locked = ctx.access.acquire_all([&source, &target])?;
    if lookup.modify(&mut locked, &source)?.is_none() || locked.about(&target)?.is_some() {
        ctx.reply.integer(0);
        return Ok(());
    }
    ctx.reply.integer(1);
    relocate(ctx.server, &lookup, &mut locked, source, target)
}

const NO_SUCH_KEY: Fault = Fault::error("ERR no such key");

/// Puts the source's value, with its expiry, at the target, and deletes the source.
fn relocate(
    server: &Server,
    lookup: &Lookup<'_>,
    locked: &mut Locked<'_, '_>,
    source: Key<'_>,
    target: Key<'_>,
) -> Outcome {
    let entry = locked.peek(&source)?.ok_or(NO_SUCH_KEY)?;
    lookup.bound(entry.image_len(), MAX_COPY)?;
    let (meta, value) = (entry.meta, entry.image().into_owned());
    let put = Op::Put { key: target, meta, value: &value };
    locked.write(&[put, Op::Delete { key: source }])?;
    server.field_expiry().note_value(&target, meta);
    Ok(())
}
