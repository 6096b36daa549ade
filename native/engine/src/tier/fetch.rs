//! Bringing records into memory.

/// A record that is wanted in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ColdRef {
    /// Where it is: in the log or in a merged segment.
    pub address: u64,
    /// Upper bound on its length in bytes, from the size class.
    pub len: u64,
    /// Whose it is, to find its index entry again.
    pub shard: u16,
    pub space: u32,
    pub hash: u32,
}
