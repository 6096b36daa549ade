//! Values that are objects: changed by deltas, on disk as chains, in memory while they are used.
#![allow(missing_docs)]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::gate::Gate;
use common::list::{KIND, List, Lists, PACKED, delta, strings};
use common::{NOW, key, quiet, run, wait, wait_room};
use ferric_engine::io::sim::SimIo;
use ferric_engine::{Access, Engine, ManualClock, Meta, Op, Options, ReadError, WriteError};

/// Memory for one segment being written, and a few objects.
const BUDGET: u64 = (4 << 20) + (512 << 10);
const META: Meta = Meta { expiry_ms: 0, kind: KIND, flags: 0 };

type Strings = Vec<Vec<u8>>;

fn options(io: &SimIo) -> Options {
    Options { codec: Arc::new(Lists), ..quiet(Arc::new(io.clone())) }
}

fn open(io: &SimIo) -> Arc<Engine> {
    Engine::open(options(io)).expect("open")
}

fn open_small(io: &SimIo) -> Arc<Engine> {
    Engine::open(Options { max_memory: BUDGET, ..options(io) }).expect("open")
}

fn name(n: u64) -> Vec<u8> {
    format!("list {n}").into_bytes()
}

/// `count` strings of `len` bytes.
fn list(n: u64, count: usize, len: usize) -> Strings {
    (0..count).map(|place| vec![(n as usize + place) as u8; len]).collect()
}

fn patiently<T>(
    engine: &Engine,
    now: u64,
    mut command: impl FnMut(&mut Access<'_>) -> Result<T, WriteError>,
) -> Result<T, WriteError> {
    loop {
        match run(engine, now, &mut command) {
            Ok((outcome, _)) => return Ok(outcome),
            Err(WriteError::Busy) => wait_room(engine),
            Err(error) => return Err(error),
        }
    }
}

fn put(engine: &Engine, bytes: &[u8], strings: &Strings) {
    let image = List::of(strings).image();
    let put = |access: &mut Access<'_>| {
        let key = key(engine, access, 0, bytes);
        access.lock(&key).put(&key, META, &image)
    };
    patiently(engine, NOW, put).expect("room");
}

fn get_at(engine: &Engine, now: u64, space: u16, bytes: &[u8]) -> Option<Strings> {
    let get = |access: &mut Access<'_>| {
        let key = key(engine, access, space, bytes);
        access.read(&key, true, |entry| entry.map(|entry| strings(&entry)))
    };
    run(engine, now, get).expect("intact").0
}

fn get(engine: &Engine, bytes: &[u8]) -> Option<Strings> {
    get_at(engine, NOW, 0, bytes)
}

/// Sets or appends a string of a list that is an object; returns what to wait for.
fn try_patch(
    engine: &Engine,
    bytes: &[u8],
    place: usize,
    string: &[u8],
) -> Result<u64, WriteError> {
    let delta = delta(place, string);
    let patch = |access: &mut Access<'_>| {
        let key = key(engine, access, 0, bytes);
        let mut locked = access.lock(&key);
        let entry = locked.get(&key)?.expect("it is there");
        assert!(entry.object.is_some());
        let meta = entry.meta;
        locked.write(&[Op::Patch { key, meta, delta: &delta }])
    };
    run(engine, NOW, patch).map(|(_, lsn)| lsn)
}

fn patch(engine: &Engine, bytes: &[u8], place: usize, string: &[u8]) -> u64 {
    loop {
        match try_patch(engine, bytes, place, string) {
            Err(WriteError::Busy) => wait_room(engine),
            outcome => return outcome.expect("room"),
        }
    }
}

fn eventually(engine: &Engine, done: impl Fn(&Engine) -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !done(engine) {
        assert!(Instant::now() < end, "{:?}", engine.stats());
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Lists of about 20 KiB under the numbers below `count`, each with a change, most of them not in
/// memory.
fn evicted(engine: &Engine, count: u64) -> BTreeMap<u64, Strings> {
    let mut model = BTreeMap::new();
    for n in 0..count {
        let mut strings = list(n, 40, 500);
        put(engine, &name(n), &strings);
        patch(engine, &name(n), 3, b"changed");
        strings[3] = b"changed".to_vec();
        model.insert(n, strings);
    }
    eventually(engine, |engine| engine.stats().objects < count / 2);
    model
}

#[test]
fn changes_are_seen_at_once_and_survive_eviction() {
    let engine = open_small(&SimIo::new());
    let mut model = evicted(&engine, 100);
    for _ in 0..3 {
        for (n, strings) in &mut model {
            assert_eq!(get(&engine, &name(*n)).as_ref(), Some(&*strings));
            patch(&engine, &name(*n), strings.len(), b"one more");
            strings.push(b"one more".to_vec());
            assert_eq!(get(&engine, &name(*n)).as_ref(), Some(&*strings));
        }
    }
    let stats = engine.stats();
    assert!(stats.objects_evicted > 200 && stats.objects_loaded > 200, "{stats:?}");
    engine.close().expect("close");
}

#[test]
fn memory_stays_within_the_budget() {
    let engine = open_small(&SimIo::new());
    evicted(&engine, 200);
    for n in 0..200 {
        get(&engine, &name(n));
    }
    eventually(&engine, |engine| engine.stats().memory_bytes() <= BUDGET);
    engine.close().expect("close");
}

#[test]
fn what_is_not_in_memory_is_deleted_overwritten_expired_flushed_and_exchanged() {
    let io = SimIo::new();
    let clock = Arc::new(ManualClock::new(NOW));
    let options = Options { clock: Arc::clone(&clock) as _, max_memory: BUDGET, ..options(&io) };
    let engine = Engine::open(options).expect("open");
    let model = evicted(&engine, 60);
    let is_cold = |n: u64| {
        let mut access = engine.enter(NOW);
        let bytes = name(n);
        let key = key(&engine, &access, 0, &bytes);
        matches!(access.read(&key, false, |_| ()), Err(ReadError::Cold))
    };
    // One that is an ordinary record on disk by now has to be fetched whatever is done to it.
    let is_known = |n: u64| {
        let mut access = engine.enter(NOW);
        let bytes = name(n);
        let key = key(&engine, &access, 0, &bytes);
        matches!(access.lock(&key).about(&key), Ok(Some(about)) if about.is_object)
    };
    let mut cold: Vec<u64> = Vec::new();
    while cold.len() < 5 {
        cold = (0..60).filter(|n| is_cold(*n) && is_known(*n)).take(5).collect();
    }
    let write = |n: u64, op: &dyn Fn(ferric_engine::Key<'_>, Meta) -> Result<(), WriteError>| {
        let bytes = name(n);
        let access = engine.enter(NOW);
        op(key(&engine, &access, 0, &bytes), META)
    };
    // No deletion, overwriting or other expiry needs the object.
    for &n in &cold[..2] {
        write(n, &|key, _| engine.enter(NOW).lock(&key).delete(&key)).expect("delete");
    }
    for &n in &cold[2..4] {
        write(n, &|key, meta| engine.enter(NOW).lock(&key).put(&key, meta, b"")).expect("put");
    }
    for &n in &cold[4..] {
        write(n, &|key, meta| {
            let meta = Meta { expiry_ms: NOW + 1_000, ..meta };
            engine.enter(NOW).lock(&key).write(&[Op::Patch { key, meta, delta: &[] }])
        })
        .expect("patch");
        assert!(is_cold(n), "{n}");
    }
    let expected = |n: u64, now: u64| match cold.iter().position(|cold| *cold == n) {
        Some(0..2) => None,
        Some(2..4) => Some(Strings::new()),
        Some(_) if now > NOW + 1_000 => None,
        _ => Some(model[&n].clone()),
    };
    for n in 0..60 {
        assert_eq!(get(&engine, &name(n)), expected(n, NOW), "{n}");
    }
    let later = NOW + 3_000;
    clock.set(later);
    assert_eq!(get_at(&engine, later, 0, &name(cold[4])), None);
    eventually(&engine, |engine| engine.stats().keys == 57);

    engine.enter(later).swap(0, 1).expect("swap");
    for n in 0..60 {
        assert_eq!(get_at(&engine, later, 0, &name(n)), None);
        assert_eq!(get_at(&engine, later, 1, &name(n)), expected(n, later), "{n}");
    }
    engine.enter(later).flush(&[1]).expect("flush");
    eventually(&engine, |engine| engine.stats().object_bytes == 0);
    assert_eq!(engine.stats().keys, 0);
    engine.close().expect("close");
}

#[test]
fn a_large_object_is_written_in_parts_while_it_changes() {
    let engine = open_small(&SimIo::new());
    let mut strings = list(0, 3_000, 500);
    put(&engine, b"large", &strings);
    let mut rounds = 0;
    // Half of its bytes are due to be written anew.
    while engine.stats().folds < 2 {
        let (place, string) = (rounds * 7 % strings.len(), vec![rounds as u8; 2_000]);
        patch(&engine, b"large", place, &string);
        strings[place] = string;
        rounds += 1;
        assert!(rounds < 100_000);
    }
    assert_eq!(get(&engine, b"large").as_ref(), Some(&strings));
    // Others drive it out, and it comes back from its parts and the changes since.
    evicted(&engine, 100);
    let loaded = engine.stats().objects_loaded;
    assert_eq!(get(&engine, b"large").as_ref(), Some(&strings));
    assert!(engine.stats().objects_loaded > loaded);
    engine.close().expect("close");
}

#[test]
fn a_patch_needs_an_object() {
    let engine = open(&SimIo::new());
    let short = list(0, 2, 10);
    assert!(List::of(&short).image().len() < PACKED);
    put(&engine, b"short", &short);
    put(&engine, b"long", &list(0, 40, 100));
    get(&engine, b"long");
    let before = engine.written();
    let change = delta(0, b"other");
    let mut access = engine.enter(NOW);
    let keys = [&b"short"[..], b"absent", b"long"].map(|bytes| key(&engine, &access, 0, bytes));
    let patch = |key| Op::Patch { key, meta: META, delta: &change };
    let delete = |key| Op::Delete { key };
    for ops in [
        vec![patch(keys[0])],
        vec![patch(keys[1])],
        vec![patch(keys[2]), patch(keys[0])],
        vec![patch(keys[2]), patch(keys[2])],
        vec![delete(keys[2]), patch(keys[2])],
    ] {
        let mut locked = access.lock_all(&keys);
        assert_eq!(locked.write(&ops), Err(WriteError::NoObject));
    }
    drop(access);
    assert_eq!(engine.written(), before, "nothing was logged");
    assert_eq!(get(&engine, b"long"), Some(list(0, 40, 100)));
    engine.close().expect("close");
}

/// Until it is durable, whoever sees a change waits for it.
#[test]
fn a_read_depends_on_the_newest_change() {
    let io = SimIo::new();
    let engine = open(&io);
    put(&engine, b"k", &list(0, 40, 100));
    assert!(wait(&engine, patch(&engine, b"k", 0, b"durable")));
    let depends = |read: &dyn Fn(&mut Access<'_>)| {
        let mut access = engine.enter(NOW);
        read(&mut access);
        access.depends_on()
    };
    let read = |access: &mut Access<'_>| {
        let key = key(&engine, access, 0, b"k");
        access.read(&key, true, |entry| assert!(entry.is_some())).expect("in memory");
    };
    assert_eq!(depends(&read), 0);
    let gate = Gate::before(&io);
    gate.close();
    let lsn = patch(&engine, b"k", 0, b"in flight");
    gate.await_arrival();
    assert_eq!(depends(&read), lsn);
    let about = |access: &mut Access<'_>| {
        let key = key(&engine, access, 0, b"k");
        assert!(access.about(&key).expect("in memory").expect("there").is_object);
    };
    assert_eq!(depends(&about), lsn);
    gate.open();
    assert!(wait(&engine, lsn));
    assert_eq!(depends(&read), 0);
    engine.close().expect("close");
}

/// What the log does not take has not happened.
#[test]
fn a_refused_patch_changes_nothing() {
    let io = SimIo::new();
    let engine = Engine::open(Options { max_undurable: 256 << 10, ..options(&io) }).expect("open");
    let strings = list(0, 40, 100);
    put(&engine, b"k", &strings);
    get(&engine, b"k");
    assert!(wait(&engine, engine.written()));
    let gate = Gate::before(&io);
    gate.close();
    let mut appended = strings.clone();
    let refused = loop {
        let string = vec![7; 10_000];
        match try_patch(&engine, b"k", appended.len(), &string) {
            Ok(_) => appended.push(string),
            Err(error) => break error,
        }
        assert!(appended.len() < 1_000);
    };
    assert_eq!(refused, WriteError::Busy);
    assert_eq!(get(&engine, b"k").as_ref(), Some(&appended));
    gate.open();
    wait_room(&engine);
    patch(&engine, b"k", 0, b"accepted");
    appended[0] = b"accepted".to_vec();
    assert_eq!(get(&engine, b"k").as_ref(), Some(&appended));
    engine.close().expect("close");
}

#[test]
fn a_full_disk_leaves_objects_as_they_are() {
    let io = SimIo::new();
    let engine = open_small(&io);
    let model = evicted(&engine, 60);
    assert!(wait(&engine, engine.written()));
    io.disk_full_after(0);
    let mut patched = 0;
    while try_patch(&engine, &name(patched % 60), 0, &[7; 100]).is_ok() {
        patched += 1;
        assert!(patched < 100_000, "the disk is full");
    }
    // All are read, which others have to leave memory for: whatever cannot be written of them.
    for (n, strings) in &model {
        let mut expected = strings.clone();
        if *n < patched {
            expected[0] = vec![7; 100];
        }
        assert_eq!(get(&engine, &name(*n)), Some(expected), "{n}");
    }
    let _ = engine.close();
}

#[test]
fn readers_and_writers_together_see_whole_changes() {
    const PAIRS: u64 = 12;
    let engine = open_small(&SimIo::new());
    for n in 0..2 * PAIRS {
        put(&engine, &name(n), &list(n / 2, 40, 400));
    }
    let (done, reads) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let (engine, done, reads) = (&engine, &done, &reads);
        for writer in 0..2 {
            scope.spawn(move || {
                for round in 0..600u64 {
                    let pair = (round * 5 + writer) % PAIRS;
                    patch_both(engine, pair, &round.to_le_bytes());
                }
            });
        }
        for reader in 0..2u64 {
            scope.spawn(move || {
                for pair in (reader..).step_by(7).map(|n| n % PAIRS) {
                    let (one, other) = get_both(engine, pair);
                    assert_eq!(one[0], other[0], "{pair}");
                    assert!(one.len() == 40 && one[1..] == other[1..]);
                    assert_eq!(get(engine, &name(2 * pair)).map(|strings| strings.len()), Some(40));
                    reads.fetch_add(1, Ordering::Relaxed);
                    if done.load(Ordering::Relaxed) {
                        return;
                    }
                }
            });
        }
        scope.spawn(move || {
            for n in 0..100 {
                put(engine, &name(1_000 + n), &list(n, 40, 500));
                get(engine, &name(1_000 + n));
            }
            done.store(true, Ordering::Relaxed);
        });
    });
    assert!(reads.into_inner() > 0);
    assert!(engine.stats().objects_evicted > 0);
    engine.close().expect("close");
}

/// Sets the first string of two lists, at once.
fn patch_both(engine: &Engine, pair: u64, string: &[u8]) {
    let (names, delta) = ([name(2 * pair), name(2 * pair + 1)], delta(0, string));
    let change = |access: &mut Access<'_>| {
        let keys = [0, 1].map(|n: usize| key(engine, access, 0, &names[n]));
        let mut locked = access.lock_all(&keys);
        for key in &keys {
            assert!(locked.get(key)?.expect("it is there").object.is_some());
        }
        locked.write(&keys.map(|key| Op::Patch { key, meta: META, delta: &delta }))
    };
    patiently(engine, NOW, change).expect("room");
}

fn get_both(engine: &Engine, pair: u64) -> (Strings, Strings) {
    let names = [name(2 * pair), name(2 * pair + 1)];
    let read = |access: &mut Access<'_>| {
        let keys = [0, 1].map(|n: usize| key(engine, access, 0, &names[n]));
        let mut locked = access.lock_all(&keys);
        let mut all = Vec::new();
        for key in &keys {
            all.push(strings(&locked.get(key)?.expect("it is there")));
        }
        Ok::<_, ReadError>((all.swap_remove(0), all.swap_remove(0)))
    };
    run(engine, NOW, read).expect("intact").0
}

/// Chains of which little is in memory still take some of it.
#[test]
fn chains_without_objects_are_given_up_when_they_take_too_much() {
    const COUNT: u64 = 3_000;
    let engine = open_small(&SimIo::new());
    let mut model = BTreeMap::new();
    for n in 0..COUNT {
        let mut strings = list(n, 12, 500);
        put(&engine, &name(n), &strings);
        patch(&engine, &name(n), 3, b"changed");
        strings[3] = b"changed".to_vec();
        model.insert(n, strings);
    }
    // A chain with its key takes some hundred bytes; all would take more than all objects may.
    eventually(&engine, |engine| engine.stats().chains < 300);
    eventually(&engine, |engine| engine.stats().memory_bytes() <= BUDGET);
    for (n, strings) in &model {
        assert_eq!(get(&engine, &name(*n)).as_ref(), Some(strings), "{n}");
    }
    engine.close().expect("close");
}

/// Changes that nothing has been logged between share a record, whatever its length was at first, and
/// all of them are there after a crash.
#[test]
fn changes_that_follow_each_other_share_records() {
    const COUNT: usize = 600;
    let io = SimIo::new();
    let engine = open(&io);
    let mut strings = list(1, 300, 500);
    let bytes = name(1);
    put(&engine, &bytes, &strings);
    wait(&engine, patch(&engine, &bytes, 0, b"now it is an object"));
    let before = engine.stats();
    // The committer is told when the access ends: what it takes before is what it had to do.
    let mut access = engine.enter(NOW);
    for n in 0..COUNT {
        let key = key(&engine, &access, 0, &bytes);
        let string = format!("changed {n}").into_bytes();
        let delta = delta(n % 7, &string);
        let mut locked = access.lock(&key);
        assert!(locked.get(&key).expect("intact").is_some_and(|entry| entry.object.is_some()));
        locked.write(&[Op::Patch { key, meta: META, delta: &delta }]).expect("room");
        strings[n % 7] = string;
    }
    let lsn = access.depends_on();
    drop(access);
    wait(&engine, lsn);
    let after = engine.stats();
    let records = after.group_records - before.group_records;
    assert_eq!(records + (after.coalesced - before.coalesced), COUNT as u64);
    assert!(records < COUNT as u64 / 20, "{after:?}");
    assert_eq!(get(&engine, &bytes), Some(strings.clone()));
    for crashed in io.crash_images(7, 4) {
        let engine = open(&crashed);
        assert_eq!(get(&engine, &bytes).as_ref(), Some(&strings));
        engine.close().expect("close");
    }
}

/// An expiry that is set again and again does not make a chain that takes for ever to read.
#[test]
fn changes_without_the_object_are_bounded() {
    let engine = open_small(&SimIo::new());
    let model = evicted(&engine, 60);
    let cold = |n: &u64| {
        let (mut access, bytes) = (engine.enter(NOW), name(*n));
        let key = key(&engine, &access, 0, &bytes);
        access.read(&key, false, |_| ()) == Err(ReadError::Cold)
    };
    let n = (0..60).find(cold).expect("some are on disk only");
    let bytes = name(n);
    for expiry_ms in NOW + 1..NOW + 1_000 {
        let patch = |access: &mut Access<'_>| {
            let key = key(&engine, access, 0, &bytes);
            let op = Op::Patch { key, meta: Meta { expiry_ms, ..META }, delta: &[] };
            let mut locked = access.lock(&key);
            if !matches!(locked.about(&key), Ok(Some(about)) if about.is_object) {
                // It has become an ordinary record: reading it makes it an object again.
                locked.get(&key)?;
            }
            locked.write(&[op])
        };
        patiently(&engine, NOW, patch).expect("room");
        // So that the next change has a record of its own.
        put(&engine, &name(expiry_ms), &list(0, 1, 8));
    }
    assert!(engine.stats().folds > 2, "{:?}", engine.stats());
    assert_eq!(get(&engine, &bytes).as_ref(), model.get(&n));
    engine.close().expect("close");
}
