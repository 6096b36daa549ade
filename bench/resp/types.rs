//! The workloads on data types.

use crate::matrix::{Command, GET, SET, Workload, workload};

/// Connections.
const CLIENTS: u32 = 50;

/// Bytes of an element.
const ELEMENT: u32 = 16;

/// Each command at each depth of the pipeline.
pub fn workloads() -> Vec<Workload> {
    let commands = COMMANDS.iter();
    commands
        .flat_map(|command| [1, 16, 128].map(|depth| workload(*command, ELEMENT, depth, CLIENTS)))
        .collect()
}

const fn write(name: &'static str, words: &'static [&'static str]) -> Command {
    Command { name, words, fill: &[], consumes: false, sized: false }
}

const fn read(
    name: &'static str,
    words: &'static [&'static str],
    fill: &'static [&'static [&'static str]],
) -> Command {
    Command { name, words, fill, consumes: false, sized: false }
}

const LIST: &[&[&str]] = &[&["RPUSH", "list", "element:__rand_int__"]];
const HASH: &[&[&str]] = &[&["HSET", "hash", "field:__rand_int__", "__data__"]];
/// One hash of ten fields.
const SMALL_HASH: &[&[&str]] = &[&[
    "HSET", "small", "f0", "__data__", "f1", "__data__", "f2", "__data__", "f3", "__data__", "f4",
    "__data__", "f5", "__data__", "f6", "__data__", "f7", "__data__", "f8", "__data__", "f9",
    "__data__",
]];
const SET_OF: &[&[&str]] = &[&["SADD", "set", "member:__rand_int__"]];
const ZSET: &[&[&str]] = &[&["ZADD", "zset", "__rand_int__", "member:__rand_int__"]];
const STREAM: &[&[&str]] = &[&["XADD", "stream", "*", "field", "__data__"]];
const BITMAP: &[&[&str]] = &[&["SETRANGE", "bitmap", "12484", "__data__"]];
/// 100,000 places in a square of ten degrees.
const GEO: &[&[&str]] =
    &[&["GEOADD", "geo", "__rand_int__e-4", "__rand_int__e-4", "place:__rand_int__"]];

const COMMANDS: &[Command] = &[
    write("lpush", &["LPUSH", "pushed", "element:__rand_int__"]),
    Command {
        consumes: true,
        ..read("rpop", &["RPOP", "popped"], &[&["LPUSH", "popped", "element:__rand_int__"]])
    },
    read("lrange 100", &["LRANGE", "list", "0", "99"], LIST),
    read("lrange 600", &["LRANGE", "list", "0", "599"], LIST),
    write("hset", &["HSET", "hash", "field:__rand_int__", "__data__"]),
    write("hset, small hashes", &["HSET", "hash:__rand_int__", "field", "__data__"]),
    read("hget", &["HGET", "hash", "field:__rand_int__"], HASH),
    read("hgetall, 10 fields", &["HGETALL", "small"], SMALL_HASH),
    write("sadd", &["SADD", "set", "member:__rand_int__"]),
    read("sismember", &["SISMEMBER", "set", "member:__rand_int__"], SET_OF),
    write("zadd", &["ZADD", "zset", "__rand_int__", "member:__rand_int__"]),
    read("zrange 100", &["ZRANGE", "zset", "0", "99"], ZSET),
    read("zrank", &["ZRANK", "zset", "member:__rand_int__"], ZSET),
    read(
        "zrangebyscore limit 10",
        &["ZRANGEBYSCORE", "zset", "__rand_int__", "+inf", "LIMIT", "0", "10"],
        ZSET,
    ),
    write("xadd", &["XADD", "stream", "*", "field", "__data__"]),
    read("xrange 10", &["XRANGE", "stream", "-", "+", "COUNT", "10"], STREAM),
    write("pfadd", &["PFADD", "hll", "__rand_int__"]),
    read("bitcount, 12.5 KB", &["BITCOUNT", "bitmap"], BITMAP),
    read(
        "geosearch 10 of 100,000",
        &["GEOSEARCH", "geo", "FROMLONLAT", "5", "5", "BYRADIUS", "20", "km", "COUNT", "10", "ANY"],
        GEO,
    ),
    Command { sized: true, ..write("mset", &[]) },
    GET,
    SET,
];
