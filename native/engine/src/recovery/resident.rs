//! Brings the segments that recovery has not read into memory.

use super::state::in_parallel;
use crate::core::Core;
use crate::log::{Memory, SegmentState};
use crate::seal::{each_record, expected_end};
use crate::shard::Shard;

/// Maps every segment that is on disk only. One with damage stays there, and reading its records is
/// an error.
pub(crate) fn make_resident(core: &Core, log_id: u64) {
    let cold = core.log.segments.states().into_iter().filter(|state| !state.in_memory);
    in_parallel(cold.collect(), |state| bring_in(core, log_id, &state));
}

fn bring_in(core: &Core, log_id: u64, state: &SegmentState) {
    let segments = &core.log.segments;
    let start = segments.start(state.number);
    let Some(place) = segments.on_disk(start) else { return };
    let listed = state.summary.map(|summary| summary.end);
    let expected =
        listed.or_else(|| expected_end(segments, state.number, place.end).ok().flatten());
    let mapping = place.file.len().and_then(|len| place.file.map(len.min(place.end)));
    let is_whole = |bytes: &[u8]| {
        let end = each_record(bytes, log_id, start, |_, _| {}).end;
        expected.is_none_or(|expected| expected == end)
    };
    match mapping {
        Ok(mapping) if is_whole(mapping.as_slice()) => {
            segments.replace(state.number, Some(Memory::Mapped(mapping)), &core.log.trash);
        }
        _ => {
            let range = start..start + place.end;
            core.shards.iter().for_each(|shard| note_damage(&mut shard.lock(), &range));
        }
    }
}

fn note_damage(shard: &mut Shard, range: &std::ops::Range<u64>) {
    let indexes = shard.spaces.iter().map(|space| &space.index);
    let slots = indexes.flat_map(|index| (0..index.tables()).flat_map(|at| index.entries(at)));
    let addresses: Vec<u64> =
        slots.map(|slot| slot.address()).filter(|address| range.contains(address)).collect();
    addresses.into_iter().for_each(|address| shard.note_damage(address));
}
