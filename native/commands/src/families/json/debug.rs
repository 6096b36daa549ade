//! JSON.DEBUG.

use super::{PathArg, view};
use crate::context::{Args, Context, Fault, Outcome};
use crate::pattern::is_option;

const HELP: [&str; 2] = [
    "MEMORY <key> [path] - bytes of memory that the values at a path take",
    "HELP                - this text",
];

/// `JSON.DEBUG MEMORY key [path]` and `JSON.DEBUG HELP`
pub(super) fn debug(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    match args[1..] {
        [word, name] if is_option(word, "MEMORY") => memory(ctx, name, PathArg::at(&[], 0)?),
        [word, name, path] if is_option(word, "MEMORY") => memory(ctx, name, PathArg::parse(path)?),
        [word] if is_option(word, "HELP") => {
            ctx.reply.array(HELP.len());
            HELP.iter().for_each(|line| ctx.reply.bulk_str(line));
            Ok(())
        }
        [word, ..] if is_option(word, "MEMORY") => {
            Err(Fault::error("ERR wrong number of arguments for 'json.debug' command"))
        }
        _ => Err(Fault::error("ERR unknown subcommand - try `JSON.DEBUG HELP`")),
    }
}

fn memory(ctx: &mut Context<'_, '_>, name: &[u8], path: PathArg<'_>) -> Outcome {
    let found = view(ctx, name, |mut reading| {
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
