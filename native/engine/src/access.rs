//! Reading and writing: what a batch of commands holds while it runs.

use std::borrow::Cow;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_epoch::Guard;
use parking_lot::MutexGuard;
use smallvec::SmallVec;

use crate::Lsn;
use crate::address::{ChainPlace, Region, is_in_log, region};
use crate::chains::Chain;
use crate::core::Core;
use crate::error::{Contended, ReadError};
use crate::index::{Index, Place, Slot};
use crate::object::Object;
use crate::prefetch::prefetch;
use crate::record::Header;
use crate::shard::{RecordRef, Shard, Space};
use crate::stats::Counters;

mod arrange;
pub(crate) mod keyspace;
mod missing;
mod object;
mod read;
mod transaction;
mod write;

use transaction::Transaction;

pub use missing::Missing;
pub use write::Op;

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
    pub(crate) fn tag(self) -> u8 {
        self.kind & 15 | self.flags << 4
    }

    pub(crate) fn of(header: &Header) -> Meta {
        Meta { expiry_ms: header.expiry_ms, kind: header.tag & 15, flags: header.tag >> 4 }
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

impl<'a> Entry<'a> {
    /// The value's image: its bytes, or those that are written of its object.
    pub fn image(&self) -> Cow<'a, [u8]> {
        let Some(object) = self.object else { return Cow::Borrowed(self.value) };
        let (mut image, mut out) = (object.freeze(), Vec::with_capacity(object.image_len()));
        while image.write(&mut out, usize::MAX) {}
        Cow::Owned(out)
    }

    /// Length of the image in bytes; of an object's, about.
    pub fn image_len(&self) -> usize {
        self.object.map_or(self.value.len(), |object| object.image_len())
    }
}

/// What is known of a live value without looking at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct About {
    /// Type, flags and expiry.
    pub meta: Meta,
    /// Whether [`Op::Patch`] can change `meta`. Else the value has to be put
    /// again, unless it becomes an object when it is read.
    pub is_object: bool,
    /// Seconds since the last access; saturates below 8192.
    pub idle_seconds: u32,
}

/// The engine as one batch of commands sees it: one clock, one epoch, and a note of what its
/// replies depend on. Short-lived: memory is not reclaimed while it exists.
pub struct Access<'e> {
    core: &'e Core,
    guard: Guard,
    now_ms: u64,
    patience: Option<Duration>,
    /// How long looks have waited for locks.
    looked_for: Duration,
    depends: Lsn,
    wrote: bool,
    missing: Missing,
    blocking: bool,
    /// What is kept back of the commands that run as one.
    transaction: Option<Box<Transaction<'e>>>,
    /// The keys whose changes somebody wants to hear of.
    changed: Vec<(u16, Box<[u8]>)>,
}

impl<'e> Access<'e> {
    pub(crate) fn new(core: &'e Core, now_ms: u64) -> Access<'e> {
        Access {
            core,
            guard: crossbeam_epoch::pin(),
            now_ms,
            patience: None,
            looked_for: Duration::ZERO,
            depends: 0,
            wrote: false,
            missing: Missing::default(),
            blocking: false,
            transaction: None,
            changed: Vec::new(),
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
        if self.transaction.is_some() {
            return self.lend(&[key.shard]);
        }
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
        let numbers = shards_of(keys);
        if self.transaction.is_some() {
            return self.lend(&numbers);
        }
        let shards = self.wait_for_all(numbers)?;
        Ok(Locked { access: self, shards })
    }

    fn wait_for_all(
        &self,
        numbers: impl IntoIterator<Item = u16>,
    ) -> Result<LockedShards<'e>, Contended> {
        numbers.into_iter().map(|number| Ok((number, self.wait_for(number)?))).collect()
    }

    fn every_shard(&self) -> std::ops::Range<u16> {
        // There are at most 2^16 - 1.
        0..self.core.shards.len() as u16
    }

    /// [`Access::acquire`] for all keys there may be: for who learns their names only from values.
    ///
    /// # Errors
    /// Somebody else has one of the shards for longer.
    pub fn acquire_every(&mut self) -> Result<Locked<'_, 'e>, Contended> {
        if self.transaction.is_some() {
            let every: SmallVec<[u16; 8]> = self.every_shard().collect();
            return self.lend(&every);
        }
        let shards = self.wait_for_all(self.every_shard())?;
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

    /// [`Access::wait_for`], on what is left of the patience for all looks.
    fn wait_to_look(&mut self, shard: u16) -> Result<MutexGuard<'e, Shard>, Contended> {
        let core: &'e Core = self.core;
        let Some(patience) = self.patience else { return self.wait_for(shard) };
        let shard = &core.shards[usize::from(shard)];
        if let Some(shard) = shard.try_lock() {
            return Ok(shard);
        }
        let left = patience.saturating_sub(self.looked_for);
        let began = Instant::now();
        let locked = if left.is_zero() { None } else { shard.try_lock_for(left) };
        self.looked_for += began.elapsed();
        locked.ok_or(Contended)
    }

    /// Locks the key's shard, however long it takes. A transaction has to have locked it.
    pub fn lock(&mut self, key: &Key<'_>) -> Locked<'_, 'e> {
        self.lock_all([key])
    }

    /// Locks the shards of all keys, in an order that cannot deadlock. A transaction has to have locked
    /// them.
    pub fn lock_all<'k>(&mut self, keys: impl IntoIterator<Item = &'k Key<'k>>) -> Locked<'_, 'e> {
        let (core, numbers) = (self.core, shards_of(keys));
        if self.transaction.is_some() {
            return self.lend(&numbers).expect("locked by the transaction");
        }
        let lock = |number: u16| (number, core.shards[usize::from(number)].lock());
        let shards = numbers.into_iter().map(lock).collect();
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
                    None => space.chains.prefetch(slot),
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

    /// Waits until what is missing has been fetched, for threads that may wait; `attempts` as for
    /// [`Missing::set_attempts`]. Nothing read before may still be in use, which `&mut self` takes
    /// care of.
    pub fn wait_for_missing(&mut self, attempts: u32) {
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
    /// it can be fetched at once. All looks together wait for locks no longer than the patience that was
    /// set. Does nothing in a transaction.
    pub fn look(&mut self, key: &Key<'_>) {
        if self.transaction.is_some() {
            return;
        }
        // Whoever holds the lock may hold it for long: then the command asks for itself.
        let Ok(shard) = self.wait_to_look(key.shard) else { return };
        // Whether it is there, and what is wrong with it, is the command's to find out.
        if let Ok(Some(found)) = self.find(&shard, key) {
            let _ = self.check_object(&shard, key, &found);
        }
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
        let mut record: Option<RecordRef> = None;
        let mut chain: Option<(u32, &Chain)> = None;
        let is_key = |slot: Slot| {
            record = core.record(slot.address(), guard);
            if let Some(record) = record {
                return record.has_key(key.bytes);
            }
            chain = space.chains.of_slot(slot);
            if chain.is_none() {
                cold.push(slot);
            }
            chain.is_some_and(|(_, chain)| *chain.key == *key.bytes)
        };
        if let Some((place, slot)) = space.index.find_slot(key.hash, is_key) {
            return Ok(match (record, chain) {
                (Some(record), _) => Some(Found::record(place, slot, record)),
                (None, chain) => chain.map(|chain| Found::chain(place, slot, chain)),
            });
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
        match ChainPlace::of(slot.address()) {
            None => self.missing.add(number, space, slot),
            Some(_) => self.note_value(number, space, slot, 0, slot.size_bound()),
        }
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

    /// The replies depend on the record at `address`, if it is one of the log.
    fn depend_on(&mut self, address: u64) {
        if is_in_log(address) {
            self.depends = self.depends.max(address + 1);
        }
    }

    /// A key has been changed, under its shard's lock: who watches it hears of it.
    #[inline]
    fn note_change(&mut self, key: &Key<'_>) {
        if self.core.observer.changed(key.space, key.bytes) {
            self.changed.push((key.space, key.bytes.into()));
        }
    }

    /// The keys changed since this was last asked that [`crate::Observer::changed`] has answered yes to,
    /// with their key spaces, in order.
    pub fn take_changed(&mut self) -> Vec<(u16, Box<[u8]>)> {
        std::mem::take(&mut self.changed)
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
    meta: Meta,
    kept: Kept,
    /// The newest change of the value, if that is one of the log.
    changed: u64,
}

/// Where a value is.
#[derive(Clone, Copy)]
enum Kept {
    Record(RecordRef, Header),
    /// In the chain with this handle.
    Chain(u32),
}

impl Found {
    fn record(place: Place, slot: Slot, record: RecordRef) -> Found {
        let header = record.header();
        let (meta, kept) = (Meta::of(&header), Kept::Record(record, header));
        Found { place, slot, meta, kept, changed: slot.address() }
    }

    fn chain(place: Place, slot: Slot, (handle, chain): (u32, &Chain)) -> Found {
        let kept = Kept::Chain(handle);
        Found { place, slot, meta: chain.meta, kept, changed: chain.changed }
    }
}

impl<'e> Locked<'_, 'e> {
    /// Gives the locks back: from here on no key can be looked at any more.
    pub fn release(&mut self) {
        self.give_back();
        self.shards.clear();
    }

    /// [`Access::key`], for who learns of a key while shards are locked; its own has to be.
    pub fn key<'k>(&self, space: u16, shard: u16, bytes: &'k [u8]) -> Key<'k> {
        self.access.key(space, shard, bytes)
    }

    /// The key's live value; notes the access. An expired key is removed and counts as missing.
    ///
    /// # Errors
    /// The key is not in memory, or damaged.
    pub fn get(&mut self, key: &Key<'_>) -> Result<Option<Entry<'_>>, ReadError> {
        if self.access.transaction.is_some() {
            return self.get_kept_back(key, true);
        }
        self.get_stored(key, true)
    }

    /// [`Locked::get`] of what is in the store, noting the access if `touch` says so.
    fn get_stored(&mut self, key: &Key<'_>, touch: bool) -> Result<Option<Entry<'_>>, ReadError> {
        let Some(found) = self.read(key)? else { return Ok(None) };
        let found = self.with_object(key, found)?;
        if touch {
            self.note_use(key, &found);
        }
        Ok(Some(self.entry(key, &found)))
    }

    /// Notes an access to an entry.
    fn note_use(&mut self, key: &Key<'_>, found: &Found) {
        let now_s = self.access.now_s();
        if found.slot.idle_s(now_s) != 0 {
            self.index(key).touch(found.place, now_s);
        }
        match found.kept {
            Kept::Record(..) => self.access.count_read(found.slot.address()),
            Kept::Chain(handle) => self.space_mut(key).chains.touch(handle, now_s),
        }
    }

    /// Like [`Locked::get`], without noting the access.
    ///
    /// # Errors
    /// The key is not in memory, or damaged.
    pub fn peek(&mut self, key: &Key<'_>) -> Result<Option<Entry<'_>>, ReadError> {
        if self.access.transaction.is_some() {
            return self.get_kept_back(key, false);
        }
        self.get_stored(key, false)
    }

    /// What is known of the key's live value without looking at it: an object need not be in memory.
    /// Notes no access.
    ///
    /// # Errors
    /// The key is not in memory, or damaged.
    pub fn about(&mut self, key: &Key<'_>) -> Result<Option<About>, ReadError> {
        if self.access.transaction.is_some() {
            return self.about_kept_back(key);
        }
        self.about_stored(key)
    }

    /// [`Locked::about`] of what is in the store.
    fn about_stored(&mut self, key: &Key<'_>) -> Result<Option<About>, ReadError> {
        let found = self.read(key)?;
        Ok(found.map(|found| About {
            meta: found.meta,
            is_object: matches!(found.kept, Kept::Chain(_)),
            idle_seconds: found.slot.idle_s(self.access.now_s()),
        }))
    }

    /// Notes an access; false if the key is missing.
    ///
    /// # Errors
    /// The key is not in memory, or damaged.
    pub fn touch(&mut self, key: &Key<'_>) -> Result<bool, ReadError> {
        if self.access.transaction.is_some() {
            return Ok(self.about_kept_back(key)?.is_some());
        }
        let Some(found) = self.read(key)? else { return Ok(false) };
        self.note_use(key, &found);
        Ok(true)
    }

    /// Finds the live entry, removing it when it has expired, and notes what the answer depends on.
    fn read(&mut self, key: &Key<'_>) -> Result<Option<Found>, ReadError> {
        let space_lsn = self.space(key).lsn;
        self.access.depends = self.access.depends.max(space_lsn);
        let Some(found) = self.locate(key)? else {
            self.depend_on_absence(key);
            return Ok(None);
        };
        self.access.depend_on(found.changed);
        if self.access.is_expired(found.meta.expiry_ms) {
            // A crash that loses this record could bring an older one back.
            if is_in_log(found.changed) {
                self.shard(key).view.note_deletion(key.hash, found.changed + 1);
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

    fn entry(&self, key: &Key<'_>, found: &Found) -> Entry<'_> {
        let idle_seconds = found.slot.idle_s(self.access.now_s());
        let (value, object) = match found.kept {
            Kept::Record(record, header) => {
                // SAFETY: the entry borrows `self`, which holds the shard's lock and the epoch;
                // writing needs `&mut self`.
                let (_, value) = unsafe { record.content(&header) };
                (value, None)
            }
            Kept::Chain(handle) => (&[][..], self.space(key).chains.object(handle)),
        };
        Entry { meta: found.meta, value, object, idle_seconds }
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

    fn space(&self, key: &Key<'_>) -> &Space {
        &self.shard(key).spaces[usize::from(key.space)]
    }

    fn space_mut(&mut self, key: &Key<'_>) -> &mut Space {
        let position = self.position(key);
        &mut self.shards[position].1.spaces[usize::from(key.space)]
    }

    fn index(&self, key: &Key<'_>) -> &Index {
        &self.space(key).index
    }

    fn space_id(&self, key: &Key<'_>) -> u32 {
        self.space(key).id
    }
}
