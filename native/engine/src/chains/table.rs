//! The chains of one key space of a shard.

use std::collections::HashMap;

use super::{Chain, Discarded, HeapGauge, Records, Usage};
use crate::address::{ChainPlace, Region, region};
use crate::index::Slot;
use crate::live::Live;
use crate::object::Object;
use crate::prefetch::prefetch;
use crate::record::delta::Member;

/// No chain has this number.
pub(super) const NONE: u32 = u32::MAX;

/// A table of chains by handle. Those with an object are also in the order of their last use, to the
/// second.
pub(crate) struct Chains {
    slots: Vec<Option<Box<Chain>>>,
    vacant: Vec<u32>,
    next_stamp: u64,
    /// Ends of the order of use.
    newest: u32,
    oldest: u32,
    gauge: HeapGauge,
    /// This table's part of what the gauge shows.
    usage: Usage,
    /// Chains with an object.
    objects: u64,
    /// How often an object was used.
    uses: u64,
    /// Entries of chains that have not been looked through since the store was opened.
    unsettled: u64,
    /// The newest records of those that could not be: see [`Chains::keep_unreadable`].
    unreadable: HashMap<u64, Member>,
}

impl Chains {
    pub(crate) fn new(gauge: HeapGauge) -> Chains {
        Chains {
            slots: Vec::new(),
            vacant: Vec::new(),
            next_stamp: 1,
            newest: NONE,
            oldest: NONE,
            gauge,
            usage: Usage::default(),
            objects: 0,
            uses: 0,
            unsettled: 0,
            unreadable: HashMap::new(),
        }
    }

    /// Notes an entry whose chain has not been looked through.
    pub(crate) fn add_unsettled(&mut self) {
        self.unsettled += 1;
    }

    /// Whether there are entries whose chains have not been looked through.
    pub(crate) fn has_unsettled(&self) -> bool {
        self.unsettled > 0
    }

    /// The entry with a chain whose newest record is at `newest`, and which is not in the table, goes,
    /// or leads to a chain of the table from now on.
    pub(crate) fn settled(&mut self, newest: u64, live: &mut Live) {
        self.unsettled = self.unsettled.saturating_sub(1);
        if let Some(member) = self.unreadable.remove(&newest) {
            live.remove_member(member);
        }
    }

    /// A chain cannot be looked through since not even the key of its newest record can be read. The
    /// entry stays as it is, and its record where it is.
    pub(crate) fn keep_unreadable(&mut self, newest: Member, live: &mut Live) {
        if self.unreadable.insert(newest.address(), newest).is_none() {
            live.add_member(newest);
        }
    }

    /// Adds a chain, counts its records as live, and returns its handle; `None` if there are as many
    /// as there can be.
    pub(crate) fn insert(&mut self, mut chain: Chain, live: &mut Live) -> Option<u32> {
        let handle = match self.vacant.pop() {
            Some(handle) => handle,
            None => {
                let handle = u32::try_from(self.slots.len()).ok().filter(|&next| next != NONE)?;
                self.slots.push(None);
                handle
            }
        };
        chain.records.members().iter().for_each(|member| live.add_member(*member));
        chain.stamp = self.next_stamp;
        self.next_stamp += 1;
        let has_object = chain.object.is_some();
        self.slots[handle as usize] = Some(Box::new(chain));
        self.measure(handle);
        if has_object {
            self.link(handle);
        }
        Some(handle)
    }

    #[inline]
    pub(crate) fn get(&self, handle: u32) -> Option<&Chain> {
        self.slots.get(handle as usize)?.as_deref()
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, handle: u32) -> Option<&mut Chain> {
        self.slots.get_mut(handle as usize)?.as_deref_mut()
    }

    /// The chain with this stamp, if the table still has it.
    pub(crate) fn with_stamp(&mut self, handle: u32, stamp: u64) -> Option<&mut Chain> {
        self.get_mut(handle).filter(|chain| chain.stamp == stamp)
    }

    /// Takes a chain out, and its records out of the accounts; returns its object, to be freed
    /// without the lock.
    pub(crate) fn take(&mut self, handle: u32, live: &mut Live) -> Option<Discarded> {
        if self.get(handle)?.object.is_some() {
            self.unlink(handle);
        }
        let mut chain = self.slots[handle as usize].take()?;
        self.vacant.push(handle);
        chain.records.members().iter().for_each(|member| live.remove_member(*member));
        self.count(chain.usage, Usage::default());
        Some(Discarded::new(chain.object.take(), chain.object_bytes, &self.gauge))
    }

    /// All chains with their handles.
    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Chain)> {
        self.slots.iter().zip(0..).filter_map(|(chain, handle)| Some((handle, chain.as_deref()?)))
    }

    /// Handles are below this.
    pub(crate) fn handles(&self) -> usize {
        self.slots.len()
    }

    /// How many chains there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.vacant.len()
    }

    /// Memory of the table itself in bytes, which is not in the gauge.
    pub(crate) fn table_bytes(&self) -> u64 {
        let slots = self.slots.capacity() * size_of::<Option<Box<Chain>>>();
        (slots + self.vacant.capacity() * size_of::<u32>()) as u64
    }

    /// How many objects there are.
    pub(crate) fn objects(&self) -> u64 {
        self.objects
    }

    /// How often objects were used, ever.
    pub(crate) fn uses(&self) -> u64 {
        self.uses
    }

    /// The object of a chain, if it is in memory.
    pub(crate) fn object(&self, handle: u32) -> Option<&dyn Object> {
        self.get(handle)?.object.as_deref()
    }

    /// Asks the processor for the chain that a slot leads to.
    pub(crate) fn prefetch(&self, slot: Slot) {
        if let Some(ChainPlace::Handle(handle)) = ChainPlace::of(slot.address())
            && let Some(Some(chain)) = self.slots.get(handle as usize)
        {
            prefetch(std::ptr::from_ref::<Chain>(chain));
        }
    }

    /// The chain that a slot leads to, if it leads to one in the table.
    #[inline]
    pub(crate) fn of_slot(&self, slot: Slot) -> Option<(u32, &Chain)> {
        match ChainPlace::of(slot.address())? {
            ChainPlace::Handle(handle) => Some((handle, self.get(handle)?)),
            ChainPlace::Newest(_) => None,
        }
    }

    /// Takes the copy that merging has made of a chain's record for that, if it is the only one: others
    /// say where it is. Returns whether it is.
    pub(crate) fn move_put(&mut self, handle: u32, to: Member, live: &mut Live) -> bool {
        let Some(chain) = self.get_mut(handle) else { return false };
        let Some(from) = chain.records.single_put() else { return false };
        chain.records = Records::put(to, chain.records.image_len);
        live.remove_member(from);
        live.add_member(to);
        true
    }

    /// The slot as it is on disk: without a handle, which means nothing there.
    pub(crate) fn lasting(&self, slot: Slot) -> Slot {
        debug_assert_ne!(region(slot.address()), Region::Cache, "the origin lasts");
        self.of_slot(slot).map_or(slot, |(_, chain)| {
            let newest = chain.records.newest();
            slot.of_record(chain.lasting_address(), newest.size_bound())
        })
    }

    /// Gives a chain this object, or none, for the one it had; that one is to be freed without the
    /// lock.
    pub(crate) fn set_object(
        &mut self,
        handle: u32,
        object: Option<Box<dyn Object>>,
    ) -> Option<Discarded> {
        if self.get(handle)?.object.is_some() {
            self.unlink(handle);
        }
        let chain = self.get_mut(handle)?;
        let bytes = chain.object_bytes;
        let has_object = object.is_some();
        let old = std::mem::replace(&mut chain.object, object);
        self.measure(handle);
        if has_object {
            self.link(handle);
        }
        old.map(|object| Discarded::new(Some(object), bytes, &self.gauge))
    }

    /// Gives a chain an object that is about to be used.
    pub(crate) fn set_used_object(
        &mut self,
        handle: u32,
        object: Box<dyn Object>,
        now_s: u32,
    ) -> Option<Discarded> {
        self.get_mut(handle)?.used_s = now_s;
        self.set_object(handle, Some(object))
    }

    /// Gives a chain other records for the same value.
    pub(crate) fn rebase(&mut self, handle: u32, records: Records, live: &mut Live) {
        let Some(chain) = self.get_mut(handle) else { return };
        // First those that come: what stays does not cease to be live meanwhile.
        records.members().iter().for_each(|member| live.add_member(*member));
        let old = std::mem::replace(&mut chain.records, records);
        old.members().iter().for_each(|member| live.remove_member(*member));
        (chain.folding, chain.open, chain.fold_at) = (false, false, 0);
        self.measure(handle);
    }

    /// Notes what a chain takes in memory now: after each change of its object or its records.
    pub(crate) fn measure(&mut self, handle: u32) {
        let Some(chain) = self.slots.get_mut(handle as usize).and_then(Option::as_deref_mut) else {
            return;
        };
        let before = chain.usage;
        chain.measure();
        let after = chain.usage;
        self.count(before, after);
    }

    /// What was counted as `before` takes what is in `after` from now on.
    fn count(&mut self, before: Usage, after: Usage) {
        self.usage.used = self.usage.used - before.used + after.used;
        self.usage.idle = self.usage.idle - before.idle + after.idle;
        self.gauge.change(before, after);
    }

    /// Notes a use of a chain with an object.
    #[inline]
    pub(crate) fn touch(&mut self, handle: u32, now_s: u32) {
        self.uses += 1;
        let Some(chain) = self.get_mut(handle) else { return };
        if chain.used_s == now_s || chain.object.is_none() {
            return;
        }
        chain.used_s = now_s;
        if self.newest != handle {
            self.unlink(handle);
            self.link(handle);
        }
    }

    /// The chain with an object that was used least recently.
    pub(crate) fn oldest(&self) -> Option<(u32, &Chain)> {
        Some((self.oldest, self.get(self.oldest)?))
    }

    /// The one used next after it.
    pub(crate) fn next_newer(&self, handle: u32) -> Option<(u32, &Chain)> {
        let newer = self.get(handle)?.newer;
        Some((newer, self.get(newer)?))
    }

    /// Puts a chain at the newer end of the order of use.
    fn link(&mut self, handle: u32) {
        self.objects += 1;
        let newest = std::mem::replace(&mut self.newest, handle);
        if let Some(chain) = self.get_mut(handle) {
            (chain.newer, chain.older) = (NONE, newest);
        }
        match self.get_mut(newest) {
            Some(before) => before.newer = handle,
            None => self.oldest = handle,
        }
    }

    /// Takes a chain out of the order of use.
    fn unlink(&mut self, handle: u32) {
        self.objects -= 1;
        let Some(chain) = self.get_mut(handle) else { return };
        let (newer, older) = (chain.newer, chain.older);
        (chain.newer, chain.older) = (NONE, NONE);
        match self.get_mut(newer) {
            Some(neighbour) => neighbour.older = older,
            None => self.newest = older,
        }
        match self.get_mut(older) {
            Some(neighbour) => neighbour.newer = newer,
            None => self.oldest = newer,
        }
    }
}

impl Drop for Chains {
    fn drop(&mut self) {
        self.gauge.change(self.usage, Usage::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Meta;
    use crate::object::{Image, Malformed};
    use proptest::prelude::*;

    struct Blob(usize);

    impl Object for Blob {
        fn apply(&mut self, _delta: &[u8]) -> Result<(), Malformed> {
            Ok(())
        }
        fn heap_bytes(&self) -> usize {
            self.0
        }
        fn image_len(&self) -> usize {
            self.0
        }
        fn freeze(&self) -> Box<dyn Image> {
            Box::new(Vec::new())
        }
    }

    fn chain(n: u64, object: bool) -> Chain {
        let records = Records::put(Member::new((n + 1) * 64, 40), 10);
        let object = object.then(|| Box::new(Blob(n as usize * 10)) as Box<dyn Object>);
        Chain::new((&n.to_le_bytes(), n as u32), Meta::default(), records, object, 0)
    }

    /// The handles from the oldest to the newest, both ways.
    fn order(chains: &Chains) -> Vec<u32> {
        let next = |(handle, _): &(u32, &Chain)| chains.next_newer(*handle);
        let order: Vec<u32> =
            std::iter::successors(chains.oldest(), next).map(|(handle, _)| handle).collect();
        let mut back = Vec::new();
        let mut at = chains.newest;
        while let Some(chain) = chains.get(at) {
            back.push(at);
            at = chain.older;
        }
        back.reverse();
        assert_eq!(order, back);
        order
    }

    proptest! {
        #[test]
        fn the_order_of_use_is_kept(steps in proptest::collection::vec((0u8..5, 0u32..8), 0..80)) {
            let (gauge, mut live) = (HeapGauge::default(), Live::new(16));
            let mut chains = Chains::new(gauge.clone());
            let mut model: Vec<u32> = Vec::new();
            let mut without: Vec<u32> = Vec::new();
            for (now_s, (step, n)) in (1..).zip(steps) {
                match step {
                    0 => model.extend(chains.insert(chain(u64::from(n), true), &mut live)),
                    1 => without.extend(chains.insert(chain(u64::from(n), false), &mut live)),
                    2 => {
                        chains.take(n, &mut live);
                        model.retain(|handle| *handle != n);
                        without.retain(|handle| *handle != n);
                    }
                    3 => {
                        chains.touch(n, now_s);
                        if model.contains(&n) {
                            model.retain(|handle| *handle != n);
                            model.push(n);
                        }
                    }
                    _ => {
                        let known = model.contains(&n) || without.contains(&n);
                        let object = without.contains(&n);
                        let blob = object.then(|| Box::new(Blob(7)) as Box<dyn Object>);
                        let old = chains.set_object(n, blob);
                        prop_assert_eq!(old.is_some(), model.contains(&n));
                        model.retain(|handle| *handle != n);
                        without.retain(|handle| *handle != n);
                        if known && object { model.push(n) } else if known { without.push(n) }
                    }
                }
                prop_assert_eq!(order(&chains), model.clone());
                prop_assert_eq!(chains.objects() as usize, model.len());
                prop_assert_eq!(chains.len(), model.len() + without.len());
                prop_assert_eq!(gauge.bytes() as usize, chains.usage.used);
                prop_assert_eq!(gauge.idle() as usize, chains.usage.idle);
                let heap: usize = chains.iter().map(|(_, chain)| chain.heap()).sum();
                prop_assert_eq!(heap, chains.usage.used);
                let without = chains.iter().filter(|(_, chain)| chain.object.is_none());
                let idle: usize = without.map(|(_, chain)| chain.heap()).sum();
                prop_assert_eq!(idle, chains.usage.idle);
                prop_assert_eq!(live.of(0, 1).records as usize, chains.len());
            }
            drop(chains);
            prop_assert_eq!(gauge.bytes(), 0);
        }
    }

    #[test]
    fn what_is_discarded_counts_until_it_is_freed() {
        let (gauge, mut live) = (HeapGauge::default(), Live::new(16));
        let mut chains = Chains::new(gauge.clone());
        let handle = chains.insert(chain(1000, true), &mut live).expect("room");
        let all = gauge.bytes();
        let discarded = chains.set_object(handle, None).expect("an object");
        assert_eq!((gauge.bytes(), gauge.used()), (all, all - 10_000));
        drop(discarded);
        assert_eq!(gauge.bytes(), all - 10_000);
    }
}
