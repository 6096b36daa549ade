//! PUBSUB: who is subscribed to what.

use crate::context::{Args, Context, Fault, Outcome};
use crate::families::help;
use crate::pubsub::Topic;
use crate::table::Command;
use crate::table::Flag::{Loading, Pubsub, Stale};

use super::MANY;

const ROW: Command = Command {
    flags: &[Pubsub, Loading, Stale],
    categories: &["pubsub", "slow"],
    group: "pubsub",
    ..Command::BLANK
};

pub(super) static SUBCOMMANDS: &[Command] = &[
    Command {
        name: "channels",
        arity: -2,
        since: "2.8.0",
        summary: "The channels that have subscribers.",
        complexity: "O(N) for N channels",
        handler: Some(channels),
        ..ROW
    },
    Command {
        name: "help",
        arity: 2,
        flags: &[Loading, Stale],
        categories: &["slow"],
        since: "6.2.0",
        summary: "Lists the subcommands.",
        complexity: "O(1)",
        handler: Some(print_help),
        ..ROW
    },
    Command {
        name: "numpat",
        arity: 2,
        since: "2.8.0",
        summary: "How many patterns have subscribers.",
        complexity: "O(1)",
        handler: Some(patterns),
        ..ROW
    },
    Command {
        name: "numsub",
        arity: -2,
        since: "2.8.0",
        summary: "How many subscribers channels have, those by patterns not counted.",
        complexity: "O(N) for N channels",
        handler: Some(subscribers),
        ..ROW
    },
    Command {
        name: "shardchannels",
        arity: -2,
        since: "7.0.0",
        summary: "The shard channels that have subscribers.",
        complexity: "O(N) for N channels",
        handler: Some(channels),
        ..ROW
    },
    Command {
        name: "shardnumsub",
        arity: -2,
        since: "7.0.0",
        summary: "How many subscribers shard channels have.",
        complexity: "O(N) for N channels",
        handler: Some(subscribers),
        ..ROW
    },
];

const HELP: &[&str] = &[
    "CHANNELS [<pattern>]",
    "    The channels that have subscribers, or those of them that match.",
    "NUMPAT",
    "    How many patterns have subscribers.",
    "NUMSUB [<channel> ...]",
    "    How many subscribers each channel has, those by patterns not counted.",
    "SHARDCHANNELS [<pattern>]",
    "    The shard channels that have subscribers, or those of them that match.",
    "SHARDNUMSUB [<shardchannel> ...]",
    "    How many subscribers each shard channel has.",
];

fn print_help(ctx: &mut Context<'_, '_>, _: Args<'_>) -> Outcome {
    help(ctx, "PUBSUB", HELP)
}

/// `PUBSUB CHANNELS [pattern]` and `PUBSUB SHARDCHANNELS [pattern]`
fn channels(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let shard = ctx.command.name == "shardchannels";
    let pattern = match args[2..] {
        [] => None,
        [pattern] => Some(pattern),
        _ => {
            let text = format!(
                "ERR unknown subcommand or wrong number of arguments for '{}'. Try PUBSUB HELP.",
                String::from_utf8_lossy(args[1])
            );
            return Err(Fault::from(text));
        }
    };
    let registry = ctx.server.pubsub();
    ctx.bound(registry.len(if shard { Topic::Shard } else { Topic::Channel }), MANY)?;
    let names = registry.active(shard, pattern);
    ctx.reply.array(names.len());
    names.iter().for_each(|name| ctx.reply.bulk(name));
    Ok(())
}

fn patterns(ctx: &mut Context<'_, '_>, _: Args<'_>) -> Outcome {
    let count = ctx.server.pubsub().len(Topic::Pattern);
    ctx.reply.integer(i64::try_from(count).unwrap_or(i64::MAX));
    Ok(())
}

/// `PUBSUB NUMSUB [channel ...]` and `PUBSUB SHARDNUMSUB [channel ...]`
fn subscribers(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    ctx.bound(args.len(), MANY)?;
    let shard = ctx.command.name == "shardnumsub";
    ctx.reply.array(2 * (args.len() - 2));
    for channel in &args[2..] {
        ctx.reply.bulk(channel);
        let count = ctx.server.pubsub().subscribers(shard, channel);
        ctx.reply.integer(i64::try_from(count).unwrap_or(i64::MAX));
    }
    Ok(())
}
