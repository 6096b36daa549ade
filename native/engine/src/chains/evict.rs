//! Letting go of objects that have not been used for longest.
//!
//! A small object whose deltas are worth it is written as one record first, and its chain goes with
//! it. Of others the chain stays, without the object: what there is to be read is bounded by the
//! rule for new bases.

use super::fold::{SMALL_IMAGE, place_of};
use super::{Chain, ColdValue, Discarded};
use crate::address::ChainPlace;
use crate::core::Core;
use crate::index::Slot;
use crate::shard::{Shard, Space};
use crate::stats::Counters;

/// Objects let go of under one hold of a shard's lock, and the bytes that may be written meanwhile.
const BATCH: usize = 16;
const WRITTEN: u64 = 256 << 10;
/// An image up to this length costs less to write than its chain costs to keep.
const TINY_IMAGE: u64 = 4 << 10;
/// A longer one is written anew if there is one byte of deltas for so many of it.
const WORTH: u64 = 8;
/// The part of what objects may take that chains without one take at most, as one in so many, before
/// small images are written anew in any case.
pub(super) const IDLE_PART: u64 = 8;
/// Chains looked at to find some without an object, and of these under one hold of a shard's lock.
const LOOKS: usize = 1 << 14;
const LOOKS_A_HOLD: usize = 1 << 10;
/// The last object of each table stays for so many seconds after its use: or one that is larger than
/// there is room for would be gone before the command runs that wanted it.
const SPARED_S: u32 = 2;

/// What becomes of a chain whose object goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// It is one `Put`, to which the key's entry leads from now on.
    Plain,
    /// The same, once that has been written.
    Fold,
    Stays,
}

/// Where to look for chains without an object.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct IdleCursor {
    /// Of the parts of key spaces, shard by shard.
    part: usize,
    handle: u32,
}

impl Chain {
    fn is_idle_and_small(&self) -> bool {
        let small = self.records.image_len <= SMALL_IMAGE;
        self.object.is_none() && small && !self.damaged && !self.folding
    }

    /// `save` says that chains without an object take too much memory already.
    fn end(&self, save: bool) -> End {
        let (image, deltas) = (self.records.image_len, self.records.deltas);
        let now = self.object.as_ref().map_or(0, |object| object.image_len() as u64);
        let worth = save || now <= TINY_IMAGE || deltas.bytes >= image / WORTH;
        if self.folding {
            End::Stays
        } else if self.records.single_put().is_some() {
            End::Plain
        } else if now <= SMALL_IMAGE && worth {
            End::Fold
        } else {
            End::Stays
        }
    }
}

impl Core {
    /// Lets go of objects until there is room for `bytes` more, or nothing that may go is left. Frees
    /// them itself: for a thread of the engine.
    pub(crate) fn trim_objects(&self, bytes: u64) {
        loop {
            // Others change both meanwhile.
            let wanted = self.heap.used().saturating_add(bytes);
            let excess = wanted.saturating_sub(self.objects.limit());
            if excess == 0 {
                return;
            }
            let Some((number, space, until_s)) = self.oldest_objects() else { return };
            let mut gone: Vec<Discarded> = Vec::new();
            let mut shard = self.shards[number].lock();
            self.let_go(&mut shard, space, until_s, excess, &mut gone);
            drop(shard);
            if gone.is_empty() {
                return;
            }
            Counters::add(&self.log.counters.evicted, gone.len() as u64);
        }
    }

    /// The part of a key space, by the numbers of its shard and itself, with the object that was used
    /// least recently; and when the oldest of the other parts was used.
    fn oldest_objects(&self) -> Option<(usize, usize, u32)> {
        let now_s = self.now_s();
        let mut ages: Vec<(u32, usize, usize)> = Vec::new();
        for (number, shard) in self.shards.iter().enumerate() {
            let shard = shard.lock();
            for (space, part) in shard.spaces.iter().enumerate() {
                if let Some((handle, chain)) = part.chains.oldest()
                    && !is_spared(chain, part.chains.next_newer(handle).is_none(), now_s)
                {
                    ages.push((now_s.saturating_sub(chain.used_s()), number, space));
                }
            }
        }
        ages.sort_unstable_by(|a, b| b.cmp(a));
        let (_, number, space) = *ages.first()?;
        let until_s = ages.get(1).map_or(u32::MAX, |(age, ..)| now_s.saturating_sub(*age));
        Some((number, space, until_s))
    }

    /// Lets go of some objects of one part that were used until `until_s`, the oldest in any case,
    /// and of no more than `excess` bytes and one object.
    fn let_go(
        &self,
        shard: &mut Shard,
        space: usize,
        until_s: u32,
        excess: u64,
        gone: &mut Vec<Discarded>,
    ) {
        let save = self.objects.is_untidy();
        let (now_s, mut freed, mut written) = (self.now_s(), 0, 0);
        while gone.len() < BATCH && freed < excess && written < WRITTEN {
            let chains = &shard.spaces[space].chains;
            let Some((handle, chain)) = chains.oldest() else { return };
            let is_last = chains.next_newer(handle).is_none();
            if !gone.is_empty() && chain.used_s() > until_s || is_spared(chain, is_last, now_s) {
                return;
            }
            freed += chain.heap() as u64;
            let mut end = chain.end(save);
            if end == End::Fold {
                written += chain.records.image_len;
                // Without it the chain stays: memory is short, whatever the log says.
                let folded = self.fold_small(shard, space, handle);
                end = if folded.is_ok() { End::Plain } else { End::Stays };
            }
            let discarded = match end {
                End::Plain => self.flatten(shard, space, handle),
                End::Fold | End::Stays => shard.spaces[space].chains.set_object(handle, None),
            };
            gone.extend(discarded);
        }
    }

    /// Lets go of a value's object, which was only needed for a moment.
    pub(super) fn give_up_object(&self, value: ColdValue) {
        let shard = &mut *self.shards[usize::from(value.shard)].lock();
        let Some((space, handle)) = place_of(shard, value) else { return };
        let end = shard.spaces[space].chains.get(handle).map(|chain| chain.end(false));
        let discarded = match end {
            Some(End::Plain) => self.flatten(shard, space, handle),
            _ => None,
        };
        if let Some(discarded) = discarded {
            discarded.leave_to(&self.log.trash);
        }
    }

    /// Up to `most` values with a small image whose chains have no object, from the cursor on.
    pub(super) fn idle_values(&self, from: &mut IdleCursor, most: usize) -> Vec<ColdValue> {
        let (mut values, mut looks) = (Vec::new(), 0);
        let spaces = usize::from(self.spaces);
        for _ in 0..=self.shards.len() * spaces {
            loop {
                if looks >= LOOKS || values.len() >= most {
                    return values;
                }
                looks += LOOKS_A_HOLD;
                let (number, space) = (from.part / spaces, from.part % spaces);
                let shard = self.shards[number].lock();
                let Space { id, chains, .. } = &shard.spaces[space];
                let range = from.handle..from.handle.saturating_add(LOOKS_A_HOLD as u32);
                from.handle = range.end;
                let idle = |handle: u32| {
                    let chain = chains.get(handle).filter(|chain| chain.is_idle_and_small())?;
                    let (hash, stamp) = (chain.hash, chain.stamp());
                    let address = ChainPlace::Handle(handle).address();
                    Some(ColdValue { shard: number as u16, space: *id, hash, address, stamp })
                };
                values.extend(range.filter_map(idle).take(most - values.len()));
                if from.handle as usize >= chains.handles() {
                    break;
                }
            }
            from.handle = 0;
            from.part = (from.part + 1) % (self.shards.len() * spaces);
        }
        values
    }

    /// Makes an ordinary entry of one whose chain is a single `Put`; returns the object.
    fn flatten(&self, shard: &mut Shard, space: usize, handle: u32) -> Option<Discarded> {
        let Shard { spaces, live, .. } = shard;
        let space = &mut spaces[space];
        let chain = space.chains.get(handle)?;
        let (put, expiry_ms, hash) =
            (chain.records.single_put()?, chain.meta.expiry_ms, chain.hash);
        let is_it = |slot: Slot| space.chains.of_slot(slot).is_some_and(|(it, _)| it == handle);
        let place = space.index.find(hash, is_it)?;
        let old = space.index.slot(place);
        let now_s = self.now_s();
        let used_s = now_s.wrapping_sub(old.idle_s(now_s));
        let slot = Slot::new(hash, put.address(), put.size_bound() / 2, expiry_ms, used_s);
        live.add(put.address(), slot);
        let discarded = space.chains.take(handle, live);
        space.index.set(place, slot);
        discarded
    }
}

fn is_spared(chain: &Chain, is_last: bool, now_s: u32) -> bool {
    is_last && now_s.saturating_sub(chain.used_s()) < SPARED_S
}
