//! Recovery of a frame whose checksums are right and whose records say anything at all: no panic,
//! no key that no record puts, and a store that can be written to.
//!
//! The frame is made here from FORMAT.md alone, by other code than the engine's.

#![no_main]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use ferric_engine::io::sim::SimIo;
use ferric_engine::io::{Io, OpenMode};
use ferric_engine::{Engine, Meta, OpenError, Options};
use libfuzzer_sys::fuzz_target;

const SHIFT: u32 = 16;
const BLOCK: usize = 4096;
const PUT: u8 = 1;

fn options(io: &SimIo) -> Options {
    let mut options = Options::new("/store", Arc::new(io.clone()));
    (options.spaces, options.shards, options.segment_size) = (2, 2, 1 << SHIFT);
    options.spare_segments = false;
    options.route = |key, shards| key.len() as u16 % shards;
    options
}

/// A disk with an empty store, and the store's identity.
fn empty_store() -> &'static (SimIo, u64) {
    static STORE: OnceLock<(SimIo, u64)> = OnceLock::new();
    STORE.get_or_init(|| {
        let io = SimIo::new();
        Engine::open(options(&io)).expect("open").close().expect("close");
        let mut id = [0; 8];
        let manifest = io.open(Path::new("/store/STORE"), OpenMode::Read).expect("manifest");
        manifest.read_exact_at(&mut id, 16).expect("read");
        (io.snapshot(), u64::from_le_bytes(id))
    })
}

/// Takes numbers and strings from the front of the input; zeros and empty ones when it ends.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn bytes(&mut self, n: usize) -> &'a [u8] {
        let (front, rest) = self.0.split_at(n.min(self.0.len()));
        self.0 = rest;
        front
    }

    fn number(&mut self, bytes: usize) -> u64 {
        self.bytes(bytes).iter().fold(0, |n, byte| n << 8 | u64::from(*byte))
    }
}

/// Appends the record that `input` describes; notes its key if it puts one.
fn add_record(
    frame: &mut Vec<u8>,
    body: &mut u32,
    input: &mut Input<'_>,
    keys: &mut BTreeSet<Vec<u8>>,
) {
    let kind = input.number(1) as u8 % 8;
    let [tag, space, sequence] = [1, 1, 2].map(|bytes| input.number(bytes));
    let expiry = input.number(1) * 1_000_000_000_000;
    let (key_len, value_len) = (input.number(1) as usize % 20, input.number(1) as usize);
    let (key, value) = (input.bytes(key_len), input.bytes(value_len));
    let mut record = vec![0; 4];
    record.extend((key.len() as u32).to_le_bytes());
    record.extend((value.len() as u32).to_le_bytes());
    record.extend((space as u32).to_le_bytes());
    record.extend((sequence << 16 | tag << 8 | u64::from(kind)).to_le_bytes());
    record.extend(expiry.to_le_bytes());
    record.extend(key);
    record.extend(value);
    let address = (BLOCK + frame.len()) as u64;
    let sum = crc32c::crc32c_append(crc32c::crc32c(&address.to_le_bytes()), &record[4..]);
    record[..4].copy_from_slice(&sum.to_le_bytes());
    *body = crc32c::crc32c_append(*body, &sum.to_le_bytes());
    record.resize(record.len().next_multiple_of(8), 0);
    frame.extend(record);
    if kind == PUT {
        keys.insert(key.to_vec());
    }
}

fn frame_header(log_id: u64, len: usize, records: u32, body: u32) -> Vec<u8> {
    let mut checked = Vec::new();
    for word in [log_id, BLOCK as u64, BLOCK as u64, len as u64, 1] {
        checked.extend(word.to_le_bytes());
    }
    for half in [records, body, 1, 0] {
        checked.extend(half.to_le_bytes());
    }
    [b"FRM1", &crc32c::crc32c(&checked).to_le_bytes()[..], &checked].concat()
}

fn segment_header(log_id: u64) -> Vec<u8> {
    let mut checked = 1u32.to_le_bytes().to_vec();
    checked.extend(log_id.to_le_bytes());
    checked.extend(0u64.to_le_bytes());
    checked.extend(1u32.to_le_bytes());
    checked.extend(SHIFT.to_le_bytes());
    checked.resize(52, 0);
    let mut block = [b"FERCSEG1", &crc32c::crc32c(&checked).to_le_bytes()[..], &checked].concat();
    block.resize(BLOCK, 0);
    block
}

fuzz_target!(|data: &[u8]| {
    let (io, log_id) = (empty_store().0.snapshot(), empty_store().1);
    let (mut frame, mut body, mut records) = (vec![0; 64], 0, 0);
    let (mut input, mut keys) = (Input(data), BTreeSet::new());
    while !input.0.is_empty() && frame.len() < 50_000 {
        add_record(&mut frame, &mut body, &mut input, &mut keys);
        records += 1;
    }
    let header = frame_header(log_id, frame.len(), records, body);
    frame[..64].copy_from_slice(&header);
    let path = Path::new("/store/segment-000000000000");
    let file = io.open(path, OpenMode::Create).expect("create");
    file.write_durable(&segment_header(log_id), 0).expect("write");
    file.write_durable(&frame, BLOCK as u64).expect("write");

    match Engine::open(options(&io)) {
        Ok(engine) => {
            let mut access = engine.enter(1);
            access.set_blocking(true);
            for space in 0..2 {
                let mut cursor = 0;
                loop {
                    let scanned = access.scan(space, cursor, 100, &mut |key, _| {
                        assert!(keys.contains(key), "a key that was never put");
                    });
                    cursor = scanned.expect("intact");
                    if cursor == 0 {
                        break;
                    }
                }
            }
            access.flush(&[0]).expect("flush");
            let key = access.key(0, 1, b"x");
            access.lock(&key).put(&key, Meta::default(), b"1").expect("put");
            assert_eq!(access.len(0), 1);
            drop(access);
            engine.close().expect("close");
        }
        // Such records may not make a store, but each of them is intact.
        Err(OpenError::Config(_)) => {}
        Err(error) => panic!("{error}"),
    }
});
