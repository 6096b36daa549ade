//! Commands on hashes.

mod expire;
mod read;
#[cfg(test)]
mod tests;
mod write;

use ferric_resp::Encoder;

use crate::context::{Context, Fault, Outcome};
use crate::table::{Begin, Command, Find, Flag, KeySpec};
use crate::thresholds::Thresholds;
use crate::values::hash::{Edit, Field, Hash, Live};
use crate::values::{Lookup, MAX_COPY, commit};

/// Reads a hash: `read` gets its fields, none if there is no key.
fn view(
    ctx: &mut Context<'_, '_>,
    key: &[u8],
    read: impl FnOnce(Live<'_>, &mut Encoder, &Lookup<'_>) -> Outcome,
) -> Outcome {
    let (key, lookup, now_ms) = (ctx.key(key), Lookup::new(ctx), ctx.now_ms());
    let (server, database) = (ctx.server, ctx.session.db());
    let Context { access, reply, .. } = ctx;
    lookup.view_as::<Hash, _>(access, &key, |held| {
        let live = held.map_or(Live::empty(now_ms), |held| held.view.live(now_ms));
        if live.over(1) > 0 {
            server.field_expiry().note(database, key.bytes, 0);
        }
        read(live, reply, &lookup)
    })
}

/// What a change may use beside the hash.
struct Changing<'c> {
    reply: &'c mut Encoder,
    lookup: Lookup<'c>,
    thresholds: &'c Thresholds,
}

impl Changing<'_> {
    /// Replies with the value of a field, or with nil.
    fn reply_value(&mut self, field: Option<Field<'_>>) -> Outcome {
        match field {
            Some(field) => {
                self.lookup.bound(field.value.len(), MAX_COPY)?;
                self.reply.bulk(field.value);
            }
            None => self.reply.null(),
        }
        Ok(())
    }
}

/// Changes a hash: `make` says how, and replies. `names` is how many fields the command names.
fn change<'a>(
    ctx: &mut Context<'_, '_>,
    key: &[u8],
    names: usize,
    make: impl FnOnce(&mut Edit<'_, 'a>, &mut Changing<'_>) -> Outcome,
) -> Outcome {
    let (key, lookup, now_ms) = (ctx.key(key), Lookup::new(ctx), ctx.now_ms());
    let thresholds = ctx.server.config().thresholds();
    let (server, database) = (ctx.server, ctx.session.db());
    let mut locked = ctx.access.acquire(&key)?;
    let held = lookup.modify_as::<Hash>(&mut locked, &key)?;
    let mut edit = Edit::new(held, now_ms, names);
    make(&mut edit, &mut Changing { reply: &mut *ctx.reply, lookup, thresholds })?;
    let first_expiry = edit.first_expiry();
    if let Some(change) = edit.finish()? {
        commit(&mut locked, &[(key, change)])?;
        if let Some(at_ms) = first_expiry {
            server.field_expiry().note(database, key.bytes, at_ms);
        }
    }
    Ok(())
}

/// The error for arguments that do not come in pairs.
fn wrong_number_of_arguments(ctx: &Context<'_, '_>) -> Fault {
    format!("ERR wrong number of arguments for '{}' command", ctx.command.name).into()
}

/// The family's part of the command table.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "hset",
        arity: -4,
        summary: "Gives fields of a hash values; returns how many of the fields are new.",
        complexity: "O(N) for N fields",
        handler: Some(write::hset),
        ..SET
    },
    Command {
        name: "hsetnx",
        arity: 4,
        keys: &[key(&["RW", "insert"])],
        summary: "Gives a field of a hash a value, if the field does not exist.",
        handler: Some(write::hsetnx),
        ..SET
    },
    Command {
        name: "hmset",
        arity: -4,
        summary: "Gives fields of a hash values; the old form of HSET.",
        complexity: "O(N) for N fields",
        handler: Some(write::hmset),
        ..SET
    },
    Command {
        name: "hget",
        arity: 3,
        keys: &[key(&["RO", "access"])],
        summary: "Returns the value of a field of a hash.",
        handler: Some(read::hget),
        ..READ
    },
    Command {
        name: "hmget",
        arity: -3,
        keys: &[key(&["RO", "access"])],
        summary: "Returns the values of fields of a hash.",
        complexity: "O(N) for N fields",
        handler: Some(read::hmget),
        ..READ
    },
    Command {
        name: "hgetall",
        arity: 2,
        summary: "Returns all fields of a hash with their values.",
        handler: Some(read::hgetall),
        ..READ_ALL
    },
    Command {
        name: "hkeys",
        arity: 2,
        summary: "Returns the names of all fields of a hash.",
        handler: Some(read::hkeys),
        ..READ_ALL
    },
    Command {
        name: "hvals",
        arity: 2,
        summary: "Returns the values of all fields of a hash.",
        handler: Some(read::hvals),
        ..READ_ALL
    },
    Command {
        name: "hlen",
        arity: 2,
        summary: "Returns the number of fields of a hash.",
        complexity: "O(1); O(N) for N fields whose expiry has passed lately",
        handler: Some(read::hlen),
        ..READ
    },
    Command {
        name: "hstrlen",
        arity: 3,
        since: "3.2.0",
        summary: "Returns the length of the value of a field of a hash.",
        handler: Some(read::hstrlen),
        ..READ
    },
    Command {
        name: "hexists",
        arity: 3,
        summary: "Says whether a hash has a field.",
        handler: Some(read::hexists),
        ..READ
    },
    Command {
        name: "hdel",
        arity: -3,
        flags: &[Flag::Write, Flag::Fast],
        keys: &[key(&["RW", "delete"])],
        summary: "Removes fields of a hash, and the hash with the last of them.",
        complexity: "O(N) for N fields",
        handler: Some(write::hdel),
        ..SET
    },
    Command {
        name: "hincrby",
        arity: 4,
        keys: &[key(&["RW", "access", "update"])],
        summary: "Adds an integer to the one in a field of a hash.",
        handler: Some(write::hincrby),
        ..SET
    },
    Command {
        name: "hincrbyfloat",
        arity: 4,
        keys: &[key(&["RW", "access", "update"])],
        since: "2.6.0",
        summary: "Adds a decimal number to the one in a field of a hash.",
        handler: Some(write::hincrbyfloat),
        ..SET
    },
    Command {
        name: "hrandfield",
        arity: -2,
        tips: &["nondeterministic_output"],
        since: "6.2.0",
        summary: "Returns fields of a hash that are chosen at random.",
        complexity: "O(N) for N fields returned",
        handler: Some(read::hrandfield),
        ..READ_ALL
    },
    Command {
        name: "hscan",
        arity: -3,
        tips: &["nondeterministic_output"],
        since: "2.8.0",
        summary: "Goes through the fields of a hash, some with each call.",
        complexity: "O(N) for a count of N",
        handler: Some(read::hscan),
        ..READ_ALL
    },
    Command {
        name: "hexpire",
        summary: "Has fields of a hash expire after some seconds.",
        handler: Some(expire::hexpire),
        ..EXPIRE
    },
    Command {
        name: "hpexpire",
        summary: "Has fields of a hash expire after some milliseconds.",
        handler: Some(expire::hpexpire),
        ..EXPIRE
    },
    Command {
        name: "hexpireat",
        summary: "Has fields of a hash expire at a Unix time in seconds.",
        handler: Some(expire::hexpireat),
        ..EXPIRE
    },
    Command {
        name: "hpexpireat",
        summary: "Has fields of a hash expire at a Unix time in milliseconds.",
        handler: Some(expire::hpexpireat),
        ..EXPIRE
    },
    Command {
        name: "hpersist",
        arity: -5,
        flags: &[Flag::Write, Flag::Fast],
        summary: "Removes the expiries of fields of a hash.",
        handler: Some(expire::hpersist),
        ..EXPIRE
    },
    Command {
        name: "httl",
        summary: "Returns in how many seconds fields of a hash expire.",
        handler: Some(expire::httl),
        tips: &["nondeterministic_output"],
        ..TIME
    },
    Command {
        name: "hpttl",
        summary: "Returns in how many milliseconds fields of a hash expire.",
        handler: Some(expire::hpttl),
        tips: &["nondeterministic_output"],
        ..TIME
    },
    Command {
        name: "hexpiretime",
        summary: "Returns the Unix times, in seconds, at which fields of a hash expire.",
        handler: Some(expire::hexpiretime),
        ..TIME
    },
    Command {
        name: "hpexpiretime",
        summary: "Returns the Unix times, in milliseconds, at which fields of a hash expire.",
        handler: Some(expire::hpexpiretime),
        ..TIME
    },
    Command {
        name: "hgetdel",
        arity: -5,
        flags: &[Flag::Write, Flag::Fast],
        keys: &[key(&["RW", "access", "delete"])],
        since: "8.0.0",
        summary: "Returns the values of fields of a hash and removes the fields.",
        handler: Some(expire::hgetdel),
        ..EXPIRE
    },
    Command {
        name: "hgetex",
        arity: -5,
        flags: &[Flag::Write, Flag::Fast],
        keys: &[key(&["RW", "access", "update"])],
        since: "8.0.0",
        summary: "Returns the values of fields of a hash and changes when the fields expire.",
        handler: Some(expire::hgetex),
        ..EXPIRE
    },
    Command {
        name: "hsetex",
        arity: -6,
        since: "8.0.0",
        summary: "Gives fields of a hash values and says when the fields expire.",
        handler: Some(expire::hsetex),
        ..EXPIRE
    },
];

/// What commands that read a field have in common.
const READ: Command = Command {
    flags: &[Flag::Readonly, Flag::Fast],
    categories: &["read", "hash", "fast"],
    keys: &[key(&["RO"])],
    group: "hash",
    since: "2.0.0",
    complexity: "O(1)",
    ..Command::BLANK
};

/// What commands that read all fields have in common.
const READ_ALL: Command = Command {
    flags: &[Flag::Readonly],
    categories: &["read", "hash", "slow"],
    keys: &[key(&["RO", "access"])],
    tips: &["nondeterministic_output_order"],
    complexity: "O(N) for a hash of N fields",
    ..READ
};

/// What commands that set a field have in common.
const SET: Command = Command {
    flags: &[Flag::Write, Flag::DenyOom, Flag::Fast],
    categories: &["write", "hash", "fast"],
    keys: &[key(&["RW", "update"])],
    ..READ
};

/// What commands that change when fields expire have in common.
const EXPIRE: Command =
    Command { arity: -6, since: "7.4.0", complexity: "O(N) for N fields", ..SET };

/// What commands that say when fields expire have in common.
const TIME: Command = Command {
    arity: -5,
    keys: &[key(&["RO", "access"])],
    since: "7.4.0",
    complexity: "O(N) for N fields",
    ..READ
};

/// The first argument is a key.
const fn key(flags: &'static [&'static str]) -> KeySpec {
    let find = Find::Range { last: 0, step: 1, limit: 0 };
    KeySpec { flags, notes: "", begin: Begin::Index(1), find }
}
