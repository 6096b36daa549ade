//! Expired keys go by themselves, in the background.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::yield_now;

use common::{NOW, key, options};
use ferric_engine::io::sim::SimIo;
use ferric_engine::{Engine, ManualClock, Meta};

fn put(engine: &Engine, n: u32, expiry_ms: u64) {
    loop {
        let mut access = engine.enter(NOW);
        let bytes = n.to_le_bytes();
        let key = key(engine, &access, 0, &bytes);
        let meta = Meta { expiry_ms, ..Meta::default() };
        if access.lock(&key).put(&key, meta, b"value").is_ok() {
            return;
        }
        drop(access);
        yield_now();
    }
}

fn open(clock: &Arc<ManualClock>) -> Arc<Engine> {
    let mut options = options(Arc::new(SimIo::new()));
    options.clock = Arc::clone(clock) as _;
    options.segment_size = 4 << 20;
    options.max_undurable = 1 << 30;
    Engine::open(options).expect("an empty store")
}

#[test]
fn many_keys_of_one_second_go_while_others_are_read() {
    const KEYS: u32 = 300_000;
    let clock = Arc::new(ManualClock::new(NOW));
    let engine = open(&clock);
    (0..KEYS).for_each(|n| put(&engine, n, NOW + 10_000));
    put(&engine, KEYS, 0);
    let (done, reads) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let mut access = engine.enter(NOW);
                let bytes = KEYS.to_le_bytes();
                let key = key(&engine, &access, 0, &bytes);
                assert!(access.lock(&key).get(&key).expect("in memory").is_some());
                reads.fetch_add(1, Ordering::Relaxed);
            }
        });
        // The background thread's clock, not the readers'.
        clock.set(NOW + 11_000);
        while engine.stats().keys > 1 {
            yield_now();
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(reads.into_inner() > 0);
    let stats = engine.stats();
    assert_eq!((stats.keys, stats.expires, stats.expired), (1, 0, u64::from(KEYS)));
}

#[test]
fn keys_go_after_their_second_and_not_when_told_not_to() {
    let clock = Arc::new(ManualClock::new(NOW));
    let engine = open(&clock);
    (0..100).for_each(|n| put(&engine, n, NOW + 1_000 * u64::from(n + 1)));
    for second in [1, 10, 50, 99] {
        clock.set(NOW + second * 1_000 + 1);
        while engine.stats().keys > 100 - second {
            yield_now();
        }
        assert_eq!(engine.stats().keys, 100 - second);
    }
    engine.set_sweeping(false);
    put(&engine, 1000, NOW + 150_000);
    clock.set(NOW + 1_000_000);
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(engine.stats().keys, 2);
    engine.set_sweeping(true);
    while engine.stats().keys > 0 {
        yield_now();
    }
}
