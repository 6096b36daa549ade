//! Commands on strings.

mod counters;
mod expiry;
mod get;
mod lcs;
mod many;
mod ranges;
mod set;

use crate::table::{Begin, Command, Find, Flag, KeySpec};

/// The family's part of the command table.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "get",
        arity: 2,
        summary: "Returns the string at a key.",
        handler: Some(get::get),
        ..READ
    },
    Command {
        name: "set",
        arity: -3,
        flags: &[Flag::Write, Flag::DenyOom],
        categories: &["write", "string", "slow"],
        keys: &[KeySpec {
            notes: "RW and ACCESS due to the optional `GET` argument",
            ..key(&["RW", "access", "update", "variable_flags"])
        }],
        summary: "Stores a string at a key, whatever was there; with options only if the key \
                  exists or not, with an expiry, returning the old string.",
        handler: Some(set::set),
        ..WRITE
    },
    Command {
        name: "setnx",
        arity: 3,
        keys: &[key(&["OW", "insert"])],
        summary: "Stores a string at a key that does not exist.",
        handler: Some(set::setnx),
        ..WRITE
    },
    Command {
        name: "setex",
        arity: 4,
        flags: &[Flag::Write, Flag::DenyOom],
        categories: &["write", "string", "slow"],
        keys: &[key(&["OW", "update"])],
        since: "2.0.0",
        summary: "Stores a string that expires after some seconds.",
        handler: Some(set::setex),
        ..WRITE
    },
    Command {
        name: "psetex",
        arity: 4,
        flags: &[Flag::Write, Flag::DenyOom],
        categories: &["write", "string", "slow"],
        keys: &[key(&["OW", "update"])],
        since: "2.6.0",
        summary: "Stores a string that expires after some milliseconds.",
        handler: Some(set::psetex),
        ..WRITE
    },
    Command {
        name: "getset",
        arity: 3,
        summary: "Stores a string and returns the one it replaces.",
        handler: Some(set::getset),
        ..WRITE
    },
    Command {
        name: "getdel",
        arity: 2,
        flags: &[Flag::Write, Flag::Fast],
        keys: &[key(&["RW", "access", "delete"])],
        since: "6.2.0",
        summary: "Returns the string at a key and deletes the key.",
        handler: Some(get::getdel),
        ..WRITE
    },
    Command {
        name: "getex",
        arity: -2,
        flags: &[Flag::Write, Flag::Fast],
        keys: &[KeySpec {
            notes: "RW and UPDATE because it changes the TTL",
            ..key(&["RW", "access", "update"])
        }],
        since: "6.2.0",
        summary: "Returns the string at a key and sets or removes the key's expiry.",
        handler: Some(get::getex),
        ..WRITE
    },
    Command {
        name: "mget",
        arity: -2,
        keys: &[keys(&["RO", "access"], -1, 1)],
        tips: &["request_policy:multi_shard"],
        summary: "Returns the strings at several keys.",
        complexity: "O(N) for N keys",
        handler: Some(many::mget),
        ..READ
    },
    Command {
        name: "mset",
        arity: -3,
        flags: &[Flag::Write, Flag::DenyOom],
        categories: &["write", "string", "slow"],
        keys: &[keys(&["OW", "update"], -1, 2)],
        tips: &["request_policy:multi_shard", "response_policy:all_succeeded"],
        since: "1.0.1",
        summary: "Stores several strings at once: all or none.",
        complexity: "O(N) for N keys",
        handler: Some(many::mset),
        ..WRITE
    },
    Command {
        name: "msetnx",
        arity: -3,
        flags: &[Flag::Write, Flag::DenyOom],
        categories: &["write", "string", "slow"],
        keys: &[keys(&["OW", "insert"], -1, 2)],
        tips: &["request_policy:multi_shard", "response_policy:agg_min"],
        since: "1.0.1",
        summary: "Stores several strings at once, if none of the keys exists.",
        complexity: "O(N) for N keys",
        handler: Some(many::msetnx),
        ..WRITE
    },
    Command {
        name: "append",
        arity: 3,
        keys: &[key(&["RW", "insert"])],
        since: "2.0.0",
        summary: "Adds bytes to the end of the string at a key.",
        complexity: "O(N) for a result of N bytes",
        handler: Some(ranges::append),
        ..WRITE
    },
    Command {
        name: "strlen",
        arity: 2,
        keys: &[key(&["RO"])],
        since: "2.2.0",
        summary: "Returns the length of the string at a key.",
        handler: Some(get::strlen),
        ..READ
    },
    Command {
        name: "incr",
        arity: 2,
        summary: "Adds 1 to the integer at a key.",
        handler: Some(counters::incr),
        ..WRITE
    },
    Command {
        name: "decr",
        arity: 2,
        summary: "Subtracts 1 from the integer at a key.",
        handler: Some(counters::decr),
        ..WRITE
    },
    Command {
        name: "incrby",
        arity: 3,
        summary: "Adds an integer to the one at a key.",
        handler: Some(counters::incrby),
        ..WRITE
    },
    Command {
        name: "decrby",
        arity: 3,
        summary: "Subtracts an integer from the one at a key.",
        handler: Some(counters::decrby),
        ..WRITE
    },
    Command {
        name: "incrbyfloat",
        arity: 3,
        since: "2.6.0",
        summary: "Adds a decimal number to the one at a key.",
        handler: Some(counters::incrbyfloat),
        ..WRITE
    },
    Command {
        name: "getrange",
        arity: 4,
        since: "2.4.0",
        summary: "Returns the part of a string between two positions.",
        ..GETRANGE
    },
    Command {
        name: "substr",
        arity: 4,
        summary: "Returns the part of a string between two positions; the old name of GETRANGE.",
        ..GETRANGE
    },
    Command {
        name: "setrange",
        arity: 4,
        flags: &[Flag::Write, Flag::DenyOom],
        categories: &["write", "string", "slow"],
        keys: &[key(&["RW", "update"])],
        since: "2.2.0",
        summary: "Overwrites bytes of a string from a position on, filling a gap with zeros.",
        complexity: "O(N) for a result of N bytes",
        handler: Some(ranges::setrange),
        ..WRITE
    },
    Command {
        name: "lcs",
        arity: -3,
        flags: &[Flag::Readonly],
        categories: &["read", "string", "slow"],
        keys: &[keys(&["RO", "access"], 1, 1)],
        since: "7.0.0",
        summary: "Finds the longest common subsequence of two strings.",
        complexity: "O(N*M) for strings of N and M bytes",
        handler: Some(lcs::lcs),
        ..READ
    },
];

/// What commands that read one key in constant time have in common.
const READ: Command = Command {
    name: "",
    arity: 0,
    flags: &[Flag::Readonly, Flag::Fast],
    categories: &["read", "string", "fast"],
    keys: &[key(&["RO", "access"])],
    tips: &[],
    group: "string",
    since: "1.0.0",
    summary: "",
    complexity: "O(1)",
    handler: None,
    subcommands: &[],
    long: false,
};

/// What commands that change one key in constant time have in common.
const WRITE: Command = Command {
    flags: &[Flag::Write, Flag::DenyOom, Flag::Fast],
    categories: &["write", "string", "fast"],
    keys: &[key(&["RW", "access", "update"])],
    ..READ
};

/// GETRANGE under both of its names.
const GETRANGE: Command = Command {
    flags: &[Flag::Readonly],
    categories: &["read", "string", "slow"],
    complexity: "O(N) for N bytes returned",
    handler: Some(ranges::getrange),
    ..READ
};

/// The first argument is a key.
const fn key(flags: &'static [&'static str]) -> KeySpec {
    keys(flags, 0, 1)
}

/// The arguments from the first to `last` (from there, or from the end) are keys.
const fn keys(flags: &'static [&'static str], last: i32, step: i32) -> KeySpec {
    let find = Find::Range { last, step, limit: 0 };
    KeySpec { flags, notes: "", begin: Begin::Index(1), find }
}
