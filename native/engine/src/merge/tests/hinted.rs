//! Segments with a hint: of their data only what is copied is read.

use super::*;

/// Bytes of a frame before the value of its first record, whose key has `key` bytes.
const fn first_value(key: u64) -> u64 {
    BLOCK + frame::HEADER + crate::record::HEADER as u64 + key
}

fn hinted() -> Store {
    let mut store = Store::new();
    store.hinted = true;
    store
}

impl Store {
    fn bytes_read(&self) -> u64 {
        self.core.log.counters.merge_read.load(Ordering::Relaxed)
    }

    /// Merges the first segment only; returns the bytes that were read for it.
    fn merge_first(&mut self) -> Result<u64, MergeError> {
        let before = self.bytes_read();
        let others = self.core.log.segments.states().into_iter().map(|state| state.number);
        self.merger.damaged = others.filter(|&number| number != 0).collect();
        let outcome = self.round(Effort::Everything);
        self.merger.damaged.retain(|&number| number == 0);
        outcome.map(|merged| {
            assert!(merged, "the first segment is an input");
            self.bytes_read() - before
        })
    }

    fn damage_first(&self, offset: u64) {
        let path = self.merger.files.path_of(0);
        self.io.corrupt(&path, offset, 1).expect("corrupt");
    }
}

#[test]
fn a_segment_of_which_nothing_is_needed_is_not_read() {
    let mut store = hinted();
    for round in 0..50u8 {
        store.put(b"k", &[round; 1_000]);
        store.settle();
    }
    store.seal();
    store.put(b"k", b"last");
    // Nobody would find out that its data are damaged.
    store.damage_first(first_value(1) + 200);
    let read = store.merge_first().expect("its data are not looked at");
    assert!(read < 4_096, "{read} bytes: more than its hint");
    assert_eq!(store.regions().1, 0, "nothing was copied");
    store.publish();
    assert!(store.core.log.segments.state(0).is_none());
    store.check();
}

#[test]
fn a_damaged_record_that_is_not_needed_does_not_stop_merging() {
    let mut store = hinted();
    store.put(b"dead", &[1; 30_000]);
    store.put(b"live", &[2; 20_000]);
    store.settle();
    store.put(b"dead", b"newer");
    store.seal();
    store.damage_first(first_value(4) + 200);
    let read = store.merge_first().expect("the damage is in a record that is not copied");
    assert!((20_000..30_000).contains(&read), "{read} bytes: not only what is copied");
    store.publish();
    store.check();
}

#[test]
fn a_damaged_record_that_is_needed_is_reported_with_its_place() {
    let mut store = hinted();
    store.put(b"live", &[2; 30_000]);
    store.put(b"dead", &[1; 2_000]);
    store.settle();
    store.delete(0, b"dead");
    store.seal();
    for offset in [first_value(4) + 200, first_value(4) - 1, first_value(4) - 10] {
        store.damage_first(offset);
        let record = first_value(0) - crate::record::HEADER as u64;
        match store.merge_first().expect_err("damage") {
            MergeError::Damaged { file, offset, .. } => {
                assert!(file.contains("segment-000000000000"), "{file}");
                assert_eq!(offset, record);
            }
            other => panic!("{other}"),
        }
        assert!(store.merger.retired().is_empty());
        store.damage_first(offset);
        store.merger.damaged.clear();
    }
    store.merge();
}

#[test]
fn a_deleted_key_does_not_return_when_the_segment_of_its_tombstone_goes() {
    let mut store = hinted();
    store.put(b"gone", b"1");
    store.put(b"kept", b"1");
    store.seal();
    store.delete(0, b"gone");
    store.seal();
    store.merger.damaged.insert(0);
    store.merge();
    assert_eq!(store.count(Kind::Delete), 1, "the older record is still there");
    // The tombstone is in a merged segment by now, and goes with the record that it is for.
    store.merger.damaged.clear();
    store.merge();
    assert_eq!((store.count(Kind::Delete), store.count(Kind::Put)), (0, 1));
}

#[test]
fn an_expired_key_whose_segment_is_not_read_does_not_uncover_an_older_version() {
    for swept in [true, false] {
        let mut store = hinted();
        store.put(b"k", b"lasting");
        store.seal();
        store.put_expiring(0, b"k", b"brief", NOW + 10);
        store.seal();
        store.pass(5_000);
        if swept {
            store.sweep();
        }
        store.merger.damaged.insert(0);
        store.merge();
        assert_eq!(store.count(Kind::Delete), 1, "a tombstone in its place");
        store.merger.damaged.clear();
        store.merge();
        assert_eq!((store.count(Kind::Delete), store.count(Kind::Put)), (0, 0));
    }
}

#[test]
fn the_table_of_key_spaces_survives_its_segment() {
    let mut store = hinted();
    store.put(b"k", &[1; 1_000]);
    store.put_expiring(1, b"other", b"1", 0);
    store.flush(0);
    store.swap(0, 1);
    store.delete(0, b"other");
    store.sweep();
    store.seal();
    store.put(b"after", b"1");
    store.seal();
    store.merge_first().expect("merged");
    store.publish();
    assert!(store.core.log.segments.state(0).is_none());
    assert_eq!(store.count(Kind::Spaces), 1, "the newest");
    store.check();
}

/// A hint that is damaged, or another segment's, is not believed.
#[test]
fn without_an_intact_hint_the_data_are_read() {
    // In its header, and in its entries.
    for at in [16, 200] {
        let mut store = hinted();
        for n in 0..20u8 {
            store.put(&[b'k', n], &[n; 1_000]);
            store.settle();
        }
        store.seal();
        for n in 1..20u8 {
            store.delete(0, &[b'k', n]);
        }
        let path = store.merger.files.path_of(0);
        store.io.corrupt(&path, store.core.log.segments.size() + at, 1).expect("corrupt");
        let read = store.merge_first().expect("merged");
        assert!(read > 10 * 1_000, "{read} bytes");
        store.publish();
        store.check();
    }
}
