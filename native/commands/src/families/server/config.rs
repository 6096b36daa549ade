//! CONFIG.

use crate::context::{Args, Context, Fault, Outcome};
use crate::families::help;
use crate::pattern;

const HELP: &[&str] = &[
    "GET <pattern> [<pattern> ...]",
    "    The parameters whose names match a glob pattern, with their values.",
    "RESETSTAT",
    "    Sets the counters that INFO shows to zero.",
    "REWRITE",
    "    Always an error: the server has no configuration file.",
    "SET <parameter> <value> [<parameter> <value> ...]",
    "    Changes parameters: all of those given, or none.",
];

pub(super) fn print_help(ctx: &mut Context<'_, '_>, _: Args<'_>) -> Outcome {
    help(ctx, "CONFIG", HELP)
}

pub(super) fn get(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let patterns = &args[2..];
    let wanted = |name: &[u8]| patterns.iter().any(|p| pattern::matches_ignoring_case(p, name));
    let values = ctx.server.config().get(wanted);
    ctx.reply.map(values.len());
    for (name, value) in values {
        ctx.reply.bulk_str(name);
        ctx.reply.bulk(&value);
    }
    Ok(())
}

pub(super) fn set(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let words = &args[2..];
    if !words.len().is_multiple_of(2) {
        return Err(Fault::error("ERR syntax error"));
    }
    let pairs: Vec<(&[u8], &[u8])> = words.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
    ctx.server.config().set(&pairs).map_err(Fault::Bytes)?;
    ctx.reply.ok();
    Ok(())
}

pub(super) fn resetstat(ctx: &mut Context<'_, '_>, _: Args<'_>) -> Outcome {
    ctx.server.stats().reset();
    ctx.reply.ok();
    Ok(())
}

pub(super) fn rewrite(_: &mut Context<'_, '_>, _: Args<'_>) -> Outcome {
    Err(Fault::error("ERR The server is running without a config file"))
}
