//! One thread, 10,000 small keys in turn (`key:<n>`, `value:<n>`), and values of 1 KB: the engine's
//! part of a GET and a SET, without protocol, executor or boundary.
#![allow(missing_docs)]

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ferric_bench::Bed;
use ferric_engine::{Durability, Meta};

const KEYS: usize = 10_000;
/// Commands run under one access, as a pipeline does.
const BATCH: usize = 100;

fn names() -> Vec<String> {
    (0..KEYS).map(|n| format!("key:{n}")).collect()
}

fn fill(bed: &Bed, names: &[String], value: impl Fn(usize) -> Vec<u8>) {
    for (n, name) in names.iter().enumerate() {
        let mut access = bed.engine.enter(0);
        let key = access.key(0, 0, name.as_bytes());
        access.lock(&key).put(&key, Meta::default(), &value(n)).expect("room");
    }
}

fn get(criterion: &mut Criterion, name: &str, value: impl Fn(usize) -> Vec<u8>) {
    let bed =
        Bed::new("ferric-bench-get", Durability::Async { interval: Duration::from_millis(100) });
    let names = names();
    fill(&bed, &names, value);
    let mut next = (0..KEYS).cycle().step_by(1);
    let mut group = criterion.benchmark_group("get");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            let mut access = bed.engine.enter(0);
            for _ in 0..BATCH {
                let n = next.next().expect("a cycle does not end");
                let key = access.key(0, 0, names[n].as_bytes());
                let read = access.read(&key, true, |entry| {
                    black_box(entry.expect("was put").value);
                });
                read.expect("in memory");
            }
        });
    });
}

fn set(criterion: &mut Criterion, name: &str, value: impl Fn(usize) -> Vec<u8>) {
    let bed =
        Bed::new("ferric-bench-set", Durability::Async { interval: Duration::from_millis(100) });
    let names = names();
    fill(&bed, &names, &value);
    let values: Vec<Vec<u8>> = (0..KEYS).map(value).collect();
    let mut next = (0..KEYS).cycle();
    let mut group = criterion.benchmark_group("overwrite");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function(name, |bencher| {
        bencher.iter(|| {
            let mut access = bed.engine.enter(0);
            for _ in 0..BATCH {
                let n = next.next().expect("a cycle does not end");
                let key = access.key(0, 0, names[n].as_bytes());
                while access.lock(&key).put(&key, Meta::default(), &values[n]).is_err() {
                    std::thread::yield_now();
                }
            }
        });
    });
}

fn engine(criterion: &mut Criterion) {
    let small = |n: usize| format!("value:{n}").into_bytes();
    let large = |n: usize| vec![n as u8; 1024];
    get(criterion, "10,000 keys, 10 B", small);
    get(criterion, "10,000 keys, 1 KB", large);
    set(criterion, "10,000 keys, 10 B, async", small);
    set(criterion, "10,000 keys, 1 KB, async", large);
}

criterion_group!(benches, engine);
criterion_main!(benches);
