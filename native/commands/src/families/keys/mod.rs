//! Commands on keys of any kind.

mod copy;
mod delete;
mod expire;
mod inspect;
mod object;
mod rename;
mod scan;

use crate::table::{Begin, Command, Find, Flag, KeySpec};

/// The family's part of the command table.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "del",
        arity: -2,
        flags: &[Flag::Write],
        categories: &["keyspace", "write", "slow"],
        keys: &[key_at(1, &["RM", "delete"], -1)],
        tips: SUM_OVER_SHARDS,
        summary: "Deletes keys and returns how many there were.",
        complexity: "O(N) for N keys",
        handler: Some(delete::del),
        ..WRITE
    },
    Command {
        name: "unlink",
        arity: -2,
        keys: &[key_at(1, &["RM", "delete"], -1)],
        tips: SUM_OVER_SHARDS,
        since: "4.0.0",
        summary: "Deletes keys and returns how many there were; the same as DEL.",
        complexity: "O(N) for N keys",
        handler: Some(delete::del),
        ..WRITE
    },
    Command {
        name: "exists",
        arity: -2,
        keys: &[key_at(1, &["RO"], -1)],
        tips: SUM_OVER_SHARDS,
        summary: "Counts which of the keys exist; one named twice counts twice.",
        complexity: "O(N) for N keys",
        handler: Some(inspect::exists),
        ..READ
    },
    Command {
        name: "touch",
        arity: -2,
        keys: &[key_at(1, &["RO"], -1)],
        tips: SUM_OVER_SHARDS,
        since: "3.2.1",
        summary: "Marks keys as used now and returns how many of them exist.",
        complexity: "O(N) for N keys",
        handler: Some(inspect::touch),
        ..READ
    },
    Command {
        name: "type",
        arity: 2,
        keys: &[key_at(1, &["RO"], 0)],
        summary: "Returns which kind of value is at a key.",
        handler: Some(inspect::type_of),
        ..READ
    },
    Command {
        name: "keys",
        arity: 2,
        categories: &["keyspace", "read", "slow", "dangerous"],
        tips: &["request_policy:all_shards", "nondeterministic_output_order"],
        summary: "Returns all keys that match a pattern.",
        complexity: "O(N) for N keys in the database",
        handler: Some(scan::keys),
        long: true,
        ..READ_KEYSPACE
    },
    Command {
        name: "scan",
        arity: -2,
        tips: &["nondeterministic_output", "request_policy:special"],
        since: "2.8.0",
        summary: "Returns some keys, and a cursor to go on from.",
        complexity: "O(N) for N keys visited; all keys of the database for a whole iteration",
        handler: Some(scan::scan),
        ..READ_KEYSPACE
    },
    Command {
        name: "randomkey",
        arity: 1,
        tips: &["request_policy:all_shards", "nondeterministic_output"],
        summary: "Returns one key, chosen at random.",
        handler: Some(scan::randomkey),
        ..READ_KEYSPACE
    },
    Command {
        name: "rename",
        arity: 3,
        flags: &[Flag::Write],
        categories: &["keyspace", "write", "slow"],
        keys: &[key_at(1, &["RW", "access", "delete"], 0), key_at(2, &["OW", "update"], 0)],
        summary: "Gives a key another name; a key of that name is replaced.",
        complexity: "O(N) for a string of N bytes",
        handler: Some(rename::rename),
        ..WRITE
    },
    Command {
        name: "renamenx",
        arity: 3,
        keys: &[key_at(1, &["RW", "access", "delete"], 0), key_at(2, &["OW", "insert"], 0)],
        summary: "Gives a key another name that no key has.",
        complexity: "O(N) for a string of N bytes",
        handler: Some(rename::renamenx),
        ..WRITE
    },
    Command {
        name: "copy",
        arity: -3,
        flags: &[Flag::Write, Flag::DenyOom],
        categories: &["keyspace", "write", "slow"],
        keys: &[key_at(1, &["RO", "access"], 0), key_at(2, &["OW", "update"], 0)],
        since: "6.2.0",
        summary: "Copies a key with its value and expiry, also to another database.",
        complexity: "O(N) for a value of N bytes",
        handler: Some(copy::copy),
        ..WRITE
    },
    Command {
        name: "move",
        arity: 3,
        keys: &[key_at(1, &["RW", "access", "update"], 0)],
        summary: "Moves a key to another database.",
        complexity: "O(N) for a value of N bytes",
        handler: Some(rename::move_key),
        ..WRITE
    },
    Command {
        name: "expire",
        arity: -3,
        summary: "Lets a key expire some seconds from now.",
        handler: Some(expire::expire),
        ..WRITE
    },
    Command {
        name: "pexpire",
        arity: -3,
        since: "2.6.0",
        summary: "Lets a key expire some milliseconds from now.",
        handler: Some(expire::pexpire),
        ..WRITE
    },
    Command {
        name: "expireat",
        arity: -3,
        since: "1.2.0",
        summary: "Lets a key expire at a time in seconds since 1970.",
        handler: Some(expire::expireat),
        ..WRITE
    },
    Command {
        name: "pexpireat",
        arity: -3,
        since: "2.6.0",
        summary: "Lets a key expire at a time in milliseconds since 1970.",
        handler: Some(expire::pexpireat),
        ..WRITE
    },
    Command {
        name: "ttl",
        arity: 2,
        tips: &["nondeterministic_output"],
        summary: "Returns in how many seconds a key expires.",
        handler: Some(expire::ttl),
        ..READ
    },
    Command {
        name: "pttl",
        arity: 2,
        tips: &["nondeterministic_output"],
        since: "2.6.0",
        summary: "Returns in how many milliseconds a key expires.",
        handler: Some(expire::pttl),
        ..READ
    },
    Command {
        name: "expiretime",
        arity: 2,
        since: "7.0.0",
        summary: "Returns when a key expires, in seconds since 1970.",
        handler: Some(expire::expiretime),
        ..READ
    },
    Command {
        name: "pexpiretime",
        arity: 2,
        since: "7.0.0",
        summary: "Returns when a key expires, in milliseconds since 1970.",
        handler: Some(expire::pexpiretime),
        ..READ
    },
    Command {
        name: "persist",
        arity: 2,
        since: "2.2.0",
        summary: "Takes a key's expiry away.",
        handler: Some(expire::persist),
        ..WRITE
    },
    Command {
        name: "object",
        arity: -2,
        flags: &[],
        categories: &["slow"],
        keys: &[],
        since: "2.2.3",
        summary: "Commands that tell how a value is kept.",
        complexity: "as the subcommand's",
        subcommands: object::SUBCOMMANDS,
        ..READ
    },
];

/// What commands that read one key in constant time have in common.
const READ: Command = Command {
    name: "",
    arity: 0,
    flags: &[Flag::Readonly, Flag::Fast],
    categories: &["keyspace", "read", "fast"],
    keys: &[key_at(1, &["RO", "access"], 0)],
    tips: &[],
    group: "generic",
    since: "1.0.0",
    summary: "",
    complexity: "O(1)",
    handler: None,
    subcommands: &[],
    long: false,
};

/// What commands that change one key in constant time have in common.
const WRITE: Command = Command {
    flags: &[Flag::Write, Flag::Fast],
    categories: &["keyspace", "write", "fast"],
    keys: &[key_at(1, &["RW", "update"], 0)],
    ..READ
};

/// What commands that look at the whole database have in common.
const READ_KEYSPACE: Command = Command {
    flags: &[Flag::Readonly],
    categories: &["keyspace", "read", "slow"],
    keys: &[],
    ..READ
};

/// Tips of commands on several keys that reply with a count.
const SUM_OVER_SHARDS: &[&str] = &["request_policy:multi_shard", "response_policy:agg_sum"];

/// The arguments from `index` to `last` (from there, or from the end) are keys.
const fn key_at(index: i32, flags: &'static [&'static str], last: i32) -> KeySpec {
    let find = Find::Range { last, step: 1, limit: 0 };
    KeySpec { flags, notes: "", begin: Begin::Index(index), find }
}
