//! Who gets how much of the memory budget.
//!
//! The index and the segments still being written need what they need. If all sealed segments and all
//! objects fit into the rest, they are all kept in memory, and nothing is ever fetched. If not, objects
//! and records get their parts by how often each are used. Of the records' part the newest segments get
//! a quarter, since what was written lately is often read soon, and the read cache the other three: it
//! keeps what is used, wherever it was written.

use std::cmp::Reverse;

/// The newest segments' part of what is left, as one in so many, when not all fit.
const WARM_PART: u64 = 4;
/// Everything has to fit this much better, as one part in so many, before what was put out is
/// brought in again: or a store at the limit would go back and forth.
const HYSTERESIS: u64 = 16;

/// Neither objects nor records get less than this part of what both have, as one in so many, if they
/// can use it.
const LEAST_PART: u64 = 8;
/// Objects may grow by this part of what they take before the next round, as one in so many, without
/// others being driven out.
const GROWTH: u64 = 8;
/// The part of what is known of past use that is forgotten in a round, as one in so many.
const FORGOTTEN: u64 = 16;

/// How often objects and records were used lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Uses {
    objects: u64,
    records: u64,
    /// The totals of the last round.
    last: (u64, u64),
}

impl Uses {
    /// Takes in how often objects and records have been used, ever.
    pub(super) fn note(&mut self, objects: u64, records: u64) {
        // A key space that was emptied takes its count with it.
        let since = |now: u64, last: u64| now.saturating_sub(last);
        let faded = |uses: u64| uses - uses.div_ceil(FORGOTTEN).min(uses);
        self.objects = faded(self.objects) + since(objects, self.last.0);
        self.records = faded(self.records) + since(records, self.last.1);
        self.last = (objects, records);
    }
}

/// Divides `bytes` among objects, which take `objects` now, and records, which have `stored` bytes on
/// disk: what objects may take, and what is left for records.
pub(super) fn divide(bytes: u64, objects: u64, stored: u64, uses: Uses) -> (u64, u64) {
    let wanted = objects.saturating_add(objects / GROWTH);
    if wanted.saturating_add(stored) <= bytes {
        return (bytes - stored, bytes - wanted);
    }
    let all = uses.objects + uses.records;
    let least = bytes / LEAST_PART;
    let by_use = match all {
        0 => bytes / 2,
        _ => (u128::from(bytes) * u128::from(uses.objects) / u128::from(all)) as u64,
    };
    let part = by_use.clamp(least, bytes - least).max(bytes.saturating_sub(stored));
    (part, bytes - part.min(wanted))
}

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

    fn uses(objects: u64, records: u64) -> Uses {
        let mut uses = Uses::default();
        uses.note(objects, records);
        uses
    }

    #[test]
    fn objects_and_records_that_fit_are_left_alone() {
        assert_eq!(divide(1000, 400, 500, uses(1, 100)), (500, 550));
        assert_eq!(divide(u64::MAX, 400, 500, uses(0, 0)), (u64::MAX - 500, u64::MAX - 450));
    }

    #[test]
    fn what_does_not_fit_is_divided_by_use() {
        assert_eq!(divide(1000, 900, 5000, uses(30, 10)), (750, 250));
        assert_eq!(divide(1000, 900, 5000, uses(0, 10)), (125, 875));
        assert_eq!(divide(1000, 900, 5000, uses(10, 0)), (875, 125));
        assert_eq!(divide(1000, 900, 5000, uses(0, 0)), (500, 500));
        // Nobody has more than can be used while the other has too little.
        assert_eq!(divide(1000, 80, 5000, uses(10, 0)), (875, 910));
        assert_eq!(divide(1000, 2000, 50, uses(0, 10)), (950, 50));
        assert_eq!(divide(0, 2000, 50, uses(0, 10)), (0, 0));
    }

    #[test]
    fn past_use_is_forgotten() {
        let mut uses = uses(1_000_000, 0);
        (1..300).for_each(|n| uses.note(1_000_000, n * 10));
        assert_eq!(uses.objects, 0);
        assert!(uses.records > 100);
        // An emptied key space.
        uses.note(0, 0);
    }

    #[test]
    fn a_budget_that_is_used_up_leaves_nothing() {
        assert_eq!(plan(0, segments(5, true)), Plan { warm: vec![], cache: 0 });
    }
}
