//! Opening a store: read what is durable, cut a torn tail, refuse damage.

mod replay;
mod scan;

use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::core::Core;
use crate::error::OpenError;
use crate::io::{File, Io, LockGuard, OpenMode};
use crate::log::{Buffer, Committer, Files, Log, Memory, Segments, Tail, TrashBin, trash};
use crate::options::Options;
use crate::record::frame::BLOCK;
use crate::record::manifest::{LEN as MANIFEST_LEN, Manifest};
use crate::shard::Shard;
use crate::tier::chunks::Chunks;
use crate::tier::fetch::Fetcher;
use replay::Replay;
use scan::{Scan, Scanned};

/// Bytes that a fetching thread has in flight at most.
const FETCH_BYTES: u64 = 8 << 20;
/// The parts of the memory budget that a segment, and what is not durable yet, take at most.
const SEGMENT_PART: u64 = 16;

const LOCK_FILE: &str = "LOCK";
const MANIFEST_FILE: &str = "STORE";
const NEW_MANIFEST_FILE: &str = "STORE.new";
const SEGMENT_SHIFTS: std::ops::RangeInclusive<u32> = 16..=30;

/// An opened store whose threads do not run yet.
pub(crate) struct Recovered {
    pub core: Arc<Core>,
    pub files: Arc<Files>,
    pub committer: Committer,
    pub trash: TrashBin,
    pub lock: Box<dyn LockGuard>,
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

    let segments = Segments::new(manifest.shift);
    let (trash, bin) = trash();
    let chunks = Chunks::new(options.max_memory, options.shards, trash.clone());
    let mut replay = Replay::new(options, &manifest, trash.clone(), Arc::clone(&chunks));
    let scanned = Scan::new(&files, &segments).run(&mut replay)?;
    let replayed = replay.finish().map_err(OpenError::Config)?;
    let Resume { tail, current } = resume(&files, &segments, &scanned, replayed.sequence)?;

    let log = Arc::new(Log::new(segments, tail, options, trash));
    let recovery_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    log.counters.recovery_ms.store(recovery_ms, Ordering::Relaxed);
    let mut shards = replayed.shards;
    let views = shards.iter_mut().map(Shard::publish).collect();
    let core = Arc::new(Core {
        log: Arc::clone(&log),
        shards: shards.into_iter().map(Mutex::new).collect(),
        views,
        spaces: options.spaces,
        next_space: AtomicU32::new(replayed.next_space),
        hash_seed: manifest.hash_seed,
        clock: Arc::clone(&options.clock),
        emptied: Mutex::default(),
        sweeping: AtomicBool::new(true),
        io: options.io.name(),
        stopped: AtomicBool::new(false),
        max_memory: options.max_memory,
        boost: AtomicU64::new(0),
        chunks,
        fetcher: Arc::new(Fetcher::new(FETCH_BYTES, Arc::clone(&options.waiters_called))),
    });
    let files = Arc::new(files);
    let committer = Committer {
        log,
        files: Arc::clone(&files),
        clock: Arc::clone(&options.clock),
        segment_sealed: Box::new(|_| {}),
        waiting: VecDeque::new(),
        current,
        number: scanned.last_number,
        incarnation: scanned.last_incarnation + 1,
    };
    Ok(Recovered { core, files, committer, trash: bin, lock })
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
        Ok(file) => read_manifest(&*file, path),
        Err(error) if error.kind() == ErrorKind::NotFound => create_manifest(options),
        Err(error) => Err(OpenError::io("open", &path)(error)),
    }
}

fn read_manifest(file: &dyn File, path: PathBuf) -> Result<Manifest, OpenError> {
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
    if !files.segment_ids().map_err(OpenError::io("list", dir))?.is_empty() {
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
    segments: &Segments,
    scanned: &Scanned,
    sequence: u64,
) -> Result<Resume, OpenError> {
    let size = segments.size();
    let buffer =
        || Buffer::new(size as usize).map_err(OpenError::io("reserve memory for", &files.dir));
    let Some(last) = &scanned.last else {
        segments.add(0, 1, Some(Memory::Buffer(buffer()?)), None);
        return Ok(Resume { tail: Tail::at(BLOCK, 0, 1, size, sequence), current: None });
    };
    let id = last.header.id;
    let next = id + u64::from(last.header.span);
    if last.header.span > 1 || last.end + 2 * BLOCK > next * size {
        segments.add(next, 1, Some(Memory::Buffer(buffer()?)), None);
        let mut tail = Tail::at(next * size + BLOCK, next, 1, (next + 1) * size, sequence);
        tail.previous_end = last.end;
        return Ok(Resume { tail, current: None });
    }
    let buffer = writable_copy(segments, id, buffer()?, last.end - id * size);
    segments.add(id, 1, Some(Memory::Buffer(buffer)), Some(Arc::clone(&last.file)));
    let mut tail = Tail::at(last.end, id, 1, next * size, sequence);
    tail.previous_end = last.header.previous_end;
    Ok(Resume { tail, current: Some((id, Arc::clone(&last.file))) })
}

/// Copies the first `used` bytes of a mapped segment into `buffer`.
fn writable_copy(segments: &Segments, number: u64, buffer: Buffer, used: u64) -> Buffer {
    let memory = segments.memory(number).expect("the last segment is present");
    if let Memory::Mapped(mapping) = &*memory {
        let bytes = mapping.as_slice();
        let used = usize::try_from(used).map_or(0, |used| used.min(bytes.len()));
        assert!(used <= buffer.len(), "a segment of one size");
        // SAFETY: `used` lies within both; the buffer is new, nobody else has it, and the two do
        // not overlap.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), buffer.base(), used) };
    }
    buffer
}
