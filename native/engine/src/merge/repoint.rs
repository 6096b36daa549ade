//! Points the index to copies.

use crossbeam_epoch::{self as epoch, Guard};

use crate::address::{Region, region};
use crate::core::Core;
use crate::index::Slot;
use crate::shard::Shard;

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

/// Points the entries of moved records to their copies, where nobody has changed them meanwhile.
pub(super) fn repoint_all(core: &Core, moves: &mut [Move]) {
    moves.sort_by_key(|moved| moved.shard);
    for of_shard in moves.chunk_by(|a, b| a.shard == b.shard) {
        for batch in of_shard.chunks(BATCH) {
            let guard = epoch::pin();
            let mut shard = core.shards[usize::from(of_shard[0].shard)].lock();
            batch.iter().for_each(|moved| repoint(core, &mut shard, moved, &guard));
        }
    }
}

/// The only place where merging changes an entry. One that has been given another record, removed,
/// or emptied with its key space since the record was copied, does not have its address any more.
fn repoint(core: &Core, shard: &mut Shard, moved: &Move, guard: &Guard) {
    let Shard { spaces, live, .. } = shard;
    let Some(space) = spaces.iter_mut().find(|space| space.id == moved.space) else { return };
    let is_it = |slot| core.origin(slot, guard) == moved.from;
    let Some(place) = space.index.find(moved.hash, is_it) else { return };
    let old = space.index.slot(place);
    if region(old.address()) == Region::Cache {
        // The entry stays with its copy in memory, and goes back to the new place from there.
        live.remove(moved.from, old);
        live.add(moved.to, old);
        core.chunks.set_origin(old.address(), moved.to, guard);
        return;
    }
    let now_s = (core.clock.now_ms() / 1000) as u32;
    let accessed = now_s.wrapping_sub(old.idle_s(now_s));
    // Rounded up to seconds it is the same as before.
    let expiry_ms = u64::from(old.expiry_s()) * 1000;
    let new = Slot::new(moved.hash, moved.to, moved.len, expiry_ms, accessed);
    live.remove(moved.from, old);
    live.add(moved.to, new);
    space.index.set(place, new);
}
