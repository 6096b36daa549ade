//! Values that consist of several records: whether all of these are there, and their copies.

use super::layout::Layout;
use super::report::{CheckReport, Meaning};
use crate::address::ChainPlace;
use crate::chains::follow::{Broken, Followed, Start, follow, missing};
use crate::core::Core;
use crate::error::WriteError;
use crate::index::Slot;
use crate::log::Write;
use crate::record::compressed::decompress;
use crate::record::delta::{Base, DeltaHead, Deltas, Member};
use crate::record::{Header, Kind, MAX_VALUE, View, total_len};
use crate::tier::fetch::Place;

/// Chains that are followed at a time.
const BATCH: usize = 1024;

impl Layout {
    /// Where on disk an address is, if one of the store's segments has it.
    fn locate(&self, address: u64) -> Option<Place> {
        let shift = self.shift;
        let after = self.segments.partition_point(|segment| segment.start(shift) <= address);
        let segment = self.segments.get(after.checked_sub(1)?)?;
        let (offset, end) = (address - segment.start(shift), segment.covered(shift));
        let file = std::sync::Arc::clone(&segment.file);
        (offset < end).then_some(Place { file, offset, end: end.min(segment.file_len) })
    }

    /// The intact record of a chain.
    fn record(&self, member: Member) -> Option<(Header, Vec<u8>)> {
        let place = self.locate(member.address())?;
        let len = member.size_bound().min(place.end.saturating_sub(place.offset));
        let mut bytes = vec![0; usize::try_from(len).ok()?];
        place.file.read_exact_at(&mut bytes, place.offset).ok()?;
        let view = View::read(&bytes, member.address()).ok()?;
        let value = match view.header.kind {
            Kind::PutCompressed => decompress(view.value, MAX_VALUE).ok()?,
            _ => view.value.to_vec(),
        };
        Some((view.header, value))
    }
}

/// Whether what is left of a value need not be whole: it has expired, and merging takes the records of
/// such a value in any order.
fn has_expired(broken: &Broken, now_ms: u64) -> bool {
    let expiry_ms = broken.newest.as_ref().map_or(0, |(_, header)| header.expiry_ms);
    expiry_ms != 0 && (broken.gone || now_ms > expiry_ms)
}

/// Follows the chains of a store and reports those that lead nowhere.
pub(super) fn check(layout: &Layout, starts: &[Start], now_ms: u64, report: &mut CheckReport) {
    let locate = |address| layout.locate(address);
    for batch in starts.chunks(BATCH) {
        for (start, outcome) in batch.iter().zip(follow(batch, &locate)) {
            let (address, what) = match outcome {
                Ok(followed) => match missing(&followed, &locate) {
                    None => continue,
                    Some(missing) => missing,
                },
                Err(broken) if has_expired(&broken, now_ms) => continue,
                Err(broken) => (broken.address, broken.what),
            };
            let newest = start.newest.address();
            let Some(at) = layout.segments.iter().rfind(|it| it.start(layout.shift) <= newest)
            else {
                continue;
            };
            let what = format!("a value has a part at address {address:#x} that is lost: {what}");
            let place = (newest - at.start(layout.shift), 0);
            report.damage(&at.path, place, what, Meaning::Records);
            report.loss.records += 1;
        }
    }
}

/// What has become of a chain that was to be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copied {
    /// It is there, with so many bytes of values.
    Done(u64),
    /// It had expired, and is not whole any more.
    Expired,
    /// Not all of it is intact: nothing was written.
    Damaged,
}

/// Copies the chain with this newest record to the key space with the number `space` of another store,
/// in which its key is not.
///
/// # Errors
/// The other store takes no writes.
pub(super) fn copy(
    layout: &Layout,
    start: Start,
    now_ms: u64,
    (core, space): (&Core, u16),
) -> Result<Copied, WriteError> {
    let outcome = follow(&[start], &|address| layout.locate(address)).pop();
    let followed = match outcome {
        Some(Ok(followed)) => followed,
        Some(Err(broken)) if has_expired(&broken, now_ms) => return Ok(Copied::Expired),
        _ => return Ok(Copied::Damaged),
    };
    // All of them once before the first is written: what would be left of it could pass for the key's.
    let intact = |member: &Member| layout.record(*member).is_some();
    if !followed.records.members().iter().all(intact) {
        return Ok(Copied::Damaged);
    }
    let mut copy = Copy { layout, core, space, followed: &followed, bytes: 0 };
    match copy.run() {
        Ok(true) => Ok(Copied::Done(copy.bytes)),
        Ok(false) => Ok(Copied::Damaged),
        Err(error) => Err(error),
    }
}

/// A chain on its way.
struct Copy<'c> {
    layout: &'c Layout,
    core: &'c Core,
    /// Number of the key space, of the first shard: there is only one.
    space: u16,
    followed: &'c Followed,
    bytes: u64,
}

impl Copy<'_> {
    /// Writes all records anew, in their order. Deltas that the base has carried come after it. False
    /// if one that was intact can no longer be read.
    fn run(&mut self) -> Result<bool, WriteError> {
        let records = &self.followed.records;
        let Some(mut newest) = self.base()? else { return Ok(false) };
        let mut deltas = Deltas::default();
        for member in records.deltas() {
            let Some((header, value)) = self.layout.record(*member) else { return Ok(false) };
            let Some((_, delta)) = DeltaHead::decode(&value) else { return Ok(false) };
            deltas = deltas.and(delta.len());
            let head = DeltaHead { previous: newest, deltas }.encode();
            newest = self.append((Kind::Delta, &header), &head, delta)?;
        }
        self.enter(newest);
        Ok(true)
    }

    fn base(&mut self) -> Result<Option<Member>, WriteError> {
        let records = &self.followed.records;
        let [base, parts @ ..] = records.base_and_parts() else { return Ok(None) };
        let Some((header, value)) = self.layout.record(*base) else { return Ok(None) };
        if parts.is_empty() {
            return self.append((Kind::Put, &header), &[], &value).map(Some);
        }
        let mut copies = Vec::with_capacity(parts.len());
        for part in parts {
            let Some((header, value)) = self.layout.record(*part) else { return Ok(None) };
            copies.push(self.append((Kind::BasePart, &header), &[], &value)?);
        }
        let base = Base {
            image_len: records.image_len,
            parts: copies,
            carried: Vec::new(),
            carried_bytes: 0,
        };
        self.append((Kind::Base, &header), &[], &base.encode()).map(Some)
    }

    /// Appends a record, however long that takes.
    fn append(
        &mut self,
        (kind, header): (Kind, &Header),
        lead: &[u8],
        value: &[u8],
    ) -> Result<Member, WriteError> {
        let (core, key) = (self.core, &*self.followed.key);
        let space = core.shards[0].lock().spaces[usize::from(self.space)].id;
        let (tag, expiry_ms) = (header.tag, header.expiry_ms);
        let write = [Write { kind, space, tag, expiry_ms, key, lead, value }];
        let len = total_len(key.len(), lead.len() + value.len());
        self.bytes += value.len() as u64;
        loop {
            let mut address = 0;
            match core.log.append(&write, &crossbeam_epoch::pin(), |_, at| address = at) {
                Ok(()) => return Ok(Member::new(address, len)),
                Err(WriteError::Busy) => wait_for_room(core),
                Err(error) => return Err(error),
            }
        }
    }

    /// Enters the key, as recovery does.
    fn enter(&self, newest: Member) {
        let (core, header) = (self.core, &self.followed.header);
        let now_s = (core.clock.now_ms() / 1000) as u32;
        let (hash, address) = (core.hash(&self.followed.key), ChainPlace::Newest(newest.address()));
        let len = newest.size_bound() / 2;
        let slot = Slot::new(hash, address.address(), len, header.expiry_ms, now_s);
        let shard = &mut *core.shards[0].lock();
        let space = &mut shard.spaces[usize::from(self.space)];
        space.index.insert(slot);
        space.chains.add_unsettled();
        space.expires += u64::from(slot.expiry_s() != 0);
    }
}

/// Returns when the log may take more.
pub(super) fn wait_for_room(core: &Core) {
    let (sender, receiver) = std::sync::mpsc::channel();
    let waiter = core.log.wait_room(Box::new(move |_| {
        let _ = sender.send(());
    }));
    if waiter.is_none() {
        // The waiter is always called; were it lost, the channel would say so.
        let _ = receiver.recv();
    }
}
