//! Who cannot wait for a lock is told so, and nobody waits for a reader that stands still.
#![allow(missing_docs)]

mod common;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::backend::disk;
use common::{NOW, key, open, put, quiet, wait, wait_room};
use ferric_engine::io::sim::SimIo;
use ferric_engine::{Engine, Options, ReadError};

#[test]
fn a_busy_shard_turns_the_impatient_away_and_keeps_the_patient_waiting() {
    let engine = open(disk()).expect("open");
    let (held, release) = std::sync::mpsc::channel();
    let (let_go, hold) = std::sync::mpsc::channel::<()>();
    let holder = {
        let engine = Arc::clone(&engine);
        std::thread::spawn(move || {
            let mut access = engine.enter(1_000_000);
            let key = key(&engine, &access, 0, b"k");
            let _locked = access.lock(&key);
            held.send(()).expect("the test waits");
            hold.recv().expect("the test answers");
        })
    };
    release.recv().expect("the holder has it");
    {
        let mut access = engine.enter(1_000_000);
        access.set_patience(Duration::from_millis(1));
        let key = key(&engine, &access, 0, b"k");
        assert!(access.acquire(&key).is_err());
        assert!(access.acquire_all([&key]).is_err());
    }
    let_go.send(()).expect("the holder waits");
    let mut access = engine.enter(1_000_000);
    let key = key(&engine, &access, 0, b"k");
    assert!(
        access
            .acquire(&key)
            .expect("without patience it waits")
            .get(&key)
            .expect("in memory")
            .is_none()
    );
    holder.join().expect("the holder");
    drop(access);
    engine.close().expect("close");
}

/// A look at the keys of a pipeline passed over those whose shard somebody had at that moment, and each
/// of their commands then asked for itself.
#[test]
fn a_look_waits_for_a_busy_shard_within_its_patience() {
    let max_memory = (4 << 20) + (64 << 10) + (256 << 10);
    let options = Options { max_memory, ..quiet(Arc::new(SimIo::new())) };
    let engine = Engine::open(options).expect("open");
    for n in 0..2_000u32 {
        while put(&engine, &n.to_le_bytes(), &[7; 1_000]).is_err() {
            wait_room(&engine);
        }
    }
    assert!(wait(&engine, engine.written()));
    while engine.stats().cold_segments < 20 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let shard = |bytes: &[u8]| common::route(bytes, engine.shards() as u16);
    let cold = 0u32.to_le_bytes();
    let mut others = (1..50u32).map(u32::to_le_bytes);
    let other = others.find(|other| shard(other) == shard(&cold)).expect("there are few shards");
    std::thread::scope(|scope| {
        let (held, is_held) = std::sync::mpsc::channel();
        let (let_go, may_let_go) = std::sync::mpsc::channel::<()>();
        let holder = engine.clone();
        scope.spawn(move || {
            let mut access = holder.enter(NOW);
            let key = key(&holder, &access, 0, &cold);
            let _locked = access.lock(&key);
            held.send(()).expect("the test waits");
            may_let_go.recv().expect("the test says so");
            std::thread::sleep(Duration::from_millis(20));
        });
        is_held.recv().expect("the holder has it");
        let mut impatient = engine.enter(NOW);
        impatient.set_patience(Duration::from_millis(5));
        let keys = [&cold, &other].map(|bytes| key(&engine, &impatient, 0, bytes));
        let began = Instant::now();
        (0..1_000).for_each(|n| impatient.look(&keys[n % 2]));
        assert!(began.elapsed() < Duration::from_secs(2), "no longer in all");
        assert!(impatient.take_missing().is_empty());
        let_go.send(()).expect("the holder waits");
        let mut patient = engine.enter(NOW);
        patient.look(&keys[0]);
        assert!(!patient.take_missing().is_empty());
    });
    engine.close().expect("close");
}

/// A record that has been fetched is there for the command that asked for it, though none of the
/// memory that the read cache lets go of comes free: a reader of long ago may still be using it. Here
/// and not beside the other tests of the read cache, since the reader holds up all stores of its
/// process.
#[test]
fn a_reader_that_stands_still_keeps_nobody_from_reading() {
    let max_memory = (4 << 20) + (64 << 10) + (256 << 10);
    let options = Options { max_memory, ..quiet(Arc::new(SimIo::new())) };
    let engine = Engine::open(options).expect("open");
    let value = [7; 1_000];
    for n in 0..3_000u32 {
        while put(&engine, &n.to_le_bytes(), &value).is_err() {
            wait_room(&engine);
        }
    }
    assert!(wait(&engine, engine.written()));
    while engine.stats().cold_segments < 30 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let standing_still = engine.enter(NOW);
    let mut fetches = 0;
    for n in 0..2_000u32 {
        while !is_there(&engine, &n.to_le_bytes(), &value) {
            fetches += 1;
            assert!(fetches < 2_100, "key {n}");
        }
    }
    drop(standing_still);
    assert!(fetches > 1_000, "{fetches}");
    engine.close().expect("close");
}

/// Looks whether the key has the value; if it is on disk only, asks for it and waits for that.
fn is_there(engine: &Engine, bytes: &[u8], value: &[u8]) -> bool {
    let mut access = engine.enter(NOW);
    let key = key(engine, &access, 0, bytes);
    match access.read(&key, true, |entry| entry.map(|entry| entry.value == value)) {
        Ok(found) => {
            assert_eq!(found, Some(true));
            true
        }
        Err(error) => {
            assert_eq!(error, ReadError::Cold);
            let missing = access.take_missing();
            drop(access);
            let (sender, receiver) = std::sync::mpsc::channel();
            engine.fetch(missing, Box::new(move || sender.send(()).expect("the test waits")));
            receiver.recv().expect("the waiter is called");
            false
        }
    }
}
