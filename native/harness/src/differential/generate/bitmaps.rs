//! Commands on strings as bitmaps.

use super::families::{often, once, rare};
use super::template::Arg::{Int, Key, Maybe, Nonsense, OneOf, Repeat, Small, Text, W};
use super::template::{Arg, Template};

pub(super) const BITMAPS: &[Template] = &[
    often(30, &[W("SETBIT"), Key, OFFSET, BIT]),
    once(&[W("GETBIT"), Key, OFFSET]),
    often(20, &[W("BITCOUNT"), Key, Maybe(&[Small, Small, Maybe(&[UNIT])])]),
    often(20, &[W("BITPOS"), Key, BIT, Maybe(&[Small, Maybe(&[Small, Maybe(&[UNIT])])])]),
    often(20, &[W("BITOP"), OPERATION, Key, Repeat(&[Key])]),
    rare(&[W("BITOP"), W("NOT"), Key, Key]),
    often(40, &[W("BITFIELD"), Key, Repeat(&[FIELD_OPERATION])]),
    once(&[W("BITFIELD"), Key, Repeat(&[W("GET"), TYPE, FIELD_OFFSET])]),
    once(&[W("BITFIELD_RO"), Key, Repeat(&[W("GET"), TYPE, FIELD_OFFSET])]),
    rare(&[W("BITFIELD_RO"), Key, FIELD_OPERATION]),
    rare(&[W("BITFIELD"), Key]),
    often(20, &[W("GET"), Key]),
    once(&[W("OBJECT"), W("ENCODING"), Key]),
];

/// Offsets of bits: none so large that both servers would fill megabytes with zeros.
const OFFSET: Arg = OneOf(&[
    &[Text("0")],
    &[Text("1")],
    &[Text("7")],
    &[Text("8")],
    &[Text("15")],
    &[Text("17")],
    &[Text("63")],
    &[Text("64")],
    &[Text("100")],
    &[Text("351")],
    &[Text("352")],
    &[Text("2000")],
    &[Text("70000")],
    &[Text("4294967296")],
    &[Text("9223372036854775807")],
    &[Text("-1")],
    &[Text("#1")],
    &[Nonsense],
]);

const FIELD_OFFSET: Arg = OneOf(&[
    &[OFFSET],
    &[OFFSET],
    &[Text("#0")],
    &[Text("#1")],
    &[Text("#3")],
    &[Text("#-1")],
    &[Text("#")],
    &[Text("#1x")],
    &[Text("#9223372036854775807")],
    // Eight times as much is 0, 8 and too much.
    &[Text("#2305843009213693952")],
    &[Text("#2305843009213693953")],
    &[Text("#576460752303423488")],
]);

const BIT: Arg =
    OneOf(&[&[Text("0")], &[Text("1")], &[Text("0")], &[Text("1")], &[Text("2")], &[Int]]);

const UNIT: Arg = OneOf(&[&[W("BYTE")], &[W("BIT")], &[W("BIT")], &[Nonsense]]);

const OPERATION: Arg = OneOf(&[&[W("AND")], &[W("OR")], &[W("XOR")], &[W("NOT")], &[Nonsense]]);

const TYPE: Arg = OneOf(&[
    &[Text("u1")],
    &[Text("u8")],
    &[Text("u13")],
    &[Text("u62")],
    &[Text("u63")],
    &[Text("i1")],
    &[Text("i8")],
    &[Text("i16")],
    &[Text("i63")],
    &[Text("i64")],
    &[Text("u64")],
    &[Text("i65")],
    &[Text("u0")],
    &[Text("U8")],
    &[Text("u08")],
    &[Text("i")],
    &[Nonsense],
]);

const FIELD_OPERATION: Arg = OneOf(&[
    &[W("GET"), TYPE, FIELD_OFFSET],
    &[W("SET"), TYPE, FIELD_OFFSET, Int],
    &[W("SET"), TYPE, FIELD_OFFSET, Int],
    &[W("INCRBY"), TYPE, FIELD_OFFSET, Int],
    &[W("INCRBY"), TYPE, FIELD_OFFSET, Int],
    &[W("OVERFLOW"), OVERFLOW, W("INCRBY"), TYPE, FIELD_OFFSET, Int],
    &[W("OVERFLOW"), OVERFLOW, W("SET"), TYPE, FIELD_OFFSET, Int],
    &[W("OVERFLOW"), OVERFLOW],
]);

const OVERFLOW: Arg = OneOf(&[&[W("WRAP")], &[W("SAT")], &[W("SAT")], &[W("FAIL")], &[Nonsense]]);
