//! MGET, MSET and MSETNX: several keys' strings.

use ferric_engine::{Key, Op};

use crate::context::{Args, Context, Fault, Outcome};
use crate::values::{Lookup, MAX_COPY, MAX_KEYS, WRONG_TYPE, string};

/// `MGET key [key ...]`
pub fn mget(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.bound(args.len(), MAX_KEYS)?;
    let lookup = Lookup::new(ctx);
    let keys: Vec<Key<'_>> = args[1..].iter().map(|word| ctx.key(word)).collect();
    let mut locked = ctx.access.acquire_all(&keys)?;
    let mut copied = 0;
    ctx.reply.array(keys.len());
    for key in &keys {
        match lookup.read_string(&mut locked, key) {
            Ok(Some(entry)) => {
                copied += entry.value.len();
                lookup.bound(copied, MAX_COPY)?;
                ctx.reply.bulk(entry.value);
            }
            Ok(None) => ctx.reply.null(),
            // Something that is not a string counts as nothing here.
            Err(fault) if fault == WRONG_TYPE => ctx.reply.null(),
            Err(fault) => return Err(fault),
        }
    }
    Ok(())
}

/// `MSET key value [key value ...]`
pub fn mset(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let pairs = pairs(ctx, args)?;
    let mut locked = ctx.access.acquire_all(pairs.iter().map(|(key, _)| key))?;
    ctx.reply.ok();
    Ok(locked.write(&puts(&pairs))?)
}

/// `MSETNX key value [key value ...]`
pub fn msetnx(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let pairs = pairs(ctx, args)?;
    let lookup = Lookup::new(ctx);
    let mut locked = ctx.access.acquire_all(pairs.iter().map(|(key, _)| key))?;
    for (key, _) in &pairs {
        if lookup.modify(&mut locked, key)?.is_some() {
            ctx.reply.integer(0);
            return Ok(());
        }
    }
    ctx.reply.integer(1);
    Ok(locked.write(&puts(&pairs))?)
}

/// The keys and values after the command's name.
fn pairs<'a>(ctx: &Context<'_, '_>, args: Args<'a>) -> Result<Vec<(Key<'a>, &'a [u8])>, Fault> {
    let (pairs, rest) = args[1..].as_chunks::<2>();
    if !rest.is_empty() {
        let name = ctx.command.name;
        return Err(format!("ERR wrong number of arguments for '{name}' command").into());
    }
    ctx.bound(pairs.len(), MAX_KEYS)?;
    ctx.bound(pairs.iter().map(|[_, value]| value.len()).sum(), MAX_COPY)?;
    Ok(pairs.iter().map(|[key, value]| (ctx.key(key), *value)).collect())
}

/// The writes, in the order given: of a key that is named twice, the last value stays.
fn puts<'a>(pairs: &[(Key<'a>, &'a [u8])]) -> Vec<Op<'a>> {
    pairs.iter().map(|&(key, value)| Op::Put { key, meta: string::meta(0), value }).collect()
}
