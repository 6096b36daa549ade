//! Commands on sets.

mod algebra;
mod draw;
mod members;
#[cfg(test)]
mod tests;

use crate::table::{Begin, Command, Find, Flag, KeySpec};

/// The family's part of the command table.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "sadd",
        arity: -3,
        flags: &[Flag::Write, Flag::DenyOom, Flag::Fast],
        keys: &[key(&["RW", "insert"])],
        summary: "Adds members to a set, which is made if there is none.",
        complexity: "O(N) for N members",
        handler: Some(members::sadd),
        ..CHANGE
    },
    Command {
        name: "srem",
        arity: -3,
        keys: &[key(&["RW", "delete"])],
        summary: "Removes members of a set, and the set with the last of them.",
        complexity: "O(N) for N members",
        handler: Some(members::srem),
        ..CHANGE
    },
    Command {
        name: "scard",
        arity: 2,
        keys: &[key(&["RO"])],
        summary: "Returns the number of members of a set.",
        handler: Some(members::scard),
        ..READ
    },
    Command {
        name: "sismember",
        arity: 3,
        keys: &[key(&["RO"])],
        summary: "Says whether something is a member of a set.",
        handler: Some(members::sismember),
        ..READ
    },
    Command {
        name: "smismember",
        arity: -3,
        since: "6.2.0",
        summary: "Says of several things whether they are members of a set.",
        complexity: "O(N) for N things asked about",
        handler: Some(members::smismember),
        ..READ
    },
    Command {
        name: "smembers",
        arity: 2,
        summary: "Returns all members of a set.",
        complexity: "O(N) for a set of N members",
        handler: Some(members::smembers),
        ..SLOW
    },
    Command {
        name: "srandmember",
        arity: -2,
        tips: &["nondeterministic_output"],
        summary: "Returns members of a set that are chosen at random.",
        complexity: "O(N) for N members returned",
        handler: Some(draw::srandmember),
        ..SLOW
    },
    Command {
        name: "spop",
        arity: -2,
        keys: &[key(&["RW", "access", "delete"])],
        tips: &["nondeterministic_output"],
        summary: "Takes members that are chosen at random from a set and returns them.",
        complexity: "O(N) for N members returned",
        handler: Some(draw::spop),
        ..CHANGE
    },
    Command {
        name: "smove",
        arity: 4,
        keys: &[key(&["RW", "access", "delete"]), keys(&["RW", "insert"], 2, 0)],
        summary: "Moves a member from a set to another.",
        handler: Some(members::smove),
        ..CHANGE
    },
    Command {
        name: "sinter",
        arity: -2,
        keys: &[keys(&["RO", "access"], 1, -1)],
        summary: "Returns the members that several sets have in common.",
        complexity: "O(N*M) for M sets, the smallest of them with N members",
        handler: Some(algebra::sinter),
        ..SLOW
    },
    Command {
        name: "sintercard",
        arity: -3,
        flags: &[Flag::Readonly, Flag::MovableKeys],
        keys: &[KeySpec {
            find: Find::KeyNum { num: 0, first: 1, step: 1 },
            ..key(&["RO", "access"])
        }],
        tips: &[],
        since: "7.0.0",
        summary: "Counts the members that several sets have in common, up to a limit.",
        complexity: "O(N*M) for M sets, the smallest of them with N members",
        handler: Some(algebra::sintercard),
        ..SLOW
    },
    Command {
        name: "sinterstore",
        keys: &[key(&["RW", "update"]), keys(&["RO", "access"], 2, -1)],
        summary: "Stores the members that several sets have in common as a set.",
        complexity: "O(N*M) for M sets, the smallest of them with N members",
        handler: Some(algebra::sinterstore),
        ..STORE
    },
    Command {
        name: "sunion",
        arity: -2,
        keys: &[keys(&["RO", "access"], 1, -1)],
        summary: "Returns the members of several sets together.",
        complexity: "O(N) for sets of N members together",
        handler: Some(algebra::sunion),
        ..SLOW
    },
    Command {
        name: "sunionstore",
        summary: "Stores the members of several sets together as a set.",
        handler: Some(algebra::sunionstore),
        ..STORE
    },
    Command {
        name: "sdiff",
        arity: -2,
        keys: &[keys(&["RO", "access"], 1, -1)],
        summary: "Returns the members of a set that are in no other of several.",
        complexity: "O(N) for sets of N members together",
        handler: Some(algebra::sdiff),
        ..SLOW
    },
    Command {
        name: "sdiffstore",
        summary: "Stores the members of a set that are in no other of several as a set.",
        handler: Some(algebra::sdiffstore),
        ..STORE
    },
    Command {
        name: "sscan",
        arity: -3,
        tips: &["nondeterministic_output"],
        since: "2.8.0",
        summary: "Goes through the members of a set, some with each call.",
        complexity: "O(N) for a count of N",
        handler: Some(members::sscan),
        ..SLOW
    },
];

/// What commands that ask about members have in common.
const READ: Command = Command {
    flags: &[Flag::Readonly, Flag::Fast],
    categories: &["read", "set", "fast"],
    keys: &[key(&["RO", "access"])],
    group: "set",
    since: "1.0.0",
    complexity: "O(1)",
    ..Command::BLANK
};

/// What commands that read whole sets have in common.
const SLOW: Command = Command {
    flags: &[Flag::Readonly],
    categories: &["read", "set", "slow"],
    tips: &["nondeterministic_output_order"],
    ..READ
};

/// What commands that change members have in common.
const CHANGE: Command =
    Command { flags: &[Flag::Write, Flag::Fast], categories: &["write", "set", "fast"], ..READ };

/// What commands that store a set made of others have in common.
const STORE: Command = Command {
    arity: -3,
    flags: &[Flag::Write, Flag::DenyOom],
    categories: &["write", "set", "slow"],
    keys: &[key(&["OW", "update"]), keys(&["RO", "access"], 2, -1)],
    complexity: "O(N) for sets of N members together",
    ..READ
};

/// The first argument is a key.
const fn key(flags: &'static [&'static str]) -> KeySpec {
    keys(flags, 1, 0)
}

/// The arguments from `first` to `last` (from there, or from the end) are keys.
const fn keys(flags: &'static [&'static str], first: i32, last: i32) -> KeySpec {
    let find = Find::Range { last, step: 1, limit: 0 };
    KeySpec { flags, notes: "", begin: Begin::Index(first), find }
}
