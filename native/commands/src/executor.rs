//! Runs commands: the one way from a client's bytes to the engine and back.
//!
//! One call takes a piece of input and runs every command in it that it can, with one access to the
//! engine. It stops early when its time slice or the size of its replies is used up, when a command
//! must wait or has to run elsewhere, and when the connection's process has to act; what is left
//! stays in the session.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ferric_engine::{Access, Lsn, Missing};
use ferric_resp::{ArgSlices, Decoder, Encoder, Feed, Limits, Protocol, Step};

use crate::context::{Args, Context, Control, Fault, Outcome};
use crate::multi;
use crate::server::Server;
use crate::session::{ReplyMode, Session};
use crate::table::{self, Command, Entry, Flag, Handler};

#[cfg(test)]
mod cold_tests;
mod lookahead;
mod meter;
mod refusal;
mod resume;
mod serve;
#[cfg(test)]
mod tests;

use lookahead::{Keyspace, Lookahead};
use meter::Meter;

/// Time slice on a normal scheduler: less than the 1 ms after which Erlang wants to switch.
const SLICE: Duration = Duration::from_micros(400);
/// How long a normal scheduler waits for a lock; then the command moves to a dirty one.
const PATIENCE: Duration = Duration::from_micros(100);
/// Time slice on a dirty scheduler.
const LONG_SLICE: Duration = Duration::from_millis(50);
/// Replies of one call, in bytes, after which it stops.
const MAX_REPLY: usize = 1 << 20;
/// Room for replies made at the start of a call, in bytes.
const FIRST_REPLY: usize = 512;
/// Bytes taken in and written after which the clock is read, however few commands they were.
const CLOCK_BYTES: usize = 64 << 10;

/// What came of a call.
#[derive(Debug)]
pub struct Progress {
    /// The replies must not be sent before the log is durable up to here; 0: at once.
    pub wait: Lsn,
    /// What to do after sending them.
    pub next: Next,
    /// With [`Next::Cold`], what is to be fetched before the next call; otherwise empty.
    pub missing: Missing,
}

impl Progress {
    /// Nothing was executed, and nothing more will be.
    fn closed() -> Progress {
        Progress { wait: 0, next: Next::Control(Control::Close), missing: Missing::default() }
    }
}

/// Why a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// All input is consumed but for an incomplete command: give more.
    Read,
    /// The time slice or the reply size is used up: call again.
    Again,
    /// The next command is long: call again on a dirty scheduler.
    Long,
    /// Too much data waits for the disk: call again when there is room.
    Busy,
    /// A key has to be fetched from disk: call again when what [`Progress::missing`] says is there.
    Cold,
    /// The command has started a job: call again when it is done, see [`Session::wait_for_job`].
    Waiting,
    /// The connection's process has to act, then call again (except after closing).
    Control(Control),
}

/// What came of one command.
enum Ran {
    /// It is done; its reply is written.
    Done,
    /// It is done, and the connection's process has to act.
    Control(Control),
    /// It was not run and has to be given again.
    Stopped(Next),
}

impl Server {
    /// Runs the commands in `bytes` and in what the session kept from earlier, appending replies to
    /// `out`. `long` says that the caller may take long (a dirty scheduler).
    pub fn execute(
        &self,
        session: &mut Session,
        bytes: &[u8],
        out: &mut Vec<u8>,
        long: bool,
    ) -> Progress {
        self.execute_at(session, bytes, out, long, wall_clock_us())
    }

    /// The same at a given time, in microseconds since 1970.
    pub fn execute_at(
        &self,
        session: &mut Session,
        bytes: &[u8],
        out: &mut Vec<u8>,
        long: bool,
        now_us: u64,
    ) -> Progress {
        if session.is_closing() {
            return Progress::closed();
        }
        // The session lends its input to the decoder while commands change the session.
        let mut input = std::mem::take(&mut session.input);
        let limits = self.limits(session);
        // Input that continues a command cannot be looked at without that command's beginning.
        let mut ahead = Decoder::new();
        let fresh = if input.decoder.buffered() == 0 { bytes } else { &[] };
        let mut ahead = Lookahead::new(ahead.feed(fresh, &limits), fresh.len());
        let mut feed = input.decoder.feed(bytes, &limits);
        let mut batch = Batch::new(self, session, out, long, now_us);
        // Before anything else, so that no reply gets ahead of a message that came before it.
        let flooded = !batch.take_mail(MAX_REPLY);
        let stopped = if flooded { Some(Next::Again) } else { batch.go_on() };
        let resumed = stopped.is_some();
        let next = stopped
            .unwrap_or_else(|| batch.drain(&mut feed, &mut ahead, &mut input.slices, limits));
        ahead.end();
        drop(feed);
        let missing = match next {
            Next::Cold if resumed => batch.missing_of_resumed(),
            Next::Cold => batch.missing_of(input.decoder.pending(), &mut input.slices),
            _ => Missing::default(),
        };
        let wait = batch.finish(&next, out, bytes.len());
        session.restore(input);
        // A client that only gets messages is idle.
        if !bytes.is_empty() {
            session.touch(now_us / 1000);
        }
        Progress { wait, next, missing }
    }

    /// Runs one command given as words. With [`Next::Again`], [`Next::Busy`], [`Next::Long`],
    /// [`Next::Cold`] or [`Next::Waiting`] nothing has been executed, and it has to be given again.
    pub fn call(
        &self,
        session: &mut Session,
        args: &[&[u8]],
        out: &mut Vec<u8>,
        long: bool,
    ) -> Progress {
        if session.is_closing() {
            return Progress::closed();
        }
        let now_us = wall_clock_us();
        let mut batch = Batch::new(self, session, out, long, now_us);
        let (next, stopped) = match batch.call_or_go_on(args) {
            Ran::Done => (Next::Read, false),
            Ran::Control(control) => (Next::Control(control), false),
            Ran::Stopped(next) => (next, true),
        };
        let missing = match next {
            Next::Cold if batch.session.resuming().is_some() => batch.missing_of_resumed(),
            Next::Cold => batch.missing_of_command(args),
            _ => Missing::default(),
        };
        let bytes = if stopped { 0 } else { args.iter().map(|arg| arg.len()).sum() };
        let wait = batch.finish(&next, out, bytes);
        session.touch(now_us / 1000);
        // What has stopped has no reply that could depend on anything.
        Progress { wait: if stopped { 0 } else { wait }, next, missing }
    }

    /// Decoder limits for the session.
    fn limits(&self, session: &Session) -> Limits {
        if !session.is_authenticated() {
            return Limits::unauthenticated();
        }
        let config = self.config();
        Limits {
            max_bulk: config.max_bulk(),
            max_query: config.max_query(),
            ..Limits::authenticated()
        }
    }
}

/// The commands of one call.
struct Batch<'c> {
    server: &'c Server,
    session: &'c mut Session,
    access: Access<'c>,
    reply: Encoder,
    meter: Meter<'c>,
    now_us: u64,
    long: bool,
    /// Where this call's replies begin.
    start: usize,
    /// Bytes moved when the clock was last read.
    clocked: usize,
    /// A command wants its replies to wait for the disk whatever the durability.
    sync: bool,
    /// What the replies to commands that have waited for a key depend on.
    served: Lsn,
    /// Why the store accepts no writes, if it does not.
    failure: Option<String>,
    /// The disk is full: the engine refuses the writes it has no room for.
    full: bool,
}

impl<'c> Batch<'c> {
    fn new(
        server: &'c Server,
        session: &'c mut Session,
        out: &mut Vec<u8>,
        long: bool,
        now_us: u64,
    ) -> Batch<'c> {
        let mut buffer = std::mem::take(out);
        buffer.reserve(FIRST_REPLY);
        let slice = if long { LONG_SLICE } else { SLICE };
        let mut access = server.engine().enter(now_us / 1000);
        if long {
            access.set_blocking(true);
        } else {
            access.set_patience(PATIENCE);
        }
        server.field_expiry().remove_due(&mut access, server.shards());
        Batch {
            access,
            start: buffer.len(),
            clocked: 0,
            reply: Encoder::with_buffer(buffer, session.protocol()),
            meter: Meter::new(server.stats(), slice),
            failure: server.engine().failure(),
            full: server.engine().paused().is_some(),
            server,
            session,
            now_us,
            long,
            sync: false,
            served: 0,
        }
    }

    /// Runs the commands of `feed` until they or the call's allowances end.
    fn drain(
        &mut self,
        feed: &mut Feed<'_, '_>,
        ahead: &mut Lookahead<'_, '_>,
        slices: &mut ArgSlices,
        mut limits: Limits,
    ) -> Next {
        let offered = feed.remaining();
        loop {
            ahead.step(&mut self.access, self.session.db(), self.server.shards());
            match feed.next() {
                Step::Command => {}
                Step::Incomplete { .. } => return Next::Read,
                Step::Error(error) => {
                    error.write_reply(&mut self.reply);
                    self.server.stats().error(b"ERR");
                    return Next::Control(Control::Close);
                }
            }
            match slices.with(feed.args(), |args| self.dispatch(args)) {
                Ran::Done => {}
                Ran::Control(control) => return Next::Control(control),
                Ran::Stopped(next) => {
                    feed.unread();
                    return next;
                }
            }
            if self.session.is_authenticated() != limits.authenticated {
                limits = self.server.limits(self.session);
                feed.set_limits(&limits);
            }
            let left = feed.remaining();
            if left > 0 && self.is_used_up(offered - left) {
                return Next::Again;
            }
        }
    }

    /// Finds the command, checks it, runs it and settles its reply.
    fn dispatch(&mut self, args: Args<'_>) -> Ran {
        self.take_mail(usize::MAX);
        let mark = self.reply.len();
        let ran = match self.admit(args) {
            Err(_) if refusal::is_http(args) => Ran::Control(Control::Close),
            Err(refused) => {
                if let Some(multi) = self.session.multi_mut() {
                    multi.refused = true;
                }
                self.refuse(refused);
                Ran::Done
            }
            Ok(entry) if self.session.multi().is_some() && !multi::is_immediate(entry) => {
                self.queue(entry, args);
                Ran::Done
            }
            Ok(entry) => self.execute(entry, args),
        };
        if self.session.reply_mode != ReplyMode::On && !matches!(ran, Ran::Stopped(_)) {
            self.drop_reply(mark, args);
        }
        ran
    }

    /// Whether the command may run, in Redis's order of checks.
    fn admit(&self, args: Args<'_>) -> Result<&'static Entry, refusal::Refusal> {
        let entry = find(args)?;
        if !entry.accepts(args.len()) {
            return Err(refusal::arity(entry));
        }
        if !self.session.is_authenticated()
            && !entry.has(Flag::NoAuth)
            && self.server.config().has_password()
        {
            return Err(refusal::unauthenticated(entry));
        }
        if let Some(reason) = &self.failure
            && (entry.has(Flag::Write) || entry.command.name == "ping")
        {
            return Err(refusal::read_only(entry, reason));
        }
        if entry.has(Flag::NoMulti) && self.session.multi().is_some() {
            return Err(refusal::not_in_multi(entry));
        }
        if self.full && entry.command.name == "ping" {
            return Err(refusal::read_only(entry, refusal::NO_SPACE));
        }
        if self.session.is_subscriber()
            && self.session.protocol() == Protocol::Resp2
            && !refusal::is_for_subscribers(entry)
        {
            return Err(refusal::subscribed(entry));
        }
        Ok(entry)
    }

    /// Has a command wait for EXEC.
    fn queue(&mut self, entry: &'static Entry, args: Args<'_>) {
        let limit = self.server.config().max_query();
        let Some(multi) = self.session.multi_mut() else { return };
        match multi.add(entry, args, limit) {
            Ok(()) => self.reply.simple("QUEUED"),
            Err(fault) => {
                multi.refused = true;
                // It cannot stop: nothing has been run.
                self.settle(fault, None, self.reply.len());
            }
        }
        self.session.note_multi();
    }

    #[cold]
    fn refuse(&mut self, refused: refusal::Refusal) {
        if let Some(index) = refused.index {
            self.server.stats().rejected(index);
        }
        self.server.stats().error(&refused.text);
        self.reply.error_bytes(&refused.text);
    }

    /// Runs an admitted command.
    fn execute(&mut self, entry: &'static Entry, args: Args<'_>) -> Ran {
        if entry.command.long && !self.long {
            return Ran::Stopped(Next::Long);
        }
        let Some(handler) = entry.command.handler else {
            // Only a container without subcommands gets here: it is not called by itself.
            self.refuse(refusal::arity(entry));
            return Ran::Done;
        };
        self.meter.begin(entry.index);
        self.session.note_command(entry.index);
        let mark = self.reply.len();
        let (mut outcome, mut control) = (Err(Fault::Long), None);
        // Also where a command may take long, most do not: only those that ask for it are given
        // snapshots of what they read.
        if !entry.command.long {
            (outcome, control) = self.invoke(entry.command, handler, args, false);
        }
        if self.long && outcome == Err(Fault::Long) {
            self.meter.tally.forget();
            self.reply.truncate(mark);
            (outcome, control) = self.invoke(entry.command, handler, args, true);
        }
        let ran = match outcome {
            Ok(()) => control.map_or(Ran::Done, Ran::Control),
            Err(fault) => self.settle(fault, control, mark),
        };
        if matches!(ran, Ran::Stopped(_)) {
            self.meter.stopped();
        } else {
            self.meter.end();
            self.session.command_done();
        }
        if self.server.blocked().len() > 0 {
            self.serve();
        }
        ran
    }

    /// Calls a command's function, which may take long or has to say that it would; a panic in it
    /// becomes a fault.
    fn invoke(
        &mut self,
        command: &'static Command,
        handler: Handler,
        args: Args<'_>,
        long: bool,
    ) -> (Outcome, Option<Control>) {
        let mut context = Context {
            server: self.server,
            seed: self.session.seed(),
            session: &mut *self.session,
            access: &mut self.access,
            reply: &mut self.reply,
            tally: &self.meter.tally,
            command,
            now_us: self.now_us,
            long,
            control: None,
            sync: false,
        };
        // A handler changes nothing after its single write, so what a panic leaves behind is whole:
        // the reply is cut back, the session's settings are each set at once, and the locks of the
        // engine are released as the handler's frame unwinds.
        let outcome = catch_unwind(AssertUnwindSafe(|| handler(&mut context, args)));
        self.sync |= context.sync;
        let control = context.control;
        if outcome.is_err() {
            self.access.roll_back();
            self.session.roll_back();
        }
        (outcome.unwrap_or(Err(Fault::error("ERR internal error"))), control)
    }

    /// What the command at the beginning of `input`, which has stopped, and those after it need from
    /// disk.
    #[cold]
    fn missing_of(&mut self, input: &[u8], slices: &mut ArgSlices) -> Missing {
        let limits = self.server.limits(self.session);
        let keyspace = self.keyspace();
        lookahead::note_keys(&mut self.access, keyspace, input, &limits, slices);
        self.take_missing()
    }

    /// The same for one command.
    #[cold]
    fn missing_of_command(&mut self, args: Args<'_>) -> Missing {
        let keyspace = self.keyspace();
        lookahead::note_command(&mut self.access, keyspace, args, usize::MAX);
        self.take_missing()
    }

    /// What has been noted, and how often the command has stopped before: it may need more at a
    /// time than there is room for.
    fn take_missing(&mut self) -> Missing {
        let mut missing = self.access.take_missing();
        missing.set_attempts(self.session.stopped_cold());
        missing
    }

    fn keyspace(&self) -> Keyspace {
        Keyspace { db: self.session.db(), shards: self.server.shards() }
    }

    /// Replies with a fault, or says what the command waits for.
    #[cold]
    fn settle(&mut self, fault: Fault, control: Option<Control>, mark: usize) -> Ran {
        self.reply.truncate(mark);
        let text = match fault {
            Fault::Busy => return Ran::Stopped(Next::Busy),
            Fault::Long => return Ran::Stopped(Next::Long),
            Fault::Contended => return Ran::Stopped(self.after_contention(mark)),
            Fault::Cold => return Ran::Stopped(Next::Cold),
            Fault::Waiting => return Ran::Stopped(Next::Waiting),
            Fault::Blocked(timeout) => return Ran::Control(Control::Block(timeout)),
            Fault::Full => refusal::misconf(refusal::NO_SPACE),
            Fault::Paused => return Ran::Stopped(control.map_or(Next::Again, Next::Control)),
            Fault::Failed => {
                let reason = self.server.engine().failure();
                let text = refusal::misconf(reason.as_deref().unwrap_or("the store is closed"));
                self.failure = reason;
                text
            }
            Fault::Error(text) => text.into_owned().into_bytes(),
            Fault::Bytes(text) => text,
        };
        self.meter.failed();
        self.server.stats().error(&text);
        self.reply.error_bytes(&text);
        Ran::Done
    }

    /// What to do when a lock could not be had. A call that has done something lets others run, which is
    /// what whoever has the lock waits for, if it was interrupted; one that has come to nothing moves to
    /// a scheduler where waiting hurts nobody.
    fn after_contention(&self, mark: usize) -> Next {
        if mark > self.start { Next::Again } else { Next::Long }
    }

    /// CLIENT REPLY: drops the reply that begins at `mark` when it is not wanted.
    #[cold]
    fn drop_reply(&mut self, mark: usize, args: Args<'_>) {
        match self.session.reply_mode {
            ReplyMode::On => return,
            ReplyMode::Off => {}
            ReplyMode::SkipNext => self.session.reply_mode = ReplyMode::Skip,
            ReplyMode::Skip => self.session.reply_mode = ReplyMode::On,
        }
        // What subscribing answers is sent in any case, as messages are.
        let is_message = matches!(self.reply.as_slice().get(mark), Some(b'*' | b'>'));
        let subscribes = find(args).is_ok_and(|entry| entry.command.name.ends_with("subscribe"));
        if !(is_message && subscribes) {
            self.reply.truncate(mark);
        }
    }

    /// Whether the call has to stop, having consumed `consumed` bytes of input.
    fn is_used_up(&mut self, consumed: usize) -> bool {
        let written = self.reply.len() - self.start;
        if consumed + written > self.clocked + CLOCK_BYTES {
            self.clocked = consumed + written;
            self.meter.read_clock();
        }
        written > MAX_REPLY || self.meter.is_used_up()
    }

    /// Hands the replies back and says what they have to wait for.
    fn finish(mut self, next: &Next, out: &mut Vec<u8>, bytes_in: usize) -> Lsn {
        if *next == Next::Control(Control::Close) {
            self.session.close();
        }
        // What the last command has published to its own client.
        self.take_mail(MAX_REPLY);
        let commands = self.meter.finish();
        let bytes_out = self.reply.len() - self.start;
        let wait = if self.waits() { self.access.depends_on() } else { 0 };
        *out = self.reply.into_inner();
        self.server.stats().batch(self.now_us / 1000, commands, bytes_in, bytes_out);
        wait.max(self.served)
    }

    /// Whether replies wait for the disk.
    fn waits(&self) -> bool {
        self.sync || !self.server.config().is_async()
    }
}

/// Finds the command or subcommand that the words name.
#[inline]
fn find(args: Args<'_>) -> Result<&'static Entry, refusal::Refusal> {
    let name = args.first().copied().unwrap_or_default();
    let Some(entry) = table::lookup(name) else { return Err(refusal::unknown(args)) };
    if entry.command.subcommands.is_empty() {
        return Ok(entry);
    }
    let Some(second) = args.get(1) else { return Ok(entry) };
    entry.subcommand(second).ok_or_else(|| refusal::unknown_subcommand(entry, second))
}

/// The wall clock, in microseconds since 1970.
pub(crate) fn wall_clock_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
