//! Loads a checkpoint.

use std::collections::BTreeSet;

use super::inventory::{Inventory, SegmentFile};
use super::state::{Parts, State, in_parallel};
use crate::address::{MAX_LOG, POSITION_BITS, lasting_record, position};
use crate::checkpoint::{Footer, SectionReader, read_footer};
use crate::index::IndexLoader;
use crate::io::OpenMode;
use crate::log::{Files, Trash};
use crate::options::Options;
use crate::record::manifest::Manifest;

/// A checkpoint in memory.
pub(crate) struct Loaded {
    pub footer: Footer,
    pub state: State,
}

/// Loads checkpoint `id`.
///
/// # Errors
/// Says why it cannot be used.
pub(crate) fn load(
    files: &Files,
    inventory: &Inventory,
    options: &Options,
    manifest: &Manifest,
    trash: &Trash,
    id: u64,
) -> Result<Loaded, String> {
    let path = files.checkpoint_path(id);
    let file = files.io.open(&path, OpenMode::Read).map_err(|error| error.to_string())?;
    let footer = read_footer(&file)?;
    let of = &footer.of;
    if (of.log_id, of.id, of.hash_seed) != (manifest.log_id, id, manifest.hash_seed) {
        return Err("it belongs elsewhere".into());
    }
    if footer.sections.len() != usize::from(options.shards) {
        return Err(format!("it was taken with {} shards", footer.sections.len()));
    }
    if of.mark.number == 0 || of.mark.position >= MAX_LOG || of.end < of.mark.position {
        return Err("it begins nowhere".into());
    }
    let present: BTreeSet<u64> = inventory.segments().map(|segment| segment.number).collect();
    if let Some(missing) = of.segments.iter().find(|number| !present.contains(number)) {
        return Err(format!("it needs segment {missing:#x}, which has been merged"));
    }
    if !is_whole_behind(inventory, of.mark.position) {
        return Err("segments behind it have been merged".into());
    }
    let known = Known::of(inventory, files.shift);
    let sections = footer.sections.iter().enumerate().collect();
    let parts: Result<Vec<Parts>, String> = in_parallel(sections, |(shard, section)| {
        load_section(shard as u32, SectionReader::new(&*file, *section), &known, trash)
    })
    .into_iter()
    .collect();
    let mut state = State::new(parts?, trash.clone());
    (state.table, state.sequence) = (of.spaces.clone(), of.sequence);
    Ok(Loaded { footer, state })
}

/// Whether no segment of the log is missing between `begin` and its end.
fn is_whole_behind(inventory: &Inventory, begin: u64) -> bool {
    let behind = inventory.log.iter().filter(|segment| segment.limit >= begin);
    // One that is gone from before it may have ended there.
    let follows = |first: &SegmentFile| first.start < begin || first.header.previous_end == begin;
    if !behind.clone().next().is_none_or(follows) {
        return false;
    }
    let pairs = behind.clone().zip(behind.skip(1));
    pairs.into_iter().all(|(one, next)| one.limit == next.start)
}

fn load_section(
    shard: u32,
    mut blocks: SectionReader<'_>,
    known: &Known,
    trash: &Trash,
) -> Result<Parts, String> {
    let mut parts = Parts::new();
    let mut current: Option<(u32, IndexLoader)> = None;
    while let Some(block) = blocks.next()? {
        if block.shard != shard {
            return Err("a block of another shard".into());
        }
        if !block.table.slots.iter().all(|slot| known.contains(lasting_record(slot.address()))) {
            return Err("an entry points to no segment".into());
        }
        if current.as_ref().is_none_or(|(id, _)| *id != block.space) {
            finish_index(current.take(), &mut parts)?;
        }
        let (_, loader) =
            current.get_or_insert_with(|| (block.space, IndexLoader::new(trash.clone())));
        let table = &block.table;
        loader
            .load_table(table.prefix, table.depth, &table.slots)
            .map_err(|error| error.to_string())?;
    }
    finish_index(current, &mut parts)?;
    Ok(parts)
}

fn finish_index(loader: Option<(u32, IndexLoader)>, parts: &mut Parts) -> Result<(), String> {
    let Some((id, loader)) = loader else { return Ok(()) };
    match parts.insert(id, loader.finish().map_err(|error| error.to_string())?) {
        None => Ok(()),
        Some(_) => Err("a key space twice".into()),
    }
}

/// The segments that entries may point to, for a quick look-up.
struct Known {
    shift: u32,
    regions: [Vec<bool>; 2],
}

impl Known {
    fn of(inventory: &Inventory, shift: u32) -> Known {
        let mut known = Known { shift, regions: [Vec::new(), Vec::new()] };
        for segment in inventory.segments() {
            let region = (segment.start >> POSITION_BITS) as usize;
            let first = (position(segment.start) >> shift) as usize;
            let end = first + segment.header.span as usize;
            let present = &mut known.regions[region];
            present.resize(present.len().max(end), false);
            present[first..end].fill(true);
        }
        known
    }

    fn contains(&self, address: u64) -> bool {
        let region = self.regions.get((address >> POSITION_BITS) as usize);
        let number = (position(address) >> self.shift) as usize;
        region.is_some_and(|present| present.get(number).is_some_and(|known| *known))
    }
}
