//! Where a record is: a position and the region it is counted in.
//!
//! An address is a number: 48 bits of position, and above them the region. Log addresses are the
//! positions themselves, so what is compared with the durable position is a plain number.

use crate::record::ALIGN;

/// Bits of an address that are the position.
pub(crate) const POSITION_BITS: u32 = 48;
/// Positions end here.
pub(crate) const MAX_POSITION: u64 = 1 << POSITION_BITS;
/// Added to positions in merged segments.
pub(crate) const MERGED: u64 = 1 << POSITION_BITS;
/// Added to positions in the read cache.
pub(crate) const CACHE: u64 = 2 << POSITION_BITS;
/// Added to what says where a chain is, see [`ChainPlace`].
pub(crate) const CHAIN: u64 = 3 << POSITION_BITS;
/// The bit of a chain's position that says that it is a handle.
const HANDLE: u64 = 1 << (POSITION_BITS - 1);
/// The log ends here: one bit below [`MAX_POSITION`], so that a chain's position can be an address
/// of the log.
pub(crate) const MAX_LOG: u64 = HANDLE;

/// What positions are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Region {
    /// The log: what commands write.
    Log = 0,
    /// Segments that merging wrote.
    Merged = 1,
    /// Copies in memory of records that are on disk only.
    Cache = 2,
    /// Values that consist of several records: see [`crate::chains`].
    Chain = 3,
}

/// The region of an address.
#[inline]
pub(crate) fn region(address: u64) -> Region {
    match address >> POSITION_BITS {
        0 => Region::Log,
        1 => Region::Merged,
        2 => Region::Cache,
        _ => Region::Chain,
    }
}

/// What an address of [`Region::Chain`] says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChainPlace {
    /// The chain's number in the table of its key space.
    Handle(u32),
    /// The newest record of a chain that is in no table yet: an address of the log. In checkpoints,
    /// and between opening a store and looking the chain through.
    Newest(u64),
}

impl ChainPlace {
    /// What the address of a slot says, if it is one of a chain.
    #[inline]
    pub(crate) fn of(address: u64) -> Option<ChainPlace> {
        if region(address) != Region::Chain {
            return None;
        }
        Some(match address & HANDLE {
            0 => ChainPlace::Newest(position(address)),
            // `address` puts 32 bits there.
            _ => ChainPlace::Handle(((address & (HANDLE - 1)) / ALIGN) as u32),
        })
    }

    /// The address that says this.
    pub(crate) fn address(self) -> u64 {
        match self {
            ChainPlace::Handle(handle) => CHAIN | HANDLE | (u64::from(handle) * ALIGN),
            ChainPlace::Newest(newest) => {
                debug_assert!(newest < MAX_LOG);
                CHAIN | newest
            }
        }
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

/// Where the record is that an entry of a store that is not open leads to: of a chain the newest one.
#[inline]
pub(crate) fn lasting_record(address: u64) -> u64 {
    if region(address) == Region::Chain { position(address) } else { address }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chains_are_told_by_their_address() {
        for place in [0, 1, u32::MAX].map(ChainPlace::Handle) {
            assert_eq!(ChainPlace::of(place.address()), Some(place));
            assert_eq!(region(place.address()), Region::Chain);
        }
        for place in [8, MAX_LOG - ALIGN].map(ChainPlace::Newest) {
            assert_eq!(ChainPlace::of(place.address()), Some(place));
            assert!(!is_in_log(place.address()));
        }
        for address in [8, MERGED | 8, CACHE | 8] {
            assert_eq!(ChainPlace::of(address), None);
        }
    }
}
