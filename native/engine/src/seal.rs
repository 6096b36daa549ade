//! What is done once for a segment that takes no more frames: its summary, and its hint block.

use std::sync::Arc;

use crate::core::Core;
use crate::io::{File, Mapping};
use crate::log::{Memory, Segments};
use crate::record::View;
use crate::record::frame::{self, BLOCK};
use crate::record::hint::{Frames, Hint, HintWriter};
use crate::record::segment_header::SegmentHeader;
use crate::stats::Counters;

/// Notes what is in a sealed segment whose frames are all durable, and appends its hint to its file
/// unless it has one.
///
/// # Errors
/// Says what went wrong. The segment is as it was then, but for what may have been written behind
/// its address range.
pub(crate) fn seal(core: &Core, log_id: u64, number: u64) -> Result<(), String> {
    let segments = &core.log.segments;
    let start = segments.start(number);
    let Some(place) = segments.on_disk(start) else { return Ok(()) };
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error: std::io::Error| format!("sealing segment {number:#x}: {what}: {error}")
    };
    let expected = expected_end(segments, number, place.end).map_err(failed("the next header"))?;
    let hint = Hint::load(&place.file, place.end, log_id, start);
    if let Some(hint) = hint
        && Some(hint.header.frames.end) == expected
    {
        segments.set_summary(number, hint.header.summary);
        return Ok(());
    }
    let bytes =
        Bytes::of(segments, number, &*place.file, place.end).map_err(failed("mapping it"))?;
    let mut writer = HintWriter::default();
    let frames = each_record(bytes.as_slice(), log_id, start, |address, record| {
        writer.add(address - start, &record.header, record.key, record.value);
    });
    if expected.is_some_and(|end| end != frames.end) {
        return Err(format!("sealing segment {number:#x}: damaged at address {:#x}", frames.end));
    }
    let (block, summary) = writer.finish(log_id, start, frames);
    place.file.write_durable(&block, place.end).map_err(failed("writing the hint"))?;
    Counters::add(&core.log.counters.hints, block.len() as u64);
    segments.set_summary(number, summary);
    Ok(())
}

/// Visits the records of the frames of a segment that begins at `start`, and says which frames
/// these are.
pub(crate) fn each_record<'a>(
    bytes: &'a [u8],
    log_id: u64,
    start: u64,
    mut visit: impl FnMut(u64, &View<'a>),
) -> Frames {
    let mut frames = Frames { end: start + BLOCK, ..Frames::default() };
    while let Some(rest) = bytes.get((frames.end - start) as usize..)
        && let Ok((frame, records)) = frame::read(rest, log_id, frames.end)
        && (frames.last == 0 || frame.number == frames.last + 1)
    {
        records.for_each(|(address, record)| visit(address, &record));
        let first = if frames.first == 0 { frame.number } else { frames.first };
        let (last, incarnation) = (frame.number, frame.incarnation);
        frames = Frames { end: frame.end(), first, last, incarnation };
    }
    frames
}

/// Where the segment's frames end by the header of the next one, if there is one.
pub(crate) fn expected_end(
    segments: &Segments,
    number: u64,
    len: u64,
) -> std::io::Result<Option<u64>> {
    let Some(next) = segments.file(number + len / segments.size()) else { return Ok(None) };
    let mut block = vec![0u8; BLOCK as usize];
    next.read_exact_at(&mut block, 0)?;
    let header = SegmentHeader::decode(&block).map_err(std::io::Error::other)?;
    Ok((header.previous_end != 0).then_some(header.previous_end))
}

/// The bytes of a sealed segment.
enum Bytes {
    /// Of a segment that is served from its mapped file.
    Present(Arc<Memory>),
    /// Mapped for the purpose.
    Mapped(Mapping),
}

impl Bytes {
    fn of(segments: &Segments, number: u64, file: &dyn File, end: u64) -> std::io::Result<Bytes> {
        match segments.memory(number) {
            Some(memory) if memory.mapped().is_some() => Ok(Bytes::Present(memory)),
            _ => Ok(Bytes::Mapped(file.map(file.len()?.min(end))?)),
        }
    }

    fn as_slice(&self) -> &[u8] {
        match self {
            Bytes::Present(memory) => memory.mapped().unwrap_or_default(),
            Bytes::Mapped(mapping) => mapping.as_slice(),
        }
    }
}
