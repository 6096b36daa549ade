//! Values that are objects.

use std::sync::atomic::Ordering;

use super::{Access, Found, Kept, Key, Locked, Meta};
use crate::address::ChainPlace;
use crate::chains::{ColdValue, SMALL_IMAGE};
use crate::error::{ReadError, WriteError};
use crate::index::{Place, Slot};
use crate::log::Extension;
use crate::record::delta::{DeltaHead, LEAD, Member, change_head, change_len};
use crate::record::total_len;
use crate::shard::{Shard, Space};

/// An image up to this length is made an object by whoever wants it, under the lock: it takes about
/// a hundred microseconds. A longer one is left to the engine's threads.
const DECODED_AT_ONCE: usize = 64 << 10;

/// So many deltas a value may have that is not in memory: then it has to be there for the next one, to
/// be written anew when that is due.
const MOST_WITHOUT_OBJECT: u32 = 64;

/// What has to happen to a value before it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    Nothing,
    /// Its image becomes an object.
    Decode,
}

impl Access<'_> {
    /// Notes that an object is to be made of the value that a slot leads to, which is about `len`
    /// bytes long. `stamp` is that of its chain, 0 without one.
    pub(super) fn note_value(&mut self, shard: u16, space: u32, slot: Slot, stamp: u64, len: u64) {
        let (hash, address) = (slot.hash(), slot.address());
        self.missing.add_value(ColdValue { shard, space, hash, address, stamp }, len);
    }

    /// What has to happen to an entry of the key before it is used. If it is not for the caller to do,
    /// that is noted.
    pub(super) fn check_object(
        &mut self,
        shard: &Shard,
        key: &Key<'_>,
        found: &Found,
    ) -> Result<Need, ReadError> {
        let space = &shard.spaces[usize::from(key.space)];
        let stopped = self.core.stopped.load(Ordering::Relaxed) || self.core.objects.has_ended();
        let (stamp, len) = match found.kept {
            Kept::Chain(handle) => {
                let Some(chain) = space.chains.get(handle) else { return Err(ReadError::Damaged) };
                match &chain.object {
                    Some(_) => return Ok(Need::Nothing),
                    None if chain.damaged => return Err(ReadError::Damaged),
                    None if stopped => return Err(ReadError::Closed),
                    None => (chain.stamp(), chain.records.value_len()),
                }
            }
            Kept::Record(_, header) => {
                let len = header.value_len as usize;
                if !self.core.codec.is_object(found.meta, len) {
                    return Ok(Need::Nothing);
                }
                if shard.is_damaged(found.slot.address()) {
                    return Err(ReadError::Damaged);
                }
                if stopped || len <= DECODED_AT_ONCE && self.core.objects.has_room() {
                    return Ok(Need::Decode);
                }
                (0, len as u64)
            }
        };
        self.note_value(key.shard, space.id, found.slot, stamp, len);
        Err(ReadError::Cold)
    }
}

impl Locked<'_, '_> {
    /// The entry, once its value is an object if it is of that sort.
    pub(super) fn with_object(&mut self, key: &Key<'_>, found: Found) -> Result<Found, ReadError> {
        let position = self.position(key);
        match self.access.check_object(&self.shards[position].1, key, &found)? {
            Need::Nothing => Ok(found),
            Need::Decode => self.decode(key, found),
        }
    }

    /// Makes an object of an entry's image.
    fn decode(&mut self, key: &Key<'_>, found: Found) -> Result<Found, ReadError> {
        let Kept::Record(record, header) = found.kept else { return Ok(found) };
        let (position, core) = (self.position(key), self.access.core);
        // SAFETY: the shard is locked, and the slice is not used after that.
        let (_, image) = unsafe { record.content(&header) };
        let shard = &mut *self.shards[position].1;
        let Ok(object) = core.codec.decode(found.meta, image) else {
            shard.note_damage(found.slot.address());
            return Err(ReadError::Damaged);
        };
        let what = ((key.bytes, key.hash), found.meta, u64::from(header.value_len));
        let number = usize::from(key.space);
        let guard = &self.access.guard;
        // As many objects at a time as there are numbers are more than there is memory for.
        let handle = core
            .found_chain(shard, number, found.place, what, object, guard)
            .ok_or(ReadError::Cold)?;
        let slot = shard.spaces[number].index.slot(found.place);
        Ok(Found { slot, kept: Kept::Chain(handle), ..found })
    }

    /// The address of the newest record of an entry's value.
    pub(super) fn newest_record(&self, key: &Key<'_>, found: &Found) -> u64 {
        let chain = self.space(key).chains.of_slot(found.slot);
        chain.map_or(found.slot.address(), |(_, chain)| chain.records.newest().address())
    }

    /// The chain that a delta of `len` bytes belongs to, and what stands before it.
    pub(super) fn delta_head(
        &mut self,
        key: &Key<'_>,
        found: Option<&Found>,
        len: usize,
    ) -> Result<(u32, DeltaHead), WriteError> {
        let found = found.ok_or(WriteError::NoObject)?;
        let Kept::Chain(handle) = found.kept else { return Err(WriteError::NoObject) };
        let deltas = self.space(key).chains.get(handle).map_or(0, |it| it.records.deltas.count);
        if len > 0 || deltas >= MOST_WITHOUT_OBJECT {
            let position = self.position(key);
            self.access.check_object(&self.shards[position].1, key, found)?;
        }
        let chain = self.space(key).chains.get(handle).ok_or(WriteError::NoObject)?;
        let (previous, deltas) = (chain.records.newest(), chain.records.deltas);
        Ok((handle, DeltaHead { previous, deltas: deltas.and(change_len(len)) }))
    }

    /// Logs a delta by adding it to the record of the one before, if nothing has been logged since, and
    /// makes the change. False if that is not so: nothing has happened then.
    pub(super) fn patch_last(
        &mut self,
        key: &Key<'_>,
        place: Place,
        handle: u32,
        (meta, delta): (Meta, &[u8]),
    ) -> bool {
        let Some(chain) = self.space(key).chains.get(handle) else { return false };
        if !chain.open || chain.object.is_none() {
            return false;
        }
        let (newest, deltas) = (chain.records.newest(), chain.records.deltas);
        let more = change_len(delta.len());
        let (at, bytes) = DeltaHead::bytes_of(deltas.and_more(more));
        let with = Extension {
            address: newest.address(),
            tag: meta.tag(),
            expiry_ms: meta.expiry_ms,
            within: (at, &bytes),
            more: [&change_head(delta.len() as u32), delta],
        };
        let core = self.access.core;
        let Some(len) = core.log.extend(&with, &self.access.guard) else { return false };
        let member = Member::new(newest.address(), len);
        let position = self.position(key);
        let Shard { spaces, live, .. } = &mut *self.shards[position].1;
        let chains = &mut spaces[usize::from(key.space)].chains;
        if let Some(chain) = chains.get_mut(handle) {
            let old = chain.records.extend_last(member, more);
            // First what comes: the record does not cease to be live meanwhile.
            live.add_member(member);
            old.into_iter().for_each(|old| live.remove_member(old));
        }
        self.make(key, place, (handle, newest.address()), meta, delta);
        true
    }

    /// Makes the change that has been logged in a record of its own at `address`.
    pub(super) fn patch(
        &mut self,
        key: &Key<'_>,
        (handle, address): (u32, u64),
        meta: Meta,
        delta: &[u8],
    ) {
        let position = self.position(key);
        let Shard { spaces, live, .. } = &mut *self.shards[position].1;
        let Space { chains, index, .. } = &mut spaces[usize::from(key.space)];
        let of_chain = ChainPlace::Handle(handle).address();
        let place = index.find(key.hash, |slot| slot.address() == of_chain);
        if let Some(chain) = chains.get_mut(handle) {
            let member = Member::new(address, total_len(key.bytes.len(), LEAD + delta.len()));
            chain.records.push(member, change_len(delta.len()));
            chain.open = true;
            live.add_member(member);
        }
        if let Some(place) = place {
            self.make(key, place, (handle, address), meta, delta);
        }
    }

    /// Makes a change that has been logged in the record at `address`, which its chain has already.
    fn make(
        &mut self,
        key: &Key<'_>,
        place: Place,
        (handle, address): (u32, u64),
        meta: Meta,
        delta: &[u8],
    ) {
        self.access.depend_on(address);
        self.access.wrote = true;
        let (position, now_s) = (self.position(key), self.access.now_s());
        let space = &mut self.shards[position].1.spaces[usize::from(key.space)];
        let old = space.index.slot(place);
        let slot = Slot::new(key.hash, old.address(), old.size_bound() / 2, meta.expiry_ms, now_s);
        space.expires += u64::from(slot.expiry_s() != 0);
        space.expires -= u64::from(old.expiry_s() != 0);
        space.index.set(place, slot);
        let Some(chain) = space.chains.get_mut(handle) else { return };
        (chain.changed, chain.meta) = (address, meta);
        let applied = match &mut chain.object {
            Some(object) if !delta.is_empty() => object.apply(delta),
            _ => Ok(()),
        };
        debug_assert!(applied.is_ok(), "a delta that does not fit its object");
        if applied.is_err() {
            chain.damaged = true;
            if let Some(object) = space.chains.set_object(handle, None) {
                object.leave_to(&self.access.core.log.trash);
            }
        }
        space.chains.measure(handle);
        self.fold_if_due(key, handle);
    }

    /// Has the value's image written anew if it has come to have too many deltas: at once if it is
    /// small, else in the background. That it cannot be written now does not matter.
    fn fold_if_due(&mut self, key: &Key<'_>, handle: u32) {
        let (position, core) = (self.position(key), self.access.core);
        let (number, shard) = (usize::from(key.space), &mut *self.shards[position].1);
        let space = &mut shard.spaces[number];
        let Some(chain) = space.chains.get_mut(handle) else { return };
        let Some(image_len) = chain.is_fold_due() else { return };
        if image_len <= SMALL_IMAGE {
            let _ = core.fold_small(shard, number, handle);
            return;
        }
        chain.folding = true;
        let (hash, stamp) = (key.hash, chain.stamp());
        let address = ChainPlace::Handle(handle).address();
        core.objects.fold_later(ColdValue {
            shard: key.shard,
            space: space.id,
            hash,
            address,
            stamp,
        });
    }
}
