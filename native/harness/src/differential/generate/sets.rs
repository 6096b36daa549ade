//! Commands on sets.

use super::families::{fixed, often, once, rare};
use super::hashes::DRAWN;
use super::template::Arg::{
    Cursor, Int, Key, Maybe, Nonsense, OneOf, Options, Pattern, Repeat, Small, Text, Value, W,
};
use super::template::{Arg, Template};

/// Mostly keys that only commands on sets use, so that sets live for some time; one has integers
/// only, most often.
const SET: Arg = OneOf(&[
    &[Text("s1")],
    &[Text("s1")],
    &[Text("s2")],
    &[Text("s{tag}")],
    &[Text("s{tag}2")],
    &[Text("numbers")],
    &[Key],
]);

const MEMBER: Arg = OneOf(&[
    &[Text("a")],
    &[Text("b")],
    &[Text("")],
    &[Text("10")],
    &[Small],
    &[Small],
    &[Int],
    &[Value],
]);

const INTEGER: Arg = OneOf(&[&[Small], &[Int], &[Small]]);
const FEW: Arg = Repeat(&[MEMBER]);
const INTEGERS: Arg = Repeat(&[Repeat(&[INTEGER])]);
const SETS: Arg = Repeat(&[SET]);

/// More members than any set here has: then which they are is known.
const ALL: Arg = Text("5000");

pub(super) const TEMPLATES: &[Template] = &[
    often(30, &[W("SADD"), SET, FEW]),
    often(15, &[W("SADD"), SET, Repeat(&[FEW])]),
    often(30, &[W("SADD"), Text("numbers"), INTEGERS]),
    often(10, &[W("SADD"), Text("s2"), INTEGERS]),
    often(20, &[W("SREM"), SET, FEW]),
    once(&[W("SCARD"), SET]),
    often(15, &[W("SISMEMBER"), SET, MEMBER]),
    once(&[W("SMISMEMBER"), SET, FEW]),
    often(20, &[W("SMEMBERS"), SET]),
    // Not damaged: a count that is far below zero is a reply without end.
    fixed(&[W("SRANDMEMBER"), SET]),
    fixed(&[W("SRANDMEMBER"), SET, ALL]),
    fixed(&[W("SRANDMEMBER"), SET, DRAWN, Maybe(&[Nonsense])]),
    // Not damaged: what is taken at random makes the two servers' sets differ for ever.
    fixed(&[W("SPOP"), SET, ALL]),
    fixed(&[W("SPOP"), SET, OneOf(&[&[Text("0")], &[Text("-1")], &[Text("x")], &[Text("")]])]),
    fixed(&[W("SPOP"), Text("nosuch"), Maybe(&[Text("3"), Maybe(&[Nonsense])])]),
    often(15, &[W("SMOVE"), SET, SET, MEMBER]),
    often(15, &[W("SINTER"), SETS]),
    often(15, &[W("SUNION"), SETS]),
    often(15, &[W("SDIFF"), SETS]),
    often(12, &[W("SINTERSTORE"), SET, SETS]),
    often(12, &[W("SUNIONSTORE"), SET, SETS]),
    often(12, &[W("SDIFFSTORE"), SET, SETS]),
    once(&[W("SINTERCARD"), Text("1"), SET, Maybe(&[W("LIMIT"), Small])]),
    once(&[W("SINTERCARD"), Text("2"), SET, SET, Maybe(&[W("LIMIT"), Int])]),
    rare(&[W("SINTERCARD"), Int, SETS, Maybe(&[Nonsense, Maybe(&[Int])])]),
    once(&[W("SSCAN"), SET, Text("0"), W("COUNT"), ALL, Maybe(&[W("MATCH"), Pattern])]),
    once(&[
        W("SSCAN"),
        SET,
        Cursor,
        Options(&[&[W("MATCH"), Pattern], &[W("COUNT"), Int], &[W("TYPE"), Nonsense]]),
    ]),
    often(20, &[W("OBJECT"), W("ENCODING"), SET]),
    once(&[W("COPY"), SET, SET, Maybe(&[W("REPLACE")])]),
    rare(&[W("DEL"), SET]),
];
