//! No dirty reads: an answer that a power cut could still take back says what it has to wait for.
//!
//! A gate keeps the committer before its write, so that what was written is in flight: taken by
//! the committer, not yet durable.
#![allow(missing_docs)]

mod common;

use std::sync::Arc;

use common::gate::Gate;
use common::model::{Model, Step, execute_at};
use common::{NOW, get_at, key, put, quiet, wait, write};
use ferric_engine::io::sim::SimIo;
use ferric_engine::{Access, Engine, ManualClock};

struct Held {
    io: SimIo,
    engine: Arc<Engine>,
    gate: Arc<Gate>,
}

/// A store with the durable contents `before`, and `step` in flight.
fn in_flight(before: &[(&[u8], &[u8])], step: &Step) -> Held {
    let io = SimIo::new();
    let engine = Engine::open(quiet(Arc::new(io.clone()))).expect("open");
    for (key, value) in before {
        let lsn = put(&engine, key, value).expect("put");
        assert!(wait(&engine, lsn));
    }
    let gate = Gate::before(&io);
    gate.close();
    execute_at(&engine, step, NOW).expect("write");
    gate.await_arrival();
    Held { io, engine, gate }
}

fn put_step(key: &[u8], value: &[u8], expiry_ms: u64) -> Step {
    Step::Put { space: 0, key: key.to_vec(), value: value.to_vec(), expiry_ms }
}

fn delete_step(key: &[u8]) -> Step {
    Step::Write { space: 0, changes: vec![(key.to_vec(), None)] }
}

impl Held {
    /// What `read` depends on; 0 = nothing.
    fn depends(&self, read: impl FnOnce(&mut Access<'_>)) -> u64 {
        let mut access = self.engine.enter(NOW);
        read(&mut access);
        access.depends_on()
    }

    /// The contents after a power cut that loses everything unsynced.
    fn after_power_cut(&self) -> Model {
        let image = self.io.crash_images(1, 1).swap_remove(0);
        let engine = Engine::open(quiet(Arc::new(image))).expect("open");
        let model = Model::read(&engine);
        engine.close().expect("close");
        model
    }

    fn finish(self) {
        self.gate.open();
        self.engine.close().expect("close");
    }
}

#[test]
fn what_is_written_so_far_includes_what_is_in_flight() {
    let held = in_flight(&[], &put_step(b"k", b"1", 0));
    assert!(held.engine.written() > held.engine.durable());
    held.finish();
}

#[test]
fn a_scan_depends_on_what_is_in_flight() {
    let held = in_flight(&[], &put_step(b"k", b"1", 0));
    let mut keys = 0;
    let depends = held.depends(|access| {
        access.scan(0, 0, 10, &mut |_, _| keys += 1).expect("in memory");
    });
    assert!(keys == 1 && depends > 0);
    assert!(held.after_power_cut().0[0].is_empty());
    held.finish();
}

#[test]
fn a_count_depends_on_what_is_in_flight() {
    let held = in_flight(&[], &put_step(b"k", b"1", 0));
    assert!(held.depends(|access| assert_eq!(access.len(0), 1)) > 0);
    assert!(held.depends(|access| assert_eq!(access.expires(0), 0)) > 0);
    held.finish();
}

#[test]
fn a_random_key_depends_on_what_is_in_flight() {
    let held = in_flight(&[], &put_step(b"k", b"1", 0));
    assert!(held.depends(|access| assert_eq!(access.random(0, 7), Ok(Some(b"k".to_vec())))) > 0);
    held.finish();
}

#[test]
fn a_flush_that_finds_nothing_depends_on_the_deletion_in_flight() {
    let held = in_flight(&[(b"k", b"1")], &delete_step(b"k"));
    assert!(held.depends(|access| access.flush(&[0]).expect("flush")) > 0);
    assert_eq!(held.after_power_cut().0[0].len(), 1, "or the key is back");
    held.finish();
}

#[test]
fn deleting_what_is_being_deleted_depends_on_that_deletion() {
    let held = in_flight(&[(b"k", b"1")], &delete_step(b"k"));
    let lsn = write(&held.engine, 0, &[(b"k", None)]).expect("delete");
    assert!(lsn > 0);
    assert_eq!(held.after_power_cut().0[0].len(), 1, "or the key is back");
    held.finish();
}

#[test]
fn a_missing_key_depends_on_its_deletion_in_flight() {
    let held = in_flight(&[(b"k", b"1")], &delete_step(b"k"));
    let (value, depends) = get_at(&held.engine, 0, b"k");
    assert!(value.is_none() && depends > 0);
    held.finish();
}

#[test]
fn a_missing_key_depends_on_the_flush_in_flight() {
    let held = in_flight(&[(b"k", b"1")], &Step::Flush(vec![0]));
    let (value, depends) = get_at(&held.engine, 0, b"k");
    assert!(value.is_none() && depends > 0);
    assert!(write(&held.engine, 0, &[(b"k", None)]).expect("delete") > 0);
    held.finish();
}

#[test]
fn an_expired_key_depends_on_the_write_that_made_it_expire() {
    let held = in_flight(&[(b"k", b"lasting")], &put_step(b"k", b"brief", NOW + 10));
    // The first read removes the key, the second finds none.
    for _ in 0..2 {
        let mut access = held.engine.enter(NOW + 11);
        let key = key(&held.engine, &access, 0, b"k");
        assert!(access.lock(&key).get(&key).expect("in memory").is_none());
        assert!(access.depends_on() > 0);
    }
    assert_eq!(held.after_power_cut().0[0].len(), 1, "or the lasting value is back");
    held.finish();
}

#[test]
fn a_key_that_the_sweeper_removed_still_depends_on_its_last_write() {
    let io = SimIo::new();
    let clock = Arc::new(ManualClock::new(NOW));
    let mut options = quiet(Arc::new(io.clone()));
    options.clock = Arc::clone(&clock) as _;
    let engine = Engine::open(options).expect("open");
    let lsn = put(&engine, b"k", b"lasting").expect("put");
    assert!(wait(&engine, lsn));
    let gate = Gate::before(&io);
    gate.close();
    execute_at(&engine, &put_step(b"k", b"brief", NOW + 10), NOW).expect("write");
    gate.await_arrival();
    clock.set(NOW + 5_000);
    while engine.stats().keys > 0 {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let mut access = engine.enter(NOW + 5_000);
    let key = key(&engine, &access, 0, b"k");
    assert!(access.lock(&key).get(&key).expect("in memory").is_none());
    assert!(access.depends_on() > 0);
    drop(access);
    gate.open();
    engine.close().expect("close");
}
