//! Telling a process that what it waits for has happened.
//!
//! Messages are sent by the engine's committer thread: never from a scheduler, and never while a
//! lock is held that a scheduler might want.

use std::cell::RefCell;

use ferric_engine::{Engine, Failure, Lsn};
use rustler::types::LocalPid;
use rustler::{Encoder, Env, OwnedEnv};

use crate::atoms;

thread_local! {
    /// One environment for all messages of a thread: making one costs more than sending.
    static MESSAGES: RefCell<OwnedEnv> = RefCell::new(OwnedEnv::new());
}

/// Sends from a thread of ours. A receiver that is gone waits for nothing.
fn send(pid: LocalPid, message: impl Encoder) {
    MESSAGES.with(|messages| {
        let _ = messages.borrow_mut().send_and_clear(&pid, |_| message);
    });
}

/// Has the calling process told when `lsn` is durable. Returns what it has to wait for: `lsn`, or 0
/// when there is nothing to wait for any more.
pub(crate) fn for_durability(env: Env<'_>, engine: &Engine, lsn: Lsn) -> Lsn {
    if lsn == 0 {
        return 0;
    }
    let pid = env.pid();
    let tell = move |outcome: Result<Lsn, Failure>| match outcome {
        Ok(durable) => send(pid, (atoms::ferric_durable(), durable)),
        Err(failure) => send(pid, (atoms::ferric_failed(), failure.0)),
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
    let tell = move |_| send(pid, atoms::ferric_room());
    if engine.wait_room(Box::new(tell)).is_some() {
        let _ = env.send(&pid, atoms::ferric_room());
    }
}
