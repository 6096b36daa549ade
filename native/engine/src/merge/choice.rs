//! Which segments to merge.

use std::collections::HashSet;

use super::survey::{Known, Survey};
use crate::address::Region;

/// Inputs of one round, and what they may come to, in segment sizes: what is copied, and what is
/// read.
const MAX_INPUTS: usize = 8;
const MAX_COPIED: u64 = 4;
const MAX_READ: u64 = 16;
/// Share of a segment that must be garbage, in percent.
const MIN_DEAD: u64 = 25;
/// Share of all records that may be tombstones which merging could not drop, in percent.
const MAX_PINNED: u64 = 3;
/// So many merged segments that are less than a quarter full become one.
const FRAGMENTS: usize = 8;

/// What is worth a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// As much garbage as makes it worth while.
    Usual,
    /// Any garbage that can go.
    Everything,
    /// Segments without anything that is needed: the disk is full.
    Free,
}

/// The inputs of the next round; none if nothing is worth it. `damaged` segments are left out.
pub(super) fn choose(survey: &Survey, effort: Effort, damaged: &HashSet<u64>) -> Vec<Known> {
    let usable: Vec<Known> =
        survey.known.iter().copied().filter(|known| !damaged.contains(&known.number)).collect();
    if effort == Effort::Free {
        let free = |known: &&Known| known.live.records == 0 && known.dead_values() > 0;
        return limited(survey, usable.iter().filter(free).copied());
    }
    let chosen = by_benefit(survey, &usable, effort);
    if !chosen.is_empty() {
        return chosen;
    }
    let pinning = too_many_pinned(&usable).map(|youngest| oldest(survey, &usable, youngest));
    pinning.filter(|chosen| !chosen.is_empty()).unwrap_or_else(|| fragments(survey, &usable))
}

/// The segments from which most room is gained for least copying, weighted by age, since what has
/// been left alone for long will be: cost-benefit, M. Rosenblum, J. Ousterhout, "The Design and
/// Implementation of a Log-Structured File System", ACM TOCS 10(1), 1992, §3.5.
fn by_benefit(survey: &Survey, usable: &[Known], effort: Effort) -> Vec<Known> {
    let min_dead = if effort == Effort::Everything { 0 } else { MIN_DEAD };
    let newest = usable.iter().map(|known| known.summary.max_sequence).max().unwrap_or(0);
    let mut scored: Vec<(f64, Known)> = usable
        .iter()
        .filter(|known| is_gainful(survey, known))
        .map(|known| (utilisation(known), known))
        .filter(|(used, _)| (1.0 - used) * 100.0 >= min_dead as f64)
        .map(|(used, known)| {
            // In sequence numbers: time in which nothing is written makes no garbage. The newest
            // has an age too, or it would never be worth anything.
            let age = (newest - known.summary.max_sequence + 1) as f64;
            ((1.0 - used) * age / (1.0 + used), *known)
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    limited(survey, scored.into_iter().map(|(_, known)| known))
}

/// Whether merging the segment makes it smaller. A merged segment whose garbage is tombstones that
/// have to stay would be copied again and again.
fn is_gainful(survey: &Survey, known: &Known) -> bool {
    let Known { region, summary, .. } = known;
    let droppable = || survey.pinned_from(&[*known]) >= summary.max_sequence;
    match region {
        // Nothing of the log is copied twice. And its frames are padded.
        Region::Log => {
            known.dead_values() > 0 || summary.tombstones > 0 || utilisation(known) < 0.75
        }
        Region::Merged | Region::Cache | Region::Chain => {
            known.dead_values() > 0 || summary.tombstones > 0 && droppable()
        }
    }
}

/// The needed part of the segment's size, from 0 to 1.
fn utilisation(known: &Known) -> f64 {
    // Weights are three quarters of a record's length at least. So this is the share of the weights
    // in a segment that is packed well, and less in one with much padding.
    let whole = known.summary.bytes.max(known.size() / 4 * 3).max(1);
    (known.live.bytes as f64 / whole as f64).min(1.0)
}

/// Takes inputs as long as a round may have them; one in any case.
fn limited(survey: &Survey, candidates: impl Iterator<Item = Known>) -> Vec<Known> {
    let size = survey.segment_size;
    let (mut copied, mut read) = (0, 0);
    let fits = |known: &Known| {
        copied += known.live.bytes;
        read += known.size();
        copied <= MAX_COPIED * size && read <= MAX_READ * size
    };
    let mut candidates = candidates.take(MAX_INPUTS).peekable();
    let first = candidates.peek().copied();
    let mut inputs: Vec<Known> = candidates.take_while(fits).collect();
    if inputs.is_empty() {
        inputs.extend(first);
    }
    inputs
}

/// The youngest tombstone that was carried along, if those take more than their share.
fn too_many_pinned(usable: &[Known]) -> Option<u64> {
    let records: u64 = usable.iter().map(|known| known.summary.records).sum();
    let merged = |known: &&Known| known.region == Region::Merged && known.summary.tombstones > 0;
    let with_tombstones = || usable.iter().filter(merged).map(|known| known.summary);
    let carried: u64 = with_tombstones().map(|summary| summary.tombstones).sum();
    let youngest = with_tombstones().map(|summary| summary.max_sequence).max();
    youngest.filter(|_| carried * 100 > records * MAX_PINNED)
}

/// The segments with the oldest garbage, for whose sake tombstones up to `youngest` have to stay.
fn oldest(survey: &Survey, usable: &[Known], youngest: u64) -> Vec<Known> {
    let pins = |known: &&Known| known.dead_values() > 0 && known.summary.min_sequence < youngest;
    let mut chosen: Vec<Known> = usable.iter().filter(pins).copied().collect();
    chosen.sort_by_key(|known| known.summary.min_sequence);
    limited(survey, chosen.into_iter())
}

/// Merged segments that hold little, if there are many: each costs a file.
fn fragments(survey: &Survey, usable: &[Known]) -> Vec<Known> {
    let small =
        |known: &&Known| known.region == Region::Merged && known.size() < survey.segment_size / 4;
    let fragments: Vec<Known> = usable.iter().filter(small).copied().collect();
    if fragments.len() < FRAGMENTS {
        return Vec::new();
    }
    limited(survey, fragments.into_iter())
}
