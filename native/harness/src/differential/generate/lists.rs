//! Commands on lists.

use super::families::{often, once, rare};
use super::template::Arg::{
    Int, Key, Maybe, Nonsense, OneOf, Options, Repeat, Small, Text, Value, W,
};
use super::template::{Arg, Template};

/// Mostly keys that only commands on lists use, so that lists live for some time.
const LIST: Arg = OneOf(&[&[Text("l1")], &[Text("l1")], &[Text("l2")], &[Text("l{tag}")], &[Key]]);

/// Elements: some are the same again and again, so that they are found.
const ELEMENT: Arg = OneOf(&[&[Text("x")], &[Text("y")], &[Text("")], &[Text("10")], &[Value]]);

const END: Arg = OneOf(&[&[W("LEFT")], &[W("RIGHT")], &[W("LEFT")], &[W("RIGHT")], &[Nonsense]]);

/// Positions and numbers of elements: near the ends of short lists, or anything.
const POSITION: Arg = OneOf(&[
    &[Text("0")],
    &[Text("1")],
    &[Text("2")],
    &[Text("-1")],
    &[Text("-2")],
    &[Text("-3")],
    &[Small],
    &[Small],
    &[Int],
]);

/// How long to wait, in seconds.
pub(super) const WAIT: Arg = OneOf(&[
    &[Text("0.001")],
    &[Text("0.001")],
    &[Text("1e-3")],
    &[Text("-1")],
    &[Text("1e300")],
    &[Nonsense],
]);

const FEW: Arg = Repeat(&[ELEMENT]);
const MANY: Arg = Repeat(&[Repeat(&[ELEMENT])]);

pub(super) const LISTS: &[Template] = &[
    often(30, &[W("RPUSH"), LIST, FEW]),
    often(30, &[W("LPUSH"), LIST, FEW]),
    often(10, &[W("RPUSH"), LIST, MANY]),
    often(10, &[W("LPUSH"), LIST, MANY]),
    once(&[W("LPUSHX"), LIST, FEW]),
    once(&[W("RPUSHX"), LIST, FEW]),
    often(15, &[W("LPOP"), LIST, Maybe(&[POSITION])]),
    often(15, &[W("RPOP"), LIST, Maybe(&[POSITION])]),
    once(&[W("LLEN"), LIST]),
    often(15, &[W("LINDEX"), LIST, POSITION]),
    often(15, &[W("LRANGE"), LIST, POSITION, POSITION]),
    often(15, &[W("LRANGE"), LIST, Text("0"), Text("-1")]),
    often(15, &[W("LSET"), LIST, POSITION, ELEMENT]),
    often(15, &[W("LINSERT"), LIST, OneOf(&[&[W("BEFORE")], &[W("AFTER")]]), ELEMENT, ELEMENT]),
    rare(&[W("LINSERT"), LIST, Nonsense, ELEMENT, ELEMENT]),
    often(15, &[W("LREM"), LIST, POSITION, ELEMENT]),
    often(8, &[W("LTRIM"), LIST, POSITION, POSITION]),
    often(
        25,
        &[
            W("LPOS"),
            LIST,
            ELEMENT,
            Options(&[&[W("RANK"), POSITION], &[W("COUNT"), POSITION], &[W("MAXLEN"), POSITION]]),
        ],
    ),
    often(20, &[W("LMOVE"), LIST, LIST, END, END]),
    once(&[W("RPOPLPUSH"), LIST, LIST]),
    often(15, &[W("LMPOP"), Text("1"), LIST, END, Maybe(&[W("COUNT"), POSITION])]),
    often(15, &[W("LMPOP"), Text("2"), LIST, LIST, END, Maybe(&[W("COUNT"), POSITION])]),
    rare(&[W("LMPOP"), Small, FEW, END, Maybe(&[W("COUNT"), POSITION])]),
    often(8, &[W("BLPOP"), Repeat(&[LIST]), WAIT]),
    often(8, &[W("BRPOP"), Repeat(&[LIST]), WAIT]),
    often(8, &[W("BLMOVE"), LIST, LIST, END, END, WAIT]),
    rare(&[W("BRPOPLPUSH"), LIST, LIST, WAIT]),
    often(8, &[W("BLMPOP"), WAIT, Text("2"), LIST, LIST, END, Maybe(&[W("COUNT"), POSITION])]),
    rare(&[W("BLMPOP"), WAIT, Small, FEW, END, Maybe(&[W("COUNT"), POSITION])]),
    once(&[W("OBJECT"), W("ENCODING"), LIST]),
    once(&[W("TYPE"), LIST]),
    rare(&[W("DEL"), LIST]),
    rare(&[W("COPY"), LIST, LIST]),
    rare(&[W("RENAME"), LIST, LIST]),
    rare(&[W("EXPIRE"), LIST, Text("100000")]),
];
