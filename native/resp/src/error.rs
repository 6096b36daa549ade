//! The ways in which a request can break the protocol.

use std::fmt;

use crate::Encoder;

/// A violation of the protocol. The connection cannot go on: the reader no longer knows where the
/// next command starts. [`Display`](fmt::Display) gives the text that follows `-ERR ` in the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProtocolError {
    /// The number after `*` is no integer, or is beyond [`Limits::max_args`](crate::Limits).
    InvalidMultibulkLength,
    /// More than 10 arguments before authentication.
    UnauthenticatedMultibulkLength,
    /// An argument starts with this byte instead of `$`.
    ExpectedBulk(u8),
    /// The number after `$` is no integer, negative, or beyond [`Limits::max_bulk`](crate::Limits).
    InvalidBulkLength,
    /// An argument of more than 16 KiB before authentication.
    UnauthenticatedBulkLength,
    /// The line after `*` does not end within [`Limits::max_inline`](crate::Limits).
    MultibulkLineTooLong,
    /// The line after `$` does not end within [`Limits::max_inline`](crate::Limits).
    BulkLineTooLong,
    /// An inline command longer than [`Limits::max_inline`](crate::Limits).
    InlineTooLong,
    /// A quote in an inline command is not closed, or is closed in the middle of a word.
    UnbalancedQuotes,
    /// A command longer than [`Limits::max_query`](crate::Limits). As Redis does, the connection is
    /// to be closed without a reply.
    QueryTooLong,
}

impl ProtocolError {
    /// Writes the error reply the client gets before the connection closes. Returns false, with
    /// nothing written, for [`QueryTooLong`](Self::QueryTooLong), which has no reply.
    ///
    /// Unlike [`Display`](fmt::Display) this reproduces an offending byte that is not ASCII.
    pub fn write_reply(&self, out: &mut Encoder) -> bool {
        match self {
            Self::QueryTooLong => return false,
            Self::ExpectedBulk(byte) => {
                let mut text = b"ERR Protocol error: expected '$', got '?'".to_vec();
                let place = text.len() - 2;
                text[place] = *byte;
                out.error_bytes(&text);
            }
            _ => out.error(&format!("ERR {self}")),
        }
        true
    }
}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::InvalidMultibulkLength => "invalid multibulk length",
            Self::UnauthenticatedMultibulkLength => "unauthenticated multibulk length",
            Self::ExpectedBulk(byte) => {
                let shown = if matches!(byte, b'\r' | b'\n') { ' ' } else { char::from(*byte) };
                return write!(f, "Protocol error: expected '$', got '{shown}'");
            }
            Self::InvalidBulkLength => "invalid bulk length",
            Self::UnauthenticatedBulkLength => "unauthenticated bulk length",
            Self::MultibulkLineTooLong => "too big mbulk count string",
            Self::BulkLineTooLong => "too big bulk count string",
            Self::InlineTooLong => "too big inline request",
            Self::UnbalancedQuotes => "unbalanced quotes in request",
            Self::QueryTooLong => "query exceeds the query buffer limit",
        };
        write!(f, "Protocol error: {text}")
    }
}

impl std::error::Error for ProtocolError {}
