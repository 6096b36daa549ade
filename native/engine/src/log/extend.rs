//! Adding to the last record of the log.
//!
//! Changes of one value that follow each other closely need not have a record each: what is still in
//! the open frame becomes durable together in any case.

use crossbeam_epoch::Guard;

use super::Log;
use crate::record::{HEADER, total_len};
use crate::shard::RecordRef;
use crate::stats::Counters;

/// The longest record that is added to, padding included: what is read at once of a change.
const MAX_EXTENDED: u64 = 4 << 10;

/// What a record has from now on.
pub(crate) struct Extension<'a> {
    /// Where the record is.
    pub address: u64,
    /// Its tag and its expiry.
    pub tag: u8,
    pub expiry_ms: u64,
    /// Bytes within its value that are different: where in it, and what is there now.
    pub within: (usize, &'a [u8]),
    /// What is added at the end of its value.
    pub more: [&'a [u8]; 2],
}

impl Log {
    /// Extends a record, if it is the last one of the open frame and not long. Returns its length now,
    /// padding included. The caller holds the lock of the record's shard, and nobody reads the record
    /// without it.
    pub(crate) fn extend(&self, with: &Extension<'_>, guard: &Guard) -> Option<u64> {
        let mut tail = self.tail.lock();
        if with.address < tail.frame_start || !self.takes_writes(&tail) {
            return None;
        }
        let at = self.writable(with.address, guard);
        // SAFETY: the caller's chain has a record at this address of the open frame; the frame's
        // records are whole whenever the tail lock is free, but for those that are being copied, and
        // these are not in chains yet.
        let old = unsafe { RecordRef::new(at) }.header();
        let (key_len, value_len) = (old.key_len as usize, old.value_len as usize);
        let longer = value_len + with.more.iter().map(|more| more.len()).sum::<usize>();
        let (from, to) = (old.total_len(), total_len(key_len, longer));
        let len = to - from;
        let (place, different) = with.within;
        let is_last = with.address + from == tail.address && place + different.len() <= value_len;
        if !is_last || to > MAX_EXTENDED || !tail.fits(len) || self.is_behind(&tail, len) {
            return None;
        }
        tail.address += len;
        tail.sequence += 1;
        let sequence = tail.sequence;
        let (value_len, tag, expiry_ms) = (longer as u32, with.tag, with.expiry_ms);
        let header = crate::record::Header { value_len, sequence, tag, expiry_ms, ..old }.encode();
        // SAFETY: the record ends the open frame, which has room for `len` bytes behind it; the tail
        // lock keeps other writers and the committer away, the caller other readers. What is
        // different within the value is within it: that was looked at above.
        unsafe {
            std::ptr::copy_nonoverlapping(header[4..].as_ptr(), at.add(4), HEADER - 4);
            let value = at.add(HEADER + key_len);
            std::ptr::copy_nonoverlapping(different.as_ptr(), value.add(place), different.len());
            let mut end = value.add(old.value_len as usize);
            for more in with.more {
                std::ptr::copy_nonoverlapping(more.as_ptr(), end, more.len());
                end = end.add(more.len());
            }
            let padding = to as usize - HEADER - key_len - longer;
            std::ptr::write_bytes(end, 0, padding);
        }
        drop(tail);
        Counters::add(&self.counters.coalesced, 1);
        Some(to)
    }
}
