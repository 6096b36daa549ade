//! Commands that run within another one: those of a transaction.

use std::time::Instant;

use crate::context::{Args, Context, Fault, Outcome};
use crate::table::{Entry, Handler};

impl Context<'_, '_> {
    /// Runs a command whose words have been checked. What is wrong with it is its reply, as for every
    /// command.
    ///
    /// # Errors
    /// It has to be run again, and with it the one that runs it: its reply may have begun.
    pub(crate) fn nested(&mut self, entry: &'static Entry, args: Args<'_>) -> Outcome {
        if entry.command.long && !self.long {
            return Err(Fault::Long);
        }
        // A container without subcommands is not admitted.
        let Some(handler) = entry.command.handler else { return Ok(()) };
        let (mark, started) = (self.reply.len(), Instant::now());
        let outcome = self.call(entry, handler, args);
        let text = match outcome {
            Ok(()) => None,
            Err(Fault::Error(text)) => Some(text.into_owned().into_bytes()),
            Err(Fault::Bytes(text)) => Some(text),
            Err(fault) => return Err(fault),
        };
        if let Some(text) = &text {
            self.reply.truncate(mark);
            self.reply.error_bytes(text);
            self.server.stats().error(text);
        }
        let failed = u64::from(text.is_some());
        self.server.stats().executed(entry.index, 1, failed, started.elapsed());
        Ok(())
    }

    fn call(&mut self, entry: &'static Entry, handler: Handler, args: Args<'_>) -> Outcome {
        let mut inner = Context {
            server: self.server,
            seed: self.session.seed(),
            session: &mut *self.session,
            access: &mut *self.access,
            reply: &mut *self.reply,
            tally: self.tally,
            command: entry.command,
            now_us: self.now_us,
            long: self.long,
            control: None,
            sync: false,
        };
        let outcome = handler(&mut inner, args);
        let (control, sync) = (inner.control, inner.sync);
        self.control = control.or(self.control.take());
        self.sync |= sync;
        self.session.next_seed();
        outcome
    }
}
