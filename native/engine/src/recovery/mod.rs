//! Opening a store: the index from a checkpoint and the end of the log, or else from all segments; a
//! torn tail is cut, damage is refused.

mod chain;
mod inventory;
mod load;
mod prehashed;
mod rebuild;
mod replay;
mod resolve;
mod state;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::chains::{HeapGauge, Objects};
use crate::checkpoint::Checkpointer;
use crate::core::Core;
use crate::error::OpenError;
use crate::io::{File, Io, LockGuard, Mapping, OpenMode};
use crate::log::{
    Buffer, Committer, Files, Listing, Log, Memory, Segments, Tail, Trash, TrashBin, trash,
};
use crate::maintain::Start;
use crate::options::Options;
use crate::record::frame::BLOCK;
use crate::record::manifest::{LEN as MANIFEST_LEN, Manifest, VERSION};
use crate::shard::Shard;
use crate::tier::chunks::Chunks;
use crate::tier::fetch::Fetcher;
use chain::Chain;
use inventory::{Inventory, SegmentFile};
use load::{Loaded, load};
use replay::Context;
use state::State;

/// Bytes that a fetching thread has in flight at most.
const FETCH_BYTES: u64 = 8 << 20;
/// The part of the memory budget that a segment takes at most, as one in so many.
const SEGMENT_PART: u64 = 16;

pub(crate) const LOCK_FILE: &str = "LOCK";
pub(crate) const MANIFEST_FILE: &str = "STORE";
pub(crate) const NEW_MANIFEST_FILE: &str = "STORE.new";
const SEGMENT_SHIFTS: std::ops::RangeInclusive<u32> = 16..=30;

/// An opened store whose threads do not run yet.
pub(crate) struct Recovered {
    pub core: Arc<Core>,
    pub files: Arc<Files>,
    pub committer: Committer,
    /// For the maintenance thread.
    pub start: Start,
    pub report: Report,
    pub trash: TrashBin,
    pub lock: Box<dyn LockGuard>,
}

/// How the index was made.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    /// See [`crate::Stats::recovery`].
    pub kind: &'static str,
    /// Why the newest checkpoint was not used.
    pub note: Option<String>,
    /// Records read.
    pub replayed: u64,
}

/// Opens or creates the store in `options.dir`.
pub(crate) fn open(options: &Options) -> Result<Recovered, OpenError> {
    check(options)?;
    let started = std::time::Instant::now();
    let io = Arc::clone(&options.io);
    io.create_dir(&options.dir).map_err(OpenError::io("create directory", &options.dir))?;
    let lock = lock(options)?;
    let manifest = open_manifest(options)?;
    let files = Files::new(io, options.dir.clone(), manifest.log_id, manifest.shift);
    files.remove_leftovers().map_err(OpenError::io("clean up in", &options.dir))?;
    let inventory = Inventory::take(&files)?;
    let segments = Segments::new(manifest.shift);
    for segment in inventory.segments() {
        let file = Some(Arc::clone(&segment.file));
        segments.add(segment.number, segment.header.span, None, file);
        if let Some(summary) = segment.summary {
            segments.set_summary(segment.number, summary);
        }
    }
    let (trash, bin) = trash();
    let index = read_index(&files, &inventory, options, &manifest, &segments, &trash)?;
    // A segment's name may be visible and not durable, after a process that was killed.
    files.io.sync_dir(&files.dir).map_err(OpenError::io("sync directory", &files.dir))?;
    let Resume { tail, current } = resume(&files, &inventory, &segments, &index)?;
    inventory.remove_leftovers(&files)?;

    let tail_segment = tail.segment;
    let (number, incarnation) = index.chain.last();
    let chunks = Chunks::new(options.max_memory, options.shards, trash.clone());
    let heap = HeapGauge::default();
    let finished =
        index.state.finish(options, manifest.shift, &chunks, &heap).map_err(OpenError::Config)?;
    let mut shards = finished.shards;
    let views = shards.iter_mut().map(Shard::publish).collect();
    let log = Arc::new(Log::new(segments, tail, (number + 1, incarnation + 1), options, trash));
    let core = Arc::new(Core {
        log: Arc::clone(&log),
        shards: shards.into_iter().map(Mutex::new).collect(),
        views,
        spaces: options.spaces,
        next_space: AtomicU32::new(finished.next_space),
        logged_spaces: Mutex::new(finished.logged_spaces),
        log_id: manifest.log_id,
        hash_seed: manifest.hash_seed,
        clock: Arc::clone(&options.clock),
        emptied: Mutex::default(),
        sweeping: AtomicBool::new(true),
        compression: options.compression,
        io: options.io.name(),
        stopped: AtomicBool::new(false),
        all_fits: AtomicBool::new(options.max_memory == u64::MAX),
        max_memory: options.max_memory,
        boost: AtomicU64::new(0),
        objects: Objects::new(heap.clone(), Arc::clone(&options.waiters_called)),
        heap,
        uses: Mutex::default(),
        codec: Arc::clone(&options.codec),
        observer: Arc::clone(&options.observer),
        route: options.route,
        chunks,
        fetcher: Arc::new(Fetcher::new(FETCH_BYTES, Arc::clone(&options.waiters_called))),
        layout: Mutex::default(),
    });
    let recovery_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    log.counters.recovery_ms.store(recovery_ms, Ordering::Relaxed);
    let files = Arc::new(files);
    let start = start(&core, &files, &inventory, index.used, &index.report, tail_segment);
    let committer = Committer {
        log,
        files: Arc::clone(&files),
        clock: Arc::clone(&options.clock),
        segment_sealed: Box::new(|_| {}),
        waiting: VecDeque::new(),
        current,
        number,
        incarnation: incarnation + 1,
    };
    Ok(Recovered { core, files, committer, start, report: index.report, trash: bin, lock })
}

/// The index as it was read, and where the log ends.
struct Read {
    state: State,
    chain: Chain,
    /// The bytes of the last segment of the log, if the log ends in it.
    last: Option<Arc<Memory>>,
    /// Where the frames of the segment before end, if the log ends where a segment would begin.
    previous_end: u64,
    used: Used,
    report: Report,
}

/// The checkpoint that was used: its id, where it begins, its sequence number; zeros without one.
#[derive(Clone, Copy, Default)]
struct Used {
    id: u64,
    begin: u64,
    sequence: u64,
}

/// Makes the index: from the newest checkpoint that can be used, else from all segments.
fn read_index(
    files: &Files,
    inventory: &Inventory,
    options: &Options,
    manifest: &Manifest,
    segments: &Segments,
    trash: &Trash,
) -> Result<Read, OpenError> {
    let mut note = None;
    let ids = inventory.list.as_ref().map_or([0, 0], |list| [list.newest, list.older]);
    for (id, kind) in ids.into_iter().zip(["checkpoint", "older checkpoint"]) {
        if id == 0 {
            continue;
        }
        match load(files, inventory, options, manifest, trash, id) {
            Ok(loaded) => {
                let report = Report { kind, note, replayed: 0 };
                let hash_seed = manifest.hash_seed;
                let context = Context { options, segments, hash_seed, trash };
                return read_end(files, inventory, context, loaded, report, trash);
            }
            Err(reason) => note = note.or(Some(format!("checkpoint {id}: {reason}"))),
        }
    }
    let identity = (manifest.log_id, manifest.hash_seed);
    let rebuilt = rebuild::rebuild(inventory, options, identity, trash)?;
    let last = inventory.log.last().zip(rebuilt.last);
    let last = last.map(|(segment, mapping)| keep(segments, segment, mapping, trash));
    let empty = inventory.log.is_empty() && inventory.merged.is_empty();
    let kind = if empty { "new" } else { "rebuild" };
    let report = Report { kind, note, replayed: rebuilt.state.replayed };
    let (state, chain) = (rebuilt.state, rebuilt.chain);
    Ok(Read { state, chain, last, previous_end: 0, used: Used::default(), report })
}

/// Replays the end of the log over a checkpoint.
fn read_end(
    files: &Files,
    inventory: &Inventory,
    context: Context<'_>,
    loaded: Loaded,
    report: Report,
    trash: &Trash,
) -> Result<Read, OpenError> {
    let Loaded { footer, mut state } = loaded;
    let of = &footer.of;
    let begin = of.mark.position;
    let behind: Vec<&SegmentFile> =
        inventory.log.iter().filter(|segment| segment.limit >= begin).collect();
    if let Some(first) = behind.first() {
        let inside = first.start < begin;
        let expected = if inside { of.mark.previous_end } else { begin };
        // Before the first frame of a segment there may have been segments that merging took away.
        if first.header.previous_end != expected && !(inside && of.mark.previous_end == 0) {
            return Err(first.corrupt(first.start, "this segment follows another one"));
        }
    }
    let mappings = behind.iter().map(|segment| segment.map()).collect::<Result<Vec<_>, _>>()?;
    let mut chain = Chain::from(files.log_id, &of.mark);
    let tail = replay::Tail { begin, segments: behind.iter().copied().zip(&mappings).collect() };
    replay::replay(context, &tail, &mut chain, &mut state)?;
    if chain.end < of.end {
        let missing = |segment: &&SegmentFile| {
            segment.corrupt(chain.end, "a frame is missing or damaged that a checkpoint has seen")
        };
        let no_file = || OpenError::Corrupt {
            file: files.path_of(begin >> files.shift),
            offset: 0,
            what: "the segment is missing".into(),
        };
        return Err(behind.last().map_or_else(no_file, missing));
    }
    let kept = behind
        .iter()
        .zip(mappings)
        .map(|(segment, mapping)| keep(context.segments, segment, mapping, trash));
    let last = kept.last();
    let used = Used { id: of.id, begin, sequence: of.sequence };
    let report = Report { replayed: state.replayed, ..report };
    Ok(Read { state, chain, last, previous_end: of.mark.previous_end, used, report })
}

/// Serves a segment from the mapping that it was read through.
fn keep(
    segments: &Segments,
    segment: &SegmentFile,
    mapping: Mapping,
    trash: &Trash,
) -> Arc<Memory> {
    segments.replace(segment.number, Some(Memory::Mapped(mapping)), trash);
    segments.memory(segment.number).expect("just given")
}

/// What the maintenance thread begins with.
fn start(
    core: &Arc<Core>,
    files: &Arc<Files>,
    inventory: &Inventory,
    used: Used,
    report: &Report,
    tail_segment: u64,
) -> Start {
    let listed = inventory.list.as_ref().map_or([0, 0], |list| [list.newest, list.older]);
    let ids = inventory.checkpoints.iter().copied().chain(listed);
    let next_id = ids.max().unwrap_or(0) + 1;
    // One that could not be used is not kept as the one to fall back on.
    let kept = if used.id == listed[0] { (listed[0], listed[1]) } else { (used.id, 0) };
    let unsealed = inventory
        .segments()
        .filter(|segment| segment.summary.is_none() && segment.number != tail_segment)
        .map(|segment| segment.number);
    Start {
        checkpointer: Checkpointer::new(Arc::clone(core), Arc::clone(files), kept, next_id),
        log_id: files.log_id,
        files: Arc::clone(files),
        unsealed: unsealed.collect(),
        begin: used.begin,
        sequence: used.sequence,
        rebuilt: report.note.is_some(),
    }
}

fn check(options: &Options) -> Result<(), OpenError> {
    let shift = options.segment_size.trailing_zeros();
    if !options.segment_size.is_power_of_two() || !SEGMENT_SHIFTS.contains(&shift) {
        return Err(OpenError::Config(format!(
            "segment size {} is not a power of two from 64 KiB to 1 GiB",
            options.segment_size
        )));
    }
    if options.shards == 0 || options.spaces == 0 {
        return Err(OpenError::Config("a store needs at least one shard and one key space".into()));
    }
    Ok(())
}

/// Segments of a new store are smaller than asked for if they are much for its memory.
fn segment_shift(options: &Options) -> u32 {
    let most = (options.max_memory / SEGMENT_PART).max(1 << SEGMENT_SHIFTS.start()).ilog2();
    options.segment_size.trailing_zeros().min(most)
}

fn lock(options: &Options) -> Result<Box<dyn LockGuard>, OpenError> {
    let path = options.dir.join(LOCK_FILE);
    options.io.lock(&path).map_err(|error| match error.kind() {
        ErrorKind::WouldBlock => OpenError::Locked(options.dir.clone()),
        _ => OpenError::io("lock", &path)(error),
    })
}

fn open_manifest(options: &Options) -> Result<Manifest, OpenError> {
    let path = options.dir.join(MANIFEST_FILE);
    match options.io.open(&path, OpenMode::Read) {
        Ok(file) => match read_manifest(&*file, path.clone())? {
            (manifest, VERSION) => Ok(manifest),
            // Older programs would take records of kinds that they do not know for a torn tail.
            (manifest, _) => write_manifest(&*options.io, options, &manifest)
                .map(|()| manifest)
                .map_err(OpenError::io("bring up to date", &path)),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => create_manifest(options),
        Err(error) => Err(OpenError::io("open", &path)(error)),
    }
}

fn read_manifest(file: &dyn File, path: PathBuf) -> Result<(Manifest, u32), OpenError> {
    let len = file.len().map_err(OpenError::io("read", &path))?;
    let mut bytes = vec![0u8; (len as usize).min(MANIFEST_LEN + 1)];
    file.read_exact_at(&mut bytes, 0).map_err(OpenError::io("read", &path))?;
    Manifest::decode(&bytes).map_err(|what| OpenError::Corrupt { file: path, offset: 0, what })
}

/// Writes the manifest of a new store. A directory with segments but no manifest has lost it, and
/// is not taken for a new one.
fn create_manifest(options: &Options) -> Result<Manifest, OpenError> {
    let (io, dir) = (&*options.io, &options.dir);
    let manifest =
        Manifest { log_id: random_u64(), hash_seed: random_u64(), shift: segment_shift(options) };
    let files = Files::new(Arc::clone(&options.io), dir.clone(), manifest.log_id, manifest.shift);
    let path = dir.join(MANIFEST_FILE);
    let Listing { log, merged, list, .. } = files.listing().map_err(OpenError::io("list", dir))?;
    if list || !log.is_empty() || !merged.is_empty() {
        let what = "the file is missing, but the directory has segments".into();
        return Err(OpenError::Corrupt { file: path, offset: 0, what });
    }
    write_manifest(io, options, &manifest).map_err(OpenError::io("create", &path))?;
    Ok(manifest)
}

fn write_manifest(io: &dyn Io, options: &Options, manifest: &Manifest) -> std::io::Result<()> {
    let unfinished = options.dir.join(NEW_MANIFEST_FILE);
    match io.remove(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    io.open(&unfinished, OpenMode::Create)?.write_durable(&manifest.encode(), 0)?;
    io.rename(&unfinished, &options.dir.join(MANIFEST_FILE))?;
    io.sync_dir(&options.dir)
}

/// A number nobody can guess: the standard library seeds its hash maps from the system's random
/// source.
fn random_u64() -> u64 {
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}

struct Resume {
    tail: Tail,
    current: Option<(u64, Arc<dyn File>)>,
}

/// Where writing goes on: behind the last frame, in its segment, which is copied into a buffer for
/// that; or in a new segment.
fn resume(
    files: &Files,
    inventory: &Inventory,
    segments: &Segments,
    index: &Read,
) -> Result<Resume, OpenError> {
    let size = segments.size();
    let end = index.chain.end;
    let sequence = index.state.sequence;
    let buffer =
        || Buffer::new(size as usize).map_err(OpenError::io("reserve memory for", &files.dir));
    let begin = |number: u64, previous_end: u64| {
        segments.add(number, 1, Some(Memory::Buffer(buffer()?)), None);
        let limit = (number + 1) * size;
        let mut tail = Tail::at(number * size + BLOCK, number, 1, limit, sequence);
        tail.previous_end = previous_end;
        Ok(Resume { tail, current: None })
    };
    let Some((last, memory)) = inventory.log.last().zip(index.last.as_ref()) else {
        // No segment has a frame behind what the checkpoint, if there is one, has seen.
        let next = inventory.list.as_ref().map_or(0, |list| list.log_next);
        let number = if index.used.id == 0 { next } else { end / size };
        if index.used.id != 0 && end != number * size + BLOCK {
            let (file, what) = (files.path_of(number), "the segment is missing".into());
            return Err(OpenError::Corrupt { file, offset: 0, what });
        }
        return begin(number, index.previous_end);
    };
    if last.header.span > 1 || end + 2 * BLOCK > last.limit {
        return begin(last.number + u64::from(last.header.span), end);
    }
    let bytes = memory.mapped().unwrap_or_default();
    let buffer = writable_copy(buffer()?, &bytes[..bytes.len().min((end - last.start) as usize)]);
    let file = Arc::clone(&last.file);
    segments.add(last.number, 1, Some(Memory::Buffer(buffer)), Some(Arc::clone(&file)));
    let mut tail = Tail::at(end, last.number, 1, last.limit, sequence);
    tail.previous_end = last.header.previous_end;
    Ok(Resume { tail, current: Some((last.number, file)) })
}

/// Copies the beginning of a segment into `buffer`.
fn writable_copy(buffer: Buffer, used: &[u8]) -> Buffer {
    assert!(used.len() <= buffer.len(), "a segment of one size");
    // SAFETY: `used` fits into the buffer, which is new, so that nobody else has it and the two do
    // not overlap.
    unsafe { std::ptr::copy_nonoverlapping(used.as_ptr(), buffer.base(), used.len()) };
    buffer
}
