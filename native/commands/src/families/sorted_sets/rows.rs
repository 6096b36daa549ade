//! The sorted sets' part of the command table.

use super::{add, combine, get, pop, random, read, remove, scan};
use crate::table::{Begin, Command, Find, Flag, KeySpec};

/// The family's part of the command table.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "zadd",
        arity: -4,
        summary: "Adds members with scores to a sorted set, or changes their scores.",
        complexity: "O(M*log(N)) for M pairs",
        handler: Some(add::zadd),
        ..WRITE
    },
    Command {
        name: "zincrby",
        arity: 4,
        keys: &[key(&["RW", "access", "update"])],
        summary: "Adds a number to the score of a member of a sorted set.",
        complexity: "O(log(N))",
        handler: Some(add::zincrby),
        ..WRITE
    },
    Command {
        name: "zrem",
        arity: -3,
        flags: &[Flag::Write, Flag::Fast],
        keys: &[key(&["RW", "delete"])],
        summary: "Removes members from a sorted set.",
        complexity: "O(M*log(N)) for M members",
        handler: Some(remove::zrem),
        ..WRITE
    },
    Command {
        name: "zcard",
        arity: 2,
        keys: &[key(&["RO"])],
        summary: "Returns the number of members of a sorted set.",
        handler: Some(get::zcard),
        ..READ
    },
    Command {
        name: "zscore",
        arity: 3,
        summary: "Returns the score of a member of a sorted set.",
        handler: Some(get::zscore),
        ..READ
    },
    Command {
        name: "zmscore",
        arity: -3,
        since: "6.2.0",
        summary: "Returns the scores of several members of a sorted set.",
        complexity: "O(M) for M members",
        handler: Some(get::zmscore),
        ..READ
    },
    Command {
        name: "zrank",
        arity: -3,
        since: "2.0.0",
        summary: "Returns the rank of a member, counted from the lowest score.",
        complexity: "O(log(N))",
        handler: Some(get::zrank),
        ..READ
    },
    Command {
        name: "zrevrank",
        arity: -3,
        since: "2.0.0",
        summary: "Returns the rank of a member, counted from the highest score.",
        complexity: "O(log(N))",
        handler: Some(get::zrevrank),
        ..READ
    },
    Command {
        name: "zrange",
        arity: -4,
        flags: &[Flag::Readonly],
        categories: &["read", "sortedset", "slow"],
        summary: "Returns a range of a sorted set: by rank, score or member, in either direction.",
        complexity: "O(log(N)+M) for M members returned",
        handler: Some(read::zrange),
        ..READ
    },
    Command {
        name: "zrangestore",
        arity: -5,
        flags: &[Flag::Write, Flag::DenyOom],
        categories: &["write", "sortedset", "slow"],
        keys: &[key(&["OW", "update"]), second(&["RO", "access"])],
        since: "6.2.0",
        summary: "Stores a range of a sorted set as another one.",
        complexity: "O(log(N)+M) for M members stored",
        handler: Some(read::zrangestore),
        ..WRITE
    },
    Command {
        name: "zrevrange",
        arity: -4,
        flags: &[Flag::Readonly],
        categories: &["read", "sortedset", "slow"],
        summary: "Returns a range of ranks, counted from the highest score.",
        complexity: "O(log(N)+M) for M members returned",
        handler: Some(read::zrevrange),
        ..READ
    },
    Command {
        name: "zrangebyscore",
        arity: -4,
        flags: &[Flag::Readonly],
        categories: &["read", "sortedset", "slow"],
        since: "1.0.5",
        summary: "Returns the members with scores in a range.",
        complexity: "O(log(N)+M) for M members returned",
        handler: Some(read::zrangebyscore),
        ..READ
    },
    Command {
        name: "zrevrangebyscore",
        arity: -4,
        flags: &[Flag::Readonly],
        categories: &["read", "sortedset", "slow"],
        since: "2.2.0",
        summary: "Returns the members with scores in a range, the highest first.",
        complexity: "O(log(N)+M) for M members returned",
        handler: Some(read::zrevrangebyscore),
        ..READ
    },
    Command {
        name: "zrangebylex",
        arity: -4,
        flags: &[Flag::Readonly],
        categories: &["read", "sortedset", "slow"],
        since: "2.8.9",
        summary: "Returns the members in a range of bytes, of a set whose scores are equal.",
        complexity: "O(log(N)+M) for M members returned",
        handler: Some(read::zrangebylex),
        ..READ
    },
    Command {
        name: "zrevrangebylex",
        arity: -4,
        flags: &[Flag::Readonly],
        categories: &["read", "sortedset", "slow"],
        since: "2.8.9",
        summary: "Returns the members in a range of bytes, the last first, of a set whose scores are equal.",
        complexity: "O(log(N)+M) for M members returned",
        handler: Some(read::zrevrangebylex),
        ..READ
    },
    Command {
        name: "zcount",
        arity: 4,
        since: "2.0.0",
        summary: "Counts the members with scores in a range.",
        complexity: "O(log(N))",
        handler: Some(get::zcount),
        ..READ
    },
    Command {
        name: "zlexcount",
        arity: 4,
        since: "2.8.9",
        summary: "Counts the members in a range of bytes, of a set whose scores are equal.",
        complexity: "O(log(N))",
        handler: Some(get::zlexcount),
        ..READ
    },
    Command {
        name: "zremrangebyrank",
        arity: 4,
        flags: &[Flag::Write],
        categories: &["write", "sortedset", "slow"],
        keys: &[key(&["RW", "delete"])],
        since: "2.0.0",
        summary: "Removes the members with ranks in a range.",
        complexity: "O(log(N)+M) for M members removed",
        handler: Some(remove::zremrangebyrank),
        ..WRITE
    },
    Command {
        name: "zremrangebyscore",
        arity: 4,
        flags: &[Flag::Write],
        categories: &["write", "sortedset", "slow"],
        keys: &[key(&["RW", "delete"])],
        summary: "Removes the members with scores in a range.",
        complexity: "O(log(N)+M) for M members removed",
        handler: Some(remove::zremrangebyscore),
        ..WRITE
    },
    Command {
        name: "zremrangebylex",
        arity: 4,
        flags: &[Flag::Write],
        categories: &["write", "sortedset", "slow"],
        keys: &[key(&["RW", "delete"])],
        since: "2.8.9",
        summary: "Removes the members in a range of bytes, of a set whose scores are equal.",
        complexity: "O(log(N)+M) for M members removed",
        handler: Some(remove::zremrangebylex),
        ..WRITE
    },
    Command {
        name: "zpopmin",
        arity: -2,
        flags: &[Flag::Write, Flag::Fast],
        keys: &[key(&["RW", "access", "delete"])],
        since: "5.0.0",
        summary: "Removes and returns the members with the lowest scores.",
        complexity: "O(log(N)+M) for M members returned",
        handler: Some(pop::zpopmin),
        ..WRITE
    },
    Command {
        name: "zpopmax",
        arity: -2,
        flags: &[Flag::Write, Flag::Fast],
        keys: &[key(&["RW", "access", "delete"])],
        since: "5.0.0",
        summary: "Removes and returns the members with the highest scores.",
        complexity: "O(log(N)+M) for M members returned",
        handler: Some(pop::zpopmax),
        ..WRITE
    },
    Command {
        name: "zmpop",
        arity: -4,
        flags: &[Flag::Write, Flag::MovableKeys],
        categories: &["write", "sortedset", "slow"],
        keys: &[counted(&["RW", "access", "delete"], 1)],
        since: "7.0.0",
        summary: "Removes and returns members from an end of the first sorted set that has any.",
        complexity: "O(K)+O(log(N)+M) for K keys and M members returned",
        handler: Some(pop::zmpop),
        ..WRITE
    },
    Command {
        name: "bzpopmin",
        summary: "Removes and returns the member with the lowest score; waits for one.",
        handler: Some(pop::bzpopmin),
        ..WAIT
    },
    Command {
        name: "bzpopmax",
        summary: "Removes and returns the member with the highest score; waits for one.",
        handler: Some(pop::bzpopmax),
        ..WAIT
    },
    Command {
        name: "bzmpop",
        arity: -5,
        flags: &[Flag::Write, Flag::Blocking, Flag::MovableKeys],
        categories: &["write", "sortedset", "slow", "blocking"],
        keys: &[counted(&["RW", "access", "delete"], 2)],
        since: "7.0.0",
        summary: "Removes and returns members from an end of the first sorted set that has any; waits for one.",
        complexity: "O(K)+O(M*log(N)) for K keys and M members returned",
        handler: Some(pop::bzmpop),
        ..WAIT
    },
    Command {
        name: "zrandmember",
        arity: -2,
        flags: &[Flag::Readonly],
        categories: &["read", "sortedset", "slow"],
        tips: &["nondeterministic_output"],
        since: "6.2.0",
        summary: "Returns random members of a sorted set.",
        complexity: "O(M*log(N)) for M members returned",
        handler: Some(random::zrandmember),
        ..READ
    },
    Command {
        name: "zscan",
        arity: -3,
        flags: &[Flag::Readonly],
        categories: &["read", "sortedset", "slow"],
        tips: &["nondeterministic_output"],
        since: "2.8.0",
        summary: "Returns a part of the members and scores of a sorted set, and where to go on.",
        complexity: "O(1) a call, O(N) for all",
        handler: Some(scan::zscan),
        ..READ
    },
    Command {
        name: "zunion",
        arity: -3,
        flags: &[Flag::Readonly, Flag::MovableKeys],
        categories: &["read", "sortedset", "slow"],
        keys: &[counted(&["RO", "access"], 1)],
        since: "6.2.0",
        summary: "Returns the union of sorted sets.",
        complexity: "O(N)+O(M*log(M)) for N members in all inputs and M in the result",
        handler: Some(combine::zunion),
        ..READ
    },
    Command {
        name: "zinter",
        arity: -3,
        flags: &[Flag::Readonly, Flag::MovableKeys],
        categories: &["read", "sortedset", "slow"],
        keys: &[counted(&["RO", "access"], 1)],
        since: "6.2.0",
        summary: "Returns the intersection of sorted sets.",
        complexity: "O(N*K)+O(M*log(M)) for K inputs, N members in the smallest and M in the result",
        handler: Some(combine::zinter),
        ..READ
    },
    Command {
        name: "zdiff",
        arity: -3,
        flags: &[Flag::Readonly, Flag::MovableKeys],
        categories: &["read", "sortedset", "slow"],
        keys: &[counted(&["RO", "access"], 1)],
        since: "6.2.0",
        summary: "Returns the members of a sorted set that no other one has.",
        complexity: "O(N)+O(M*log(M)) for N members in all inputs and M in the result",
        handler: Some(combine::zdiff),
        ..READ
    },
    Command {
        name: "zintercard",
        arity: -3,
        flags: &[Flag::Readonly, Flag::MovableKeys],
        categories: &["read", "sortedset", "slow"],
        keys: &[counted(&["RO", "access"], 1)],
        since: "7.0.0",
        summary: "Counts the members of the intersection of sorted sets.",
        complexity: "O(N*K) for K inputs and N members in the smallest",
        handler: Some(combine::zintercard),
        ..READ
    },
    Command {
        name: "zunionstore",
        arity: -4,
        flags: &[Flag::Write, Flag::DenyOom, Flag::MovableKeys],
        categories: &["write", "sortedset", "slow"],
        keys: &[key(&["OW", "update"]), counted(&["RO", "access"], 2)],
        since: "2.0.0",
        summary: "Stores the union of sorted sets.",
        complexity: "O(N)+O(M*log(M)) for N members in all inputs and M in the result",
        handler: Some(combine::zunionstore),
        ..WRITE
    },
    Command {
        name: "zinterstore",
        arity: -4,
        flags: &[Flag::Write, Flag::DenyOom, Flag::MovableKeys],
        categories: &["write", "sortedset", "slow"],
        keys: &[key(&["OW", "update"]), counted(&["RO", "access"], 2)],
        since: "2.0.0",
        summary: "Stores the intersection of sorted sets.",
        complexity: "O(N*K)+O(M*log(M)) for K inputs, N members in the smallest and M in the result",
        handler: Some(combine::zinterstore),
        ..WRITE
    },
    Command {
        name: "zdiffstore",
        arity: -4,
        flags: &[Flag::Write, Flag::DenyOom, Flag::MovableKeys],
        categories: &["write", "sortedset", "slow"],
        keys: &[key(&["OW", "update"]), counted(&["RO", "access"], 2)],
        since: "6.2.0",
        summary: "Stores the members of a sorted set that no other one has.",
        complexity: "O(N)+O(M*log(M)) for N members in all inputs and M in the result",
        handler: Some(combine::zdiffstore),
        ..WRITE
    },
];

/// What commands that read one key in a short time have in common.
const READ: Command = Command {
    name: "",
    arity: 0,
    flags: &[Flag::Readonly, Flag::Fast],
    categories: &["read", "sortedset", "fast"],
    keys: &[key(&["RO", "access"])],
    tips: &[],
    group: "sorted-set",
    since: "1.2.0",
    summary: "",
    complexity: "O(1)",
    handler: None,
    subcommands: &[],
    long: false,
};

/// What commands that change one key have in common.
const WRITE: Command = Command {
    flags: &[Flag::Write, Flag::DenyOom, Flag::Fast],
    categories: &["write", "sortedset", "fast"],
    keys: &[key(&["RW", "update"])],
    ..READ
};

/// What commands that wait for a member have in common.
const WAIT: Command = Command {
    arity: -3,
    flags: &[Flag::Write, Flag::NoScript, Flag::Blocking, Flag::Fast],
    categories: &["write", "sortedset", "fast", "blocking"],
    keys: &[names_before_timeout()],
    since: "5.0.0",
    complexity: "O(log(N))",
    ..WRITE
};

/// All arguments but the last, which is a timeout, are keys.
const fn names_before_timeout() -> KeySpec {
    let find = Find::Range { last: -2, step: 1, limit: 0 };
    KeySpec { find, ..key(&["RW", "access", "delete"]) }
}

/// The first argument is a key.
const fn key(flags: &'static [&'static str]) -> KeySpec {
    one(flags, Begin::Index(1))
}

/// The second argument is a key.
const fn second(flags: &'static [&'static str]) -> KeySpec {
    one(flags, Begin::Index(2))
}

/// The argument at `index` says how many keys follow it.
const fn counted(flags: &'static [&'static str], index: i32) -> KeySpec {
    let find = Find::KeyNum { num: 0, first: 1, step: 1 };
    KeySpec { flags, notes: "", begin: Begin::Index(index), find }
}

const fn one(flags: &'static [&'static str], begin: Begin) -> KeySpec {
    KeySpec { flags, notes: "", begin, find: Find::Range { last: 0, step: 1, limit: 0 } }
}
