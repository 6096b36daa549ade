//! What merging must never do to the truth in the files, checked against the files themselves: the
//! record with the highest sequence among the segments of the store is the truth about its key.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;

use super::*;
use crate::Lsn;
use crate::access::keyspace::{SpaceTable, sweep_table};
use crate::access::{Access, Meta};
use crate::address::{Region, region};
use crate::clock::ManualClock;
use crate::index::Slot;
use crate::io::sim::{Fault, SimIo};
use crate::log::{Summary, TrashBin};
use crate::record::frame::{self, BLOCK};
use crate::record::{Kind, MAX_VALUE, compressed};
use crate::recovery;
use crate::shard::Space;

mod hinted;

const NOW: u64 = 1_000_000;
const SPACES: u16 = 3;

/// Keys of all spaces with value and expiry.
type Content = BTreeMap<(u16, Vec<u8>), (Vec<u8>, u64)>;

/// A store without background threads but the committer, and what it must contain.
struct Store {
    io: SimIo,
    core: Arc<Core>,
    clock: Arc<ManualClock>,
    now: u64,
    control: Arc<Control>,
    merger: Merger,
    checkpointer: Checkpointer,
    log_id: u64,
    /// Sealed segments get hints.
    hinted: bool,
    model: Content,
    committer: Option<JoinHandle<()>>,
    _trash: TrashBin,
}

fn route(key: &[u8], shards: u16) -> u16 {
    u16::from(key.last().copied().unwrap_or(0)) % shards
}

impl Store {
    fn new() -> Store {
        Store::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Options)) -> Store {
        let io = SimIo::new();
        let clock = Arc::new(ManualClock::new(NOW));
        let mut options = Options::new("/store", Arc::new(io.clone()));
        (options.shards, options.spaces, options.segment_size) = (3, SPACES, 64 << 10);
        (options.route, options.clock) = (route, Arc::clone(&clock) as _);
        (options.merge_rate, options.compression) = (0, Compression::None);
        change(&mut options);
        let recovered = recovery::open(&options).expect("open");
        let (core, files) = (recovered.core, recovered.files);
        let committer = recovered.committer;
        let committer = std::thread::spawn(move || crate::log::run_committer(committer));
        let control = Arc::new(Control::default());
        let log_id = files.log_id;
        let merger = Merger::new(Arc::clone(&core), files, Arc::clone(&control), &options);
        Store {
            io,
            core,
            clock,
            now: NOW,
            control,
            merger,
            checkpointer: recovered.start.checkpointer,
            log_id,
            hinted: false,
            model: Content::new(),
            committer: Some(committer),
            _trash: recovered.trash,
        }
    }

    fn round(&mut self, effort: Effort) -> Result<bool, MergeError> {
        self.merger.round(effort, &self.checkpointer)
    }

    fn enter(&self) -> Access<'_> {
        Access::new(&self.core, self.now)
    }

    fn pass(&mut self, ms: u64) {
        self.now += ms;
        self.clock.set(self.now);
        let now = self.now;
        self.model.retain(|_, (_, expiry)| *expiry == 0 || now <= *expiry);
    }

    fn put_expiring(&mut self, space: u16, key: &[u8], value: &[u8], expiry_ms: u64) {
        let mut access = self.enter();
        let addressed = access.key(space, route(key, 3), key);
        let meta = Meta { expiry_ms, ..Meta::default() };
        access.lock(&addressed).put(&addressed, meta, value).expect("put");
        drop(access);
        self.model.insert((space, key.to_vec()), (value.to_vec(), expiry_ms));
    }

    fn put(&mut self, key: &[u8], value: &[u8]) {
        self.put_expiring(0, key, value, 0);
    }

    fn delete(&mut self, space: u16, key: &[u8]) {
        let mut access = self.enter();
        let addressed = access.key(space, route(key, 3), key);
        access.lock(&addressed).delete(&addressed).expect("delete");
        drop(access);
        self.model.remove(&(space, key.to_vec()));
    }

    fn flush(&mut self, space: u16) {
        self.enter().flush(&[space]).expect("flush");
        self.model.retain(|(of, _), _| *of != space);
    }

    fn swap(&mut self, a: u16, b: u16) {
        self.enter().swap(a, b).expect("swap");
        let other = |space| {
            if space == a {
                b
            } else if space == b {
                a
            } else {
                space
            }
        };
        self.model = std::mem::take(&mut self.model)
            .into_iter()
            .map(|((s, k), v)| ((other(s), k), v))
            .collect();
    }

    /// Removes what has expired from the index, and accounts for emptied spaces, as the sweeper does.
    fn sweep(&self) {
        for shard in &self.core.shards {
            let mut shard = shard.lock();
            for space in 0..usize::from(SPACES) {
                for table in 0..shard.spaces[space].index.tables() {
                    sweep_table(&self.core, &mut shard, space, table, self.now);
                }
            }
        }
        for (number, space) in std::mem::take(&mut *self.core.emptied.lock()) {
            let mut shard = self.core.shards[number].lock();
            for slot in (0..space.index.tables()).flat_map(|table| space.index.entries(table)) {
                shard.live.remove(slot.address(), slot);
            }
        }
    }

    /// Waits until everything is durable.
    fn settle(&self) {
        let lsn = self.core.log.written();
        let (sender, receiver) = std::sync::mpsc::channel();
        let waiter = Box::new(move |outcome: Result<Lsn, _>| {
            let _ = sender.send(outcome.is_ok());
        });
        if self.core.log.wait_durable(lsn, waiter).is_none() {
            assert!(receiver.recv().expect("told"));
        }
    }

    /// Begins a new segment, and finds out what is in those before.
    fn seal(&mut self) {
        self.seal_without_looking();
        self.summarise(|_| true);
    }

    fn seal_without_looking(&mut self) {
        self.settle();
        let before = self.core.log.written() >> 16;
        let mut filler = 0u32;
        while self.core.log.written() >> 16 == before {
            self.put(format!("filler{filler}").as_bytes(), &[0; 24_000]);
            self.delete(0, format!("filler{filler}").as_bytes());
            self.settle();
            filler += 1;
        }
    }

    fn summarise(&self, wanted: impl Fn(u64) -> bool) {
        let segments = &self.core.log.segments;
        for state in segments.states() {
            let end = segments.start(state.number + u64::from(state.span));
            let sealed = state.has_file && end <= self.core.log.durable();
            if region(end - 1) != Region::Log
                || state.summary.is_some()
                || !sealed
                || !wanted(state.number)
            {
                continue;
            }
            if self.hinted {
                crate::seal::seal(&self.core, self.log_id, state.number).expect("sealed");
                continue;
            }
            let mut summary = Summary::default();
            summary.end = self.each_record(state.number, |header, _, _| {
                let first = summary.max_sequence == 0;
                let lowest = if first { u64::MAX } else { summary.min_sequence };
                summary.min_sequence = lowest.min(header.sequence);
                summary.max_sequence = summary.max_sequence.max(header.sequence);
                if header.kind != Kind::Spaces {
                    summary.records += 1;
                    summary.tombstones += u64::from(header.kind == Kind::Delete);
                    summary.bytes += Slot::new(0, 8, header.total_len(), 0, 0).weight();
                }
            });
            segments.set_summary(state.number, summary);
        }
    }

    /// Visits the records in a segment's file; returns where its frames end.
    fn each_record(
        &self,
        number: u64,
        mut visit: impl FnMut(&crate::record::Header, &[u8], &[u8]),
    ) -> u64 {
        let segments = &self.core.log.segments;
        let Some(file) = segments.file(number) else { return 0 };
        let mut bytes = vec![0; file.len().unwrap() as usize];
        file.read_exact_at(&mut bytes, 0).unwrap();
        let start = segments.start(number);
        let mut at = start + BLOCK;
        while let Some(rest) = bytes.get((at - start) as usize..)
            && let Ok((frame, records)) = frame::read(rest, self.log_id, at)
        {
            records.for_each(|(_, record)| visit(&record.header, record.key, record.value));
            at = frame.end();
        }
        at
    }

    /// What the files of the store say, all segments or without the retired ones.
    fn truth(&self, with_retired: bool) -> Content {
        let truths = [false, true].map(|last| self.truth_by(with_retired, last));
        assert_eq!(truths[0], truths[1], "copies of a record are alike");
        truths[0].clone()
    }

    /// Of two copies of a record, the last one found counts or the first.
    fn truth_by(&self, with_retired: bool, last: bool) -> Content {
        self.settle();
        type Version = (u64, Option<(Vec<u8>, u64)>);
        let mut newest: BTreeMap<(u32, Vec<u8>), Version> = BTreeMap::new();
        let mut spaces = (0, SpaceTable::first(SPACES));
        for state in self.core.log.segments.states() {
            if !with_retired && self.merger.retired.contains(&state.number) {
                continue;
            }
            self.each_record(state.number, |header, key, value| {
                let value = match header.kind {
                    Kind::Spaces if header.sequence > spaces.0 => {
                        spaces = (header.sequence, SpaceTable::decode(value).unwrap());
                        return;
                    }
                    Kind::Spaces => return,
                    Kind::Delete => None,
                    Kind::Put => Some((value.to_vec(), header.expiry_ms)),
                    Kind::PutCompressed => {
                        let value = compressed::decompress(value, MAX_VALUE).unwrap();
                        Some((value, header.expiry_ms))
                    }
                    Kind::Delta | Kind::Base | Kind::BasePart => panic!("no objects here"),
                };
                let entry = newest.entry((header.space, key.to_vec())).or_default();
                if header.sequence > entry.0 || last && header.sequence == entry.0 {
                    *entry = (header.sequence, value);
                }
            });
        }
        let mut content = Content::new();
        for ((id, key), (_, value)) in newest {
            let space = spaces.1.ids.iter().position(|known| *known == id);
            if let (Some(space), Some((value, expiry))) = (space, value)
                && (expiry == 0 || self.now <= expiry)
            {
                content.insert((space as u16, key), (value, expiry));
            }
        }
        content
    }

    /// What a reader sees.
    fn shown(&self) -> Content {
        let mut content = Content::new();
        for space in 0..SPACES {
            let mut cursor = 0;
            loop {
                let mut visit = |key: &[u8], entry: crate::access::Entry<'_>| {
                    let value = (entry.value.to_vec(), entry.meta.expiry_ms);
                    content.insert((space, key.to_vec()), value);
                };
                cursor = self.enter().scan(space, cursor, 100, &mut visit).expect("in memory");
                if cursor == 0 {
                    break;
                }
            }
        }
        content
    }

    fn check(&self) {
        assert_eq!(self.truth(true), self.model, "with the inputs, as before publication");
        assert_eq!(self.truth(false), self.model, "without the inputs");
        assert_eq!(self.shown(), self.model, "in the index");
        self.check_accounts();
    }

    /// The live records by segment are those that the index points to.
    fn check_accounts(&self) {
        let mut counted: BTreeMap<u64, u64> = BTreeMap::new();
        for shard in &self.core.shards {
            shard.lock().spaces.iter().for_each(|space| count_entries(space, &mut counted));
        }
        let emptied = self.core.emptied.lock();
        emptied.iter().for_each(|(_, space)| count_entries(space, &mut counted));
        for state in self.core.log.segments.states() {
            let live = Survey::live_in(&self.core, &[state.number]);
            let numbers = state.number..state.number + u64::from(state.span);
            let of: u64 = numbers.filter_map(|number| counted.remove(&number)).sum();
            assert_eq!(live, of, "{:x}", state.number);
        }
        assert_eq!(counted, BTreeMap::new(), "segments that are not there");
    }

    /// Merges all that can be, and looks at the outcome before and after publication.
    fn merge(&mut self) {
        while self.round(Effort::Everything).expect("merge") {
            self.check();
        }
        self.publish();
        self.check();
    }

    fn publish(&mut self) {
        self.sweep();
        let retired = self.merger.retired().to_vec();
        assert_eq!(retired, self.merger.retired, "nothing points to them");
        self.settle();
        for &number in &retired {
            drop(self.core.log.segments.remove(number, &self.core.log.trash));
        }
        self.merger.files.remove_segments(&retired).expect("remove");
        self.merger.forget_retired();
    }

    /// Records of a kind in the files.
    fn count(&self, kind: Kind) -> usize {
        let mut count = 0;
        for state in self.core.log.segments.states() {
            self.each_record(state.number, |header, key, _| {
                count += usize::from(header.kind == kind && !key.starts_with(b"filler"));
            });
        }
        count
    }

    fn regions(&self) -> (usize, usize) {
        let states = self.core.log.segments.states();
        let merged = |state: &&crate::log::SegmentState| state.number >= 1 << 32;
        let merged = states.iter().filter(merged).count();
        (states.len() - merged, merged)
    }
}

fn count_entries(space: &Space, counted: &mut BTreeMap<u64, u64>) {
    for slot in (0..space.index.tables()).flat_map(|table| space.index.entries(table)) {
        *counted.entry(slot.address() >> 16).or_default() += 1;
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.core.log.stop();
        drop(self.committer.take().map(JoinHandle::join));
    }
}

#[test]
fn a_deleted_key_does_not_return_after_a_merge() {
    let mut store = Store::new();
    store.put(b"gone", b"1");
    store.put(b"kept", b"1");
    store.seal();
    store.delete(0, b"gone");
    store.seal();
    // Only the segment with the tombstone is merged, as if the other were not worth it.
    store.merger.damaged.insert(0);
    store.merge();
    assert_eq!(store.count(Kind::Delete), 1, "the older record is still there");
    store.merger.damaged.clear();
    store.merge();
    assert_eq!((store.count(Kind::Delete), store.count(Kind::Put)), (0, 1));
}

/// What is in a segment may not be known yet, or its hint could not be written.
#[test]
fn a_segment_whose_contents_are_not_known_keeps_tombstones() {
    let mut store = Store::new();
    store.put(b"gone", b"1");
    store.seal_without_looking();
    store.delete(0, b"gone");
    store.seal_without_looking();
    store.seal_without_looking();
    store.summarise(|number| number > 0);
    store.merge();
    assert_eq!(store.count(Kind::Delete), 1);
    store.summarise(|_| true);
    store.merge();
    assert_eq!((store.count(Kind::Delete), store.count(Kind::Put)), (0, 0));
}

#[test]
fn an_expired_key_does_not_uncover_an_older_version() {
    for swept in [true, false] {
        let mut store = Store::new();
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
        // It is not needed any more when nothing older is left.
        store.merger.damaged.clear();
        store.merge();
        assert_eq!((store.count(Kind::Delete), store.count(Kind::Put)), (0, 0));
    }
}

/// The clock is set back after a key has expired and was removed.
#[test]
fn a_clock_that_goes_back_uncovers_nothing() {
    let mut store = Store::new();
    store.put(b"k", b"lasting");
    store.seal();
    store.put_expiring(0, b"k", b"brief", NOW + 10);
    store.seal();
    store.pass(5_000);
    store.sweep();
    (store.now, store.model) = (NOW, Content::new());
    store.clock.set(NOW);
    store.merger.damaged.insert(0);
    assert!(store.round(Effort::Everything).expect("merge"));
    store.publish();
    assert_eq!(store.truth(false), Content::new());
}

#[test]
fn a_key_that_is_overwritten_keeps_the_new_value() {
    let mut store = Store::new();
    for n in 0..50u8 {
        store.put(&[b'k', n], &[n; 900]);
    }
    store.seal();
    for n in 0..20u8 {
        store.put(&[b'k', n], b"new");
    }
    store.merge();
    for n in 10..30u8 {
        store.put(&[b'k', n], b"newer");
    }
    store.check();
    store.seal();
    store.merge();
    assert_eq!(store.count(Kind::Put), 50);
}

#[test]
fn flushes_and_exchanges_of_spaces_are_respected() {
    let mut store = Store::new();
    for n in 0..60u8 {
        store.put_expiring(u16::from(n % 3), &[b'k', n], &[n; 500], 0);
    }
    store.flush(1);
    store.swap(0, 2);
    store.put_expiring(1, b"after", b"1", 0);
    store.seal();
    store.merge();
    assert_eq!(store.count(Kind::Put), 41);
    assert_eq!(store.count(Kind::Spaces), 1, "the newest");
    store.flush(0);
    store.seal();
    store.sweep();
    store.merge();
    assert_eq!(store.count(Kind::Put), 21);
}

/// Every write of an output is an occasion for somebody to change what is being copied.
#[test]
fn what_changes_during_a_merge_is_respected() {
    for change in 0..6 {
        let mut store = Store::new();
        for n in 0..40u8 {
            let expiry = if n % 4 == 3 { NOW + 50 } else { 0 };
            store.put_expiring(u16::from(n % 2), &[b'k', n], &[n; 1_000], expiry);
        }
        store.seal();
        store.delete(0, b"k\x00");
        // The hook runs in the middle of the round, on the merger's thread, without a lock held.
        let (core, clock) = (Arc::clone(&store.core), Arc::clone(&store.clock));
        let fired = Arc::new(std::sync::atomic::AtomicBool::new(false));
        let once = Arc::clone(&fired);
        let merging = std::thread::current().id();
        store.io.on_call(Box::new(move |_, _| {
            let ours = std::thread::current().id() == merging;
            if !ours || once.swap(true, std::sync::atomic::Ordering::SeqCst) {
                return;
            }
            let mut access = Access::new(&core, NOW);
            let key = |n: u8| [b'k', n];
            match change {
                0 => {
                    for n in 0..20u8 {
                        let bytes = key(n);
                        let key = access.key(u16::from(n % 2), route(&bytes, 3), &bytes);
                        access.lock(&key).put(&key, Meta::default(), b"changed").unwrap();
                    }
                }
                1 => {
                    for n in 0..20u8 {
                        let bytes = key(n);
                        let key = access.key(u16::from(n % 2), route(&bytes, 3), &bytes);
                        access.lock(&key).delete(&key).unwrap();
                    }
                }
                2 => access.flush(&[0]).unwrap(),
                3 => access.swap(0, 1).unwrap(),
                4 => {
                    access.flush(&[0]).unwrap();
                    access.swap(0, 1).unwrap();
                    let bytes = key(2);
                    let key = access.key(1, route(&bytes, 3), &bytes);
                    access.lock(&key).put(&key, Meta::default(), b"changed").unwrap();
                }
                _ => clock.set(NOW + 5_000),
            }
        }));
        assert!(store.round(Effort::Everything).expect("merge"));
        assert!(fired.load(std::sync::atomic::Ordering::SeqCst));
        store.io.on_call(Box::new(|_, _| {}));
        match change {
            0 | 1 => {
                for n in 0..20u8 {
                    let at = (u16::from(n % 2), vec![b'k', n]);
                    store.model.remove(&at);
                    if change == 0 {
                        store.model.insert(at, (b"changed".to_vec(), 0));
                    }
                }
            }
            2 => store.model.retain(|(space, _), _| *space != 0),
            3 | 4 => {
                if change == 4 {
                    store.model.retain(|(space, _), _| *space != 0);
                }
                store.model = std::mem::take(&mut store.model)
                    .into_iter()
                    .map(|((s, k), v)| ((1 - s, k), v))
                    .collect();
                if change == 4 {
                    store.model.insert((1, vec![b'k', 2]), (b"changed".to_vec(), 0));
                }
            }
            _ => store.pass(5_000),
        }
        store.sweep();
        store.check();
        store.publish();
        store.check();
        store.seal();
        store.merge();
    }
}

#[test]
fn garbage_that_outgrows_the_rest_is_removed_without_a_limit() {
    // At this rate the round would take weeks.
    let mut store = Store::with(|options| options.merge_rate = 1);
    for round in 0..200u8 {
        for n in 0..10 {
            store.put(&[b'k', n], &[round; 1_000]);
        }
        store.settle();
    }
    store.seal();
    assert!(store.round(Effort::Everything).expect("in no time"));
    assert_eq!(store.truth(true), store.model);
}

#[test]
fn cold_values_are_compressed() {
    for codec in [Compression::Lz4, Compression::Zstd] {
        let mut store = Store::with(|options| {
            // Not everything has room in memory, or nothing would be compressed.
            (options.compression, options.max_memory) = (codec, 1 << 30);
        });
        for n in 0..30u8 {
            store.put(&[b'k', n], &[n; 1_000]);
            // A frame each: the padding makes them worth merging.
            store.settle();
        }
        store.put(b"short", b"1");
        store.seal();
        while store.round(Effort::Everything).expect("merge") {}
        assert_eq!(
            (store.count(Kind::PutCompressed), store.truth(false)),
            (30, store.model.clone())
        );
        assert_eq!(store.truth(true), store.model);
        store.publish();
        store.check_accounts();
        // What is compressed has to be fetched.
        let mut access = store.enter();
        let key = access.key(0, route(b"k\x01", 3), b"k\x01");
        assert!(access.lock(&key).get(&key).is_err());
        assert!(!access.take_missing().is_empty());
        drop(access);
        // Copied as it is.
        for n in 0..20u8 {
            let mut access = store.enter();
            access.flush(&[1 + u16::from(n % 2)]).expect("flush");
        }
        store.merger.core.log.kick_now();
        assert_eq!(store.truth(false), store.model);
    }
}

#[test]
fn a_record_larger_than_a_segment_moves_too() {
    let mut store = Store::new();
    store.put(b"large", &vec![7; 200_000]);
    store.put(b"small", b"1");
    store.put(b"two", &vec![8; 90_000]);
    store.delete(0, b"two");
    store.seal();
    store.merge();
    assert_eq!(store.model.len(), 2);
    store.put(b"large", &vec![9; 150_000]);
    store.seal();
    store.merge();
    assert!(store.regions().1 <= 3, "{:?}", store.regions());
}

#[test]
fn a_damaged_segment_is_left_alone() {
    let mut store = Store::new();
    store.put(b"a", &[1; 30_000]);
    store.put(b"dead", &[1; 2_000]);
    store.seal();
    store.put(b"b", &[2; 30_000]);
    store.delete(0, b"dead");
    store.seal();
    let path = store.merger.files.path_of(0);
    store.io.corrupt(&path, 4096 + 64 + 200, 1).expect("corrupt");
    let error = store.round(Effort::Everything).expect_err("damage");
    assert!(error.to_string().contains("segment-000000000000"), "{error}");
    assert!(store.merger.retired().is_empty(), "no input goes when one cannot be read");
    while store.round(Effort::Everything).expect("the others") {}
    store.publish();
    store.io.corrupt(&path, 4096 + 64 + 200, 1).expect("repair");
    assert_eq!(store.truth(true), store.model, "the tombstone has stayed");
    assert_eq!(store.shown(), store.model);
}

#[test]
fn a_full_disk_changes_nothing() {
    let mut store = Store::new();
    for n in 0..100u8 {
        store.put(&[b'k', n], &[n; 1_000]);
    }
    store.seal();
    for n in 0..50u8 {
        store.delete(0, &[b'k', n]);
    }
    store.settle();
    for call in 1.. {
        let (from, fired) = (store.io.calls(), store.io.faults_fired());
        store.io.fail_from(from + call, Fault::Enospc);
        let outcome = store.round(Effort::Everything);
        let beyond = store.io.faults_fired() == fired;
        store.check();
        store.io.fail_from(u64::MAX, Fault::Enospc);
        if beyond {
            assert!(outcome.expect("no fault, no error"));
            break;
        }
        if let Err(error) = outcome {
            assert!(matches!(error, MergeError::Io(_)), "{error}");
        }
        store.publish();
        store.check();
    }
    assert!(store.io.file_names().iter().all(|name| !name.ends_with("merged.new")));
}

#[test]
fn a_pause_ends_a_round_and_nothing_is_lost() {
    let mut store = Store::new();
    for n in 0..100u8 {
        store.put(&[b'k', n], &[n; 1_000]);
    }
    store.delete(0, b"k\x01");
    store.seal();
    store.control.pause(true);
    assert!(matches!(store.round(Effort::Everything), Err(MergeError::Halted)));
    store.check();
    assert!(store.merger.retired().is_empty());
    store.control.pause(false);
    store.merge();
}

struct Rng(u64);

impl Rng {
    /// splitmix64 (Steele, Lea, Flood, OOPSLA 2014).
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// Random writes between random rounds, of which some are given up in the middle.
#[test]
fn whatever_is_merged_when_the_files_tell_the_truth() {
    let from = std::env::var("FERRIC_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let from: u64 = from.unwrap_or(1);
    for seed in from..from + 30 {
        println!("FERRIC_TEST_SEED={seed}");
        let mut rng = Rng(seed);
        let mut store = Store::new();
        store.hinted = seed % 2 == 0;
        for _ in 0..60 {
            for _ in 0..rng.below(40) {
                random_write(&mut store, &mut rng);
            }
            match rng.below(5) {
                0 => store.seal(),
                1 => store.sweep(),
                2 => store.pass(rng.below(3_000)),
                _ => random_merge(&mut store, &mut rng),
            }
        }
        store.sweep();
        store.seal();
        store.merge();
        let tombstones = store.count(Kind::Delete);
        assert!(tombstones <= 60, "{tombstones} of the last segment at most");
    }
}

fn random_write(store: &mut Store, rng: &mut Rng) {
    let (space, key) = (rng.below(u64::from(SPACES)) as u16, [b'k', rng.below(40) as u8]);
    match rng.below(40) {
        0 => store.flush(space),
        1 => store.swap(space, (space + 1) % SPACES),
        2..=12 => store.delete(space, &key),
        dice => {
            let len = if dice == 13 { 30_000 } else { rng.below(600) as usize };
            let value = vec![rng.below(256) as u8; len];
            let expiry = if dice < 22 { store.now + 1 + rng.below(4_000) } else { 0 };
            store.put_expiring(space, &key, &value, expiry);
        }
    }
}

fn random_merge(store: &mut Store, rng: &mut Rng) {
    let states = store.core.log.segments.states();
    // Some segments are left out, so that old and new garbage is on either side.
    let out = states.iter().filter(|_| rng.below(3) == 0).map(|state| state.number);
    store.merger.damaged = out.collect();
    store.settle();
    if rng.below(3) == 0 {
        store.io.fail_from(store.io.calls() + 1 + rng.below(20), Fault::Enospc);
    }
    let effort = if rng.below(2) == 0 { Effort::Everything } else { Effort::Usual };
    let _ = store.round(effort);
    store.io.fail_from(u64::MAX, Fault::Enospc);
    assert_eq!(store.core.log.failure(), None, "only merging met the fault");
    store.merger.damaged.clear();
    store.check();
    if rng.below(2) == 0 {
        store.publish();
        store.check();
    }
}
