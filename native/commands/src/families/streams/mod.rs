//! Commands on streams.

mod add;
mod claim;
mod delete;
mod group;
mod ids;
mod info;
mod lag;
mod pending;
mod range;
mod read;
mod read_group;
mod reply;

use crate::table::{Begin, Command, Find, Flag, KeySpec};

/// The family's part of the command table.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "xadd",
        arity: -5,
        flags: &[Flag::Write, Flag::DenyOom, Flag::Fast],
        categories: &["write", "stream", "fast"],
        keys: &[KeySpec {
            notes: "UPDATE instead of INSERT because of the optional trimming feature",
            ..key(&["RW", "update"])
        }],
        tips: &["nondeterministic_output"],
        summary: "Adds an entry to a stream, which is created if need be and may be trimmed.",
        complexity: "O(1); O(N) for N entries that trimming removes",
        handler: Some(add::xadd),
        ..WRITE
    },
    Command {
        name: "xtrim",
        arity: -4,
        categories: &["write", "stream", "slow"],
        flags: &[Flag::Write],
        keys: &[key(&["RW", "delete"])],
        tips: &["nondeterministic_output"],
        summary: "Removes the oldest entries of a stream.",
        complexity: "O(N) for N entries removed",
        handler: Some(add::xtrim),
        ..WRITE
    },
    Command {
        name: "xlen",
        arity: 2,
        flags: &[Flag::Readonly, Flag::Fast],
        categories: &["read", "stream", "fast"],
        keys: &[key(&["RO"])],
        summary: "Returns the number of entries of a stream.",
        handler: Some(range::xlen),
        ..READ
    },
    Command {
        name: "xrange",
        arity: -4,
        summary: "Returns the entries between two identifiers.",
        complexity: "O(log(S)+N) for N entries returned of S",
        handler: Some(range::xrange),
        ..READ
    },
    Command {
        name: "xrevrange",
        arity: -4,
        summary: "Returns the entries between two identifiers, the last first.",
        complexity: "O(log(S)+N) for N entries returned of S",
        handler: Some(range::xrevrange),
        ..READ
    },
    Command {
        name: "xdel",
        arity: -3,
        keys: &[key(&["RW", "delete"])],
        summary: "Removes entries of a stream.",
        complexity: "O(N*log(S)) for N entries removed of S",
        handler: Some(delete::xdel),
        ..WRITE
    },
    Command {
        name: "xsetid",
        arity: -3,
        flags: &[Flag::Write, Flag::DenyOom, Flag::Fast],
        summary: "Sets what a stream knows about the entries that it had.",
        handler: Some(delete::xsetid),
        ..WRITE
    },
    Command {
        name: "xread",
        arity: -4,
        flags: &[Flag::Readonly, Flag::Blocking, Flag::MovableKeys],
        categories: &["read", "stream", "slow", "blocking"],
        keys: &[keys_after_streams(1)],
        summary: "Returns the entries of several streams after an identifier each.",
        complexity: "O(log(S)+N) for each stream, for N entries returned of S",
        handler: Some(read::xread),
        ..READ
    },
    Command {
        name: "xgroup",
        arity: -2,
        flags: &[],
        categories: &["slow"],
        keys: &[],
        summary: "Manages consumer groups.",
        complexity: "That of the subcommand",
        subcommands: GROUP,
        ..WRITE
    },
    Command {
        name: "xreadgroup",
        arity: -7,
        flags: &[Flag::Write, Flag::Blocking, Flag::MovableKeys],
        categories: &["write", "stream", "slow", "blocking"],
        keys: &[keys_after_streams(4)],
        summary: "Delivers entries of several streams to a consumer of a group.",
        complexity: "O(log(S)+N*log(P)) for each stream, for N of S entries, P of which are pending",
        handler: Some(read_group::xreadgroup),
        ..WRITE
    },
    Command {
        name: "xack",
        arity: -4,
        summary: "Removes entries from those that are pending in a group.",
        complexity: "O(N*log(P)) for N of P pending entries",
        handler: Some(pending::xack),
        ..WRITE
    },
    Command {
        name: "xpending",
        arity: -3,
        tips: &["nondeterministic_output"],
        summary: "Tells about the entries that were delivered but not acknowledged.",
        complexity: "O(log(P)+N) for N of P pending entries looked at; O(C) for a summary of C \
                     consumers",
        handler: Some(pending::xpending),
        ..READ
    },
    Command {
        name: "xclaim",
        arity: -6,
        tips: &["nondeterministic_output"],
        summary: "Gives pending entries to another consumer.",
        complexity: "O(N*log(P)) for N of P pending entries",
        handler: Some(claim::xclaim),
        ..WRITE
    },
    Command {
        name: "xautoclaim",
        arity: -6,
        keys: &[key(&["RW", "delete"])],
        tips: &["nondeterministic_output"],
        since: "6.2.0",
        summary: "Gives pending entries that have waited long to another consumer, some at a time.",
        complexity: "O(N*log(P)) for N of P pending entries looked at",
        handler: Some(claim::xautoclaim),
        ..WRITE
    },
    Command {
        name: "xinfo",
        arity: -2,
        flags: &[],
        categories: &["slow"],
        keys: &[],
        summary: "Tells about streams, groups and consumers.",
        complexity: "That of the subcommand",
        subcommands: INFO,
        ..READ
    },
];

/// XGROUP's subcommands.
const GROUP: &[Command] = &[
    Command {
        name: "create",
        arity: -5,
        flags: &[Flag::Write, Flag::DenyOom],
        keys: &[key_of_subcommand(&["RW", "insert"])],
        summary: "Creates a group, and the stream if that is asked for.",
        handler: Some(group::create),
        ..GROUP_WRITE
    },
    Command {
        name: "setid",
        arity: -5,
        keys: &[key_of_subcommand(&["RW", "update"])],
        summary: "Sets the last entry that a group has been delivered.",
        handler: Some(group::setid),
        ..GROUP_WRITE
    },
    Command {
        name: "destroy",
        arity: 4,
        summary: "Removes a group.",
        complexity: "O(N) for N pending entries",
        handler: Some(group::destroy),
        ..GROUP_WRITE
    },
    Command {
        name: "createconsumer",
        arity: 5,
        flags: &[Flag::Write, Flag::DenyOom],
        keys: &[key_of_subcommand(&["RW", "insert"])],
        since: "6.2.0",
        summary: "Creates a consumer of a group.",
        handler: Some(group::createconsumer),
        ..GROUP_WRITE
    },
    Command {
        name: "delconsumer",
        arity: 5,
        summary: "Removes a consumer and its pending entries from a group.",
        complexity: "O(N*log(P)) for N of P pending entries",
        handler: Some(group::delconsumer),
        ..GROUP_WRITE
    },
    Command { name: "help", handler: Some(group::help), ..HELP },
];

/// XINFO's subcommands.
const INFO: &[Command] = &[
    Command {
        name: "stream",
        arity: -3,
        keys: &[key_of_subcommand(&["RO", "access"])],
        summary: "Tells about a stream, and with FULL about all that is in it.",
        complexity: "O(C) for C chunks of about a hundred entries; O(N) for N entries with FULL",
        handler: Some(info::stream),
        ..READ
    },
    Command {
        name: "groups",
        arity: 3,
        keys: &[key_of_subcommand(&["RO", "access"])],
        summary: "Tells about the groups of a stream.",
        complexity: "O(N) for N groups",
        handler: Some(info::groups),
        ..READ
    },
    Command {
        name: "consumers",
        arity: 4,
        keys: &[key_of_subcommand(&["RO", "access"])],
        tips: &["nondeterministic_output"],
        summary: "Tells about the consumers of a group.",
        complexity: "O(N) for N consumers",
        handler: Some(info::consumers),
        ..READ
    },
    Command { name: "help", handler: Some(info::help), ..HELP },
];

/// What commands that read have in common.
const READ: Command = Command {
    flags: &[Flag::Readonly],
    categories: &["read", "stream", "slow"],
    keys: &[key(&["RO", "access"])],
    group: "stream",
    since: "5.0.0",
    complexity: "O(1)",
    ..Command::BLANK
};

/// What commands that change a little have in common.
const WRITE: Command = Command {
    flags: &[Flag::Write, Flag::Fast],
    categories: &["write", "stream", "fast"],
    keys: &[key(&["RW", "update"])],
    ..READ
};

/// What XGROUP's subcommands have in common.
const GROUP_WRITE: Command = Command {
    flags: &[Flag::Write],
    categories: &["write", "stream", "slow"],
    keys: &[key_of_subcommand(&["RW", "delete"])],
    ..READ
};

/// HELP of a container.
const HELP: Command = Command {
    arity: 2,
    flags: &[Flag::Loading, Flag::Stale],
    categories: &["stream", "slow"],
    keys: &[],
    summary: "Lists the subcommands.",
    ..READ
};

/// The argument at `index` is a key.
const fn key_at(index: i32, flags: &'static [&'static str]) -> KeySpec {
    let find = Find::Range { last: 0, step: 1, limit: 0 };
    KeySpec { flags, notes: "", begin: Begin::Index(index), find }
}

/// The first argument is a key.
const fn key(flags: &'static [&'static str]) -> KeySpec {
    key_at(1, flags)
}

/// The argument after the subcommand is a key.
const fn key_of_subcommand(flags: &'static [&'static str]) -> KeySpec {
    key_at(2, flags)
}

/// The first half of what follows STREAMS are keys.
const fn keys_after_streams(from: i32) -> KeySpec {
    let find = Find::Range { last: -1, step: 1, limit: 2 };
    KeySpec { flags: &["RO", "access"], notes: "", begin: Begin::Keyword("STREAMS", from), find }
}
