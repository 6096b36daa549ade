//! Telling a process that what it waits for has happened.
//!
//! Messages are sent by the engine's own threads, the committer and those that fetch records, as long
//! as the store is open: not from a scheduler, and never while a lock is held that one might want.

use std::cell::RefCell;

use ferric_commands::{MailNews, MailNotice, Session};
use ferric_engine::{Engine, Failure, Lsn, Missing};
use rustler::thread::is_scheduler_thread;
use rustler::types::LocalPid;
use rustler::{Env, OwnedEnv};

use crate::atoms;

thread_local! {
    /// Whom this thread of an engine has to tell what when its group is done.
    static NEWS: RefCell<News> = RefCell::default();
    /// One environment for all messages of a thread: making one costs more than sending.
    static MESSAGES: RefCell<OwnedEnv> = RefCell::new(OwnedEnv::new());
}

/// What one group commit, or one group of fetched records, means to the processes that waited.
#[derive(Default)]
struct News {
    durable: Lsn,
    waited: Vec<LocalPid>,
    failed: Vec<(LocalPid, String)>,
    room: Vec<LocalPid>,
    resident: Vec<LocalPid>,
    done: Vec<LocalPid>,
    unblocked: Vec<LocalPid>,
    mail: Vec<LocalPid>,
    /// With the messenger that has them disconnected.
    overflown: Vec<(LocalPid, LocalPid)>,
}

/// Sends what has been noted, as one message to the store's messenger process, which passes it on.
/// From a scheduler a message costs a fraction of what it costs from a thread of ours.
///
/// A scheduler calls waiters when the store is being closed, or has been; then the news stay for
/// [`deliver_here`].
pub(crate) fn deliver(messenger: LocalPid) {
    if is_scheduler_thread() {
        return;
    }
    let news = NEWS.take();
    MESSAGES.with(|messages| {
        let mut messages = messages.borrow_mut();
        // Messengers live as long as their store: an error means that the store is going down.
        if !news.waited.is_empty() {
            let message = (atoms::ferric_durable(), news.durable, news.waited);
            let _ = messages.send_and_clear(&messenger, |_| message);
        }
        if !news.room.is_empty() {
            let message = (atoms::ferric_room(), news.room);
            let _ = messages.send_and_clear(&messenger, |_| message);
        }
        if !news.resident.is_empty() {
            let message = (atoms::ferric_resident(), news.resident);
            let _ = messages.send_and_clear(&messenger, |_| message);
        }
        if !news.done.is_empty() {
            let message = (atoms::ferric_done(), news.done);
            let _ = messages.send_and_clear(&messenger, |_| message);
        }
        for pid in news.unblocked {
            let _ = messages.send_and_clear(&pid, |_| atoms::ferric_unblocked());
        }
        for pid in news.mail {
            let _ = messages.send_and_clear(&pid, |_| atoms::ferric_mail());
        }
        for (messenger, pid) in news.overflown {
            let _ = messages.send_and_clear(&messenger, |_| (atoms::ferric_overflow(), pid));
        }
        for (pid, reason) in news.failed {
            let _ = messages.send_and_clear(&pid, |_| (atoms::ferric_failed(), reason));
        }
    });
}

/// Sends what has been noted on this scheduler, to each process by itself.
pub(crate) fn deliver_here(env: Env<'_>) {
    let news = NEWS.take();
    // An error means that the process has ended.
    for pid in news.waited {
        let _ = env.send(&pid, (atoms::ferric_durable(), news.durable));
    }
    for pid in news.room {
        let _ = env.send(&pid, atoms::ferric_room());
    }
    for pid in news.resident {
        let _ = env.send(&pid, atoms::ferric_resident());
    }
    for pid in news.done {
        let _ = env.send(&pid, atoms::ferric_done());
    }
    for pid in news.unblocked {
        let _ = env.send(&pid, atoms::ferric_unblocked());
    }
    for pid in news.mail {
        let _ = env.send(&pid, atoms::ferric_mail());
    }
    for (messenger, pid) in news.overflown {
        let _ = env.send(&messenger, (atoms::ferric_overflow(), pid));
    }
    for (pid, reason) in news.failed {
        let _ = env.send(&pid, (atoms::ferric_failed(), reason));
    }
}

fn note(change: impl FnOnce(&mut News)) {
    NEWS.with(|news| change(&mut news.borrow_mut()));
}

/// Has the calling process told when `lsn` is durable. Returns what it has to wait for: `lsn`, or 0
/// when there is nothing to wait for any more.
pub(crate) fn for_durability(env: Env<'_>, engine: &Engine, lsn: Lsn) -> Lsn {
    if lsn == 0 {
        return 0;
    }
    let pid = env.pid();
    let tell = move |outcome: Result<Lsn, Failure>| match outcome {
        Ok(durable) => note(|news| {
            news.durable = durable;
            news.waited.push(pid);
        }),
        Err(failure) => note(|news| news.failed.push((pid, failure.0))),
    };
    if engine.wait_durable(lsn, Box::new(tell)).is_none() {
        return lsn;
    }
    if engine.is_durable(lsn) {
        return 0;
    }
    let reason = engine.failure().unwrap_or_default();
    let _ = env.send(&pid, (atoms::ferric_failed(), reason));
    lsn
}

/// Has the calling process told when a write that was refused may be tried again.
pub(crate) fn for_room(env: Env<'_>, engine: &Engine) {
    let pid = env.pid();
    let tell = move |_| note(|news| news.room.push(pid));
    if engine.wait_room(Box::new(tell)).is_some() {
        let _ = env.send(&pid, atoms::ferric_room());
    }
}

/// Has records brought into memory, and the calling process told when that has been tried.
pub(crate) fn for_records(env: Env<'_>, engine: &Engine, missing: Missing) {
    let pid = env.pid();
    engine.fetch(missing, Box::new(move || note(|news| news.resident.push(pid))));
    // A store that is closed has called the waiter by now.
    deliver_here(env);
}

/// Has the calling process told when the job that its command has started is done.
pub(crate) fn for_job(env: Env<'_>, session: &Session, messenger: LocalPid) {
    let pid = env.pid();
    let tell = move || {
        note(|news| news.done.push(pid));
        // Jobs end one by one, so this is a group.
        deliver(messenger);
    };
    if session.wait_for_job(Box::new(tell)).is_some() {
        let _ = env.send(&pid, atoms::ferric_done());
    }
}

/// Has the calling process told of messages that are published to its client, and disconnected if it does not take
/// them. Whoever publishes is on a scheduler most often, and tells it at the end of its call.
pub(crate) fn for_mail(env: Env<'_>, messenger: LocalPid) -> MailNotice {
    let pid = env.pid();
    Box::new(move |event| {
        note(|news| match event {
            MailNews::Arrived => news.mail.push(pid),
            MailNews::Overflow => news.overflown.push((messenger, pid)),
        });
    })
}

/// Has the calling process told when its client waits for a key no more. Whoever ends the wait is on a
/// scheduler most often, and tells it at the end of its call.
pub(crate) fn for_key(env: Env<'_>, session: &Session) {
    let pid = env.pid();
    let tell = move || note(|news| news.unblocked.push(pid));
    if session.on_unblocked(Box::new(tell)).is_some() {
        let _ = env.send(&pid, atoms::ferric_unblocked());
    }
}
