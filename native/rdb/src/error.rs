//! What can be wrong with an input.

use std::io;

/// Why something could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input ends before the value does.
    #[error("it ends too early")]
    Truncated,
    /// The bytes cannot be what Redis has written.
    #[error("{0}")]
    Malformed(&'static str),
    /// Something that is valid but that only another program can read.
    #[error("{0} cannot be read")]
    Unsupported(String),
    /// The version of the format is none that is understood.
    #[error("version {0} of the format is not understood")]
    Version(u32),
    /// The checksum says that the bytes have changed.
    #[error("the checksum does not match")]
    Checksum,
    /// The input could not be read.
    #[error("{0}")]
    Io(io::Error),
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Error::Truncated,
            _ => Error::Io(error),
        }
    }
}
