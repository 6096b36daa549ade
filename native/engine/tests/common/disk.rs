//! Looking at and tampering with the files of a simulated store.

use std::path::{Path, PathBuf};

use ferric_engine::io::sim::SimIo;
use ferric_engine::io::{Io, OpenMode};

pub const BLOCK: usize = 4096;
const FRAME_MAGIC: &[u8] = b"FRM1";

/// Where a frame is in its file.
#[derive(Clone, Debug)]
pub struct FramePlace {
    pub file: PathBuf,
    pub offset: usize,
    /// Header and records, in bytes.
    pub len: usize,
    pub records: u32,
}

pub fn manifest() -> PathBuf {
    PathBuf::from("/store/STORE")
}

/// The segment files, in the order of the log.
pub fn segments(io: &SimIo) -> Vec<PathBuf> {
    let is_segment = |path: &PathBuf| path.to_string_lossy().contains("/segment-");
    io.file_names().into_iter().filter(is_segment).collect()
}

pub fn bytes(io: &SimIo, path: &Path) -> Vec<u8> {
    let file = io.open(path, OpenMode::Read).expect("open");
    let mut bytes = vec![0; file.len().expect("length") as usize];
    file.read_exact_at(&mut bytes, 0).expect("read");
    bytes
}

pub fn overwrite(io: &SimIo, path: &Path, offset: usize, bytes: &[u8]) {
    let file = io.open(path, OpenMode::Write).expect("open");
    file.write_durable(bytes, offset as u64).expect("write");
}

/// Gives the file other bytes and another length.
pub fn replace(io: &SimIo, path: &Path, bytes: &[u8]) {
    io.remove(path).expect("remove");
    let file = io.open(path, OpenMode::Create).expect("create");
    file.write_durable(bytes, 0).expect("write");
    io.sync_dir(path.parent().expect("a directory")).expect("sync");
}

/// All frames of the store, in the order of the log.
pub fn frames(io: &SimIo) -> Vec<FramePlace> {
    segments(io).into_iter().flat_map(|file| frames_of(io, file)).collect()
}

fn frames_of(io: &SimIo, file: PathBuf) -> Vec<FramePlace> {
    let bytes = bytes(io, &file);
    (BLOCK..bytes.len())
        .step_by(BLOCK)
        .filter(|&offset| bytes[offset..].starts_with(FRAME_MAGIC))
        .map(|offset| {
            let header = &bytes[offset..offset + 64];
            let len = u64::from_le_bytes(header[32..40].try_into().expect("eight")) as usize;
            let records = u32::from_le_bytes(header[48..52].try_into().expect("four"));
            FramePlace { file: file.clone(), offset, len, records }
        })
        .collect()
}

/// Where a record is in its file.
#[derive(Clone, Debug)]
pub struct RecordPlace {
    pub file: PathBuf,
    pub offset: usize,
    /// Header, key and value, in bytes.
    pub len: usize,
    pub kind: u8,
    pub key: Vec<u8>,
}

/// All records of the log, in its order.
pub fn records(io: &SimIo) -> Vec<RecordPlace> {
    let mut records = Vec::new();
    for frame in frames(io) {
        let bytes = bytes(io, &frame.file);
        let mut offset = frame.offset + 64;
        for _ in 0..frame.records {
            let word = |at: usize| {
                u32::from_le_bytes(bytes[offset + at..offset + at + 4].try_into().expect("four"))
            };
            let (key_len, value_len) = (word(4) as usize, word(8) as usize);
            let len = 32 + key_len + value_len;
            let key = bytes[offset + 32..offset + 32 + key_len].to_vec();
            let (file, kind) = (frame.file.clone(), bytes[offset + 16]);
            records.push(RecordPlace { file, offset, len, kind, key });
            offset += len.next_multiple_of(8);
        }
    }
    records
}
