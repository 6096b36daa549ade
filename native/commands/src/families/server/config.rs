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
    let config = ctx.server.config();
    let mut found: Vec<(&[u8], Vec<u8>)> = Vec::new();
    for &wanted in &args[2..] {
        if wanted.iter().any(|byte| b"[*?".contains(byte)) {
            let matching = config.get(|name| pattern::matches_ignoring_case(wanted, name));
            found.extend(matching.into_iter().map(|(name, value)| (name.as_bytes(), value)));
        } else {
            // A name that is spelled out comes back as it was spelled.
            let named = config.get(|name| name.eq_ignore_ascii_case(wanted));
            found.extend(named.into_iter().map(|(_, value)| (wanted, value)));
        }
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|(name, _)| seen.insert(name.to_ascii_lowercase()));
    ctx.reply.map(found.len());
    for (name, value) in found {
        ctx.reply.bulk(name);
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
