//! How much of each segment is still needed.

use crate::address::{Region, position, region};
use crate::index::Slot;
use crate::record::delta::Member;

/// The live part of a segment: the records that some index entry points to, or that belong to a chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Share {
    pub records: u64,
    /// Sum of their weights, see [`Slot::weight`].
    pub bytes: u64,
}

/// One shard's live records by segment; changes with each entry of the shard's index.
///
/// It is exact in records, which merging relies on. In bytes it is as exact as size classes are; what
/// is counted in is counted out again, so that it never drifts.
pub(crate) struct Live {
    shift: u32,
    regions: [Vec<Share>; 2],
}

impl Live {
    pub(crate) fn new(shift: u32) -> Live {
        Live { shift, regions: [Vec::new(), Vec::new()] }
    }

    fn share(&mut self, address: u64) -> &mut Share {
        debug_assert!(region(address) <= Region::Merged, "count the origin");
        let shares = &mut self.regions[usize::from(region(address) != Region::Log)];
        let at = (position(address) >> self.shift) as usize;
        if at >= shares.len() {
            shares.resize((at + 1).next_power_of_two(), Share::default());
        }
        &mut shares[at]
    }

    /// An entry for a record at `address` (not of the cache) begins to exist.
    #[inline]
    pub(crate) fn add(&mut self, address: u64, slot: Slot) {
        self.count_in(address, slot.weight());
    }

    /// It ceases to exist.
    #[inline]
    pub(crate) fn remove(&mut self, address: u64, slot: Slot) {
        self.count_out(address, slot.weight());
    }

    /// A record becomes part of a chain.
    pub(crate) fn add_member(&mut self, member: Member) {
        self.count_in(member.address(), member.weight());
    }

    /// It is no longer part of one.
    pub(crate) fn remove_member(&mut self, member: Member) {
        self.count_out(member.address(), member.weight());
    }

    fn count_in(&mut self, address: u64, weight: u64) {
        let share = self.share(address);
        share.records += 1;
        share.bytes += weight;
    }

    fn count_out(&mut self, address: u64, weight: u64) {
        let share = self.share(address);
        debug_assert!(share.records > 0 && share.bytes >= weight);
        share.records = share.records.saturating_sub(1);
        share.bytes = share.bytes.saturating_sub(weight);
    }

    /// The live part of the segment of `span` segment sizes that begins at `start`.
    pub(crate) fn of(&self, start: u64, span: u32) -> Share {
        let shares = &self.regions[usize::from(region(start) != Region::Log)];
        let first = (position(start) >> self.shift) as usize;
        let range = first.min(shares.len())..(first + span as usize).min(shares.len());
        shares[range].iter().fold(Share::default(), |sum, share| Share {
            records: sum.records + share.records,
            bytes: sum.bytes + share.bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::MERGED;

    #[test]
    fn what_is_counted_in_is_counted_out() {
        let mut live = Live::new(16);
        let slots: Vec<Slot> =
            (1..500u64).map(|n| Slot::new(n as u32, n * 1000 * 8, 32 + n * 7, 0, 0)).collect();
        slots.iter().for_each(|slot| live.add(slot.address(), *slot));
        slots.iter().for_each(|slot| live.add(slot.address() | MERGED, *slot));
        let sum = |live: &Live, region: u64| -> u64 {
            (0..100).map(|segment| live.of(region | segment << 16, 1).records).sum()
        };
        assert_eq!((sum(&live, 0), sum(&live, MERGED)), (499, 499));
        assert_eq!(live.of(0, 100).records, 499);
        slots.iter().for_each(|slot| live.remove(slot.address(), *slot));
        assert_eq!(live.of(0, 100), Share::default());
        assert_eq!(live.of(MERGED, 100).records, 499);
    }
}
