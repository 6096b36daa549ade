//! Reading one key without its shard's lock.
//!
//! The index is searched under the epoch that the access holds anyway, and the record is read where
//! it is: records that were handed to the committer never change, and memory outlives the epoch.
//! What needs more than that is done under the lock: a record that may still be updated in place, one
//! that has expired (it is removed) or is on disk only, a value that is an object or becomes one, and
//! a key of a change of several keys that is under way.

use super::{About, Access, Entry, Key, Meta};
use crate::address::is_in_log;
use crate::error::ReadError;
use crate::shard::RecordRef;

/// What a look without the lock has found.
enum Look<'a> {
    Entry(Entry<'a>),
    Absent,
    /// Only the holder of the lock can tell.
    Unclear,
}

/// What a look is for.
#[derive(Clone, Copy)]
struct Purpose {
    /// It is an access.
    touch: bool,
    /// The value is used.
    value: bool,
}

impl Access<'_> {
    /// Hands the key's live value, if it has one, to `use_entry`; notes the access if `touch` says
    /// so. Waits for no lock but where it is needed, and then within the patience that was set.
    ///
    /// # Errors
    /// The key is not in memory, or damaged; or its shard is locked for too long. `use_entry` has
    /// not been called then.
    #[inline]
    pub fn read<R>(
        &mut self,
        key: &Key<'_>,
        touch: bool,
        use_entry: impl FnOnce(Option<Entry<'_>>) -> R,
    ) -> Result<R, ReadError> {
        let (look, depends) = match self.transaction {
            // What is kept back is found under the lock only.
            Some(_) => (Look::Unclear, 0),
            None => self.look_at(key, Purpose { touch, value: true }),
        };
        match look {
            Look::Unclear => {}
            Look::Absent => {
                let result = use_entry(None);
                self.depends = self.depends.max(depends);
                return Ok(result);
            }
            Look::Entry(entry) => {
                let result = use_entry(Some(entry));
                self.depends = self.depends.max(depends);
                return Ok(result);
            }
        }
        let mut locked = self.acquire(key)?;
        let entry = if touch { locked.get(key)? } else { locked.peek(key)? };
        Ok(use_entry(entry))
    }

    /// What is known of the key's live value without looking at it, see [`super::Locked::about`].
    ///
    /// # Errors
    /// As for [`Access::read`].
    pub fn about(&mut self, key: &Key<'_>) -> Result<Option<About>, ReadError> {
        let (look, depends) = match self.transaction {
            Some(_) => (Look::Unclear, 0),
            None => self.look_at(key, Purpose { touch: false, value: false }),
        };
        let about = match look {
            Look::Unclear => return self.acquire(key)?.about(key),
            Look::Absent => None,
            Look::Entry(Entry { meta, idle_seconds, .. }) => {
                Some(About { meta, is_object: false, idle_seconds })
            }
        };
        self.depends = self.depends.max(depends);
        Ok(about)
    }

    /// Looks without the lock; says also what the answer depends on.
    #[inline]
    fn look_at(&self, key: &Key<'_>, Purpose { touch, value }: Purpose) -> (Look<'_>, u64) {
        const UNCLEAR: (Look<'_>, u64) = (Look::Unclear, 0);
        let (core, guard) = (self.core, &self.guard);
        let view = &core.views[usize::from(key.shard)];
        let Some(space) = view.space(key.space, guard) else { return UNCLEAR };
        let mut record: Option<RecordRef> = None;
        let found = space.index.find(key.hash, guard, |slot| {
            let address = slot.address();
            // Asked before the record is looked at: what lies below will not change meanwhile.
            let settled = !is_in_log(address) || address < core.log.submitted();
            record = if settled { core.record(address, guard) } else { None };
            // What cannot be looked at may be the key: the search ends there.
            record.is_none_or(|record| record.has_key(key.bytes))
        });
        let Some(slot) = found else {
            let deleted = view.deleted(key.hash).max(space.lsn);
            // An index that was emptied meanwhile loses its keys without a note in this view.
            let current = view.space(key.space, guard);
            let unchanged = current.is_some_and(|current| std::ptr::eq(current, space));
            return if unchanged { (Look::Absent, deleted) } else { UNCLEAR };
        };
        let Some(record) = record else { return UNCLEAR };
        let header = record.header();
        if self.is_expired(header.expiry_ms) {
            return UNCLEAR;
        }
        let meta = Meta::of(&header);
        if value && core.codec.is_object(meta, header.value_len as usize) {
            return UNCLEAR;
        }
        let (now_s, address) = (self.now_s(), slot.address());
        let idle_seconds = slot.idle_s(now_s);
        if touch {
            if idle_seconds != 0 {
                space.index.touch(key.hash, slot, now_s, guard);
            }
            self.count_read(address);
        }
        let depends = if is_in_log(address) { address + 1 } else { 0 };
        // SAFETY: the record does not change (see above), and the access keeps its memory while the
        // entry borrows it.
        let (_, value) = unsafe { record.content(&header) };
        let entry = Entry { meta, value, object: None, idle_seconds };
        (Look::Entry(entry), depends.max(space.lsn))
    }
}
