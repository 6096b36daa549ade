//! BITFIELD: integers of any width at any place of a string.

use ferric_resp::Encoder;

use super::arithmetic::{Overflow, Type};
use super::{SYNTAX, grown, parse_field_offset};
use crate::context::{Args, Context, Fault, Outcome};
use crate::families::as_c_string;
use crate::numbers::{parse_i64, parse_i64_or_fault};
use crate::pattern::is_option;
use crate::values::{Lookup, bitmap, string};

/// Operations that a command may have on a normal scheduler.
const MAX_OPERATIONS: usize = 4096;

/// One operation on one field.
struct Operation {
    kind: Type,
    /// Where the field begins, in bits.
    offset: u64,
    action: Action,
    overflow: Overflow,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    Get,
    Set(i64),
    Increment(i64),
}

/// `BITFIELD key [GET type offset | [OVERFLOW WRAP | SAT | FAIL] SET type offset value |
/// [OVERFLOW WRAP | SAT | FAIL] INCRBY type offset increment ...]`
pub fn bitfield(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let operations = parse(ctx, &args[2..])?;
    match last_bit(&operations) {
        Some(last) => write(ctx, args[1], &operations, last),
        None => read(ctx, args[1], &operations),
    }
}

/// `BITFIELD_RO key [GET type offset ...]`
pub fn bitfield_ro(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let operations = parse(ctx, &args[2..])?;
    if last_bit(&operations).is_some() {
        return Err(Fault::error("ERR BITFIELD_RO only supports the GET subcommand"));
    }
    read(ctx, args[1], &operations)
}

/// The last bit that is written to, if any is.
fn last_bit(operations: &[Operation]) -> Option<u64> {
    let writes = operations.iter().filter(|operation| operation.action != Action::Get);
    writes.map(|operation| operation.offset + u64::from(operation.kind.width) - 1).max()
}

fn parse(ctx: &Context<'_, '_>, mut words: Args<'_>) -> Result<Vec<Operation>, Fault> {
    ctx.bound(words.len(), 4 * MAX_OPERATIONS)?;
    let limit = ctx.server.config().max_bulk();
    let (mut operations, mut overflow) = (Vec::new(), Overflow::Wrap);
    let field = |kind: &[u8], offset: &[u8]| {
        let kind = parse_type(kind)?;
        Ok::<_, Fault>((kind, parse_field_offset(offset, kind.width, limit)?))
    };
    while !words.is_empty() {
        let (kind, offset, action);
        (kind, offset, action, words) = match *words {
            [word, name, ref rest @ ..] if is_option(word, "OVERFLOW") => {
                overflow = parse_overflow(name)?;
                words = rest;
                continue;
            }
            [word, kind, at, ref rest @ ..] if is_option(word, "GET") => {
                let (kind, offset) = field(kind, at)?;
                (kind, offset, Action::Get, rest)
            }
            [word, kind, at, value, ref rest @ ..] if is_option(word, "SET") => {
                let (kind, offset) = field(kind, at)?;
                (kind, offset, Action::Set(parse_i64_or_fault(value)?), rest)
            }
            [word, kind, at, by, ref rest @ ..] if is_option(word, "INCRBY") => {
                let (kind, offset) = field(kind, at)?;
                (kind, offset, Action::Increment(parse_i64_or_fault(by)?), rest)
            }
            _ => return Err(SYNTAX),
        };
        operations.push(Operation { kind, offset, action, overflow });
    }
    Ok(operations)
}

fn parse_type(word: &[u8]) -> Result<Type, Fault> {
    let parsed = match word {
        [b'i', digits @ ..] => Some((true, 64, digits)),
        [b'u', digits @ ..] => Some((false, 63, digits)),
        _ => None,
    };
    let width = parsed.and_then(|(signed, widest, digits)| {
        let width = u32::try_from(parse_i64(as_c_string(digits))?).ok()?;
        (1..=widest).contains(&width).then_some(Type { signed, width })
    });
    width.ok_or(Fault::error(
        "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but \
         i64 is.",
    ))
}

fn parse_overflow(word: &[u8]) -> Result<Overflow, Fault> {
    match word {
        word if is_option(word, "WRAP") => Ok(Overflow::Wrap),
        word if is_option(word, "SAT") => Ok(Overflow::Saturate),
        word if is_option(word, "FAIL") => Ok(Overflow::Fail),
        _ => Err(Fault::error("ERR Invalid OVERFLOW type specified")),
    }
}

/// Replies to operations that only read.
fn read(ctx: &mut Context<'_, '_>, key: &[u8], operations: &[Operation]) -> Outcome {
    let (key, lookup) = (ctx.key(key), Lookup::new(ctx));
    let Context { access, reply, .. } = ctx;
    lookup.view(access, &key, |entry| {
        let value = string::check(entry)?.map_or(&b""[..], |entry| entry.value);
        reply.array(operations.len());
        for operation in operations {
            reply.integer(operation.current(value));
        }
        Ok(())
    })
}

/// Executes operations of which some write, up to the bit `last`. The string grows that far even if
/// none of them stores anything.
fn write(ctx: &mut Context<'_, '_>, key: &[u8], operations: &[Operation], last: u64) -> Outcome {
    let (key, lookup) = (ctx.key(key), Lookup::new(ctx));
    let mut locked = ctx.access.acquire(&key)?;
    let entry = lookup.modify_string(&mut locked, &key)?;
    let (old, expiry_ms) = entry.map_or((&b""[..], 0), |entry| (entry.value, entry.meta.expiry_ms));
    let mut value = grown(&lookup, old, last)?;
    let is_new = value.len() > old.len() || entry.is_none_or(|entry| !string::is_raw(&entry));
    ctx.reply.array(operations.len());
    let mut changed = is_new;
    for operation in operations {
        changed |= operation.run(&mut value, ctx.reply);
    }
    if !changed {
        return Ok(());
    }
    Ok(locked.put(&key, string::meta_with(string::RAW, expiry_ms), &value)?)
}

impl Operation {
    /// The number in the field.
    fn current(&self, value: &[u8]) -> i64 {
        self.kind.number(bitmap::field(value, self.offset, self.kind.width))
    }

    /// Executes and replies; whether anything has changed.
    fn run(&self, value: &mut [u8], reply: &mut Encoder) -> bool {
        let old = self.current(value);
        let new = match self.action {
            Action::Get => Some(old),
            Action::Set(number) => self.kind.add(number, 0, self.overflow),
            Action::Increment(by) => self.kind.add(old, by, self.overflow),
        };
        let Some(new) = new else {
            reply.null();
            return false;
        };
        reply.integer(if let Action::Increment(_) = self.action { new } else { old });
        if new == old {
            return false;
        }
        bitmap::set_field(value, self.offset, self.kind.width, new as u64);
        true
    }
}
