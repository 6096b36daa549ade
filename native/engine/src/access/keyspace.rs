//! What concerns whole key spaces.

use std::collections::HashSet;

use crossbeam_epoch as epoch;

use super::arrange::Arrangement;
use super::transaction::KeptBack;
use super::{Access, Entry, Meta};
use crate::address::{ChainPlace, is_in_log};
use crate::chains::Chain;
use crate::core::Core;
use crate::error::{ReadError, WriteError};
use crate::index::Slot;
use crate::record::u32_at;
use crate::shard::{RecordRef, Shard, Space};
use crate::stats::Counters;

/// Bits of a scan cursor that belong to the index of one shard.
const INDEX_CURSOR_BITS: u32 = 43;
/// Entries visited under one hold of a shard's lock.
const SCAN_CHUNK: usize = 256;
/// Times that a blocking scan fetches what one chunk needs: others may drive it out again.
const FETCHES_A_CHUNK: u32 = 100;
/// Tries to find a random key that has not expired.
const RANDOM_TRIES: u32 = 1000;

/// Incarnations end here, some way below the largest number: each key space of a store that has
/// never logged its table takes one more.
const MAX_SPACE_ID: u32 = u32::MAX - (u16::MAX as u32);

/// Which incarnation each key space has: the value of a `Spaces` record is `next`, then the ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SpaceTable {
    pub next: u32,
    pub ids: Vec<u32>,
}

impl SpaceTable {
    /// The table of a new store.
    pub(crate) fn first(spaces: u16) -> SpaceTable {
        SpaceTable { next: u32::from(spaces), ids: (0..u32::from(spaces)).collect() }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        std::iter::once(&self.next).chain(&self.ids).flat_map(|n| n.to_le_bytes()).collect()
    }

    /// Reads a table; `None` if it cannot be one.
    pub(crate) fn decode(value: &[u8]) -> Option<SpaceTable> {
        if value.len() < 4 || !value.len().is_multiple_of(4) {
            return None;
        }
        let mut numbers = value.chunks_exact(4).map(|bytes| u32_at(bytes, 0));
        let table = SpaceTable { next: numbers.next()?, ids: numbers.collect() };
        let distinct: HashSet<u32> = table.ids.iter().copied().collect();
        let valid = table.next <= MAX_SPACE_ID
            && distinct.len() == table.ids.len()
            && table.ids.iter().all(|&id| id < table.next);
        valid.then_some(table)
    }
}

/// What a key's entry leads to.
enum Visit<'s> {
    Record(RecordRef),
    Chain(&'s Chain),
}

impl Access<'_> {
    /// Number of keys, expired ones that are not yet removed included.
    pub fn len(&mut self, space: u16) -> u64 {
        let Some(view) = self.kept_back_of(space) else {
            return self.sum(space, |space| space.index.len());
        };
        let stored = self.stored_len(view);
        stored.saturating_add_signed(view.more)
    }

    /// Number of keys that the store has of a space of the transaction.
    fn stored_len(&mut self, view: KeptBack) -> u64 {
        if view.emptied { 0 } else { self.sum(view.space, |space| space.index.len()) }
    }

    /// True when the space has no keys.
    pub fn is_empty(&mut self, space: u16) -> bool {
        self.len(space) == 0
    }

    /// Number of keys with an expiry; what a transaction keeps back does not count.
    pub fn expires(&mut self, space: u16) -> u64 {
        self.sum(space, |space| space.expires)
    }

    fn sum(&mut self, space: u16, figure: impl Fn(&Space) -> u64) -> u64 {
        self.depend_on_tail();
        if self.transaction.is_none() {
            return sum_over(self.core, space, figure);
        }
        // A transaction that has not locked all shards is run again.
        let Ok(locked) = self.acquire_every() else { return 0 };
        locked.shards.iter().map(|(_, shard)| figure(&shard.spaces[usize::from(space)])).sum()
    }

    /// Visits about `budget` live keys from `cursor` on (0 begins) and returns the next cursor, 0
    /// at the end. Values that are objects are not brought into memory: their entries may have
    /// neither value nor object. A key that is there during the whole iteration is visited at least once. Locks
    /// are held for some hundred keys at a time; `visit` must not use the engine.
    ///
    /// # Errors
    /// Some of these keys are not in memory, or damaged. Others may have been visited.
    pub fn scan(
        &mut self,
        space: u16,
        cursor: u64,
        budget: usize,
        visit: &mut dyn FnMut(&[u8], Entry<'_>),
    ) -> Result<u64, ReadError> {
        let Some(view) = self.kept_back_of(space) else {
            return self.scan_stored(space, cursor, budget, visit);
        };
        if cursor == 0 {
            self.visit_kept_back(view.space, visit);
        }
        if view.emptied {
            return Ok(0);
        }
        let seen = self.keys_kept_back(view.space);
        self.scan_stored(view.space, cursor, budget, &mut |key, entry| {
            if !seen.contains(key) {
                visit(key, entry);
            }
        })
    }

    fn scan_stored(
        &mut self,
        space: u16,
        cursor: u64,
        budget: usize,
        visit: &mut dyn FnMut(&[u8], Entry<'_>),
    ) -> Result<u64, ReadError> {
        let mut shard = (cursor >> INDEX_CURSOR_BITS) as usize;
        let mut place = cursor & ((1 << INDEX_CURSOR_BITS) - 1);
        let mut left = budget.max(1);
        let shards = self.core.shards.len();
        while left > 0 && shard < shards {
            let (next, used) = self.scan_chunk(space, shard, place, left.min(SCAN_CHUNK), visit)?;
            place = next;
            shard += usize::from(place == 0);
            left = left.saturating_sub(used);
        }
        self.depend_on_tail();
        Ok(if shard < shards { (shard as u64) << INDEX_CURSOR_BITS | place } else { 0 })
    }

    /// Visits a chunk of one shard: all of its keys or, if some are not in memory, none.
    fn scan_chunk(
        &mut self,
        space: u16,
        number: usize,
        place: u64,
        budget: usize,
        visit: &mut dyn FnMut(&[u8], Entry<'_>),
    ) -> Result<(u64, usize), ReadError> {
        for attempts in 0..FETCHES_A_CHUNK {
            match self.try_chunk(space, number, place, budget, visit) {
                // What others fetch goes into shards that a transaction has locked.
                Err(ReadError::Cold) if self.blocking && self.transaction.is_none() => {
                    self.wait_for_missing(attempts);
                }
                outcome => return outcome,
            }
        }
        Err(ReadError::Cold)
    }

    fn try_chunk(
        &mut self,
        space: u16,
        number: usize,
        place: u64,
        budget: usize,
        visit: &mut dyn FnMut(&[u8], Entry<'_>),
    ) -> Result<(u64, usize), ReadError> {
        let shard = self.hold(number)?;
        let outcome = self.chunk_of(&shard, (number, space), place, budget, visit);
        self.let_go(shard);
        outcome
    }

    fn chunk_of(
        &mut self,
        shard: &Shard,
        (number, space): (usize, u16),
        place: u64,
        budget: usize,
        visit: &mut dyn FnMut(&[u8], Entry<'_>),
    ) -> Result<(u64, usize), ReadError> {
        let mut found: Vec<(Slot, Visit<'_>)> = Vec::with_capacity(budget);
        let mut outcome = Ok(());
        let index = &shard.spaces[usize::from(space)].index;
        let next = index.scan(place, budget, |slot| {
            match self.entry_of(shard, number as u16, space, slot) {
                Ok(entry) => {
                    if let Visit::Record(record) = entry {
                        // By the time it is visited it is in the processor's caches.
                        record.prefetch();
                    }
                    found.push((slot, entry));
                }
                Err(error) => outcome = Err(error),
            }
        });
        outcome?;
        found.into_iter().for_each(|(slot, entry)| self.visit(slot, entry, visit));
        Ok(next)
    }

    /// What an entry of a locked shard leads to; noted as missing when it is not in memory.
    fn entry_of<'s>(
        &mut self,
        shard: &'s Shard,
        number: u16,
        space: u16,
        slot: Slot,
    ) -> Result<Visit<'s>, ReadError> {
        if let Some(record) = self.core.record(slot.address(), &self.guard) {
            return Ok(Visit::Record(record));
        }
        let space = &shard.spaces[usize::from(space)];
        match space.chains.of_slot(slot) {
            Some((_, chain)) => Ok(Visit::Chain(chain)),
            None => Err(self.miss(shard, number, space.id, slot)),
        }
    }

    /// Visits an entry whose shard is locked, unless it has expired.
    fn visit(&self, slot: Slot, entry: Visit<'_>, visit: &mut dyn FnMut(&[u8], Entry<'_>)) {
        let idle_seconds = slot.idle_s(self.now_s());
        match entry {
            Visit::Record(record) => {
                let header = record.header();
                // SAFETY: the caller holds the shard's lock while the slices are used.
                let (key, value) = unsafe { record.content(&header) };
                if !self.is_expired(header.expiry_ms) {
                    let meta = Meta::of(&header);
                    visit(key, Entry { meta, value, object: None, idle_seconds });
                }
            }
            Visit::Chain(chain) => {
                let (meta, object) = (chain.meta, chain.object.as_deref());
                if !self.is_expired(meta.expiry_ms) {
                    visit(&chain.key, Entry { meta, value: &[], object, idle_seconds });
                }
            }
        }
    }

    /// A live key chosen by the dice `seed`.
    ///
    /// # Errors
    /// The key that was chosen is not in memory, or damaged.
    pub fn random(&mut self, space: u16, seed: u64) -> Result<Option<Vec<u8>>, ReadError> {
        let mut dice = seed | 1;
        let view = self.kept_back_of(space);
        for _ in 0..RANDOM_TRIES {
            // splitmix64 (Steele, Lea, Flood, OOPSLA 2014): one number from the last.
            dice = dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = (dice ^ (dice >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let further = mixed ^ (mixed >> 31);
            let (space, stored, kept_back) = match view {
                None => (space, self.len(space), 0),
                Some(view) => (view.space, self.stored_len(view), view.live),
            };
            if stored + kept_back == 0 {
                return Ok(None);
            }
            let rank = mixed % (stored + kept_back);
            if rank >= stored {
                return Ok(self.live_kept_back(space, rank - stored));
            }
            if let Some(key) = self.random_at(space, rank, further)?
                && !self.keeps_back(space, &key)
            {
                // Once more: it may have been written since it was counted.
                self.depend_on_tail();
                return Ok(Some(key));
            }
        }
        Ok(view.and_then(|view| self.live_kept_back(view.space, 0)))
    }

    /// A random live key of the shard that holds the `rank`-th key.
    fn random_at(
        &mut self,
        space: u16,
        mut rank: u64,
        dice: u64,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        for number in 0..self.core.shards.len() {
            let shard = self.hold(number)?;
            let keys = shard.spaces[usize::from(space)].index.len();
            let found = (rank < keys).then(|| self.random_of(&shard, (number, space), dice));
            self.let_go(shard);
            if let Some(found) = found {
                return found;
            }
            rank -= keys;
        }
        Ok(None)
    }

    fn random_of(
        &mut self,
        shard: &Shard,
        (number, space): (usize, u16),
        dice: u64,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        let index = &shard.spaces[usize::from(space)].index;
        let Some(slot) = index.random(dice) else { return Ok(None) };
        let entry = self.entry_of(shard, number as u16, space, slot)?;
        let mut key = None;
        self.visit(slot, entry, &mut |found, _| key = Some(found.to_vec()));
        Ok(key)
    }

    /// Empties key spaces, all or none. Takes the same time however many keys they have; memory is
    /// freed in the background.
    ///
    /// # Errors
    /// See [`WriteError`]; nothing has happened then.
    pub fn flush(&mut self, spaces: &[u16]) -> Result<(), WriteError> {
        let mut locked = self.acquire_every().map_err(ReadError::from)?;
        if let Some(transaction) = &mut locked.access.transaction {
            transaction.flush(spaces);
            return Ok(());
        }
        let mut plan = Arrangement::of(locked.access.core.spaces);
        for &space in spaces {
            let has_keys =
                locked.shards.iter().any(|(_, it)| it.spaces[usize::from(space)].index.len() > 0);
            plan.emptied[usize::from(space)] = has_keys;
        }
        if !plan.is_nothing() {
            locked.write_arranged(&[], Some(&plan))?;
        }
        drop(locked);
        self.depend_on_tail();
        Ok(())
    }

    /// Exchanges two key spaces.
    ///
    /// # Errors
    /// See [`WriteError`]; nothing has happened then.
    pub fn swap(&mut self, a: u16, b: u16) -> Result<(), WriteError> {
        if a == b {
            return Ok(());
        }
        let mut locked = self.acquire_every().map_err(ReadError::from)?;
        if let Some(transaction) = &mut locked.access.transaction {
            transaction.swap(a, b);
            return Ok(());
        }
        let mut plan = Arrangement::of(locked.access.core.spaces);
        plan.order.swap(usize::from(a), usize::from(b));
        locked.write_arranged(&[], Some(&plan))
    }
}

/// Sums a figure of one key space over all shards.
pub(crate) fn sum_over(core: &Core, space: u16, figure: impl Fn(&Space) -> u64) -> u64 {
    core.shards.iter().map(|shard| figure(&shard.lock().spaces[usize::from(space)])).sum()
}

/// Removes the expired entries of one table of the `number`-th key space; returns how many slots
/// it looked at, and how many entries it removed.
pub(crate) fn sweep_table(
    core: &Core,
    shard: &mut Shard,
    number: usize,
    table: usize,
    now_ms: u64,
) -> (usize, u64) {
    let durable = core.log.durable();
    let guard = epoch::pin();
    let mut removed = 0;
    let Shard { spaces, live, view, .. } = shard;
    let space = &mut spaces[number];
    let slots = space.index.retain_in_table(table, |slot| {
        let expiry_s = slot.expiry_s();
        // Rounded up and truncated respectively: past in seconds is past in milliseconds.
        let due = expiry_s != 0 && expiry_s != u32::MAX && u64::from(expiry_s) * 1000 < now_ms;
        // A chain that has not been looked through stays until it is.
        let place = ChainPlace::of(slot.address());
        if !due || matches!(place, Some(ChainPlace::Newest(_))) {
            return true;
        }
        removed += 1;
        let changed = match space.chains.of_slot(*slot) {
            Some((_, chain)) => chain.changed,
            None => slot.address(),
        };
        core.leave(live, &mut space.chains, *slot, &guard);
        if is_in_log(changed) && changed >= durable {
            // A crash that loses the record could bring an older one of its key back.
            view.note_deletion(slot.hash(), changed + 1);
        }
        false
    });
    space.expires -= removed;
    Counters::add(&core.log.counters.expired, removed);
    (slots, removed)
}
