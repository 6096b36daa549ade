//! Commands on streams.
//!
//! Identifiers are few and small, because those that a server makes up differ from one server to the
//! other, and times of delivery are long ago, now, or in the future, because the servers' clocks
//! do not stand still in between.

use super::families::{fixed, often, once, rare};
use super::template::Arg::{
    EntryId, Int, Key, Maybe, Nonsense, OneOf, Options, Repeat, Seconds, Small, Text, Value, W,
};
use super::template::{Arg, Template};

/// Few keys that no other family uses, so that there are streams of some length.
const STREAM: Arg = OneOf(&[
    &[Text("stream:1")],
    &[Text("stream:1")],
    &[Text("stream:1")],
    &[Text("stream:2")],
    &[Text("stream:2")],
    &[Key],
]);

const GROUP: Arg = OneOf(&[
    &[Text("g1")],
    &[Text("g1")],
    &[Text("g1")],
    &[Text("g2")],
    &[Text("g2")],
    &[Text("")],
    &[Text("no such group")],
]);

const CONSUMER: Arg =
    OneOf(&[&[Text("alice")], &[Text("alice")], &[Text("bob")], &[Text("carol")], &[Text("")]]);

/// An entry's fields: often the same, so that chunks share their names.
const FIELDS: Arg = OneOf(&[
    &[Text("f"), Value],
    &[Text("f"), Value],
    &[Text("temperature"), Int, Text("humidity"), Int],
    &[Text("f"), Value, Text("f"), Value],
    &[Repeat(&[Value, Value])],
]);

/// The end of a range.
const END: Arg = OneOf(&[
    &[Text("-")],
    &[Text("+")],
    &[Text("-")],
    &[Text("+")],
    &[EntryId],
    &[EntryId],
    &[EntryId],
    &[Text("(3-1")],
    &[Text("(5")],
    &[Text("(0-0")],
    &[Text("(18446744073709551615-18446744073709551615")],
    &[Text("(")],
    &[Text("(-")],
    &[Text("3--1")],
    &[Text("3--01")],
    &[Text(" 4-1")],
    &[Nonsense],
]);

const THRESHOLD: Arg = OneOf(&[
    &[W("MAXLEN"), Small],
    &[W("MAXLEN"), Text("="), Small],
    &[W("MAXLEN"), Text("~"), Small],
    &[W("MAXLEN"), Text("~"), Small, W("LIMIT"), Small],
    &[W("MINID"), EntryId],
    &[W("MINID"), Text("="), EntryId],
    &[W("MINID"), Text("~"), EntryId],
    &[W("MINID"), Text("~"), EntryId, W("LIMIT"), Small],
    &[W("LIMIT"), Small],
]);

/// Least idle times that either no entry has, or those whose time was set back.
const IDLE: Arg = OneOf(&[
    &[Text("0")],
    &[Text("0")],
    &[Text("0")],
    &[Text("1000000")],
    &[Text("-5")],
    &[Text("9223372036854775807")],
    &[Text("abc")],
]);

const WAIT: Arg = OneOf(&[&[Text("1")], &[Text("-1")], &[Text("abc")], &[Text("1.5")]]);

pub(super) const STREAMS: &[Template] = &[
    often(120, &[W("XADD"), STREAM, EntryId, FIELDS]),
    often(30, &[W("XADD"), STREAM, Options(&[&[W("NOMKSTREAM")], &[THRESHOLD]]), EntryId, FIELDS]),
    often(25, &[W("XTRIM"), STREAM, THRESHOLD]),
    once(&[W("XLEN"), STREAM]),
    often(25, &[W("XRANGE"), STREAM, END, END, Maybe(&[W("COUNT"), Small])]),
    often(25, &[W("XREVRANGE"), STREAM, END, END, Maybe(&[W("COUNT"), Small])]),
    often(25, &[W("XDEL"), STREAM, Repeat(&[EntryId])]),
    often(
        15,
        &[
            W("XSETID"),
            STREAM,
            EntryId,
            Options(&[&[W("ENTRIESADDED"), Small], &[W("MAXDELETEDID"), EntryId]]),
        ],
    ),
    often(20, &[W("XREAD"), READ_OPTIONS, W("STREAMS"), STREAM, READ_FROM]),
    once(&[W("XREAD"), READ_OPTIONS, W("STREAMS"), STREAM, STREAM, READ_FROM, READ_FROM]),
    often(20, &[W("XGROUP"), W("CREATE"), STREAM, GROUP, GROUP_FROM, CREATE_OPTIONS]),
    often(
        12,
        &[W("XGROUP"), W("SETID"), STREAM, GROUP, GROUP_FROM, Maybe(&[W("ENTRIESREAD"), Small])],
    ),
    often(4, &[W("XGROUP"), W("DESTROY"), STREAM, GROUP]),
    once(&[W("XGROUP"), W("CREATECONSUMER"), STREAM, GROUP, CONSUMER]),
    once(&[W("XGROUP"), W("DELCONSUMER"), STREAM, GROUP, CONSUMER]),
    rare(&[W("XGROUP"), OneOf(&[&[W("HELP")], &[Nonsense], &[W("CREATE"), STREAM]])]),
    often(
        60,
        &[
            W("XREADGROUP"),
            W("GROUP"),
            GROUP,
            CONSUMER,
            Options(&[&[W("COUNT"), Small], &[W("NOACK")], &[W("BLOCK"), WAIT]]),
            W("STREAMS"),
            OneOf(&[
                &[STREAM, GROUP_READ_FROM],
                &[STREAM, GROUP_READ_FROM],
                &[STREAM, STREAM, GROUP_READ_FROM, GROUP_READ_FROM],
            ]),
        ],
    ),
    often(30, &[W("XACK"), STREAM, GROUP, Repeat(&[EntryId])]),
    often(20, &[W("XPENDING"), STREAM, GROUP]),
    often(
        30,
        &[
            W("XPENDING"),
            STREAM,
            GROUP,
            Maybe(&[W("IDLE"), IDLE]),
            END,
            END,
            Small,
            Maybe(&[CONSUMER]),
        ],
    ),
    often(30, &[W("XCLAIM"), STREAM, GROUP, CONSUMER, IDLE, Repeat(&[EntryId]), CLAIM_OPTIONS]),
    often(
        25,
        &[
            W("XAUTOCLAIM"),
            STREAM,
            GROUP,
            CONSUMER,
            IDLE,
            END,
            Options(&[&[W("COUNT"), Small], &[W("JUSTID")]]),
        ],
    ),
    often(30, &[W("XINFO"), W("STREAM"), STREAM]),
    often(30, &[W("XINFO"), W("STREAM"), STREAM, W("FULL"), Maybe(&[W("COUNT"), Small])]),
    often(20, &[W("XINFO"), W("GROUPS"), STREAM]),
    often(15, &[W("XINFO"), W("CONSUMERS"), STREAM, GROUP]),
    rare(&[W("XINFO"), OneOf(&[&[W("HELP")], &[Nonsense], &[W("STREAM"), STREAM, Nonsense]])]),
    rare(&[W("DEL"), STREAM]),
    rare(&[W("COPY"), STREAM, STREAM, Maybe(&[W("REPLACE")])]),
    rare(&[W("RENAME"), STREAM, STREAM]),
    rare(&[W("EXPIRE"), STREAM, Seconds]),
    rare(&[W("TYPE"), STREAM]),
    rare(&[W("OBJECT"), W("ENCODING"), STREAM]),
    fixed(&[W("CONFIG"), W("SET"), Text("stream-node-max-entries"), NODE_ENTRIES]),
    fixed(&[W("CONFIG"), W("SET"), Text("stream-node-max-bytes"), NODE_BYTES]),
];

const READ_OPTIONS: Arg = Options(&[&[W("COUNT"), Small], &[W("BLOCK"), WAIT]]);

const READ_FROM: Arg = OneOf(&[
    &[EntryId],
    &[EntryId],
    &[Text("0")],
    &[Text("0-0")],
    &[Text("$")],
    &[Text(">")],
    &[Text("+")],
]);

const GROUP_READ_FROM: Arg = OneOf(&[
    &[Text(">")],
    &[Text(">")],
    &[Text(">")],
    &[Text("0")],
    &[EntryId],
    &[Text("$")],
    &[Text("18446744073709551615-18446744073709551615")],
]);

const GROUP_FROM: Arg =
    OneOf(&[&[Text("0")], &[Text("0")], &[Text("$")], &[EntryId], &[Text("-")], &[Text("+")]]);

const CREATE_OPTIONS: Arg =
    Options(&[&[W("MKSTREAM")], &[W("MKSTREAM")], &[W("ENTRIESREAD"), Small]]);

const CLAIM_OPTIONS: Arg = Options(&[
    &[W("IDLE"), OneOf(&[&[Text("5000000")], &[Text("0")], &[Text("-10")], &[Text("x")]])],
    &[W("TIME"), OneOf(&[&[Text("1000")], &[Text("-1")], &[Text("99999999999999")], &[Text("")]])],
    &[W("RETRYCOUNT"), Int],
    &[W("FORCE")],
    &[W("FORCE")],
    &[W("JUSTID")],
    &[W("LASTID"), EntryId],
]);

const NODE_ENTRIES: Arg =
    OneOf(&[&[Text("100")], &[Text("2")], &[Text("3")], &[Text("5")], &[Text("0")], &[Text("-1")]]);

const NODE_BYTES: Arg =
    OneOf(&[&[Text("4096")], &[Text("60")], &[Text("120")], &[Text("0")], &[Text("1kb")]]);
