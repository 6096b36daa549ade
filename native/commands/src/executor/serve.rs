//! Running the commands of clients that wait for a key which has just changed.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ferric_engine::ReadError;
use ferric_resp::Encoder;

use super::Batch;
use crate::blocked::{Ending, Waiter};
use crate::context::{Context, Fault};
use crate::session::Session;
use crate::values::Kind;

/// What redis-server tells a client whose group or stream goes while it waits.
const NO_GROUP: &[u8] =
    b"-NOGROUP the consumer group this client was blocked on no longer exists\r\n";
const NO_STREAM: &[u8] = b"-UNBLOCKED the stream key no longer exists\r\n";

/// What came of looking after one client.
enum Served {
    Ended(Ending),
    /// There is nothing for it.
    Still,
}

impl Batch<'_> {
    /// Serves the clients that wait for keys the last command has changed, each key's in the order in
    /// which they came.
    #[cold]
    pub(super) fn serve(&mut self) {
        let mut ready = VecDeque::from(self.access.take_changed());
        ready.extend(self.server.blocked().take_changed());
        while let Some((db, key)) = ready.pop_front() {
            self.serve_key(db, &key);
            ready.extend(self.access.take_changed());
        }
    }

    fn serve_key(&mut self, db: u16, name: &[u8]) {
        let (server, mut last) = (self.server, None);
        while let Some(waiter) = server.blocked().next(db, name, last) {
            last = Some(waiter.ticket);
            if !waiter.claim() {
                continue;
            }
            loop {
                match self.try_waiter(&waiter, name) {
                    Served::Ended(ending) => {
                        server.blocked().remove(&waiter);
                        waiter.finish(ending);
                        break;
                    }
                    Served::Still if waiter.release() => break,
                    Served::Still => {}
                }
            }
            // Lists and sorted sets are gone when they are empty; a stream serves everybody.
            if matches!(self.kind_of(db, name), Ok(None)) && waiter.kind != Kind::Stream {
                break;
            }
        }
    }

    /// The kind of a key's value.
    fn kind_of(&mut self, db: u16, name: &[u8]) -> Result<Option<Kind>, ReadError> {
        let shard = crate::slot::shard_of(name, self.server.shards());
        let key = self.access.key(db, shard, name);
        let about = self.access.about(&key)?;
        Ok(about.and_then(|about| Kind::of(about.meta.kind)))
    }

    fn try_waiter(&mut self, waiter: &Waiter, name: &[u8]) -> Served {
        let of_group = waiter.command.entry.command.name == "xreadgroup";
        match self.kind_of(waiter.db, name) {
            Ok(kind) if kind == Some(waiter.kind) => {}
            Ok(_) if of_group => return Served::Ended(Ending::Reply(NO_STREAM.to_vec(), 0)),
            Ok(_) => return Served::Still,
            Err(_) => return Served::Ended(Ending::Again),
        }
        // As for any command: what a panic leaves behind is whole.
        let run = catch_unwind(AssertUnwindSafe(|| self.run_waiter(waiter)));
        match run {
            Ok(Ok(reply)) if of_group && reply.starts_with(b"-NOGROUP") => {
                Served::Ended(Ending::Reply(NO_GROUP.to_vec(), 0))
            }
            Ok(Ok(reply)) => {
                let wait = if self.waits() { self.access.depends_on() } else { 0 };
                Served::Ended(Ending::Reply(reply, wait))
            }
            Ok(Err(Fault::Blocked(_))) => Served::Still,
            Ok(Err(_)) => Served::Ended(Ending::Again),
            Err(_) => Served::Ended(Ending::Reply(b"-ERR internal error\r\n".to_vec(), 0)),
        }
    }

    /// Runs a waiting client's command in its place; its reply.
    fn run_waiter(&mut self, waiter: &Waiter) -> Result<Vec<u8>, Fault> {
        let mut session = Session::stand_in(self.server, waiter);
        let mut reply = Encoder::with_buffer(Vec::new(), waiter.protocol);
        let entry = waiter.command.entry;
        let mut context = Context {
            server: self.server,
            seed: waiter.seed,
            session: &mut session,
            access: &mut self.access,
            reply: &mut reply,
            tally: &self.meter.tally,
            command: entry.command,
            now_us: self.now_us,
            long: self.long,
            control: None,
            sync: false,
        };
        context.nested(entry, &waiter.command.words())?;
        Ok(reply.into_inner())
    }
}
