//! Other bases for values whose records are to go.

use std::collections::BTreeSet;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use super::MergeError;
use super::control::Throttle;
use super::round::Failure;
use super::survey::Known;
use crate::address::ChainPlace;
use crate::chains::{ColdValue, Folded};
use crate::core::Core;

/// How often a base is tried: the log may have no room for it for a while, and an object that has been
/// brought into memory for it may have been driven out again. And the time between two tries.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(20);

/// Has a new base written for each of `values` that has records in the `inputs`, so that none has any
/// more.
pub(super) fn fold_all(
    core: &Core,
    values: &BTreeSet<ColdValue>,
    inputs: &[Known],
    throttle: &mut Throttle<'_>,
) -> Result<(), Failure> {
    for value in values {
        let mut tries = 0;
        while let Some(needed) = needed(core, value, inputs) {
            // The segments of a value that has turned out to be damaged are left alone from the next
            // round on.
            if needed.damaged || tries >= TRIES || core.log.failure().is_some() {
                return Err(MergeError::Unwritten.into());
            }
            if tries == 0 {
                throttle.spend(needed.len)?;
            }
            if fold(core, value) != Some(Folded::Done) {
                throttle.rest(PAUSE)?;
            }
            tries += 1;
        }
    }
    Ok(())
}

/// Has a base written; `None` if nobody does that any more.
fn fold(core: &Core, value: &ColdValue) -> Option<Folded> {
    let (sender, receiver) = sync_channel(1);
    let told = move |outcome| {
        let _ = sender.send(outcome);
    };
    core.objects.fold(*value, Box::new(told));
    receiver.recv().ok()
}

/// A base that has to be written.
struct Needed {
    /// Length of the image.
    len: u64,
    /// It cannot be: the value is damaged.
    damaged: bool,
}

/// What has to be written if the value still has a chain with a record in one of the `inputs`.
fn needed(core: &Core, value: &ColdValue, inputs: &[Known]) -> Option<Needed> {
    let mut shard = core.shards[usize::from(value.shard)].lock();
    let space = shard.spaces.iter_mut().find(|space| space.id == value.space)?;
    let Some(ChainPlace::Handle(handle)) = ChainPlace::of(value.address) else { return None };
    let chain = space.chains.with_stamp(handle, value.stamp)?;
    let is_in = |address: u64| {
        inputs.iter().any(|input| (input.start..input.summary.end).contains(&address))
    };
    let is_needed = chain.records.members().iter().any(|member| is_in(member.address()));
    is_needed.then_some(Needed { len: chain.records.image_len, damaged: chain.damaged })
}
