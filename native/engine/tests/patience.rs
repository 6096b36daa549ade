//! Who cannot wait for a lock is told so.
#![allow(missing_docs)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use common::backend::disk;
use common::{key, open};

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
