//! Describes a store by its files, without opening it.

use std::path::Path;

use super::checkpoint::{Verified, verify_all};
use super::layout::{Layout, SegmentFile, expect_store};
use super::meter::Meter;
use super::segment::Reader;
use super::window::Window;
use super::{CheckReport, Settings, StatReport};
use crate::error::OpenError;
use crate::record::hint::Hint;
use crate::record::{Header, Kind};

/// Describes the store in the data directory `dir`: by headers and hints where there are any, else by
/// the records. Verifies little, writes nothing and takes no lock: of a store that is in use the
/// figures may not belong together.
///
/// # Errors
/// There is no store, or the directory cannot be read.
pub fn stat(dir: &Path, settings: &mut Settings<'_>) -> Result<StatReport, OpenError> {
    let io = &*settings.io;
    expect_store(io, dir)?;
    let mut found = CheckReport::default();
    let mut report = StatReport { sizes: vec![0; 33], ..StatReport::default() };
    let Some(layout) = Layout::take(io, dir, &mut found)? else {
        let what = format!("{}: nothing says whose segments these are", dir.display());
        return Err(OpenError::Config(what));
    };
    let meter = Meter::new(&mut *settings.progress);
    meter.begin("reading", layout.segments.iter().map(|segment| segment.file_len).sum());
    (report.log_id, report.segment_size) = (layout.log_id, 1 << layout.shift);
    let mut done = 0;
    for segment in &layout.segments {
        add_segment(&layout, segment, &mut report);
        done += segment.file_len;
        meter.reach(done);
    }
    let newest = verify_all(io, &layout, &mut found);
    report.notes = found.notes;
    report.notes.extend(found.damages.iter().map(|damage| {
        format!("{}, offset {}: {}", damage.file.display(), damage.offset, damage.what)
    }));
    set_replay(&layout, newest, &mut report);
    Ok(report)
}

fn add_segment(layout: &Layout, segment: &SegmentFile, report: &mut StatReport) {
    let totals = &mut report.totals;
    totals.bytes += segment.file_len;
    match segment.merged {
        true => totals.merged_segments += 1,
        false => totals.log_segments += 1,
    }
    let (start, covered) = (segment.start(layout.shift), segment.covered(layout.shift));
    let hint = Hint::load(&segment.file, covered, layout.log_id, start);
    let (frames, count, closed) = match &hint {
        Some(hint) => {
            totals.hints += 1;
            let frames = hint.header.frames;
            // A hint that makes no sense is found by checking; what it says is counted as it is.
            let _ = hint.each(|entry| count_record(report, &entry.header));
            (frames, frames.last - frames.first.min(frames.last) + 1, false)
        }
        None => {
            let window = Window::new(&*segment.file, segment.file_len.min(covered));
            let mut reader = Reader::new(window, layout.log_id, start, 0);
            reader.skim(&mut |header| count_record(report, header))
        }
    };
    report.totals.frames += if frames.last == 0 { 0 } else { count };
    if !segment.merged {
        report.log_end = report.log_end.max(frames.end);
        report.incarnation = report.incarnation.max(frames.incarnation);
        report.clean_close = closed;
    }
}

fn count_record(report: &mut StatReport, header: &Header) {
    report.totals.records += 1;
    if header.kind == Kind::Spaces {
        return;
    }
    let len = header.total_len();
    match header.kind {
        Kind::Delete => report.tombstones += 1,
        Kind::Delta => report.deltas += 1,
        Kind::Base => report.bases += 1,
        Kind::BasePart => report.base_parts += 1,
        Kind::Put | Kind::PutCompressed | Kind::Spaces => {}
    }
    report.record_bytes += len;
    report.sizes[(u64::BITS - len.leading_zeros()) as usize] += 1;
    let (lowest, highest) = &mut report.sequences;
    if *lowest == 0 || header.sequence < *lowest {
        *lowest = header.sequence;
    }
    *highest = header.sequence.max(*highest);
}

/// What opening the store will read.
fn set_replay(layout: &Layout, newest: Option<Verified>, report: &mut StatReport) {
    if let Some(newest) = newest {
        report.checkpoint = newest.id;
        report.replay_from = newest.begin;
        (report.keys, report.live_bytes) = (Some(newest.keys), Some(newest.live_bytes));
    }
    let read = |segment: &&SegmentFile| {
        let end = segment.start(layout.shift) + segment.covered(layout.shift);
        !segment.merged && end > report.replay_from
    };
    let bytes = |segment: &SegmentFile| {
        let from = segment.start(layout.shift).max(report.replay_from);
        let end = segment.start(layout.shift) + segment.covered(layout.shift);
        report.log_end.min(end).saturating_sub(from)
    };
    report.replay_bytes = layout.segments.iter().filter(read).map(bytes).sum();
}
