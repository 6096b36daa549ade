//! Making an object of the records of its chain.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_epoch::{self as epoch, Guard};
use parking_lot::{Mutex, MutexGuard};

use super::settle::settle_one;
use super::{Chain, ColdValue, Discarded, Records};
use crate::access::Meta;
use crate::address::ChainPlace;
use crate::core::Core;
use crate::index::Place;
use crate::log::LARGE_VALUE;
use crate::object::{Malformed, Object};
use crate::record::compressed::decompress;
use crate::record::delta::{DeltaHead, Member, changes};
use crate::record::{Header, Kind, MAX_VALUE, View};
use crate::shard::{RecordRef, Shard};
use crate::stats::Counters;
use crate::tier::fetch::{ColdRef, Destination};

/// An object that is being made.
pub(crate) struct Load {
    value: ColdValue,
    key: Box<[u8]>,
    meta: Meta,
    source: Source,
    /// Length of what it is made of, about.
    len: u64,
    /// What it cannot be made of is damaged.
    damaged: AtomicBool,
}

enum Source {
    /// An ordinary record with this image, and the sequence number it had when that was copied.
    Record { image: Mutex<Vec<u8>>, sequence: u64 },
    /// The records of a chain, and their values by address.
    Chain { records: Records, values: Mutex<HashMap<u64, Vec<u8>>> },
}

impl Load {
    /// Begins to make an object of `value`, and says what has to be read for it; `None` if it has
    /// changed since it was asked for, or is one already.
    pub(super) fn begin(
        core: &Core,
        value: ColdValue,
        number: u64,
    ) -> Option<(Load, Vec<ColdRef>)> {
        let guard = epoch::pin();
        let shard = core.shards[usize::from(value.shard)].lock();
        match ChainPlace::of(value.address) {
            Some(ChainPlace::Handle(handle)) => {
                let space = shard.spaces.iter().find(|space| space.id == value.space)?;
                let chain = space.chains.get(handle).filter(|it| it.stamp() == value.stamp)?;
                if chain.object.is_some() || chain.damaged {
                    return None;
                }
                let load = Load::of_chain(value, chain);
                drop(shard);
                let cold = load.read_memory(core, number, &guard);
                Some((load, cold))
            }
            // Asked for again, it leads to a chain of the table.
            Some(ChainPlace::Newest(_)) => {
                drop(shard);
                settle_one(core, value);
                None
            }
            None => Some((Load::of_record(core, shard, value, &guard)?, Vec::new())),
        }
    }

    fn of_chain(value: ColdValue, chain: &Chain) -> Load {
        let source = Source::Chain { records: chain.records.clone(), values: Mutex::default() };
        Load {
            value,
            key: chain.key.clone(),
            meta: chain.meta,
            source,
            len: chain.records.value_len(),
            damaged: AtomicBool::new(false),
        }
    }

    /// With the image of an ordinary record that is in memory.
    fn of_record(
        core: &Core,
        shard: MutexGuard<'_, Shard>,
        value: ColdValue,
        guard: &Guard,
    ) -> Option<Load> {
        let space = shard.spaces.iter().find(|space| space.id == value.space)?;
        space.index.find(value.hash, |slot| slot.address() == value.address)?;
        let record = core.record(value.address, guard)?;
        let header = record.header();
        // A record of this length never changes: it takes too long to be copied under the lock.
        let shard = Some(shard).filter(|_| (header.value_len as usize) < LARGE_VALUE);
        // SAFETY: the record was found under the shard's lock, `guard` keeps its memory, and it is not
        // changed while it is looked at: it is large, or the lock is held on.
        let (key, image) = unsafe { record.content(&header) };
        let (key, image) = (key.into(), Mutex::new(image.to_vec()));
        drop(shard);
        Some(Load {
            value,
            key,
            meta: Meta::of(&header),
            source: Source::Record { image, sequence: header.sequence },
            len: u64::from(header.value_len),
            damaged: AtomicBool::new(false),
        })
    }

    pub(super) fn value(&self) -> ColdValue {
        self.value
    }

    /// Length of what it is made of in bytes.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Takes what is in memory; the rest has to be read.
    fn read_memory(&self, core: &Core, number: u64, guard: &Guard) -> Vec<ColdRef> {
        let Source::Chain { records, .. } = &self.source else { return Vec::new() };
        let ColdValue { shard, space, hash, .. } = self.value;
        let is_cold = |member: &&Member| {
            let Some(at) = core.log.segments.at(member.address(), guard) else { return true };
            // SAFETY: a member is a whole record of a present segment, whose memory `guard` keeps. It
            // had been written before it was entered in its chain, under the lock that was held when
            // it was found there, and records of a chain without an object do not change.
            let (header, (key, value)) = unsafe {
                let record = RecordRef::new(at);
                let header = record.header();
                (header, record.content(&header))
            };
            self.take(member.address(), Some((header, key, value)));
            false
        };
        let cold = records.sources().filter(is_cold);
        let to = Destination::Object(number);
        let cold = cold.map(|member| ColdRef {
            address: member.address(),
            // Size classes end at 2^31.
            len: member.size_bound() as u32,
            shard,
            space,
            hash,
            to,
        });
        cold.collect()
    }

    /// Takes the bytes that were read from disk at `address`.
    pub(crate) fn land(&self, address: u64, bytes: &[u8]) {
        let view = View::read(bytes, address).ok();
        self.take(address, view.map(|view| (view.header, view.key, view.value)));
    }

    /// The record at `address` cannot be read.
    pub(crate) fn fail(&self) {
        self.damaged.store(true, Ordering::Release);
    }

    fn take(&self, address: u64, record: Option<(Header, &[u8], &[u8])>) {
        let Source::Chain { values, .. } = &self.source else { return };
        let is_ours = |(header, key, _): &(Header, &[u8], &[u8])| {
            header.space == self.value.space && **key == *self.key
        };
        let value = match record.filter(is_ours) {
            Some((Header { kind: Kind::PutCompressed, .. }, _, packed)) => {
                decompress(packed, MAX_VALUE).ok()
            }
            record => record.map(|(_, _, value)| value.to_vec()),
        };
        match value {
            Some(value) => drop(values.lock().insert(address, value)),
            None => self.fail(),
        }
    }

    /// Makes the object of what has been read, and gives it to its chain.
    pub(super) fn finish(&self, core: &Core) {
        core.trim_objects(self.len);
        let object = match self.damaged.load(Ordering::Acquire) {
            // What commands trust in must not end this thread, on which everybody depends.
            false => catch_unwind(AssertUnwindSafe(|| self.make(core))).unwrap_or(Err(Malformed)),
            true => Err(Malformed),
        };
        let guard = epoch::pin();
        let mut shard = core.shards[usize::from(self.value.shard)].lock();
        let left = match &self.source {
            Source::Chain { records, .. } => self.give(core, &mut shard, records, object),
            Source::Record { sequence, .. } => {
                self.found(core, &mut shard, *sequence, object, &guard)
            }
        };
        drop(shard);
        drop(left);
    }

    fn make(&self, core: &Core) -> Result<Box<dyn Object>, Malformed> {
        let (records, values) = match &self.source {
            Source::Record { image, .. } => {
                let image = std::mem::take(&mut *image.lock());
                return core.codec.decode(self.meta, &image);
            }
            Source::Chain { records, values } => (records, values),
        };
        let mut values = std::mem::take(&mut *values.lock());
        let mut value = |member: &Member| values.remove(&member.address()).ok_or(Malformed);
        let image = match records.parts() {
            [only] => value(only)?,
            parts => {
                let mut image = Vec::new();
                // What the base says is not yet known to be true.
                image.try_reserve_exact(records.image_len as usize).map_err(|_| Malformed)?;
                for part in parts {
                    image.extend_from_slice(&value(part)?);
                }
                image
            }
        };
        let mut object = core.codec.decode(self.meta, &image)?;
        drop(image);
        for delta in records.deltas() {
            let value = value(delta)?;
            let (_, all) = DeltaHead::decode(&value).ok_or(Malformed)?;
            for change in changes(all) {
                match change.ok_or(Malformed)? {
                    [] => {}
                    change => object.apply(change)?,
                }
            }
        }
        Ok(object)
    }

    /// Gives the object to its chain, if that has the records it was made of; otherwise back.
    fn give(
        &self,
        core: &Core,
        shard: &mut Shard,
        records: &Records,
        object: Result<Box<dyn Object>, Malformed>,
    ) -> Unused {
        let (ColdValue { space, address, stamp, .. }, now_s) = (self.value, core.now_s());
        let Some(ChainPlace::Handle(handle)) = ChainPlace::of(address) else {
            return unused(object);
        };
        let Some(space) = shard.spaces.iter_mut().find(|it| it.id == space) else {
            return unused(object);
        };
        let chain = space.chains.with_stamp(handle, stamp).filter(|it| it.object.is_none());
        // Changes of meta may have been added: they need no object.
        let chain = chain.filter(|chain| chain.records.members().starts_with(records.members()));
        match (chain, object) {
            (Some(_), Ok(object)) => {
                Counters::add(&core.log.counters.loaded, 1);
                (None, space.chains.set_used_object(handle, object, now_s))
            }
            (Some(chain), Err(Malformed)) => {
                chain.damaged = true;
                Counters::add(&core.log.counters.damaged, 1);
                (None, None)
            }
            (None, object) => unused(object),
        }
    }

    /// Makes a chain of the ordinary record that the object was made of, if it is still the key's.
    fn found(
        &self,
        core: &Core,
        shard: &mut Shard,
        sequence: u64,
        object: Result<Box<dyn Object>, Malformed>,
        guard: &Guard,
    ) -> Unused {
        let ColdValue { space, hash, address, .. } = self.value;
        let Some(number) = shard.spaces.iter().position(|it| it.id == space) else {
            return unused(object);
        };
        let place = shard.spaces[number].index.find(hash, |slot| slot.address() == address);
        // It may have been updated in place.
        let same = || {
            let record = core.record(address, guard);
            record.is_some_and(|record| record.header().sequence == sequence)
        };
        let Some(place) = place.filter(|_| same()) else { return unused(object) };
        match object {
            Ok(object) => {
                Counters::add(&core.log.counters.loaded, 1);
                let named = (&*self.key, hash);
                core.found_chain(shard, number, place, (named, self.meta, self.len), object, guard);
            }
            Err(Malformed) => {
                shard.note_damage(address);
                Counters::add(&core.log.counters.damaged, 1);
            }
        }
        (None, None)
    }
}

/// What is dropped when the lock has been let go of: an object that nobody wants, and one that had to
/// make room.
type Unused = (Option<Box<dyn Object>>, Option<Discarded>);

fn unused(object: Result<Box<dyn Object>, Malformed>) -> Unused {
    (object.ok(), None)
}

impl Core {
    pub(crate) fn now_s(&self) -> u32 {
        (self.clock.now_ms() / 1000) as u32
    }

    /// Makes a chain of the ordinary record at `place` in a key space, whose image is as long as is
    /// said and has become `object`. `None` if there are as many chains as there can be.
    pub(crate) fn found_chain(
        &self,
        shard: &mut Shard,
        number: usize,
        place: Place,
        (named, meta, image_len): ((&[u8], u32), Meta, u64),
        object: Box<dyn Object>,
        guard: &Guard,
    ) -> Option<u32> {
        let Shard { spaces, live, .. } = shard;
        let space = &mut spaces[number];
        let old = space.index.slot(place);
        let records = Records::put(Member::of(old, self.origin(old, guard)), image_len);
        let chain = Chain::new(named, meta, records, Some(object), self.now_s());
        let handle = space.chains.insert(chain, live)?;
        self.leave(live, &mut space.chains, old, guard);
        space.index.set(place, old.moved_to(ChainPlace::Handle(handle).address()));
        Some(handle)
    }
}
