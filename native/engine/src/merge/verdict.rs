//! Which records are still needed.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use crossbeam_epoch::{self as epoch, Guard};

use super::reader::Found;
use crate::address::ChainPlace;
use crate::chains::ColdValue;
use crate::core::Core;
use crate::index::{Index, Place};
use crate::record::{Header, Kind};
use crate::shard::{Shard, Space};
use crate::stats::Counters;

/// Records looked up under one hold of a shard's lock.
const BATCH: usize = 64;

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Drop,
    Copy,
    /// A tombstone takes its place.
    End,
    /// It belongs to a chain that has to have another base first.
    Fold,
    /// It belongs to a chain that is damaged: what is left of that stays where it is.
    Stay,
}

/// The entry that needs a record.
#[derive(Clone, Copy, Debug)]
struct Holder {
    /// Which of the shard's key spaces it is in.
    space: usize,
    place: Place,
    /// If it leads to a chain: the record is one of that.
    chain: Option<ChainPlace>,
}

/// Whether a key exists, as far as can be told without reading from disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Present,
    Absent,
    Unknown,
}

/// The order of records by shard, and in each as they were found (a counting sort).
#[derive(Default)]
struct ByShard {
    /// Which records, by shard.
    order: Vec<u32>,
    /// For each shard where its records end there.
    ends: Vec<u32>,
}

impl ByShard {
    fn sort(&mut self, found: &[Found], shards: usize) {
        self.ends.clear();
        self.ends.resize(shards, 0);
        found.iter().for_each(|record| self.ends[usize::from(record.shard)] += 1);
        let mut begin = 0;
        for end in &mut self.ends {
            // Where they begin, and while they are put there, where the next one goes.
            begin += std::mem::replace(end, begin);
        }
        self.order.clear();
        self.order.resize(found.len(), 0);
        for (record, at) in found.iter().zip(0..) {
            let next = &mut self.ends[usize::from(record.shard)];
            self.order[*next as usize] = at;
            *next += 1;
        }
    }

    /// Each shard's number with its records.
    fn groups(&self) -> impl Iterator<Item = (usize, &[u32])> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        let ranges = begins.zip(self.ends.iter().copied());
        ranges.map(|(begin, end)| &self.order[begin as usize..end as usize]).enumerate()
    }
}

/// Judges records by the index.
pub(super) struct Judge<'c> {
    core: &'c Core,
    route: fn(&[u8], u16) -> u16,
    /// See `Survey::pinned_from`.
    pinned_from: u64,
    /// Values whose chains have to have another base, since records of theirs are to go.
    pub folds: BTreeSet<ColdValue>,
    by_shard: ByShard,
}

impl<'c> Judge<'c> {
    pub(super) fn new(core: &'c Core, route: fn(&[u8], u16) -> u16, pinned_from: u64) -> Judge<'c> {
        Judge { core, route, pinned_from, folds: BTreeSet::new(), by_shard: ByShard::default() }
    }

    /// Whether anything but [`Verdict::Drop`] is possible for a record about a key, by its header
    /// alone; `is_live` says whether anything is needed of its segment.
    pub(super) fn may_be_needed(&self, header: &Header, is_live: bool) -> bool {
        match header.kind {
            Kind::Spaces => false,
            Kind::Delete => !self.is_droppable(header.sequence),
            _ if is_live => true,
            // Nothing else may say that the key has expired: see `unheld`.
            Kind::Put | Kind::PutCompressed | Kind::Delta | Kind::Base => {
                header.expiry_ms != 0 && !self.is_droppable(header.sequence)
            }
            Kind::BasePart => false,
        }
    }

    /// Sets the verdicts of records about keys; `bytes` are those that they were found in.
    pub(super) fn judge(&mut self, bytes: &[u8], found: &mut [Found]) {
        let shards = self.core.shards.len() as u16;
        for record in found.iter_mut() {
            let key = record.key(bytes);
            (record.hash, record.shard) = (self.core.hash(key), (self.route)(key, shards));
        }
        let mut by_shard = std::mem::take(&mut self.by_shard);
        by_shard.sort(found, usize::from(shards));
        for (number, records) in by_shard.groups() {
            for batch in records.chunks(BATCH) {
                self.judge_batch(bytes, found, number, batch);
            }
        }
        self.by_shard = by_shard;
    }

    fn judge_batch(&mut self, bytes: &[u8], found: &mut [Found], number: usize, batch: &[u32]) {
        let now_ms = self.core.clock.now_ms();
        let guard = epoch::pin();
        let mut shard = self.core.shards[number].lock();
        for &at in batch {
            let Found { header, hash, .. } = found[at as usize];
            if let Some(space) = shard.spaces.iter().find(|space| space.id == header.space) {
                space.index.prefetch(hash);
            }
        }
        for &at in batch {
            let record = &mut found[at as usize];
            let key = record.key(bytes);
            record.verdict = match (self.holder(&shard, record, &guard), record.header.kind) {
                (Some(holder), _) => self.held(&mut shard, record, holder, now_ms, &guard),
                (None, Kind::Put | Kind::PutCompressed | Kind::Delta | Kind::Base) => {
                    self.unheld(&shard, record, key, now_ms, &guard)
                }
                (None, Kind::Delete) => self.tombstone(&shard, record, key, &guard),
                (None, Kind::Spaces | Kind::BasePart) => Verdict::Drop,
            };
        }
    }

    /// What needs a record, if anything does: one search for both, since most are not needed.
    fn holder(&self, shard: &Shard, record: &Found, guard: &Guard) -> Option<Holder> {
        let space = shard.spaces.iter().position(|space| space.id == record.header.space)?;
        let Space { index, chains, .. } = &shard.spaces[space];
        let mut chain = None;
        let place = index.find(record.hash, |slot| {
            chain = ChainPlace::of(slot.address());
            match chain {
                None => self.core.origin(slot, guard) == record.address,
                Some(ChainPlace::Newest(newest)) => newest == record.address,
                Some(ChainPlace::Handle(handle)) => {
                    chains.get(handle).is_some_and(|chain| chain.records.contain(record.address))
                }
            }
        })?;
        Some(Holder { space, place, chain })
    }

    /// A record that is needed, unless it has expired.
    fn held(
        &mut self,
        shard: &mut Shard,
        record: &Found,
        holder: Holder,
        now_ms: u64,
        guard: &Guard,
    ) -> Verdict {
        let Holder { space, place, chain } = holder;
        match chain {
            Some(ChainPlace::Handle(handle)) => {
                self.member(shard, record, (space, place, handle), now_ms, guard)
            }
            // It is all that is known of the chain, and unreadable.
            Some(ChainPlace::Newest(_)) => Verdict::Stay,
            None if self.is_to_expire(record.header.expiry_ms, now_ms) => {
                self.expire(shard, space, place, guard);
                self.unless_droppable(&record.header, Verdict::End)
            }
            None => Verdict::Copy,
        }
    }

    fn is_to_expire(&self, expiry_ms: u64, now_ms: u64) -> bool {
        expiry_ms != 0 && now_ms > expiry_ms && self.core.sweeping.load(Ordering::Relaxed)
    }

    /// A record of a chain is needed. Where it is is written in others, so it is not moved: the value
    /// gets another base. Only an image that no delta refers to is moved like any other value.
    fn member(
        &mut self,
        shard: &mut Shard,
        record: &Found,
        (number, place, handle): (usize, Place, u32),
        now_ms: u64,
        guard: &Guard,
    ) -> Verdict {
        let space = &shard.spaces[number];
        // It was there a moment ago, under the same lock.
        let Some(chain) = space.chains.get(handle) else { return Verdict::Stay };
        let (expiry_ms, newest) = (chain.meta.expiry_ms, chain.records.newest());
        if self.is_to_expire(expiry_ms, now_ms) {
            self.expire(shard, number, place, guard);
            // The newest of them says, until it goes, that the value has expired.
            let is_newest = newest.address() == record.address;
            let end = || self.unless_droppable(&record.header, Verdict::End);
            return if is_newest { end() } else { Verdict::Drop };
        }
        if chain.damaged {
            return Verdict::Stay;
        }
        if chain.records.single_put().is_some() {
            return Verdict::Copy;
        }
        self.folds.insert(ColdValue {
            shard: record.shard,
            space: space.id,
            hash: record.hash,
            address: space.index.slot(place).address(),
            stamp: chain.stamp(),
        });
        Verdict::Fold
    }

    /// Removes an entry that has expired.
    fn expire(&self, shard: &mut Shard, number: usize, place: Place, guard: &Guard) {
        let Shard { spaces, live, view, .. } = shard;
        let space = &mut spaces[number];
        let slot = space.index.slot(place);
        if let Some((_, chain)) = space.chains.of_slot(slot)
            && chain.changed >= self.core.log.durable()
        {
            // A crash that loses the change could bring the value back as it was before.
            view.note_deletion(slot.hash(), chain.changed + 1);
        }
        space.expires -= u64::from(slot.expiry_s() != 0);
        space.index.remove(place);
        self.core.leave(live, &mut space.chains, slot, guard);
        Counters::add(&self.core.log.counters.expired, 1);
    }

    /// A value that nothing needs has been overwritten or deleted, by a younger record, or has
    /// expired: then nothing else says so.
    fn unheld(
        &self,
        shard: &Shard,
        record: &Found,
        key: &[u8],
        now_ms: u64,
        guard: &Guard,
    ) -> Verdict {
        let expiry_ms = record.header.expiry_ms;
        let space = shard.spaces.iter().find(|space| space.id == record.header.space);
        if expiry_ms == 0 || space.is_none() && self.is_gone(&record.header) {
            return Verdict::Drop;
        }
        match self.presence(space, record.hash, key, guard) {
            // Whatever the clock says by now: there may have been a time at which it had expired.
            Presence::Absent => self.unless_droppable(&record.header, Verdict::End),
            // If it has, a younger record of the key does no harm to a tombstone.
            Presence::Unknown if now_ms > expiry_ms => {
                self.unless_droppable(&record.header, Verdict::End)
            }
            Presence::Unknown | Presence::Present => Verdict::Drop,
        }
    }

    fn tombstone(&self, shard: &Shard, record: &Found, key: &[u8], guard: &Guard) -> Verdict {
        if self.is_gone(&record.header)
            && shard.spaces.iter().all(|space| space.id != record.header.space)
        {
            return Verdict::Drop;
        }
        let space = shard.spaces.iter().find(|space| space.id == record.header.space);
        match self.presence(space, record.hash, key, guard) {
            // The record that the entry points to is younger, or there would be no entry.
            Presence::Present => Verdict::Drop,
            Presence::Absent | Presence::Unknown => {
                self.unless_droppable(&record.header, Verdict::Copy)
            }
        }
    }

    /// Whether the number of a key space that does not exist will never be in use again. A store
    /// that has been opened with fewer spaces than before, and has never logged their table, may
    /// give numbers from there on back to them.
    fn is_gone(&self, header: &Header) -> bool {
        header.space < self.core.next_space.load(Ordering::Relaxed)
    }

    fn unless_droppable(&self, header: &Header, needed: Verdict) -> Verdict {
        if self.is_droppable(header.sequence) { Verdict::Drop } else { needed }
    }

    /// Whether a tombstone with this sequence number keeps nothing from coming back.
    pub(super) fn is_droppable(&self, sequence: u64) -> bool {
        sequence <= self.pinned_from
    }

    fn presence(&self, space: Option<&Space>, hash: u32, key: &[u8], guard: &Guard) -> Presence {
        let Some(Space { index, chains, .. }) = space else { return Presence::Absent };
        let mut unknown = false;
        let is_key = |slot: crate::index::Slot| match self.core.record(slot.address(), guard) {
            Some(record) => record.has_key(key),
            None => match chains.of_slot(slot) {
                Some((_, chain)) => *chain.key == *key,
                None => {
                    unknown = true;
                    false
                }
            },
        };
        match Index::find(index, hash, is_key) {
            Some(_) => Presence::Present,
            None if unknown => Presence::Unknown,
            None => Presence::Absent,
        }
    }
}
