//! The commands, one file or folder a family. Each exports its rows of the command table.

pub mod acknowledge;
pub mod bitmaps;
pub mod client;
pub mod connection;
pub mod databases;
pub mod dump;
pub mod element_scan;
pub mod geo;
pub mod hashes;
pub mod hyperloglog;
pub mod json;
pub mod keys;
pub mod lists;
pub mod maintenance;
pub mod probabilistic;
pub mod pubsub;
pub mod sampling;
pub mod server;
pub mod sets;
pub mod sort;
pub mod sorted_sets;
pub mod streams;
pub mod strings;
#[cfg(test)]
mod tests;
pub mod transactions;
mod waiting;

use crate::context::{Context, Fault, Outcome};

/// Replies with a container's help: a header, what the caller says about the subcommands, and HELP
/// itself.
fn help(ctx: &mut Context<'_, '_>, container: &str, lines: &[&str]) -> Outcome {
    ctx.reply.array(lines.len() + 3);
    ctx.reply
        .simple(&format!("{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:"));
    for line in lines {
        ctx.reply.simple(line);
    }
    ctx.reply.simple("HELP");
    ctx.reply.simple("    Prints this help.");
    Ok(())
}

/// The reply to a command with too few words or too many.
fn wrong_arity(ctx: &Context<'_, '_>) -> Fault {
    format!("ERR wrong number of arguments for '{}' command", ctx.command.name).into()
}

/// A client's word as Redis quotes some of them in errors: as a C string, up to the first NUL.
fn as_c_string(word: &[u8]) -> &[u8] {
    word.split(|&byte| byte == 0).next().unwrap_or_default()
}
