//! Chains of a store that was just opened.
//!
//! Recovery enters the newest record of each key; of a chain that is all it knows. *Settling* looks
//! each chain through, enters it in its table and counts its records as live. Whoever wants such a
//! value has its chain settled first; the others follow in the background. Nothing is merged before
//! that is done: what belongs to a chain is not known to be needed until then.

use std::sync::atomic::Ordering;

use super::follow::{Broken, Followed, Start, follow};
use super::{Chain, ColdValue, Records};
use crate::access::Meta;
use crate::address::ChainPlace;
use crate::core::Core;
use crate::index::{Place, Slot};
use crate::record::delta::Member;
use crate::shard::Shard;
use crate::stats::Counters;

/// Chains that are followed at a time.
const BATCH: usize = 256;

/// An entry whose chain has not been looked through.
#[derive(Clone, Copy, Debug)]
struct Unsettled {
    shard: u16,
    /// Incarnation of the key space.
    space: u32,
    slot: Slot,
    newest: Member,
}

impl Unsettled {
    fn of(shard: u16, space: u32, slot: Slot) -> Option<Unsettled> {
        let Some(ChainPlace::Newest(newest)) = ChainPlace::of(slot.address()) else { return None };
        let newest = Member::of(slot, newest);
        Some(Unsettled { shard, space, slot, newest })
    }

    /// The entry, if it is still there.
    fn find(&self, shard: &Shard) -> Option<(usize, Place, Slot)> {
        find(shard, self.space, self.slot.hash(), self.slot.address())
    }
}

/// The number of the key space with an entry, its place, and the entry.
fn find(shard: &Shard, space: u32, hash: u32, address: u64) -> Option<(usize, Place, Slot)> {
    let number = shard.spaces.iter().position(|it| it.id == space)?;
    let index = &shard.spaces[number].index;
    let place = index.find(hash, |slot| slot.address() == address)?;
    Some((number, place, index.slot(place)))
}

/// Looks through the chain of the entry that `value` is, if it is still there and has not been looked
/// through. Reads from disk.
pub(super) fn settle_one(core: &Core, value: ColdValue) {
    let ColdValue { shard, space, hash, address, .. } = value;
    let found = find(&core.shards[usize::from(shard)].lock(), space, hash, address);
    let entry = found.and_then(|(_, _, slot)| Unsettled::of(shard, space, slot));
    settle(core, entry.as_slice());
}

fn settle(core: &Core, entries: &[Unsettled]) {
    let starts: Vec<Start> =
        entries.iter().map(|entry| Start { newest: entry.newest, space: entry.space }).collect();
    let outcomes = follow(&starts, &|address| core.log.segments.on_disk(address));
    for (entry, outcome) in entries.iter().zip(outcomes) {
        let outcome = outcome.and_then(|followed| with_hash(core, entry, followed));
        let mut shard = core.shards[usize::from(entry.shard)].lock();
        match outcome {
            Ok(followed) => {
                let meta = Meta::of(&followed.header);
                enter(core, &mut shard, entry, (&followed.key, meta, followed.records), false);
            }
            Err(broken) => enter_broken(core, &mut shard, entry, broken),
        }
    }
}

/// The chain, if it is of a key with the entry's hash.
fn with_hash(core: &Core, entry: &Unsettled, followed: Followed) -> Result<Followed, Broken> {
    if core.hash(&followed.key) == entry.slot.hash() {
        return Ok(followed);
    }
    let what = "the record there is another key's".into();
    let address = entry.newest.address();
    Err(Broken { address, what, gone: false, newest: None, members: Vec::new() })
}

/// Enters a chain in its table, unless the entry leads elsewhere by now.
fn enter(
    core: &Core,
    shard: &mut Shard,
    entry: &Unsettled,
    (key, meta, records): (&[u8], Meta, Records),
    damaged: bool,
) {
    let Some((number, place, slot)) = entry.find(shard) else { return };
    let now_s = (core.clock.now_ms() / 1000) as u32;
    let used_s = now_s.saturating_sub(slot.idle_s(now_s));
    let mut chain = Chain::new((key, slot.hash()), meta, records, None, used_s);
    chain.damaged = damaged;
    let Shard { spaces, live, .. } = shard;
    let space = &mut spaces[number];
    // There are not as many chains as there are numbers: each takes more memory than that.
    let Some(handle) = space.chains.insert(chain, live) else { return };
    space.chains.settled(entry.newest.address(), live);
    space.index.set(place, slot.moved_to(ChainPlace::Handle(handle).address()));
}

/// The chain of an entry cannot be followed: its key is damaged, unless it has expired.
fn enter_broken(core: &Core, shard: &mut Shard, entry: &Unsettled, broken: Broken) {
    let Some((number, place, slot)) = entry.find(shard) else { return };
    let newest = broken.newest.filter(|(key, _)| core.hash(key) == slot.hash());
    let Some((key, header)) = newest else {
        let Shard { spaces, live, .. } = shard;
        spaces[number].chains.keep_unreadable(entry.newest, live);
        shard.note_damage(slot.address());
        Counters::add(&core.log.counters.damaged, 1);
        return;
    };
    // Records of a chain that has expired go when their segments are merged, the newest not always
    // first. Nothing but that takes a segment away from under a chain.
    let expired = header.expiry_ms != 0 && (broken.gone || core.clock.now_ms() > header.expiry_ms);
    if expired {
        let Shard { spaces, live, .. } = shard;
        let space = &mut spaces[number];
        space.expires -= u64::from(slot.expiry_s() != 0);
        space.index.remove(place);
        space.chains.settled(entry.newest.address(), live);
        Counters::add(&core.log.counters.expired, 1);
        return;
    }
    Counters::add(&core.log.counters.damaged, 1);
    let mut members = broken.members;
    if members.is_empty() {
        members.push(entry.newest);
    }
    members.reverse();
    enter(core, shard, entry, (&key, Meta::of(&header), Records::broken(members)), true);
}

/// The background's way through all entries, once.
pub(crate) struct Settling {
    /// The shard that is being looked through, and the incarnations of its key spaces that have
    /// not been.
    shard: usize,
    spaces: Option<Vec<u32>>,
    /// Where the next table of the last of these begins.
    table: u64,
}

impl Settling {
    pub(crate) fn new() -> Settling {
        Settling { shard: 0, spaces: None, table: 0 }
    }

    /// Whether every entry has been looked at.
    pub(crate) fn is_done(&self, core: &Core) -> bool {
        self.shard >= core.shards.len()
    }

    /// Goes on with the next table; false when there is none.
    pub(crate) fn step(&mut self, core: &Core) -> bool {
        let Some(shard) = core.shards.get(self.shard) else { return false };
        let spaces = self.spaces.get_or_insert_with(|| {
            let shard = shard.lock();
            let with = shard.spaces.iter().filter(|space| space.chains.has_unsettled());
            with.map(|space| space.id).collect()
        });
        let Some(&id) = spaces.last() else {
            (self.shard, self.spaces) = (self.shard + 1, None);
            return true;
        };
        let copy = {
            let shard = shard.lock();
            let space = shard.spaces.iter().find(|space| space.id == id);
            space.and_then(|space| space.index.copy_table(self.table))
        };
        let Some(copy) = copy else {
            spaces.pop();
            self.table = 0;
            return true;
        };
        self.table = copy.next;
        let of_slot = |slot: &Slot| Unsettled::of(self.shard as u16, id, *slot);
        let entries: Vec<Unsettled> = copy.slots.iter().filter_map(of_slot).collect();
        // Whoever closes the store does not wait for the rest.
        let open = |_: &&[Unsettled]| !core.stopped.load(Ordering::Relaxed);
        entries.chunks(BATCH).take_while(open).for_each(|batch| settle(core, batch));
        true
    }
}
