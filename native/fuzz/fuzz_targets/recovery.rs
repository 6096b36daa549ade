//! Recovery of a store whose segment files were changed in any way, checksums of headers mended or
//! not: it opens with values that were written, or says which file is damaged.

#![no_main]

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use ferric_engine::io::sim::SimIo;
use ferric_engine::io::{Io, OpenMode};
use ferric_engine::{Engine, Meta, OpenError, Options, ReadError};
use libfuzzer_sys::fuzz_target;

const BLOCK: usize = 4096;

fn options(io: &SimIo) -> Options {
    let mut options = Options::new("/store", Arc::new(io.clone()));
    (options.spaces, options.segment_size) = (1, 64 << 10);
    options.spare_segments = false;
    options
}

/// The only value that the key `n` ever has.
fn value(n: usize) -> Vec<u8> {
    vec![n as u8 | 1; [10, 700, 5_000, 40_000][n % 4]]
}

/// A store of three segments that was closed, and the same as a crash would leave it.
fn stores() -> &'static [SimIo; 2] {
    static STORES: OnceLock<[SimIo; 2]> = OnceLock::new();
    STORES.get_or_init(|| {
        let io = SimIo::new();
        let engine = Engine::open(options(&io)).expect("open");
        for n in 0..12usize {
            let mut access = engine.enter(1);
            let name = [n as u8];
            let key = access.key(0, 0, &name);
            access.lock(&key).put(&key, Meta::default(), &value(n)).expect("put");
            drop(access);
            while engine.durable() < engine.written() {
                std::thread::yield_now();
            }
        }
        let crashed = io.snapshot();
        engine.close().expect("close");
        [io.snapshot(), crashed]
    })
}

fn read(io: &SimIo, path: &Path) -> Vec<u8> {
    let file = io.open(path, OpenMode::Read).expect("open");
    let mut bytes = vec![0; file.len().expect("length") as usize];
    file.read_exact_at(&mut bytes, 0).expect("read");
    bytes
}

/// One change, described by eight bytes and what follows them; what is left of the input.
fn change<'a>(file: &mut Vec<u8>, input: &'a [u8]) -> &'a [u8] {
    let Some((head, rest)) = input.split_first_chunk::<8>() else { return &[] };
    let offset = |at: usize| usize::from(u16::from_le_bytes([head[at], head[at + 1]]));
    let len = file.len().max(1);
    let aligned = if head[1] & 1 == 0 { 1 } else { BLOCK };
    let (to, from) = (offset(2) * aligned % len, offset(4) * aligned % len);
    let count = usize::from(head[6]);
    let bytes = &rest[..count.min(rest.len())];
    match head[0] % 4 {
        0 => file[to..].iter_mut().zip(bytes).for_each(|(old, new)| *old = *new),
        1 => file.truncate(to),
        2 => file.extend_from_slice(bytes),
        _ => {
            let part = file[from..(from + count * 64).min(file.len())].to_vec();
            file[to..].iter_mut().zip(part).for_each(|(old, new)| *old = new);
        }
    }
    if head[7] & 1 == 1 {
        mend(file, to / BLOCK * BLOCK);
    }
    &rest[bytes.len()..]
}

/// Gives the header in this block, of a segment or a frame, the checksum of its contents.
fn mend(file: &mut [u8], at: usize) {
    let Some(header) = file.get_mut(at..at + 64) else { return };
    let (place, from) = if at == 0 { (8, 12) } else { (4, 8) };
    let sum = crc32c::crc32c(&header[from..]);
    header[place..place + 4].copy_from_slice(&sum.to_le_bytes());
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, mut input)) = data.split_first() else { return };
    let io = stores()[usize::from(choice & 1)].snapshot();
    let is_segment = |path: &PathBuf| path.to_string_lossy().contains("segment-");
    let segments: Vec<PathBuf> = io.file_names().into_iter().filter(is_segment).collect();
    let path = &segments[usize::from(choice >> 1) % segments.len()];
    let mut file = read(&io, path);
    while !input.is_empty() && file.len() < 1 << 20 {
        input = change(&mut file, input);
    }
    io.remove(path).expect("remove");
    io.open(path, OpenMode::Create).expect("create").write_durable(&file, 0).expect("write");

    match Engine::open(options(&io)) {
        Ok(engine) => {
            let (mut access, mut cursor) = (engine.enter(1), 0);
            access.set_blocking(true);
            loop {
                let scanned = access.scan(0, cursor, 100, &mut |key, entry| {
                    assert!(key.len() == 1 && entry.value == value(usize::from(key[0])));
                });
                match scanned {
                    Ok(0) | Err(ReadError::Damaged) => break,
                    Ok(next) => cursor = next,
                    Err(error) => panic!("{error}"),
                }
            }
            drop(access);
            engine.close().expect("close");
            Engine::open(options(&io)).expect("again").close().expect("close");
        }
        Err(OpenError::Corrupt { file, .. }) => assert!(file.starts_with("/store")),
        Err(error) => panic!("{error}"),
    }
});
