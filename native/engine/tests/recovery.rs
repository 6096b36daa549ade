//! What recovery promises beyond the state it finds, a scenario each.
#![allow(missing_docs)]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::disk;
use common::model::value;
use common::{dump, get, put, quiet, wait, write};
use ferric_engine::Engine;
use ferric_engine::io::sim::{Fault, SimIo};
use parking_lot::Mutex;

fn open(io: &SimIo) -> Arc<Engine> {
    Engine::open(quiet(Arc::new(io.clone()))).expect("open")
}

/// Keeps images of every moment from now on at which a change is about to happen.
fn keep_images(io: &SimIo) -> Arc<Mutex<Vec<SimIo>>> {
    let kept: Arc<Mutex<Vec<SimIo>>> = Arc::default();
    let push = Arc::clone(&kept);
    io.on_call(Box::new(move |io, number| push.lock().extend(io.crash_images(number, 100))));
    kept
}

/// Writes `first` with `len` bytes and `b`, together.
fn write_pair(engine: &Engine, first: &[u8], len: usize, b: &[u8]) {
    let large = value(u64::from(first[0]), len);
    let lsn = write(engine, 0, &[(first, Some(&large)), (b"b", Some(b))]).expect("write");
    assert!(wait(engine, lsn));
}

/// A group that a crash tore, and that recovery has declared lost, does not come back when the
/// bytes it lacked are written as part of another group that is torn in its turn; nor does a part
/// of it make that group whole.
fn tear_twice(len: usize, second_b: &[u8]) {
    let io = SimIo::new();
    let engine = open(&io);
    let lsn = put(&engine, b"k", b"1").expect("put");
    assert!(wait(&engine, lsn));
    let first = keep_images(&io);
    write_pair(&engine, b"a", len, b"2");
    let mut twice = 0;
    for image in std::mem::take(&mut *first.lock()) {
        let engine = open(&image);
        if get(&engine, b"a").is_some() {
            continue;
        }
        let second = keep_images(&image);
        write_pair(&engine, b"c", len, second_b);
        for image in std::mem::take(&mut *second.lock()) {
            let engine = open(&image);
            assert_eq!(get(&engine, b"a"), None, "it was lost for good");
            let expected = get(&engine, b"c").map(|_| second_b.to_vec());
            assert_eq!(get(&engine, b"b"), expected, "the new group is whole or missing");
            twice += 1;
        }
    }
    assert!(twice > 1_000, "{twice}");
}

#[test]
fn a_torn_group_stays_lost() {
    // The second record begins with a sector of its own: 64 + (32 + 1 + 3487) = 7 * 512.
    tear_twice(3_487, b"2");
}

#[test]
fn a_torn_group_lends_nothing_to_the_next() {
    // The second record begins with a block of its own: 64 + (32 + 1 + 3999) = 4096.
    tear_twice(3_999, b"3");
}

/// A process dies after a segment got its name and before that was synced; the next one writes to
/// that segment, and then the power fails.
#[test]
fn a_segment_whose_name_was_not_synced_is_not_lost_with_it() {
    let io = SimIo::new();
    let engine = open(&io);
    // Of the changes of the disk, whatever else looks at it: the one behind the rename, which is to
    // sync the directory.
    io.on_call(Box::new(|io, number| {
        if disk::segments(io).len() == 1 && io.faults_fired() == 0 {
            io.fail_at(number, Fault::Eio);
        }
    }));
    let lsn = put(&engine, b"k", b"1").expect("put");
    assert!(!wait(&engine, lsn));
    assert!(engine.close().is_err());
    assert_eq!((disk::segments(&io).len(), io.faults_fired()), (1, 1));
    let engine = open(&io);
    let lsn = put(&engine, b"k", b"2").expect("put");
    assert!(wait(&engine, lsn));
    for image in io.crash_images(1, 50) {
        assert_eq!(get(&open(&image), b"k").as_deref(), Some(&b"2"[..]));
    }
}

/// The sync of a group fails, so the system shows it and has not written it. The next process finds
/// it, goes on behind it, and then the power fails.
#[test]
fn a_group_found_after_a_failed_sync_is_written_again() {
    let io = SimIo::new();
    let engine = open(&io);
    let lsn = put(&engine, b"k", b"1").expect("put");
    assert!(wait(&engine, lsn));
    io.fail_from(1, Fault::FailedSync);
    let lsn = put(&engine, b"a", &value(1, 20_000)).expect("put");
    assert!(!wait(&engine, lsn));
    assert!(engine.close().is_err());
    io.fail_from(u64::MAX, Fault::FailedSync);
    let engine = open(&io);
    assert!(get(&engine, b"a").is_some());
    let lsn = put(&engine, b"k", b"2").expect("put");
    assert!(wait(&engine, lsn));
    for image in io.crash_images(1, 100) {
        let engine = open(&image);
        assert_eq!(get(&engine, b"k").as_deref(), Some(&b"2"[..]));
        assert!(get(&engine, b"a").is_some(), "it was visible");
    }
}

#[test]
fn opening_and_closing_again_and_again_takes_no_room_worth_mentioning() {
    let io = SimIo::new();
    let engine = open(&io);
    let lsn = put(&engine, b"k", &value(1, 100_000)).expect("put");
    assert!(wait(&engine, lsn));
    engine.close().expect("close");
    for _ in 0..40 {
        let engine = open(&io);
        assert_eq!(engine.stats().keys, 1);
        engine.close().expect("close");
    }
    assert!(disk::segments(&io).len() <= 6, "{:?}", disk::segments(&io));
    assert_eq!(dump(&open(&io), 0), BTreeMap::from([(b"k".to_vec(), value(1, 100_000))]));
}

#[test]
fn an_empty_store_stays_empty() {
    let io = SimIo::new();
    for _ in 0..3 {
        let engine = open(&io);
        assert!(wait(&engine, engine.written()), "there is nothing to wait for");
        engine.close().expect("close");
        assert!(wait(&engine, engine.written()), "not even when it is closed");
    }
    assert!(disk::segments(&io).is_empty());
}

/// Whoever asks after the end is not left waiting, wherever the log has ended.
#[test]
fn everything_is_durable_once_closed() {
    for len in (0..64).map(|n| 56_000 + n * 128) {
        let engine = open(&SimIo::new());
        put(&engine, b"k", &value(1, len)).expect("put");
        engine.close().expect("close");
        assert_eq!((engine.undurable(), engine.durable()), (0, engine.written()), "{len}");
        assert_eq!(get(&engine, b"k"), Some(value(1, len)), "reads go on");
    }
}
