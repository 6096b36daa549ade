//! Many reads at once, for a thread that does nothing else.

use std::fmt;
use std::io::Result;
use std::sync::Arc;

use super::File;

mod immediate;
mod pool;

pub(super) use immediate::ImmediateReader;
pub(super) use pool::PoolReader;

/// Most reads that a reader has unfinished, whatever was asked for.
pub(super) const MAX_DEPTH: usize = 1024;

/// A read to be done.
pub struct Read {
    /// What to read; kept open until the read has finished.
    pub file: Arc<dyn File>,
    /// Where it begins in the file, bytes.
    pub offset: u64,
    /// How many bytes; 0 is allowed.
    pub len: usize,
    /// The caller's name for it, given back with the outcome.
    pub token: u64,
}

impl fmt::Debug for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file: _, offset, len, token } = self;
        write!(f, "Read {{ offset: {offset}, len: {len}, token: {token} }}")
    }
}

/// Called by any thread, makes the reader's current or next [`BatchReader::wait`] return.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// Reads of one thread, many of them in flight. Dropping it waits for those that are.
pub trait BatchReader: Send {
    /// Takes a read, or gives it back when [`BatchReader::depth`] of them are unfinished. It
    /// may not begin before the next [`BatchReader::wait`], so that a batch is one system call.
    fn submit(&mut self, read: Read) -> std::result::Result<(), Read>;

    /// Most reads that may be unfinished.
    fn depth(&self) -> usize;

    /// Reads taken whose outcome has not been given yet.
    fn in_flight(&self) -> usize;

    /// Sleeps until a read has finished or the waker has been called, then calls `done` for every
    /// read that has finished, with its token and its bytes, which the reader uses again
    /// afterwards. Returns how many these were; 0 only after a call of the waker.
    ///
    /// An outcome is `UnexpectedEof` when the file ends inside the range, `InvalidInput` for a
    /// range that no file can have, else what the device said. Short transfers, `EINTR` and
    /// `EAGAIN` are dealt with here.
    fn wait(&mut self, done: &mut dyn FnMut(u64, Result<&[u8]>)) -> usize;

    /// What ends a wait from elsewhere; it may outlive the reader.
    fn waker(&self) -> Waker;
}
