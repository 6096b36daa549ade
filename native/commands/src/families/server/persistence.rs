//! SAVE, BGSAVE, LASTSAVE, SHUTDOWN. The log is always the store, so saving means syncing it.

use crate::context::{Args, Context, Control, Fault, Outcome};
use crate::pattern::is_option;

const SYNTAX: Fault = Fault::error("ERR syntax error");

pub(super) fn save(ctx: &mut Context<'_, '_>, _: Args<'_>) -> Outcome {
    start_sync(ctx)?;
    ctx.access.depend_on_tail();
    ctx.sync = true;
    ctx.reply.ok();
    Ok(())
}

pub(super) fn bgsave(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    match args[1..] {
        [] => {}
        [option] if is_option(option, "schedule") => {}
        _ => return Err(SYNTAX),
    }
    start_sync(ctx)?;
    ctx.reply.simple("Background saving started");
    Ok(())
}

fn start_sync(ctx: &Context<'_, '_>) -> Outcome {
    if ctx.server.engine().failure().is_some() {
        return Err(Fault::Failed);
    }
    ctx.server.engine().sync_soon();
    Ok(())
}

pub(super) fn lastsave(ctx: &mut Context<'_, '_>, _: Args<'_>) -> Outcome {
    ctx.reply.integer(i64::try_from(last_sync_s(ctx)).unwrap_or(i64::MAX));
    Ok(())
}

/// Unix time of the last sync. Before the first of this run it is the start: recovery keeps only
/// what is durable.
pub(super) fn last_sync_s(ctx: &Context<'_, '_>) -> u64 {
    match ctx.server.engine().stats().last_sync_s {
        0 => ctx.server.started_us() / 1_000_000,
        seconds => seconds,
    }
}

/// The options of SHUTDOWN. NOW skips waiting for replicas, of which there are none.
#[derive(Default)]
struct Options {
    save: bool,
    nosave: bool,
    now: bool,
    force: bool,
    abort: bool,
}

fn parse(words: &[&[u8]]) -> Result<Options, Fault> {
    let mut options = Options::default();
    for word in words {
        let known: [(&str, &mut bool); 5] = [
            ("save", &mut options.save),
            ("nosave", &mut options.nosave),
            ("now", &mut options.now),
            ("force", &mut options.force),
            ("abort", &mut options.abort),
        ];
        match known.into_iter().find(|(name, _)| is_option(word, name)) {
            Some((_, given)) => *given = true,
            None => return Err(SYNTAX),
        }
    }
    let others = options.save || options.nosave || options.now || options.force;
    if (options.save && options.nosave) || (options.abort && others) {
        return Err(SYNTAX);
    }
    Ok(options)
}

pub(super) fn shutdown(ctx: &mut Context<'_, '_>, args: Args<'_>) -> Outcome {
    let options = parse(&args[1..])?;
    if options.abort {
        return Err(Fault::error("ERR No shutdown in progress."));
    }
    if ctx.server.engine().failure().is_some() && !options.nosave && !options.force {
        return Err(Fault::error("ERR Errors trying to SHUTDOWN. Check logs."));
    }
    ctx.control = Some(Control::Shutdown { save: !options.nosave });
    Ok(())
}
