//! Commands on lists.

mod edit;
mod pop;
mod push;
mod read;
mod relocate;
mod search;
#[cfg(test)]
mod tests;
mod wait;

use crate::context::Fault;
use crate::numbers::parse_i64;
use crate::pattern::is_option;
use crate::table::{Begin, Command, Find, Flag, KeySpec};
use crate::values::list::End;

/// The family's part of the command table.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "lpush",
        summary: "Adds elements before the first one of a list, which is made if there is none.",
        handler: Some(push::lpush),
        ..PUSH
    },
    Command {
        name: "rpush",
        summary: "Adds elements after the last one of a list, which is made if there is none.",
        handler: Some(push::rpush),
        ..PUSH
    },
    Command {
        name: "lpushx",
        since: "2.2.0",
        summary: "Adds elements before the first one of a list that exists.",
        handler: Some(push::lpushx),
        ..PUSH
    },
    Command {
        name: "rpushx",
        since: "2.2.0",
        summary: "Adds elements after the last one of a list that exists.",
        handler: Some(push::rpushx),
        ..PUSH
    },
    Command {
        name: "lpop",
        summary: "Takes elements from the beginning of a list and returns them.",
        handler: Some(pop::lpop),
        ..POP
    },
    Command {
        name: "rpop",
        summary: "Takes elements from the end of a list and returns them.",
        handler: Some(pop::rpop),
        ..POP
    },
    Command {
        name: "lmpop",
        arity: -4,
        flags: &[Flag::Write, Flag::MovableKeys],
        categories: &["write", "list", "slow"],
        keys: &[KeySpec {
            find: Find::KeyNum { num: 0, first: 1, step: 1 },
            ..key(&["RW", "access", "delete"])
        }],
        since: "7.0.0",
        summary: "Takes elements from an end of the first of several lists that exists.",
        complexity: "O(N+M) for N keys and M elements returned",
        handler: Some(pop::lmpop),
        ..CHANGE
    },
    Command {
        name: "blpop",
        keys: &[names_before_timeout()],
        since: "2.0.0",
        summary: "Takes the first element of the first list that has one; waits for one.",
        handler: Some(wait::blpop),
        ..WAIT
    },
    Command {
        name: "brpop",
        keys: &[names_before_timeout()],
        since: "2.0.0",
        summary: "Takes the last element of the first list that has one; waits for one.",
        handler: Some(wait::brpop),
        ..WAIT
    },
    Command {
        name: "blmpop",
        arity: -5,
        flags: &[Flag::Write, Flag::Blocking, Flag::MovableKeys],
        keys: &[KeySpec {
            begin: Begin::Index(2),
            find: Find::KeyNum { num: 0, first: 1, step: 1 },
            ..key(&["RW", "access", "delete"])
        }],
        since: "7.0.0",
        summary: "Takes elements from an end of the first of several lists that exists; waits for one.",
        complexity: "O(N+M) for N keys and M elements returned",
        handler: Some(wait::blmpop),
        ..WAIT
    },
    Command {
        name: "blmove",
        arity: 6,
        flags: &[Flag::Write, Flag::DenyOom, Flag::NoScript, Flag::Blocking],
        keys: MOVE.keys,
        since: "6.2.0",
        summary: "Moves an element from an end of a list to an end of another; waits for one.",
        complexity: "O(1)",
        handler: Some(wait::blmove),
        ..WAIT
    },
    Command {
        name: "brpoplpush",
        arity: 4,
        flags: &[Flag::Write, Flag::DenyOom, Flag::NoScript, Flag::Blocking],
        keys: MOVE.keys,
        since: "2.2.0",
        summary: "Moves the last element of a list to the beginning of another; waits for one.",
        complexity: "O(1)",
        handler: Some(wait::brpoplpush),
        ..WAIT
    },
    Command {
        name: "llen",
        arity: 2,
        flags: &[Flag::Readonly, Flag::Fast],
        categories: &["read", "list", "fast"],
        keys: &[key(&["RO"])],
        summary: "Returns the number of elements of a list.",
        complexity: "O(1)",
        handler: Some(read::llen),
        ..READ
    },
    Command {
        name: "lindex",
        arity: 3,
        summary: "Returns the element at a position of a list.",
        complexity: "O(1) at the ends; elsewhere O(N) for the N thousand elements up to the nearer end",
        handler: Some(read::lindex),
        ..READ
    },
    Command {
        name: "lrange",
        arity: 4,
        summary: "Returns the elements between two positions of a list.",
        complexity: "O(S+N) for a range of N elements that begins S thousand from the nearer end",
        handler: Some(read::lrange),
        ..READ
    },
    Command {
        name: "lpos",
        arity: -3,
        since: "6.0.6",
        summary: "Finds the positions of the elements of a list that equal a given one.",
        complexity: "O(N) for N elements compared",
        handler: Some(search::lpos),
        ..READ
    },
    Command {
        name: "lset",
        arity: 4,
        flags: &[Flag::Write, Flag::DenyOom],
        keys: &[key(&["RW", "update"])],
        summary: "Replaces the element at a position of a list.",
        complexity: "O(1) at the ends; elsewhere O(N) for the N thousand elements up to the nearer end",
        handler: Some(edit::lset),
        ..CHANGE
    },
    Command {
        name: "linsert",
        arity: 5,
        flags: &[Flag::Write, Flag::DenyOom],
        keys: &[key(&["RW", "insert"])],
        since: "2.2.0",
        summary: "Adds an element before or after the first one of a list that equals a given one.",
        complexity: "O(N) for N elements before the given one",
        handler: Some(edit::linsert),
        ..CHANGE
    },
    Command {
        name: "lrem",
        arity: 4,
        keys: &[key(&["RW", "delete"])],
        summary: "Removes the elements of a list that equal a given one, or the first or last of them.",
        complexity: "O(N) for a list of N elements",
        handler: Some(edit::lrem),
        ..CHANGE
    },
    Command {
        name: "ltrim",
        arity: 4,
        keys: &[key(&["RW", "delete"])],
        summary: "Removes the elements of a list that are not between two positions.",
        complexity: "O(N) for N elements removed",
        handler: Some(edit::ltrim),
        ..CHANGE
    },
    Command {
        name: "lmove",
        arity: 5,
        since: "6.2.0",
        summary: "Moves an element from an end of a list to an end of another, or of the same.",
        handler: Some(relocate::lmove),
        ..MOVE
    },
    Command {
        name: "rpoplpush",
        arity: 3,
        since: "1.2.0",
        summary: "Moves the last element of a list to the beginning of another, or of the same.",
        handler: Some(relocate::rpoplpush),
        ..MOVE
    },
];

/// What commands that read a list have in common.
const READ: Command = Command {
    flags: &[Flag::Readonly],
    categories: &["read", "list", "slow"],
    keys: &[key(&["RO", "access"])],
    group: "list",
    since: "1.0.0",
    ..Command::BLANK
};

/// What commands that change a list have in common.
const CHANGE: Command =
    Command { flags: &[Flag::Write], categories: &["write", "list", "slow"], ..READ };

/// What commands that add elements at an end have in common.
const PUSH: Command = Command {
    arity: -3,
    flags: &[Flag::Write, Flag::DenyOom, Flag::Fast],
    categories: &["write", "list", "fast"],
    keys: &[key(&["RW", "insert"])],
    complexity: "O(N) for N elements",
    ..CHANGE
};

/// What commands that take elements from an end have in common.
const POP: Command = Command {
    arity: -2,
    flags: &[Flag::Write, Flag::Fast],
    categories: &["write", "list", "fast"],
    keys: &[key(&["RW", "access", "delete"])],
    complexity: "O(N) for N elements returned",
    ..CHANGE
};

/// What commands that move an element have in common.
const MOVE: Command = Command {
    flags: &[Flag::Write, Flag::DenyOom],
    keys: &[
        key(&["RW", "access", "delete"]),
        KeySpec { begin: Begin::Index(2), ..key(&["RW", "insert"]) },
    ],
    complexity: "O(1)",
    ..CHANGE
};

/// What commands that wait for an element have in common.
const WAIT: Command = Command {
    arity: -3,
    flags: &[Flag::Write, Flag::NoScript, Flag::Blocking],
    categories: &["write", "list", "slow", "blocking"],
    complexity: "O(N) for N keys",
    ..CHANGE
};

/// All arguments but the last, which is a timeout, are keys.
const fn names_before_timeout() -> KeySpec {
    let find = Find::Range { last: -2, step: 1, limit: 0 };
    KeySpec { find, ..key(&["RW", "access", "delete"]) }
}

/// The first argument is a key.
const fn key(flags: &'static [&'static str]) -> KeySpec {
    let find = Find::Range { last: 0, step: 1, limit: 0 };
    KeySpec { flags, notes: "", begin: Begin::Index(1), find }
}

/// Elements that may be compared on a normal scheduler.
const MAX_COMPARED: usize = 20_000;

/// Which end a word names.
fn parse_end(word: &[u8]) -> Result<End, Fault> {
    if is_option(word, "LEFT") {
        Ok(End::Left)
    } else if is_option(word, "RIGHT") {
        Ok(End::Right)
    } else {
        Err(Fault::error("ERR syntax error"))
    }
}

/// An integer that is not less than `min`; for anything else the error `otherwise`.
pub(super) fn parse_at_least(
    min: i64,
    word: &[u8],
    otherwise: &'static str,
) -> Result<usize, Fault> {
    let number = parse_i64(word).filter(|&number| number >= min);
    number.and_then(|number| usize::try_from(number).ok()).ok_or(Fault::error(otherwise))
}

/// Where element `index` of `len` is; negative ones count from the end. `None` when there is none.
fn position(index: i64, len: usize) -> Option<usize> {
    let index = if index < 0 { index.checked_add_unsigned(len as u64)? } else { index };
    usize::try_from(index).ok().filter(|&index| index < len)
}

/// The elements from `start` to `stop`, both included, of `len`: the first of them and their
/// number. Negative positions count from the end.
fn extent(start: i64, stop: i64, len: usize) -> (usize, usize) {
    let from_front = |at: i64| if at < 0 { at.saturating_add_unsigned(len as u64) } else { at };
    let start = usize::try_from(from_front(start)).unwrap_or(0);
    let Ok(stop) = usize::try_from(from_front(stop)) else { return (0, 0) };
    let end = stop.saturating_add(1).min(len);
    if start < end { (start, end - start) } else { (0, 0) }
}
