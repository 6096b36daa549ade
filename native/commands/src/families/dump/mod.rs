//! DUMP and RESTORE: values in Redis's serialization format.

mod build;
mod restore;
mod stream;
#[cfg(test)]
mod tests;
mod write;

use ferric_engine::{Image, Meta};

use crate::context::{Args, Context, Fault, Outcome};
use crate::table::{Begin, Command, Find, Flag, KeySpec};
use crate::values::{Lookup, MAX_COPY};

/// Bytes of an image, or of a payload, of collections that a normal scheduler takes on.
const MAX_BYTES: usize = 8 << 10;

/// The family's part of the command table.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "dump",
        arity: 2,
        flags: &[Flag::Readonly],
        categories: &["keyspace", "read", "slow"],
        keys: &[key_at_1(&["RO", "access"])],
        tips: &["nondeterministic_output"],
        summary: "Returns a key's value in the serialization format of Redis.",
        complexity: "O(N) for a value of N bytes",
        handler: Some(dump),
        ..BOTH
    },
    Command {
        name: "restore",
        arity: -4,
        flags: &[Flag::Write, Flag::DenyOom],
        categories: &["keyspace", "write", "slow", "dangerous"],
        keys: &[key_at_1(&["OW", "update"])],
        summary: "Makes a key of a value in the serialization format of Redis.",
        complexity: "O(N) for a value of N bytes, O(N*log(N)) for a sorted set",
        handler: Some(restore::restore),
        ..BOTH
    },
];

const BOTH: Command = Command { group: "generic", since: "2.6.0", ..Command::BLANK };

const fn key_at_1(flags: &'static [&'static str]) -> KeySpec {
    let find = Find::Range { last: 0, step: 1, limit: 0 };
    KeySpec { flags, notes: "", begin: Begin::Index(1), find }
}

/// A value as it was when it was looked up.
enum Contents {
    Image(Vec<u8>),
    /// Written when the lock is no longer held.
    Frozen(Box<dyn Image>),
}

/// `DUMP key`
fn dump(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let found = lookup.view(ctx.access, &key, |entry| {
        let Some(entry) = entry else { return Ok(None) };
        let contents = match entry.object {
            Some(object) => {
                lookup.bound(object.image_len(), MAX_BYTES)?;
                Contents::Frozen(object.freeze())
            }
            None => {
                lookup.bound(entry.value.len(), limit(entry.meta))?;
                Contents::Image(entry.value.to_vec())
            }
        };
        Ok::<_, Fault>(Some((entry.meta, contents)))
    })?;
    let Some((meta, contents)) = found else {
        ctx.reply.null();
        return Ok(());
    };
    let image = match contents {
        Contents::Image(image) => image,
        Contents::Frozen(mut frozen) => {
            let mut image = Vec::new();
            while frozen.write(&mut image, MAX_COPY) {}
            image
        }
    };
    let thresholds = ctx.server.config().thresholds();
    let payload = write::payload(meta, &image, thresholds, ctx.now_ms())?;
    ctx.reply.bulk(&payload);
    Ok(())
}

/// Bytes of a value that a normal scheduler takes on: strings are copied, all else is taken apart.
fn limit(meta: Meta) -> usize {
    if meta.kind == crate::values::Kind::String as u8 { MAX_COPY } else { MAX_BYTES }
}
