//! SORT, with lists of numbers and the keys that belong to them.

use super::families::{fixed, often, once, rare};
use super::template::Arg::{Int, Key, Nonsense, OneOf, Options, Repeat, Small, Text, Value, W};
use super::template::{Arg, Template};

/// Keys that only lists are stored at: what has no order of its own has its own templates. Sorted
/// sets have keys of their own too, because Redis changes their encoding when it sorts them.
const SOURCE: Arg = OneOf(&[&[Text("n1")], &[Text("n1")], &[Text("n2")], &[Text("none")]]);

/// Elements, mostly small numbers, to which other keys belong.
const NUMBER: Arg = OneOf(&[
    &[Text("1")],
    &[Text("2")],
    &[Text("3")],
    &[Text("10")],
    &[Text("-1.5")],
    &[Text("0x2")],
    &[Text("1e1")],
    &[Text(" 4")],
]);

const ELEMENT: Arg =
    OneOf(&[&[NUMBER], &[NUMBER], &[NUMBER], &[Text("")], &[Text("a\0b")], &[Value]]);

/// Keys that belong to elements.
const WEIGHT: Arg = OneOf(&[
    &[Text("w_1")],
    &[Text("w_2")],
    &[Text("w_3")],
    &[Text("w_10")],
    &[Text("w_-1.5_x")],
    &[Text("w_2_x")],
]);

const PATTERN: Arg = OneOf(&[
    &[Text("w_*")],
    &[Text("w_*")],
    &[Text("w_*")],
    &[Text("w_*_x")],
    &[Text("*")],
    &[Text("#")],
    &[Text("h_*->f")],
    &[Text("w_*->")],
    &[Text("w_*->f")],
    &[Text("nosort")],
    &[Text("w_**")],
    &[Text("w_\0*")],
    &[Text("")],
    &[Nonsense],
]);

const OPTIONS: Arg = Options(&[
    &[W("BY"), PATTERN],
    &[W("BY"), Text("nosort")],
    &[W("GET"), PATTERN],
    &[W("GET"), Text("#")],
    &[W("LIMIT"), Small, Small],
    &[W("LIMIT"), Text("0"), Text("3")],
    &[W("LIMIT"), Text("1"), Text("-1")],
    &[W("LIMIT"), Int, Int],
    &[W("ASC")],
    &[W("DESC")],
    &[W("ALPHA")],
    &[W("ALPHA")],
]);

/// Options of which no choice leaves the order open when strings are compared and only some are
/// wanted: what is stored then would differ from there on.
const BY_ELEMENTS: Arg = Options(&[
    &[W("BY"), Text("nosort")],
    &[W("GET"), PATTERN],
    &[W("LIMIT"), Small, Small],
    &[W("LIMIT"), Text("1"), Text("4")],
    &[W("DESC")],
    &[W("ALPHA")],
]);

const BY_NUMBERS: Arg = Options(&[
    &[W("BY"), PATTERN],
    &[W("GET"), PATTERN],
    &[W("LIMIT"), Small, Small],
    &[W("LIMIT"), Text("1"), Text("4")],
    &[W("ASC")],
    &[W("DESC")],
]);

/// Options that leave no choice between the members of a set.
const SET_OPTIONS: Arg = Options(&[
    &[W("BY"), OneOf(&[&[Text("w_*")], &[Text("h_*->f")]])],
    &[W("GET"), OneOf(&[&[Text("#")], &[Text("w_*")], &[Text("h_*->f")]])],
    &[W("LIMIT"), Text("1"), Text("2")],
    &[W("DESC")],
]);

/// Hashes with a field that belongs to an element.
const FIELDS: Arg = OneOf(&[&[Text("h_1")], &[Text("h_2")], &[Text("h_10")], &[Text("w_3")]]);

const STORE: Arg =
    OneOf(&[&[W("STORE"), Text("n2")], &[W("STORE"), Text("l2")], &[W("STORE"), Key]]);

pub(super) const SORT: &[Template] = &[
    often(20, &[W("RPUSH"), SOURCE, Repeat(&[Repeat(&[NUMBER])])]),
    often(5, &[W("RPUSH"), SOURCE, Repeat(&[ELEMENT])]),
    often(10, &[W("ZADD"), Text("zsort"), Repeat(&[NUMBER, NUMBER])]),
    often(8, &[W("SORT"), Text("zsort"), BY_ELEMENTS]),
    often(8, &[W("SORT"), Text("zsort"), SET_OPTIONS]),
    fixed(&[W("SORT"), Text("zsort"), W("ALPHA")]),
    rare(&[W("DEL"), SOURCE]),
    often(20, &[W("SET"), WEIGHT, NUMBER]),
    often(5, &[W("SET"), WEIGHT, Value]),
    often(10, &[W("HSET"), FIELDS, Text("f"), NUMBER]),
    rare(&[W("DEL"), WEIGHT]),
    rare(&[W("RPUSH"), WEIGHT, Value]),
    often(60, &[W("SORT"), SOURCE, OPTIONS]),
    often(15, &[W("SORT"), SOURCE, OPTIONS, OPTIONS]),
    often(10, &[W("SORT"), SOURCE, BY_ELEMENTS, STORE]),
    often(10, &[W("SORT"), SOURCE, BY_NUMBERS, STORE]),
    once(&[W("SORT_RO"), SOURCE, OPTIONS]),
    rare(&[W("SORT_RO"), SOURCE, BY_NUMBERS, STORE]),
    once(&[W("LRANGE"), SOURCE, Text("0"), Text("-1")]),
    often(10, &[W("SADD"), Text("usort"), Repeat(&[NUMBER])]),
    // A set has no order of its own, so what is sorted must not be left as it is by accident.
    fixed(&[W("SORT"), Text("usort"), SET_OPTIONS]),
    fixed(&[W("SORT"), Text("usort"), W("ALPHA")]),
    fixed(&[W("SORT"), Text("usort"), SET_OPTIONS, W("STORE"), Text("n2")]),
    fixed(&[W("SORT"), Text("usort"), W("BY"), Text("nosort"), W("STORE"), Text("n2")]),
];
