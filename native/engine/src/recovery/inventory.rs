//! Which files make up the store.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::address::{MERGED, Region};
use crate::error::OpenError;
use crate::io::{File, Mapping, OpenMode};
use crate::log::{Files, Summary};
use crate::record::frame::BLOCK;
use crate::record::hint::HintHeader;
use crate::record::segment_header::SegmentHeader;
use crate::record::segments_file::{Listed, SegmentsFile};

/// A segment found on disk.
pub(crate) struct SegmentFile {
    /// First address divided by the segment size.
    pub number: u64,
    pub header: SegmentHeader,
    pub path: PathBuf,
    pub file: Arc<dyn File>,
    /// First address, and the address at which its range ends.
    pub start: u64,
    pub limit: u64,
    /// Bytes of the file that belong to that range.
    pub len: u64,
    /// As the list of segments has it.
    pub summary: Option<Summary>,
}

impl SegmentFile {
    /// Its bytes but for the hint.
    pub(crate) fn map(&self) -> Result<Mapping, OpenError> {
        self.file.map(self.len).map_err(OpenError::io("map", &self.path))
    }

    /// Damage at `address`.
    pub(crate) fn corrupt(&self, address: u64, what: &str) -> OpenError {
        let offset = address - self.start;
        OpenError::Corrupt { file: self.path.clone(), offset, what: what.to_owned() }
    }
}

/// The segments of the store.
pub(crate) struct Inventory {
    /// Those of the log, in its order.
    pub log: Vec<SegmentFile>,
    pub merged: Vec<SegmentFile>,
    /// The list of segments; `None` in a store that never had a checkpoint.
    pub list: Option<SegmentsFile>,
    /// Checkpoint files by id.
    pub checkpoints: Vec<u64>,
    /// Files that a merge or a checkpoint has left, finished or not.
    leftovers: Vec<PathBuf>,
}

impl Inventory {
    /// Looks at the directory and at the first block of each segment.
    ///
    /// # Errors
    /// A segment that belongs to the store is missing, or its header or length is not right.
    pub(crate) fn take(files: &Files) -> Result<Inventory, OpenError> {
        let listing = files.listing().map_err(OpenError::io("list", &files.dir))?;
        let list = if listing.list { Some(read_list(files)?) } else { None };
        let log_next = list.as_ref().map_or(0, |list| list.log_next);
        let mut listed: BTreeMap<u64, Listed> = BTreeMap::new();
        for entry in list.iter().flat_map(|list| &list.segments) {
            listed.insert(entry.number, *entry);
        }
        let mut inventory = Inventory {
            log: Vec::new(),
            merged: Vec::new(),
            list,
            checkpoints: listing.checkpoints,
            leftovers: Vec::new(),
        };
        for id in listing.log {
            match listed.remove(&id) {
                None if id < log_next => inventory.leftovers.push(files.path_of(id)),
                entry => {
                    let segment = open_segment(files, id, entry)?;
                    follows(inventory.log.last(), &segment, log_next)?;
                    inventory.log.push(segment);
                }
            }
        }
        for id in listing.merged {
            let number = MERGED >> files.shift | id;
            match listed.remove(&number) {
                None => inventory.leftovers.push(files.path_of(number)),
                entry => inventory.merged.push(open_segment(files, number, entry)?),
            }
        }
        if let Some((&number, _)) = listed.first_key_value() {
            let (file, what) = (files.path_of(number), "the segment is missing".into());
            return Err(OpenError::Corrupt { file, offset: 0, what });
        }
        inventory.note_checkpoints(files);
        Ok(inventory)
    }

    fn note_checkpoints(&mut self, files: &Files) {
        let kept = self.list.as_ref().map_or([0, 0], |list| [list.newest, list.older]);
        let old = self.checkpoints.iter().filter(|id| !kept.contains(id));
        self.leftovers.extend(old.map(|&id| files.checkpoint_path(id)));
    }

    /// Removes what does not belong to the store.
    pub(crate) fn remove_leftovers(&self, files: &Files) -> Result<(), OpenError> {
        self.leftovers
            .iter()
            .try_for_each(|path| files.remove_if_there(path).map_err(OpenError::io("remove", path)))
    }

    /// Segments of every region.
    pub(crate) fn segments(&self) -> impl Iterator<Item = &SegmentFile> {
        self.merged.iter().chain(&self.log)
    }
}

fn read_list(files: &Files) -> Result<SegmentsFile, OpenError> {
    let path = files.list_path();
    let file = files.io.open(&path, OpenMode::Read).map_err(OpenError::io("open", &path))?;
    let len = file.len().map_err(OpenError::io("read", &path))?;
    let mut bytes = vec![0u8; len as usize];
    file.read_exact_at(&mut bytes, 0).map_err(OpenError::io("read", &path))?;
    let corrupt = |what| OpenError::Corrupt { file: path.clone(), offset: 0, what };
    let list = SegmentsFile::decode(&bytes).map_err(corrupt)?;
    if list.log_id != files.log_id {
        return Err(corrupt("this list of segments belongs elsewhere".into()));
    }
    Ok(list)
}

/// Opens a segment and checks its header. Its name stands only when that is durable, so a bad one is
/// damage.
fn open_segment(
    files: &Files,
    number: u64,
    listed: Option<Listed>,
) -> Result<SegmentFile, OpenError> {
    let path = files.path_of(number);
    let start = number << files.shift;
    let corrupt = |offset: u64, what: &str| OpenError::Corrupt {
        file: path.clone(),
        offset,
        what: what.to_owned(),
    };
    let file = files.io.open(&path, OpenMode::Write).map_err(OpenError::io("open", &path))?;
    let len = file.len().map_err(OpenError::io("read", &path))?;
    let mut block = vec![0u8; len.min(BLOCK) as usize];
    file.read_exact_at(&mut block, 0).map_err(OpenError::io("read", &path))?;
    let header = SegmentHeader::decode(&block).map_err(|what| corrupt(0, &what))?;
    let ours = (header.log_id, header.shift) == (files.log_id, files.shift);
    let region = if start < MERGED { Region::Log } else { Region::Merged };
    let number_of_id = if region == Region::Log { number } else { number ^ MERGED >> files.shift };
    if !ours || (header.id, header.region) != (number_of_id, region) {
        return Err(corrupt(0, "this segment belongs elsewhere"));
    }
    let limit = start + (u64::from(header.span) << files.shift);
    let summary = listed.and_then(|listed| listed.summary);
    if listed.is_some_and(|listed| listed.span != header.span) {
        return Err(corrupt(0, "this segment has another length than the list says"));
    }
    if let Some(summary) = summary
        && !(start + BLOCK..=limit.min(start + len)).contains(&summary.end)
    {
        return Err(corrupt(len, "the segment is cut short"));
    }
    // A hint that is intact says which segment this is: perhaps one from a copy of the store that
    // went its own way.
    let hint = HintHeader::read(&file, limit - start);
    if summary.is_some_and(|listed| hint.is_some_and(|hint| hint.summary != listed)) {
        return Err(corrupt(0, "this is not the segment that the list means"));
    }
    let len = len.min(limit - start);
    Ok(SegmentFile { number, header, path, file, start, limit, len, summary })
}

/// Checks that a segment of the log belongs behind `last`. Only merging makes gaps, and only below
/// `log_next`.
fn follows(
    last: Option<&SegmentFile>,
    segment: &SegmentFile,
    log_next: u64,
) -> Result<(), OpenError> {
    let expected = last.map_or(0, |last| last.number + u64::from(last.header.span));
    let may_be_gap = segment.number <= log_next && segment.number > expected;
    if segment.number != expected && !may_be_gap {
        return Err(segment.corrupt(segment.start, "the segment before this one is missing"));
    }
    let end = last.and_then(|last| last.summary).map(|summary| summary.end);
    match (last, end) {
        (Some(last), Some(end)) if !may_be_gap && end != segment.header.previous_end => {
            Err(last.corrupt(end, "a frame is missing or damaged"))
        }
        _ => Ok(()),
    }
}
