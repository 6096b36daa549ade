//! Commands on HyperLogLogs, which are strings.

mod count;
mod debug;
mod selftest;

use std::borrow::Cow;

use ferric_engine::{Entry, Key};

use crate::context::{Args, Context, Fault, Outcome};
use crate::table::{Begin, Command, Find, Flag, KeySpec};
use crate::values::hyperloglog::{self, Corrupted, Encoding, Registers};
use crate::values::{Lookup, MAX_COPY, string};

/// Values that a command may go through whole on a normal scheduler.
const MAX_VALUES: usize = 16;

/// Runs of sparse values that a command may go through on a normal scheduler.
const MAX_RUNS: usize = 1 << 18;

/// The reply about a string that is no HyperLogLog.
const NOT_ONE: Fault = Fault::error("WRONGTYPE Key is not a valid HyperLogLog string value.");

/// The reply about one whose registers cannot be understood.
const INVALID: Fault = Fault::error("INVALIDOBJ Corrupted HLL object detected");

impl From<Corrupted> for Fault {
    fn from(_: Corrupted) -> Fault {
        INVALID
    }
}

/// The family's part of the command table.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "pfadd",
        arity: -2,
        flags: &[Flag::Write, Flag::DenyOom, Flag::Fast],
        categories: &["write", "hyperloglog", "fast"],
        keys: &[keys(&["RW", "insert"], 1, 0)],
        summary: "Shows elements to a HyperLogLog, which counts different ones; says whether its \
                  count may have changed.",
        complexity: "O(1) for each element",
        handler: Some(pfadd),
        ..BLANK
    },
    Command {
        name: "pfcount",
        arity: -2,
        flags: &[Flag::Readonly],
        categories: &["read", "hyperloglog", "slow"],
        keys: &[KeySpec {
            notes: "RW because it may change the internal representation of the key, and propagate \
                    to replicas",
            ..keys(&["RW", "access"], 1, -1)
        }],
        summary: "Estimates how many different elements one HyperLogLog has seen, or several \
                  together.",
        complexity: "O(1) for one key, most often; O(N) for N keys, each of them costly",
        handler: Some(count::pfcount),
        ..BLANK
    },
    Command {
        name: "pfmerge",
        arity: -2,
        flags: &[Flag::Write, Flag::DenyOom],
        categories: &["write", "hyperloglog", "slow"],
        keys: &[keys(&["RW", "access", "insert"], 1, 0), keys(&["RO", "access"], 2, -1)],
        summary: "Adds what some HyperLogLogs have seen to another one.",
        complexity: "O(N) for N keys, each of them costly",
        handler: Some(pfmerge),
        ..BLANK
    },
    Command {
        name: "pfdebug",
        arity: 3,
        flags: &[Flag::Write, Flag::DenyOom, Flag::Admin],
        categories: &["write", "hyperloglog", "admin", "slow", "dangerous"],
        keys: &[keys(&["RW", "access"], 2, 0)],
        summary: "Shows the registers of a HyperLogLog or their encoding, or makes it dense.",
        complexity: "O(1)",
        handler: Some(debug::pfdebug),
        ..BLANK
    },
    Command {
        name: "pfselftest",
        arity: 1,
        flags: &[Flag::Admin],
        categories: &["hyperloglog", "admin", "slow", "dangerous"],
        summary: "Tests the HyperLogLog algorithm on this machine.",
        complexity: "O(1), but long",
        handler: Some(selftest::pfselftest),
        long: true,
        ..BLANK
    },
];

const BLANK: Command = Command { group: "hyperloglog", since: "2.8.9", ..Command::BLANK };

/// The arguments from `first` to `last` (relative to it, or from the end) are keys.
const fn keys(flags: &'static [&'static str], first: i32, last: i32) -> KeySpec {
    let find = Find::Range { last, step: 1, limit: 0 };
    KeySpec { flags, notes: "", begin: Begin::Index(first), find }
}

/// Passes a HyperLogLog, or nothing, on.
fn check(entry: Option<Entry<'_>>) -> Result<Option<Entry<'_>>, Fault> {
    match string::check(entry)? {
        Some(entry) if hyperloglog::encoding(entry.value).is_none() => Err(NOT_ONE),
        entry => Ok(entry),
    }
}

/// `PFADD key [element ...]`
pub fn pfadd(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.bound(args.iter().map(|word| word.len()).sum(), MAX_COPY)?;
    let sparse_max = ctx.server.config().thresholds().hll_sparse_max.size();
    let (key, lookup) = (ctx.key(args[1]), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let entry = check(lookup.modify(&mut locked, &key)?)?;
    let expiry_ms = entry.map_or(0, |entry| entry.meta.expiry_ms);
    let is_stored = entry.is_some_and(|entry| string::is_raw(&entry));
    let mut value = match entry {
        Some(entry) => Cow::Borrowed(entry.value),
        None => Cow::Owned(hyperloglog::empty()),
    };
    lookup.bound(args.len().saturating_mul(value.len().min(sparse_max)), MAX_RUNS)?;
    let mut updated = entry.is_none();
    let outcome = add(&mut value, &args[2..], sparse_max, &mut updated);
    if outcome.is_ok() && updated {
        hyperloglog::invalidate_count(value.to_mut());
    }
    ctx.reply.integer(i64::from(updated));
    match value {
        Cow::Borrowed(_) if is_stored => {}
        value => {
            let value = value.into_owned();
            locked.put(&key, string::meta_with(string::RAW, expiry_ms), &value)?;
        }
    }
    outcome
}

/// Shows elements to a value. One that is corrupted keeps what was added until that was noticed, as
/// in Redis.
fn add(
    value: &mut Cow<'_, [u8]>,
    elements: Args<'_>,
    sparse_max: usize,
    updated: &mut bool,
) -> Outcome {
    for element in elements {
        *updated |= hyperloglog::raise(value, hyperloglog::place(element), sparse_max)?;
    }
    Ok(())
}

/// `PFMERGE destkey [sourcekey ...]`
pub fn pfmerge(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.bound(args.len(), MAX_VALUES)?;
    let sparse_max = ctx.server.config().thresholds().hll_sparse_max.size();
    let lookup = Lookup::new(ctx);
    let keys: Vec<Key<'_>> = args[1..].iter().map(|word| ctx.key(word)).collect();
    let mut locked = ctx.access.acquire_all(&keys)?;
    let (mut union, mut dense) = (Registers::new(), false);
    for key in &keys {
        if let Some(entry) = check(lookup.read(&mut locked, key)?)? {
            dense |= hyperloglog::encoding(entry.value) == Some(Encoding::Dense);
            union.merge(entry.value)?;
        }
    }
    let old = lookup.modify(&mut locked, &keys[0])?;
    let expiry_ms = old.map_or(0, |old| old.meta.expiry_ms);
    let mut value = old.map_or_else(hyperloglog::empty, |old| old.value.to_vec());
    if dense {
        hyperloglog::make_dense(&mut value)?;
    } else {
        let longest = sparse_max.max(value.len()).min(hyperloglog::REGISTERS);
        lookup.bound(union.places().count().saturating_mul(longest), MAX_RUNS)?;
    }
    let mut value = Cow::Owned(value);
    for place in union.places() {
        hyperloglog::raise(&mut value, place, sparse_max)?;
    }
    let mut value = value.into_owned();
    hyperloglog::invalidate_count(&mut value);
    ctx.reply.ok();
    Ok(locked.put(&keys[0], string::meta_with(string::RAW, expiry_ms), &value)?)
}
