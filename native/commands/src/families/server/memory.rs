//! MEMORY.

use crate::context::{Args, Context, Fault, Outcome};
use crate::families::help;
use crate::numbers::parse_i64_or_fault;
use crate::pattern::is_option;

/// What the engine keeps for a key beside its bytes: a 16-byte index slot in a table three quarters
/// full at most, and the header of its record.
const OVERHEAD: usize = 16 * 4 / 3 + 24;

const HELP: &[&str] = &[
    "USAGE <key> [SAMPLES <count>]",
    "    Bytes that a key and its value take. SAMPLES is how many elements of a",
    "    collection are measured (5 unless given, 0: all).",
];

pub(super) fn print_help(ctx: &mut Context<'_, '_>, _: Args<'_>) -> Outcome {
    help(ctx, "MEMORY", HELP)
}

pub(super) fn usage(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    for option in args[3..].chunks(2) {
        match *option {
            [word, count] if is_option(word, "samples") => {
                if parse_i64_or_fault(count)? < 0 {
                    return Err(Fault::error("ERR syntax error"));
                }
            }
            _ => return Err(Fault::error("ERR syntax error")),
        }
    }
    let key = ctx.key(args[2]);
    let bytes = ctx.access.acquire(&key)?.peek(&key)?.map(|entry| match entry.object {
        Some(object) => object.heap_bytes(),
        None => entry.value.len(),
    });
    match bytes {
        Some(len) => {
            let total = len + args[2].len() + OVERHEAD;
            ctx.reply.integer(i64::try_from(total).unwrap_or(i64::MAX));
        }
        None => ctx.reply.null(),
    }
    Ok(())
}
