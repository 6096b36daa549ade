use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::*;
use crate::log::{Trash, TrashBin, trash};

fn hash(n: u64) -> u32 {
    (xxhash_rust::xxh3::xxh3_64(&n.to_le_bytes()) >> 33) as u32
}

fn slot(n: u64) -> Slot {
    Slot::new(hash(n), (n + 1) * 8, 40, 0, 0)
}

fn nowhere() -> Trash {
    trash().0
}

fn index_of(keys: impl Iterator<Item = u64>) -> Index {
    let mut index = Index::new(nowhere());
    keys.for_each(|n| index.insert(slot(n)));
    index
}

fn find(index: &Index, n: u64) -> Option<Place> {
    index.find(hash(n), |slot| slot.address() == (n + 1) * 8)
}

/// One number from the last: Knuth's MMIX generator.
fn next(dice: &mut u64) -> u64 {
    *dice = dice.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    *dice
}

#[test]
fn behaves_like_a_map() {
    let mut index = Index::new(nowhere());
    let mut model = HashMap::new();
    let mut dice = 1u64;
    for _ in 0..200_000 {
        let n = (next(&mut dice) >> 40) % 30_000;
        match (find(&index, n), (dice >> 20) % 3) {
            (Some(place), 0) => {
                index.remove(place);
                model.remove(&n);
            }
            (None, 1 | 2) => {
                index.insert(slot(n));
                model.insert(n, ());
            }
            _ => {}
        }
    }
    assert_eq!(index.len(), model.len() as u64);
    for n in 0..30_000 {
        assert_eq!(find(&index, n).is_some(), model.contains_key(&n), "{n}");
    }
}

#[test]
fn a_scan_misses_nothing_that_stays_while_the_index_grows_and_shrinks() {
    for budget in [1, 10, 1000] {
        let mut index = index_of(0..3_000);
        let mut seen = HashSet::new();
        let (mut cursor, mut next) = (0, 10_000);
        loop {
            (cursor, _) = index.scan(cursor, budget, |slot| {
                seen.insert(slot.address() / 8 - 1);
            });
            if cursor == 0 {
                break;
            }
            if next < 60_000 {
                (next..next + 200).for_each(|n| index.insert(slot(n)));
                next += 200;
            } else if let Some(place) = find(&index, next - 50_000) {
                index.remove(place);
            }
        }
        assert!((0..3_000).all(|n| seen.contains(&n)), "budget {budget}");
    }
}

fn scan_all(index: &Index, budget: usize) -> Vec<u64> {
    let (mut cursor, mut all) = (0, Vec::new());
    loop {
        (cursor, _) = index.scan(cursor, budget, |slot| all.push(slot.address()));
        if cursor == 0 {
            return all;
        }
    }
}

#[test]
fn a_scan_without_changes_visits_each_entry_once() {
    assert_eq!(scan_all(&index_of(0..50_000), 100).len(), 50_000);
}

#[test]
fn random_finds_the_last_key() {
    let mut index = index_of(0..20_000);
    for n in 0..19_999 {
        let place = find(&index, n).expect("inserted");
        index.remove(place);
    }
    for dice in 0..100u64 {
        let found = index.random(dice.wrapping_mul(0x9e3779b97f4a7c15)).expect("one key left");
        assert_eq!(found.address(), 20_000 * 8);
    }
    assert!(Index::new(nowhere()).random(7).is_none());
}

#[test]
fn removed_slots_are_used_again() {
    let mut index = Index::new(nowhere());
    for n in 0..1_000_000u64 {
        index.insert(slot(n));
        if n >= 100 {
            let place = find(&index, n - 100).expect("inserted");
            index.remove(place);
        }
    }
    assert_eq!(index.len(), 100);
    assert!(index.bytes() < 100_000, "{}", index.bytes());
}

#[test]
fn keys_of_one_hash_are_no_more_than_slow() {
    const SAME: u64 = 10_000;
    let alike = |n: u64| Slot::new(0x2aaa_aaaa, (n + 1) * 8, 40, 0, 0);
    let mut index = Index::new(nowhere());
    (0..SAME).for_each(|n| index.insert(alike(n)));
    // Next to keys as they usually are, which split other tables and, at last, this one.
    (SAME..SAME + 50_000).for_each(|n| index.insert(slot(n)));
    assert_eq!(index.len(), SAME + 50_000);
    let found = (0..SAME)
        .step_by(97)
        .filter(|n| index.find(0x2aaa_aaaa, |slot| slot.address() == (n + 1) * 8).is_some());
    assert_eq!(found.count(), SAME.div_ceil(97) as usize);
    assert!((SAME..SAME + 50_000).all(|n| find(&index, n).is_some()));
    let visited = scan_all(&index, 100);
    assert_eq!(visited.len() as u64, index.len());
    assert_eq!(visited.into_iter().collect::<HashSet<_>>().len() as u64, index.len());
    assert!(index.bytes() < (SAME + 50_000) * 16 * 4, "{}", index.bytes());
}

#[test]
fn hashes_that_only_differ_at_the_end_do_not_blow_the_directory_up() {
    let mut index = Index::new(nowhere());
    let near = |n: u64| Slot::new(0x1234_0000 + (n % 2) as u32, (n + 1) * 8, 40, 0, 0);
    (0..10_000).for_each(|n| index.insert(near(n)));
    assert!(index.bytes() < 10_000 * 16 * 4, "{}", index.bytes());
    assert_eq!(scan_all(&index, 10).len(), 10_000);
}

#[test]
fn a_scan_misses_nothing_while_a_large_table_is_split() {
    // One table beyond the usual size, which is split once its hashes differ in the next bit.
    let low = |n: u64| Slot::new((n as u32 & 0x3fff) | 1 << 20, (n + 1) * 8, 40, 0, 0);
    let mut index = Index::new(nowhere());
    (0..9_000).for_each(|n| index.insert(low(n)));
    assert_eq!(index.tables(), 1);
    let mut seen = HashSet::new();
    let (mut cursor, _) = index.scan(0, 3_000, |slot| {
        seen.insert(slot.address());
    });
    (20_000..60_000).for_each(|n| index.insert(slot(n)));
    assert!(index.tables() > 8);
    while cursor != 0 {
        (cursor, _) = index.scan(cursor, 100, |slot| {
            seen.insert(slot.address());
        });
    }
    assert!((0..9_000).all(|n| seen.contains(&((n + 1) * 8))));
}

#[test]
fn what_is_due_is_known_without_a_look_at_the_slots() {
    let expiring = |n: u64, at_s: u64| Slot::new(hash(n), (n + 1) * 8, 40, at_s * 1000, 0);
    let mut index = index_of(0..20_000);
    assert!(index.tables() > 4);
    assert_eq!(index.next_due(0, 100, u32::MAX), Due::Nothing);
    let place = find(&index, 7).expect("inserted");
    index.set(place, expiring(7, 500));
    index.insert(expiring(20_001, 900));
    assert_eq!(index.next_due(0, 100, 500), Due::Nothing);
    let Due::Table(table) = index.next_due(0, 100, 501) else { panic!("due at 500") };
    assert!(index.entries(table).any(|slot| slot.expiry_s() == 500));
    assert_eq!(index.next_due(table, 1, 501), Due::Table(table));
    assert_eq!(index.next_due(table + 1, 100, 501), Due::Nothing);
    if table > 0 {
        assert_eq!(index.next_due(0, table, 501), Due::GoOn(table));
    }
    // A lower bound after the entry is gone; exact once the table has been looked through.
    index.set(place, slot(7));
    assert_eq!(index.next_due(0, 100, 501), Due::Table(table));
    assert!(index.retain_in_table(table, |_| true) >= 2048);
    assert_eq!(index.next_due(0, 100, 501), Due::Nothing);
    assert!(matches!(index.next_due(0, 100, 901), Due::Table(_)));
    // It survives splits and a copy.
    (30_000..60_000).for_each(|n| index.insert(slot(n)));
    assert!(matches!(index.next_due(0, 100, 901), Due::Table(_)));
    assert!(matches!(reload(&index).expect("whole").next_due(0, 100, 901), Due::Table(_)));
}

fn copies(index: &Index) -> Vec<TableCopy> {
    let first = index.copy_table(0);
    std::iter::successors(first, |copy| index.copy_table(copy.next)).collect()
}

fn load(copies: &[TableCopy]) -> Result<Index, LoadError> {
    let mut loader = IndexLoader::new(nowhere());
    copies.iter().try_for_each(|copy| loader.load_table(copy.prefix, copy.depth, &copy.slots))?;
    loader.finish()
}

fn reload(index: &Index) -> Result<Index, LoadError> {
    load(&copies(index))
}

#[test]
fn an_index_comes_back_from_its_tables() {
    for keys in [0, 1, 100, 50_000] {
        let index = index_of(0..keys);
        let mut loaded = reload(&index).expect("whole");
        assert_eq!(loaded.len(), keys);
        assert!((0..keys).all(|n| find(&loaded, n).is_some()));
        assert!(loaded.bytes() <= index.bytes());
        (keys..keys + 20_000).for_each(|n| loaded.insert(slot(n)));
        assert!((0..keys + 20_000).all(|n| find(&loaded, n).is_some()));
    }
}

#[test]
fn a_copy_has_each_key_once_though_tables_are_split_meanwhile() {
    let mut index = index_of(0..20_000);
    let (mut copied, mut from, mut next) = (Vec::new(), 0, 20_000);
    while let Some(copy) = index.copy_table(from) {
        from = copy.next;
        copied.push(copy);
        (next..next + 5_000).for_each(|n| index.insert(slot(n)));
        next += 5_000;
    }
    let loaded = load(&copied).expect("whole");
    let mut count = vec![0u32; next as usize];
    let slots = (0..loaded.tables()).flat_map(|table| loaded.entries(table));
    slots.for_each(|slot| count[(slot.address() / 8 - 1) as usize] += 1);
    assert!(count[..20_000].iter().all(|&times| times == 1));
    assert!(count[20_000..].iter().all(|&times| times <= 1));
}

#[test]
fn tables_that_make_no_index_are_refused() {
    let good = copies(&index_of(0..20_000));
    assert!(good.len() > 4);
    let broken = |change: &dyn Fn(&mut Vec<TableCopy>)| {
        let mut copies = good.clone();
        change(&mut copies);
        load(&copies).err()
    };
    assert_eq!(broken(&|_| {}), None);
    assert!(matches!(broken(&|c| drop(c.remove(1))), Some(LoadError::Gap { .. })));
    assert!(matches!(broken(&|c| c.swap(0, 1)), Some(LoadError::Gap { .. })));
    assert!(matches!(broken(&|c| drop(c.pop())), Some(LoadError::Incomplete(_))));
    assert!(matches!(broken(&|c| c[1].prefix += 1), Some(LoadError::Misplaced { .. })));
    assert!(matches!(broken(&|c| c[0].depth = 32), Some(LoadError::Misplaced { .. })));
    let stranger = good[1].slots[0];
    assert_eq!(broken(&|c| c[0].slots.push(stranger)), Some(LoadError::Foreign));
    let none = Slot::from_words([1, 0]);
    assert_eq!(broken(&|c| c[0].slots.push(none)), Some(LoadError::Foreign));
    // One table for each bit of a prefix: the directory would have 2^31 entries.
    let narrow = |depth: u32| TableCopy { prefix: 0, depth, slots: Vec::new(), next: 0 };
    let mut narrowing = vec![narrow(HASH_BITS)];
    narrowing.extend(
        (1..=HASH_BITS)
            .rev()
            .map(|depth| TableCopy { prefix: 1 << (HASH_BITS - depth), ..narrow(depth) }),
    );
    assert!(matches!(load(&narrowing), Err(LoadError::Disproportion { .. })));
}

#[test]
fn a_reader_notes_accesses_but_not_on_other_entries() {
    let mut index = index_of(0..1000);
    let (reader, guard) = (index.reader(), crossbeam_epoch::pin());
    let is_seven = |slot: Slot| slot.address() == 8 * 8;
    let seen = reader.find(hash(7), &guard, is_seven).expect("inserted");
    reader.touch(hash(7), seen, 77, &guard);
    let place = find(&index, 7).expect("inserted");
    assert_eq!(index.slot(place).idle_s(77), 0);
    // It has a new value and an expiry since it was seen: those stay.
    let newer = Slot::new(hash(7), 8 * 8, 4000, 9_000, 80);
    index.set(place, newer);
    reader.touch(hash(7), seen, 100, &guard);
    assert_eq!(index.slot(place), newer);
    index.remove(place);
    reader.touch(hash(7), newer, 100, &guard);
    assert!(reader.find(hash(7), &guard, is_seven).is_none());
    reader.prefetch(hash(7), &guard);
    drop(index);
    assert!(reader.find(hash(8), &guard, |_| true).is_none());
}

/// Keys of the test with threads. Those below `STABLE` are always there.
const STABLE: u64 = 500;
const KEYS: u64 = 12_000;

/// Some keys share their hash with many others, so that searches are long and cross slots whose
/// entries come and go.
fn crowded(n: u64) -> u32 {
    if n.is_multiple_of(3) { hash(n % 60) } else { hash(n) }
}

/// An address says whose it is, and which of the key's writes made it.
fn versioned(n: u64, version: u64) -> Slot {
    Slot::new(crowded(n), (n + 1) << 30 | version << 3, 40 + version % 100, version * 1000, 0)
}

fn is_of(n: u64, slot: Slot) -> bool {
    slot.address() >> 30 == n + 1
}

fn version_of(slot: Slot) -> u64 {
    slot.address() >> 3 & ((1 << 27) - 1)
}

/// Searches without the lock until `done`; `written[n]` is the version that was last finished.
fn read_all_the_time(reader: &IndexReader, written: &[AtomicU64], done: &AtomicBool, seed: u64) {
    let (mut dice, mut last) = (seed, vec![0; KEYS as usize]);
    while !done.load(Ordering::Relaxed) {
        let guard = crossbeam_epoch::pin();
        for _ in 0..50 {
            let dice = next(&mut dice) >> 33;
            let n = if dice.is_multiple_of(2) { dice / 2 % STABLE } else { dice / 2 % KEYS };
            let finished = written[n as usize].load(Ordering::SeqCst);
            let found = reader.find(crowded(n), &guard, |slot| {
                assert_eq!(slot.hash(), crowded(n), "an entry of another hash");
                is_of(n, slot)
            });
            match found {
                None => assert!(n >= STABLE, "missed {n}, which is always there"),
                Some(slot) => {
                    let version = version_of(slot);
                    assert!(version >= finished, "{n}: {version} after {finished}");
                    assert!(version >= last[n as usize], "{n} went back");
                    last[n as usize] = version;
                    reader.touch(crowded(n), slot, version as u32, &guard);
                }
            }
        }
    }
}

/// Replaces, removes, inserts; and says so in `written`, afterwards.
fn write_for_a_while(index: &mut Index, written: &[AtomicU64], rounds: u64, bin: &TrashBin) {
    let mut dice = 42;
    for round in 2..rounds {
        let n = (next(&mut dice) >> 33) % KEYS;
        let place = index.find(crowded(n), |slot| is_of(n, slot));
        match place {
            Some(place) if n >= STABLE && round % 3 == 0 => index.remove(place),
            Some(place) => index.set(place, versioned(n, round)),
            None => index.insert(versioned(n, round)),
        }
        written[n as usize].store(
            index.find(crowded(n), |slot| is_of(n, slot)).map_or(0, |_| round),
            Ordering::SeqCst,
        );
        if round % 1000 == 0 {
            bin.empty();
        }
    }
}

#[test]
fn readers_without_the_lock_never_miss_what_is_there_nor_see_what_is_not() {
    for _ in 0..3 {
        let (trash, bin) = trash();
        let mut index = Index::new(trash);
        let written: Vec<AtomicU64> = (0..KEYS).map(|_| AtomicU64::new(0)).collect();
        let (reader, done) = (index.reader(), AtomicBool::new(false));
        for n in 0..STABLE {
            index.insert(versioned(n, 1));
        }
        std::thread::scope(|scope| {
            for seed in 1..=3 {
                let (reader, written, done) = (&reader, &written, &done);
                scope.spawn(move || read_all_the_time(reader, written, done, seed));
            }
            write_for_a_while(&mut index, &written, 300_000, &bin);
            done.store(true, Ordering::Relaxed);
        });
        assert!(index.tables() > 1);
        assert!((0..STABLE).all(|n| index.find(crowded(n), |slot| is_of(n, slot)).is_some()));
    }
}
