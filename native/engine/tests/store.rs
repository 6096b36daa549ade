//! The store through its public interface: reading, writing, reopening.
#![allow(missing_docs)]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::backend::disk;
use common::{dump, get, get_at, key, open, options, put, wait, write};
use ferric_engine::{Durability, Engine, Meta, OpenError};

#[test]
fn what_was_put_is_there_also_after_reopening() {
    let io = disk();
    let engine = open(io.clone()).expect("open");
    let mut lsn = 0;
    for n in 0..5_000u32 {
        lsn = put(&engine, format!("key{n}").as_bytes(), format!("value{n}").as_bytes())
            .expect("put");
    }
    assert!(wait(&engine, lsn));
    lsn = write(&engine, 0, &[(b"key7", None), (b"key8", Some(b"eight")), (b"none", None)])
        .expect("write");
    assert!(wait(&engine, lsn));
    let before = dump(&engine, 0);
    engine.close().expect("close");
    drop(engine);
    let engine = open(io).expect("reopen");
    assert_eq!(dump(&engine, 0), before);
    assert_eq!(before.len(), 4_999);
    assert_eq!(get(&engine, b"key8").as_deref(), Some(&b"eight"[..]));
    assert_eq!(get(&engine, b"key7"), None);
    engine.close().expect("close");
}

#[test]
fn a_read_of_what_is_not_durable_says_so() {
    let engine = open(disk()).expect("open");
    let lsn = put(&engine, b"k", b"1").expect("put");
    assert!(lsn > 0);
    assert!(wait(&engine, lsn));
    assert_eq!(get_at(&engine, 0, b"k"), (Some(b"1".to_vec()), 0));
    let lsn = write(&engine, 0, &[(b"k", None)]).expect("delete");
    assert!(lsn > 0);
    let (value, depends) = get_at(&engine, 0, b"k");
    assert!(value.is_none() && (depends == lsn || engine.durable() >= lsn));
    assert!(wait(&engine, lsn));
    assert_eq!(get_at(&engine, 0, b"k"), (None, 0));
    engine.close().expect("close");
}

#[test]
fn values_of_any_size_survive() {
    let io = disk();
    let engine = open(io.clone()).expect("open");
    let sizes = [0usize, 1, 7, 8, 4_000, 4_096, 65_000, 65_536, 70_000, 300_000, 1_000_000];
    for size in sizes {
        let value: Vec<u8> = (0..size).map(|n| (n * 7 + size) as u8).collect();
        let lsn = put(&engine, size.to_string().as_bytes(), &value).expect("put");
        assert!(wait(&engine, lsn));
    }
    for round in 0..2 {
        let engine = match round {
            0 => Arc::clone(&engine),
            _ => {
                engine.close().expect("close");
                open(io.clone()).expect("reopen")
            }
        };
        for size in sizes {
            let value: Vec<u8> = (0..size).map(|n| (n * 7 + size) as u8).collect();
            assert_eq!(get(&engine, size.to_string().as_bytes()), Some(value), "size {size}");
        }
    }
}

#[test]
fn a_batch_with_one_key_twice_ends_with_the_last() {
    let engine = open(disk()).expect("open");
    write(&engine, 0, &[(b"a", Some(b"1")), (b"a", Some(b"2"))]).expect("write");
    assert_eq!(get(&engine, b"a").as_deref(), Some(&b"2"[..]));
    write(&engine, 0, &[(b"a", Some(b"3")), (b"a", None)]).expect("write");
    assert_eq!(get(&engine, b"a"), None);
    write(&engine, 0, &[(b"b", Some(b"3")), (b"b", None)]).expect("write");
    assert_eq!(get(&engine, b"b"), None);
    assert_eq!(engine.stats().keys, 0);
    engine.close().expect("close");
}

#[test]
fn flush_and_swap_survive_reopening() {
    let io = disk();
    let engine = open(io.clone()).expect("open");
    for space in 0..3 {
        write(&engine, space, &[(b"k", Some(format!("v{space}").as_bytes()))]).expect("write");
    }
    let lsn = {
        let mut access = engine.enter(0);
        access.swap(0, 1).expect("swap");
        access.flush(&[2]).expect("flush");
        assert_eq!((access.len(2), access.len(0)), (0, 1));
        access.depends_on()
    };
    write(&engine, 2, &[(b"after", Some(b"x"))]).expect("write");
    assert!(wait(&engine, lsn));
    let expected: Vec<_> = (0..4).map(|space| dump(&engine, space)).collect();
    assert_eq!(expected[0], BTreeMap::from([(b"k".to_vec(), b"v1".to_vec())]));
    assert_eq!(expected[2], BTreeMap::from([(b"after".to_vec(), b"x".to_vec())]));
    engine.close().expect("close");
    let engine = open(io.clone()).expect("reopen");
    assert_eq!((0..4).map(|space| dump(&engine, space)).collect::<Vec<_>>(), expected);
    engine.close().expect("close");
    let mut fewer = options(io);
    fewer.spaces = 2;
    assert!(matches!(Engine::open(fewer), Err(OpenError::Config(_))));
}

#[test]
fn expired_keys_are_missing_and_swept() {
    let io = disk();
    let clock = Arc::new(ferric_engine::ManualClock::new(1_000_000));
    let mut options = options(io);
    options.clock = Arc::clone(&clock) as _;
    let engine = Engine::open(options).expect("open");
    for n in 0..1_000u64 {
        let mut access = engine.enter(1_000_000);
        let name = n.to_string();
        let key = key(&engine, &access, 0, name.as_bytes());
        let meta = Meta { expiry_ms: 1_000_000 + (n % 2) * 5_000, kind: 3, flags: 1 };
        access.lock(&key).put(&key, meta, b"v").expect("put");
    }
    {
        let mut access = engine.enter(1_000_000);
        let key = key(&engine, &access, 0, b"0");
        assert_eq!(
            access
                .lock(&key)
                .get(&key)
                .expect("in memory")
                .expect("at its last millisecond")
                .meta
                .kind,
            3
        );
    }
    {
        let mut access = engine.enter(1_000_001);
        let key = key(&engine, &access, 0, b"0");
        assert!(access.lock(&key).get(&key).expect("in memory").is_none());
        assert_eq!((access.len(0), access.expires(0)), (999, 999));
    }
    clock.set(1_002_000);
    for _ in 0..200 {
        if engine.stats().keys == 500 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let stats = engine.stats();
    assert_eq!((stats.keys, stats.expires, stats.expired), (500, 500, 500));
    engine.close().expect("close");
}

#[test]
fn a_directory_in_use_is_refused() {
    let io = disk();
    let engine = open(io.clone()).expect("open");
    assert!(matches!(open(io.clone()), Err(OpenError::Locked(_))));
    engine.close().expect("close");
    open(io).expect("free again").close().expect("close");
}

#[test]
fn async_mode_syncs_by_itself() {
    let io = disk();
    let mut options = options(io.clone());
    options.durability = Durability::Async { interval: std::time::Duration::from_millis(20) };
    let engine = Engine::open(options).expect("open");
    put(&engine, b"a", b"1").expect("put");
    let lsn = engine.written();
    for _ in 0..200 {
        if engine.durable() >= lsn {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(engine.durable() >= lsn);
    engine.close().expect("close");
}

#[test]
fn concurrent_writers_lose_nothing() {
    let io = disk();
    let engine = open(io.clone()).expect("open");
    let threads: Vec<_> = (0..4u32)
        .map(|thread| {
            let engine = Arc::clone(&engine);
            std::thread::spawn(move || {
                for n in 0..2_000u32 {
                    let name = format!("{thread}:{}", n % 300);
                    loop {
                        match put(&engine, name.as_bytes(), &n.to_le_bytes()) {
                            Ok(lsn) => {
                                if n % 100 == 99 {
                                    assert!(wait(&engine, lsn));
                                }
                                break;
                            }
                            Err(ferric_engine::WriteError::Busy) => std::thread::yield_now(),
                            Err(error) => panic!("{error}"),
                        }
                    }
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("writer"));
    let before = dump(&engine, 0);
    assert_eq!(before.len(), 1_200);
    engine.close().expect("close");
    let engine = open(io).expect("reopen");
    assert_eq!(dump(&engine, 0), before);
    assert!(
        before
            .values()
            .all(|value| u32::from_le_bytes(value[..].try_into().expect("four")) >= 1_700)
    );
}

#[test]
fn a_value_larger_than_a_segment_may_come_first() {
    let io = disk();
    let large = vec![7u8; 100_000];
    for name in [&b"a"[..], b"b", b"c"] {
        let engine = open(io.clone()).expect("open");
        let lsn = put(&engine, name, &large).expect("put");
        assert!(wait(&engine, lsn));
        engine.close().expect("close");
    }
    let engine = open(io).expect("the log has no gap");
    assert_eq!(dump(&engine, 0).len(), 3);
    engine.close().expect("close");
}

#[test]
fn keys_of_a_space_that_is_not_there_any_more_are_refused() {
    let io = disk();
    let with_spaces = |spaces| {
        let mut options = options(io.clone());
        options.spaces = spaces;
        Engine::open(options)
    };
    let engine = with_spaces(4).expect("open");
    write(&engine, 2, &[(b"k", Some(b"of space 2"))]).expect("write");
    write(&engine, 0, &[(b"k", Some(b"of space 0"))]).expect("write");
    engine.close().expect("close");
    // Else a flush would give the number of space 2's keys to another space.
    assert!(matches!(with_spaces(2), Err(OpenError::Config(_))));
    let engine = with_spaces(4).expect("open");
    write(&engine, 2, &[(b"k", None)]).expect("write");
    engine.close().expect("close");
    let engine = with_spaces(2).expect("nothing is lost now");
    engine.enter(0).flush(&[0]).expect("flush");
    engine.close().expect("close");
    let engine = with_spaces(2).expect("open");
    assert!(dump(&engine, 0).is_empty());
    engine.close().expect("close");
}
