//! Values that are objects in memory and chains of records in the log.
//!
//! A *chain* is a base, which holds an image, and the deltas since: see [`crate::record::delta`].
//! Each key space of a shard has a table of its chains; the index slot of such a key has the
//! chain's number in the table for its address. A value gets a chain when it becomes an object, and
//! loses it when all that is left of it is one ordinary record.
//!
//! All records of a chain count as live, and merging never moves one: it has a new base written
//! instead.

mod evict;
mod fold;
pub(crate) mod follow;
mod load;
mod objects;
mod settle;
mod table;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) use fold::{Folded, SMALL_IMAGE};
pub(crate) use objects::Objects;
pub(crate) use settle::Settling;
pub(crate) use table::Chains;

use crate::access::Meta;
use crate::address::{ChainPlace, is_in_log};
use crate::log::Trash;
use crate::object::Object;
use crate::record::delta::{Base, Deltas, Member};

/// Memory of a chain beside its key, its members and its object: what its place in the table, its
/// box and their allocations take.
const OVERHEAD: usize = size_of::<Chain>() + 40;

/// A value that is, or may become, an object.
pub(crate) struct Chain {
    pub key: Box<[u8]>,
    /// The index's bits of the key's hash.
    pub hash: u32,
    /// Type, flags and expiry.
    pub meta: Meta,
    /// The value; `None` while it is on disk only.
    pub object: Option<Box<dyn Object>>,
    pub records: Records,
    /// The newest change: a crash could take it back while the log is not durable behind it. Writing
    /// a new base changes nothing.
    pub changed: u64,
    /// A base is being written in the background, or is going to be.
    pub folding: bool,
    /// The newest record is a delta that may get further changes: nothing but this table, under the
    /// shard's lock, knows how long it is, or whether a base contains it.
    pub open: bool,
    /// So many deltas are to be there before another base is tried, after one had to be given up.
    pub fold_at: u32,
    /// The object could not be made of the records.
    pub damaged: bool,
    /// Different for each chain that the table ever had.
    stamp: u64,
    /// What the object takes in memory, and all, when that was last measured.
    object_bytes: usize,
    usage: Usage,
    /// Unix seconds.
    used_s: u32,
    /// Neighbours in the order of use, of those with an object.
    newer: u32,
    older: u32,
}

impl Chain {
    /// The chain of a key whose value is `object`, or in `records` only. `now_s` is the time of its
    /// last use in Unix seconds.
    pub(crate) fn new(
        (key, hash): (&[u8], u32),
        meta: Meta,
        records: Records,
        object: Option<Box<dyn Object>>,
        now_s: u32,
    ) -> Chain {
        let newest = records.newest().address();
        Chain {
            key: key.into(),
            hash,
            meta,
            object,
            records,
            changed: if is_in_log(newest) { newest } else { 0 },
            folding: false,
            open: false,
            fold_at: 0,
            damaged: false,
            stamp: 0,
            object_bytes: 0,
            usage: Usage::default(),
            used_s: now_s,
            newer: table::NONE,
            older: table::NONE,
        }
    }

    /// Which of all chains that its table ever had this is.
    pub(crate) fn stamp(&self) -> u64 {
        self.stamp
    }

    /// Last use, Unix seconds.
    pub(crate) fn used_s(&self) -> u32 {
        self.used_s
    }

    /// Memory that it takes, as of when that was last measured.
    pub(crate) fn heap(&self) -> usize {
        self.usage.used
    }

    fn measure(&mut self) {
        self.object_bytes = self.object.as_ref().map_or(0, |object| object.heap_bytes());
        let frame = OVERHEAD + self.key.len() + self.records.heap_bytes();
        let idle = if self.object.is_some() { 0 } else { frame };
        self.usage = Usage { used: frame + self.object_bytes, idle };
    }

    /// The address that the key's slot has once the chain is gone from memory, and in checkpoints.
    pub(crate) fn lasting_address(&self) -> u64 {
        match self.records.single_put() {
            Some(put) => put.address(),
            None => ChainPlace::Newest(self.records.newest().address()).address(),
        }
    }
}

/// A value that is to become an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ColdValue {
    pub shard: u16,
    /// Incarnation of the key space.
    pub space: u32,
    /// The index's bits of the key's hash.
    pub hash: u32,
    /// The address of the key's slot, whatever that leads to.
    pub address: u64,
    /// The stamp of the chain, if it leads to one in a table; else 0.
    pub stamp: u64,
}

/// The records of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Records {
    /// The base (a `Put`, or a `Base` and its parts in order), then the deltas in order.
    members: Vec<Member>,
    /// How many of them are the base's.
    base: u32,
    /// Length of the base's image in bytes.
    pub image_len: u64,
    /// What came after it.
    pub deltas: Deltas,
}

impl Records {
    /// The records of a value with an image of `image_len` bytes in one `Put`.
    pub(crate) fn put(put: Member, image_len: u64) -> Records {
        Records { members: vec![put], base: 1, image_len, deltas: Deltas::default() }
    }

    /// The records of a value whose image is in the parts of a `Base`.
    pub(crate) fn base(base: Member, parts: &[Member], image_len: u64) -> Records {
        let members: Vec<Member> = std::iter::once(base).chain(parts.iter().copied()).collect();
        // A `Base` counts its parts in 32 bits.
        let base = members.len() as u32;
        Records { members, base, image_len, deltas: Deltas::default() }
    }

    /// The records of a value whose image is in the parts of the base at `base`, together with the
    /// deltas that it carries.
    pub(crate) fn based(at: Member, base: Base) -> Records {
        let mut records = Records::base(at, &base.parts, base.image_len);
        records.deltas = Deltas { count: base.carried.len() as u32, bytes: base.carried_bytes };
        records.members.extend(base.carried);
        records
    }

    /// Adds a delta with `len` bytes of changes.
    pub(crate) fn push(&mut self, delta: Member, len: usize) {
        self.members.push(delta);
        self.deltas = self.deltas.and(len);
    }

    /// The newest record, a delta, has `len` bytes of changes more, and is `delta` now; returns what it
    /// was.
    pub(crate) fn extend_last(&mut self, delta: Member, len: usize) -> Option<Member> {
        self.deltas = self.deltas.and_more(len);
        self.members.last_mut().map(|last| std::mem::replace(last, delta))
    }

    /// The base's record, and its parts if it is a `Base`.
    pub(crate) fn base_and_parts(&self) -> &[Member] {
        &self.members[..self.base as usize]
    }

    /// The records that have the image: a `Put`, or the parts of a `Base`.
    pub(crate) fn parts(&self) -> &[Member] {
        &self.members[usize::from(self.has_parts())..self.base as usize]
    }

    /// What an object is made of, in order: the image's records, and the deltas.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &Member> {
        self.parts().iter().chain(self.deltas())
    }

    /// The deltas, in order.
    pub(crate) fn deltas(&self) -> &[Member] {
        &self.members[self.base as usize..]
    }

    /// All records: each is counted live.
    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    /// Whether the record at `address` is one of them.
    pub(crate) fn contain(&self, address: u64) -> bool {
        let sorted = |members: &[Member]| {
            members.binary_search_by_key(&address, |member| member.address()).is_ok()
        };
        let (base, deltas) = self.members.split_at(self.base as usize);
        let parts = base.get(1..).unwrap_or_default();
        base.first().is_some_and(|base| base.address() == address)
            || sorted(parts)
            || sorted(deltas)
    }

    /// The record that leads to all others. A base is younger than deltas that it carries.
    pub(crate) fn newest(&self) -> Member {
        let (base, last) = (self.members[0], self.members[self.members.len() - 1]);
        let carries_all = is_in_log(base.address()) && base.address() > last.address();
        if carries_all || self.deltas().is_empty() { base } else { last }
    }

    /// The one record, if there is only one: a `Put`.
    pub(crate) fn single_put(&self) -> Option<Member> {
        if self.members.len() == 1 && self.base == 1 { Some(self.members[0]) } else { None }
    }

    /// About how many bytes have to be read to make the object.
    pub(crate) fn value_len(&self) -> u64 {
        self.image_len.saturating_add(self.deltas.bytes)
    }

    /// Whether the base is a `Base` with parts.
    pub(crate) fn has_parts(&self) -> bool {
        self.base > 1
    }

    fn heap_bytes(&self) -> usize {
        self.members.capacity() * size_of::<Member>()
    }
}

/// Memory of chains and their objects over the whole store.
#[derive(Clone, Default)]
pub(crate) struct HeapGauge(Arc<Gauges>);

/// In bytes.
#[derive(Default)]
struct Gauges {
    /// Of all that is in tables.
    used: AtomicU64,
    /// The part of it that chains without an object take.
    idle: AtomicU64,
    /// Of objects that nobody knows any more and that have not been freed.
    discarded: AtomicU64,
}

/// What a chain, or a table, takes in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Usage {
    used: usize,
    idle: usize,
}

impl HeapGauge {
    /// What all of it takes.
    pub(crate) fn bytes(&self) -> u64 {
        self.used() + self.0.discarded.load(Ordering::Relaxed)
    }

    /// The same without what is about to be freed.
    pub(crate) fn used(&self) -> u64 {
        self.0.used.load(Ordering::Relaxed)
    }

    /// What chains without an object take.
    fn idle(&self) -> u64 {
        self.0.idle.load(Ordering::Relaxed)
    }

    fn change(&self, from: Usage, to: Usage) {
        change(&self.0.used, from.used, to.used);
        change(&self.0.idle, from.idle, to.idle);
    }
}

fn change(gauge: &AtomicU64, from: usize, to: usize) {
    if from != to {
        gauge.fetch_add((to as u64).wrapping_sub(from as u64), Ordering::Relaxed);
    }
}

/// An object of which nobody knows any more. It is counted until it is dropped.
pub(crate) struct Discarded {
    object: Option<Box<dyn Object>>,
    bytes: usize,
    gauge: HeapGauge,
}

impl Discarded {
    fn new(object: Option<Box<dyn Object>>, bytes: usize, gauge: &HeapGauge) -> Discarded {
        change(&gauge.0.discarded, 0, bytes);
        Discarded { object, bytes, gauge: gauge.clone() }
    }

    /// Has it freed in the background, unless that takes no time.
    pub(crate) fn leave_to(self, trash: &Trash) {
        /// Freeing so much is a matter of microseconds.
        const SMALL: usize = 4 << 10;
        if self.bytes > SMALL {
            trash.put(Arc::new(self));
        }
    }
}

impl Drop for Discarded {
    fn drop(&mut self) {
        drop(self.object.take());
        change(&self.gauge.0.discarded, self.bytes, 0);
    }
}
