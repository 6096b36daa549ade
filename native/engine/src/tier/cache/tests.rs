//! The cache against a model: an index by key that its calls keep right.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_epoch as epoch;
use parking_lot::Mutex;
use proptest::prelude::*;

use super::*;
use crate::address::CACHE;
use crate::log::{TrashBin, trash};
use crate::record::{self, Header, Kind};
use crate::shard::RecordRef;

const SPACE: u32 = 3;

fn bed(limit: u64) -> (Arc<Chunks>, Cache, TrashBin) {
    let (trash, bin) = trash();
    let chunks = Chunks::new(limit, 1, trash);
    (Arc::clone(&chunks), Cache::new(chunks, limit), bin)
}

/// The record of a key in its `version`th state, checksum and padding included.
fn record_of(key: u32, version: u32, value_len: usize) -> Vec<u8> {
    let name = key.to_le_bytes();
    let value: Vec<u8> = (0..value_len).map(|n| (n as u32 ^ key ^ version << 3) as u8).collect();
    let header = Header {
        key_len: 4,
        value_len: value_len as u32,
        space: SPACE,
        sequence: version.into(),
        kind: Kind::Put,
        tag: 0,
        expiry_ms: 0,
    };
    let mut bytes = header.encode().to_vec();
    bytes.extend_from_slice(&name);
    bytes.extend_from_slice(&value);
    let sum = record::checksum(0, &bytes);
    bytes[..4].copy_from_slice(&sum.to_le_bytes());
    bytes.resize(header.total_len() as usize, 0);
    bytes
}

/// Where a key is, and what its record is.
struct Slot {
    address: u64,
    origin: u64,
    record: Vec<u8>,
}

struct Model {
    chunks: Arc<Chunks>,
    cache: Cache,
    bin: TrashBin,
    index: HashMap<u32, Slot>,
    limit: u64,
    next_origin: u64,
    largest: u64,
}

impl Model {
    fn new(limit: u64) -> Model {
        let (chunks, cache, bin) = bed(limit);
        let index = HashMap::new();
        Model { chunks, cache, bin, index, limit, next_origin: 8, largest: 0 }
    }

    fn origin(&mut self) -> u64 {
        self.next_origin += 8;
        self.next_origin
    }

    fn repoint(index: &mut HashMap<u32, Slot>, moved: Moved) -> bool {
        assert_eq!(moved.space, SPACE);
        let Some(slot) = index.get_mut(&moved.hash) else { return false };
        if slot.address != moved.from {
            return false;
        }
        assert!(moved.to & CACHE != 0 || moved.to == slot.origin, "put back to its own place");
        slot.address = moved.to;
        true
    }

    /// A key is written, and is on disk only.
    fn write(&mut self, key: u32, value_len: usize, forget: bool) {
        let guard = epoch::pin();
        let origin = self.origin();
        let record = record_of(key, origin as u32, value_len);
        let old = self.index.insert(key, Slot { address: origin, origin, record });
        if let Some(old) = old.filter(|old| forget && old.address & CACHE != 0) {
            self.chunks.forget(old.address, &guard);
        }
    }

    /// A key is read, which brings it into the cache.
    fn read(&mut self, key: u32) {
        self.fetch(key);
        if let Some(slot) = self.index.get(&key) {
            self.chunks.touch(slot.address, &epoch::pin());
        }
    }

    fn is_cached(&self, key: u32) -> bool {
        self.index[&key].address & CACHE != 0
    }

    /// A key is brought into the cache, for a command that will read it.
    fn fetch(&mut self, key: u32) {
        let Some(slot) = self.index.get(&key) else { return };
        if slot.address & CACHE != 0 {
            return;
        }
        let (origin, record) = (slot.origin, slot.record.clone());
        self.largest = self.largest.max((record.len() + HEAD) as u64);
        let mut candidate = Candidate::new(origin, SPACE, key, &record, &self.chunks);
        for _ in 0..10_000 {
            let guard = epoch::pin();
            let Some(ready) = candidate.take() else {
                // Other tests of the process may be pinned.
                guard.flush();
                drop(guard);
                std::thread::sleep(Duration::from_micros(100));
                candidate = Candidate::new(origin, SPACE, key, &record, &self.chunks);
                continue;
            };
            let index = &mut self.index;
            match self.cache.insert(ready, &mut |moved| Self::repoint(index, moved), &guard) {
                Ok(address) => {
                    self.index.get_mut(&key).expect("present").address = address;
                    return;
                }
                Err(back) => candidate = Some(back),
            }
            guard.flush();
            drop(guard);
            std::thread::sleep(Duration::from_micros(100));
        }
        panic!("no room for key {key}");
    }

    fn merge(&mut self, key: u32) {
        let origin = self.origin();
        let Some(slot) = self.index.get_mut(&key) else { return };
        slot.origin = origin;
        if slot.address & CACHE != 0 {
            let guard = epoch::pin();
            self.chunks.set_origin(slot.address, origin, &guard);
            assert_eq!(self.chunks.origin(slot.address, &guard), origin);
        } else {
            slot.address = origin;
        }
    }

    fn limit(&mut self, limit: u64, work: u64) {
        self.limit = limit;
        self.cache.set_limit(limit);
        let mut calls = 0;
        while !self.trim(work) {
            calls += 1;
            assert!(calls < 100_000, "each call gets on");
            if self.chunks.is_clogged() {
                epoch::pin().flush();
                std::thread::sleep(Duration::from_micros(100));
            }
        }
    }

    fn trim(&mut self, work: u64) -> bool {
        let index = &mut self.index;
        self.cache.trim(work, &mut |moved| Self::repoint(index, moved), &epoch::pin())
    }

    fn check(&mut self) {
        let guard = epoch::pin();
        let mut cached = 0;
        for (key, slot) in &self.index {
            if slot.address & CACHE == 0 {
                assert_eq!(slot.address, slot.origin);
                continue;
            }
            cached += 1;
            assert_eq!(self.chunks.origin(slot.address, &guard), slot.origin);
            let at = self.chunks.at(slot.address, &guard);
            // SAFETY: a slot in the cache, whose record is as long as the one inserted.
            let bytes = unsafe { std::slice::from_raw_parts(at, slot.record.len()) };
            assert_eq!(bytes, slot.record, "key {key}");
            // SAFETY: as above.
            assert!(unsafe { RecordRef::new(at) }.has_key(&key.to_le_bytes()));
        }
        assert!(cached <= self.cache.entries());
        let counts = self.cache.counts();
        let left = counts.evictions + counts.stale;
        assert_eq!(counts.insertions - left, self.cache.entries(), "{counts:?}");
        self.check_bound();
    }

    fn check_bound(&mut self) {
        let two = 2 * self.chunks.size() as u64;
        let most = self.limit.max(self.largest) + two;
        assert!(self.cache.bytes() <= most, "{} of {most}", self.cache.bytes());
        assert!(self.cache.bytes() <= self.chunks.allocated());
        self.bin.empty();
    }
}

#[derive(Clone, Debug)]
enum Step {
    Write { key: u32, len: usize, forget: bool },
    Read { key: u32, times: u8 },
    ReadMany { from: u32, count: u32 },
    FetchMany { from: u32, count: u32 },
    Delete { key: u32 },
    Merge { key: u32 },
    Limit { chunks: u64, work: u64 },
}

fn steps() -> impl Strategy<Value = Step> {
    let key = || prop_oneof![0u32..30, 0u32..400];
    let len = prop_oneof![6 => 0usize..900, 3 => 5_000usize..16_500, 1 => 16_000usize..300_000];
    prop_oneof![
        4 => (key(), len, any::<bool>()).prop_map(|(key, len, forget)| Step::Write { key, len, forget }),
        6 => (key(), 1u8..4).prop_map(|(key, times)| Step::Read { key, times }),
        2 => (0u32..400, 1u32..80).prop_map(|(from, count)| Step::ReadMany { from, count }),
        1 => (0u32..400, 1u32..80).prop_map(|(from, count)| Step::FetchMany { from, count }),
        1 => key().prop_map(|key| Step::Delete { key }),
        1 => key().prop_map(|key| Step::Merge { key }),
        1 => (0u64..20, 1u64..100_000).prop_map(|(chunks, work)| Step::Limit { chunks, work }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn index_and_cache_agree(steps in proptest::collection::vec(steps(), 100..500)) {
        let mut model = Model::new(10 << 16);
        for key in 0..400 {
            model.write(key, 700 + key as usize, false);
        }
        for step in steps {
            match step {
                Step::Write { key, len, forget } => model.write(key, len, forget),
                Step::Read { key, times } => (0..times).for_each(|_| model.read(key)),
                Step::ReadMany { from, count } => (from..from + count).for_each(|key| model.read(key)),
                Step::FetchMany { from, count } => {
                    (from..from + count).for_each(|key| model.fetch(key));
                }
                Step::Delete { key } => drop(model.index.remove(&key)),
                Step::Merge { key } => model.merge(key),
                Step::Limit { chunks, work } => model.limit(chunks << 16, work),
            }
            model.check_bound();
        }
        model.check();
        model.limit(0, 4096);
        model.check();
        prop_assert_eq!((model.cache.bytes(), model.cache.entries()), (0, 0));
        prop_assert!(model.index.values().all(|slot| slot.address == slot.origin));
    }
}

#[test]
fn what_is_used_stays_and_a_scan_passes_through() {
    let mut model = Model::new(64 << 16);
    (0..20_000).for_each(|key| model.write(key, 600, false));
    for _ in 0..3 {
        (0..300).for_each(|key| model.read(key));
    }
    (300..20_000).for_each(|key| model.read(key));
    let cached = |model: &Model, range: std::ops::Range<u32>| {
        range.filter(|key| model.index[key].address & CACHE != 0).count()
    };
    assert_eq!(cached(&model, 0..300), 300);
    assert!(cached(&model, 300..15_000) < cached(&model, 15_000..20_000));
    let counts = model.cache.counts();
    assert_eq!((counts.promotions, model.chunks.hits()), (300, 600));
    model.check();
}

/// Records of one large batch pushed each other out before the commands that waited for them could read
/// them.
#[test]
fn what_was_fetched_in_one_batch_is_there_until_it_has_been_read() {
    let mut model = Model::new(64 << 16);
    (0..20_000).for_each(|key| model.write(key, 600, false));
    // The main queue is full of what is used.
    for _ in 0..3 {
        (0..5_000).for_each(|key| model.read(key));
    }
    // A third of the cache.
    let batch = 10_000..12_000;
    batch.clone().for_each(|key| model.fetch(key));
    assert!(batch.clone().all(|key| model.is_cached(key)));
    // Half of it is read by those who asked, which is no reuse; the other half by nobody.
    (10_000..11_000).for_each(|key| model.read(key));
    // When what is used again needs the room, both leave.
    (12_000..20_000).for_each(|key| (0..3).for_each(|_| model.read(key)));
    assert_eq!(batch.filter(|key| model.is_cached(*key)).count(), 0, "moves on only once");
    model.check();
}

#[test]
fn a_key_that_comes_back_soon_goes_to_the_main_queue() {
    let mut model = Model::new(64 << 16);
    (0..9000).for_each(|key| model.write(key, 600, false));
    (0..9000).for_each(|key| model.read(key));
    // The main queue is empty: what is remembered is the smallest table full.
    let gone = (0..9000).rev().find(|key| model.index[key].address & CACHE == 0).expect("one left");
    model.read(gone);
    let counts = model.cache.counts();
    assert_eq!((counts.returns, counts.promotions), (1, 0));
    model.check();
}

#[test]
fn work_is_bounded_even_when_everything_has_been_used() {
    let mut model = Model::new(1 << 24);
    (0..40_000).for_each(|key| model.write(key, 600, false));
    (0..24_000).for_each(|key| (0..5).for_each(|_| model.read(key)));
    let (chunks, mut most) = (Arc::clone(&model.chunks), 0);
    for key in 24_000..40_000 {
        if key == 30_000 {
            (0..24_000).filter(|key| model.index[key].address & CACHE != 0).for_each(|key| {
                (0..3).for_each(|_| chunks.touch(model.index[&key].address, &epoch::pin()));
            });
        }
        let record = model.index[&key].record.clone();
        let origin = model.index[&key].origin;
        let candidate = Candidate::new(origin, SPACE, key, &record, &chunks).expect("memory");
        let mut next = Some(candidate);
        while let Some(candidate) = next.take() {
            let (mut calls, index) = (0, &mut model.index);
            let mut repoint = |moved: Moved| {
                calls += 1;
                Model::repoint(index, moved)
            };
            let inserted = model.cache.insert(candidate, &mut repoint, &epoch::pin());
            most = most.max(calls);
            match inserted {
                Ok(address) => {
                    model.index.get_mut(&key).expect("present").address = address;
                    (0..4).for_each(|_| chunks.touch(address, &epoch::pin()));
                }
                // The readers of other tests may hold memory back for a while.
                Err(candidate) => {
                    next = Some(candidate);
                    epoch::pin().flush();
                    std::thread::yield_now();
                }
            }
            model.bin.empty();
        }
    }
    assert!(model.cache.counts().rounds > 0 && most > 1);
    assert!(most <= WORK / LOOK, "{most} looks");
    model.check();
}

#[test]
fn room_left_over_in_chunks_counts() {
    let mut model = Model::new(64 << 16);
    for key in 0..2000 {
        // Four of them leave a seventh of the chunk.
        model.write(key, 14_000, false);
        model.read(key);
        (0..key % 3).for_each(|_| model.read(key));
        model.check_bound();
    }
    assert!(model.cache.counts().promotions > 0);
    assert!(model.cache.bytes() > 60 << 16, "and the limit is used");
    model.check();
}

#[test]
fn an_entry_whose_key_was_overwritten_does_not_stay() {
    for forget in [false, true] {
        let mut model = Model::new(64 << 16);
        (0..100).for_each(|key| model.write(key, 600, false));
        (0..100).for_each(|key| (0..3).for_each(|_| model.read(key)));
        (0..50).for_each(|key| model.write(key, 600, forget));
        model.limit(0, u64::MAX);
        let counts = model.cache.counts();
        assert_eq!((counts.stale, counts.promotions, counts.evictions), (50, 50, 50));
        assert_eq!(model.cache.bytes(), 0);
        model.check();
    }
}

#[test]
fn a_record_larger_than_the_cache_is_served_all_the_same() {
    let mut model = Model::new(8 << 16);
    (0..1000).for_each(|key| model.write(key, 600, false));
    (0..1000).for_each(|key| (0..3).for_each(|_| model.read(key)));
    model.write(5000, 3 << 20, false);
    model.read(5000);
    assert!(model.index[&5000].address & CACHE != 0);
    model.check();
    model.read(1);
    model.check();
    assert!(model.index[&5000].address & CACHE == 0, "the next one takes its place");
}

#[test]
fn memory_goes_back_when_a_cache_is_dropped() {
    let mut model = Model::new(1 << 24);
    (0..20_000).for_each(|key| model.write(key, 600, false));
    (0..20_000).for_each(|key| model.read(key));
    let Model { chunks, cache, bin, .. } = model;
    assert!(chunks.allocated() > 8 << 20);
    drop(cache);
    for _ in 0..10_000 {
        epoch::pin().flush();
        bin.empty();
        if chunks.allocated() <= 16 * chunks.size() as u64 {
            return;
        }
        std::thread::sleep(Duration::from_micros(100));
    }
    panic!("{} B are not given back", chunks.allocated());
}

/// Readers follow slots without the lock while entries come, move and go; each record they see is
/// whole and of the key they looked for, for as long as they are pinned.
#[test]
fn readers_without_a_lock_never_see_memory_used_again() {
    const KEYS: u32 = 4000;
    let (chunks, cache, bin) = bed(8 << 16);
    let slots: Vec<AtomicU64> = (0..KEYS).map(|_| AtomicU64::new(0)).collect();
    let (cache, stop, reads) = (Mutex::new(cache), AtomicBool::new(false), AtomicU64::new(0));
    let records: Vec<Vec<u8>> =
        (0..KEYS).map(|key| record_of(key, key, 300 + key as usize % 700)).collect();

    let verify = |key: u32, address: u64, guard: &Guard| {
        let expected = &records[key as usize];
        // SAFETY: the slot was read under the guard; records of a key have one length.
        let bytes =
            unsafe { std::slice::from_raw_parts(chunks.at(address, guard), expected.len()) };
        assert!(bytes == expected, "key {key} at {address:#x}");
        assert_eq!(chunks.origin(address, guard), u64::from(key) * 8 + 8);
    };
    let reader = |seed: u32| {
        let mut key = seed;
        while !stop.load(Ordering::Relaxed) {
            let guard = epoch::pin();
            let mut held = Vec::new();
            for _ in 0..20 {
                key = key.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let wanted = (key >> 8) % if key & 1 == 0 { 200 } else { KEYS };
                let address = slots[wanted as usize].load(Ordering::Acquire);
                if address & CACHE != 0 {
                    verify(wanted, address, &guard);
                    chunks.touch(address, &guard);
                    held.push((wanted, address));
                }
            }
            held.iter().for_each(|&(key, address)| verify(key, address, &guard));
            reads.fetch_add(held.len() as u64, Ordering::Relaxed);
        }
    };
    let insert = |key: u32| {
        let slot = &slots[key as usize];
        let guard = epoch::pin();
        let mut cache = cache.lock();
        let present = slot.load(Ordering::Acquire) & CACHE != 0;
        let origin = u64::from(key) * 8 + 8;
        let record = &records[key as usize];
        if present {
            return;
        }
        let Some(candidate) = Candidate::new(origin, SPACE, key, record, &chunks) else { return };
        let mut repoint = |moved: Moved| {
            let slot = &slots[moved.hash as usize];
            slot.compare_exchange(moved.from, moved.to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        };
        if let Ok(address) = cache.insert(candidate, &mut repoint, &guard) {
            slot.store(address, Ordering::Release);
        }
    };
    std::thread::scope(|scope| {
        (0..2).for_each(|seed| drop(scope.spawn(move || reader(seed * 77 + 1))));
        let mut key = 9u32;
        let end = std::time::Instant::now() + Duration::from_millis(1500);
        while std::time::Instant::now() < end {
            for _ in 0..100 {
                key = key.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                insert((key >> 8) % if key & 1 == 0 { 200 } else { KEYS });
            }
            bin.empty();
        }
        stop.store(true, Ordering::Relaxed);
    });
    let counts = cache.lock().counts();
    assert!(counts.evictions > 1000 && counts.promotions > 0 && counts.rounds > 0, "{counts:?}");
    assert!(reads.load(Ordering::Relaxed) > 1000);
}
