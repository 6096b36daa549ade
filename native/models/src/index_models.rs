//! Readers without the lock beside one writer.

use std::sync::Arc;

use crate::explore;
use crate::index::{HASH_BITS, Index, IndexReader, Slot};
use crate::log::Trash;
use crate::sync::{Guard, pin};

/// A key: its number and its hash.
#[derive(Clone, Copy)]
struct Key {
    number: u64,
    hash: u32,
}

/// Keys that begin their search at the same slot, and differ in the first word or the second.
const A: Key = Key { number: 1, hash: 1 };
const B: Key = Key { number: 2, hash: 1 | 8 };
const C: Key = Key { number: 3, hash: 1 | 1 << 20 };
/// The same hash as `A`.
const TWIN: Key = Key { number: 4, hash: 1 };
/// In the other half of the hashes.
const FAR: Key = Key { number: 5, hash: 1 | 1 << (HASH_BITS - 1) };

/// The entry that the `version`-th write of a key makes.
fn entry(key: Key, version: u64) -> Slot {
    let address = key.number << 16 | version << 3;
    Slot::new(key.hash, address, 32 << version, version * 1000, version as u32)
}

fn is_of(key: Key, slot: Slot) -> bool {
    slot.address() >> 16 == key.number
}

/// The version that a reader finds, 0 for none.
fn look(reader: &IndexReader, key: Key, guard: &Guard) -> u64 {
    let found = reader.find(key.hash, guard, |slot| is_of(key, slot));
    found.map_or(0, |slot| {
        assert!(slot.hash() == key.hash && is_of(key, slot), "another key's entry");
        let version = slot.address() >> 3 & 0x1fff;
        // Every entry says in its expiry which write it is of, at the least.
        assert!(u64::from(slot.expiry_s()) >= version, "an address before what is known of it");
        version
    })
}

fn set(index: &mut Index, key: Key, version: u64) {
    match index.find(key.hash, |slot| is_of(key, slot)) {
        Some(place) => index.set(place, entry(key, version)),
        None => index.insert(entry(key, version)),
    }
}

fn remove(index: &mut Index, key: Key) {
    let place = index.find(key.hash, |slot| is_of(key, slot)).expect("it is there");
    index.remove(place);
}

/// Fills with keys that are of no interest: one in every slot's place from 2 on.
fn fill(index: &mut Index, count: u64) {
    (0..count).for_each(|n| {
        let far = (n as u32 % 2) << (HASH_BITS - 1);
        index.insert(entry(Key { number: 10 + n, hash: (2 + n as u32) | far }, 1));
    });
}

/// Runs `write` beside `read`, which gets a guard of its own, and once more after both.
fn beside(
    preemptions: usize,
    prepare: fn(&mut Index),
    write: fn(&mut Index),
    read: fn(&IndexReader, &Guard),
    then: fn(&Index, &Trash),
) {
    explore(preemptions, move || {
        let trash = Trash::default();
        let mut index = Index::new(trash.clone());
        prepare(&mut index);
        // The other handle stays: memory is freed at once when there is none.
        let (reader, _handle) = (index.reader(), index.reader());
        let thread = loom::thread::spawn(move || {
            let guard = pin();
            read(&reader, &guard);
            drop(guard);
            read(&reader, &pin());
        });
        write(&mut index);
        thread.join().expect("the reader has not failed");
        then(&index, &trash);
    });
}

/// A key's entry is replaced twice: it is never missed, and never goes back.
pub fn replaced_entries_are_not_missed() {
    let read = |reader: &IndexReader, guard: &Guard| {
        let first = look(reader, A, guard);
        let second = look(reader, A, guard);
        assert!(first >= 1 && second >= first, "{first}, then {second}");
    };
    let write = |index: &mut Index| (2..4).for_each(|version| set(index, A, version));
    beside(3, |index| set(index, A, 1), write, read, |_, _| {});
}

/// A key goes, another takes its slot, and it comes again elsewhere.
pub fn a_slot_taken_by_another_key_is_no_entry_of_the_old_one() {
    let prepare = |index: &mut Index| {
        set(index, A, 1);
        set(index, C, 1);
    };
    let write = |index: &mut Index| {
        remove(index, A);
        set(index, B, 1);
        set(index, A, 2);
    };
    let read = |reader: &IndexReader, guard: &Guard| {
        let seen = [A, A, A].map(|key| look(reader, key, guard));
        // 1, gone, 2: in this order, and no step back.
        let stage = |version: u64| [1, 0, 2].iter().position(|&stage| stage == version);
        assert!(seen.is_sorted_by_key(|&version| stage(version)), "{seen:?}");
        assert_eq!(look(reader, C, guard), 1, "it is there all the time");
        assert!(look(reader, B, guard) <= 1);
    };
    beside(2, prepare, write, read, |_, _| {});
}

/// The same with a key whose hash is the same: only the record tells them apart.
pub fn a_slot_taken_by_a_key_of_the_same_hash() {
    let write = |index: &mut Index| {
        remove(index, A);
        set(index, TWIN, 1);
        set(index, A, 2);
    };
    let read = |reader: &IndexReader, guard: &Guard| {
        let seen = [A, A].map(|key| look(reader, key, guard));
        let stage = |version: u64| [1, 0, 2].iter().position(|&stage| stage == version);
        assert!(seen.is_sorted_by_key(|&version| stage(version)), "{seen:?}");
        assert!(look(reader, TWIN, guard) <= 1);
    };
    beside(3, |index| set(index, A, 1), write, read, |_, _| {});
}

/// A key behind others on its way is found whatever happens to them.
pub fn searches_get_past_entries_that_come_and_go() {
    let prepare = |index: &mut Index| [A, B, C].into_iter().for_each(|key| set(index, key, 1));
    let write = |index: &mut Index| {
        remove(index, B);
        remove(index, A);
        set(index, TWIN, 1);
    };
    let read = |reader: &IndexReader, guard: &Guard| assert_eq!(look(reader, C, guard), 1);
    beside(3, prepare, write, read, |_, _| {});
}

/// A crowded table is replaced by a clean one; what is written then is seen there.
pub fn a_rebuilt_table_has_everything() {
    let prepare = |index: &mut Index| {
        [A, B].into_iter().for_each(|key| set(index, key, 1));
        fill(index, 5);
        // Gone, but in the way: the next key needs a new table.
        let place = index.find(3 | 1 << (HASH_BITS - 1), |_| true).expect("filled");
        index.remove(place);
    };
    let write = |index: &mut Index| {
        set(index, C, 1);
        set(index, A, 2);
    };
    let read = |reader: &IndexReader, guard: &Guard| {
        let (a, b) = (look(reader, A, guard), look(reader, B, guard));
        assert!(a >= 1 && b == 1, "{a} {b}");
        assert!(look(reader, A, guard) >= a);
    };
    beside(2, prepare, write, read, |index, trash| {
        assert_eq!((index.tables(), trash.len()), (1, 1), "one table was replaced");
    });
}

/// A full table is split, and the directory doubled.
pub fn split_tables_have_everything() {
    let prepare = |index: &mut Index| {
        [A, FAR].into_iter().for_each(|key| set(index, key, 1));
        fill(index, 5);
    };
    let write = |index: &mut Index| {
        set(index, B, 1);
        set(index, FAR, 2);
        set(index, A, 2);
    };
    let read = |reader: &IndexReader, guard: &Guard| {
        let (a, far) = (look(reader, A, guard), look(reader, FAR, guard));
        assert!(a >= 1 && far >= 1, "{a} {far}");
        // What was written later is not seen before what was written earlier.
        assert!(look(reader, FAR, guard) >= a.max(far));
    };
    beside(2, prepare, write, read, |index, trash| {
        // The table, the directory, and the empty table it leads to now.
        assert_eq!((index.tables(), trash.len()), (2, 3));
    });
}

/// An access is noted beside a write, which it does not undo.
pub fn noting_an_access_undoes_nothing() {
    explore(3, || {
        let mut index = Index::new(Trash::default());
        set(&mut index, A, 1);
        let reader: Arc<IndexReader> = index.reader();
        let thread = loom::thread::spawn(move || {
            let guard = pin();
            let seen = reader.find(A.hash, &guard, |slot| is_of(A, slot));
            reader.touch(A.hash, seen.expect("it is there"), 99, &guard);
        });
        set(&mut index, A, 2);
        thread.join().expect("the reader has not failed");
        let place = index.find(A.hash, |_| true).expect("it is there");
        let (found, written) = (index.slot(place), entry(A, 2));
        assert_eq!((found.address(), found.expiry_s()), (written.address(), written.expiry_s()));
        assert_eq!(found.size_bound(), written.size_bound());
        assert!([99, 2].iter().any(|&now_s| found.idle_s(now_s) == 0));
    });
}

/// An index goes while it is searched.
pub fn a_dropped_index_is_searched_to_the_end() {
    explore(3, || {
        let trash = Trash::default();
        let mut index = Index::new(trash.clone());
        set(&mut index, A, 1);
        let (reader, _handle) = (index.reader(), index.reader());
        let thread = loom::thread::spawn(move || {
            let guard = pin();
            let (first, second) = (look(&reader, A, &guard), look(&reader, A, &guard));
            assert!(second <= first, "it came back");
        });
        drop(index);
        thread.join().expect("the reader has not failed");
        assert_eq!(trash.len(), 1);
    });
}
