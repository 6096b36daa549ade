//! Stores with merged segments, made by hand: the union of all segments is the truth.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::channel;

use crate::address::MERGED;
use crate::io::sim::SimIo;
use crate::io::{File, Io, OpenMode};
use crate::log::{Files, Memory};
use crate::record::frame::{BLOCK, Body, Frame, HEADER as FRAME_HEADER};
use crate::record::hint::{Frames, HintWriter};
use crate::record::segment_header::SegmentHeader;
use crate::record::{Header, Kind, align_up, checksum};
use crate::{Access, Engine, Entry, Meta, Options, ReadError, WriteError, address::Region};

const SHIFT: u32 = 16;
const DIR: &str = "/store";

fn options(io: &SimIo) -> Options {
    let mut options = Options::new(DIR, Arc::new(io.clone()));
    (options.segment_size, options.spaces) = (1 << SHIFT, 1);
    (options.spare_segments, options.maintenance) = (false, false);
    options
}

fn open(io: &SimIo) -> Arc<Engine> {
    Engine::open(options(io)).expect("open")
}

fn put(engine: &Engine, name: &str, value: Option<&str>) {
    loop {
        let mut access = engine.enter(1);
        let key = access.key(0, 0, name.as_bytes());
        let mut locked = access.lock(&key);
        let written = match value {
            Some(value) => locked.put(&key, Meta::default(), value.as_bytes()),
            None => locked.delete(&key),
        };
        match written {
            Ok(()) => break,
            Err(error) => assert_eq!(error, WriteError::Cold),
        }
        drop(locked);
        fetch(engine, access);
    }
    while engine.durable() < engine.written() {
        std::thread::yield_now();
    }
}

fn get(engine: &Engine, name: &str) -> Option<String> {
    loop {
        let mut access = engine.enter(1);
        let key = access.key(0, 0, name.as_bytes());
        let text = |entry: Entry<'_>| String::from_utf8(entry.value.to_vec()).expect("text");
        match access.read(&key, true, |entry| entry.map(text)) {
            Ok(value) => return value,
            Err(error) => assert_eq!(error, ReadError::Cold),
        }
        fetch(engine, access);
    }
}

/// Waits until what an access has found missing is in memory.
fn fetch(engine: &Engine, mut access: Access<'_>) {
    let (missing, (sender, receiver)) = (access.take_missing(), std::sync::mpsc::channel());
    drop(access);
    let told = move || sender.send(()).expect("somebody waits");
    engine.fetch(missing, Box::new(told));
    receiver.recv().expect("told");
}

/// A record of a merged segment.
struct Record<'a> {
    sequence: u64,
    kind: Kind,
    key: &'a str,
    value: &'a str,
}

/// Writes merged segment `id` with one frame of these records, and its hint if `hint`; the offsets of
/// the records.
fn write_merged(io: &SimIo, id: u64, records: &[Record<'_>], hint: bool) -> Vec<u64> {
    let manifest = super::open_manifest(&options(io)).expect("manifest");
    let start = MERGED | id << SHIFT;
    let (mut body, mut sums, mut writer) = (Vec::new(), Body::default(), HintWriter::default());
    let mut offsets = Vec::new();
    for Record { sequence, kind, key, value } in records {
        let offset = BLOCK + FRAME_HEADER + body.len() as u64;
        let header = Header {
            key_len: key.len() as u32,
            value_len: value.len() as u32,
            space: 0,
            sequence: *sequence,
            kind: *kind,
            tag: 0,
            expiry_ms: 0,
        };
        let mut bytes = [&header.encode()[..], key.as_bytes(), value.as_bytes()].concat();
        let sum = checksum(start + offset, &bytes);
        bytes[..4].copy_from_slice(&sum.to_le_bytes());
        bytes.resize(header.total_len() as usize, 0);
        sums.add(sum);
        writer.add(offset, &header, key.as_bytes(), value.as_bytes());
        body.extend_from_slice(&bytes);
        offsets.push(offset);
    }
    let frame = Frame {
        log_id: manifest.log_id,
        address: start + BLOCK,
        durable_before: 0,
        len: FRAME_HEADER + body.len() as u64,
        number: 1,
        records: records.len() as u32,
        body: sums.finish(),
        incarnation: 0,
        flags: 0,
    };
    let (log_id, region) = (manifest.log_id, Region::Merged);
    let header = SegmentHeader { log_id, id, span: 1, shift: SHIFT, previous_end: 0, region };
    let mut bytes = header.encode();
    bytes.extend_from_slice(&frame.encode());
    bytes.extend_from_slice(&body);
    bytes.resize(align_up(bytes.len() as u64, BLOCK) as usize, 0);
    let file = io.open(&path(id), OpenMode::Create).expect("create");
    file.write_durable(&bytes, 0).expect("write");
    let frames = Frames { end: frame.end(), first: 1, last: 1, incarnation: 0 };
    if hint {
        let (block, _) = writer.finish(log_id, start, frames);
        file.write_durable(&block, 1 << SHIFT).expect("write");
    }
    io.sync_dir(Path::new(DIR)).expect("sync");
    offsets
}

fn path(id: u64) -> std::path::PathBuf {
    crate::log::merged_path(Path::new(DIR), id)
}

/// Adds a merged segment to an open store as merging does.
fn register(engine: &Engine, io: &SimIo, id: u64) -> u64 {
    let number = MERGED >> SHIFT | id;
    let file: Arc<dyn File> = io.open(&path(id), OpenMode::Write).expect("open");
    let mapping = file.map(file.len().expect("length").min(1 << SHIFT)).expect("map");
    let core = engine.core();
    core.log.segments.add(number, 1, Some(Memory::Mapped(mapping)), Some(file));
    crate::seal::seal(core, log_id(io), number).expect("sealed");
    number
}

fn log_id(io: &SimIo) -> u64 {
    super::open_manifest(&options(io)).expect("manifest").log_id
}

fn checkpoint(engine: &Engine) {
    let (sender, receiver) = channel();
    engine.checkpoint(Box::new(move |outcome| drop(sender.send(outcome))));
    receiver.recv().expect("told").expect("a checkpoint");
}

fn remove_checkpoints(io: &SimIo) {
    for path in io.file_names() {
        if path.to_string_lossy().contains("/checkpoint-") {
            io.remove(&path).expect("remove");
        }
    }
}

#[test]
fn of_all_segments_the_highest_sequence_counts() {
    for hint in [true, false] {
        let io = SimIo::new();
        let engine = open(&io);
        // Sequences 1 to 4.
        ["a", "b", "c", "d"].iter().for_each(|name| put(&engine, name, Some("log")));
        let record = |sequence, kind, key, value| Record { sequence, kind, key, value };
        let records = [
            record(900, Kind::Put, "a", "newer"),
            record(1, Kind::Put, "b", "older"),
            record(901, Kind::Delete, "c", "        "),
            record(902, Kind::Put, "e", "only here"),
        ];
        write_merged(&io, 0, &records, hint);
        register(&engine, &io, 0);
        // A checkpoint that lists the segment; what its entries say is not of interest.
        checkpoint(&engine);
        drop(engine.close());
        remove_checkpoints(&io);
        let engine = open(&io);
        assert_eq!(engine.stats().recovery, "rebuild");
        let found = ["a", "b", "c", "d", "e"].map(|name| get(&engine, name));
        let expected = [Some("newer"), Some("log"), None, Some("log"), Some("only here")];
        assert_eq!(found, expected.map(|value| value.map(str::to_owned)), "hint {hint}");
        // Numbers go on behind the highest.
        put(&engine, "a", Some("newest"));
        drop(engine.close());
        remove_checkpoints(&io);
        assert_eq!(get(&open(&io), "a").as_deref(), Some("newest"));
    }
}

#[test]
fn a_merged_segment_that_is_not_listed_is_a_leftover() {
    let io = SimIo::new();
    let engine = open(&io);
    put(&engine, "a", Some("1"));
    checkpoint(&engine);
    let record = Record { sequence: 900, kind: Kind::Put, key: "a", value: "2" };
    write_merged(&io, 3, &[record], true);
    drop(engine.close());
    let engine = open(&io);
    assert_eq!(get(&engine, "a").as_deref(), Some("1"));
    assert!(!io.file_names().contains(&path(3)));
}

/// Moves what is live of a sealed segment of the log to a merged one and drops it, with a power cut at
/// each call.
#[test]
fn a_segment_whose_records_have_moved_is_dropped_with_the_list() {
    let io = SimIo::new();
    let engine = open(&io);
    put(&engine, "a", Some("first"));
    let large = "x".repeat(60_000);
    put(&engine, "large", Some(&large));
    put(&engine, "b", Some("last"));
    checkpoint(&engine);
    let record = Record { sequence: 1, kind: Kind::Put, key: "a", value: "first" };
    let offset = write_merged(&io, 0, &[record], true)[0];
    register(&engine, &io, 0);
    let core = Arc::clone(engine.core());
    repoint(&core, "a", MERGED | offset);
    let files = Files::new(Arc::new(io.clone()), DIR.into(), log_id(&io), SHIFT);
    let files = Arc::new(files);
    let ids = (1, 0);
    let mut checkpointer = crate::checkpoint::Checkpointer::new(core, files, ids, 2);
    let images = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let push = Arc::clone(&images);
    io.on_call(Box::new(move |io, number| push.lock().extend(io.crash_images(number, 10))));
    checkpointer.publish(&[0]).expect("published");
    io.on_call(Box::new(|_, _| {}));
    assert!(!io.file_names().contains(&crate::log::segment_path(Path::new(DIR), 0)));
    let mut images = std::mem::take(&mut *images.lock());
    images.push(io.snapshot());
    let (mut before, mut after) = (0, 0);
    for image in &images {
        // Once by its checkpoint, once without.
        for rebuild in [false, true] {
            let image = image.snapshot();
            if rebuild {
                remove_checkpoints(&image);
            }
            let engine = open(&image);
            let found = ["a", "b"].map(|name| get(&engine, name));
            assert_eq!(found, [Some("first".to_owned()), Some("last".to_owned())]);
            assert_eq!(get(&engine, "large"), Some(large.clone()));
            let merged = image.file_names().contains(&path(0));
            after += usize::from(merged);
            before += usize::from(!merged);
        }
    }
    assert!(before > 10 && after > 2, "{before} before, {after} after");
}

#[test]
fn a_segment_in_use_is_not_dropped() {
    let io = SimIo::new();
    let engine = open(&io);
    put(&engine, "a", Some("first"));
    put(&engine, "large", Some(&"x".repeat(60_000)));
    let files = Arc::new(Files::new(Arc::new(io.clone()), DIR.into(), log_id(&io), SHIFT));
    let core = Arc::clone(engine.core());
    let mut checkpointer = crate::checkpoint::Checkpointer::new(core, files, (0, 0), 1);
    assert!(checkpointer.publish(&[0]).expect_err("refused").contains("in use"));
    assert_eq!(get(&engine, "a").as_deref(), Some("first"));
}

/// Points a key's entry to a copy of its record.
fn repoint(core: &crate::core::Core, name: &str, address: u64) {
    let hash = core.hash(name.as_bytes());
    let mut shard = core.shards[0].lock();
    let crate::shard::Shard { spaces, live, .. } = &mut *shard;
    let index = &mut spaces[0].index;
    let place = index.find(hash, |_| true).expect("present");
    let slot = index.slot(place);
    live.remove(slot.address(), slot);
    live.add(address, slot);
    index.set(place, slot.moved_to(address));
}
