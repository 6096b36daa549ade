//! JSON.DEBUG.

use super::{PathArg, view};
use crate::context::{Args, Context, Outcome};
use crate::families::help;

const HELP: &[&str] =
    &["MEMORY <key> [<path>]", "    Bytes of memory that the values at a path take."];

/// `JSON.DEBUG HELP`
pub(super) fn print_help(ctx: &mut Context<'_, '_>, _: Args<'_>) -> Outcome {
    help(ctx, "JSON.DEBUG", HELP)
}

/// `JSON.DEBUG MEMORY key [path]`
pub(super) fn memory(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let path = PathArg::at(args, 3)?;
    let found = view(ctx, args[2], |mut reading| {
        let matches = path.path.find(reading.root, &mut reading.budget)?;
        let mut values = matches.values();
        if path.is_legacy() {
            let value = values.next().ok_or_else(|| path.missing())?;
            reading.budget.allows(value)?;
            reading.reply.integer(value.heap_bytes() as i64);
            return Ok(());
        }
        reading.reply.array(values.len());
        for value in values {
            reading.budget.allows(value)?;
            reading.reply.integer(value.heap_bytes() as i64);
        }
        Ok(())
    })?;
    match found {
        Some(()) => (),
        None if path.is_legacy() => ctx.reply.integer(0),
        None => ctx.reply.array(0),
    }
    Ok(())
}
