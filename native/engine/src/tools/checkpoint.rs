//! Verifies checkpoints: that they are whole, and that what they point to can be there.

use std::collections::HashSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::layout::Layout;
use super::report::{CheckReport, Meaning};
use crate::address::lasting_record;
use crate::checkpoint::{Footer, SectionReader, read_footer};
use crate::index::Slot;
use crate::io::{Io, OpenMode};
use crate::log::files::CHECKPOINT_PREFIX;

/// What an intact checkpoint says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verified {
    pub id: u64,
    /// Where reading the log begins after it.
    pub begin: u64,
    /// The log was durable up to here.
    pub end: u64,
    /// Entries, of all key spaces, and the bytes of their records as their size classes say.
    pub keys: u64,
    pub live_bytes: u64,
}

/// Where and what is wrong.
struct Wrong {
    place: (u64, u64),
    what: String,
}

/// Verifies the checkpoints that the list of segments names, and says what the newest intact one is.
pub(super) fn verify_all(
    io: &dyn Io,
    layout: &Layout,
    report: &mut CheckReport,
) -> Option<Verified> {
    let list = layout.list.as_ref();
    let kept = list.map_or([0, 0], |list| [list.newest, list.older]);
    for (id, path) in layout.checkpoints.iter().filter(|(id, _)| !kept.contains(id)) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        report.note(format!("{name}: checkpoint {id} does not count, or not any more"));
    }
    let mut newest: Option<Verified> = None;
    for id in kept.into_iter().filter(|id| *id != 0) {
        let path = layout.checkpoint_path(id);
        match verify(io, layout, id, &path) {
            Ok(verified) => {
                report.totals.checkpoints += 1;
                newest = newest.or(Some(verified));
            }
            Err(Wrong { place, what }) => report.damage(&path, place, what, Meaning::Harmless),
        }
    }
    newest
}

fn verify(io: &dyn Io, layout: &Layout, id: u64, path: &Path) -> Result<Verified, Wrong> {
    let file = io.open(path, OpenMode::Read).map_err(|error| {
        let missing = error.kind() == std::io::ErrorKind::NotFound;
        let what = if missing { "the checkpoint is missing".into() } else { error.to_string() };
        Wrong { place: (0, 0), what }
    })?;
    let len = file.len().unwrap_or(0);
    let footer = read_footer(&file).map_err(|what| Wrong { place: (0, len), what })?;
    if (footer.of.log_id, footer.of.id) != (layout.log_id, id) {
        let what = "this checkpoint belongs elsewhere".into();
        return Err(Wrong { place: (0, len), what });
    }
    let known = ranges(layout, &footer);
    let mark = footer.of.mark.position;
    let mut verified = Verified { id, begin: mark, end: footer.of.end, keys: 0, live_bytes: 0 };
    for (shard, section) in footer.sections.iter().enumerate() {
        let place = (section.offset, section.len);
        let mut reader = SectionReader::new(&*file, *section);
        while let Some(block) = reader.next().map_err(|what| Wrong { place, what })? {
            let is_known = |slot: &Slot| {
                let address = lasting_record(slot.address());
                let range = known.partition_point(|range| range.start <= address);
                let range = range.checked_sub(1).and_then(|at| known.get(at));
                slot.is_live() && range.is_some_and(|range| range.contains(&address))
            };
            let known = known.is_empty() || block.table.slots.iter().all(is_known);
            if block.shard as usize != shard || !known {
                let what = "an entry points to no segment of the store".into();
                return Err(Wrong { place, what });
            }
            verified.keys += block.table.slots.len() as u64;
            verified.live_bytes += block.table.slots.iter().map(|slot| slot.weight()).sum::<u64>();
        }
    }
    Ok(verified)
}

/// The addresses that entries may have: of the segments that the checkpoint names, and of the log
/// that is read after it. None when it names segments that have been merged away since, or are
/// missing: then it is not used, and that segments are missing is said elsewhere.
fn ranges(layout: &Layout, footer: &Footer) -> Vec<Range<u64>> {
    let named: HashSet<u64> = footer.of.segments.iter().copied().collect();
    let numbers = layout.segments.iter().map(|segment| segment.start(layout.shift) >> layout.shift);
    let present: HashSet<u64> = numbers.collect();
    if !named.is_subset(&present) {
        return Vec::new();
    }
    let mut ranges: Vec<Range<u64>> = layout
        .segments
        .iter()
        .map(|segment| {
            let start = segment.start(layout.shift);
            start..start + segment.covered(layout.shift)
        })
        .filter(|range| {
            let in_tail =
                crate::address::is_in_log(range.start) && range.end > footer.of.mark.position;
            in_tail || named.contains(&(range.start >> layout.shift))
        })
        .collect();
    ranges.sort_unstable_by_key(|range| range.start);
    ranges
}

impl Layout {
    fn checkpoint_path(&self, id: u64) -> PathBuf {
        self.dir.join(format!("{CHECKPOINT_PREFIX}{id:012x}"))
    }
}
