//! Other bases for values whose records are to go.

use std::collections::BTreeSet;
use std::sync::mpsc::sync_channel;

use super::control::{Halted, Throttle};
use super::round::Failure;
use crate::address::ChainPlace;
use crate::chains::{ColdValue, Folded};
use crate::core::Core;

/// Has a new base written for each of `values`, unless it has one already or is gone. None of their
/// chains has a record in the segments that are read, then.
pub(super) fn fold_all(
    core: &Core,
    values: &BTreeSet<ColdValue>,
    throttle: &mut Throttle<'_>,
) -> Result<(), Failure> {
    for value in values {
        let Some(len) = image_len(core, value) else { continue };
        throttle.spend(len)?;
        let (sender, receiver) = sync_channel(1);
        let told = move |outcome| {
            let _ = sender.send(outcome);
        };
        core.objects.fold(*value, Box::new(told));
        // It is always told; were it lost, the channel would say so.
        match receiver.recv() {
            Ok(Folded::Done | Folded::Gone) => {}
            // Tried again with the next round; then the value may have turned out to be damaged.
            Ok(_) | Err(_) => return Err(Halted.into()),
        }
    }
    Ok(())
}

/// Length of the value's image, if it still has the chain that it had.
fn image_len(core: &Core, value: &ColdValue) -> Option<u64> {
    let mut shard = core.shards[usize::from(value.shard)].lock();
    let space = shard.spaces.iter_mut().find(|space| space.id == value.space)?;
    let Some(ChainPlace::Handle(handle)) = ChainPlace::of(value.address) else { return None };
    space.chains.with_stamp(handle, value.stamp).map(|chain| chain.records.image_len)
}
