//! Commands on hashes.

use super::families::{fixed, often, once, rare};
use super::template::Arg::{
    Cursor, Float, Int, Key, Maybe, Nonsense, OneOf, Options, Pattern, Repeat, Small, Text, Value,
    W,
};
use super::template::{Arg, Template};

/// Mostly keys that only commands on hashes use, so that hashes live for some time.
const HASH: Arg = OneOf(&[&[Text("h1")], &[Text("h1")], &[Text("h2")], &[Text("h{tag}")], &[Key]]);

const FIELD: Arg =
    OneOf(&[&[Text("f")], &[Text("g")], &[Text("")], &[Text("7")], &[Small], &[Small], &[Value]]);

const NUMBER: Arg = OneOf(&[&[Int], &[Small], &[Small]]);

const PAIRS: Arg = Repeat(&[FIELD, Value]);
const MANY: Arg = Repeat(&[Repeat(&[FIELD, Value])]);

/// A number of fields that is more than any hash here has: then which they are is known.
const ALL: Arg = Text("5000");

pub(super) const TEMPLATES: &[Template] = &[
    often(40, &[W("HSET"), HASH, PAIRS]),
    often(20, &[W("HSET"), HASH, MANY]),
    once(&[W("HMSET"), HASH, PAIRS]),
    once(&[W("HSETNX"), HASH, FIELD, Value]),
    often(20, &[W("HGET"), HASH, FIELD]),
    once(&[W("HMGET"), HASH, Repeat(&[FIELD])]),
    often(20, &[W("HGETALL"), HASH]),
    once(&[W("HKEYS"), HASH]),
    once(&[W("HVALS"), HASH]),
    once(&[W("HLEN"), HASH]),
    once(&[W("HSTRLEN"), HASH, FIELD]),
    once(&[W("HEXISTS"), HASH, FIELD]),
    often(15, &[W("HDEL"), HASH, Repeat(&[FIELD])]),
    often(15, &[W("HINCRBY"), HASH, FIELD, NUMBER]),
    often(15, &[W("HINCRBYFLOAT"), HASH, FIELD, Float]),
    // Not damaged: a count that is far below zero is a reply without end.
    fixed(&[W("HRANDFIELD"), HASH]),
    fixed(&[W("HRANDFIELD"), HASH, ALL, Maybe(&[W("WITHVALUES")])]),
    fixed(&[W("HRANDFIELD"), HASH, DRAWN, Maybe(&[OneOf(&[&[W("WITHVALUES")], &[Nonsense]])])]),
    once(&[W("HSCAN"), HASH, Text("0"), W("COUNT"), ALL, Maybe(&[W("MATCH"), Pattern])]),
    once(&[
        W("HSCAN"),
        HASH,
        Cursor,
        Options(&[&[W("MATCH"), Pattern], &[W("COUNT"), Int], &[W("TYPE"), Nonsense]]),
    ]),
    often(15, &[W("OBJECT"), W("ENCODING"), HASH]),
    once(&[W("COPY"), HASH, HASH, Maybe(&[W("REPLACE")])]),
    rare(&[W("DEL"), HASH]),
];

/// How many to draw: what cannot be used is in, but nothing that is a reply without end.
pub(super) const DRAWN: Arg = OneOf(&[
    &[Text("0")],
    &[Text("1")],
    &[Text("2")],
    &[Text("30")],
    &[Text("-1")],
    &[Text("-5")],
    &[Text("-9223372036854775808")],
    &[Text("9223372036854775807")],
    &[Text("9223372036854775808")],
    &[Text("x")],
    &[Text("")],
]);
