//! Bounds on what a client may send.

/// Bulk length an unauthenticated client may announce, in bytes.
pub(crate) const UNAUTHENTICATED_BULK: usize = 16 * 1024;
/// Number of arguments an unauthenticated client may announce.
pub(crate) const UNAUTHENTICATED_ARGS: usize = 10;

/// Bounds enforced while decoding. The defaults are those of Redis 7.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest bulk string, in bytes (`proto-max-bulk-len`).
    pub max_bulk: usize,
    /// Most arguments one command may announce.
    pub max_args: usize,
    /// Longest inline command and longest length line, in bytes without its line end.
    pub max_inline: usize,
    /// Longest command as it stands on the wire, in bytes (`client-query-buffer-limit`). Values
    /// beyond 4 GiB − 1 count as 4 GiB − 1.
    pub max_query: usize,
    /// Whether the client has authenticated. While it has not, a command has at most 10 arguments
    /// of at most 16 KiB each, with error texts of their own.
    pub authenticated: bool,
}

impl Limits {
    /// The limits of a client that may run commands: 512 MiB a bulk string, 2³¹ − 1 arguments,
    /// 64 KiB an inline command, 1 GiB a command.
    pub const fn authenticated() -> Self {
        Self {
            max_bulk: 512 * 1024 * 1024,
            max_args: i32::MAX as usize,
            max_inline: 64 * 1024,
            max_query: 1024 * 1024 * 1024,
            authenticated: true,
        }
    }

    /// The limits of a client that has still to authenticate: 10 arguments of 16 KiB, 1 MiB a
    /// command.
    pub const fn unauthenticated() -> Self {
        Self { max_query: 1024 * 1024, authenticated: false, ..Self::authenticated() }
    }

    /// `max_query`, bounded so that every offset within a command fits 32 bits.
    #[inline]
    pub(crate) fn query_bytes(&self) -> usize {
        self.max_query.min(u32::MAX as usize)
    }

    /// `max_inline`, bounded so that every offset within a line fits 32 bits.
    #[inline]
    pub(crate) fn line_bytes(&self) -> usize {
        self.max_inline.min(u32::MAX as usize)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::authenticated()
    }
}
