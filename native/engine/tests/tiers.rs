//! Data larger than memory: what was put out is read from disk, and nothing else changes.
#![allow(missing_docs)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::model::{Model, execute, random_step, value};
use common::rng::Rng;
use common::{NOW, dump, first_seed, get, key, put, quiet, rounds, run, wait, wait_room};
use ferric_engine::io::sim::SimIo;
use ferric_engine::{Access, Compression, Engine, Options, ReadError, WriteError};

/// Memory for one segment of 64 KiB being written, and little more.
const BUDGET: u64 = (4 << 20) + (64 << 10) + (256 << 10);

fn small(io: &SimIo) -> Options {
    Options { max_memory: BUDGET, ..quiet(Arc::new(io.clone())) }
}

/// Waits until the background has done what `done` looks for.
fn eventually(engine: &Engine, done: impl Fn(&Engine) -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !done(engine) {
        assert!(Instant::now() < end, "{:?}", engine.stats());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Puts 2 MB under `k0`, `k1`, … and waits until most of it is on disk only.
fn filled(io: &SimIo) -> Arc<Engine> {
    let engine = Engine::open(small(io)).expect("open");
    for n in 0..2_000 {
        while let Err(error) = put(&engine, name(n).as_bytes(), &value(n, 1_000)) {
            assert_eq!(error, WriteError::Busy);
            wait_room(&engine);
        }
    }
    assert!(wait(&engine, engine.written()));
    eventually(&engine, |engine| engine.stats().cold_segments > 20);
    engine
}

fn name(n: u64) -> String {
    format!("k{n}")
}

#[test]
fn what_was_put_out_is_read_from_disk() {
    let engine = filled(&SimIo::new());
    for n in (0..2_000).rev() {
        assert_eq!(get(&engine, name(n).as_bytes()), Some(value(n, 1_000)), "{n}");
    }
    assert!(engine.stats().fetched > 1_000);
    assert_eq!(get(&engine, b"k2000"), None, "a missing key needs no disk");
    engine.close().expect("close");
}

#[test]
fn a_cold_key_is_said_to_be_cold_and_not_missing() {
    let engine = filled(&SimIo::new());
    let mut access = engine.enter(NOW);
    let key = key(&engine, &access, 0, b"k0");
    assert_eq!(access.lock(&key).get(&key).map(drop), Err(ReadError::Cold));
    assert!(!access.take_missing().is_empty());
    assert!(access.take_missing().is_empty());
}

#[test]
fn what_is_read_again_is_in_the_read_cache() {
    let engine = filled(&SimIo::new());
    for n in 0..20 {
        get(&engine, name(n).as_bytes());
    }
    let before = engine.stats();
    for _ in 0..10 {
        for n in 0..20 {
            assert_eq!(get(&engine, name(n).as_bytes()), Some(value(n, 1_000)));
        }
    }
    let after = engine.stats();
    assert_eq!(after.fetched, before.fetched, "all from memory");
    assert!(after.cache_hits >= before.cache_hits + 200);
    engine.close().expect("close");
}

#[test]
fn memory_stays_within_the_budget() {
    let engine = filled(&SimIo::new());
    for n in 0..2_000 {
        get(&engine, name(n).as_bytes());
        let stats = engine.stats();
        let used = stats.index_bytes + stats.cache_bytes + stats.buffer_bytes + stats.mapped_bytes;
        assert!(used <= BUDGET + (256 << 10), "{stats:?}");
    }
    engine.close().expect("close");
}

#[test]
fn a_scan_finds_what_is_on_disk_only() {
    let engine = filled(&SimIo::new());
    let all = dump(&engine, 0);
    assert_eq!(all.len(), 2_000);
    assert!((0..2_000).all(|n| all[name(n).as_bytes()] == value(n, 1_000)));
    let mut keys = 0;
    let mut access = engine.enter(NOW);
    access.set_blocking(true);
    let end = access.scan(0, 0, usize::MAX, &mut |_, _| keys += 1);
    assert_eq!((end, keys), (Ok(0), 2_000), "in one go where waiting is allowed");
    drop(access);
    engine.close().expect("close");
}

#[test]
fn cold_keys_are_overwritten_deleted_and_counted() {
    let engine = filled(&SimIo::new());
    for n in 0..100 {
        put(&engine, name(n).as_bytes(), b"new").expect("put");
        common::write(&engine, 0, &[(name(n + 100).as_bytes(), None)]).expect("delete");
    }
    assert_eq!(engine.enter(NOW).len(0), 1_900);
    assert_eq!(get(&engine, b"k7"), Some(b"new".to_vec()));
    assert_eq!(get(&engine, b"k107"), None);
    engine.close().expect("close");
}

#[test]
fn a_damaged_record_is_reported_and_never_served() {
    let io = SimIo::new();
    let engine = filled(&io);
    let path = std::path::Path::new("/store/segment-000000000003");
    for offset in (8_192..60_000).step_by(512) {
        io.corrupt(path, offset, 0x10).expect("the file is there");
    }
    let (mut damaged, mut intact) = (0, 0);
    for n in 0..2_000 {
        let read = |access: &mut Access<'_>| {
            let name = name(n);
            let key = key(&engine, access, 0, name.as_bytes());
            let mut locked = access.lock(&key);
            Ok::<_, ReadError>(locked.get(&key)?.map(|entry| entry.value.to_vec()))
        };
        match run(&engine, NOW, read) {
            Ok((found, _)) => {
                assert_eq!(found, Some(value(n, 1_000)));
                intact += 1;
            }
            Err(error) => {
                assert_eq!(error, ReadError::Damaged);
                damaged += 1;
            }
        }
    }
    assert!(damaged > 30 && intact > 1_900, "{damaged} damaged");
    assert_eq!(engine.stats().damaged, damaged);
}

/// Segments leave memory without the locks of the shards whose keys are in them.
#[test]
fn segments_may_be_put_out_while_their_keys_are_looked_up() {
    let engine = Engine::open(small(&SimIo::new())).expect("open");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let mut rng = Rng(1);
                while !stop.load(Ordering::Relaxed) {
                    let name = name(rng.below(2_000));
                    let mut access = engine.enter(NOW);
                    let key = key(&engine, &access, 0, name.as_bytes());
                    access.look(&key);
                    // Cold or not: what matters is that there is an answer.
                    let _ = access.lock(&key).get(&key).map(drop);
                }
            });
        }
        for n in 0..12_000 {
            while put(&engine, name(n % 2_000).as_bytes(), &value(n, 1_000)).is_err() {
                wait_room(&engine);
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    for n in 10_000..12_000 {
        assert_eq!(get(&engine, name(n % 2_000).as_bytes()), Some(value(n, 1_000)));
    }
    engine.close().expect("close");
}

/// Also the last record of each merged segment, behind which the file ends.
#[test]
fn what_was_merged_and_compressed_is_read_from_disk() {
    for compression in [Compression::None, Compression::Lz4, Compression::Zstd] {
        let io = SimIo::new();
        let options = || Options { compression, merge_rate: 0, ..small(&io) };
        let engine = Engine::open(options()).expect("open");
        let text = |n: u64, round: u64| format!("{n} {round} ").repeat(100).into_bytes();
        for round in 0..3 {
            for n in (0..600).filter(|n| round == 0 || n % 3 == round) {
                while put(&engine, name(n).as_bytes(), &text(n, round)).is_err() {
                    wait_room(&engine);
                }
            }
        }
        assert!(wait(&engine, engine.written()));
        let (sender, receiver) = std::sync::mpsc::channel();
        let done = move |outcome| sender.send(outcome).expect("somebody waits");
        engine.merge_now(Box::new(done));
        assert_eq!(receiver.recv().expect("told"), Ok(()));
        assert!(engine.stats().merged_segments > 0, "{:?}", engine.stats());
        for reopened in [false, true] {
            let engine = if reopened {
                engine.close().expect("close");
                Engine::open(options()).expect("open")
            } else {
                Arc::clone(&engine)
            };
            for n in 0..600 {
                let round = if n % 3 == 0 { 0 } else { n % 3 };
                assert_eq!(get(&engine, name(n).as_bytes()), Some(text(n, round)), "{n}");
            }
            engine.close().expect("close");
        }
    }
}

#[test]
fn random_work_with_little_memory_equals_a_map() {
    for seed in first_seed()..first_seed() + rounds(6) {
        let io = SimIo::new();
        let (mut rng, mut model) = (Rng(seed), Model::default());
        for _ in 0..3 {
            let engine = Engine::open(small(&io)).expect("open");
            assert!(Model::read(&engine) == model, "seed {seed}");
            for number in 0..400 {
                let step = random_step(&mut rng, number);
                execute(&engine, &step).expect("done");
                model.apply(&step);
            }
            assert!(Model::read(&engine) == model, "seed {seed}");
            engine.close().expect("close");
        }
    }
}
