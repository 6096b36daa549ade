//! Points the index to copies.

use std::collections::BTreeSet;

use crossbeam_epoch::{self as epoch, Guard};

use crate::address::{Region, region};
use crate::chains::ColdValue;
use crate::core::Core;
use crate::index::Slot;
use crate::live::Live;
use crate::record::delta::Member;
use crate::shard::{Shard, Space};

/// Entries changed under one hold of a shard's lock.
const BATCH: usize = 64;

/// A record that has been copied.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    pub from: u64,
    pub to: u64,
    /// Length of the copy, which may be shorter.
    pub len: u64,
    pub hash: u32,
    /// Incarnation of the key space.
    pub space: u32,
    pub shard: u16,
}

/// Points the entries of moved records to their copies, where nobody has changed them meanwhile. Adds
/// to `folds` the values that deltas have been logged for since: they need the record where it was.
pub(super) fn repoint_all(core: &Core, moves: &mut [Move], folds: &mut BTreeSet<ColdValue>) {
    moves.sort_by_key(|moved| moved.shard);
    for of_shard in moves.chunk_by(|a, b| a.shard == b.shard) {
        for batch in of_shard.chunks(BATCH) {
            let guard = epoch::pin();
            let mut shard = core.shards[usize::from(of_shard[0].shard)].lock();
            let fold = |moved: &Move| repoint(core, &mut shard, moved, &guard);
            folds.extend(batch.iter().filter_map(fold));
        }
    }
}

/// The only place where merging changes an entry. One that has been given another record, removed,
/// or emptied with its key space since the record was copied, does not have its address any more.
/// Returns a value that needs another base before the record can go.
fn repoint(core: &Core, shard: &mut Shard, moved: &Move, guard: &Guard) -> Option<ColdValue> {
    let Shard { spaces, live, .. } = shard;
    let space = spaces.iter_mut().find(|space| space.id == moved.space)?;
    let is_it = |slot| core.origin(slot, guard) == moved.from;
    let Some(place) = space.index.find(moved.hash, is_it) else {
        return repoint_chain(space, live, moved);
    };
    let old = space.index.slot(place);
    if region(old.address()) == Region::Cache {
        // The entry stays with its copy in memory, and goes back to the new place from there.
        live.remove(moved.from, old);
        live.add(moved.to, old);
        core.chunks.set_origin(old.address(), moved.to, guard);
        return None;
    }
    let now_s = (core.clock.now_ms() / 1000) as u32;
    let accessed = now_s.wrapping_sub(old.idle_s(now_s));
    // Rounded up to seconds it is the same as before.
    let expiry_ms = u64::from(old.expiry_s()) * 1000;
    let new = Slot::new(moved.hash, moved.to, moved.len, expiry_ms, accessed);
    live.remove(moved.from, old);
    live.add(moved.to, new);
    space.index.set(place, new);
    None
}

/// The record may belong to a chain by now, or have done so before.
fn repoint_chain(space: &mut Space, live: &mut Live, moved: &Move) -> Option<ColdValue> {
    let (place, handle) = space.chain_with(moved.hash, moved.from)?;
    let handle = handle?;
    if space.chains.move_put(handle, Member::new(moved.to, moved.len), live) {
        return None;
    }
    let stamp = space.chains.get(handle)?.stamp();
    let address = space.index.slot(place).address();
    Some(ColdValue { shard: moved.shard, space: space.id, hash: moved.hash, address, stamp })
}
