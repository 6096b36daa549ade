//! How large tables are. On their own here, so that the models of the index can have tiny ones.

/// log2 of the number of slots of the first table.
pub(crate) const MIN_BITS: u32 = 4;
/// log2 of the number of slots from which on a table is split instead of growing.
pub(crate) const MAX_BITS: u32 = 12;
