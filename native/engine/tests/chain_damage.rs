//! Values of several records of which one is damaged: reported, never served; and what the tools make
//! of such values.
#![allow(missing_docs)]

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;

use common::chains::{Change, Lists as Model, Step, execute, get, name};
use common::disk::{RecordPlace, bytes, overwrite, records};
use common::list::Lists;
use common::{NOW, quiet, wait};
use ferric_engine::io::Io;
use ferric_engine::io::sim::SimIo;
use ferric_engine::tools::{CheckReport, Settings, check, salvage, stat};
use ferric_engine::{Engine, ManualClock, Options, ReadError};

const PUT: u8 = 1;
const DELTA: u8 = 3;
const BASE: u8 = 4;
const BASE_PART: u8 = 7;

fn options(io: &SimIo) -> Options {
    Options { codec: Arc::new(Lists), ..quiet(Arc::new(io.clone())) }
}

fn open(io: &SimIo) -> Arc<Engine> {
    Engine::open(options(io)).expect("open")
}

fn merge(engine: &Engine) -> Result<(), String> {
    let (sender, receiver) = channel();
    engine.merge_now(Box::new(move |outcome| drop(sender.send(outcome))));
    receiver.recv().expect("told once")
}

fn settings(io: &SimIo) -> Settings<'static> {
    let mut settings = Settings::new(Arc::new(io.clone()));
    settings.clock = Arc::new(ManualClock::new(NOW));
    settings
}

fn check_it(io: &SimIo) -> CheckReport {
    check(Path::new("/store"), &mut settings(io)).expect("a store that can be checked")
}

fn apply(engine: &Engine, model: &mut Model, step: Step) {
    execute(engine, &step).expect("write");
    model.apply(&step);
}

fn patch(engine: &Engine, model: &mut Model, key: u64, place: usize, len: usize) {
    let string = vec![place as u8; len];
    let changes = vec![Change { key, place, string }];
    apply(engine, model, Step::Write { changes, deletes: Vec::new() });
}

fn put(engine: &Engine, model: &mut Model, key: u64, count: usize, len: usize) {
    let list = vec![vec![key as u8; len]; count];
    apply(engine, model, Step::Put { key, list, expiry_ms: 0 });
}

/// A closed store: list 0 is an image and deltas, list 1 has an image in parts, with deltas that it
/// carries or not, list 2 is packed, list 3 was deleted.
fn sample() -> (SimIo, Model) {
    let (io, mut model) = (SimIo::new(), Model::default());
    let engine = open(&io);
    put(&engine, &mut model, 3, 20, 100);
    patch(&engine, &mut model, 3, 1, 10);
    apply(&engine, &mut model, Step::Write { changes: Vec::new(), deletes: vec![3] });
    put(&engine, &mut model, 0, 20, 300);
    put(&engine, &mut model, 1, 40, 9_000);
    put(&engine, &mut model, 2, 2, 10);
    for place in 0..30 {
        patch(&engine, &mut model, 0, place, 50);
        patch(&engine, &mut model, 1, place, 13_001);
    }
    while engine.stats().folds == 0 {
        std::thread::yield_now();
    }
    for place in 0..3 {
        patch(&engine, &mut model, 1, place, 100);
    }
    // Other segments follow: a checkpoint spares those of the lists from being read when the store is
    // opened.
    for n in 0..4u8 {
        common::put(&engine, &[b'f', n], &[n; 60_000]).expect("put");
    }
    engine.close().expect("close");
    (io, model)
}

/// The newest record of each kind of a list.
fn of_kind(io: &SimIo, key: u64, kind: u8) -> RecordPlace {
    let is_it = |record: &RecordPlace| record.key == name(key) && record.kind == kind;
    records(io).into_iter().rfind(is_it).unwrap_or_else(|| panic!("no record of kind {kind}"))
}

/// Reads every list but the damaged one, and that one as an error.
fn expect_damaged(engine: &Engine, model: &Model, damaged: u64, when: &str) {
    assert_eq!(get(engine, damaged).err(), Some(ReadError::Damaged), "{when}");
    for other in (0..4).filter(|other| *other != damaged) {
        assert!(get(engine, other).as_ref() == Ok(&model.0.get(&other).cloned()), "{when}");
    }
}

#[test]
fn a_flipped_bit_in_any_record_of_a_value_is_reported_and_never_served() {
    let (io, model) = sample();
    let places = [(0, PUT), (0, DELTA), (1, BASE), (1, BASE_PART), (1, DELTA)];
    for (key, kind) in places {
        let record = of_kind(&io, key, kind);
        for at in [0, 5, 17, 32, 33 + record.key.len(), record.len - 1] {
            let copy = io.snapshot();
            let byte = bytes(&copy, &record.file)[record.offset + at] ^ 4;
            overwrite(&copy, &record.file, record.offset + at, &[byte]);
            let report = check_it(&copy);
            let found = |range: std::ops::Range<usize>| {
                let within = |at: u64| range.contains(&(at as usize));
                report.damages.iter().any(|it| it.file == record.file && within(it.offset))
            };
            assert!(
                found(record.offset - 4096..record.offset + record.len),
                "{:?}",
                report.damages
            );
            let engine = open(&copy);
            let when = format!("list {key}, kind {kind}, byte {at}");
            expect_damaged(&engine, &model, key, &when);
            let merged = merge(&engine);
            expect_damaged(&engine, &model, key, &when);
            engine.close().expect("close");
            let engine = open(&copy);
            expect_damaged(&engine, &model, key, &format!("{when}, merged {merged:?}"));
            engine.close().expect("close");
        }
    }
}

#[test]
fn a_damaged_value_can_be_deleted_and_written_again() {
    let (io, mut model) = sample();
    let record = of_kind(&io, 1, BASE_PART);
    overwrite(&io, &record.file, record.offset + 100, &[1, 2, 3]);
    let engine = open(&io);
    expect_damaged(&engine, &model, 1, "before");
    put(&engine, &mut model, 1, 3, 500);
    assert!(Model::read(&engine).as_ref() == Ok(&model));
    engine.close().expect("close");
    assert!(Model::read(&open(&io)) == Ok(model));
}

#[test]
fn tools_know_values_of_several_records() {
    let (io, model) = sample();
    let report = check_it(&io);
    assert_eq!((report.damages, report.live_keys), (Vec::new(), Some(3 + 4)));
    let described = stat(Path::new("/store"), &mut settings(&io)).expect("a store");
    let count = |kind: u8| records(&io).iter().filter(|it| it.kind == kind).count() as u64;
    let counted = (described.deltas, described.bases, described.base_parts);
    assert_eq!(counted, (count(DELTA), count(BASE), count(BASE_PART)));
    assert!(described.deltas > 60 && described.bases > 0 && described.base_parts > 1);
    let salvaged =
        salvage(Path::new("/store"), Path::new("/out"), &mut settings(&io)).expect("out");
    assert_eq!((salvaged.keys[0], salvaged.unreadable), (3 + 4, 0));
    let options = Options { dir: PathBuf::from("/out"), spaces: 16, ..options(&io) };
    for shards in [1, 3] {
        let engine = Engine::open(Options { shards, ..options.clone() }).expect("a store");
        assert!(Model::read(&engine).as_ref() == Ok(&model));
        merge(&engine).expect("merge");
        assert!(Model::read(&engine).as_ref() == Ok(&model));
        engine.close().expect("close");
    }
}

#[test]
fn salvaging_leaves_out_values_that_are_not_whole() {
    let (io, mut model) = sample();
    // Not the newest delta: without that, the value before would be a whole one.
    let deltas = records(&io).into_iter().filter(|it| it.kind == DELTA && it.key == name(0));
    let deltas: Vec<RecordPlace> = deltas.collect();
    let record = &deltas[deltas.len() - 5];
    overwrite(&io, &record.file, record.offset + 40, &[0xff; 4]);
    let report = check_it(&io);
    assert!(report.damages.iter().any(|damage| damage.what.contains("a value has a part")));
    let salvaged =
        salvage(Path::new("/store"), Path::new("/out"), &mut settings(&io)).expect("out");
    assert_eq!((salvaged.keys[0], salvaged.unreadable), (2 + 4, 1));
    model.0.remove(&0);
    let options = Options { dir: PathBuf::from("/out"), spaces: 16, shards: 1, ..options(&io) };
    let engine = Engine::open(options).expect("a store");
    assert!(Model::read(&engine) == Ok(model));
    engine.close().expect("close");
}

#[test]
fn a_backup_has_values_of_several_records() {
    let (io, mut model) = sample();
    let engine = open(&io);
    merge(&engine).expect("merge");
    patch(&engine, &mut model, 1, 7, 70);
    let (sender, receiver) = channel();
    engine.backup(Path::new("/copy"), Box::new(move |outcome| drop(sender.send(outcome))));
    receiver.recv().expect("told once").expect("a backup");
    patch(&engine, &mut model.clone(), 1, 8, 70);
    engine.close().expect("close");
    let options = Options { dir: PathBuf::from("/copy"), ..options(&io) };
    let engine = Engine::open(options).expect("a backup opens");
    assert!(Model::read(&engine) == Ok(model));
    engine.close().expect("close");
}

#[test]
fn an_index_is_made_anew_of_values_of_several_records_with_little_memory() {
    let (io, mut model) = (SimIo::new(), Model::default());
    let engine = open(&io);
    for round in 0..40 {
        for key in 0..6 {
            match (round + key) % 10 {
                0 => put(&engine, &mut model, key, 20, 100 + round as usize),
                _ if model.0.contains_key(&key) => {
                    patch(&engine, &mut model, key, round as usize % 20, 90)
                }
                _ => {}
            }
        }
    }
    let filler: BTreeSet<Vec<u8>> = (0..3_000u64).map(|n| format!("key{n}").into_bytes()).collect();
    for key in &filler {
        common::put(&engine, key, b"value").expect("put");
    }
    merge(&engine).expect("merge");
    patch(&engine, &mut model, 5, 3, 33);
    engine.close().expect("close");
    for path in io.file_names() {
        if path.to_string_lossy().contains("checkpoint") {
            io.remove(&path).expect("remove");
        }
    }
    let engine = Engine::open(Options { rebuild_memory: 0, ..options(&io) }).expect("open");
    assert_eq!(engine.stats().recovery, "rebuild");
    assert!(Model::read(&engine) == Ok(model));
    assert!(filler.iter().all(|key| common::get(&engine, key).as_deref() == Some(b"value")));
    engine.close().expect("close");
}

#[test]
fn an_expired_value_does_not_return_when_its_base_has_been_merged() {
    let (io, mut model) = (SimIo::new(), Model::default());
    let clock = Arc::new(ManualClock::new(NOW));
    let options = || Options { clock: Arc::clone(&clock) as _, ..options(&io) };
    let engine = Engine::open(options()).expect("open");
    put(&engine, &mut model, 0, 20, 300);
    patch(&engine, &mut model, 0, 3, 30);
    // The base and the delta are in sealed segments, what makes it expire is not.
    put(&engine, &mut model, 1, 40, 4_000);
    put(&engine, &mut model, 1, 40, 4_001);
    apply(&engine, &mut model, Step::Expire { key: 0, expiry_ms: NOW + 1_000 });
    assert!(wait(&engine, engine.written()));
    clock.set(NOW + 2_000);
    merge(&engine).expect("merge");
    engine.close().expect("close");
    assert_ne!(records(&io)[0].key, name(0), "the base has been merged");
    assert_eq!(of_kind(&io, 0, DELTA).key, name(0), "the expiry has not");
    model.0.remove(&0);
    // Neither by a checkpoint nor without one; nor is what is left of it damage.
    for shards in [3, 2] {
        let engine = Engine::open(Options { shards, ..options() }).expect("open");
        assert!(Model::read_at(&engine, NOW + 2_000).as_ref() == Ok(&model));
        merge(&engine).expect("merge");
        assert_eq!((engine.stats().damaged, engine.stats().keys), (0, 1));
        engine.close().expect("close");
    }
    assert_eq!(check_it(&io).damages, []);
}
