//! Objects against ordinary maps, in a store that has memory for few of them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use crate::access::{Access, Entry, Key, Meta, Op};
use crate::address::{ChainPlace, MERGED, Region, region};
use crate::clock::ManualClock;
use crate::core::Core;
use crate::engine::Engine;
use crate::error::{ReadError, WriteError};
use crate::io::sim::SimIo;
use crate::live::Share;
use crate::object::Object;
use crate::options::Options;
use crate::record::delta::Member;

#[path = "../../tests/common/list.rs"]
#[allow(dead_code, missing_docs)]
mod list;
#[path = "../../tests/common/rng.rs"]
#[allow(dead_code, missing_docs)]
mod rng;

use list::{KIND, List, Lists, delta, strings};
use rng::Rng;

const NOW: u64 = 1_000_000;
const SPACES: u16 = 3;
const SHIFT: u32 = 16;
/// Memory for a few segments, and some hundred KiB of objects and records.
const BUDGET: u64 = (4 << 20) + (320 << 10);

type Strings = Vec<Vec<u8>>;
type Content = BTreeMap<(u16, Vec<u8>), (Strings, u64)>;

struct Store {
    disk: SimIo,
    engine: Arc<Engine>,
    clock: Arc<ManualClock>,
    max_memory: u64,
    now: u64,
    model: Content,
    rng: Rng,
}

fn route(key: &[u8], shards: u16) -> u16 {
    key.iter().fold(7u16, |sum, &byte| sum.wrapping_mul(31).wrapping_add(u16::from(byte))) % shards
}

/// What a command may fail with.
enum Stop {
    Cold,
    Busy,
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Stop {
        assert_eq!(error, ReadError::Cold);
        Stop::Cold
    }
}

impl From<WriteError> for Stop {
    fn from(error: WriteError) -> Stop {
        match error {
            WriteError::Cold => Stop::Cold,
            WriteError::Busy => Stop::Busy,
            error => panic!("{error}"),
        }
    }
}

impl Store {
    fn new(seed: u64, max_memory: u64) -> Store {
        let (disk, clock) = (SimIo::new(), Arc::new(ManualClock::new(NOW)));
        let engine = Store::open(&disk, &clock, max_memory);
        let (model, rng) = (Content::new(), Rng(seed));
        Store { disk, engine, clock, max_memory, now: NOW, model, rng }
    }

    fn open(disk: &SimIo, clock: &Arc<ManualClock>, max_memory: u64) -> Arc<Engine> {
        let mut options = Options::new("/store", Arc::new(disk.clone()));
        (options.shards, options.spaces, options.route) = (2, SPACES, route);
        (options.segment_size, options.max_memory) = (1 << SHIFT, max_memory);
        (options.spare_segments, options.maintenance) = (false, false);
        options.clock = Arc::clone(clock) as _;
        options.codec = Arc::new(Lists);
        Engine::open(options).expect("an intact store")
    }

    fn reopen(&mut self) {
        self.engine.close().expect("close");
        self.engine = Store::open(&self.disk, &self.clock, self.max_memory);
    }

    fn core(&self) -> &Core {
        self.engine.core()
    }

    /// Runs a command as the executor does, until it has what it needs.
    fn run<T>(&self, mut command: impl FnMut(&mut Access<'_>) -> Result<T, Stop>) -> T {
        for attempts in 0..1_000 {
            let mut access = self.engine.enter(self.now);
            let (sender, receiver) = channel();
            match command(&mut access) {
                Ok(outcome) => return outcome,
                Err(Stop::Cold) => {
                    let mut missing = access.take_missing();
                    assert!(!missing.is_empty());
                    missing.set_attempts(attempts);
                    drop(access);
                    self.engine.fetch(missing, Box::new(move || sender.send(()).expect("heard")));
                    receiver.recv().expect("the waiter is called");
                }
                Err(Stop::Busy) => {
                    drop(access);
                    let told = Box::new(move |_: Result<u64, _>| sender.send(()).expect("heard"));
                    if self.engine.wait_room(told).is_none() {
                        receiver.recv().expect("the waiter is called");
                    }
                }
            }
        }
        panic!("always something missing: {:?}", self.engine.stats());
    }

    fn key<'k>(&self, access: &Access<'_>, space: u16, bytes: &'k [u8]) -> Key<'k> {
        access.key(space, route(bytes, 2), bytes)
    }

    fn get(&self, space: u16, bytes: &[u8]) -> Option<(Strings, u64)> {
        self.run(|access| {
            let key = self.key(access, space, bytes);
            let entry = |entry: Option<Entry<'_>>| {
                entry.map(|entry| (strings(&entry), entry.meta.expiry_ms))
            };
            Ok(access.read(&key, true, entry)?)
        })
    }

    fn string(&mut self) -> Vec<u8> {
        let len = match self.rng.below(10) {
            0 => 0,
            1..6 => self.rng.below(30),
            6..9 => self.rng.below(300),
            _ => self.rng.below(4_000),
        };
        let byte = self.rng.next() as u8;
        vec![byte; len as usize]
    }

    fn list(&mut self) -> Strings {
        let len = match self.rng.below(12) {
            0..6 => self.rng.below(8),
            6..11 => self.rng.below(60),
            _ => self.rng.below(800),
        };
        (0..len).map(|_| self.string()).collect()
    }

    fn name(&mut self) -> (u16, Vec<u8>) {
        let (space, number) = (self.rng.below(SPACES.into()) as u16, self.rng.below(12));
        (space, format!("key {number}").into_bytes())
    }

    fn live(&self, name: &(u16, Vec<u8>)) -> Option<(Strings, u64)> {
        let is_live = |expiry: u64| expiry == 0 || self.now <= expiry;
        self.model.get(name).filter(|(_, expiry)| is_live(*expiry)).cloned()
    }

    fn put(&mut self) {
        let ((space, name), list) = (self.name(), self.list());
        let expiry_ms = if self.rng.one_in(5) { self.now + self.rng.below(20_000) } else { 0 };
        let (meta, image) = (Meta { kind: KIND, expiry_ms, flags: 0 }, List::of(&list).image());
        self.run(|access| {
            let key = self.key(access, space, &name);
            Ok(access.lock(&key).put(&key, meta, &image)?)
        });
        self.model.insert((space, name), (list, expiry_ms));
    }

    /// Sets or appends a string of some keys, all at once; those that are not there are deleted.
    fn patch(&mut self) {
        let mut names: Vec<(u16, Vec<u8>)> =
            (0..=self.rng.below(3) / 2).map(|_| self.name()).collect();
        names.sort();
        names.dedup();
        let mut changed = self.model.clone();
        let mut deltas: Vec<Vec<u8>> = Vec::new();
        for name in &names {
            let string = self.string();
            let Some((mut list, expiry_ms)) = self.live(name) else {
                changed.remove(name);
                deltas.push(Vec::new());
                continue;
            };
            let place = self.rng.below(list.len() as u64 + 2).min(list.len() as u64) as usize;
            deltas.push(delta(place, &string));
            if place < list.len() {
                list[place] = string
            } else {
                list.push(string)
            }
            changed.insert(name.clone(), (list, expiry_ms));
        }
        self.run(|access| {
            let keys: Vec<Key<'_>> =
                names.iter().map(|(space, name)| self.key(access, *space, name)).collect();
            let mut locked = access.lock_all(&keys);
            let mut images: Vec<Option<(Meta, Option<Vec<u8>>)>> = Vec::new();
            for (key, delta) in keys.iter().zip(&deltas) {
                let image = |entry: Entry<'_>| {
                    if entry.object.is_some() {
                        return (entry.meta, None);
                    }
                    let mut list = List::decode(entry.value).expect("an image");
                    Object::apply(&mut list, delta).expect("a delta");
                    (entry.meta, Some(list.image()))
                };
                images.push(locked.get(key)?.map(image));
            }
            let ops: Vec<Op<'_>> = keys
                .iter()
                .zip(&deltas)
                .zip(&images)
                .map(|((key, delta), image)| match image {
                    None => Op::Delete { key: *key },
                    Some((meta, None)) => Op::Patch { key: *key, meta: *meta, delta },
                    Some((meta, Some(image))) => Op::Put { key: *key, meta: *meta, value: image },
                })
                .collect();
            Ok(locked.write(&ops)?)
        });
        self.model = changed;
    }

    /// Changes the expiry of a key, wherever its value is.
    fn expire(&mut self) {
        let name = self.name();
        let Some((list, _)) = self.live(&name) else { return };
        let expiry_ms = if self.rng.one_in(2) { 0 } else { self.now + self.rng.below(20_000) };
        self.run(|access| {
            let key = self.key(access, name.0, &name.1);
            let mut locked = access.lock(&key);
            let about = locked.about(&key)?.expect("it is there");
            let meta = Meta { expiry_ms, ..about.meta };
            if about.is_object {
                return Ok(locked.write(&[Op::Patch { key, meta, delta: &[] }])?);
            }
            let image = locked.peek(&key)?.expect("it is there").image().into_owned();
            Ok(locked.put(&key, meta, &image)?)
        });
        self.model.insert(name, (list, expiry_ms));
    }

    fn delete(&mut self) {
        let (space, name) = self.name();
        self.run(|access| {
            let key = self.key(access, space, &name);
            Ok(access.lock(&key).delete(&key)?)
        });
        self.model.remove(&(space, name));
    }

    fn flush_or_swap(&mut self) {
        let (a, b) = (self.rng.below(SPACES.into()) as u16, self.rng.below(SPACES.into()) as u16);
        if self.rng.one_in(2) {
            self.run(|access| Ok(access.flush(&[a])?));
            self.model.retain(|(space, _), _| *space != a);
        } else {
            self.run(|access| Ok(access.swap(a, b)?));
            let other = |space: u16| {
                if space == a {
                    b
                } else if space == b {
                    a
                } else {
                    space
                }
            };
            let old = std::mem::take(&mut self.model);
            self.model = old.into_iter().map(|((s, name), it)| ((other(s), name), it)).collect();
        }
    }

    fn check(&mut self) {
        let name = self.name();
        assert_eq!(self.get(name.0, &name.1), self.live(&name), "{name:?}");
    }

    fn step(&mut self) {
        match self.rng.below(100) {
            0..15 => self.put(),
            15..65 => self.patch(),
            65..75 => self.expire(),
            75..80 => self.delete(),
            80 if self.rng.one_in(3) => self.flush_or_swap(),
            81..85 => {
                self.now += self.rng.below(3_000);
                self.clock.set(self.now);
            }
            _ => self.check(),
        }
    }

    /// Looks at everything: contents, and what is counted.
    fn check_all(&self) {
        for space in 0..SPACES {
            for number in 0..12 {
                let name = (space, format!("key {number}").into_bytes());
                assert_eq!(self.get(space, &name.1), self.live(&name), "{name:?}");
            }
        }
        let end = Instant::now() + Duration::from_secs(20);
        while let Err(difference) = accounts(self.core()) {
            assert!(Instant::now() < end, "{difference}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Compares what is counted with what there is; different for a moment while key spaces are emptied
/// or objects freed.
fn accounts(core: &Core) -> Result<(), String> {
    let guard = crossbeam_epoch::pin();
    let shards: Vec<_> = core.shards.iter().map(|shard| shard.lock()).collect();
    let mut heap = 0;
    for shard in &shards {
        let mut counted: BTreeMap<u64, Share> = BTreeMap::new();
        let mut count = |address: u64, weight: u64| {
            assert!(region(address) <= Region::Merged);
            let share = counted.entry(address >> SHIFT).or_default();
            share.records += 1;
            share.bytes += weight;
        };
        for space in &shard.spaces {
            let slots = (0..space.index.tables()).flat_map(|table| space.index.entries(table));
            let (mut chains, mut expires) = (0, 0);
            for slot in slots {
                expires += u64::from(slot.expiry_s() != 0);
                let handle = match ChainPlace::of(slot.address()) {
                    Some(ChainPlace::Handle(handle)) => handle,
                    Some(ChainPlace::Newest(newest)) => {
                        return Err(format!("{newest:#x} has not been looked through"));
                    }
                    None => {
                        count(core.origin(slot, &guard), slot.weight());
                        continue;
                    }
                };
                chains += 1;
                let chain = space.chains.get(handle).expect("a chain in the table");
                let members: &[Member] = chain.records.members();
                members.iter().for_each(|member| count(member.address(), member.weight()));
                assert_eq!(chain.hash, slot.hash());
                assert_eq!(chain.records.deltas.count as usize, chain.records.deltas().len());
            }
            assert_eq!((chains, expires), (space.chains.len(), space.expires));
            heap += space.chains.iter().map(|(_, chain)| chain.heap() as u64).sum::<u64>();
        }
        let numbers = 0..core.log.written() / (1 << SHIFT) + 2;
        for start in numbers.flat_map(|number| [number << SHIFT, number << SHIFT | MERGED]) {
            let expected = counted.get(&(start >> SHIFT)).copied().unwrap_or_default();
            let live = shard.live.of(start, 1);
            if live != expected {
                return Err(format!("{start:#x}: {live:?} instead of {expected:?}"));
            }
        }
    }
    match core.heap.bytes() {
        bytes if bytes == heap => Ok(()),
        bytes => Err(format!("{bytes} bytes of objects instead of {heap}")),
    }
}

#[test]
fn objects_are_what_maps_are() {
    let (mut evicted, mut loaded, mut folds) = (0, 0, 0);
    for seed in 1..=4 {
        let mut store = Store::new(seed, BUDGET);
        for number in 0..3_000 {
            store.step();
            if number % 500 == 499 {
                store.check_all();
            }
            if number % 1_000 == 999 {
                let stats = store.engine.stats();
                evicted += stats.objects_evicted;
                loaded += stats.objects_loaded;
                folds += stats.folds;
                store.reopen();
                store.check_all();
            }
        }
        store.run(|access| Ok(access.flush(&[0, 1, 2])?));
        store.model.clear();
        store.check_all();
        store.engine.close().expect("close");
    }
    assert!(evicted > 20 && loaded > 20 && folds > 20, "{evicted} {loaded} {folds}");
}
