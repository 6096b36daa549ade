//! Random commands on values that are lists, and what a store must contain after them.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use ferric_engine::{Access, Engine, Key, Meta, Op, ReadError, WriteError};

use super::list::{KIND, List, PACKED, delta, strings};
use super::rng::Rng;
use super::{NOW, key, run, wait_room};

/// Keys that the random steps use.
const KEYS: u64 = 6;

/// A change of one list: the string at a place becomes another one, or is appended.
#[derive(Clone, Debug)]
pub struct Change {
    pub key: u64,
    pub place: usize,
    pub string: Vec<u8>,
}

/// One command.
#[derive(Clone)]
pub enum Step {
    Put {
        key: u64,
        list: Vec<Vec<u8>>,
        expiry_ms: u64,
    },
    /// Changes of several lists, and the end of others, all or none.
    Write {
        changes: Vec<Change>,
        deletes: Vec<u64>,
    },
    /// Nothing but the expiry.
    Expire {
        key: u64,
        expiry_ms: u64,
    },
    Flush,
}

impl std::fmt::Debug for Step {
    /// Strings by their length.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Step::Put { key, list, expiry_ms } => {
                let bytes: usize = list.iter().map(Vec::len).sum();
                write!(f, "Put({key}, {} strings, {bytes} bytes, {expiry_ms})", list.len())
            }
            Step::Write { changes, deletes } => {
                let of = |change: &Change| (change.key, change.place, change.string.len());
                let changes: Vec<_> = changes.iter().map(of).collect();
                write!(f, "Write({changes:?}, deletes {deletes:?})")
            }
            Step::Expire { key, expiry_ms } => write!(f, "Expire({key}, {expiry_ms})"),
            Step::Flush => write!(f, "Flush"),
        }
    }
}

/// Lists with their expiry, by key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lists(pub BTreeMap<u64, (Vec<Vec<u8>>, u64)>);

/// One key is long.
pub fn name(key: u64) -> Vec<u8> {
    let mut name = format!("list{key}").into_bytes();
    name.resize(if key == 4 { 10_000 } else { name.len() }, b'k');
    name
}

fn set(list: &mut Vec<Vec<u8>>, change: &Change) {
    match list.get_mut(change.place) {
        Some(string) => string.clone_from(&change.string),
        None => list.push(change.string.clone()),
    }
}

impl Lists {
    pub fn apply(&mut self, step: &Step) {
        match step {
            Step::Put { key, list, expiry_ms } => {
                self.0.insert(*key, (list.clone(), *expiry_ms));
            }
            Step::Write { changes, deletes } => {
                for change in changes {
                    set(&mut self.0.get_mut(&change.key).expect("it is there").0, change);
                }
                deletes.iter().for_each(|key| drop(self.0.remove(key)));
            }
            Step::Expire { key, expiry_ms } => {
                self.0.get_mut(key).expect("it is there").1 = *expiry_ms;
            }
            Step::Flush => self.0.clear(),
        }
    }

    /// What the store shows.
    pub fn read(engine: &Engine) -> Result<Lists, String> {
        Lists::read_at(engine, NOW)
    }

    /// What the store shows at the time `now`.
    pub fn read_at(engine: &Engine, now: u64) -> Result<Lists, String> {
        Lists::collect(|n| get_at(engine, n, now).map_err(|error| format!("list {n}: {error}")))
    }

    /// What a transaction shows.
    pub fn read_in(engine: &Engine, access: &mut Access<'_>) -> Result<Lists, ReadError> {
        Lists::collect(|n| get_in(engine, access, n))
    }

    fn collect<E>(mut get: impl FnMut(u64) -> Result<Found, E>) -> Result<Lists, E> {
        let mut lists = Lists::default();
        for n in 0..KEYS {
            if let Some(list) = get(n)? {
                lists.0.insert(n, list);
            }
        }
        Ok(lists)
    }

    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}

/// A list and its expiry.
type Found = Option<(Vec<Vec<u8>>, u64)>;

pub fn get(engine: &Engine, n: u64) -> Result<Found, ReadError> {
    get_at(engine, n, NOW)
}

fn get_at(engine: &Engine, n: u64, now: u64) -> Result<Found, ReadError> {
    run(engine, now, |access| get_in(engine, access, n)).map(|(list, _)| list)
}

fn get_in(engine: &Engine, access: &mut Access<'_>, n: u64) -> Result<Found, ReadError> {
    let bytes = name(n);
    let key = key(engine, access, 0, &bytes);
    let read = |entry: Option<ferric_engine::Entry<'_>>| {
        entry.map(|entry| (strings(&entry), entry.meta.expiry_ms))
    };
    access.read(&key, true, read)
}

/// Does one step, waiting for room as often as it takes; returns what its acknowledgement has to wait
/// for.
pub fn execute(engine: &Engine, step: &Step) -> Result<u64, WriteError> {
    loop {
        match run(engine, NOW, |access| execute_in(engine, access, step)) {
            Err(WriteError::Busy) => wait_room(engine),
            outcome => return outcome.map(|(_, lsn)| lsn),
        }
    }
}

/// Does one step, once.
pub fn execute_in(engine: &Engine, access: &mut Access<'_>, step: &Step) -> Result<(), WriteError> {
    match step {
        Step::Put { key: n, list, expiry_ms } => {
            let (bytes, image) = (name(*n), List::of(list).image());
            let key = key(engine, access, 0, &bytes);
            let meta = Meta { expiry_ms: *expiry_ms, kind: KIND, flags: 0 };
            access.lock(&key).put(&key, meta, &image)
        }
        Step::Write { changes, deletes } => write(engine, access, changes, deletes),
        Step::Expire { key: n, expiry_ms } => {
            let bytes = name(*n);
            let key = key(engine, access, 0, &bytes);
            let mut locked = access.lock(&key);
            let entry = locked.get(&key)?.expect("it is there");
            let meta = Meta { expiry_ms: *expiry_ms, ..entry.meta };
            if entry.object.is_some() {
                return locked.write(&[Op::Patch { key, meta, delta: &[] }]);
            }
            let image = entry.value.to_vec();
            locked.put(&key, meta, &image)
        }
        Step::Flush => access.flush(&[0]),
    }
}

/// What becomes of one list.
enum Outcome {
    Patch(Meta, Vec<u8>),
    Put(Meta, Vec<u8>),
}

fn write(
    engine: &Engine,
    access: &mut Access<'_>,
    changes: &[Change],
    deletes: &[u64],
) -> Result<(), WriteError> {
    let names: Vec<Vec<u8>> =
        changes.iter().map(|change| change.key).chain(deletes.iter().copied()).map(name).collect();
    let keys: Vec<Key<'_>> = names.iter().map(|bytes| key(engine, access, 0, bytes)).collect();
    let mut locked = access.lock_all(&keys);
    let mut outcomes = Vec::new();
    for (change, key) in changes.iter().zip(&keys) {
        let entry = locked.get(key)?.expect("it is there");
        outcomes.push(if entry.object.is_some() {
            Outcome::Patch(entry.meta, delta(change.place, &change.string))
        } else {
            let mut list = strings(&entry);
            set(&mut list, change);
            Outcome::Put(entry.meta, List::of(&list).image())
        });
    }
    let ops = keys.iter().zip(&outcomes).map(|(&key, outcome)| match outcome {
        Outcome::Patch(meta, delta) => Op::Patch { key, meta: *meta, delta },
        Outcome::Put(meta, value) => Op::Put { key, meta: *meta, value },
    });
    let deletes = keys[changes.len()..].iter().map(|&key| Op::Delete { key });
    let ops: Vec<Op<'_>> = ops.chain(deletes).collect();
    locked.write(&ops)
}

/// `len` bytes that depend on `number`.
fn string(rng: &mut Rng, number: u64, len: u64) -> Vec<u8> {
    let salt = rng.next();
    (0..len).map(|at| (number ^ salt ^ (at << 3)) as u8).collect()
}

/// Packed, of one record, of several parts.
fn list(rng: &mut Rng, number: u64) -> Vec<Vec<u8>> {
    let (count, len) = match rng.below(8) {
        0 => (rng.below(5), PACKED as u64 / 8),
        1..=4 => (1 + rng.below(20), 300),
        5 | 6 => (10 + rng.below(10), 3_000),
        _ => (30 + rng.below(20), 9_000),
    };
    (0..count).map(|_| string(rng, number, len)).collect()
}

/// A random step; `number` makes its values unlike those of every other step.
pub fn random_step(rng: &mut Rng, model: &Lists, number: u64) -> Step {
    let present: Vec<u64> = model.0.keys().copied().collect();
    let pick = |rng: &mut Rng| present[rng.below(present.len() as u64) as usize];
    match rng.below(40) {
        0 => Step::Flush,
        1..=4 if !present.is_empty() => {
            Step::Write { changes: Vec::new(), deletes: vec![pick(rng)] }
        }
        5..=7 if !present.is_empty() => {
            let expiry_ms = if rng.one_in(2) { NOW + 1 + rng.below(1_000_000) } else { 0 };
            Step::Expire { key: pick(rng), expiry_ms }
        }
        8..=34 if !present.is_empty() => {
            let mut changed = vec![pick(rng), pick(rng), pick(rng)];
            changed.truncate(1 + rng.below(3) as usize);
            changed.sort_unstable();
            changed.dedup();
            let change = |key: u64| {
                let old = &model.0[&key].0;
                let place = rng.below(old.len() as u64 + 1) as usize;
                let factor = [1, 2, 8][rng.below(3) as usize];
                let len = old.first().map_or(100, |first| first.len() as u64 * factor);
                let len = len.min(20_000);
                Change { key, place, string: string(rng, number, len) }
            };
            let changes: Vec<Change> = changed.iter().copied().map(change).collect();
            let mut deletes = vec![pick(rng)];
            deletes.retain(|key| rng.one_in(10) && !changed.contains(key));
            Step::Write { changes, deletes }
        }
        _ => {
            let expiry_ms = if rng.one_in(4) { NOW + 1 + rng.below(1_000_000) } else { 0 };
            Step::Put { key: rng.below(KEYS), list: list(rng, number), expiry_ms }
        }
    }
}
