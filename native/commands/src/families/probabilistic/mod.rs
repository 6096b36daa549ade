//! Redis Stack's filters and sketches. Replies and error texts are theirs, with all their differences
//! from those of Redis's own commands: many errors have no code in front.

pub mod bloom;
pub mod count_min;
pub mod cuckoo;
pub mod t_digest;
pub mod top_k;

use ferric_resp::{Encoder, Protocol};

use crate::context::{Context, Fault};
use crate::families::wrong_arity;
use crate::table::{Begin, Command, Find, Flag, KeySpec};
use crate::values::{Collection, Held, Lookup, WRONG_TYPE};

/// What commands that only read one key have in common.
const READ: Command = Command {
    flags: &[Flag::Readonly, Flag::Fast],
    keys: &[key(&["RO", "access"])],
    since: "1.0.0",
    complexity: "O(k) for k hashes",
    ..Command::BLANK
};

/// What commands that change one key have in common.
const WRITE: Command = Command {
    flags: &[Flag::Write, Flag::DenyOom, Flag::Fast],
    keys: &[key(&["RW", "access", "update"])],
    ..READ
};

/// The first argument is a key.
const fn key(flags: &'static [&'static str]) -> KeySpec {
    let find = Find::Range { last: 0, step: 1, limit: 0 };
    KeySpec { flags, notes: "", begin: Begin::Index(1), find }
}

/// Behind the first key a number says how many follow that are only read.
const SOURCES: KeySpec = KeySpec {
    begin: Begin::Index(2),
    find: Find::KeyNum { num: 0, first: 1, step: 1 },
    ..key(&["RO", "access"])
};

const NOT_FOUND: Fault = Fault::error("ERR not found");

const ITEM_EXISTS: Fault = Fault::error("ERR item exists");

const UNKNOWN_ARGUMENT: Fault = Fault::error("Unknown argument received");

/// Shows a value to `use_value`; a key that holds something else counts as missing.
fn view_if_any<T: Collection, R>(
    ctx: &mut Context<'_, '_>,
    name: &[u8],
    use_value: impl Fn(Option<Held<'_, T>>) -> Result<R, Fault>,
) -> Result<R, Fault> {
    let (key, lookup) = (ctx.key(name), Lookup::new(ctx));
    match lookup.view_as::<T, R>(ctx.access, &key, &use_value) {
        Err(fault) if fault == WRONG_TYPE => use_value(None),
        result => result,
    }
}

/// Shows a value that has to be there to `use_value`.
fn view<T: Collection, R>(
    ctx: &mut Context<'_, '_>,
    name: &[u8],
    missing: Fault,
    use_value: impl FnOnce(Held<'_, T>) -> Result<R, Fault>,
) -> Result<R, Fault> {
    let (key, lookup) = (ctx.key(name), Lookup::new(ctx));
    lookup.view_as::<T, R>(ctx.access, &key, |held| use_value(held.ok_or(missing)?))
}

/// Replies with names and numbers.
fn numbers(reply: &mut Encoder, pairs: &[(&str, u64)]) {
    reply.map(pairs.len());
    for (name, number) in pairs {
        reply.simple(name);
        reply.integer(*number as i64);
    }
}

/// Whether the reply can tell truth from one.
fn has_booleans(reply: &Encoder) -> bool {
    reply.protocol() == Protocol::Resp3
}

#[cfg(test)]
mod tests;
