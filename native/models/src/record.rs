//! What the index needs to know of records.

/// Records begin at multiples of this many bytes.
pub(crate) const ALIGN: u64 = 8;
