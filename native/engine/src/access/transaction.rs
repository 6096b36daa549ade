//! Several commands as one.
//!
//! While a transaction is open, what its commands write is kept back, and what they read is what is
//! kept back or else what is stored. At its end everything is written as one atomic batch; until then nothing
//! has happened, so a command that finds a key on disk only ends the transaction like any command: it
//! is run again from its beginning. The shards stay locked throughout, so nobody else comes between.

use std::collections::{BTreeMap, HashSet};
use std::ops::Deref;

use parking_lot::MutexGuard;
use smallvec::SmallVec;

use super::arrange::Arrangement;
use super::write::check_sizes;
use super::{About, Access, Entry, Key, Locked, LockedShards, Meta, Op, shards_of};
use crate::core::Core;
use crate::error::{Contended, ReadError, WriteError};
use crate::object::{Codec, Malformed, Object};
use crate::shard::Shard;

/// What is kept back takes at most so many bytes: it has to fit into one batch of the log.
const MAX_KEPT_BACK: usize = 1 << 30;

/// What is known about a transaction that is open.
pub(super) struct Transaction<'e> {
    /// What is locked for it; lent to each command.
    shards: LockedShards<'e>,
    /// Something was asked for that is not locked.
    widen: bool,
    arrangement: Arrangement,
    /// What is kept back, by the number of the key space before the transaction.
    changes: Vec<BTreeMap<Box<[u8]>, Change>>,
    /// Bytes of keys, values and deltas that were kept back.
    bytes: usize,
}

/// What becomes of a key.
struct Change {
    meta: Meta,
    /// Whether the store has the key.
    stored: bool,
    value: Value,
}

enum Value {
    /// The key goes.
    Gone,
    /// It gets a value with this image.
    Image(Vec<u8>),
    /// It gets this object.
    Object(Box<dyn Object>),
    /// The object that is stored changes; that it will be has not been needed yet.
    Delta(Vec<u8>),
    /// The same; it will be this one.
    Patched(Vec<u8>, Box<dyn Object>),
}

impl Change {
    fn is_live(&self, now_ms: u64) -> bool {
        let expiry_ms = self.meta.expiry_ms;
        !matches!(self.value, Value::Gone) && (expiry_ms == 0 || now_ms <= expiry_ms)
    }

    fn is_object(&self) -> bool {
        !matches!(self.value, Value::Gone | Value::Image(_))
    }

    fn entry(&self) -> Entry<'_> {
        let (value, object) = match &self.value {
            Value::Image(image) => (image.as_slice(), None),
            Value::Object(object) | Value::Patched(_, object) => (&[][..], Some(object.as_ref())),
            Value::Gone | Value::Delta(_) => (&[][..], None),
        };
        Entry { meta: self.meta, value, object, idle_seconds: 0 }
    }

    /// Makes an object of an image that is kept as one.
    fn decode(&mut self, codec: &dyn Codec) -> Result<(), Malformed> {
        if let Value::Image(image) = &self.value
            && codec.is_object(self.meta, image.len())
        {
            self.value = Value::Object(codec.decode(self.meta, image)?);
        }
        Ok(())
    }

    fn patch(&mut self, meta: Meta, delta: &[u8]) -> Result<(), WriteError> {
        let applied = match &mut self.value {
            Value::Object(object) => object.apply(delta),
            Value::Delta(deltas) => {
                deltas.extend_from_slice(delta);
                Ok(())
            }
            Value::Patched(deltas, object) => {
                deltas.extend_from_slice(delta);
                object.apply(delta)
            }
            Value::Gone | Value::Image(_) => return Err(WriteError::NoObject),
        };
        self.meta = meta;
        applied.map_err(|Malformed| WriteError::Damaged)
    }
}

impl<'e> Transaction<'e> {
    fn new(core: &Core, shards: LockedShards<'e>) -> Transaction<'e> {
        Transaction {
            shards,
            widen: false,
            arrangement: Arrangement::of(core.spaces),
            changes: (0..core.spaces).map(|_| BTreeMap::new()).collect(),
            bytes: 0,
        }
    }

    /// The key as it was addressed before the transaction.
    fn stored_key<'k>(&self, key: &Key<'k>) -> Key<'k> {
        Key { space: self.arrangement.order[usize::from(key.space)], ..*key }
    }

    fn empties(&self, space: u16) -> bool {
        self.arrangement.empties(space)
    }

    fn change(&self, key: &Key<'_>) -> Option<&Change> {
        self.changes[usize::from(key.space)].get(key.bytes)
    }

    fn change_mut(&mut self, key: &Key<'_>) -> Option<&mut Change> {
        self.changes[usize::from(key.space)].get_mut(key.bytes)
    }

    fn insert(&mut self, key: &Key<'_>, change: Change) {
        self.changes[usize::from(key.space)].insert(key.bytes.into(), change);
    }

    /// Empties key spaces.
    pub(super) fn flush(&mut self, spaces: &[u16]) {
        for &space in spaces {
            let space = usize::from(self.arrangement.order[usize::from(space)]);
            self.arrangement.emptied[space] = true;
            self.changes[space].clear();
        }
    }

    /// Exchanges two key spaces.
    pub(super) fn swap(&mut self, a: u16, b: u16) {
        self.arrangement.order.swap(usize::from(a), usize::from(b));
    }

    /// What is kept back of a space.
    fn kept_back_of(&self, space: u16, now_ms: u64) -> KeptBack {
        let space = self.arrangement.order[usize::from(space)];
        let changes = self.changes[usize::from(space)].values();
        let (mut more, mut live) = (0, 0);
        for change in changes {
            more += i64::from(!matches!(change.value, Value::Gone)) - i64::from(change.stored);
            live += u64::from(change.is_live(now_ms));
        }
        KeptBack { space, emptied: self.empties(space), more, live }
    }
}

/// What a transaction keeps back of a key space.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeptBack {
    /// The space's number before the transaction.
    pub space: u16,
    /// None of what is stored counts.
    pub emptied: bool,
    /// By how many keys it becomes more than what is stored.
    pub more: i64,
    /// How many of the keys that are kept back are live.
    pub live: u64,
}

/// A shard that is looked through.
pub(super) enum Held<'e> {
    Own(MutexGuard<'e, Shard>),
    /// One of those that are locked for the transaction.
    Lent(LockedShards<'e>, usize),
}

impl Deref for Held<'_> {
    type Target = Shard;

    fn deref(&self) -> &Shard {
        match self {
            Held::Own(shard) => shard,
            Held::Lent(shards, position) => &shards[*position].1,
        }
    }
}

impl<'e> Access<'e> {
    /// Opens a transaction: until [`Access::commit`] or [`Access::roll_back`], what is written is kept back.
    /// The keys' shards are locked throughout, or all if `keys` is `None`.
    ///
    /// # Errors
    /// Somebody else has one of the shards for longer.
    pub fn begin<'k>(
        &mut self,
        keys: Option<&mut dyn Iterator<Item = &'k Key<'k>>>,
    ) -> Result<(), Contended> {
        let shards = match keys {
            Some(keys) => self.wait_for_all(shards_of(keys))?,
            None => self.wait_for_all(self.every_shard())?,
        };
        self.transaction = Some(Box::new(Transaction::new(self.core, shards)));
        Ok(())
    }

    /// Whether a transaction is open.
    pub fn is_in_transaction(&self) -> bool {
        self.transaction.is_some()
    }

    /// Whether the transaction has asked for keys that it has not locked: then what its commands replied is
    /// worth nothing.
    pub fn is_too_narrow(&self) -> bool {
        self.transaction.as_ref().is_some_and(|transaction| transaction.widen)
    }

    /// Ends the transaction without any effect. True if it has asked for keys that it has not locked:
    /// then it cannot come to its end unless it locks all.
    pub fn roll_back(&mut self) -> bool {
        self.transaction.take().is_some_and(|transaction| transaction.widen)
    }

    /// Ends the transaction: does all that was kept back, or nothing.
    ///
    /// # Errors
    /// See [`WriteError`]; nothing has happened then.
    pub fn commit(&mut self) -> Result<(), WriteError> {
        let Some(transaction) = self.transaction.take() else { return Ok(()) };
        let Transaction { shards, arrangement, changes, .. } = *transaction;
        let mut images: Vec<(Key<'_>, &Change, Vec<u8>)> = Vec::new();
        for (space, changes) in (0u16..).zip(&changes) {
            for (bytes, change) in changes {
                let shard = (self.core.route)(bytes, self.core.shards.len() as u16);
                let key = self.key(space, shard, bytes);
                let image = match &change.value {
                    Value::Object(_) => change.entry().image().into_owned(),
                    _ => Vec::new(),
                };
                images.push((key, change, image));
            }
        }
        let ops: Vec<Op<'_>> = images.iter().filter_map(op).collect();
        let plan = (!arrangement.is_nothing()).then_some(&arrangement);
        if ops.is_empty() && plan.is_none() {
            return Ok(());
        }
        Locked { access: self, shards }.write_arranged(&ops, plan)
    }

    /// Lends a command of the transaction what is locked, if that is all it asks for.
    pub(super) fn lend(&mut self, numbers: &[u16]) -> Result<Locked<'_, 'e>, Contended> {
        let Some(transaction) = &mut self.transaction else { return Err(Contended) };
        let is_held = |number: &u16| transaction.shards.iter().any(|(held, _)| held == number);
        if !numbers.iter().all(is_held) {
            transaction.widen = true;
            return Err(Contended);
        }
        let shards = std::mem::take(&mut transaction.shards);
        Ok(Locked { access: self, shards })
    }

    /// Locks a shard, or takes it from the transaction, to which it goes back with [`Access::let_go`].
    pub(super) fn hold(&mut self, number: usize) -> Result<Held<'e>, Contended> {
        let Some(transaction) = &mut self.transaction else {
            return Ok(Held::Own(self.core.shards[number].lock()));
        };
        let position = transaction.shards.iter().position(|(held, _)| usize::from(*held) == number);
        let Some(position) = position else {
            transaction.widen = true;
            return Err(Contended);
        };
        Ok(Held::Lent(std::mem::take(&mut transaction.shards), position))
    }

    pub(super) fn let_go(&mut self, held: Held<'e>) {
        if let (Held::Lent(shards, _), Some(transaction)) = (held, &mut self.transaction) {
            transaction.shards = shards;
        }
    }

    /// What is kept back of a key space; `None` if no transaction is open.
    pub(super) fn kept_back_of(&self, space: u16) -> Option<KeptBack> {
        Some(self.transaction.as_ref()?.kept_back_of(space, self.now_ms))
    }

    fn changes_of(&self, space: u16) -> Option<&BTreeMap<Box<[u8]>, Change>> {
        Some(&self.transaction.as_ref()?.changes[usize::from(space)])
    }

    /// Visits the live keys that are kept back of a space, by its number before.
    pub(super) fn visit_kept_back(&self, space: u16, visit: &mut dyn FnMut(&[u8], Entry<'_>)) {
        let changes = self.changes_of(space).into_iter().flatten();
        changes
            .filter(|(_, change)| change.is_live(self.now_ms))
            .for_each(|(key, change)| visit(key, change.entry()));
    }

    /// The live key with this number, from 0, of those.
    pub(super) fn live_kept_back(&self, space: u16, number: u64) -> Option<Vec<u8>> {
        let changes = self.changes_of(space)?.iter();
        let mut live = changes.filter(|(_, change)| change.is_live(self.now_ms));
        Some(live.nth(number as usize)?.0.to_vec())
    }

    /// All keys that are kept back of a space, live or not.
    pub(super) fn keys_kept_back(&self, space: u16) -> HashSet<Box<[u8]>> {
        self.changes_of(space).into_iter().flat_map(BTreeMap::keys).cloned().collect()
    }

    /// Whether something is kept back for this key of a space.
    pub(super) fn keeps_back(&self, space: u16, key: &[u8]) -> bool {
        self.changes_of(space).is_some_and(|changes| changes.contains_key(key))
    }
}

/// What is to be written for a change.
fn op<'a>((key, change, image): &'a (Key<'a>, &'a Change, Vec<u8>)) -> Option<Op<'a>> {
    let (key, meta) = (*key, change.meta);
    Some(match &change.value {
        Value::Gone if !change.stored => return None,
        Value::Gone => Op::Delete { key },
        Value::Image(value) => Op::Put { key, meta, value },
        Value::Object(_) => Op::Put { key, meta, value: image },
        Value::Delta(delta) | Value::Patched(delta, _) => Op::Patch { key, meta, delta },
    })
}

/// What is locked goes back to the transaction.
impl Drop for Locked<'_, '_> {
    #[inline]
    fn drop(&mut self) {
        self.give_back();
    }
}

impl<'e> Locked<'_, 'e> {
    /// Gives the transaction back what it has lent.
    #[inline]
    pub(super) fn give_back(&mut self) {
        if let Some(transaction) = &mut self.access.transaction
            && !self.shards.is_empty()
        {
            transaction.shards = std::mem::take(&mut self.shards);
        }
    }

    fn transaction(&mut self) -> &mut Transaction<'e> {
        self.access.transaction.as_mut().expect("asked for in a transaction only")
    }

    /// [`Locked::get`] in a transaction.
    pub(super) fn get_kept_back(
        &mut self,
        key: &Key<'_>,
        touch: bool,
    ) -> Result<Option<Entry<'_>>, ReadError> {
        let (core, now_ms) = (self.access.core, self.access.now_ms);
        let key = self.transaction().stored_key(key);
        let Some(change) = self.transaction().change_mut(&key) else {
            if self.transaction().empties(key.space) {
                return Ok(None);
            }
            return self.get_stored(&key, touch);
        };
        if !change.is_live(now_ms) {
            return Ok(None);
        }
        change.decode(&*core.codec).map_err(|Malformed| ReadError::Damaged)?;
        if matches!(change.value, Value::Delta(_)) {
            self.patch_copy(&key)?;
        }
        Ok(self.transaction().change(&key).map(Change::entry))
    }

    /// Makes the object that a stored one will be.
    fn patch_copy(&mut self, key: &Key<'_>) -> Result<(), ReadError> {
        let codec = &*self.access.core.codec;
        let stored = self.get_stored(key, false)?.ok_or(ReadError::Damaged)?;
        let copy = match stored.object.and_then(Object::snapshot) {
            Some(copy) => Ok(copy),
            None => codec.decode(stored.meta, &stored.image()),
        };
        let mut object = copy.map_err(|Malformed| ReadError::Damaged)?;
        let change = self.transaction().change_mut(key);
        if let Some(Change { value, .. }) = change
            && let Value::Delta(deltas) = value
        {
            let deltas = std::mem::take(deltas);
            object.apply(&deltas).map_err(|Malformed| ReadError::Damaged)?;
            *value = Value::Patched(deltas, object);
        }
        Ok(())
    }

    /// [`Locked::about`] in a transaction.
    pub(super) fn about_kept_back(&mut self, key: &Key<'_>) -> Result<Option<About>, ReadError> {
        let now_ms = self.access.now_ms;
        let transaction = self.transaction();
        let key = transaction.stored_key(key);
        match transaction.change(&key) {
            Some(change) if change.is_live(now_ms) => {
                let is_object = change.is_object();
                Ok(Some(About { meta: change.meta, is_object, idle_seconds: 0 }))
            }
            Some(_) => Ok(None),
            None if transaction.empties(key.space) => Ok(None),
            None => self.about_stored(&key),
        }
    }

    /// [`Locked::write`] in a transaction.
    pub(super) fn keep_back(&mut self, ops: &[Op<'_>]) -> Result<(), WriteError> {
        let mut stored: SmallVec<[bool; 2]> = SmallVec::with_capacity(ops.len());
        let mut bytes = self.transaction().bytes;
        for op in ops {
            let key = self.transaction().stored_key(op.key());
            let len = match op {
                Op::Put { value, .. } => value.len(),
                Op::Patch { delta, .. } => delta.len(),
                Op::Delete { .. } => 0,
            };
            check_sizes(key.bytes, len)?;
            bytes = bytes.saturating_add(key.bytes.len() + len);
            let known = self.transaction().change(&key).map(|change| change.stored);
            stored.push(match known {
                Some(stored) => stored,
                None if self.transaction().empties(key.space) => false,
                None => self.about_stored(&key)?.is_some(),
            });
        }
        if bytes > MAX_KEPT_BACK {
            return Err(WriteError::TooLarge);
        }
        self.transaction().bytes = bytes;
        ops.iter().zip(stored).try_for_each(|(op, stored)| self.keep_back_one(op, stored))
    }

    fn keep_back_one(&mut self, op: &Op<'_>, stored: bool) -> Result<(), WriteError> {
        let transaction = self.transaction();
        let key = transaction.stored_key(op.key());
        match *op {
            Op::Put { meta, value, .. } => {
                let value = Value::Image(value.to_vec());
                transaction.insert(&key, Change { meta, stored, value });
            }
            Op::Delete { .. } => {
                let (meta, value) = (Meta::default(), Value::Gone);
                transaction.insert(&key, Change { meta, stored, value });
            }
            Op::Patch { meta, delta, .. } => match transaction.change_mut(&key) {
                Some(change) => change.patch(meta, delta)?,
                None if stored => {
                    let value = Value::Delta(delta.to_vec());
                    transaction.insert(&key, Change { meta, stored, value });
                }
                None => return Err(WriteError::NoObject),
            },
        }
        Ok(())
    }
}
