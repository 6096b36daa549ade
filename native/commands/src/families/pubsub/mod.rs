//! Pub/Sub: SUBSCRIBE, PUBLISH, PUBSUB and their like.

mod inspect;
mod subscribe;
#[cfg(test)]
mod tests;

use crate::context::{Args, Context, Outcome};
use crate::pubsub::Post;
use crate::session::ReplyMode;
use crate::table::Flag::{Fast, Loading, NoScript, Pubsub, Stale};
use crate::table::{Begin, Command, Find, KeySpec};

/// Subscribers and patterns that are looked at on a normal scheduler.
const MANY: usize = 1000;

const ROW: Command = Command {
    flags: &[Pubsub, NoScript, Loading, Stale],
    categories: &["pubsub", "slow"],
    group: "pubsub",
    ..Command::BLANK
};

const PUBLISH: Command = Command {
    arity: 3,
    flags: &[Pubsub, Loading, Stale, Fast],
    categories: &["pubsub", "fast"],
    handler: Some(publish),
    ..ROW
};

/// Shard channels have a slot like keys, and are none.
const fn shard_channels(last: i32) -> KeySpec {
    KeySpec {
        flags: &["not_key"],
        notes: "",
        begin: Begin::Index(1),
        find: Find::Range { last, step: 1, limit: 0 },
    }
}

/// This family's rows of the command table.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "subscribe",
        arity: -2,
        since: "2.0.0",
        summary: "Has the messages to these channels sent to the client.",
        complexity: "O(N) for N channels",
        handler: Some(subscribe::subscribe),
        ..ROW
    },
    Command {
        name: "unsubscribe",
        arity: -1,
        since: "2.0.0",
        summary: "Ends the subscriptions to these channels, or to all.",
        complexity: "O(N) for N channels",
        handler: Some(subscribe::unsubscribe),
        ..ROW
    },
    Command {
        name: "psubscribe",
        arity: -2,
        since: "2.0.0",
        summary: "Has the messages to all channels that match these patterns sent to the client.",
        complexity: "O(N) for N patterns",
        handler: Some(subscribe::psubscribe),
        ..ROW
    },
    Command {
        name: "punsubscribe",
        arity: -1,
        since: "2.0.0",
        summary: "Ends the subscriptions to these patterns, or to all.",
        complexity: "O(N) for N patterns",
        handler: Some(subscribe::punsubscribe),
        ..ROW
    },
    Command {
        name: "ssubscribe",
        arity: -2,
        keys: &[shard_channels(-1)],
        since: "7.0.0",
        summary: "Has the messages to these shard channels sent to the client.",
        complexity: "O(N) for N channels",
        handler: Some(subscribe::ssubscribe),
        ..ROW
    },
    Command {
        name: "sunsubscribe",
        arity: -1,
        keys: &[shard_channels(-1)],
        since: "7.0.0",
        summary: "Ends the subscriptions to these shard channels, or to all.",
        complexity: "O(N) for N channels",
        handler: Some(subscribe::sunsubscribe),
        ..ROW
    },
    Command {
        name: "publish",
        since: "2.0.0",
        summary: "Sends a message to a channel; answers how many got it.",
        complexity: "O(N+M) for N subscribers of the channel and M patterns of all clients",
        ..PUBLISH
    },
    Command {
        name: "spublish",
        keys: &[shard_channels(0)],
        since: "7.0.0",
        summary: "Sends a message to a shard channel; answers how many got it.",
        complexity: "O(N) for N subscribers of the channel",
        ..PUBLISH
    },
    Command {
        name: "pubsub",
        arity: -2,
        categories: &["slow"],
        group: "pubsub",
        since: "2.8.0",
        summary: "Commands about subscriptions.",
        complexity: "Depends on the subcommand.",
        subcommands: inspect::SUBCOMMANDS,
        ..Command::BLANK
    },
];

/// `PUBLISH channel message` and `SPUBLISH channel message`
///
/// Within a transaction the message is sent when that is committed: it may have to be run again.
fn publish(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let shard = ctx.command.name == "spublish";
    let post = Post { shard, channel: args[1], message: args[2] };
    let registry = ctx.server.pubsub();
    ctx.bound(registry.work(post, MANY), MANY)?;
    let receivers = if ctx.access.is_in_transaction() {
        ctx.session.publish_later(post);
        registry.receivers(post)
    } else {
        let receivers = ctx.server.publish(post, ctx.now_ms());
        // Redis sends its own client the message ahead of the reply.
        if receivers > 0 && ctx.session.reply_mode() == ReplyMode::On {
            ctx.session.client().mailbox().take(ctx.reply, usize::MAX);
        }
        receivers
    };
    ctx.reply.integer(i64::try_from(receivers).unwrap_or(i64::MAX));
    Ok(())
}
