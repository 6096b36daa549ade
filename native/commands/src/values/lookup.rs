//! Looking keys up on behalf of a command.

use ferric_engine::{About, Access, Entry, Key, Locked, ReadError};

use super::{Kept, Values, kept, string};
use crate::context::{Context, Fault, Outcome};
use crate::stats::Tally;

/// Bytes that a command may copy on a normal scheduler.
pub const MAX_COPY: usize = 256 << 10;

/// Keys that a command may visit on a normal scheduler.
pub const MAX_KEYS: usize = 1000;

/// What has been done under the lock.
enum Read<R, F> {
    /// All there was to do.
    Done(R),
    /// What is to be done has been copied.
    Kept(Kept, F),
}

/// How a command looks keys up: whether that counts as use, and how much it may do in one go.
/// Taken from the context before shards are locked, because the lock borrows part of it.
#[derive(Clone, Copy)]
pub struct Lookup<'c> {
    tally: &'c Tally,
    touch: bool,
    long: bool,
}

impl<'c> Lookup<'c> {
    /// The rules for the running command.
    pub fn new(ctx: &Context<'c, '_>) -> Lookup<'c> {
        Lookup { tally: ctx.tally, touch: !ctx.session.no_touch(), long: ctx.long }
    }

    /// A key's entry for a command that reads it: counts as a hit or miss and as use of the key.
    ///
    /// # Errors
    /// The key is not in memory, or damaged; nothing is counted then.
    #[inline]
    pub fn read<'l>(
        &self,
        locked: &'l mut Locked<'_, '_>,
        key: &Key,
    ) -> Result<Option<Entry<'l>>, ReadError> {
        let entry = self.modify(locked, key)?;
        self.count(entry.is_some());
        Ok(entry)
    }

    /// [`Lookup::read`] for a command that only reads this one key: most often without a lock, and
    /// when a command takes long, never with it.
    ///
    /// # Errors
    /// The key is not in memory, or damaged, and nothing is counted; or what `use_entry` returns.
    #[inline]
    pub fn view<R>(
        &self,
        access: &mut Access<'_>,
        key: &Key,
        use_entry: impl FnOnce(Option<Entry<'_>>) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        if self.long {
            return self.view_long(access, key, use_entry);
        }
        access.read(key, self.touch, |entry| {
            self.count(entry.is_some());
            use_entry(entry)
        })?
    }

    /// [`Lookup::view`] by a command that takes long.
    fn view_long<R>(
        &self,
        access: &mut Access<'_>,
        key: &Key,
        use_entry: impl FnOnce(Option<Entry<'_>>) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        let read = access.read(key, self.touch, |entry| {
            self.count(entry.is_some());
            match entry.as_ref().and_then(Kept::of_large) {
                Some(kept) => Read::Kept(kept, use_entry),
                None => Read::Done(use_entry(entry)),
            }
        })?;
        match read {
            Read::Done(result) => result,
            Read::Kept(kept, use_entry) => use_entry(Some(kept.entry())),
        }
    }

    /// The values of these keys for a command that only reads them: if it takes long, copies, and the
    /// locks are given back. No use of the keys is noted.
    ///
    /// # Errors
    /// A key is not in memory, or damaged.
    pub fn keep_all<'l, 'a, 'e>(
        &self,
        locked: &'l mut Locked<'a, 'e>,
        keys: &[Key],
    ) -> Result<Values<'l, 'a, 'e>, ReadError> {
        let kept = if self.long { kept::keep_all(locked, keys)? } else { None };
        let Some(kept) = kept else { return Ok(Values::Locked(locked)) };
        locked.release();
        Ok(Values::Kept(kept))
    }

    /// What is known of a key without looking at its value: counts as a hit or miss, and not as use of
    /// the key.
    ///
    /// # Errors
    /// As for [`Lookup::view`].
    #[inline]
    pub fn look(&self, access: &mut Access<'_>, key: &Key) -> Result<Option<About>, Fault> {
        let about = access.about(key)?;
        self.count(about.is_some());
        Ok(about)
    }

    /// [`Lookup::look`] while the key is locked.
    ///
    /// # Errors
    /// The key is not in memory, or damaged; nothing is counted then.
    pub fn exists(&self, locked: &mut Locked<'_, '_>, key: &Key) -> Result<bool, ReadError> {
        let exists = locked.about(key)?.is_some();
        self.count(exists);
        Ok(exists)
    }

    /// A key's entry for a command that asks about the key: counts as a hit or miss only.
    ///
    /// # Errors
    /// The key is not in memory, or damaged; nothing is counted then.
    pub fn inspect<'l>(
        &self,
        locked: &'l mut Locked<'_, '_>,
        key: &Key,
    ) -> Result<Option<Entry<'l>>, ReadError> {
        let entry = locked.peek(key)?;
        self.count(entry.is_some());
        Ok(entry)
    }

    /// A key's entry for a command that changes it: counts as use of the key only.
    ///
    /// # Errors
    /// The key is not in memory, or damaged.
    #[inline]
    pub fn modify<'l>(
        &self,
        locked: &'l mut Locked<'_, '_>,
        key: &Key,
    ) -> Result<Option<Entry<'l>>, ReadError> {
        if self.touch { locked.get(key) } else { locked.peek(key) }
    }

    /// Notes a use of a key that is there without looking at its value.
    ///
    /// # Errors
    /// The key is not in memory, or damaged.
    pub fn note_use(&self, locked: &mut Locked<'_, '_>, key: &Key) -> Result<(), ReadError> {
        if self.touch {
            locked.touch(key)?;
        }
        Ok(())
    }

    /// [`Lookup::read`] of a string.
    ///
    /// # Errors
    /// WRONGTYPE when the key holds something else; the key is not in memory, or damaged.
    #[inline]
    pub fn read_string<'l>(
        &self,
        locked: &'l mut Locked<'_, '_>,
        key: &Key,
    ) -> Result<Option<Entry<'l>>, Fault> {
        string::check(self.read(locked, key)?)
    }

    /// [`Lookup::modify`] of a string.
    ///
    /// # Errors
    /// WRONGTYPE when the key holds something else; the key is not in memory, or damaged.
    #[inline]
    pub fn modify_string<'l>(
        &self,
        locked: &'l mut Locked<'_, '_>,
        key: &Key,
    ) -> Result<Option<Entry<'l>>, Fault> {
        string::check(self.modify(locked, key)?)
    }

    /// [`Context::bound`] while shards are locked.
    ///
    /// # Errors
    /// [`Fault::Long`] when the work is too much for this scheduler.
    #[inline]
    pub fn bound(&self, work: usize, limit: usize) -> Outcome {
        if self.long || work <= limit { Ok(()) } else { Err(Fault::Long) }
    }

    fn count(&self, hit: bool) {
        self.tally.add(hit);
    }
}

#[cfg(test)]
mod tests;
