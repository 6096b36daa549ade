//! Who gets how much of the memory budget.
//!
//! The index and the segments still being written need what they need. If all sealed segments fit
//! into the rest, they are all kept in memory, and nothing is ever fetched. If not, the newest get a
//! quarter, since what was written lately is often read soon, and the read cache the other three:
//! it keeps what is used, wherever it was written.

use std::cmp::Reverse;

/// The newest segments' part of what is left, as one in so many, when not all fit.
const WARM_PART: u64 = 4;
/// Everything has to fit this much better, as one part in so many, before what was put out is
/// brought in again: or a store at the limit would go back and forth.
const HYSTERESIS: u64 = 16;

/// A sealed segment that may be in memory or not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub number: u64,
    pub bytes: u64,
    pub in_memory: bool,
    /// Whether it is one of the log's, which are younger than merged ones.
    pub in_log: bool,
}

/// How the budget is divided.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Plan {
    /// Segments to be in memory, by number.
    pub warm: Vec<u64>,
    /// Bytes for the read cache.
    pub cache: u64,
}

/// Divides `bytes` among sealed segments and the read cache.
pub(super) fn plan(bytes: u64, mut segments: Vec<Candidate>) -> Plan {
    let total: u64 = segments.iter().map(|segment| segment.bytes).sum();
    let all_in = segments.iter().all(|segment| segment.in_memory);
    let bound = if all_in { bytes } else { bytes - bytes / HYSTERESIS };
    let for_segments = if total <= bound { total } else { bytes / WARM_PART };
    segments.sort_unstable_by_key(|segment| (!segment.in_log, Reverse(segment.number)));
    let mut used = 0;
    let mut warm = Vec::new();
    for segment in segments {
        if used + segment.bytes > for_segments {
            break;
        }
        used += segment.bytes;
        warm.push(segment.number);
    }
    Plan { warm, cache: bytes - used }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(count: u64, in_memory: bool) -> Vec<Candidate> {
        (0..count)
            .map(|number| Candidate { number, bytes: 100, in_memory, in_log: number >= 3 })
            .collect()
    }

    #[test]
    fn what_fits_is_all_in_memory() {
        let Plan { mut warm, cache } = plan(1000, segments(9, true));
        warm.sort_unstable();
        assert_eq!((warm, cache), ((0..9).collect(), 100));
    }

    #[test]
    fn what_does_not_fit_leaves_the_newest_of_the_log() {
        assert_eq!(plan(1000, segments(11, true)), Plan { warm: vec![10, 9], cache: 800 });
    }

    #[test]
    fn what_was_put_out_comes_back_only_with_room_to_spare() {
        assert_eq!(plan(1000, segments(10, true)).cache, 0);
        assert_eq!(plan(1000, segments(10, false)).warm, [9, 8]);
        assert_eq!(plan(1100, segments(10, false)).warm.len(), 10);
    }

    #[test]
    fn a_budget_that_is_used_up_leaves_nothing() {
        assert_eq!(plan(0, segments(5, true)), Plan { warm: vec![], cache: 0 });
    }
}
