//! What can go wrong, by who has to act on it.

use std::path::PathBuf;

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another engine of this one, has the directory.
    #[error("the data directory {0} is in use by another process")]
    Locked(PathBuf),
    /// Bytes that had been made durable are damaged. Nothing was changed.
    #[error("damaged data in {file} at offset {offset}: {what}")]
    Corrupt {
        /// The damaged file.
        file: PathBuf,
        /// Where in the file, in bytes.
        offset: u64,
        /// What was expected there.
        what: String,
    },
    /// The directory holds a store this version cannot use as asked.
    #[error("{0}")]
    Config(String),
    /// The operating system refused something.
    #[error("{action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

impl OpenError {
    /// Adds what was tried, and on what, to an I/O error.
    pub(crate) fn io(
        action: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(std::io::Error) -> OpenError {
        let path = path.to_owned();
        move |source| OpenError::Io { action, path, source }
    }
}

/// Why a key could not be looked up. Nothing has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum ReadError {
    /// The key's record is on disk only: see [`crate::Access::take_missing`].
    #[error("the key is not in memory")]
    Cold,
    /// The key's record cannot be read, or fails its checksum.
    #[error("the key's record on disk is damaged")]
    Damaged,
    /// The key is not in memory, and the store is closed.
    #[error("the store is closed")]
    Closed,
    /// The key's shard is locked by somebody else for longer than the caller would wait.
    #[error("the key's shard is busy")]
    Contended,
}

/// Why a write was not done. In every case nothing has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// What the write replaces has to be read from disk first: see [`crate::Access::take_missing`].
    #[error("the key is not in memory")]
    Cold,
    /// What the write replaces cannot be read.
    #[error("the key's record on disk is damaged")]
    Damaged,
    /// The disk is full; writes are accepted again when there is room.
    #[error("the disk is full")]
    Full,
    /// Too much data waits for the disk; try again when some of it is durable.
    #[error("too much data waits for the disk")]
    Busy,
    /// The log could not be written or synced; the store accepts no further writes.
    #[error("the log failed; the store is read-only until it is reopened")]
    Failed,
    /// Key or value is longer than a record can hold.
    #[error("key or value too long")]
    TooLarge,
    /// The key has no object that could be patched: the command has not looked.
    #[error("the key has no object")]
    NoObject,
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
}

impl From<ReadError> for WriteError {
    fn from(error: ReadError) -> WriteError {
        match error {
            ReadError::Cold => WriteError::Cold,
            ReadError::Damaged => WriteError::Damaged,
            ReadError::Closed => WriteError::Closed,
            // Writers hold the lock already.
            ReadError::Contended => WriteError::Busy,
        }
    }
}

/// A lock was not to be had in the time the caller can wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the key's shard is busy")]
pub struct Contended;

impl From<Contended> for ReadError {
    fn from(_: Contended) -> ReadError {
        ReadError::Contended
    }
}

/// The log failed: what waited for durability has an unknown outcome.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Failure(pub String);

/// Why a store could not be closed cleanly.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    /// The log had failed before or failed now; the last unacknowledged writes may be lost.
    #[error("closed after a log failure: {0}")]
    Failed(String),
}
