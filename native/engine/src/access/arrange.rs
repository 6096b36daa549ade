//! Emptying and exchanging whole key spaces.

use std::sync::atomic::Ordering;

use super::Locked;
use super::keyspace::SpaceTable;
use crate::index::Slot;
use crate::shard::Space;

/// What becomes of the key spaces of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrangement {
    /// Whether a space loses its keys, by its number before.
    pub emptied: Vec<bool>,
    /// The number before of the space that has each number afterwards.
    pub order: Vec<u16>,
}

impl Arrangement {
    /// Everything stays as it is in a store of so many spaces.
    pub(super) fn of(spaces: u16) -> Arrangement {
        Arrangement { emptied: vec![false; usize::from(spaces)], order: (0..spaces).collect() }
    }

    /// Whether everything stays as it is.
    pub(super) fn is_nothing(&self) -> bool {
        !self.emptied.contains(&true) && !self.moves()
    }

    fn moves(&self) -> bool {
        self.order.iter().zip(0u16..).any(|(&before, after)| before != after)
    }

    /// Whether the space that had this number before loses its keys.
    pub(super) fn empties(&self, space: u16) -> bool {
        self.emptied[usize::from(space)]
    }
}

/// An arrangement that is being carried out.
pub(super) struct Arranging<'p> {
    plan: &'p Arrangement,
    /// The incarnation of each space, by its number before.
    ids: Vec<u32>,
    table: SpaceTable,
    /// The value of the record that says so.
    pub(super) record: Vec<u8>,
}

impl Arranging<'_> {
    /// The incarnation of the space that had this number before.
    pub(super) fn id(&self, space: u16) -> u32 {
        self.ids[usize::from(space)]
    }

    /// Whether the space that had this number before loses its keys.
    pub(super) fn empties(&self, space: u16) -> bool {
        self.plan.empties(space)
    }
}

impl Locked<'_, '_> {
    /// What is to be logged for a new arrangement. All shards are locked.
    pub(super) fn begin_arranging<'p>(&self, plan: &'p Arrangement) -> Arranging<'p> {
        let core = self.access.core;
        let mut ids: Vec<u32> = self.shards[0].1.spaces.iter().map(|space| space.id).collect();
        let mut next = core.next_space.load(Ordering::Relaxed);
        for (id, _) in ids.iter_mut().zip(&plan.emptied).filter(|(_, emptied)| **emptied) {
            *id = next;
            next += 1;
        }
        let arranged = plan.order.iter().map(|&space| ids[usize::from(space)]).collect();
        let table = SpaceTable { next, ids: arranged };
        Arranging { plan, ids, record: table.encode(), table }
    }

    /// Tells who wants to hear of it.
    pub(super) fn announce(&self, arranging: &Arranging<'_>) {
        let core = self.access.core;
        let after: Vec<Option<u16>> = arranging
            .plan
            .order
            .iter()
            .map(|&space| (!arranging.empties(space)).then_some(space))
            .collect();
        core.observer.rearranged(&after, &|space, key| {
            let number = (core.route)(key, core.shards.len() as u16);
            let space = &self.shards[usize::from(number)].1.spaces[usize::from(space)];
            let is_key = |slot: Slot| match core.record(slot.address(), &self.access.guard) {
                Some(record) => {
                    record.has_key(key) && !self.access.is_expired(record.header().expiry_ms)
                }
                None => space.chains.of_slot(slot).is_none_or(|(_, chain)| {
                    *chain.key == *key && !self.access.is_expired(chain.meta.expiry_ms)
                }),
            };
            space.index.find(core.hash(key), is_key).is_some()
        });
    }

    /// Empties the spaces that are to be emptied. What was logged is at `address`.
    pub(super) fn empty_spaces(&mut self, arranging: &Arranging<'_>, address: u64) {
        let core = self.access.core;
        core.next_space.store(arranging.table.next, Ordering::Relaxed);
        *core.logged_spaces.lock() = arranging.table.clone();
        self.access.wrote = true;
        self.access.depend_on(address);
        for (number, shard) in &mut self.shards {
            let spaces = shard.spaces.iter_mut().zip(&arranging.ids).zip(&arranging.plan.emptied);
            for ((space, &id), _) in spaces.filter(|(_, emptied)| **emptied) {
                let fresh = Space::new(id, &core.log.trash, &core.heap);
                let old = std::mem::replace(space, fresh);
                space.lsn = address + 1;
                core.emptied.lock().push((usize::from(*number), old));
            }
        }
    }

    /// Gives the spaces their new numbers, and shows readers what has changed.
    pub(super) fn end_arranging(&mut self, arranging: &Arranging<'_>, address: u64) {
        for (_, shard) in &mut self.shards {
            let mut before: Vec<Option<Space>> =
                std::mem::take(&mut shard.spaces).into_iter().map(Some).collect();
            // Each number is in the order once.
            let order = &arranging.plan.order;
            shard.spaces =
                order.iter().filter_map(|&space| before[usize::from(space)].take()).collect();
            for (number, &space) in order.iter().enumerate() {
                if usize::from(space) != number || arranging.plan.empties(space) {
                    shard.spaces[number].lsn = address + 1;
                    shard.publish_space(number, &self.access.guard);
                }
            }
        }
    }
}
