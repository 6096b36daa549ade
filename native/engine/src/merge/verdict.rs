//! Which records are still needed.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use crossbeam_epoch::{self as epoch, Guard};

use super::reader::{Found, Reader};
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

/// Whether a key exists, as far as can be told without reading from disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Present,
    Absent,
    Unknown,
}

/// Judges records by the index.
pub(super) struct Judge<'c> {
    pub core: &'c Core,
    pub route: fn(&[u8], u16) -> u16,
    /// See `Survey::pinned_from`.
    pub pinned_from: u64,
    /// Values whose chains have to have another base, since records of theirs are to go.
    pub folds: BTreeSet<ColdValue>,
}

impl Judge<'_> {
    /// Sets the verdicts of the records about keys in a piece.
    pub(super) fn judge(&mut self, reader: &Reader, found: &mut [Found]) {
        let shards = self.core.shards.len() as u16;
        for record in found.iter_mut() {
            let (key, _) = reader.content(record);
            (record.hash, record.shard) = (self.core.hash(key), (self.route)(key, shards));
        }
        let numbered = found.iter().zip(0..).map(|(record, at)| (record.shard, at));
        let mut order: Vec<(u16, u32)> = numbered.collect();
        order.sort_unstable();
        for of_shard in order.chunk_by(|a, b| a.0 == b.0) {
            for batch in of_shard.chunks(BATCH) {
                self.judge_batch(reader, found, batch);
            }
        }
    }

    fn judge_batch(&mut self, reader: &Reader, found: &mut [Found], batch: &[(u16, u32)]) {
        let now_ms = self.core.clock.now_ms();
        let guard = epoch::pin();
        let mut shard = self.core.shards[usize::from(batch[0].0)].lock();
        for &(_, at) in batch {
            let record = &mut found[at as usize];
            let (key, _) = reader.content(record);
            let member = self.member(&mut shard, record, now_ms, &guard);
            record.verdict = member.unwrap_or_else(|| match record.header.kind {
                Kind::Put | Kind::PutCompressed | Kind::Delta | Kind::Base => {
                    self.value(&mut shard, record, key, now_ms, &guard)
                }
                Kind::Delete => self.tombstone(&shard, record, key, &guard),
                Kind::Spaces | Kind::BasePart => Verdict::Drop,
            });
        }
    }

    /// A record of a chain is needed. Where it is is written in others, so it is not moved: the value
    /// gets another base. Only an image that no delta refers to is moved like any other value.
    fn member(
        &mut self,
        shard: &mut Shard,
        record: &Found,
        now_ms: u64,
        guard: &Guard,
    ) -> Option<Verdict> {
        let number = shard.spaces.iter().position(|space| space.id == record.header.space)?;
        let space = &shard.spaces[number];
        let (place, handle) = match space.chain_with(record.hash, record.address)? {
            (place, Some(handle)) => (place, handle),
            (_, None) => return Some(Verdict::Stay),
        };
        let chain = space.chains.get(handle)?;
        let (expiry_ms, newest) = (chain.meta.expiry_ms, chain.records.newest());
        if expiry_ms != 0 && now_ms > expiry_ms && self.core.sweeping.load(Ordering::Relaxed) {
            self.expire(shard, number, place, guard);
            // The newest of them says, until it goes, that the value has expired.
            let is_newest = newest.address() == record.address;
            let end = || self.unless_droppable(&record.header, Verdict::End);
            return Some(if is_newest { end() } else { Verdict::Drop });
        }
        if chain.damaged {
            return Some(Verdict::Stay);
        }
        if chain.records.single_put().is_some() {
            return Some(Verdict::Copy);
        }
        self.folds.insert(ColdValue {
            shard: record.shard,
            space: space.id,
            hash: record.hash,
            address: space.index.slot(place).address(),
            stamp: chain.stamp(),
        });
        Some(Verdict::Fold)
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

    /// A value is needed if the key's entry points to it. One that is not has been overwritten or
    /// deleted, by a younger record, or has expired: then nothing else says so.
    fn value(
        &self,
        shard: &mut Shard,
        record: &Found,
        key: &[u8],
        now_ms: u64,
        guard: &Guard,
    ) -> Verdict {
        let expiry_ms = record.header.expiry_ms;
        let expired = expiry_ms != 0 && now_ms > expiry_ms;
        let number = shard.spaces.iter().position(|space| space.id == record.header.space);
        if let Some(number) = number {
            let index = &shard.spaces[number].index;
            let is_this = |slot| self.core.origin(slot, guard) == record.address;
            if let Some(place) = index.find(record.hash, is_this) {
                if !expired || !self.core.sweeping.load(Ordering::Relaxed) {
                    return Verdict::Copy;
                }
                self.expire(shard, number, place, guard);
                return self.unless_droppable(&record.header, Verdict::End);
            }
        } else if self.is_gone(&record.header) {
            return Verdict::Drop;
        }
        if expiry_ms == 0 {
            return Verdict::Drop;
        }
        let space = number.map(|number| &shard.spaces[number]);
        match self.presence(space, record.hash, key, guard) {
            // Whatever the clock says by now: there may have been a time at which it had expired.
            Presence::Absent => self.unless_droppable(&record.header, Verdict::End),
            // If it has, a younger record of the key does no harm to a tombstone.
            Presence::Unknown if expired => self.unless_droppable(&record.header, Verdict::End),
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
        if header.sequence <= self.pinned_from { Verdict::Drop } else { needed }
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
