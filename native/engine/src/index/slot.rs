//! One index entry in 16 bytes.

use crate::address::POSITION_BITS;
use crate::record::ALIGN;

/// Bits of a key's hash that the index keeps: enough to place the key in a table of any size
/// without reading its record again.
pub(crate) const HASH_BITS: u32 = 31;
/// Low hash bits, kept in the second word; they choose the place within a table.
const LOW_BITS: u32 = 14;
const TAG_BITS: u32 = HASH_BITS - LOW_BITS;
const TAG_MASK: u64 = (1 << TAG_BITS) - 1;
/// Region and position, without the bits that are always zero.
const ADDRESS_SHIFT: u32 = TAG_BITS;

const EXPIRY_SHIFT: u32 = 32;
const SIZE_SHIFT: u32 = 27;
const SIZE_MASK: u64 = 31;
const ACCESS_SHIFT: u32 = 14;
/// Access times are kept modulo this many seconds.
pub(crate) const ACCESS_SPAN: u32 = 1 << 13;
const ACCESS_MASK: u64 = ACCESS_SPAN as u64 - 1;

/// Word 0: `region (2) | position/8 (45) | tag (17)`.
/// Word 1: `expiry, seconds rounded up (32) | size class (5) | last access, seconds (13) | low hash (14)`.
///
/// The size class is the bit length of the record's length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(super) place: u64,
    pub(super) about: u64,
}

/// Never used: a probe ends here.
pub(crate) const EMPTY: Slot = Slot { place: 0, about: 0 };
/// Held a key once: a probe goes on.
pub(crate) const GONE: Slot = Slot { place: 1, about: 0 };

impl Slot {
    /// An entry for the record of `len` bytes at `address`.
    pub(crate) fn new(hash: u32, address: u64, len: u64, expiry_ms: u64, now_s: u32) -> Slot {
        debug_assert!(address != 0 && address.is_multiple_of(ALIGN));
        debug_assert!(address >> (POSITION_BITS + 2) == 0 && len < 1 << SIZE_MASK);
        let tag = u64::from(hash >> LOW_BITS) & TAG_MASK;
        let class = u64::from(u64::BITS - len.leading_zeros()) & SIZE_MASK;
        Slot {
            place: (address / ALIGN) << ADDRESS_SHIFT | tag,
            about: u64::from(coarse_expiry(expiry_ms)) << EXPIRY_SHIFT
                | class << SIZE_SHIFT
                | (u64::from(now_s) & ACCESS_MASK) << ACCESS_SHIFT
                | u64::from(hash) & ((1 << LOW_BITS) - 1),
        }
    }

    /// The entry as two words, as it is written to a checkpoint.
    pub(crate) fn words(self) -> [u64; 2] {
        [self.place, self.about]
    }

    /// The entry that [`Slot::words`] gave; any words make one, perhaps one that is not live.
    pub(crate) fn from_words([place, about]: [u64; 2]) -> Slot {
        Slot { place, about }
    }

    pub(crate) fn is_live(self) -> bool {
        self.place >> ADDRESS_SHIFT != 0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.place == 0
    }

    /// Where the record is.
    pub(crate) fn address(self) -> u64 {
        (self.place >> ADDRESS_SHIFT) * ALIGN
    }

    /// The same entry for the same record at another address.
    pub(crate) fn moved_to(self, address: u64) -> Slot {
        debug_assert!(address != 0 && address.is_multiple_of(ALIGN));
        Slot { place: (address / ALIGN) << ADDRESS_SHIFT | self.place & TAG_MASK, ..self }
    }

    /// The same entry for a record of the same key, shorter than `size_bound` (a power of two), at
    /// another address.
    pub(crate) fn of_record(self, address: u64, size_bound: u64) -> Slot {
        let class = u64::from(size_bound.trailing_zeros()) & SIZE_MASK;
        let about = self.about & !(SIZE_MASK << SIZE_SHIFT) | class << SIZE_SHIFT;
        Slot { about, ..self.moved_to(address) }
    }

    /// The record is shorter than this, in bytes.
    pub(crate) fn size_bound(self) -> u64 {
        1 << (self.about >> SIZE_SHIFT & SIZE_MASK)
    }

    /// What the record counts for in figures about space: three quarters of the bound on its size,
    /// which is right on average.
    pub(crate) fn weight(self) -> u64 {
        self.size_bound() / 4 * 3
    }

    /// The hash bits the entry was made with.
    pub(crate) fn hash(self) -> u32 {
        ((self.place & TAG_MASK) as u32) << LOW_BITS | (self.about as u32 & ((1 << LOW_BITS) - 1))
    }

    /// Whether a key with this hash may be the one, as far as the first word tells.
    #[inline]
    pub(super) fn has_tag_of(self, hash: u32) -> bool {
        self.is_live() && self.place & TAG_MASK == u64::from(hash >> LOW_BITS)
    }

    /// Whether a key with this hash may be the one, as far as the second word tells.
    #[inline]
    pub(super) fn has_low_bits_of(self, hash: u32) -> bool {
        (self.about ^ u64::from(hash)) & ((1 << LOW_BITS) - 1) == 0
    }

    /// Expiry in Unix seconds, rounded up; 0 = never. `u32::MAX` also stands for later times.
    pub(crate) fn expiry_s(self) -> u32 {
        (self.about >> EXPIRY_SHIFT) as u32
    }

    /// Seconds since the last access, modulo `ACCESS_SPAN`.
    pub(crate) fn idle_s(self, now_s: u32) -> u32 {
        let accessed = (self.about >> ACCESS_SHIFT & ACCESS_MASK) as u32;
        now_s.wrapping_sub(accessed) & (ACCESS_SPAN - 1)
    }

    /// Notes an access.
    pub(crate) fn touch(&mut self, now_s: u32) {
        self.about = self.about & !(ACCESS_MASK << ACCESS_SHIFT)
            | (u64::from(now_s) & ACCESS_MASK) << ACCESS_SHIFT;
    }
}

/// Seconds, rounded up; 0 = never.
pub(crate) fn coarse_expiry(expiry_ms: u64) -> u32 {
    u32::try_from(expiry_ms.div_ceil(1000)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keeps_what_it_was_given(
            hash in 0u32..1 << HASH_BITS, address in 1u64..1 << 47, len in 32u64..1 << 31, expiry_ms: u64, now in 0u32..2_000_000_000, later in 0u32..8191,
        ) {
            let mut slot = Slot::new(hash, address * 8, len, expiry_ms, now);
            prop_assert!(slot.is_live() && slot.has_tag_of(hash) && slot.has_low_bits_of(hash));
            prop_assert_eq!(Slot::from_words(slot.words()), slot);
            prop_assert!(!slot.has_tag_of(hash ^ (1 << LOW_BITS)) && !slot.has_low_bits_of(hash ^ 1));
            prop_assert_eq!((slot.hash(), slot.address()), (hash, address * 8));
            prop_assert_eq!(slot.expiry_s(), coarse_expiry(expiry_ms));
            prop_assert!(len < slot.size_bound() && slot.size_bound() <= 2 * len);
            prop_assert_eq!(slot.moved_to(48).moved_to(address * 8), slot);
            let other = Slot::new(hash, 48, 200, expiry_ms, now);
            prop_assert_eq!(slot.of_record(48, other.size_bound()), other);
            prop_assert_eq!(Slot::from_words(slot.words()), slot);
            prop_assert_eq!(slot.idle_s(now + later), later);
            slot.touch(now + later);
            prop_assert_eq!(slot.idle_s(now + later), 0);
            prop_assert_eq!((slot.hash(), slot.expiry_s()), (hash, coarse_expiry(expiry_ms)));
        }
    }
}
