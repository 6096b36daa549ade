//! Commands on HyperLogLogs.

use super::families::{fixed, often, once, rare};
use super::template::Arg::{Int, Key, Maybe, Nonsense, OneOf, Repeat, Small, Text, Value, W};
use super::template::{Arg, Template};

pub(super) const HYPERLOGLOG: &[Template] = &[
    often(20, &[W("PFADD"), Key, Repeat(&[ELEMENT])]),
    often(30, &[W("PFADD"), Key, Repeat(&[ELEMENT]), MANY, MANY]),
    rare(&[W("PFADD"), Key]),
    often(15, &[W("PFCOUNT"), Key]),
    once(&[W("PFCOUNT"), Repeat(&[Key])]),
    often(15, &[W("PFMERGE"), Key, Maybe(&[Repeat(&[Key])])]),
    once(&[W("PFDEBUG"), OneOf(&[&[W("ENCODING")], &[W("TODENSE")], &[Nonsense]]), Key]),
    once(&[W("PFDEBUG"), W("DECODE"), Key]),
    rare(&[W("PFDEBUG"), W("GETREG"), Key]),
    often(25, &[W("GET"), Key]),
    once(&[W("OBJECT"), W("ENCODING"), Key]),
    // Strings that are nearly HyperLogLogs, and some that have been damaged.
    once(&[W("SET"), Key, OneOf(&[&[Text(EMPTY)], &[Text(SHORT)], &[Text(NO_REGISTERS)]])]),
    rare(&[W("APPEND"), Key, Value]),
    rare(&[W("SETRANGE"), Key, Small, Value]),
    rare(&[W("COPY"), Key, Key, W("REPLACE")]),
    fixed(&[
        W("CONFIG"),
        W("SET"),
        W("hll-sparse-max-bytes"),
        OneOf(&[&[Text("0")], &[Text("40")], &[Text("100")], &[Text("3000")], &[Int]]),
    ]),
];

/// An empty one, in three runs and with a count that is cached.
const EMPTY: &str = "HYLL\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\x7f??";
/// One that covers too few registers, with a count that is out of date.
const SHORT: &str = "HYLL\x01\0\0\0\x05\0\0\0\0\0\0\x7f\x41\x02\x03";
/// A dense one without registers.
const NO_REGISTERS: &str = "HYLL\0\0\0\0\0\0\0\0\0\0\0\0";

const ELEMENT: Arg = OneOf(&[&[Value], &[Int], &[Int], &[Nonsense]]);

/// Enough elements for runs to be split and joined.
const MANY: Arg = OneOf(&[
    &[],
    &[Repeat(&[Int, Value])],
    &[Repeat(&[Repeat(&[Int, Small])])],
    &[Repeat(&[Repeat(&[Repeat(&[Int])])])],
]);
