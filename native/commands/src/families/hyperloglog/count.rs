//! PFCOUNT: the estimate.

use ferric_engine::Key;

use super::{MAX_VALUES, check};
use crate::context::{Args, Context, Fault, Outcome};
use crate::values::hyperloglog::{self, Registers};
use crate::values::{Lookup, MAX_COPY, string};

/// `PFCOUNT key [key ...]`
pub fn pfcount(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let count = match args[1..] {
        [key] => count_one(ctx, key)?,
        ref keys => count_union(ctx, keys)?,
    };
    ctx.reply.integer(count as i64);
    Ok(())
}

/// How a single value's count is found.
enum Counted {
    /// It is known.
    Known(u64),
    /// It has to be computed and written down.
    OutOfDate,
}

fn count_one(ctx: &mut Context<'_, '_>, key: &[u8]) -> Result<u64, Fault> {
    let (key, lookup) = (ctx.key(key), Lookup::new(ctx));
    let counted = lookup.view(ctx.access, &key, |entry| {
        let Some(entry) = check(entry)? else { return Ok(Counted::Known(0)) };
        lookup.bound(entry.value.len(), MAX_COPY)?;
        Ok(match hyperloglog::cached_count(entry.value) {
            Some(count) if string::is_raw(&entry) => Counted::Known(count),
            _ => Counted::OutOfDate,
        })
    })?;
    match counted {
        Counted::Known(count) => Ok(count),
        Counted::OutOfDate => count_and_cache(ctx, &key, &lookup),
    }
}

/// Computes the count and writes it down in the value, which makes the string `raw`.
fn count_and_cache(
    ctx: &mut Context<'_, '_>,
    key: &Key<'_>,
    lookup: &Lookup<'_>,
) -> Result<u64, Fault> {
    let mut locked = ctx.access.acquire(key)?;
    // Somebody may have changed or deleted it meanwhile. The lookup has been counted.
    let Some(entry) = check(lookup.modify(&mut locked, key)?)? else { return Ok(0) };
    lookup.bound(entry.value.len(), MAX_COPY)?;
    let count = match hyperloglog::cached_count(entry.value) {
        Some(count) => count,
        None => hyperloglog::count(entry.value)?,
    };
    let meta = string::meta_with(string::RAW, entry.meta.expiry_ms);
    let mut value = entry.value.to_vec();
    hyperloglog::cache_count(&mut value, count);
    locked.put(key, meta, &value)?;
    Ok(count)
}

fn count_union(ctx: &mut Context<'_, '_>, keys: Args<'_>) -> Result<u64, Fault> {
    ctx.bound(keys.len(), MAX_VALUES)?;
    let lookup = Lookup::new(ctx);
    let keys: Vec<Key<'_>> = keys.iter().map(|word| ctx.key(word)).collect();
    let mut locked = ctx.access.acquire_all(&keys)?;
    let mut union = Registers::new();
    for key in &keys {
        if let Some(entry) = check(lookup.read(&mut locked, key)?)? {
            lookup.bound(entry.value.len(), MAX_COPY)?;
            union.merge(entry.value)?;
        }
    }
    Ok(union.count())
}
