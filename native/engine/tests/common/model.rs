//! What a store must contain: the same steps done to ordinary maps.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use ferric_engine::{Access, Engine, Entry, Key, Meta, Op, ReadError, WriteError};

use super::rng::Rng;
use super::{NOW, key, run, scan, wait_room};

/// Number of key spaces that the random steps use.
pub const SPACES: u16 = 3;

/// One command.
#[derive(Clone)]
pub enum Step {
    Put { space: u16, key: Vec<u8>, value: Vec<u8>, expiry_ms: u64 },
    Write { space: u16, changes: Vec<(Vec<u8>, Option<Vec<u8>>)> },
    Flush(Vec<u16>),
    Swap(u16, u16),
}

impl fmt::Debug for Step {
    /// Values by their length.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Put { space, key, value, expiry_ms } => {
                let key = key.escape_ascii();
                write!(f, "Put({space}, {key}, {} bytes, expires {expiry_ms})", value.len())
            }
            Step::Write { space, changes } => {
                write!(f, "Write({space}")?;
                for (key, value) in changes {
                    let len = value.as_ref().map(Vec::len);
                    write!(f, ", {} = {len:?}", key.escape_ascii())?;
                }
                write!(f, ")")
            }
            Step::Flush(spaces) => write!(f, "Flush({spaces:?})"),
            Step::Swap(a, b) => write!(f, "Swap({a}, {b})"),
        }
    }
}

/// Keys with their value and expiry.
pub type Content = BTreeMap<Vec<u8>, (Vec<u8>, u64)>;

/// The contents of all key spaces.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Model(pub Vec<Content>);

impl Default for Model {
    fn default() -> Model {
        Model(vec![Content::new(); usize::from(SPACES)])
    }
}

impl Model {
    pub fn apply(&mut self, step: &Step) {
        match step {
            Step::Put { space, key, value, expiry_ms } => {
                self.0[usize::from(*space)].insert(key.clone(), (value.clone(), *expiry_ms));
            }
            Step::Write { space, changes } => {
                let content = &mut self.0[usize::from(*space)];
                for (key, value) in changes {
                    match value {
                        Some(value) => drop(content.insert(key.clone(), (value.clone(), 0))),
                        None => drop(content.remove(key)),
                    }
                }
            }
            Step::Flush(spaces) => {
                spaces.iter().for_each(|space| self.0[usize::from(*space)].clear());
            }
            Step::Swap(a, b) => self.0.swap(usize::from(*a), usize::from(*b)),
        }
    }

    /// What the store shows at the time `now`.
    pub fn read_at(engine: &Engine, now: u64) -> Model {
        let mut model = Model::default();
        for (space, content) in model.0.iter_mut().enumerate() {
            scan(engine, space as u16, now, 50, |key, entry| {
                content.insert(key.to_vec(), (entry.value.to_vec(), entry.meta.expiry_ms));
            });
        }
        model
    }

    /// What a transaction shows, if all of it is in memory.
    pub fn read_in(access: &mut Access<'_>) -> Result<Model, ReadError> {
        let mut model = Model::default();
        for (space, content) in model.0.iter_mut().enumerate() {
            let mut visit = |key: &[u8], entry: Entry<'_>| {
                content.insert(key.to_vec(), (entry.value.to_vec(), entry.meta.expiry_ms));
            };
            let mut cursor = 0;
            loop {
                cursor = access.scan(space as u16, cursor, 50, &mut visit)?;
                if cursor == 0 {
                    break;
                }
            }
        }
        Ok(model)
    }

    pub fn read(engine: &Engine) -> Model {
        Model::read_at(engine, NOW)
    }

    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}

/// Does one step; returns what its acknowledgement has to wait for.
pub fn execute_at(engine: &Engine, step: &Step, now: u64) -> Result<u64, WriteError> {
    run(engine, now, |access| execute_in(engine, access, step)).map(|(_, lsn)| lsn)
}

/// Does one step, once.
pub fn execute_in(engine: &Engine, access: &mut Access<'_>, step: &Step) -> Result<(), WriteError> {
    match step {
        Step::Put { space, key: bytes, value, expiry_ms } => {
            let key = key(engine, access, *space, bytes);
            let meta = Meta { expiry_ms: *expiry_ms, kind: 2, flags: 1 };
            access.lock(&key).put(&key, meta, value)
        }
        Step::Write { space, changes } => {
            let keys: Vec<Key<'_>> =
                changes.iter().map(|(bytes, _)| key(engine, access, *space, bytes)).collect();
            let ops: Vec<Op<'_>> = keys
                .iter()
                .zip(changes)
                .map(|(&key, (_, value))| match value {
                    Some(value) => Op::Put { key, meta: Meta::default(), value },
                    None => Op::Delete { key },
                })
                .collect();
            access.lock_all(&keys).write(&ops)
        }
        Step::Flush(spaces) => access.flush(spaces),
        Step::Swap(a, b) => access.swap(*a, *b),
    }
}

/// [`execute_at`] at the usual time, waiting for room as often as it takes.
pub fn execute(engine: &Engine, step: &Step) -> Result<u64, WriteError> {
    loop {
        match execute_at(engine, step, NOW) {
            Err(WriteError::Busy) => wait_room(engine),
            outcome => return outcome,
        }
    }
}

/// A random step; `number` makes its values unlike those of every other step.
pub fn random_step(rng: &mut Rng, number: u64) -> Step {
    let space = rng.below(u64::from(SPACES)) as u16;
    match rng.below(40) {
        0 => Step::Flush(vec![space]),
        1 => Step::Swap(space, (space + 1) % SPACES),
        2..=12 => {
            let keys = 2 + rng.below(4);
            let change = |rng: &mut Rng| {
                let value = (!rng.one_in(4)).then(|| random_value(rng, number));
                (random_key(rng), value)
            };
            Step::Write { space, changes: (0..keys).map(|_| change(rng)).collect() }
        }
        13..=17 => Step::Write { space, changes: vec![(random_key(rng), None)] },
        _ => {
            let expiry_ms = if rng.one_in(4) { NOW + rng.below(1_000_000) } else { 0 };
            let (key, value) = (random_key(rng), random_value(rng, number));
            Step::Put { space, key, value, expiry_ms }
        }
    }
}

fn random_key(rng: &mut Rng) -> Vec<u8> {
    format!("key{}", rng.below(12)).into_bytes()
}

/// Mostly small and often of one length, so that updates in place happen; sometimes larger than a
/// block, rarely larger than a segment.
fn random_value(rng: &mut Rng, number: u64) -> Vec<u8> {
    let len = match rng.below(40) {
        0 => 66_000 + rng.below(80_000),
        1 | 2 => 10_000 + rng.below(30_000),
        3..=6 => 1_000 + rng.below(5_000),
        7..=12 => rng.below(300),
        _ => 24,
    };
    value(number, len as usize)
}

/// `len` bytes which depend on `number`.
pub fn value(number: u64, len: usize) -> Vec<u8> {
    let mut rng = Rng(number);
    let mut bytes = Vec::with_capacity(len + 8);
    bytes.extend_from_slice(&number.to_le_bytes());
    while bytes.len() < len {
        bytes.extend_from_slice(&rng.next().to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}
