//! Templates of commands, and how they are filled in.

use super::{families, time, words};
use crate::differential::Command;
use crate::rng::Rng;

/// A place in a template.
#[derive(Debug, Clone, Copy)]
pub(super) enum Arg {
    /// This word, in upper, lower or mixed case.
    W(&'static str),
    /// This word as it is.
    Text(&'static str),
    Key,
    Value,
    Int,
    /// An integer that is small enough for what takes memory or time.
    Small,
    Float,
    /// A time to live in seconds or milliseconds: far away, over, or invalid.
    Seconds,
    Millis,
    /// A point in time, in seconds or milliseconds since 1970: far away, over, or invalid.
    AtSeconds,
    AtMillis,
    Pattern,
    Db,
    Cursor,
    /// The identifier of an entry of a stream, mostly a small one.
    EntryId,
    /// A client's or library's name.
    Name,
    /// Anything.
    Nonsense,
    /// The name of a command, mostly one that exists.
    CommandName,
    /// A whole command.
    Nested,
    /// All of these, or none.
    Maybe(&'static [Arg]),
    /// All of these, one to four times.
    Repeat(&'static [Arg]),
    /// None to three of these, in any order.
    Options(&'static [&'static [Arg]]),
    /// One of these.
    OneOf(&'static [&'static [Arg]]),
}

/// Whether a template's commands may be damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damage {
    Allowed,
    Forbidden,
}

/// A command's form.
pub(super) struct Template {
    /// How often it is chosen, beside the others of its family.
    pub(super) weight: u32,
    pub(super) args: &'static [Arg],
    pub(super) damage: Damage,
}

/// A group of templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Strings,
    Bitmaps,
    HyperLogLog,
    Lists,
    Hashes,
    Sets,
    Sort,
    SortedSets,
    Geo,
    Keys,
    Expiry,
    Streams,
    Databases,
    Connection,
    Server,
    /// CLIENT REPLY.
    Reply,
    /// Authentication with the right or a wrong password.
    Password,
    /// What may follow the cursor of a SCAN.
    ScanOptions,
}

/// How many of a hundred commands are damaged.
const DAMAGED: u64 = 15;

/// A command of `family`.
pub(super) fn command(rng: &mut Rng, family: Family) -> Command {
    let templates = families::templates(family);
    let total: u64 = templates.iter().map(|template| u64::from(template.weight)).sum();
    let mut at = rng.below(total);
    let chosen = templates.iter().find(|template| {
        let here = at < u64::from(template.weight);
        at = at.wrapping_sub(u64::from(template.weight));
        here
    });
    let mut command = Command::new();
    let Some(template) = chosen else { return command };
    fill(rng, template.args, &mut command);
    if template.damage == Damage::Allowed && rng.chance(DAMAGED) {
        damage(rng, &mut command);
    }
    time::keep_away_from_now(rng, &mut command);
    time::keep_streams_predictable(&mut command);
    time::keep_waits_short(&mut command);
    command
}

fn fill(rng: &mut Rng, args: &[Arg], out: &mut Command) {
    for arg in args {
        match arg {
            Arg::Maybe(args) if rng.chance(35) => fill(rng, args, out),
            Arg::Maybe(_) => {}
            Arg::Repeat(args) => (0..rng.between(1, 4)).for_each(|_| fill(rng, args, out)),
            Arg::Options(choices) => {
                let count = *rng.pick(&[0, 0, 1, 1, 1, 2, 2, 3]);
                for _ in 0..count {
                    let chosen = *rng.pick(choices);
                    fill(rng, chosen, out);
                }
            }
            Arg::OneOf(choices) => {
                let chosen = *rng.pick(choices);
                fill(rng, chosen, out);
            }
            Arg::Nested => {
                let family = families::data(rng);
                out.extend(command(rng, family));
            }
            word => out.push(single(rng, *word)),
        }
    }
}

fn single(rng: &mut Rng, arg: Arg) -> Vec<u8> {
    match arg {
        Arg::W(word) => words::any_case(rng, word),
        Arg::Text(text) => text.into(),
        Arg::Key => words::key(rng),
        Arg::Value => words::value(rng),
        Arg::Int => words::integer(rng),
        Arg::Small => words::small_integer(rng),
        Arg::Float => words::float(rng),
        Arg::Seconds => time::seconds(rng),
        Arg::Millis => time::millis(rng),
        Arg::AtSeconds => time::at_seconds(rng),
        Arg::AtMillis => time::at_millis(rng),
        Arg::Pattern => words::pattern(rng),
        Arg::Db => words::database(rng),
        Arg::Cursor => words::cursor(rng),
        Arg::EntryId => words::entry_id(rng),
        Arg::Name => words::name(rng),
        Arg::CommandName => words::command_name(rng),
        _ => words::nonsense(rng),
    }
}

/// Makes a command that is probably invalid.
fn damage(rng: &mut Rng, command: &mut Command) {
    let at = rng.between(1, command.len() as u64) as usize;
    match rng.below(6) {
        0 if at < command.len() => {
            command.remove(at);
        }
        1 if at < command.len() => command[at] = words::nonsense(rng),
        2 if at < command.len() => {
            let word = command[at].clone();
            command.push(word);
        }
        3 if command.len() > 2 => {
            let other = rng.between(1, command.len() as u64 - 1) as usize;
            let at = at.min(command.len() - 1);
            command.swap(at, other);
        }
        4 => command.truncate(at),
        _ => command.insert(at, words::nonsense(rng)),
    }
}
