//! What a command sees: its caller's session, the store, the clock, and where its reply goes.

use std::borrow::Cow;

use ferric_engine::{Access, Contended, Engine, Key, ReadError, WriteError};
use ferric_resp::Encoder;

use crate::job::{Done, Job};
use crate::server::Server;
use crate::session::Session;
use crate::slot;
use crate::stats::Tally;
use crate::table::Command;

/// The words of one command, its name first.
pub type Args<'a> = &'a [&'a [u8]];

/// The reply to a command whose key cannot be read from disk.
const DAMAGED: &str = "ERR the key's record on disk is damaged; 'ferricstore check' says where";

/// What a command function returns: its reply has been written to `Context::reply`, or a fault.
pub type Outcome = Result<(), Fault>;

/// Why a command did not reply by itself.
#[derive(Debug, PartialEq, Eq)]
pub enum Fault {
    /// The error line for the client, without the leading `-`: `ERR syntax error`.
    Error(Cow<'static, str>),
    /// The same, quoting bytes of the client's that need not be UTF-8.
    Bytes(Vec<u8>),
    /// Nothing was done: too much data waits for the disk. The command is to be run again.
    Busy,
    /// Nothing was done: the command is too long for a normal scheduler and has to be run again
    /// on a dirty one.
    Long,
    /// Nothing was done: somebody else has had a lock for long. The command is to be run again, where
    /// waiting hurts nobody if need be.
    Contended,
    /// Nothing was done: the connection's process has to act (see [`Context::control`]), and the
    /// command is to be run again afterwards.
    Paused,
    /// Nothing was done: a key has to be fetched from disk (see `Access::take_missing`), and the
    /// command is to be run again afterwards.
    Cold,
    /// A job has been started (see [`Context::job`]); the command is to be run again when it is done.
    Waiting,
    /// The client waits for a key from now on, so many milliseconds, or without end. There is no reply yet.
    Blocked(Option<u64>),
    /// Nothing was done: the disk is full.
    Full,
    /// The log could not be synced; the store accepts no further writes.
    Failed,
}

impl Fault {
    /// An error reply with a fixed text.
    pub const fn error(text: &'static str) -> Fault {
        Fault::Error(Cow::Borrowed(text))
    }
}

impl From<String> for Fault {
    fn from(text: String) -> Fault {
        Fault::Error(Cow::Owned(text))
    }
}

impl From<Contended> for Fault {
    fn from(_: Contended) -> Fault {
        Fault::Contended
    }
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Fault {
        match error {
            ReadError::Cold => Fault::Cold,
            ReadError::Damaged => Fault::error(DAMAGED),
            ReadError::Closed => Fault::Failed,
            ReadError::Contended => Fault::Contended,
        }
    }
}

impl From<WriteError> for Fault {
    fn from(error: WriteError) -> Fault {
        match error {
            WriteError::Busy => Fault::Busy,
            WriteError::Cold => Fault::Cold,
            WriteError::Damaged => Fault::error(DAMAGED),
            WriteError::Full => Fault::Full,
            WriteError::NoObject => Fault::error("ERR the key's value is not kept as expected"),
            WriteError::Failed | WriteError::Closed => Fault::Failed,
            WriteError::TooLarge => {
                Fault::error("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
            }
        }
    }
}

/// What the process that owns the connection has to do after a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// Send the replies and close the connection.
    Close,
    /// Wait before the next command of this connection, in milliseconds.
    Sleep(u64),
    /// Wait for a key: until [`Session::on_unblocked`] says so, or so many milliseconds have passed, which
    /// [`Session::end_wait`] is to be told. Then call again.
    Block(Option<u64>),
    /// Close the connections of these client ids.
    Kill(Vec<u64>),
    /// Stop the server.
    Shutdown {
        /// Whether to make everything durable first.
        save: bool,
    },
}

/// Everything a command may use. `'e` is the engine's lifetime, `'c` that of the running batch.
pub struct Context<'c, 'e> {
    /// The store and what belongs to it.
    pub server: &'c Server,
    /// The caller.
    pub session: &'c mut Session,
    /// The engine, entered for this batch: one epoch, one clock.
    pub access: &'c mut Access<'e>,
    /// Where the reply goes.
    pub reply: &'c mut Encoder,
    /// The table entry being executed (the subcommand's for a container).
    pub command: &'static Command,
    /// Where lookups of keys are counted; see [`crate::values::Lookup`].
    pub tally: &'c Tally,
    /// Wall clock of the batch, microseconds since 1970.
    pub now_us: u64,
    /// A random number for this command; all its dice come from here.
    pub seed: u64,
    /// True on a dirty scheduler, where a command may take long.
    pub long: bool,
    /// Set by a command that needs the connection's process to act.
    pub control: Option<Control>,
    /// Set by a command whose reply waits for the disk even when replies usually do not.
    pub sync: bool,
}

impl<'c, 'e> Context<'c, 'e> {
    /// Wall clock of the batch, milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        self.access.now_ms()
    }

    /// Addresses `bytes` in the session's database.
    pub fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        self.key_in(self.session.db(), bytes)
    }

    /// Addresses `bytes` in database `db`.
    pub fn key_in<'k>(&self, db: u16, bytes: &'k [u8]) -> Key<'k> {
        self.access.key(db, slot::shard_of(bytes, self.server.shards()), bytes)
    }

    /// Does `start`'s work on a thread of the engine: the first run of the command starts it, and the
    /// one after its end goes on from here.
    ///
    /// # Errors
    /// [`Fault::Waiting`] until the job is done, then what it says went wrong.
    pub fn job(&mut self, start: impl FnOnce(&Engine, Done)) -> Outcome {
        if let Some(job) = self.session.job() {
            return job.outcome().ok_or(Fault::Waiting)?.map_err(|why| format!("ERR {why}").into());
        }
        let (job, done) = Job::new();
        self.session.set_job(job);
        start(self.server.engine(), done);
        Err(Fault::Waiting)
    }

    /// Asks to be run on a dirty scheduler when `work` (bytes touched or elements visited) is more
    /// than a normal one may do in one go.
    pub fn bound(&self, work: usize, limit: usize) -> Outcome {
        if self.long || work <= limit { Ok(()) } else { Err(Fault::Long) }
    }
}
