//! Crash images: disks as a power cut may leave them.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::content::Content;
use super::disk::Disk;
use super::inode::{FileOp, Progress};
use super::names::{InodeId, NameMap};
use super::plan::{Fate, Plan, Planner};
use super::rng::Rng;

/// After so many random images in a row that are known already, there are hardly any new ones.
const FRUITLESS_DRAWS: u32 = 32;

/// Up to `max` different disks, each a possible state after a power cut now. The same disk, seed
/// and `max` give the same images.
pub(super) fn images(disk: &Disk, seed: u64, max: usize) -> Vec<Disk> {
    let mut unsynced: Vec<(InodeId, &FileOp)> =
        disk.inodes.iter().flat_map(|(id, inode)| inode.ops().iter().map(|op| (*id, op))).collect();
    unsynced.sort_by_key(|(_, op)| op.order);
    let ops: Vec<&FileOp> = unsynced.iter().map(|(_, op)| *op).collect();
    let pending = disk.names.pending();
    let mut planner = Planner { ops: &ops, pending: &pending, rng: Rng::new(seed) };
    let mut images = Images { disk, unsynced: &unsynced, max, seen: HashSet::new(), disks: vec![] };

    let mut plans = planner.systematic(max);
    // The first two are a must; of the others a random choice, and some room for random plans.
    let room = (max - max / 4).saturating_sub(2);
    if plans.len() > 2 {
        planner.rng.choose(&mut plans[2..], room);
    }
    for (i, plan) in plans.iter().enumerate() {
        if i >= 2 && images.disks.len() >= max - max / 4 {
            break;
        }
        images.add(plan);
    }
    let mut fruitless = 0;
    while fruitless < FRUITLESS_DRAWS && images.disks.len() < max {
        fruitless = if images.add(&planner.random()) { 0 } else { fruitless + 1 };
    }
    images.disks
}

/// The images made so far.
struct Images<'a> {
    disk: &'a Disk,
    unsynced: &'a [(InodeId, &'a FileOp)],
    max: usize,
    /// Fingerprints of the images.
    seen: HashSet<u64>,
    disks: Vec<Disk>,
}

impl Images<'_> {
    /// Adds the image that `plan` leads to; false if it is known already or there are enough.
    fn add(&mut self, plan: &Plan) -> bool {
        if self.disks.len() >= self.max {
            return false;
        }
        let names = self.disk.names.after_crash(&plan.names);
        let mut contents: BTreeMap<InodeId, Content> =
            names.values().map(|id| (*id, self.disk.inode(*id).durable().clone())).collect();
        for ((id, op), fate) in self.unsynced.iter().zip(&plan.files) {
            if let Some(content) = contents.get_mut(id) {
                settle(op, fate, content);
            }
        }
        let new = self.seen.insert(self.fingerprint(&names, &contents));
        if new {
            self.disks.push(Disk::new(self.disk.names.dirs().clone(), names, contents));
        }
        new
    }

    fn fingerprint(&self, names: &NameMap, contents: &BTreeMap<InodeId, Content>) -> u64 {
        let mut hasher = DefaultHasher::new();
        names.hash(&mut hasher);
        for (id, content) in contents {
            content.hash_against(self.disk.inode(*id).durable(), &mut hasher);
        }
        hasher.finish()
    }
}

/// Lets `op` meet its fate. What a sync has covered survives whatever the plan says.
fn settle(op: &FileOp, fate: &Fate, content: &mut Content) {
    if op.progress == Progress::Synced {
        return op.change.apply(content);
    }
    match fate {
        Fate::Lost => {}
        Fate::Whole => op.change.apply(content),
        Fate::LengthOnly => op.change.apply_length(content),
        Fate::Torn { parts, full_length } => {
            for part in parts {
                op.change.apply_part(part.clone(), content);
            }
            if *full_length {
                op.change.apply_length(content);
            }
        }
    }
}
