//! Which files a store consists of, as far as its own lists and the names in its directory say.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::report::{CheckReport, Meaning};
use crate::address::{MERGED, Region};
use crate::error::OpenError;
use crate::io::{File, Io, OpenMode};
use crate::log::files::{self, merged_path, segment_path};
use crate::record::frame::BLOCK;
use crate::record::manifest::{LEN as MANIFEST_LEN, Manifest};
use crate::record::segment_header::SegmentHeader;
use crate::record::segments_file::{Listed, SegmentsFile};
use crate::recovery::{LOCK_FILE, MANIFEST_FILE, NEW_MANIFEST_FILE};

/// Files that are being made, or wait to be used, and mean nothing.
const MEANINGLESS: [&str; 7] = [
    files::SPARE,
    files::UNFINISHED,
    files::NEW_SEGMENT,
    files::NEW_MERGED,
    files::NEW_CHECKPOINT,
    files::NEW_LIST,
    NEW_MANIFEST_FILE,
];
/// Longest list of segments that is read.
const MAX_LIST: u64 = 1 << 30;

/// A segment's file.
pub(super) struct SegmentFile {
    pub path: PathBuf,
    pub file: Arc<dyn File>,
    pub file_len: u64,
    pub merged: bool,
    pub id: u64,
    pub span: u32,
    /// `None` if it is damaged.
    pub header: Option<SegmentHeader>,
    pub listed: Option<Listed>,
}

impl SegmentFile {
    /// Address of its first byte.
    pub(super) fn start(&self, shift: u32) -> u64 {
        let position = self.id << shift;
        if self.merged { MERGED | position } else { position }
    }

    /// First id behind it.
    pub(super) fn next_id(&self) -> u64 {
        self.id + u64::from(self.span)
    }

    /// Bytes of the file that are addresses; behind them is the hint.
    pub(super) fn covered(&self, shift: u32) -> u64 {
        u64::from(self.span) << shift
    }
}

/// A store's files.
pub(super) struct Layout {
    pub dir: PathBuf,
    pub log_id: u64,
    pub shift: u32,
    pub list: Option<SegmentsFile>,
    /// Those of the log by id, then the merged ones.
    pub segments: Vec<SegmentFile>,
    /// Checkpoints by id.
    pub checkpoints: BTreeMap<u64, PathBuf>,
}

/// The names in a data directory.
#[derive(Default)]
struct Names {
    manifest: bool,
    list: bool,
    log: BTreeMap<u64, PathBuf>,
    merged: BTreeMap<u64, PathBuf>,
    checkpoints: BTreeMap<u64, PathBuf>,
}

impl Names {
    fn is_store(&self) -> bool {
        self.manifest || self.list || !self.log.is_empty() || !self.merged.is_empty()
    }
}

/// Whether there is a store, or what is left of one, in `dir`.
///
/// # Errors
/// There is none, or the directory cannot be read.
pub(super) fn expect_store(io: &dyn Io, dir: &Path) -> Result<(), OpenError> {
    if names(io, dir, &mut CheckReport::default())?.is_store() {
        return Ok(());
    }
    Err(OpenError::Config(format!("{} has no store in it", dir.display())))
}

fn names(io: &dyn Io, dir: &Path, report: &mut CheckReport) -> Result<Names, OpenError> {
    let mut names = Names::default();
    for path in io.list(dir).map_err(OpenError::io("list", dir))? {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        let id = |prefix: &str| {
            let hex = name.strip_prefix(prefix)?;
            let id = u64::from_str_radix(hex, 16).ok()?;
            (format!("{id:012x}") == hex && id < 1 << 48).then_some(id)
        };
        if name == MANIFEST_FILE {
            names.manifest = true;
        } else if name == files::LIST {
            names.list = true;
        } else if let Some(id) = id(files::PREFIX) {
            names.log.insert(id, path);
        } else if let Some(id) = id(files::MERGED_PREFIX) {
            names.merged.insert(id, path);
        } else if let Some(id) = id(files::CHECKPOINT_PREFIX) {
            names.checkpoints.insert(id, path);
        } else if MEANINGLESS.contains(&name.as_str()) {
            report.note(format!("{name}: an unfinished or spare file, without a meaning"));
        } else if name != LOCK_FILE {
            report.note(format!("{name}: no file of a store"));
        }
    }
    Ok(names)
}

impl Layout {
    /// Looks at the directory, at the lists in it, and at the first block of each segment. What is
    /// wrong goes to the report; `None` when nothing says whose segments these are.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub(super) fn take(
        io: &dyn Io,
        dir: &Path,
        report: &mut CheckReport,
    ) -> Result<Option<Layout>, OpenError> {
        let names = names(io, dir, report)?;
        let manifest = read_manifest(io, &dir.join(MANIFEST_FILE), report);
        let mut segments = open_all(io, &names, report);
        let identity = manifest.map(|manifest| (manifest.log_id, manifest.shift));
        let Some((log_id, shift)) = identity.or_else(|| majority(&segments)) else {
            return Ok(None);
        };
        let list =
            names.list.then(|| read_list(io, &dir.join(files::LIST), log_id, report)).flatten();
        if !names.list && !names.merged.is_empty() {
            let what = "the file is missing, but the directory has merged segments";
            report.damage(&dir.join(files::LIST), (0, 0), what, Meaning::Store);
        }
        let mut layout = Layout {
            dir: dir.to_owned(),
            log_id,
            shift,
            list: None,
            segments: Vec::new(),
            checkpoints: names.checkpoints,
        };
        segments.retain_mut(|segment| layout.belongs(segment, report));
        segments.sort_by_key(|segment| (segment.merged, segment.id));
        layout.segments = segments;
        layout.list = list;
        layout.apply_list(dir, report);
        layout.set_spans();
        layout.check_gaps(dir, report);
        Ok(Some(layout))
    }

    /// Whether a segment is one of this store, where it claims to be.
    fn belongs(&self, segment: &mut SegmentFile, report: &mut CheckReport) -> bool {
        let Some(header) = segment.header else { return true };
        if (header.log_id, header.shift) != (self.log_id, self.shift) {
            let what = "this segment belongs to another store";
            report.damage(&segment.path, (0, segment.file_len), what, Meaning::Store);
            return false;
        }
        if segment.merged != (header.region == Region::Merged) {
            let what = "this is a segment of another kind than its name says";
            report.damage(&segment.path, (0, segment.file_len), what, Meaning::Store);
            segment.merged = header.region == Region::Merged;
        }
        if header.id != segment.id {
            let what = format!("this is segment {:#x}, under another one's name", header.id);
            report.damage(&segment.path, (0, segment.file_len), what, Meaning::Store);
            segment.id = header.id;
        }
        segment.id < 1 << (48 - self.shift)
    }

    /// Keeps what the list of segments has, and what came after it.
    fn apply_list(&mut self, dir: &Path, report: &mut CheckReport) {
        let Some(list) = &self.list else { return };
        let merged_bit = MERGED >> self.shift;
        let mut listed: BTreeMap<u64, Listed> =
            list.segments.iter().map(|entry| (entry.number, *entry)).collect();
        self.segments.retain_mut(|segment| {
            let number = if segment.merged { merged_bit | segment.id } else { segment.id };
            segment.listed = listed.remove(&number);
            let is_new = !segment.merged && segment.id >= list.log_next;
            if segment.listed.is_none() && !is_new {
                let name = segment.path.file_name().unwrap_or_default().to_string_lossy();
                report.note(format!("{name}: left by a merge; it is no part of the store"));
            }
            segment.listed.is_some() || is_new
        });
        for number in listed.into_keys() {
            let path = match number & merged_bit {
                0 => segment_path(dir, number),
                _ => merged_path(dir, number ^ merged_bit),
            };
            report.damage(&path, (0, 0), "the segment is missing", Meaning::Records);
            (report.loss.ranges, report.loss.records) =
                (report.loss.ranges + 1, report.loss.records + self.records_listed(number));
        }
    }

    fn records_listed(&self, number: u64) -> u64 {
        let mut entries = self.list.iter().flat_map(|list| &list.segments);
        let entry = entries.find(|entry| entry.number == number);
        entry.and_then(|entry| entry.summary).map_or(0, |summary| summary.records)
    }

    /// How many segment sizes those cover that do not say so themselves.
    fn set_spans(&mut self) {
        let size = 1u64 << self.shift;
        for at in 0..self.segments.len() {
            let next = self.segments.get(at + 1).filter(|next| !next.merged).map(|next| next.id);
            let segment = &mut self.segments[at];
            let by_name = next.map_or(u64::MAX, |next| next.saturating_sub(segment.id));
            let by_len = segment.file_len.div_ceil(size).min(by_name).clamp(1, 1 << 20);
            segment.span = match (segment.header, segment.listed) {
                (Some(header), _) => header.span,
                (None, Some(listed)) => listed.span.clamp(1, 1 << 20),
                (None, None) => by_len as u32,
            };
        }
    }

    /// Only merging makes gaps in the log, and only below where the list says that it ends.
    fn check_gaps(&self, dir: &Path, report: &mut CheckReport) {
        let log_next = self.list.as_ref().map_or(0, |list| list.log_next);
        let mut expected = 0;
        for segment in self.segments.iter().filter(|segment| !segment.merged) {
            if segment.id != expected && segment.id > log_next.max(expected) {
                let missing = log_next.max(expected);
                let path = segment_path(dir, missing);
                let what = format!("missing, and what follows up to segment {:#x}", segment.id);
                report.damage(&path, (0, 0), what, Meaning::Records);
                let bytes = (segment.id - missing) << self.shift;
                report.loss.ranges += 1;
                report.loss.bytes += bytes;
                report.loss.records += bytes / SMALLEST_RECORD;
            }
            expected = segment.next_id();
        }
    }
}

/// What the smallest record with a key takes.
pub(super) const SMALLEST_RECORD: u64 = 40;

/// The identity and segment size that most segments name.
fn majority(segments: &[SegmentFile]) -> Option<(u64, u32)> {
    let mut votes: BTreeMap<(u64, u32), usize> = BTreeMap::new();
    for header in segments.iter().filter_map(|segment| segment.header) {
        *votes.entry((header.log_id, header.shift)).or_default() += 1;
    }
    let winner = votes.into_iter().max_by_key(|(_, votes)| *votes)?.0;
    (16..=32).contains(&winner.1).then_some(winner)
}

fn read_manifest(io: &dyn Io, path: &Path, report: &mut CheckReport) -> Option<Manifest> {
    let outcome = io.open(path, OpenMode::Read).and_then(|file| {
        let mut bytes = vec![0; file.len()?.min(MANIFEST_LEN as u64 + 1) as usize];
        file.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    });
    let what = match outcome {
        Ok(bytes) => match Manifest::decode(&bytes) {
            Ok((manifest, _)) => return Some(manifest),
            Err(what) => what,
        },
        Err(error) if error.kind() == ErrorKind::NotFound => "the file is missing".into(),
        Err(error) => format!("it cannot be read: {error}"),
    };
    report.damage(path, (0, MANIFEST_LEN as u64), what, Meaning::Store);
    None
}

fn read_list(
    io: &dyn Io,
    path: &Path,
    log_id: u64,
    report: &mut CheckReport,
) -> Option<SegmentsFile> {
    let mut len = 0;
    let outcome = io.open(path, OpenMode::Read).and_then(|file| {
        len = file.len()?;
        let mut bytes = vec![0; len.min(MAX_LIST) as usize];
        file.read_exact_at(&mut bytes, 0)?;
        Ok(bytes)
    });
    let what = match outcome.map(|bytes| SegmentsFile::decode(&bytes)) {
        Ok(Ok(list)) if list.log_id == log_id => return Some(list),
        Ok(Ok(_)) => "this list of segments belongs to another store".into(),
        Ok(Err(what)) => what,
        Err(error) => format!("it cannot be read: {error}"),
    };
    report.damage(path, (0, len), what, Meaning::Store);
    None
}

/// Opens all segments there are and reads their headers.
fn open_all(io: &dyn Io, names: &Names, report: &mut CheckReport) -> Vec<SegmentFile> {
    let log = names.log.iter().map(|(id, path)| (*id, path, false));
    let merged = names.merged.iter().map(|(id, path)| (*id, path, true));
    log.chain(merged)
        .filter_map(|(id, path, merged)| open_segment(io, id, path, merged, report))
        .collect()
}

fn open_segment(
    io: &dyn Io,
    id: u64,
    path: &Path,
    merged: bool,
    report: &mut CheckReport,
) -> Option<SegmentFile> {
    let opened = io.open(path, OpenMode::Read).and_then(|file| Ok((file.len()?, file)));
    let (file_len, file) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            let what = format!("it cannot be opened: {error}");
            report.damage(path, (0, 0), what, Meaning::Records);
            report.loss.ranges += 1;
            return None;
        }
    };
    let mut block = vec![0; file_len.min(BLOCK) as usize];
    let header = match file.read_exact_at(&mut block, 0) {
        Ok(()) => SegmentHeader::decode(&block),
        Err(error) => Err(format!("the segment header cannot be read: {error}")),
    };
    let header =
        header.inspect_err(|what| report.damage(path, (0, BLOCK), what, Meaning::Store)).ok();
    let (path, listed) = (path.to_owned(), None);
    Some(SegmentFile { path, file, file_len, merged, id, span: 1, header, listed })
}
