//! Several threads at once: what each of them sees fits together, and a crash takes nothing back
//! that one of them was allowed to show.
#![allow(missing_docs)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use common::backend::disk;
use common::rng::Rng;
use common::{NOW, get_at, key, options, put, quiet, run, wait, wait_room, write};
use ferric_engine::io::sim::SimIo;
use ferric_engine::{Access, Durability, Engine, Key, Options, ReadError, WriteError};

/// How long the threads of one test run.
const SPELL: Duration = Duration::from_millis(1_500);

/// Threads that run until told to stop.
struct Crew {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Crew {
    fn new() -> Crew {
        Crew { stop: Arc::default(), threads: Vec::new() }
    }

    /// Calls `work` with 0, 1, 2 … until the end.
    fn hire(&mut self, mut work: impl FnMut(u64) + Send + 'static) {
        let stop = Arc::clone(&self.stop);
        self.threads.push(thread::spawn(move || {
            (0..).take_while(|_| !stop.load(Ordering::Relaxed)).for_each(&mut work);
        }));
    }

    fn finish(self) {
        thread::sleep(SPELL);
        self.stop.store(true, Ordering::Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
    }
}

/// A disk whose every change takes a while, so that much is in flight at any time.
fn slow_disk(delay: Duration) -> SimIo {
    let io = SimIo::new();
    io.on_call(Box::new(move |_, _| thread::sleep(delay)));
    io
}

fn persist(engine: &Engine, space: u16, changes: &[(&[u8], Option<&[u8]>)]) -> u64 {
    loop {
        match write(engine, space, changes) {
            Err(WriteError::Busy) => wait_room(engine),
            outcome => return outcome.expect("write"),
        }
    }
}

/// Batches write the same number to two keys of different shards; who reads one after the other,
/// without locks, never finds the second older than the first.
#[test]
fn readers_without_a_lock_see_no_part_of_a_batch() {
    let io = SimIo::new();
    let engine = Engine::open(Options { shards: 4, ..quiet(Arc::new(io)) }).expect("open");
    let names = ["one", "another", "third", "fourth"];
    let mut crew = Crew::new();
    {
        let engine = Arc::clone(&engine);
        crew.hire(move |round| {
            let value = round.to_string();
            let changes = names.map(|name| (name.as_bytes(), Some(value.as_bytes())));
            while let Err(error) = write(&engine, 0, &changes) {
                assert_eq!(error, WriteError::Busy);
                wait_room(&engine);
            }
        });
    }
    let number = |engine: &Engine, name: &str| -> u64 {
        let value = get_at(engine, 0, name.as_bytes()).0.unwrap_or_else(|| b"0".to_vec());
        String::from_utf8(value).expect("digits").parse().expect("a number")
    };
    for order in [[0, 1, 2, 3], [3, 1, 0, 2]] {
        let engine = Arc::clone(&engine);
        crew.hire(move |_| {
            let found = order.map(|at| number(&engine, names[at]));
            assert!(found.is_sorted(), "{found:?}");
        });
    }
    crew.finish();
    engine.close().expect("close");
}

#[test]
fn keys_written_together_are_seen_together() {
    let io = slow_disk(Duration::from_micros(300));
    let engine = Engine::open(options(Arc::new(io.clone()))).expect("open");
    let mut crew = Crew::new();
    let pairs: Vec<[String; 2]> = (0..8).map(|n| [format!("a{n}"), format!("b{n}")]).collect();
    for thread in 0..2u64 {
        let (engine, pairs) = (Arc::clone(&engine), pairs.clone());
        crew.hire(move |round| {
            let mut rng = Rng(thread << 32 | round);
            let [a, b] = &pairs[rng.below(8) as usize];
            let value = rng.next().to_le_bytes();
            let filler = vec![0; if rng.one_in(50) { 70_000 } else { rng.below(500) as usize }];
            let value = [&value[..], &filler].concat();
            let value = (!rng.one_in(5)).then_some(&value[..]);
            let lsn = persist(&engine, 0, &[(a.as_bytes(), value), (b.as_bytes(), value)]);
            assert!(!rng.one_in(10) || wait(&engine, lsn));
        });
    }
    {
        let engine = Arc::clone(&engine);
        crew.hire(move |round| {
            let mut access = engine.enter(NOW);
            match if round % 2 == 0 { access.flush(&[0]) } else { access.swap(0, 1) } {
                Ok(()) | Err(WriteError::Busy) => {}
                Err(error) => panic!("{error}"),
            }
            drop(access);
            thread::sleep(Duration::from_millis(3));
        });
    }
    let seen = Arc::new(AtomicU64::new(0));
    {
        let (engine, pairs, seen) = (Arc::clone(&engine), pairs.clone(), Arc::clone(&seen));
        crew.hire(move |round| {
            let pair = &pairs[round as usize % 8];
            let read = |access: &mut Access<'_>| {
                let keys: Vec<Key<'_>> =
                    pair.iter().map(|name| key(&engine, access, 0, name.as_bytes())).collect();
                let mut locked = access.lock_all(&keys);
                let mut value = |n: usize| {
                    Ok::<_, ReadError>(locked.get(&keys[n])?.map(|entry| entry.value.to_vec()))
                };
                Ok::<_, ReadError>([value(0)?, value(1)?])
            };
            let (values, _) = run(&engine, NOW, read).expect("the records are intact");
            assert_eq!(values[0], values[1]);
            seen.fetch_add(u64::from(values[0].is_some()), Ordering::Relaxed);
        });
    }
    crew.finish();
    assert!(seen.load(Ordering::Relaxed) > 100);
    for image in io.crash_images(1, 20) {
        let engine = Engine::open(quiet(Arc::new(image))).expect("open");
        for ([a, b], space) in pairs.iter().flat_map(|pair| [(pair, 0), (pair, 1)]) {
            let values = [a, b].map(|name| get_at(&engine, space, name.as_bytes()).0);
            assert_eq!(values[0], values[1], "also after a power cut");
        }
        engine.close().expect("close");
    }
    engine.close().expect("close");
}

/// The number that `name` holds; 0 without one.
fn number_at(engine: &Engine, name: &[u8]) -> (u64, u64) {
    let (value, depends) = get_at(engine, 0, name);
    (value.map_or(0, |v| u64::from_le_bytes(v[..8].try_into().expect("eight"))), depends)
}

#[test]
fn what_a_reader_may_show_survives_a_crash() {
    let io = slow_disk(Duration::from_micros(500));
    let engine = Engine::open(options(Arc::new(io.clone()))).expect("open");
    let mut crew = Crew::new();
    for thread in 0..2u64 {
        let engine = Arc::clone(&engine);
        crew.hire(move |round| {
            // Numbers of a key only grow; some of them are updates in place.
            let name = format!("n{}", thread * 4 + round % 4);
            let filler = (round / 4 % 7 == 0) as usize * 3_000;
            let value = [&(round + 1).to_le_bytes()[..], &vec![0; filler]].concat();
            let lsn = persist(&engine, 0, &[(name.as_bytes(), Some(&value))]);
            assert!(round % 64 != 0 || wait(&engine, lsn));
        });
    }
    let checked = Arc::new(AtomicU64::new(0));
    for reader in 0..2u64 {
        let (engine, io, checked) = (Arc::clone(&engine), io.clone(), Arc::clone(&checked));
        crew.hire(move |round| {
            let name = format!("n{}", round % 8);
            let (number, depends) = number_at(&engine, name.as_bytes());
            // One reader waits for what it has read, the other goes on where it need not wait.
            if depends != 0 && (reader == 0 || !wait(&engine, depends)) {
                return;
            }
            let image = io.crash_images(round, 1).swap_remove(0);
            let after = Engine::open(quiet(Arc::new(image))).expect("open");
            let (found, _) = number_at(&after, name.as_bytes());
            assert!(found >= number, "{name}: {number} was shown, {found} is left");
            after.close().expect("close");
            checked.fetch_add(1, Ordering::Relaxed);
        });
    }
    crew.finish();
    engine.close().expect("close");
    println!("{} power cuts after a read", checked.load(Ordering::Relaxed));
}

#[test]
fn a_slow_disk_makes_writers_wait_and_memory_stays_bounded() {
    const BOUND: u64 = 256 << 10;
    const LARGEST: u64 = 20_000;
    let io = slow_disk(Duration::from_millis(1));
    let mut options = options(Arc::new(io.clone()));
    options.max_undurable = BOUND;
    let engine = Engine::open(options).expect("open");
    let (busy, written) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut crew = Crew::new();
    for thread in 0..3u64 {
        let (engine, busy, written) =
            (Arc::clone(&engine), Arc::clone(&busy), Arc::clone(&written));
        crew.hire(move |round| {
            let mut rng = Rng(thread << 32 | round);
            let value = vec![1; rng.below(LARGEST - 100) as usize];
            let name = format!("{thread}:{}", round % 50);
            while let Err(error) = put(&engine, name.as_bytes(), &value) {
                assert_eq!(error, WriteError::Busy);
                busy.fetch_add(1, Ordering::Relaxed);
                wait_room(&engine);
            }
            written.fetch_add(1, Ordering::Relaxed);
        });
    }
    let highest = Arc::new(AtomicU64::new(0));
    {
        let (engine, highest) = (Arc::clone(&engine), Arc::clone(&highest));
        crew.hire(move |_| {
            highest.fetch_max(engine.undurable(), Ordering::Relaxed);
            thread::sleep(Duration::from_micros(200));
        });
    }
    crew.finish();
    let (busy, highest) = (busy.load(Ordering::Relaxed), highest.load(Ordering::Relaxed));
    println!(
        "{} writes, {busy} times busy, at most {highest} bytes undurable",
        written.load(Ordering::Relaxed)
    );
    assert!(busy > 0);
    // What is left unused at the end of a segment counts too.
    assert!(highest <= BOUND + BOUND / 2 + LARGEST, "{highest}");
    engine.close().expect("close");
}

#[test]
fn in_async_mode_writes_are_durable_within_the_interval() {
    let interval = Duration::from_millis(100);
    let io = SimIo::new();
    let mut options = options(Arc::new(io.clone()));
    options.durability = Durability::Async { interval };
    let engine = Engine::open(options).expect("open");
    for round in 0..8u64 {
        thread::sleep(Duration::from_millis(round * 23));
        put(&engine, b"k", &round.to_le_bytes()).expect("put");
        let (lsn, since) = (engine.written(), std::time::Instant::now());
        while engine.durable() < lsn {
            assert!(since.elapsed() < interval * 2, "round {round}");
            thread::sleep(Duration::from_millis(1));
        }
    }
    put(&engine, b"k", b"now, please").expect("put");
    let (lsn, since) = (engine.written(), std::time::Instant::now());
    assert!(wait(&engine, lsn));
    assert!(since.elapsed() < interval, "somebody who waits does not wait for the interval");
    engine.close().expect("close");
}

#[test]
fn an_engine_that_is_dropped_writes_everything_and_lets_go() {
    let io = disk();
    for round in 0..20u64 {
        // The threads of the engine before may still be at work.
        let engine = (0..500)
            .find_map(|_| {
                let engine = Engine::open(options(io.clone())).ok();
                engine.is_none().then(|| thread::sleep(Duration::from_millis(2)));
                engine
            })
            .expect("the directory is free soon");
        assert_eq!(number_at(&engine, b"k").0, round);
        put(&engine, b"k", &(round + 1).to_le_bytes()).expect("put");
        drop(engine);
    }
}
