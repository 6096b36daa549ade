//! WAIT and WAITAOF: asking how safe the writes before are. There are no replicas, so whoever asks for some
//! gets the whole time to wait, and then the truth.

use crate::blocked::{Blocking, Wish};
use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::{parse_i64, parse_i64_or_fault};
use crate::table::Command;
use crate::table::Flag::NoScript;
use crate::values::Kind;

use super::waiting::check_end;

const ROW: Command = Command {
    flags: &[NoScript],
    categories: &["slow", "connection"],
    tips: &["request_policy:all_shards", "response_policy:agg_min"],
    group: "generic",
    complexity: "O(1)",
    ..Command::BLANK
};

/// This family's rows of the command table.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "wait",
        arity: 3,
        since: "3.0.0",
        summary: "Waits until replicas have the connection's writes; how many have.",
        handler: Some(wait),
        ..ROW
    },
    Command {
        name: "waitaof",
        arity: 4,
        since: "7.2.0",
        summary: "Waits until the connection's writes are on disk, here and at replicas.",
        handler: Some(waitaof),
        ..ROW
    },
];

/// `WAIT numreplicas timeout`
fn wait(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let replicas = parse_i64_or_fault(args[1])?;
    let timeout_ms = parse_timeout(ctx, args[2])?;
    let blocking = Blocking::new(ctx);
    if replicas <= 0 || blocking.is_denied() {
        ctx.reply.integer(0);
        return Ok(());
    }
    let wish = Wish { words: args, keys: &[], kind: Kind::String, timeout_ms };
    Err(blocking.wait(ctx.session, ctx.command.name, wish))
}

/// `WAITAOF numlocal numreplicas timeout`
fn waitaof(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let local = parse_i64(args[1]).filter(|local| (0..=1).contains(local));
    local.ok_or(Fault::error("ERR value is out of range, value must between 0 and 1"))?;
    let replicas = parse_i64(args[2]).filter(|&replicas| replicas >= 0);
    let replicas = replicas.ok_or(Fault::error("ERR value is out of range, must be positive"))?;
    let timeout_ms = parse_timeout(ctx, args[3])?;
    ctx.server.engine().sync_soon();
    let blocking = Blocking::new(ctx);
    if replicas > 0 && !blocking.is_denied() {
        let wish = Wish { words: args, keys: &[], kind: Kind::String, timeout_ms };
        return Err(blocking.wait(ctx.session, ctx.command.name, wish));
    }
    ctx.access.depend_on_tail();
    ctx.sync = true;
    ctx.reply.array(2);
    ctx.reply.integer(1);
    ctx.reply.integer(0);
    Ok(())
}

fn parse_timeout(ctx: &Context<'_, '_>, word: &[u8]) -> Result<u64, Fault> {
    let timeout =
        parse_i64(word).ok_or(Fault::error("ERR timeout is not an integer or out of range"))?;
    let timeout = u64::try_from(timeout).map_err(|_| Fault::error("ERR timeout is negative"))?;
    check_end(ctx, timeout)
}
