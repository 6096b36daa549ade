//! Changing values.

use smallvec::SmallVec;

use super::arrange::{Arrangement, Arranging};
use super::{Found, Kept, Key, Locked, Meta};
use crate::address::is_in_log;
use crate::error::WriteError;
use crate::index::{Place, Slot};
use crate::log::Write;
use crate::record::delta::LEAD;
use crate::record::{self, Kind, MAX_KEY, MAX_VALUE};

/// One change of an atomic batch.
#[derive(Clone, Copy, Debug)]
pub enum Op<'a> {
    /// The key gets this value, whatever it had.
    Put {
        /// Whose value.
        key: Key<'a>,
        /// Type, flags and expiry.
        meta: Meta,
        /// The value.
        value: &'a [u8],
    },
    /// The key goes; fine if it is not there.
    Delete {
        /// Which key.
        key: Key<'a>,
    },
    /// The key's object changes. It must have been read under the same lock, and no earlier
    /// operation of the batch may be about the key.
    Patch {
        /// Whose object.
        key: Key<'a>,
        /// Type, flags and expiry afterwards.
        meta: Meta,
        /// What is different, see [`crate::Object::apply`]; if empty, nothing but `meta`, and then
        /// the object need not be in memory, unless that has been so very often.
        delta: &'a [u8],
    },
}

impl<'a> Op<'a> {
    pub(super) fn key(&self) -> &Key<'a> {
        match self {
            Op::Put { key, .. } | Op::Delete { key } | Op::Patch { key, .. } => key,
        }
    }

    fn is_about(&self, key: &Key<'_>) -> bool {
        self.key().space == key.space && self.key().bytes == key.bytes
    }

    fn puts(&self, key: &Key<'_>) -> bool {
        !matches!(self, Op::Delete { .. }) && self.is_about(key)
    }
}

/// What an operation finds.
struct Old {
    /// The key's slot and its address, 0 if it has none.
    place: Option<Place>,
    address: u64,
    /// What stands in front of the bytes that the operation logs.
    lead: Lead,
}

enum Lead {
    Nothing,
    /// For a deletion: the address of the record that it ends.
    Ended([u8; 8]),
    /// For a patch: the handle of its chain, and what stands before the change in a record of its own.
    Delta(u32, [u8; LEAD]),
}

impl Locked<'_, '_> {
    /// Gives the key a value. The last thing a command does.
    ///
    /// # Errors
    /// See [`WriteError`]; nothing has happened then.
    pub fn put(&mut self, key: &Key<'_>, meta: Meta, value: &[u8]) -> Result<(), WriteError> {
        check_sizes(key.bytes, value.len())?;
        if self.access.transaction.is_some() {
            return self.keep_back(&[Op::Put { key: *key, meta, value }]);
        }
        let write = self.record(key, Kind::Put, meta, &[], value, None);
        let old = self.locate(key)?;
        let (core, len) = (self.access.core, write.total_len());
        if let Some(Found { place, slot, kept: Kept::Record(_, header), .. }) = &old {
            let address = slot.address();
            if core.log.update_in_place(address, header, &write, &self.access.guard) {
                self.point(key, Some((*place, *slot)), address, meta.expiry_ms, len);
                self.access.note_change(key);
                return Ok(());
            }
        }
        let mut address = 0;
        core.log.append(&[write], &self.access.guard, |_, at| address = at)?;
        self.point(key, old.map(|found| (found.place, found.slot)), address, meta.expiry_ms, len);
        self.access.note_change(key);
        Ok(())
    }

    /// Removes the key; fine if it is not there. The last thing a command does.
    ///
    /// # Errors
    /// See [`WriteError`]; nothing has happened then.
    pub fn delete(&mut self, key: &Key<'_>) -> Result<(), WriteError> {
        self.write(&[Op::Delete { key: *key }])
    }

    /// Does all changes or none, whatever happens. The last thing a command does.
    ///
    /// # Errors
    /// See [`WriteError`]; nothing has happened then.
    pub fn write(&mut self, ops: &[Op<'_>]) -> Result<(), WriteError> {
        if self.access.transaction.is_some() {
            return self.keep_back(ops);
        }
        self.write_arranged(ops, None)
    }

    /// [`Locked::write`], in one batch with a new arrangement of the key spaces. The keys are addressed
    /// as the spaces were numbered before; those of an emptied space are there afterwards.
    pub(super) fn write_arranged(
        &mut self,
        ops: &[Op<'_>],
        plan: Option<&Arrangement>,
    ) -> Result<(), WriteError> {
        let arranging = plan.map(|plan| self.begin_arranging(plan));
        let arranging = arranging.as_ref();
        let old = self.old(ops, arranging)?;
        if let ([Op::Patch { key, meta, delta }], [Old { place: Some(place), lead, .. }], None) =
            (ops, &old[..], arranging)
            && let Lead::Delta(handle, _) = lead
            && self.patch_last(key, *place, *handle, (*meta, delta))
        {
            self.access.note_change(key);
            return Ok(());
        }
        let mut writes: SmallVec<[Write<'_>; 2]> = SmallVec::with_capacity(ops.len() + 1);
        let mut effective: SmallVec<[(&Op<'_>, &Old); 2]> = SmallVec::with_capacity(ops.len());
        let mut absent: SmallVec<[Key<'_>; 2]> = SmallVec::new();
        writes.extend(arranging.map(|it| table_record(&it.record)));
        for (number, (op, old)) in ops.iter().zip(&old).enumerate() {
            let write = match (op, &old.lead) {
                (Op::Put { key, meta, value }, _) => {
                    self.record(key, Kind::Put, *meta, &[], value, arranging)
                }
                (Op::Patch { key, meta, delta }, Lead::Delta(_, head)) => {
                    self.record(key, Kind::Delta, *meta, head, delta, arranging)
                }
                // A key that an earlier operation of the batch puts counts as there.
                (Op::Delete { key }, Lead::Ended(ended))
                    if old.address != 0 || ops[..number].iter().any(|op| op.puts(key)) =>
                {
                    self.record(key, Kind::Delete, Meta::default(), &[], ended, arranging)
                }
                _ => {
                    absent.push(*op.key());
                    continue;
                }
            };
            writes.push(write);
            effective.push((op, old));
        }
        if writes.is_empty() {
            absent.iter().for_each(|key| self.depend_on_absence(key));
            return Ok(());
        }
        let mut addresses: SmallVec<[u64; 2]> = SmallVec::with_capacity(writes.len());
        let core = self.access.core;
        core.log.append(&writes, &self.access.guard, |_, address| addresses.push(address))?;
        self.apply_all(&effective, &addresses, arranging);
        effective.iter().for_each(|(op, _)| self.access.note_change(op.key()));
        Ok(())
    }

    /// Enters the records at `addresses`, which are there now.
    fn apply_all(
        &mut self,
        effective: &[(&Op<'_>, &Old)],
        addresses: &[u64],
        arranging: Option<&Arranging<'_>>,
    ) {
        let several = addresses.len() > 1 || arranging.is_some();
        if several {
            self.shards.iter().for_each(|(_, shard)| shard.view.begin_batch());
        }
        if let Some(arranging) = arranging {
            self.announce(arranging);
            self.empty_spaces(arranging, addresses[0]);
        }
        let of_ops = &addresses[addresses.len() - effective.len()..];
        for ((op, old), address) in effective.iter().zip(of_ops) {
            match (op, &old.lead) {
                (Op::Patch { key, meta, delta }, Lead::Delta(handle, _)) => {
                    self.patch(key, (*handle, *address), *meta, delta);
                }
                _ => self.apply(op, old.address, addresses[0], *address),
            }
        }
        if let Some(arranging) = arranging {
            self.end_arranging(arranging, addresses[0]);
        }
        if several {
            self.shards.iter().for_each(|(_, shard)| shard.view.end_batch());
        }
    }

    /// What each operation finds, and what it will log in front of its own bytes.
    fn old(
        &mut self,
        ops: &[Op<'_>],
        arranging: Option<&Arranging<'_>>,
    ) -> Result<SmallVec<[Old; 2]>, WriteError> {
        let mut old = SmallVec::with_capacity(ops.len());
        for (number, op) in ops.iter().enumerate() {
            let key = op.key();
            match op {
                Op::Put { value, .. } => check_sizes(key.bytes, value.len())?,
                Op::Patch { delta, .. } => {
                    check_sizes(key.bytes, delta.len() + LEAD)?;
                    if ops[..number].iter().any(|earlier| earlier.is_about(key)) {
                        return Err(WriteError::NoObject);
                    }
                }
                Op::Delete { .. } => {}
            }
            let emptied = arranging.is_some_and(|it| it.empties(key.space));
            let found = if emptied { None } else { self.locate(key)? };
            let lead = match op {
                Op::Put { .. } => Lead::Nothing,
                Op::Delete { .. } => {
                    let ended = found.as_ref().map_or(0, |found| self.newest_record(key, found));
                    Lead::Ended(ended.to_le_bytes())
                }
                Op::Patch { delta, .. } => {
                    let (handle, head) = self.delta_head(key, found.as_ref(), delta.len())?;
                    // `check_sizes` has seen that the length fits.
                    Lead::Delta(handle, head.lead(delta.len() as u32))
                }
            };
            let place = found.as_ref().map(|found| found.place);
            old.push(Old { place, address: found.map_or(0, |found| found.slot.address()), lead });
        }
        Ok(old)
    }

    fn record<'w>(
        &self,
        key: &Key<'w>,
        kind: Kind,
        meta: Meta,
        lead: &'w [u8],
        value: &'w [u8],
        arranging: Option<&Arranging<'_>>,
    ) -> Write<'w> {
        let space = arranging.map_or_else(|| self.space_id(key), |it| it.id(key.space));
        let (tag, expiry_ms) = (meta.tag(), meta.expiry_ms);
        Write { kind, space, tag, expiry_ms, key: key.bytes, lead, value }
    }

    /// Enters the record at `address` of a batch that begins at `first`. The key's entry is the one
    /// that was at `old` before, unless an earlier operation of the batch has changed it.
    fn apply(&mut self, op: &Op<'_>, old: u64, first: u64, address: u64) {
        let key = op.key();
        let (core, guard) = (self.access.core, &self.access.guard);
        let index = self.index(key);
        let of_batch = |at: u64| {
            (first..address).contains(&at)
                && core.record(at, guard).is_some_and(|record| record.has_key(key.bytes))
        };
        let place = index.find(key.hash, |slot| slot.address() == old || of_batch(slot.address()));
        let entry = place.map(|place| (place, index.slot(place)));
        match op {
            Op::Put { meta, value, .. } => {
                let len = record::total_len(key.bytes.len(), value.len());
                self.point(key, entry, address, meta.expiry_ms, len);
            }
            Op::Delete { .. } | Op::Patch { .. } => {
                self.access.depend_on(address);
                self.access.wrote = true;
                self.shard(key).view.note_deletion(key.hash, address + 1);
                if let Some((place, slot)) = entry {
                    self.remove(key, place, slot);
                }
            }
        }
    }

    /// Points the key's entry, or a new one, to the record of `len` bytes at `address`.
    pub(super) fn point(
        &mut self,
        key: &Key<'_>,
        old: Option<(Place, Slot)>,
        address: u64,
        expiry_ms: u64,
        len: u64,
    ) {
        debug_assert!(is_in_log(address));
        self.access.depend_on(address);
        self.access.wrote = true;
        let slot = Slot::new(key.hash, address, len, expiry_ms, self.access.now_s());
        let (position, core) = (self.position(key), self.access.core);
        let shard = &mut *self.shards[position].1;
        let space = &mut shard.spaces[usize::from(key.space)];
        space.expires += u64::from(expiry_ms != 0);
        shard.live.add(address, slot);
        match old {
            Some((place, old)) => {
                space.expires -= u64::from(old.expiry_s() != 0);
                core.leave(&mut shard.live, &mut space.chains, old, &self.access.guard);
                space.index.set(place, slot);
            }
            None => space.index.insert(slot),
        }
    }

    pub(super) fn remove(&mut self, key: &Key<'_>, place: Place, slot: Slot) {
        let (position, core) = (self.position(key), self.access.core);
        let shard = &mut *self.shards[position].1;
        let space = &mut shard.spaces[usize::from(key.space)];
        space.expires -= u64::from(slot.expiry_s() != 0);
        space.index.remove(place);
        core.leave(&mut shard.live, &mut space.chains, slot, &self.access.guard);
    }
}

/// The record that says which incarnation each key space has.
fn table_record(value: &[u8]) -> Write<'_> {
    Write { kind: Kind::Spaces, space: 0, tag: 0, expiry_ms: 0, key: &[], lead: &[], value }
}

pub(super) fn check_sizes(key: &[u8], value_len: usize) -> Result<(), WriteError> {
    let fits = key.len() <= MAX_KEY && value_len <= MAX_VALUE;
    if fits { Ok(()) } else { Err(WriteError::TooLarge) }
}
