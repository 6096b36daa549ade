//! Writing a value's image anew, so that its deltas are not needed any more.
//!
//! The image of a small object is one `Put`, written at once. That of a large one is written in the
//! background: the object is frozen under the shard's lock, its image written in parts without it,
//! and at the end a `Base` says which parts make it up and which deltas came meanwhile. Until then
//! the parts are not part of anything, and the chain is as it was.

use crossbeam_epoch as epoch;

use super::{Chain, ColdValue, Records};
use crate::address::ChainPlace;
use crate::core::Core;
use crate::error::WriteError;
use crate::log::Write;
use crate::object::Image;
use crate::record::Kind;
use crate::record::delta::{Base, Member};
use crate::shard::{Shard, Space};
use crate::stats::Counters;

/// The longest image that is written at once, under the lock.
pub(crate) const SMALL_IMAGE: u64 = 64 << 10;
/// Length of a part of a longer one.
const PART: usize = 256 << 10;
/// An image is written anew when its deltas have as many bytes, or so many if it is small; or when
/// there are so many deltas, and one for so many of its bytes. The first keeps down what is written
/// for a change, the second what is read to bring a value back whose store was not closed.
const SMALL_BYTES: u64 = 4 << 10;
const SMALL_DELTAS: u64 = 64;
const LARGE_DELTAS: u64 = 1 << 10;
const BYTES_A_DELTA: u64 = 128;
/// So many more deltas have to come before what could not be written is tried again.
const RETRY_AFTER: u32 = 64;

/// How writing a base has gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Folded {
    /// It is written.
    Done,
    /// There is no such chain any more.
    Gone,
    /// Only the object can say what the image is.
    NotInMemory,
    /// The log takes nothing now, or it is damaged, or the store is closed.
    Refused,
    /// More is to be written.
    NotYet,
    /// More is to be written when there is room for it.
    Busy,
}

impl Chain {
    /// Whether reading the value has become so much dearer than reading its image that it is to be
    /// written anew, and how long the image is then.
    pub(crate) fn is_fold_due(&self) -> Option<u64> {
        let (image, deltas) = (self.records.image_len, self.records.deltas);
        let now = self.object.as_ref()?.image_len() as u64;
        let is_small = image.max(now) <= SMALL_IMAGE;
        let (count, bytes) =
            if is_small { (SMALL_DELTAS, SMALL_BYTES) } else { (LARGE_DELTAS, SMALL_IMAGE) };
        let due = u64::from(deltas.count) >= count + image / BYTES_A_DELTA
            || deltas.bytes >= image.max(bytes);
        (due && !self.folding && deltas.count >= self.fold_at).then_some(now)
    }
}

impl Core {
    /// Writes the image of an object as a `Put`, at once. If that fails the chain is as it was.
    pub(crate) fn fold_small(
        &self,
        shard: &mut Shard,
        number: usize,
        handle: u32,
    ) -> Result<(), WriteError> {
        let Shard { spaces, live, .. } = shard;
        let space = &mut spaces[number];
        let Some(chain) = space.chains.get_mut(handle) else { return Ok(()) };
        let Some(object) = &chain.object else { return Ok(()) };
        let mut image = Vec::with_capacity(object.image_len());
        let mut frozen = object.freeze();
        while frozen.write(&mut image, usize::MAX) {}
        let (tag, expiry_ms) = (chain.meta.tag(), chain.meta.expiry_ms);
        let (key, value) = (&*chain.key, &*image);
        let write =
            Write { kind: Kind::Put, space: space.id, tag, expiry_ms, key, lead: &[], value };
        let (mut address, len) = (0, write.total_len());
        let written = self.log.append(&[write], &epoch::pin(), |_, at| address = at);
        if written.is_err() {
            chain.fold_at = chain.records.deltas.count.saturating_add(RETRY_AFTER);
            return written;
        }
        let records = Records::put(Member::new(address, len), image.len() as u64);
        space.chains.rebase(handle, records, live);
        Counters::add(&self.log.counters.folds, 1);
        Ok(())
    }
}

/// A base that is being written.
pub(super) struct Fold {
    value: ColdValue,
    key: Box<[u8]>,
    tag: u8,
    image: Box<dyn Image>,
    image_len: u64,
    /// A part that has not been written, and whether it is the last.
    part: Vec<u8>,
    is_last: bool,
    parts: Vec<Member>,
    /// Deltas that were there when the image was frozen.
    folded: usize,
    folded_bytes: u64,
}

impl Fold {
    /// Begins to write a base of a value; what is small is written at once. Unless somebody has
    /// `asked` for it, it is not needed if there has been another one since it was due.
    ///
    /// # Errors
    /// There is nothing more to do, for the reason that is told.
    pub(super) fn begin(core: &Core, value: ColdValue, asked: bool) -> Result<Fold, Folded> {
        let shard = &mut *core.shards[usize::from(value.shard)].lock();
        let (number, handle) = place_of(shard, value).ok_or(Folded::Gone)?;
        let chain = shard.spaces[number].chains.get_mut(handle).ok_or(Folded::Gone)?;
        if !asked && !chain.folding {
            return Err(Folded::Gone);
        }
        let Some(object) = &chain.object else {
            chain.folding = false;
            return Err(if chain.damaged { Folded::Refused } else { Folded::NotInMemory });
        };
        if object.image_len() as u64 <= SMALL_IMAGE {
            chain.folding = false;
            let written = core.fold_small(shard, number, handle);
            return Err(written.map_or(Folded::Refused, |()| Folded::Done));
        }
        // The newest delta is in the image as it is now.
        (chain.folding, chain.open) = (true, false);
        // Told before the log grows: merging leaves alone what is behind.
        core.objects.set_folding_from(core.log.submitted());
        Ok(Fold {
            value,
            key: chain.key.clone(),
            tag: chain.meta.tag(),
            image: object.freeze(),
            image_len: 0,
            part: Vec::new(),
            is_last: false,
            parts: Vec::new(),
            folded: chain.records.deltas().len(),
            folded_bytes: chain.records.deltas.bytes,
        })
    }

    /// Writes the next part, and the base after the last one.
    pub(super) fn step(&mut self, core: &Core) -> Folded {
        let mut shard = core.shards[usize::from(self.value.shard)].lock();
        if place_of(&mut shard, self.value).is_none() {
            return Folded::Gone;
        }
        drop(shard);
        if self.part.is_empty() && !self.is_last {
            self.is_last = !self.image.write(&mut self.part, PART);
        }
        if !self.part.is_empty() {
            let (key, value) = (&*self.key, &*self.part);
            let (kind, space, tag) = (Kind::BasePart, self.value.space, self.tag);
            let write = Write { kind, space, tag, expiry_ms: 0, key, lead: &[], value };
            let (mut address, len) = (0, write.total_len());
            let written = core.log.append(&[write], &epoch::pin(), |_, at| address = at);
            match written {
                Ok(()) => self.parts.push(Member::new(address, len)),
                Err(WriteError::Busy) => return Folded::Busy,
                Err(_) => return Folded::Refused,
            }
            core.log.kick();
            self.image_len += self.part.len() as u64;
            self.part.clear();
        }
        if self.is_last { self.end(core) } else { Folded::NotYet }
    }

    /// Writes the base, if the chain is still there and has not been given another one.
    fn end(&mut self, core: &Core) -> Folded {
        let shard = &mut *core.shards[usize::from(self.value.shard)].lock();
        let Some((number, handle)) = place_of(shard, self.value) else { return Folded::Gone };
        let Shard { spaces, live, .. } = shard;
        let Space { chains, id, .. } = &mut spaces[number];
        let Some(chain) = chains.get(handle).filter(|chain| chain.folding) else {
            return Folded::Gone;
        };
        let deltas = chain.records.deltas();
        let carried = deltas.get(self.folded..).unwrap_or_default().to_vec();
        let base = Base {
            image_len: self.image_len,
            parts: std::mem::take(&mut self.parts),
            carried_bytes: chain.records.deltas.bytes.saturating_sub(self.folded_bytes),
            carried,
        };
        if !Base::fits(base.parts.len() + base.carried.len()) {
            return Folded::Refused;
        }
        let (value, meta) = (base.encode(), chain.meta);
        let (tag, expiry_ms) = (meta.tag(), meta.expiry_ms);
        let (kind, key, value) = (Kind::Base, &*chain.key, &*value);
        let write = Write { kind, space: *id, tag, expiry_ms, key, lead: &[], value };
        let (mut address, len) = (0, write.total_len());
        match core.log.append(&[write], &epoch::pin(), |_, at| address = at) {
            Ok(()) => {}
            Err(WriteError::Busy) => {
                self.parts = base.parts;
                return Folded::Busy;
            }
            Err(_) => return Folded::Refused,
        }
        chains.rebase(handle, Records::based(Member::new(address, len), base), live);
        core.log.kick();
        Counters::add(&core.log.counters.folds, 1);
        Folded::Done
    }

    /// It is done.
    pub(super) fn conclude(self, core: &Core) {
        core.objects.set_folding_from(u64::MAX);
    }

    /// Ends it, however far it has come: what has been written is garbage.
    pub(super) fn give_up(self, core: &Core) {
        let shard = &mut *core.shards[usize::from(self.value.shard)].lock();
        if let Some((number, handle)) = place_of(shard, self.value)
            && let Some(chain) = shard.spaces[number].chains.get_mut(handle)
            && chain.folding
        {
            chain.folding = false;
            chain.fold_at = chain.records.deltas.count.saturating_add(RETRY_AFTER);
        }
        core.objects.set_folding_from(u64::MAX);
    }
}

/// Where the chain of a value is: the number of its key space, and its handle.
pub(super) fn place_of(shard: &mut Shard, value: ColdValue) -> Option<(usize, u32)> {
    let Some(ChainPlace::Handle(handle)) = ChainPlace::of(value.address) else { return None };
    let number = shard.spaces.iter().position(|space| space.id == value.space)?;
    shard.spaces[number].chains.with_stamp(handle, value.stamp)?;
    Some((number, handle))
}
