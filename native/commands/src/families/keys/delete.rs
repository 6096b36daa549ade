//! DEL and UNLINK.

use std::collections::HashSet;

use ferric_engine::{Key, Op};

use crate::context::{Args, Context, Outcome};
use crate::values::MAX_KEYS;

/// `DEL key [key ...]`, also as `UNLINK`: the memory of what is deleted is always freed later.
pub fn del(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let [word] = args[1..] else { return del_many(ctx, &args[1..]) };
    let key = ctx.key(word);
    let mut locked = ctx.access.acquire(&key)?;
    if locked.about(&key)?.is_none() {
        ctx.reply.integer(0);
        return Ok(());
    }
    ctx.reply.integer(1);
    Ok(locked.delete(&key)?)
}

fn del_many(ctx: &mut Context<'_, '_>, words: Args<'_>) -> Outcome {
    ctx.bound(words.len(), MAX_KEYS)?;
    let keys: Vec<Key<'_>> = words.iter().map(|word| ctx.key(word)).collect();
    let mut locked = ctx.access.acquire_all(&keys)?;
    // A key that is named twice is gone when its second turn comes.
    let mut seen = HashSet::with_capacity(keys.len());
    let mut deletes = Vec::new();
    for key in &keys {
        if locked.about(key)?.is_some() && seen.insert(key.bytes) {
            deletes.push(Op::Delete { key: *key });
        }
    }
    ctx.reply.integer(deletes.len() as i64);
    if deletes.is_empty() {
        return Ok(());
    }
    Ok(locked.write(&deletes)?)
}
