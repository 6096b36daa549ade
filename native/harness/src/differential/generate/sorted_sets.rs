//! Commands on sorted sets.

use super::families::{fixed, often, once, rare};
use super::lists::WAIT;
use super::template::Arg::{
    Float, Int, Key, Maybe, Nonsense, OneOf, Options, Pattern, Repeat, Small, Text, Value, W,
};
use super::template::{Arg, Template};

/// Mostly keys that only commands on sorted sets use, so that the sets live for some time.
const SET: Arg = OneOf(&[&[Text("z1")], &[Text("z1")], &[Text("z2")], &[Text("z{tag}")], &[Key]]);

/// A set whose scores are all equal, as ranges of members need it.
const LEX_SET: Arg = OneOf(&[&[Text("zlex")], &[Text("zlex")], &[Text("zlex")], &[SET]]);

const MEMBER: Arg = OneOf(&[
    &[Text("a")],
    &[Text("b")],
    &[Text("c")],
    &[Text("aa")],
    &[Text("ab")],
    &[Text("")],
    &[Text("10")],
    &[Small],
    &[Value],
]);

const SCORE: Arg = OneOf(&[
    &[Text("0")],
    &[Text("1")],
    &[Text("-1")],
    &[Text("2")],
    &[Text("1.5")],
    &[Text("-0")],
    &[Text("inf")],
    &[Text("-inf")],
    &[Text("100000")],
    &[Small],
    &[Int],
    &[Float],
]);

/// An end of a range of scores.
const END: Arg = OneOf(&[
    &[Text("-inf")],
    &[Text("+inf")],
    &[Text("0")],
    &[Text("(0")],
    &[Text("1")],
    &[Text("(1")],
    &[Text("(2")],
    &[Text("3")],
    &[Text(" 1")],
    &[Text("")],
    &[Text("(")],
    &[Text("1e999")],
    &[SCORE],
]);

/// An end of a range of members.
const LEX_END: Arg = OneOf(&[
    &[Text("-")],
    &[Text("+")],
    &[Text("[a")],
    &[Text("(a")],
    &[Text("[ab")],
    &[Text("(b")],
    &[Text("[c")],
    &[Text("[")],
    &[Text("(")],
    &[Text("-x")],
    &[MEMBER],
]);

const RANK: Arg = OneOf(&[
    &[Text("0")],
    &[Text("1")],
    &[Text("2")],
    &[Text("-1")],
    &[Text("-2")],
    &[Small],
    &[Int],
]);

const FEW: Arg = Repeat(&[SCORE, MEMBER]);
const MANY: Arg = Repeat(&[FEW]);

const ADD_OPTIONS: Arg = Options(&[
    &[W("NX")],
    &[W("XX")],
    &[W("GT")],
    &[W("LT")],
    &[W("CH")],
    &[W("CH")],
    &[W("INCR")],
]);

const LIMIT: &[Arg] = &[W("LIMIT"), RANK, RANK];

const RANGE_OPTIONS: Arg = Options(&[&[W("WITHSCORES")], &[W("REV")], LIMIT]);

const OLD_OPTIONS: Arg = Options(&[&[W("WITHSCORES")], LIMIT]);

const MEMBERS: Arg = Repeat(&[MEMBER]);

/// What can be combined: sorted sets, and plain ones.
const ANY_SET: Arg = OneOf(&[&[SET], &[SET], &[SET], &[Text("zplain")]]);

/// A number of keys and so many keys, or not.
const SETS: Arg = OneOf(&[
    &[Text("1"), ANY_SET],
    &[Text("2"), ANY_SET, ANY_SET],
    &[Text("2"), ANY_SET, ANY_SET],
    &[Text("3"), ANY_SET, ANY_SET, ANY_SET],
    &[Int, ANY_SET],
]);

const AGGREGATE: &[Arg] =
    &[W("AGGREGATE"), OneOf(&[&[W("SUM")], &[W("MIN")], &[W("MAX")], &[Nonsense]])];

const COMBINE_OPTIONS: Arg =
    Options(&[&[W("WEIGHTS"), SCORE], &[W("WEIGHTS"), SCORE, SCORE], AGGREGATE]);

const REPLY_OPTIONS: Arg =
    Options(&[&[W("WITHSCORES")], &[W("WITHSCORES")], &[W("WEIGHTS"), SCORE, SCORE], AGGREGATE]);

const POP_END: Arg = OneOf(&[&[W("MIN")], &[W("MAX")], &[W("MIN")], &[W("MAX")], &[Nonsense]]);

pub(super) const TEMPLATES: &[Template] = &[
    often(40, &[W("ZADD"), SET, FEW]),
    often(20, &[W("ZADD"), SET, MANY]),
    often(30, &[W("ZADD"), SET, ADD_OPTIONS, SCORE, MEMBER]),
    often(15, &[W("ZADD"), SET, ADD_OPTIONS, FEW]),
    often(20, &[W("ZADD"), Text("zlex"), Repeat(&[Text("0"), MEMBER])]),
    once(&[W("SADD"), Text("zplain"), MEMBERS]),
    often(15, &[W("ZINCRBY"), SET, SCORE, MEMBER]),
    often(15, &[W("ZREM"), SET, MEMBERS]),
    once(&[W("ZCARD"), SET]),
    often(15, &[W("ZSCORE"), SET, MEMBER]),
    once(&[W("ZMSCORE"), SET, MEMBERS]),
    often(15, &[W("ZRANK"), SET, MEMBER]),
    once(&[W("ZREVRANK"), SET, MEMBER]),
    often(20, &[W("ZRANGE"), SET, Text("0"), Text("-1"), Maybe(&[W("WITHSCORES")])]),
    often(15, &[W("ZRANGE"), SET, RANK, RANK, RANGE_OPTIONS]),
    often(15, &[W("ZRANGE"), SET, END, END, W("BYSCORE"), RANGE_OPTIONS]),
    often(15, &[W("ZRANGE"), LEX_SET, LEX_END, LEX_END, W("BYLEX"), RANGE_OPTIONS]),
    once(&[W("ZREVRANGE"), SET, RANK, RANK, OLD_OPTIONS]),
    often(15, &[W("ZRANGEBYSCORE"), SET, END, END, OLD_OPTIONS]),
    once(&[W("ZREVRANGEBYSCORE"), SET, END, END, OLD_OPTIONS]),
    once(&[W("ZRANGEBYLEX"), LEX_SET, LEX_END, LEX_END, OLD_OPTIONS]),
    once(&[W("ZREVRANGEBYLEX"), LEX_SET, LEX_END, LEX_END, OLD_OPTIONS]),
    once(&[W("ZRANGESTORE"), SET, SET, RANK, RANK, Maybe(&[W("REV")])]),
    once(&[W("ZRANGESTORE"), SET, SET, END, END, W("BYSCORE"), RANGE_OPTIONS]),
    rare(&[W("ZRANGESTORE"), SET, LEX_SET, LEX_END, LEX_END, W("BYLEX"), RANGE_OPTIONS]),
    once(&[W("ZCOUNT"), SET, END, END]),
    once(&[W("ZLEXCOUNT"), LEX_SET, LEX_END, LEX_END]),
    once(&[W("ZREMRANGEBYRANK"), SET, RANK, RANK]),
    once(&[W("ZREMRANGEBYSCORE"), SET, END, END]),
    once(&[W("ZREMRANGEBYLEX"), LEX_SET, LEX_END, LEX_END]),
    once(&[W("ZPOPMIN"), SET, Maybe(&[RANK])]),
    once(&[W("ZPOPMAX"), SET, Maybe(&[RANK])]),
    once(&[W("BZPOPMIN"), Repeat(&[SET]), WAIT]),
    once(&[W("BZPOPMAX"), Repeat(&[SET]), WAIT]),
    once(&[W("BZMPOP"), WAIT, SETS, POP_END, Maybe(&[W("COUNT"), RANK])]),
    once(&[W("ZMPOP"), SETS, POP_END, Maybe(&[W("COUNT"), RANK])]),
    fixed(&[W("ZRANDMEMBER"), SET, Maybe(&[Small, Maybe(&[W("WITHSCORES")])])]),
    once(&[
        W("ZSCAN"),
        SET,
        OneOf(&[&[Text("0")], &[Text("0")], &[Text("0")], &[Nonsense]]),
        Options(&[&[W("MATCH"), Pattern], &[W("COUNT"), Int]]),
    ]),
    often(15, &[W("ZUNION"), SETS, REPLY_OPTIONS]),
    often(15, &[W("ZINTER"), SETS, REPLY_OPTIONS]),
    often(15, &[W("ZDIFF"), SETS, Maybe(&[W("WITHSCORES")])]),
    once(&[W("ZINTERCARD"), SETS, Maybe(&[W("LIMIT"), RANK])]),
    once(&[W("ZUNIONSTORE"), SET, SETS, COMBINE_OPTIONS]),
    once(&[W("ZINTERSTORE"), SET, SETS, COMBINE_OPTIONS]),
    once(&[W("ZDIFFSTORE"), SET, SETS]),
    often(15, &[W("OBJECT"), W("ENCODING"), SET]),
    once(&[W("TYPE"), SET]),
    rare(&[W("DEL"), SET]),
    rare(&[W("COPY"), SET, SET]),
    rare(&[W("RENAME"), SET, SET]),
    rare(&[W("EXPIRE"), SET, Text("100000")]),
    rare(&[W("TTL"), SET]),
];
