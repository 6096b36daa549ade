//! MULTI, EXEC, DISCARD, WATCH, UNWATCH.
//!
//! EXEC runs the queued commands as a transaction of the engine: what they write becomes one atomic batch of
//! the log, and nobody sees or changes anything in between. A command that cannot go on (a key on
//! disk only, a full log) ends it without effect, and EXEC is run again from its beginning.

#[cfg(test)]
mod tests;

use ferric_engine::Key;

use crate::context::{Args, Context, Fault, Outcome};
use crate::multi::Multi;
use crate::slot;
use crate::table::Flag::{AllowBusy, Fast, Loading, NoScript, SkipSlowlog, Stale};
use crate::table::{Begin, Command, Find, Flag, KeySpec, keys_of};
use crate::values::MAX_KEYS;

const FLAGS: &[Flag] = &[NoScript, Loading, Stale, Fast, AllowBusy];

const ROW: Command = Command {
    arity: 1,
    flags: FLAGS,
    categories: &["fast", "transaction"],
    group: "transactions",
    complexity: "O(1)",
    ..Command::BLANK
};

/// This family's rows of the command table.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "multi",
        since: "1.2.0",
        summary: "Begins a transaction: the commands that follow wait for EXEC.",
        handler: Some(multi),
        ..ROW
    },
    Command {
        name: "exec",
        flags: &[NoScript, Loading, Stale, SkipSlowlog],
        categories: &["slow", "transaction"],
        since: "1.2.0",
        summary: "Runs the commands of the transaction, all at once.",
        complexity: "That of the commands together",
        handler: Some(exec),
        ..ROW
    },
    Command {
        name: "discard",
        since: "2.0.0",
        summary: "Ends the transaction without running its commands.",
        complexity: "O(N) for N queued commands",
        handler: Some(discard),
        ..ROW
    },
    Command {
        name: "watch",
        arity: -2,
        keys: &[KeySpec {
            flags: &["RO"],
            notes: "",
            begin: Begin::Index(1),
            find: Find::Range { last: -1, step: 1, limit: 0 },
        }],
        since: "2.2.0",
        summary: "Has the next transaction run only if these keys are not changed before.",
        complexity: "O(1) for every key",
        handler: Some(watch),
        ..ROW
    },
    Command {
        name: "unwatch",
        since: "2.2.0",
        summary: "Forgets the keys that are watched.",
        handler: Some(unwatch),
        ..ROW
    },
];

fn multi(ctx: &mut Context<'_, '_>, _args: Args<'_>) -> Outcome {
    if ctx.session.multi().is_some() {
        return Err(Fault::error("ERR MULTI calls can not be nested"));
    }
    ctx.session.set_multi(Some(Multi::default()));
    ctx.reply.ok();
    Ok(())
}

fn discard(ctx: &mut Context<'_, '_>, _args: Args<'_>) -> Outcome {
    if ctx.session.multi().is_none() {
        return Err(Fault::error("ERR DISCARD without MULTI"));
    }
    ctx.session.leave_multi();
    ctx.reply.ok();
    Ok(())
}

fn watch(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    if ctx.session.multi().is_some() {
        return Err(Fault::error("ERR WATCH inside MULTI is not allowed"));
    }
    ctx.bound(args.len(), MAX_KEYS)?;
    let db = ctx.session.db();
    for name in &args[1..] {
        // First: from here on nothing is missed.
        ctx.session.watch(ctx.server.watches()).add(db, name);
    }
    for name in &args[1..] {
        let key = ctx.key(name);
        let about = ctx.access.about(&key)?;
        let expiry_ms = about.map_or(0, |about| about.meta.expiry_ms);
        ctx.session.watch(ctx.server.watches()).set_expiry(db, name, expiry_ms);
    }
    ctx.reply.ok();
    Ok(())
}

fn unwatch(ctx: &mut Context<'_, '_>, _args: Args<'_>) -> Outcome {
    ctx.session.unwatch();
    ctx.reply.ok();
    Ok(())
}

fn exec(ctx: &mut Context<'_, '_>, _args: Args<'_>) -> Outcome {
    let Some(multi) = ctx.session.take_multi() else {
        return Err(Fault::error("ERR EXEC without MULTI"));
    };
    if multi.refused {
        ctx.session.leave_multi();
        return Err(Fault::error("EXECABORT Transaction discarded because of previous errors."));
    }
    let before = ctx.session.checkpoint();
    let outcome = run(ctx, &multi);
    match outcome {
        Ok(()) => {
            ctx.session.commit(ctx.server, ctx.access.now_ms());
            ctx.session.leave_multi();
        }
        Err(Fault::Error(_) | Fault::Bytes(_) | Fault::Full | Fault::Failed) => {
            ctx.access.roll_back();
            ctx.session.restore_checkpoint(before);
            ctx.session.leave_multi();
        }
        // It goes on from its beginning.
        Err(_) => {
            let too_narrow = ctx.access.roll_back();
            ctx.session.restore_checkpoint(before);
            ctx.session.set_multi(Some(multi.again(too_narrow)));
            if too_narrow {
                ctx.control = None;
                return Err(Fault::Paused);
            }
        }
    }
    outcome
}

/// Runs the commands, unless a watched key has been changed.
fn run(ctx: &mut Context<'_, '_>, multi: &Multi) -> Outcome {
    let queue = multi.queue();
    ctx.bound(queue.len(), MAX_KEYS)?;
    begin(ctx, multi)?;
    if ctx.session.is_watch_broken(ctx.access.now_ms()) {
        ctx.access.roll_back();
        ctx.reply.null_array();
        return Ok(());
    }
    ctx.reply.array(queue.len());
    for queued in queue {
        ctx.nested(queued.entry, &queued.words())?;
    }
    if ctx.access.is_too_narrow() {
        return Err(Fault::Paused);
    }
    Ok(ctx.access.commit()?)
}

/// Locks what the commands name, and what is watched.
fn begin(ctx: &mut Context<'_, '_>, multi: &Multi) -> Outcome {
    if multi.wide {
        return Ok(ctx.access.begin(None)?);
    }
    let (db, shards) = (ctx.session.db(), ctx.server.shards());
    let words: Vec<_> = multi.queue().iter().map(|queued| (queued.entry, queued.words())).collect();
    let mut keys: Vec<Key<'_>> = Vec::with_capacity(words.len());
    let mut add = |name| keys.push(ctx.access.key(db, slot::shard_of(name, shards), name));
    for (entry, words) in &words {
        // Without keys, or with wrong ones, there is nothing to lock.
        for key in keys_of(entry, words).unwrap_or_default() {
            add(words[key.position]);
        }
    }
    ctx.session.watched_keys().for_each(|(_, name)| add(name));
    Ok(ctx.access.begin(Some(&mut keys.iter()))?)
}
