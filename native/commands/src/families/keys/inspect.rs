//! EXISTS, TOUCH and TYPE.

use ferric_engine::{Key, Locked, ReadError};

use crate::context::{Args, Context, Outcome};
use crate::values::{Lookup, MAX_KEYS, type_name};

/// `EXISTS key [key ...]`
pub fn exists(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    count(ctx, args, |lookup, locked, key| lookup.exists(locked, key))
}

/// `TOUCH key [key ...]`
pub fn touch(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    // Touching is what the command is for: also for a client that asked for CLIENT NO-TOUCH.
    count(ctx, args, |lookup, locked, key| Ok(lookup.exists(locked, key)? && locked.touch(key)?))
}

/// Replies with how many of the keys named pass the test.
fn count(
    ctx: &mut Context<'_, '_>,
    args: Args<'_>,
    test: impl Fn(&Lookup<'_>, &mut Locked<'_, '_>, &Key<'_>) -> Result<bool, ReadError>,
) -> Outcome {
    ctx.bound(args.len(), MAX_KEYS)?;
    let lookup = Lookup::new(ctx);
    let found = if let [_, word] = *args {
        let key = ctx.key(word);
        usize::from(test(&lookup, &mut ctx.access.acquire(&key)?, &key)?)
    } else {
        let keys: Vec<Key<'_>> = args[1..].iter().map(|word| ctx.key(word)).collect();
        let mut locked = ctx.access.acquire_all(&keys)?;
        let mut found = 0;
        for key in &keys {
            found += usize::from(test(&lookup, &mut locked, key)?);
        }
        found
    };
    ctx.reply.integer(found as i64);
    Ok(())
}

/// `TYPE key`
pub fn type_of(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let about = lookup.look(ctx.access, &key)?;
    let name = about.map_or("none", |about| type_name(about.meta.kind));
    ctx.reply.simple(name);
    Ok(())
}
