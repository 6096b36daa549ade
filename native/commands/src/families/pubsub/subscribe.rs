//! SUBSCRIBE and UNSUBSCRIBE, of channels, patterns and shard channels.

use std::sync::Arc;

use ferric_resp::Protocol;

use crate::clients::Transport;
use crate::context::{Args, Context, Outcome};
use crate::pubsub::Topic;

use super::MANY;

pub(super) fn subscribe(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    add(ctx, Topic::Channel, args)
}

pub(super) fn psubscribe(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    add(ctx, Topic::Pattern, args)
}

pub(super) fn ssubscribe(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    add(ctx, Topic::Shard, args)
}

pub(super) fn unsubscribe(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    remove(ctx, Topic::Channel, args)
}

pub(super) fn punsubscribe(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    remove(ctx, Topic::Pattern, args)
}

pub(super) fn sunsubscribe(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    remove(ctx, Topic::Shard, args)
}

/// Subscribes to the names, with a reply for each.
fn add(ctx: &mut Context<'_, '_>, topic: Topic, args: Args<'_>) -> Outcome {
    let transaction = ctx.access.is_in_transaction();
    let embedded = ctx.session.peer().transport == Transport::Embedded;
    // As in Redis; whoever has no connection cannot be sent anything either.
    if embedded || (transaction && topic == Topic::Shard) {
        let name = ctx.command.name.to_uppercase();
        return Err(format!("ERR {name} isn't allowed for a DENY BLOCKING client").into());
    }
    ctx.bound(args.len(), MANY)?;
    for name in &args[1..] {
        ctx.session.subscriptions(ctx.server.pubsub()).add(topic, name, transaction);
        confirm(ctx, topic, Some(name));
    }
    Ok(())
}

/// Ends subscriptions: to the names, or to all; with a reply for each, or one if there are none.
fn remove(ctx: &mut Context<'_, '_>, topic: Topic, args: Args<'_>) -> Outcome {
    if args.len() > 1 {
        ctx.bound(args.len(), MANY)?;
        args[1..].iter().for_each(|name| remove_one(ctx, topic, name));
        return Ok(());
    }
    let names: Vec<Arc<[u8]>> = ctx.session.subscribed(topic);
    ctx.bound(names.len(), MANY)?;
    if names.is_empty() {
        confirm(ctx, topic, None);
    }
    names.iter().for_each(|name| remove_one(ctx, topic, name));
    Ok(())
}

fn remove_one(ctx: &mut Context<'_, '_>, topic: Topic, name: &[u8]) {
    let transaction = ctx.access.is_in_transaction();
    ctx.session.unsubscribe(topic, name, transaction);
    let mailbox = ctx.session.client().mailbox();
    if !transaction {
        // What has come until now belongs before the confirmation.
        mailbox.take(ctx.reply, usize::MAX);
    } else if !ctx.session.is_subscriber() && ctx.session.protocol() == Protocol::Resp2 {
        // It cannot be written within EXEC's reply, and afterwards the client would take it for a reply.
        mailbox.clear();
    }
    confirm(ctx, topic, Some(name));
}

/// The reply: what was done, to which name, and how many subscriptions there are now, those to shard channels
/// counted by themselves.
fn confirm(ctx: &mut Context<'_, '_>, topic: Topic, name: Option<&[u8]>) {
    let count = match topic {
        Topic::Shard => ctx.session.subscription_count(Topic::Shard),
        Topic::Channel | Topic::Pattern => {
            ctx.session.subscription_count(Topic::Channel)
                + ctx.session.subscription_count(Topic::Pattern)
        }
    };
    let reply = &mut *ctx.reply;
    reply.push(3);
    reply.bulk_str(ctx.command.name);
    match name {
        Some(name) => reply.bulk(name),
        None => reply.null(),
    }
    reply.integer(i64::try_from(count).unwrap_or(i64::MAX));
}
