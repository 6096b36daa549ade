//! Commands on whole databases: SELECT, SWAPDB, FLUSHDB, FLUSHALL, DBSIZE.

use crate::context::{Args, Context, Fault, Outcome};
use crate::numbers::{parse_i64, parse_i64_or_fault};
use crate::pattern::is_option;
use crate::table::Command;
use crate::table::Flag::{Fast, Loading, Readonly, Stale, Write};

const WHOLE: &[&str] = &["keyspace", "write", "slow", "dangerous"];
const TO_ALL: &[&str] = &["request_policy:all_shards", "response_policy:all_succeeded"];

/// This family's rows of the command table.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "select",
        arity: 2,
        flags: &[Loading, Stale, Fast],
        categories: &["fast", "connection"],
        group: "connection",
        since: "1.0.0",
        summary: "Chooses the database that the connection's commands work on.",
        complexity: "O(1)",
        handler: Some(select),
        ..Command::BLANK
    },
    Command {
        name: "swapdb",
        arity: 3,
        flags: &[Write, Fast],
        categories: &["keyspace", "write", "fast", "dangerous"],
        group: "server",
        since: "4.0.0",
        summary: "Exchanges the contents of two databases, for all clients at once.",
        complexity: "O(1)",
        handler: Some(swapdb),
        ..Command::BLANK
    },
    Command {
        name: "flushdb",
        arity: -1,
        flags: &[Write],
        categories: WHOLE,
        tips: TO_ALL,
        group: "server",
        since: "1.0.0",
        summary: "Empties the selected database.",
        complexity: "O(1); memory and log space are given back in the background",
        handler: Some(flushdb),
        long: true,
        ..Command::BLANK
    },
    Command {
        name: "flushall",
        arity: -1,
        flags: &[Write],
        categories: WHOLE,
        tips: TO_ALL,
        group: "server",
        since: "1.0.0",
        summary: "Empties all databases.",
        complexity: "O(1) for each database; memory and log space are given back in the background",
        handler: Some(flushall),
        long: true,
        ..Command::BLANK
    },
    Command {
        name: "dbsize",
        arity: 1,
        flags: &[Readonly, Fast],
        categories: &["keyspace", "read", "fast"],
        tips: &["request_policy:all_shards", "response_policy:agg_sum"],
        group: "server",
        since: "1.0.0",
        summary: "Counts the keys of the selected database.",
        complexity: "O(1)",
        handler: Some(dbsize),
        ..Command::BLANK
    },
];

fn select(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let number = parse_i64_or_fault(args[1])?;
    if i32::try_from(number).is_err() {
        let (min, max) = (i32::MIN, i32::MAX);
        let text = format!("ERR value is out of range, value must between {min} and {max}");
        return Err(text.into());
    }
    let db = database(ctx, number)?;
    ctx.session.select(db);
    ctx.reply.ok();
    Ok(())
}

fn swapdb(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let int = |word| parse_i64(word).filter(|n| i32::try_from(*n).is_ok());
    let first = int(args[1]).ok_or(Fault::error("ERR invalid first DB index"))?;
    let second = int(args[2]).ok_or(Fault::error("ERR invalid second DB index"))?;
    let (first, second) = (database(ctx, first)?, database(ctx, second)?);
    if first != second {
        ctx.access.swap(first, second)?;
    }
    ctx.reply.ok();
    Ok(())
}

fn flushdb(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    flush(ctx, args, &[ctx.session.db()])
}

fn flushall(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let all: Vec<u16> = (0..ctx.server.databases()).collect();
    flush(ctx, args, &all)
}

/// ASYNC and SYNC differ in when memory is given back; here it always is in the background.
fn flush(ctx: &mut Context<'_, '_>, args: Args<'_>, databases: &[u16]) -> Outcome {
    match args[1..] {
        [] => {}
        [mode] if is_option(mode, "async") || is_option(mode, "sync") => {}
        _ => return Err(Fault::error("ERR syntax error")),
    }
    ctx.access.flush(databases)?;
    ctx.reply.ok();
    Ok(())
}

fn dbsize(ctx: &mut Context<'_, '_>, _: Args<'_>) -> Outcome {
    let keys = ctx.access.len(ctx.session.db());
    ctx.reply.integer(i64::try_from(keys).unwrap_or(i64::MAX));
    Ok(())
}

fn database(ctx: &Context<'_, '_>, number: i64) -> Result<u16, Fault> {
    let db = u16::try_from(number).ok().filter(|&db| db < ctx.server.databases());
    db.ok_or(Fault::error("ERR DB index is out of range"))
}
