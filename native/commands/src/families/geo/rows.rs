//! The geo sets' part of the command table.

use super::{place, search};
use crate::table::{Begin, Command, Find, Flag, KeySpec};

/// The family's part of the command table.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "geoadd",
        arity: -5,
        summary: "Adds places with longitudes and latitudes to a geo set, which is a sorted set of geohashes.",
        complexity: "O(M*log(N)) for M places",
        handler: Some(place::geoadd),
        ..WRITE
    },
    Command {
        name: "geopos",
        arity: -2,
        summary: "Returns longitudes and latitudes of members of a geo set.",
        complexity: "O(M) for M members",
        handler: Some(place::geopos),
        ..READ
    },
    Command {
        name: "geodist",
        arity: -4,
        summary: "Returns the distance between two members of a geo set.",
        handler: Some(place::geodist),
        ..READ
    },
    Command {
        name: "geohash",
        arity: -2,
        summary: "Returns members' places as geohash text.",
        complexity: "O(M) for M members",
        handler: Some(place::geohash),
        ..READ
    },
    Command {
        name: "geosearch",
        arity: -7,
        since: "6.2.0",
        summary: "Returns the members of a geo set within a circle or a box.",
        complexity: "O(N+log(M)) for N members in the cells around the shape and M within it",
        handler: Some(search::geosearch),
        ..READ
    },
    Command {
        name: "geosearchstore",
        arity: -8,
        keys: &[key(&["OW", "update"]), second(&["RO", "access"])],
        since: "6.2.0",
        summary: "Stores the members of a geo set within a circle or a box.",
        complexity: "O(N+log(M)) for N members in the cells around the shape and M within it",
        handler: Some(search::geosearchstore),
        ..WRITE
    },
    Command {
        name: "georadius",
        arity: -6,
        flags: &[Flag::Write, Flag::DenyOom, Flag::MovableKeys],
        keys: &[
            key(&["RO", "access"]),
            after(&["OW", "update"], "STORE", 6),
            after(&["OW", "update"], "STOREDIST", 6),
        ],
        summary: "Returns or stores the members of a geo set within a circle around a place.",
        complexity: "O(N+log(M)) for N members in the cells around the circle and M within it",
        handler: Some(search::georadius),
        ..WRITE
    },
    Command {
        name: "georadius_ro",
        arity: -6,
        since: "3.2.10",
        summary: "Returns the members of a geo set within a circle around a place.",
        complexity: "O(N+log(M)) for N members in the cells around the circle and M within it",
        handler: Some(search::georadius_ro),
        ..READ
    },
    Command {
        name: "georadiusbymember",
        arity: -5,
        flags: &[Flag::Write, Flag::DenyOom, Flag::MovableKeys],
        keys: &[
            key(&["RO", "access"]),
            after(&["OW", "update"], "STORE", 5),
            after(&["OW", "update"], "STOREDIST", 5),
        ],
        summary: "Returns or stores the members of a geo set within a circle around one of them.",
        complexity: "O(N+log(M)) for N members in the cells around the circle and M within it",
        handler: Some(search::georadiusbymember),
        ..WRITE
    },
    Command {
        name: "georadiusbymember_ro",
        arity: -5,
        since: "3.2.10",
        summary: "Returns the members of a geo set within a circle around one of them.",
        complexity: "O(N+log(M)) for N members in the cells around the circle and M within it",
        handler: Some(search::georadiusbymember_ro),
        ..READ
    },
];

/// What commands that read one key  have in common.
const READ: Command = Command {
    name: "",
    arity: 0,
    flags: &[Flag::Readonly],
    categories: &["read", "geo", "slow"],
    keys: &[key(&["RO", "access"])],
    tips: &[],
    group: "geo",
    since: "3.2.0",
    summary: "",
    complexity: "O(1)",
    handler: None,
    subcommands: &[],
    long: false,
};

/// What commands that change one key have in common.
const WRITE: Command = Command {
    flags: &[Flag::Write, Flag::DenyOom],
    categories: &["write", "geo", "slow"],
    keys: &[key(&["RW", "update"])],
    ..READ
};

/// The first argument is a key.
const fn key(flags: &'static [&'static str]) -> KeySpec {
    one(flags, Begin::Index(1))
}

/// The second argument is a key.
const fn second(flags: &'static [&'static str]) -> KeySpec {
    one(flags, Begin::Index(2))
}

/// The argument behind a word, looked for from `from` on, is a key.
const fn after(flags: &'static [&'static str], word: &'static str, from: i32) -> KeySpec {
    one(flags, Begin::Keyword(word, from))
}

const fn one(flags: &'static [&'static str], begin: Begin) -> KeySpec {
    KeySpec { flags, notes: "", begin, find: Find::Range { last: 0, step: 1, limit: 0 } }
}
