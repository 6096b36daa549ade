//! Commands on geo sets.

use super::families::{often, once, rare};
use super::template::Arg::{
    Float, Int, Key, Maybe, Nonsense, OneOf, Options, Repeat, Small, Text, W,
};
use super::template::{Arg, Template};

/// Mostly keys that only commands on geo sets use; sorted sets with any scores are searched too.
const SET: Arg =
    OneOf(&[&[Text("g1")], &[Text("g1")], &[Text("g1")], &[Text("g{tag}")], &[Text("z1")], &[Key]]);

const MEMBER: Arg = OneOf(&[
    &[Text("p1")],
    &[Text("p2")],
    &[Text("p3")],
    &[Text("p4")],
    &[Text("p5")],
    &[Text("p6")],
    &[Text("p7")],
    &[Text("p8")],
    &[Small],
    &[Small],
]);

const LONGITUDE: Arg = OneOf(&[
    &[Text("13.361389")],
    &[Text("15.087269")],
    &[Text("13.4")],
    &[Text("14.25")],
    &[Text("0")],
    &[Text("-180")],
    &[Text("180")],
    &[Text("179.99999")],
    &[Text("-0.000001")],
    &[Text("-122.4194")],
    &[Text("180.1")],
    &[Small],
    &[Small],
    &[Float],
]);

const LATITUDE: Arg = OneOf(&[
    &[Text("38.115556")],
    &[Text("37.502669")],
    &[Text("37.9")],
    &[Text("38.2")],
    &[Text("0")],
    &[Text("85.05112878")],
    &[Text("-85.05112878")],
    &[Text("67.5")],
    &[Text("-81")],
    &[Text("0.000001")],
    &[Text("85.06")],
    &[Small],
    &[Small],
    &[Float],
]);

const UNIT: Arg = OneOf(&[&[W("M")], &[W("KM")], &[W("KM")], &[W("FT")], &[W("MI")], &[Nonsense]]);

const LENGTH: Arg = OneOf(&[
    &[Text("0")],
    &[Text("1")],
    &[Text("10")],
    &[Text("50.5")],
    &[Text("200")],
    &[Text("200")],
    &[Text("1000")],
    &[Text("5000")],
    &[Text("20000")],
    &[Text("1e9")],
    &[Small],
    &[Float],
]);

const ORIGIN: Arg = OneOf(&[&[W("FROMMEMBER"), MEMBER], &[W("FROMLONLAT"), LONGITUDE, LATITUDE]]);

const SHAPE: Arg = OneOf(&[&[W("BYRADIUS"), LENGTH, UNIT], &[W("BYBOX"), LENGTH, LENGTH, UNIT]]);

const COUNT: Arg = OneOf(&[&[Text("1")], &[Text("2")], &[Text("3")], &[Text("5")], &[Int]]);

const OPTIONS: Arg = Options(&[
    &[W("WITHDIST")],
    &[W("WITHCOORD")],
    &[W("WITHHASH")],
    &[W("ASC")],
    &[W("DESC")],
    &[W("COUNT"), COUNT],
    &[W("COUNT"), COUNT, W("ANY")],
    &[W("ANY")],
]);

const STORE_OPTIONS: Arg = Options(&[
    &[W("ASC")],
    &[W("DESC")],
    &[W("COUNT"), COUNT],
    &[W("COUNT"), COUNT, W("ANY")],
    &[W("STOREDIST")],
    &[W("STOREDIST")],
    &[W("WITHDIST")],
]);

const RADIUS_OPTIONS: Arg = Options(&[
    &[W("WITHDIST")],
    &[W("WITHCOORD"), W("WITHHASH")],
    &[W("ASC")],
    &[W("DESC")],
    &[W("COUNT"), COUNT],
    &[W("COUNT"), COUNT, W("ANY")],
    &[W("STORE"), SET],
    &[W("STOREDIST"), SET],
]);

const PLACES: Arg = Repeat(&[LONGITUDE, LATITUDE, MEMBER]);

pub(super) const TEMPLATES: &[Template] = &[
    often(50, &[W("GEOADD"), SET, PLACES]),
    often(30, &[W("GEOADD"), Text("g1"), PLACES]),
    once(&[W("GEOADD"), SET, Options(&[&[W("NX")], &[W("XX")], &[W("CH")]]), PLACES]),
    often(15, &[W("GEOPOS"), SET, Repeat(&[MEMBER])]),
    once(&[W("GEOHASH"), SET, Repeat(&[MEMBER])]),
    often(20, &[W("GEODIST"), SET, MEMBER, MEMBER, Maybe(&[UNIT])]),
    often(60, &[W("GEOSEARCH"), SET, ORIGIN, SHAPE, OPTIONS]),
    rare(&[W("GEOSEARCH"), SET, ORIGIN, SHAPE, OneOf(&[&[ORIGIN], &[SHAPE]])]),
    often(15, &[W("GEOSEARCHSTORE"), SET, SET, ORIGIN, SHAPE, STORE_OPTIONS]),
    often(15, &[W("GEORADIUS"), SET, LONGITUDE, LATITUDE, LENGTH, UNIT, RADIUS_OPTIONS]),
    once(&[W("GEORADIUS_RO"), SET, LONGITUDE, LATITUDE, LENGTH, UNIT, OPTIONS]),
    often(15, &[W("GEORADIUSBYMEMBER"), SET, MEMBER, LENGTH, UNIT, RADIUS_OPTIONS]),
    once(&[W("GEORADIUSBYMEMBER_RO"), SET, MEMBER, LENGTH, UNIT, OPTIONS]),
    once(&[W("ZRANGE"), SET, Text("0"), Text("-1"), W("WITHSCORES")]),
    rare(&[W("ZREM"), SET, MEMBER]),
    rare(&[W("OBJECT"), W("ENCODING"), SET]),
    rare(&[W("DEL"), SET]),
];
