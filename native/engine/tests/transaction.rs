//! Several commands as one batch: what they write is seen by themselves at once, by others together.
#![allow(missing_docs)]

mod common;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use common::chains::{self, Step};
use common::list::{KIND, List, Lists, delta, strings};
use common::model::{Model, execute_in, random_step};
use common::rng::Rng;
use common::watch::{LITTLE, Watch, assert_none, checkpoint, merge, with_lists};
use common::{NOW, get, key, put, quiet, rounds, run, wait, wait_room};
use ferric_engine::io::sim::SimIo;
use ferric_engine::{Access, Engine, Meta, Observer, Op, Options, ReadError, WriteError};
use parking_lot::Mutex;

fn open(io: &SimIo) -> Arc<Engine> {
    let codec = Arc::new(Lists);
    Engine::open(Options { codec, ..quiet(Arc::new(io.clone())) }).expect("open")
}

fn put_in(engine: &Engine, access: &mut Access<'_>, bytes: &[u8], value: &[u8]) {
    let key = key(engine, access, 0, bytes);
    let mut locked = access.acquire(&key).expect("locked");
    locked.put(&key, Meta::default(), value).expect("room");
}

fn get_in(engine: &Engine, access: &mut Access<'_>, bytes: &[u8]) -> Option<Vec<u8>> {
    let key = key(engine, access, 0, bytes);
    access.read(&key, true, |entry| entry.map(|entry| entry.value.to_vec())).expect("in memory")
}

#[test]
fn what_is_kept_back_is_read_and_then_written() {
    let io = SimIo::new();
    let engine = open(&io);
    put(&engine, b"old", b"1").expect("room");
    let mut access = engine.enter(NOW);
    access.begin(None).expect("free");
    put_in(&engine, &mut access, b"new", b"2");
    put_in(&engine, &mut access, b"old", b"3");
    let old = key(&engine, &access, 0, b"old");
    assert_eq!(get_in(&engine, &mut access, b"new").as_deref(), Some(&b"2"[..]));
    assert_eq!(get_in(&engine, &mut access, b"old").as_deref(), Some(&b"3"[..]));
    access.acquire(&old).expect("locked").delete(&old).expect("room");
    assert_eq!(get_in(&engine, &mut access, b"old"), None);
    assert_eq!(access.len(0), 1);
    assert_eq!(access.random(0, 7).expect("in memory").as_deref(), Some(&b"new"[..]));
    access.commit().expect("room");
    let lsn = access.depends_on();
    drop(access);
    assert!(wait(&engine, lsn));
    assert_eq!((get(&engine, b"old"), get(&engine, b"new")), (None, Some(b"2".to_vec())));
    engine.close().expect("close");
    assert_eq!(get(&open(&io), b"new"), Some(b"2".to_vec()));
}

#[test]
fn nothing_has_happened_after_a_roll_back() {
    let engine = open(&SimIo::new());
    put(&engine, b"key", b"1").expect("room");
    let mut access = engine.enter(NOW);
    access.begin(None).expect("free");
    put_in(&engine, &mut access, b"key", b"2");
    access.flush(&[0]).expect("kept back");
    assert_eq!(get_in(&engine, &mut access, b"key"), None);
    assert!(!access.roll_back());
    assert_eq!(get_in(&engine, &mut access, b"key").as_deref(), Some(&b"1"[..]));
}

#[test]
fn a_key_that_is_not_locked_makes_the_transaction_too_narrow() {
    let io = SimIo::new();
    let engine =
        Engine::open(Options { shards: 4, ..common::options(Arc::new(io)) }).expect("open");
    let mut access = engine.enter(NOW);
    let names: Vec<Vec<u8>> = (0..64).map(|n| format!("key {n}").into_bytes()).collect();
    let keys: Vec<_> = names.iter().map(|name| key(&engine, &access, 0, name)).collect();
    let other = keys.iter().find(|key| key.shard != keys[0].shard).expect("several shards");
    access.begin(Some(&mut keys[..1].iter())).expect("free");
    assert!(access.acquire(&keys[0]).is_ok() && !access.is_too_narrow());
    assert_eq!(access.read(other, true, |_| ()), Err(ReadError::Contended));
    assert!(access.is_too_narrow());
    assert!(access.roll_back());
}

#[test]
fn an_object_is_patched_several_times_in_one_batch() {
    const META: Meta = Meta { expiry_ms: 0, kind: KIND, flags: 0 };
    let io = SimIo::new();
    let engine = open(&io);
    let mut model: Vec<Vec<u8>> = (0..40).map(|n| vec![n; 50]).collect();
    put_list(&engine, META, &model);
    for round in 0u8..5 {
        let patches = [(3, vec![round; 9]), (model.len(), vec![round; 70]), (3, vec![round; 2])];
        let patch = |access: &mut Access<'_>| -> Result<(), WriteError> {
            access.begin(None).expect("free");
            for (number, (place, string)) in patches.iter().enumerate() {
                let key = key(&engine, access, 0, b"list");
                let mut locked = access.acquire(&key).expect("locked");
                // In every second round the object is looked at in between.
                let looked = round % 2 == 0 || number == 0;
                let len = if looked {
                    locked.get(&key)?.map(|entry| strings(&entry).len())
                } else {
                    None
                };
                assert!(len.is_none_or(|len| len == model.len() + usize::from(number == 2)));
                let delta = delta(*place, string);
                locked.write(&[Op::Patch { key, meta: META, delta: &delta }])?;
            }
            access.commit()
        };
        let (_, lsn) = run(&engine, NOW, patch).expect("room");
        assert!(wait(&engine, lsn));
        for (place, string) in patches {
            if place == model.len() { model.push(string) } else { model[place] = string }
        }
        assert_eq!(get_list(&engine), model);
    }
    engine.close().expect("close");
    assert_eq!(get_list(&open(&io)), model);
}

fn put_list(engine: &Engine, meta: Meta, list: &[Vec<u8>]) {
    let mut access = engine.enter(NOW);
    let key = key(engine, &access, 0, b"list");
    access.lock(&key).put(&key, meta, &List::of(list).image()).expect("room");
}

fn get_list(engine: &Engine) -> Vec<Vec<u8>> {
    let get = |access: &mut Access<'_>| {
        let key = key(engine, access, 0, b"list");
        access.read(&key, true, |entry| strings(&entry.expect("it is there")))
    };
    run(engine, NOW, get).expect("intact").0
}

/// Random steps, flushes and swaps among them, in groups that are done or not as a whole.
#[test]
fn groups_of_random_steps_are_done_as_a_whole() {
    for seed in common::first_seed()..common::first_seed() + rounds(8) {
        let (io, mut rng, mut model) = (SimIo::new(), Rng(seed), Model::default());
        let mut engine = open(&io);
        let mut number = 0;
        for round in 0..40 {
            let steps: Vec<_> = (0..1 + rng.below(12))
                .map(|_| {
                    number += 1;
                    random_step(&mut rng, number)
                })
                .collect();
            let kept = rng.one_in(4);
            let mut expected = model.clone();
            steps.iter().for_each(|step| expected.apply(step));
            let group = |access: &mut Access<'_>| -> Result<(), WriteError> {
                access.begin(None).expect("free");
                steps.iter().try_for_each(|step| execute_in(&engine, access, step))?;
                assert_eq!(Model::read_in(access)?, expected, "seed {seed}, round {round}");
                if kept {
                    access.roll_back();
                    return Ok(());
                }
                access.commit()
            };
            let (_, lsn) = run(&engine, NOW, group).expect("room");
            assert!(wait(&engine, lsn));
            if !kept {
                model = expected;
            }
            assert_eq!(Model::read(&engine), model, "seed {seed}, round {round}");
            if rng.one_in(8) {
                engine.close().expect("close");
                engine = open(&io);
                assert_eq!(Model::read(&engine), model, "reopened: seed {seed}, round {round}");
            }
        }
    }
}

/// A group of random steps on lists, each step made for what those before it leave; and what all of them
/// leave.
fn list_steps(rng: &mut Rng, lists: &chains::Lists, number: u64) -> (Vec<Step>, chains::Lists) {
    let mut after = lists.clone();
    let count = 1 + rng.below(6);
    let step = |n| {
        let step = chains::random_step(rng, &after, number << 4 | n);
        after.apply(&step);
        step
    };
    ((0..count).map(step).collect(), after)
}

/// Does the steps as one, or, if they are not `kept`, not at all; counts how often they were begun. Returns
/// what to wait for.
fn run_group(engine: &Engine, steps: &[Step], after: &chains::Lists, kept: bool) -> (u64, u64) {
    let mut begun = 0;
    let mut group = |access: &mut Access<'_>| -> Result<(), WriteError> {
        begun += 1;
        access.begin(None).expect("free");
        steps.iter().try_for_each(|step| chains::execute_in(engine, access, step))?;
        assert_eq!(chains::Lists::read_in(engine, access)?.digest(), after.digest(), "{steps:?}");
        if kept {
            return access.commit();
        }
        access.roll_back();
        Ok(())
    };
    loop {
        match run(engine, NOW, &mut group) {
            Err(WriteError::Busy) => wait_room(engine),
            outcome => return (begun, outcome.expect("done").1),
        }
    }
}

/// Groups of random steps on lists, with little memory, so that most groups find something on disk only and
/// are run again, with merging, and with crashes: after each, all of a group is there or nothing.
fn run_groups_with_crashes(seed: u64, groups: u64) -> (u64, Arc<Watch>) {
    let (io, mut rng, mut lists) = (SimIo::new(), Rng(seed), chains::Lists::default());
    let watch = Arc::new(Watch::default());
    watch.begin(lists.digest());
    watch.watch(&io, seed, 4);
    let open = || {
        let options = with_lists(quiet(Arc::new(io.clone())));
        Engine::open(Options { max_memory: LITTLE, ..options }).expect("open")
    };
    let (mut engine, mut done, mut again) = (open(), 0, 0);
    for number in 0..groups {
        let (steps, after) = list_steps(&mut rng, &lists, seed << 20 | number);
        let kept = !rng.one_in(5);
        if kept {
            watch.begin(after.digest());
            (lists, done) = (after.clone(), done + 1);
        }
        let (begun, lsn) = run_group(&engine, &steps, &after, kept);
        again += begun - 1;
        let mut durable = rng.one_in(2) && wait(&engine, lsn);
        match rng.below(16) {
            0 => merge(&engine).expect("merge"),
            1 => checkpoint(&engine).expect("checkpoint"),
            2 => {
                watch.close(&engine);
                (engine, durable) = (open(), true);
            }
            3 => watch.look(&io, seed ^ number),
            _ => {}
        }
        if durable {
            watch.acked.store(done, Ordering::SeqCst);
        }
        assert!(chains::Lists::read(&engine).as_ref() == Ok(&lists), "seed {seed}, {number}");
        assert_none(&watch, &format!("seed {seed}, group {number}: {steps:?}"));
    }
    watch.close(&engine);
    (again, watch)
}

#[test]
fn all_of_a_group_on_objects_survives_a_crash_or_nothing() {
    let (mut again, mut images) = (0, 0);
    for seed in common::first_seed()..common::first_seed() + rounds(4) {
        let (more, watch) = run_groups_with_crashes(seed, 40);
        again += more;
        images += watch.images.load(Ordering::Relaxed);
    }
    println!("{images} images, {again} times something was on disk only");
    assert!(again > 10 && images > 100, "{again} {images}");
}

/// Notes what it hears.
#[derive(Default)]
struct Listener(Mutex<Vec<String>>);

impl Observer for Listener {
    fn changed(&self, space: u16, key: &[u8]) -> bool {
        self.0.lock().push(format!("{space} {}", String::from_utf8_lossy(key)));
        key == b"a"
    }

    fn rearranged(&self, after: &[Option<u16>], has_key: &dyn Fn(u16, &[u8]) -> bool) {
        let (after, keys) = (&after[..2], [has_key(0, b"a"), has_key(1, b"a"), has_key(0, b"c")]);
        self.0.lock().push(format!("{after:?} {keys:?}"));
    }
}

#[test]
fn an_observer_hears_of_changes_when_they_happen() {
    let listener = Arc::new(Listener::default());
    let options = Options { observer: listener.clone(), ..quiet(Arc::new(SimIo::new())) };
    let engine = Engine::open(options).expect("open");
    let mut access = engine.enter(NOW);
    access.begin(None).expect("free");
    put_in(&engine, &mut access, b"b", b"1");
    put_in(&engine, &mut access, b"a", b"1");
    assert!(listener.0.lock().is_empty());
    access.commit().expect("room");
    put_in(&engine, &mut access, b"a", b"2");
    assert_eq!(access.take_changed(), [(0, b"a"[..].into()), (0, b"a"[..].into())]);
    access.swap(0, 1).expect("room");
    access.flush(&[1]).expect("room");
    let heard = std::mem::take(&mut *listener.0.lock());
    let (swapped, emptied) = ("[Some(1), Some(0)]", "[Some(0), None]");
    assert_eq!(heard[..3], ["0 a", "0 b", "0 a"]);
    assert_eq!(heard[3], format!("{swapped} [true, false, false]"));
    assert_eq!(heard[4], format!("{emptied} [false, true, false]"));
}
