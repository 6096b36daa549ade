//! Where a record is: a position and the region it is counted in.
//!
//! An address is a number: 48 bits of position, and above them the region. Log addresses are the
//! positions themselves, so what is compared with the durable position is a plain number.

/// Bits of an address that are the position.
pub(crate) const POSITION_BITS: u32 = 48;
/// Positions end here.
pub(crate) const MAX_POSITION: u64 = 1 << POSITION_BITS;
/// Added to positions in merged segments.
pub(crate) const MERGED: u64 = 1 << POSITION_BITS;
/// Added to positions in the read cache.
pub(crate) const CACHE: u64 = 2 << POSITION_BITS;

/// What positions are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Region {
    /// The log: what commands write.
    Log = 0,
    /// Segments that merging wrote.
    Merged = 1,
    /// Copies in memory of records that are on disk only.
    Cache = 2,
}

/// The region of an address.
#[inline]
pub(crate) fn region(address: u64) -> Region {
    match address >> POSITION_BITS {
        0 => Region::Log,
        1 => Region::Merged,
        _ => Region::Cache,
    }
}

/// The position of an address within its region.
#[inline]
pub(crate) fn position(address: u64) -> u64 {
    address & (MAX_POSITION - 1)
}

/// Whether a crash could still take the record at `address` back: only the log has such records.
#[inline]
pub(crate) fn is_in_log(address: u64) -> bool {
    address < MAX_POSITION
}
