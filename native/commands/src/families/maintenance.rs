//! FERRICSTORE.*: what an operator asks of the engine.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::context::{Args, Context, Fault, Outcome};
use crate::families::help;
use crate::table::Command;
use crate::table::Flag::{Admin, Loading, NoMulti, NoScript, Stale};

const ROW: Command = Command {
    flags: &[Admin, NoScript],
    categories: &["admin", "slow", "dangerous"],
    group: "server",
    since: "0.1.0",
    complexity: "O(1)",
    ..Command::BLANK
};

/// A command that replies when a thread of the engine has done the work.
const JOB: Command = Command { flags: &[Admin, NoScript, NoMulti], ..ROW };

/// This family's rows of the command table.
pub static COMMANDS: &[Command] = &[
    Command {
        name: "ferricstore.backup",
        arity: 2,
        summary: "Writes a copy of the store, as of now, to a new or empty directory.",
        complexity: "O(N) with N bytes that cannot be linked",
        handler: Some(backup),
        ..JOB
    },
    Command {
        name: "ferricstore.checkpoint",
        arity: 1,
        summary: "Writes the index to disk, so that the store opens quickly.",
        complexity: "O(N) with N keys",
        handler: Some(checkpoint),
        ..JOB
    },
    Command {
        name: "ferricstore.merge",
        arity: -2,
        categories: &["slow"],
        summary: "Commands about the merging of segments.",
        complexity: "Depends on the subcommand.",
        subcommands: MERGE,
        ..ROW
    },
];

static MERGE: &[Command] = &[
    Command {
        name: "help",
        arity: 2,
        flags: &[Loading, Stale],
        categories: &["slow"],
        summary: "Lists the subcommands.",
        handler: Some(merge_help),
        ..ROW
    },
    Command {
        name: "now",
        arity: 2,
        summary: "Looks for segments that are worth merging without waiting for the next round.",
        handler: Some(merge_now),
        ..ROW
    },
    Command {
        name: "pause",
        arity: 2,
        summary: "Stops merging until it is resumed or the store is opened again.",
        handler: Some(merge_pause),
        ..ROW
    },
    Command {
        name: "resume",
        arity: 2,
        summary: "Lets merging go on.",
        handler: Some(merge_resume),
        ..ROW
    },
    Command {
        name: "status",
        arity: 2,
        summary: "What merging is doing and has done.",
        handler: Some(merge_status),
        ..ROW
    },
];

const MERGE_HELP: &[&str] = &[
    "NOW",
    "    Removes all garbage from sealed segments, and replies when it is gone.",
    "PAUSE",
    "    Stops merging until RESUME, or until the store is opened again.",
    "RESUME",
    "    Lets merging go on.",
    "STATUS",
    "    What merging is doing and has done.",
];

/// `FERRICSTORE.BACKUP path`
fn backup(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let path = Path::new(OsStr::from_bytes(args[1]));
    if !path.is_absolute() || args[1].contains(&0) {
        return Err(Fault::error("ERR the path of a backup must be absolute"));
    }
    ctx.job(|engine, done| {
        engine.backup(path, Box::new(move |outcome| done(outcome.map(drop))));
    })?;
    ctx.reply.ok();
    Ok(())
}

/// `FERRICSTORE.CHECKPOINT`
fn checkpoint(ctx: &mut Context<'_, '_>, _: Args<'_>) -> Outcome {
    ctx.job(|engine, done| engine.checkpoint(done))?;
    ctx.reply.ok();
    Ok(())
}

fn merge_help(ctx: &mut Context<'_, '_>, _: Args<'_>) -> Outcome {
    help(ctx, "FERRICSTORE.MERGE", MERGE_HELP)
}

/// `FERRICSTORE.MERGE NOW`
fn merge_now(ctx: &mut Context<'_, '_>, _: Args<'_>) -> Outcome {
    ctx.job(|engine, done| engine.merge_now(done))?;
    ctx.reply.ok();
    Ok(())
}

/// `FERRICSTORE.MERGE PAUSE`
fn merge_pause(ctx: &mut Context<'_, '_>, _: Args<'_>) -> Outcome {
    ctx.server.engine().merge_pause(true);
    ctx.reply.ok();
    Ok(())
}

/// `FERRICSTORE.MERGE RESUME`
fn merge_resume(ctx: &mut Context<'_, '_>, _: Args<'_>) -> Outcome {
    ctx.server.engine().merge_pause(false);
    ctx.reply.ok();
    Ok(())
}

/// `FERRICSTORE.MERGE STATUS`
fn merge_status(ctx: &mut Context<'_, '_>, _: Args<'_>) -> Outcome {
    let stats = ctx.server.engine().stats();
    let figures = [
        ("merges", stats.merges),
        ("merged-bytes", stats.merged_bytes),
        ("written-bytes", stats.merge_bytes),
        ("live-bytes", stats.live_bytes),
        ("dead-bytes", stats.dead_bytes),
        ("disk-bytes", stats.disk_bytes),
    ];
    ctx.reply.map(figures.len() + 1);
    ctx.reply.bulk_str("state");
    ctx.reply.bulk_str(stats.merge_state);
    for (name, value) in figures {
        ctx.reply.bulk_str(name);
        ctx.reply.integer(i64::try_from(value).unwrap_or(i64::MAX));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::executor::Next;
    use crate::testing::{Fixture, encode};

    /// Runs a command that may wait for a job.
    fn run(fixture: &mut Fixture, words: &[&[u8]]) -> String {
        let mut input = encode(words);
        loop {
            let (out, progress) = fixture.feed(&input);
            input.clear();
            if progress.next == Next::Read {
                return String::from_utf8(out).expect("text");
            }
            assert_eq!((progress.next, out.len()), (Next::Waiting, 0));
            let (sender, receiver) = std::sync::mpsc::channel();
            let wake = Box::new(move || sender.send(()).expect("somebody waits"));
            if fixture.session.wait_for_job(wake).is_none() {
                receiver.recv_timeout(Duration::from_secs(10)).expect("in time");
            }
        }
    }

    #[test]
    fn a_checkpoint_is_taken_and_counted() {
        let mut fixture = Fixture::new();
        fixture.run("SET a 1");
        fixture.run("SET b 1");
        let changes = |fixture: &mut Fixture, count: u32| {
            let info = fixture.run("INFO persistence");
            assert!(info.contains(&format!("\nrdb_changes_since_last_save:{count}\r\n")), "{info}");
        };
        changes(&mut fixture, 2);
        assert_eq!(run(&mut fixture, &[b"ferricstore.checkpoint"]), "+OK\r\n");
        changes(&mut fixture, 0);
        assert_eq!(fixture.server.engine().stats().checkpoints, 1);
        assert_eq!(fixture.run("GET a"), "$1\r\n1\r\n");
    }

    #[test]
    fn a_backup_goes_to_an_absolute_path() {
        let mut fixture = Fixture::new();
        fixture.run("SET a 1");
        for path in [&b"relative"[..], b"", b"/a\0b"] {
            let reply = run(&mut fixture, &[b"FERRICSTORE.BACKUP", path]);
            assert_eq!(reply, "-ERR the path of a backup must be absolute\r\n");
        }
    }

    #[test]
    fn merging_is_paused_and_resumed() {
        let mut fixture = Fixture::new();
        for (command, state) in [("PAUSE", "paused"), ("RESUME", "idle"), ("NOW", "idle")] {
            let words = ["FERRICSTORE.MERGE".as_bytes(), command.as_bytes()];
            assert_eq!(run(&mut fixture, &words), "+OK\r\n", "{command}");
            let status = fixture.run("FERRICSTORE.MERGE STATUS");
            let expected = format!("*14\r\n$5\r\nstate\r\n${}\r\n{state}\r\n", state.len());
            assert!(status.starts_with(&expected), "{status}");
        }
    }
}
