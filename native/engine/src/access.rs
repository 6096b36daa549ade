//! Reading and writing: what a batch of commands holds while it runs.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_epoch::Guard;
use parking_lot::MutexGuard;
use smallvec::SmallVec;

use crate::Lsn;
use crate::address::{Region, is_in_log, region};
use crate::core::Core;
use crate::error::{Contended, ReadError, WriteError};
use crate::index::{Index, Place, Slot};
use crate::log::Write;
use crate::object::Object;
use crate::prefetch::prefetch;
use crate::record::{self, Header, Kind, MAX_KEY, MAX_VALUE};
use crate::shard::{RecordRef, Shard};
use crate::stats::Counters;
use crate::tier::fetch::ColdRef;

pub(crate) mod keyspace;
mod read;

/// Records fetched for one batch of commands at a time, and their bytes.
const MAX_MISSING: usize = 256;
const MAX_MISSING_BYTES: u64 = 4 << 20;
/// Attempts of a command before the read cache is made larger for it.
const PATIENT_ATTEMPTS: u32 = 3;

/// Shards with fewer keys together have their index and small records in the processor's caches.
const CACHED_KEYS: u64 = 1 << 14;

/// Everything about a value that is not the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meta {
    /// Absolute expiry, Unix milliseconds; 0 = never. The key is gone when the clock has passed it.
    pub expiry_ms: u64,
    /// The caller's type tag, 0 to 15.
    pub kind: u8,
    /// The caller's flags, 4 bits.
    pub flags: u8,
}

impl Meta {
    fn tag(self) -> u8 {
        self.kind & 15 | self.flags << 4
    }

    fn of(header: &Header) -> Meta {
        Meta { expiry_ms: header.expiry_ms, kind: header.tag & 15, flags: header.tag >> 4 }
    }
}

/// Records that are on disk only and wanted in memory; see [`crate::Engine::fetch`].
#[derive(Debug, Default)]
pub struct Missing {
    refs: Vec<ColdRef>,
    /// Upper bound on their lengths together.
    bytes: u64,
    /// How often the command has asked before.
    attempts: u32,
}

impl Missing {
    /// True when nothing is missing.
    pub fn is_empty(&self) -> bool {
        self.refs.is_empty()
    }

    fn is_full(&self) -> bool {
        self.refs.len() >= MAX_MISSING || self.bytes >= MAX_MISSING_BYTES
    }

    /// Says that the command has been run `attempts` times before, and something was always
    /// missing: then it may need more at a time than the read cache has room for, and gets it.
    pub fn set_attempts(&mut self, attempts: u32) {
        self.attempts = attempts;
    }

    /// Bytes by which the read cache has to be larger for this.
    pub(crate) fn boost(&self) -> u64 {
        match self.attempts {
            0..PATIENT_ATTEMPTS => 0,
            attempts => self.bytes.saturating_mul(u64::from(attempts)),
        }
    }

    pub(crate) fn into_refs(mut self) -> Vec<ColdRef> {
        // One key may be asked for by several commands of a pipeline.
        self.refs.sort_unstable_by_key(|cold| cold.address);
        self.refs.dedup_by_key(|cold| cold.address);
        self.refs
    }

    fn add(&mut self, shard: u16, space: u32, slot: Slot) {
        let len = slot.size_bound();
        // One at least, however large: or its command would never run.
        let fits = self.refs.is_empty() || self.bytes + len <= MAX_MISSING_BYTES;
        if self.is_full() || !fits {
            return;
        }
        self.bytes += len;
        let (address, hash) = (slot.address(), slot.hash());
        // Size classes end at 2^31.
        self.refs.push(ColdRef { address, len: len as u32, shard, space, hash });
    }
}

/// A key as the engine addresses it, made by [`Access::key`].
#[derive(Clone, Copy, Debug)]
pub struct Key<'k> {
    /// Key space ("database").
    pub space: u16,
    /// The shard that owns the key.
    pub shard: u16,
    hash: u32,
    /// The key itself.
    pub bytes: &'k [u8],
}

/// Where a key will be looked for; see [`Access::warm_up`].
#[derive(Clone, Copy, Debug)]
pub struct Hint {
    space: u16,
    shard: u16,
    hash: u32,
}

impl From<Key<'_>> for Hint {
    fn from(key: Key<'_>) -> Hint {
        Hint { space: key.space, shard: key.shard, hash: key.hash }
    }
}

/// A live value.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    /// Type, flags and expiry.
    pub meta: Meta,
    /// The value; nothing when it is an object.
    pub value: &'a [u8],
    /// The value as a structure, when it is one.
    pub object: Option<&'a dyn Object>,
    /// Seconds since the last access before this one; saturates below 8192.
    pub idle_seconds: u32,
}

/// One change of an atomic batch.
#[derive(Clone, Copy, Debug)]
pub enum Op<'a> {
    /// The key gets this value, whatever it had.
    Put {
        /// Whose value.
        key: Key<'a>,
        /// Type, flags and expiry.
        meta: Meta,
        /// The value.
        value: &'a [u8],
    },
    /// The key goes; fine if it is not there.
    Delete {
        /// Which key.
        key: Key<'a>,
    },
}

/// The engine as one batch of commands sees it: one clock, one epoch, and a note of what its
/// replies depend on. Short-lived: memory is not reclaimed while it exists.
pub struct Access<'e> {
    core: &'e Core,
    guard: Guard,
    now_ms: u64,
    patience: Option<Duration>,
    depends: Lsn,
    wrote: bool,
    missing: Missing,
    blocking: bool,
}

impl<'e> Access<'e> {
    pub(crate) fn new(core: &'e Core, now_ms: u64) -> Access<'e> {
        Access {
            core,
            guard: crossbeam_epoch::pin(),
            now_ms,
            patience: None,
            depends: 0,
            wrote: false,
            missing: Missing::default(),
            blocking: false,
        }
    }

    /// The batch's clock, Unix milliseconds.
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Addresses `bytes` in key space `space`; `shard` must be what the store's route says.
    pub fn key<'k>(&self, space: u16, shard: u16, bytes: &'k [u8]) -> Key<'k> {
        Key { space, shard, hash: self.core.hash(bytes), bytes }
    }

    /// Bounds how long [`Access::acquire`] waits for one lock; without it, as long as it takes.
    /// Locks are held for memory copies only, but a copy can be of half a gigabyte.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = Some(patience);
    }

    /// Locks the key's shard, within the patience that was set.
    ///
    /// # Errors
    /// Somebody else has it for longer.
    #[inline]
    pub fn acquire(&mut self, key: &Key<'_>) -> Result<Locked<'_, 'e>, Contended> {
        let shard = self.wait_for(key.shard)?;
        Ok(Locked { access: self, shards: SmallVec::from_buf([(key.shard, shard)]) })
    }

    /// [`Access::acquire`] for several keys.
    ///
    /// # Errors
    /// Somebody else has one of the shards for longer.
    pub fn acquire_all<'k>(
        &mut self,
        keys: impl IntoIterator<Item = &'k Key<'k>>,
    ) -> Result<Locked<'_, 'e>, Contended> {
        let shards = shards_of(keys)
            .into_iter()
            .map(|number| Ok((number, self.wait_for(number)?)))
            .collect::<Result<_, _>>()?;
        Ok(Locked { access: self, shards })
    }

    /// [`Access::acquire`] for all keys there may be: for who learns their names only from values.
    ///
    /// # Errors
    /// Somebody else has one of the shards for longer.
    pub fn acquire_every(&mut self) -> Result<Locked<'_, 'e>, Contended> {
        let shards = (0u16..)
            .take(self.core.shards.len())
            .map(|number| Ok((number, self.wait_for(number)?)))
            .collect::<Result<_, _>>()?;
        Ok(Locked { access: self, shards })
    }

    fn wait_for(&self, shard: u16) -> Result<MutexGuard<'e, Shard>, Contended> {
        let core: &'e Core = self.core;
        let shard = &core.shards[usize::from(shard)];
        match self.patience {
            None => Ok(shard.lock()),
            Some(patience) => {
                shard.try_lock().or_else(|| shard.try_lock_for(patience)).ok_or(Contended)
            }
        }
    }

    /// Locks the key's shard, however long it takes.
    pub fn lock(&mut self, key: &Key<'_>) -> Locked<'_, 'e> {
        let shard = self.core.shards[usize::from(key.shard)].lock();
        Locked { access: self, shards: SmallVec::from_buf([(key.shard, shard)]) }
    }

    /// Locks the shards of all keys, in an order that cannot deadlock.
    pub fn lock_all<'k>(&mut self, keys: impl IntoIterator<Item = &'k Key<'k>>) -> Locked<'_, 'e> {
        let core = self.core;
        let shards = shards_of(keys)
            .into_iter()
            .map(|number| (number, core.shards[usize::from(number)].lock()))
            .collect();
        Locked { access: self, shards }
    }

    /// Brings what reading these keys will need into the processor's caches, for all of them at
    /// once instead of one after another. Only a hint: it changes nothing, and gives up on a shard
    /// that somebody else has locked. False when it is not worth the effort here: there are so few
    /// keys that the caches hold them anyway.
    pub fn warm_up(&mut self, hints: &[Hint]) -> bool {
        let Some(shards) = self.try_lock_shards(hints) else { return true };
        let keys_in = |space: u16| -> u64 {
            shards.iter().map(|(_, shard)| shard.spaces[usize::from(space)].index.len()).sum()
        };
        if hints.first().is_none_or(|hint| keys_in(hint.space) < CACHED_KEYS) {
            return false;
        }
        let space_of = |hint: &Hint| {
            let at = shards.binary_search_by_key(&hint.shard, |(number, _)| *number).ok()?;
            Some(&shards[at].1.spaces[usize::from(hint.space)])
        };
        // First all slots, then all records: the misses of each pass overlap.
        for hint in hints {
            if let Some(space) = space_of(hint) {
                space.index.prefetch(hint.hash);
            }
        }
        for hint in hints {
            if let Some(space) = space_of(hint)
                && let Some(place) = space.index.find(hint.hash, |_| true)
            {
                let slot = space.index.slot(place);
                match self.core.at(slot.address(), &self.guard) {
                    Some(at) => prefetch(at),
                    None => self.missing.add(hint.shard, space.id, slot),
                }
            }
        }
        true
    }

    fn try_lock_shards(&self, hints: &[Hint]) -> Option<LockedShards<'e>> {
        let core: &'e Core = self.core;
        ascending(hints.iter().map(|hint| hint.shard))
            .into_iter()
            .map(|number| Some((number, core.shards[usize::from(number)].try_lock()?)))
            .collect()
    }

    /// Whether scans wait for what they need from disk, instead of asking to be run again: for
    /// threads that may wait, since a long scan would never get to its end otherwise.
    pub fn set_blocking(&mut self, blocking: bool) {
        self.blocking = blocking;
    }

    /// Waits until what is missing has been fetched. Nothing read before may still be in use, which
    /// `&mut self` takes care of.
    fn wait_for_missing(&mut self, attempts: u32) {
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        let mut missing = self.take_missing();
        missing.set_attempts(attempts);
        self.core.fetch(
            missing,
            Box::new(move || {
                let _ = sender.send(());
            }),
        );
        // Memory that others let go of must not wait for this thread meanwhile. The waiter is
        // always called; were it lost, the channel would say so.
        self.guard.repin_after(|| {
            let _ = receiver.recv();
        });
    }

    /// Notes what a command that is about to run will need from disk, if anything: so that all of
    /// it can be fetched at once.
    pub fn look(&mut self, key: &Key<'_>) {
        let core = self.core;
        // Whoever holds the lock may hold it for long: then the command asks for itself.
        let Some(shard) = core.shards[usize::from(key.shard)].try_lock() else { return };
        // Whether it is there, and what is wrong with it, is the command's to find out.
        let _ = self.find(&shard, key);
    }

    /// Whether as much is noted as is fetched at a time: further keys need not be looked at.
    pub fn is_note_full(&self) -> bool {
        self.missing.is_full()
    }

    /// What has to be fetched before commands that met [`ReadError::Cold`] are run again. Empties
    /// the note.
    pub fn take_missing(&mut self) -> Missing {
        std::mem::take(&mut self.missing)
    }

    /// Finds a key's entry, expired or not.
    fn find(&mut self, shard: &Shard, key: &Key<'_>) -> Result<Option<Found>, ReadError> {
        let space = &shard.spaces[usize::from(key.space)];
        let (core, guard) = (self.core, &self.guard);
        // Other keys may have the same hash: what is on disk only matters if no record in memory
        // has the key.
        let mut cold: SmallVec<[Slot; 1]> = SmallVec::new();
        // Kept from the search: a segment may be put out at any moment, and what was found in it
        // stays readable under the epoch.
        let mut last: Option<RecordRef> = None;
        let is_key = |slot: Slot| match core.record(slot.address(), guard) {
            Some(record) => {
                last = Some(record);
                record.has_key(key.bytes)
            }
            None => {
                cold.push(slot);
                false
            }
        };
        if let Some((place, slot)) = space.index.find_slot(key.hash, is_key)
            && let Some(record) = last
        {
            return Ok(Some(Found { place, slot, record, header: record.header() }));
        }
        if cold.is_empty() {
            return Ok(None);
        }
        let mut error = ReadError::Cold;
        for slot in cold {
            error = error.max(self.miss(shard, key.shard, space.id, slot));
        }
        Err(error)
    }

    /// The record of an entry is not in memory: notes that it is wanted, or says why in vain.
    fn miss(&mut self, shard: &Shard, number: u16, space: u32, slot: Slot) -> ReadError {
        if shard.is_damaged(slot.address()) {
            return ReadError::Damaged;
        }
        if self.core.stopped.load(Ordering::Relaxed) {
            return ReadError::Closed;
        }
        self.missing.add(number, space, slot);
        ReadError::Cold
    }

    /// The position that must be durable before the replies of this batch may be shown, for who
    /// wants no dirty reads; 0 when it is durable already.
    pub fn depends_on(&self) -> Lsn {
        if self.depends > self.core.log.durable() { self.depends } else { 0 }
    }

    /// Makes the replies depend on everything written so far, by anybody.
    pub fn depend_on_tail(&mut self) {
        self.depends = self.depends.max(self.core.log.written());
    }

    /// Tells the read cache of a use, so that what is used stays.
    #[inline]
    fn count_read(&self, address: u64) {
        if region(address) == Region::Cache {
            self.core.chunks.touch(address, &self.guard);
        }
    }

    /// The replies depend on the record at `address`.
    fn depend_on(&mut self, address: u64) {
        if is_in_log(address) {
            self.depends = self.depends.max(address + 1);
        }
    }

    fn now_s(&self) -> u32 {
        (self.now_ms / 1000) as u32
    }

    fn is_expired(&self, expiry_ms: u64) -> bool {
        expiry_ms != 0 && self.now_ms > expiry_ms
    }
}

/// The keys' shards in the order in which they are locked by everybody: ascending.
fn shards_of<'k>(keys: impl IntoIterator<Item = &'k Key<'k>>) -> SmallVec<[u16; 8]> {
    ascending(keys.into_iter().map(|key| key.shard))
}

fn ascending(numbers: impl Iterator<Item = u16>) -> SmallVec<[u16; 8]> {
    let mut numbers: SmallVec<[u16; 8]> = numbers.collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

impl Drop for Access<'_> {
    fn drop(&mut self) {
        if self.wrote {
            self.core.log.kick();
        }
    }
}

/// Some locked shards. Reads see the newest values; one write ends the command.
pub struct Locked<'a, 'e> {
    access: &'a mut Access<'e>,
    shards: LockedShards<'e>,
}

/// Shards by number, ascending.
type LockedShards<'e> = SmallVec<[(u16, MutexGuard<'e, Shard>); 1]>;

/// An entry found in the index.
struct Found {
    place: Place,
    slot: Slot,
    record: RecordRef,
    header: Header,
}

impl<'e> Locked<'_, 'e> {
    /// [`Access::key`], for who learns of a key while shards are locked; its own has to be.
    pub fn key<'k>(&self, space: u16, shard: u16, bytes: &'k [u8]) -> Key<'k> {
        self.access.key(space, shard, bytes)
    }

    /// The key's live value; notes the access. An expired key is removed and counts as missing.
    ///
    /// # Errors
    /// The key is not in memory, or damaged.
    pub fn get(&mut self, key: &Key<'_>) -> Result<Option<Entry<'_>>, ReadError> {
        let Some(found) = self.read(key)? else { return Ok(None) };
        let now_s = self.access.now_s();
        if found.slot.idle_s(now_s) != 0 {
            self.index(key).touch(found.place, now_s);
        }
        self.access.count_read(found.slot.address());
        Ok(Some(self.entry(&found)))
    }

    /// Like [`Locked::get`], without noting the access.
    ///
    /// # Errors
    /// The key is not in memory, or damaged.
    pub fn peek(&mut self, key: &Key<'_>) -> Result<Option<Entry<'_>>, ReadError> {
        let found = self.read(key)?;
        Ok(found.map(|found| self.entry(&found)))
    }

    /// Notes an access; false if the key is missing.
    ///
    /// # Errors
    /// The key is not in memory, or damaged.
    pub fn touch(&mut self, key: &Key<'_>) -> Result<bool, ReadError> {
        Ok(self.get(key)?.is_some())
    }

    /// Gives the key a value. The last thing a command does.
    ///
    /// # Errors
    /// See [`WriteError`]; nothing has happened then.
    pub fn put(&mut self, key: &Key<'_>, meta: Meta, value: &[u8]) -> Result<(), WriteError> {
        check_sizes(key.bytes, value)?;
        let write = self.put_record(key, meta, value);
        let old = self.locate(key)?;
        let core = self.access.core;
        if let Some(found) = &old {
            let address = found.slot.address();
            if core.log.update_in_place(address, &found.header, &write, &self.access.guard) {
                self.point(key, Some((found.place, found.slot)), address, meta.expiry_ms, value);
                return Ok(());
            }
        }
        let mut address = 0;
        core.log.append(&[write], &self.access.guard, |_, at| address = at)?;
        self.point(key, old.map(|found| (found.place, found.slot)), address, meta.expiry_ms, value);
        Ok(())
    }

    /// Removes the key; fine if it is not there. The last thing a command does.
    ///
    /// # Errors
    /// See [`WriteError`]; nothing has happened then.
    pub fn delete(&mut self, key: &Key<'_>) -> Result<(), WriteError> {
        self.write(&[Op::Delete { key: *key }])
    }

    /// Does all changes or none, whatever happens. The last thing a command does.
    ///
    /// # Errors
    /// See [`WriteError`]; nothing has happened then.
    pub fn write(&mut self, ops: &[Op<'_>]) -> Result<(), WriteError> {
        let old = self.old_addresses(ops)?;
        let ended: SmallVec<[[u8; 8]; 2]> = old.iter().map(|old| old.to_le_bytes()).collect();
        let mut writes: SmallVec<[Write<'_>; 2]> = SmallVec::with_capacity(ops.len());
        let mut effective: SmallVec<[(&Op<'_>, u64); 2]> = SmallVec::with_capacity(ops.len());
        let mut absent: SmallVec<[Key<'_>; 2]> = SmallVec::new();
        for (number, op) in ops.iter().enumerate() {
            match op {
                Op::Put { key, meta, value } => writes.push(self.put_record(key, *meta, value)),
                // A key that an earlier operation of the batch puts counts as there.
                Op::Delete { key }
                    if old[number] != 0 || ops[..number].iter().any(|op| op.puts(key)) =>
                {
                    writes.push(self.delete_record(key, &ended[number]));
                }
                Op::Delete { key } => {
                    absent.push(*key);
                    continue;
                }
            }
            effective.push((op, old[number]));
        }
        if writes.is_empty() {
            absent.iter().for_each(|key| self.depend_on_absence(key));
            return Ok(());
        }
        let mut addresses: SmallVec<[u64; 2]> = SmallVec::with_capacity(writes.len());
        let core = self.access.core;
        core.log.append(&writes, &self.access.guard, |_, address| addresses.push(address))?;
        let first = addresses[0];
        let several = addresses.len() > 1;
        if several {
            self.shards.iter().for_each(|(_, shard)| shard.view.begin_batch());
        }
        for ((op, old), address) in effective.into_iter().zip(addresses) {
            self.apply(op, old, first, address);
        }
        if several {
            self.shards.iter().for_each(|(_, shard)| shard.view.end_batch());
        }
        Ok(())
    }

    /// For each operation the address of the entry it replaces or ends, 0 if there is none.
    fn old_addresses(&mut self, ops: &[Op<'_>]) -> Result<SmallVec<[u64; 2]>, WriteError> {
        let mut old = SmallVec::with_capacity(ops.len());
        for op in ops {
            let key = match op {
                Op::Put { key, value, .. } => {
                    check_sizes(key.bytes, value)?;
                    key
                }
                Op::Delete { key } => key,
            };
            old.push(self.locate(key)?.map_or(0, |found| found.slot.address()));
        }
        Ok(old)
    }

    fn put_record<'w>(&self, key: &Key<'w>, meta: Meta, value: &'w [u8]) -> Write<'w> {
        let (kind, tag, expiry_ms) = (Kind::Put, meta.tag(), meta.expiry_ms);
        Write { kind, space: self.space_id(key), tag, expiry_ms, key: key.bytes, value }
    }

    fn delete_record<'w>(&self, key: &Key<'w>, ended: &'w [u8; 8]) -> Write<'w> {
        let space = self.space_id(key);
        Write { kind: Kind::Delete, space, tag: 0, expiry_ms: 0, key: key.bytes, value: ended }
    }

    /// Enters the record at `address` of a batch that begins at `first`. The key's entry is the one
    /// that was at `old` before, unless an earlier operation of the batch has changed it.
    fn apply(&mut self, op: &Op<'_>, old: u64, first: u64, address: u64) {
        let key = match op {
            Op::Put { key, .. } | Op::Delete { key } => key,
        };
        let (core, guard) = (self.access.core, &self.access.guard);
        let index = &self.shard(key).spaces[usize::from(key.space)].index;
        let of_batch = |at: u64| {
            (first..address).contains(&at)
                && core.record(at, guard).is_some_and(|record| record.has_key(key.bytes))
        };
        let place = index.find(key.hash, |slot| slot.address() == old || of_batch(slot.address()));
        let entry = place.map(|place| (place, index.slot(place)));
        match op {
            Op::Put { meta, value, .. } => self.point(key, entry, address, meta.expiry_ms, value),
            Op::Delete { .. } => {
                self.access.depend_on(address);
                self.access.wrote = true;
                self.shard(key).view.note_deletion(key.hash, address + 1);
                if let Some((place, slot)) = entry {
                    self.remove(key, place, slot);
                }
            }
        }
    }

    /// Points the key's entry, or a new one, to the record at `address`.
    fn point(
        &mut self,
        key: &Key<'_>,
        old: Option<(Place, Slot)>,
        address: u64,
        expiry_ms: u64,
        value: &[u8],
    ) {
        self.access.depend_on(address);
        self.access.wrote = true;
        let len = record::total_len(key.bytes.len(), value.len());
        let slot = Slot::new(key.hash, address, len, expiry_ms, self.access.now_s());
        let (position, core) = (self.position(key), self.access.core);
        let shard = &mut *self.shards[position].1;
        let space = &mut shard.spaces[usize::from(key.space)];
        space.expires += u64::from(expiry_ms != 0);
        shard.live.add(address, slot);
        match old {
            Some((place, old)) => {
                space.expires -= u64::from(old.expiry_s() != 0);
                core.leave(&mut shard.live, old, &self.access.guard);
                space.index.set(place, slot);
            }
            None => space.index.insert(slot),
        }
    }

    fn remove(&mut self, key: &Key<'_>, place: Place, slot: Slot) {
        let (position, core) = (self.position(key), self.access.core);
        let shard = &mut *self.shards[position].1;
        let space = &mut shard.spaces[usize::from(key.space)];
        space.expires -= u64::from(slot.expiry_s() != 0);
        space.index.remove(place);
        core.leave(&mut shard.live, slot, &self.access.guard);
    }

    /// Finds the live entry, removing it when it has expired, and notes what the answer depends on.
    fn read(&mut self, key: &Key<'_>) -> Result<Option<Found>, ReadError> {
        let space_lsn = self.shard(key).spaces[usize::from(key.space)].lsn;
        self.access.depends = self.access.depends.max(space_lsn);
        let Some(found) = self.locate(key)? else {
            self.depend_on_absence(key);
            return Ok(None);
        };
        let address = found.slot.address();
        self.access.depend_on(address);
        if self.access.is_expired(found.header.expiry_ms) {
            // A crash that loses this record could bring an older one back.
            if is_in_log(address) {
                self.shard(key).view.note_deletion(key.hash, address + 1);
            }
            self.remove(key, found.place, found.slot);
            Counters::add(&self.access.core.log.counters.expired, 1);
            return Ok(None);
        }
        Ok(Some(found))
    }

    /// The reply depends on whatever took the key away: a deletion, an expiry, a flush, a swap.
    fn depend_on_absence(&mut self, key: &Key<'_>) {
        let shard = self.shard(key);
        let lsn = shard.view.deleted(key.hash).max(shard.spaces[usize::from(key.space)].lsn);
        self.access.depends = self.access.depends.max(lsn);
    }

    fn entry(&self, found: &Found) -> Entry<'_> {
        // SAFETY: the entry borrows `self`, which holds the shard's lock and the epoch; writing
        // needs `&mut self`.
        let (_, value) = unsafe { found.record.content(&found.header) };
        let idle_seconds = found.slot.idle_s(self.access.now_s());
        Entry { meta: Meta::of(&found.header), value, object: None, idle_seconds }
    }

    /// Finds the entry, expired or not.
    fn locate(&mut self, key: &Key<'_>) -> Result<Option<Found>, ReadError> {
        let position = self.position(key);
        self.access.find(&self.shards[position].1, key)
    }

    fn position(&self, key: &Key<'_>) -> usize {
        if self.shards.len() == 1 {
            debug_assert_eq!(self.shards[0].0, key.shard, "key of a shard that is not locked");
            return 0;
        }
        self.shards
            .binary_search_by_key(&key.shard, |(number, _)| *number)
            .expect("the key's shard was locked")
    }

    fn shard(&self, key: &Key<'_>) -> &Shard {
        &self.shards[self.position(key)].1
    }

    fn index(&self, key: &Key<'_>) -> &Index {
        &self.shard(key).spaces[usize::from(key.space)].index
    }

    fn space_id(&self, key: &Key<'_>) -> u32 {
        self.shard(key).spaces[usize::from(key.space)].id
    }
}

impl Op<'_> {
    fn puts(&self, key: &Key<'_>) -> bool {
        match self {
            Op::Put { key: put, .. } => put.space == key.space && put.bytes == key.bytes,
            Op::Delete { .. } => false,
        }
    }
}

fn check_sizes(key: &[u8], value: &[u8]) -> Result<(), WriteError> {
    let fits = key.len() <= MAX_KEY && value.len() <= MAX_VALUE;
    if fits { Ok(()) } else { Err(WriteError::TooLarge) }
}
