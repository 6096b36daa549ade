//! Going on with a command that has waited for a key.

use std::sync::Arc;

use ferric_engine::Missing;

use super::{Batch, Next, Ran};
use crate::blocked::{Ending, Waiter};
use crate::context::{Args, Control};

impl Batch<'_> {
    /// Replies to a command that has waited for a key, or runs it again; says why the call ends if it
    /// cannot go on with others.
    pub(super) fn go_on(&mut self) -> Option<Next> {
        if let Some(waiter) = self.session.blocked().cloned() {
            let Some(ending) = waiter.take_ending() else {
                let left = waiter.deadline_ms.map(|end| end.saturating_sub(self.now_us / 1000));
                return Some(Next::Control(Control::Block(left)));
            };
            self.server.blocked().remove(&waiter);
            self.session.take_blocked();
            let mark = self.reply.len();
            match ending {
                Ending::Reply(reply, wait) => {
                    self.reply.raw(&reply);
                    self.served = self.served.max(wait);
                }
                Ending::Timeout => self.reply_in_vain(&waiter),
                Ending::Error => {
                    self.reply.error("UNBLOCKED client unblocked via CLIENT UNBLOCK");
                }
                Ending::Again => self.session.resume(Some(Arc::clone(&waiter))),
            }
            if waiter.silent {
                self.reply.truncate(mark);
            }
        }
        let waiter = self.session.resuming()?;
        let mark = self.reply.len();
        let ran = self.execute(waiter.command.entry, &waiter.command.words());
        if let Ran::Stopped(next) = ran {
            return Some(next);
        }
        self.session.resume(None);
        if waiter.silent {
            self.reply.truncate(mark);
        }
        match ran {
            Ran::Control(control) => Some(Next::Control(control)),
            _ => None,
        }
    }

    /// Replies to a command that has waited in vain.
    fn reply_in_vain(&mut self, waiter: &Waiter) {
        match waiter.command.entry.command.name {
            "wait" => self.reply.integer(0),
            "waitaof" => {
                self.access.depend_on_tail();
                self.sync = true;
                self.reply.array(2);
                self.reply.integer(1);
                self.reply.integer(0);
            }
            _ => self.reply.null_array(),
        }
    }

    /// Runs a command; or, if one has waited for a key, ends that.
    pub(super) fn call_or_go_on(&mut self, args: Args<'_>) -> Ran {
        if self.session.blocked().is_none() && self.session.resuming().is_none() {
            return self.dispatch(args);
        }
        match self.go_on() {
            None => Ran::Done,
            Some(Next::Control(control)) => Ran::Control(control),
            Some(next) => Ran::Stopped(next),
        }
    }

    /// Writes messages that have been published to the client among its replies, about `limit` bytes of them. False
    /// if there are more.
    #[inline]
    pub(super) fn take_mail(&mut self, limit: usize) -> bool {
        self.session.client().mailbox().take(&mut self.reply, limit)
    }

    /// What a command that is run again after a wait needs from disk.
    #[cold]
    pub(super) fn missing_of_resumed(&mut self) -> Missing {
        match self.session.resuming() {
            Some(waiter) => self.missing_of_command(&waiter.command.words()),
            None => Missing::default(),
        }
    }
}
