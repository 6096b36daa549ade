//! What there is to merge: every segment, and how much of it is needed.

use crate::address::{Region, region};
use crate::core::Core;
use crate::live::Share;
use crate::log::{SegmentState, Summary};

/// Segments whose share is read under one hold of a shard's lock.
const BATCH: usize = 512;

/// A segment whose contents are known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub number: u64,
    pub region: Region,
    /// First address.
    pub start: u64,
    pub summary: Summary,
    pub live: Share,
}

impl Known {
    /// Values that are not needed any more.
    pub(super) fn dead_values(&self) -> u64 {
        let values = self.summary.records.saturating_sub(self.summary.tombstones);
        values.saturating_sub(self.live.records)
    }

    /// Bytes its frames take in the file.
    pub(super) fn size(&self) -> u64 {
        self.summary.end - self.start
    }
}

/// A segment for whose sake tombstones have to stay: it has values that are not needed.
struct Pin {
    number: u64,
    min_sequence: u64,
}

/// The segments at one moment.
pub(super) struct Survey {
    /// Size of a segment in bytes.
    pub segment_size: u64,
    /// Sealed segments with their contents, without the retired ones.
    pub known: Vec<Known>,
    /// Whether there is a sealed segment whose contents are not known.
    unknown: bool,
    /// By sequence.
    pins: Vec<Pin>,
}

impl Survey {
    /// Bytes of records that are needed, and of all, by size classes.
    pub(super) fn live_and_all(&self) -> (u64, u64) {
        let live = self.known.iter().map(|known| known.live.bytes).sum();
        (live, self.known.iter().map(|known| known.summary.bytes).sum())
    }

    /// Looks at all segments but the `retired` ones, which are as good as gone.
    pub(super) fn take(core: &Core, retired: &[u64]) -> Survey {
        let segments = &core.log.segments;
        let durable = core.log.durable();
        let states: Vec<SegmentState> =
            segments.states().into_iter().filter(|s| !retired.contains(&s.number)).collect();
        let shares = shares(core, &states);
        let (mut known, mut unknown) = (Vec::new(), false);
        for (state, live) in states.iter().zip(shares) {
            let start = segments.start(state.number);
            let end = segments.start(state.number + u64::from(state.span));
            let (number, region) = (state.number, region(start));
            match state.summary {
                Some(summary) if state.has_file => {
                    known.push(Known { number, region, start, summary, live });
                }
                // Still written to: everything in it is younger than any segment that is sealed.
                _ if region == Region::Log && end > durable => {}
                _ => unknown = true,
            }
        }
        Survey::of(segments.size(), known, unknown)
    }

    pub(super) fn of(segment_size: u64, known: Vec<Known>, unknown: bool) -> Survey {
        let pinning = known.iter().filter(|known| known.dead_values() > 0);
        let pin =
            |known: &Known| Pin { number: known.number, min_sequence: known.summary.min_sequence };
        let mut pins: Vec<Pin> = pinning.map(pin).collect();
        pins.sort_unstable_by_key(|pin| pin.min_sequence);
        Survey { segment_size, known, unknown, pins }
    }

    /// The sequence number from which on tombstones have to stay when the segments `going` go:
    /// those up to it have no older record that is not needed in any other segment, so they keep
    /// nothing from coming back.
    ///
    /// It holds for as long as a round with these inputs takes: whatever a tombstone in them ends was
    /// not needed before already, and nothing becomes older than it later on.
    pub(super) fn pinned_from(&self, going: &[Known]) -> u64 {
        let stays = |pin: &&Pin| !going.iter().any(|input| input.number == pin.number);
        match self.pins.iter().find(stays) {
            _ if self.unknown => 0,
            Some(pin) => pin.min_sequence,
            None => u64::MAX,
        }
    }

    /// Entries that point to one of the segments.
    pub(super) fn live_in(core: &Core, numbers: &[u64]) -> u64 {
        let states: Vec<SegmentState> = core.log.segments.states();
        let of: Vec<SegmentState> =
            states.into_iter().filter(|state| numbers.contains(&state.number)).collect();
        shares(core, &of).iter().map(|share| share.records).sum()
    }
}

/// The live share of each segment, over all shards.
fn shares(core: &Core, states: &[SegmentState]) -> Vec<Share> {
    let mut shares = vec![Share::default(); states.len()];
    for shard in &core.shards {
        for (states, sums) in states.chunks(BATCH).zip(shares.chunks_mut(BATCH)) {
            let shard = shard.lock();
            for (state, sum) in states.iter().zip(sums) {
                let share = shard.live.of(core.log.segments.start(state.number), state.span);
                sum.records += share.records;
                sum.bytes += share.bytes;
            }
        }
    }
    shares
}
