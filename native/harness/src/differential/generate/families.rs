//! The commands under test.

use super::bitmaps::BITMAPS;
use super::geo;
use super::hashes;
use super::hyperloglog::HYPERLOGLOG;
use super::lists::LISTS;
use super::sets;
use super::sort::SORT;
use super::sorted_sets;
use super::streams::STREAMS;
use super::template::Arg::{
    AtMillis, AtSeconds, CommandName, Cursor, Db, Float, Int, Key, Maybe, Millis, Name, Nested,
    Nonsense, OneOf, Options, Pattern, Repeat, Seconds, Small, Text, Value, W,
};
use super::template::{Arg, Damage, Family, Template};
use crate::rng::Rng;

/// Families of commands on keys: how often, and what they are.
const DATA: &[(u32, Family, &[Template])] = &[
    (45, Family::Strings, STRINGS),
    (15, Family::Bitmaps, BITMAPS),
    (10, Family::HyperLogLog, HYPERLOGLOG),
    (30, Family::Lists, LISTS),
    (30, Family::Hashes, hashes::TEMPLATES),
    (30, Family::Sets, sets::TEMPLATES),
    (12, Family::Sort, SORT),
    (45, Family::SortedSets, sorted_sets::TEMPLATES),
    (25, Family::Geo, geo::TEMPLATES),
    (40, Family::Streams, STREAMS),
    (22, Family::Keys, KEYS),
    (16, Family::Expiry, EXPIRY),
];

/// Families of other commands.
const OTHERS: &[(u32, Family, &[Template])] = &[
    (5, Family::Databases, DATABASES),
    (6, Family::Connection, CONNECTION),
    (6, Family::Server, SERVER),
];

/// Families that are not chosen for a random command.
const SPECIAL: &[(u32, Family, &[Template])] = &[
    (0, Family::Reply, REPLY),
    (0, Family::Password, PASSWORD),
    (0, Family::ScanOptions, SCAN_OPTIONS),
];

/// A family for a random command.
pub(super) fn any(rng: &mut Rng) -> Family {
    let families: Vec<(u32, Family)> =
        DATA.iter().chain(OTHERS).map(|(weight, family, _)| (*weight, *family)).collect();
    *rng.pick_weighted(&families)
}

/// A family of commands on keys.
pub(super) fn data(rng: &mut Rng) -> Family {
    rng.pick(DATA).1
}

/// The templates of a family.
pub(super) fn templates(family: Family) -> &'static [Template] {
    let mut all = DATA.iter().chain(OTHERS).chain(SPECIAL);
    all.find(|row| row.1 == family).map_or(&[], |row| row.2)
}

/// Names of all commands under test.
pub(super) fn names() -> Vec<&'static str> {
    let templates = DATA.iter().chain(OTHERS).flat_map(|(_, _, templates)| *templates);
    templates
        .filter_map(|template| match template.args.first() {
            Some(W(name)) => Some(*name),
            _ => None,
        })
        .collect()
}

pub(super) const fn often(weight: u32, args: &'static [Arg]) -> Template {
    Template { weight, args, damage: Damage::Allowed }
}

pub(super) const fn once(args: &'static [Arg]) -> Template {
    often(10, args)
}

pub(super) const fn rare(args: &'static [Arg]) -> Template {
    often(2, args)
}

/// A command that only makes sense, or is only harmless, as it is.
pub(super) const fn fixed(args: &'static [Arg]) -> Template {
    Template { weight: 3, args, damage: Damage::Forbidden }
}

const SET_OPTIONS: Arg = Options(&[
    &[W("EX"), Seconds],
    &[W("PX"), Millis],
    &[W("EXAT"), AtSeconds],
    &[W("PXAT"), AtMillis],
    &[W("KEEPTTL")],
    &[W("NX")],
    &[W("XX")],
    &[W("GET")],
]);

const STRINGS: &[Template] = &[
    often(60, &[W("SET"), Key, Value, SET_OPTIONS]),
    often(30, &[W("GET"), Key]),
    once(&[W("SETNX"), Key, Value]),
    once(&[W("SETEX"), Key, Seconds, Value]),
    once(&[W("PSETEX"), Key, Millis, Value]),
    once(&[W("GETSET"), Key, Value]),
    once(&[W("GETDEL"), Key]),
    often(
        20,
        &[
            W("GETEX"),
            Key,
            Options(&[
                &[W("EX"), Seconds],
                &[W("PX"), Millis],
                &[W("EXAT"), AtSeconds],
                &[W("PXAT"), AtMillis],
                &[W("PERSIST")],
            ]),
        ],
    ),
    once(&[W("MGET"), Repeat(&[Key])]),
    often(15, &[W("MSET"), Repeat(&[Key, Value])]),
    once(&[W("MSETNX"), Repeat(&[Key, Value])]),
    once(&[W("APPEND"), Key, Value]),
    once(&[W("STRLEN"), Key]),
    once(&[W("INCR"), Key]),
    once(&[W("DECR"), Key]),
    often(15, &[W("INCRBY"), Key, Int]),
    once(&[W("DECRBY"), Key, Int]),
    often(25, &[W("INCRBYFLOAT"), Key, Float]),
    often(15, &[W("GETRANGE"), Key, Small, Small]),
    once(&[W("SUBSTR"), Key, Small, Small]),
    often(15, &[W("SETRANGE"), Key, Small, Value]),
    often(
        20,
        &[
            W("LCS"),
            Key,
            Key,
            Options(&[&[W("LEN")], &[W("IDX")], &[W("MINMATCHLEN"), Int], &[W("WITHMATCHLEN")]]),
        ],
    ),
    rare(&[Nonsense, Repeat(&[Nonsense])]),
    rare(&[Nonsense]),
];

const KEYS: &[Template] = &[
    once(&[W("DEL"), Repeat(&[Key])]),
    once(&[W("UNLINK"), Repeat(&[Key])]),
    once(&[W("EXISTS"), Repeat(&[Key])]),
    once(&[W("TOUCH"), Repeat(&[Key])]),
    once(&[W("TYPE"), Key]),
    once(&[W("KEYS"), Pattern]),
    once(&[
        W("SCAN"),
        Cursor,
        Options(&[&[W("MATCH"), Pattern], &[W("COUNT"), Int], &[W("TYPE"), Nonsense]]),
    ]),
    rare(&[W("RANDOMKEY")]),
    once(&[W("RENAME"), Key, Key]),
    once(&[W("RENAMENX"), Key, Key]),
    often(20, &[W("COPY"), Key, Key, Options(&[&[W("DB"), Db], &[W("REPLACE")]])]),
    once(&[W("MOVE"), Key, Db]),
    often(15, &[W("OBJECT"), W("ENCODING"), Key]),
    rare(&[W("OBJECT"), W("REFCOUNT"), Key]),
    rare(&[W("OBJECT"), W("IDLETIME"), Key]),
    rare(&[W("OBJECT"), W("FREQ"), Key]),
    rare(&[W("OBJECT"), OneOf(&[&[W("HELP")], &[Nonsense], &[Nonsense, Key]])]),
];

const CONDITION: Arg = Options(&[&[W("NX")], &[W("XX")], &[W("GT")], &[W("LT")]]);

const EXPIRY: &[Template] = &[
    often(15, &[W("EXPIRE"), Key, Seconds, CONDITION]),
    often(15, &[W("PEXPIRE"), Key, Millis, CONDITION]),
    often(15, &[W("EXPIREAT"), Key, AtSeconds, CONDITION]),
    often(15, &[W("PEXPIREAT"), Key, AtMillis, CONDITION]),
    often(15, &[W("TTL"), Key]),
    once(&[W("PTTL"), Key]),
    once(&[W("EXPIRETIME"), Key]),
    often(15, &[W("PEXPIRETIME"), Key]),
    once(&[W("PERSIST"), Key]),
];

const DATABASES: &[Template] = &[
    often(20, &[W("SELECT"), Db]),
    once(&[W("SWAPDB"), Db, Db]),
    once(&[W("DBSIZE")]),
    rare(&[W("FLUSHDB"), Maybe(&[OneOf(&[&[W("ASYNC")], &[W("SYNC")], &[Nonsense]])])]),
    often(1, &[W("FLUSHALL"), Maybe(&[OneOf(&[&[W("ASYNC")], &[W("SYNC")], &[Nonsense]])])]),
];

const CONNECTION: &[Template] = &[
    once(&[W("PING"), Maybe(&[Value])]),
    once(&[W("ECHO"), Value]),
    often(1, &[W("QUIT")]),
    rare(&[W("RESET")]),
    once(&[
        W("HELLO"),
        Maybe(&[OneOf(&[&[Text("2")], &[Text("3")], &[Text("3")], &[Int]])]),
        Options(&[&[W("SETNAME"), Name], &[W("AUTH"), Text("default"), Value]]),
    ]),
    rare(&[W("AUTH"), Value]),
    rare(&[W("AUTH"), OneOf(&[&[Text("default")], &[Name]]), Value]),
    once(&[W("CLIENT"), W("GETNAME")]),
    once(&[W("CLIENT"), W("SETNAME"), Name]),
    rare(&[W("CLIENT"), W("ID")]),
    rare(&[W("CLIENT"), W("INFO")]),
    rare(&[W("CLIENT"), W("LIST"), Maybe(&[W("TYPE"), W("NORMAL")])]),
    fixed(&[W("CLIENT"), W("LIST"), W("ID"), OneOf(&[&[Int], &[Nonsense]])]),
    fixed(&[W("CLIENT"), W("LIST"), W("TYPE"), Nonsense]),
    once(&[W("CLIENT"), W("NO-EVICT"), OneOf(&[&[W("ON")], &[W("OFF")], &[Nonsense]])]),
    rare(&[W("CLIENT"), W("HELP")]),
    rare(&[W("CLIENT"), Nonsense, Maybe(&[Nonsense])]),
    rare(&[W("CLIENT")]),
    fixed(&[
        W("CLIENT"),
        W("KILL"),
        OneOf(&[
            &[Text("127.0.0.1:1")],
            &[W("ADDR"), Text("127.0.0.1:1")],
            &[W("LADDR"), Text("127.0.0.1:1")],
            &[W("ID"), Text("999999999")],
            &[W("ID"), Text("abc")],
            &[W("ID"), Text("0")],
            &[W("ID"), Text("-1")],
            &[W("USER"), Text("nobody")],
            &[W("TYPE"), Text("pubsub")],
            &[W("TYPE"), Text("nonsense")],
            &[W("SKIPME"), W("YES"), W("ID"), Text("999999999")],
            &[W("SKIPME"), Text("maybe"), W("ID"), Text("999999999")],
            &[W("ID")],
            &[W("ID"), Text("999999999"), W("ADDR")],
            &[],
        ]),
    ]),
    fixed(&[W("CLIENT"), W("REPLY"), Text("maybe")]),
];

const REPLY: &[Template] = &[fixed(&[
    W("CLIENT"),
    W("REPLY"),
    OneOf(&[&[W("ON")], &[W("OFF")], &[W("SKIP")], &[W("SKIP")], &[Text("maybe")], &[]]),
])];

const PASSWORD: &[Template] = &[
    often(10, &[W("AUTH"), Text("sesame")]),
    often(10, &[W("AUTH"), Text("default"), Text("sesame")]),
    often(10, &[W("AUTH"), OneOf(&[&[Value], &[Name, Value], &[Name, Text("sesame")]])]),
    often(
        10,
        &[
            W("HELLO"),
            OneOf(&[&[Text("2")], &[Text("3")], &[Int]]),
            Options(&[
                &[W("AUTH"), Text("default"), Text("sesame")],
                &[W("AUTH"), Text("default"), Value],
                &[W("SETNAME"), Name],
            ]),
        ],
    ),
    often(6, &[W("RESET")]),
    often(1, &[W("QUIT")]),
];

const SERVER: &[Template] = &[
    once(&[W("COMMAND"), W("INFO"), Repeat(&[CommandName])]),
    once(&[W("COMMAND"), W("GETKEYS"), Nested]),
    once(&[W("COMMAND"), W("GETKEYSANDFLAGS"), Nested]),
    rare(&[W("COMMAND"), W("COUNT")]),
    rare(&[W("COMMAND"), W("DOCS"), Repeat(&[CommandName])]),
    rare(&[
        W("COMMAND"),
        W("LIST"),
        W("FILTERBY"),
        OneOf(&[&[W("PATTERN"), Pattern], &[W("ACLCAT"), Name], &[W("MODULE"), Name]]),
    ]),
    rare(&[W("COMMAND"), OneOf(&[&[W("HELP")], &[Nonsense]])]),
    once(&[W("CONFIG"), W("GET"), Repeat(&[CONFIG_NAME])]),
    fixed(&[
        W("CONFIG"),
        W("SET"),
        OneOf(&[
            &[Text("nosuch"), Value],
            &[Text("proto-max-bulk-len")],
            &[Text("proto-max-bulk-len"), STRING_LIMIT],
            &[Text("PROTO-MAX-BULK-LEN"), STRING_LIMIT, Text("proto-max-bulk-len"), STRING_LIMIT],
            &[Text("client-query-buffer-limit"), MEMORY],
            &[Text("client-query-buffer-limit"), MEMORY, Text("proto-max-bulk-len"), STRING_LIMIT],
            &[Text("protected-mode"), OneOf(&[&[Text("yes")], &[Text("maybe")], &[Text("")]])],
            &[
                Text("maxclients"),
                OneOf(&[&[Text("0")], &[Text("abc")], &[Text("-1")], &[Text("")]]),
            ],
            &[Text("databases"), Int],
            &[],
        ]),
    ]),
    rare(&[W("CONFIG"), OneOf(&[&[W("RESETSTAT")], &[W("REWRITE")], &[W("HELP")], &[Nonsense]])]),
    rare(&[W("INFO"), Maybe(&[Repeat(&[INFO_SECTION])])]),
    rare(&[W("TIME")]),
    rare(&[W("LASTSAVE")]),
    rare(&[W("ROLE")]),
    rare(&[
        W("MEMORY"),
        OneOf(&[
            &[W("USAGE"), Key],
            &[W("USAGE"), Key, W("SAMPLES"), Int],
            &[W("HELP")],
            &[Nonsense],
        ]),
    ]),
    fixed(&[W("SHUTDOWN"), OneOf(&[&[W("ABORT")], &[Text("later")], &[W("ABORT"), W("NOW")]])]),
    fixed(&[
        W("DEBUG"),
        OneOf(&[
            &[W("SLEEP"), Text("0")],
            &[W("PROTOCOL"), PROTOCOL_TYPE],
            &[W("PROTOCOL"), PROTOCOL_TYPE],
            &[W("ERROR"), Text("MYERR a text")],
            &[W("SET-ACTIVE-EXPIRE"), Text("1")],
            &[W("OBJECT"), Text("no such key")],
            &[Text("nonsense")],
            &[Text("nonsense"), Value],
            &[],
        ]),
    ]),
];

const CONFIG_NAME: Arg = OneOf(&[
    &[Text("databases")],
    &[Text("maxmemory")],
    &[Text("maxmemory-policy")],
    &[Text("requirepass")],
    &[Text("proto-max-bulk-len")],
    &[Text("client-query-buffer-limit")],
    &[Text("timeout")],
    &[Text("save")],
    &[Text("SAVE")],
    &[Text("notify-keyspace-events")],
    &[Text("latency-tracking")],
    &[Text("daemonize")],
    &[Text("cluster-enabled")],
    &[Text("max[m]emory-polic?")],
    &[Text("nosuch")],
    &[Text("")],
]);

/// Limits of a string's length. None is longer than the usual one, or both servers would fill
/// gigabytes with zeros when asked to.
const STRING_LIMIT: Arg = OneOf(&[
    &[Text("1mb")],
    &[Text("2m")],
    &[Text("1048576")],
    &[Text("1048575")],
    &[Text("536870912")],
    &[Text("512MB")],
    &[Text("0")],
    &[Text("-1")],
    &[Text("abc")],
    &[Text("")],
    &[Text("99999999999999999999")],
    &[Text("9223372036854775808")],
]);

const MEMORY: Arg = OneOf(&[
    &[Text("1mb")],
    &[Text("2gb")],
    &[Text("1g")],
    &[Text("100")],
    &[Text("0")],
    &[Text("-1")],
    &[Text("abc")],
    &[Text("")],
    &[Text("1xb")],
    &[Text("1 mb")],
    &[Text("536870912")],
    &[Text("99999999999999999999")],
    &[Text("9223372036854775807")],
    &[Text("9223372036854775808")],
    &[Text("10GB")],
]);

const INFO_SECTION: Arg = OneOf(&[
    &[W("server")],
    &[W("clients")],
    &[W("memory")],
    &[W("persistence")],
    &[W("keyspace")],
    &[W("all")],
    &[W("everything")],
    &[W("default")],
    &[Nonsense],
]);

const PROTOCOL_TYPE: Arg = OneOf(&[
    &[W("string")],
    &[W("integer")],
    &[W("double")],
    &[W("bignum")],
    &[W("null")],
    &[W("array")],
    &[W("set")],
    &[W("map")],
    &[W("attrib")],
    &[W("push")],
    &[W("verbatim")],
    &[W("true")],
    &[W("false")],
    &[Text("nonsense")],
]);

const SCAN_OPTIONS: &[Template] = &[
    fixed(&[]),
    fixed(&[W("COUNT"), OneOf(&[&[Text("1")], &[Text("3")], &[Text("1000")]])]),
    fixed(&[W("MATCH"), Pattern]),
    fixed(&[W("TYPE"), OneOf(&[&[W("string")], &[W("list")], &[Text("nonsense")]])]),
    fixed(&[W("MATCH"), Pattern, W("COUNT"), Text("2"), W("TYPE"), W("string")]),
];
