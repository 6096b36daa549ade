//! The keys whose names depend on the elements.

use ferric_engine::{Locked, ReadError};

use super::pattern::Pattern;
use crate::context::{Context, Fault, Outcome};
use crate::slot;
use crate::values::{Lookup, registry};

/// Keys that are on disk only which one run asks for: no more would be fetched at a time.
const MAX_COLD: usize = 256;

/// Reads what patterns name.
pub(super) struct Related<'c> {
    pub(super) lookup: Lookup<'c>,
    db: u16,
    shards: u16,
    now_ms: u64,
    /// The name of a key, put together.
    name: Vec<u8>,
    /// How many keys were on disk only.
    cold: usize,
}

impl<'c> Related<'c> {
    /// For the running command.
    pub(super) fn new(ctx: &Context<'c, '_>) -> Related<'c> {
        Related {
            lookup: Lookup::new(ctx),
            db: ctx.session.db(),
            shards: ctx.server.shards(),
            now_ms: ctx.now_ms(),
            name: Vec::new(),
            cold: 0,
        }
    }

    /// Hands to `each`, for one element after the other, what each of the patterns names for it.
    ///
    /// # Errors
    /// [`Fault::Cold`] when anything was on disk only; then all that is has been asked for, up to
    /// as much as is fetched at a time.
    pub(super) fn each_value<'e>(
        &mut self,
        locked: &mut Locked<'_, '_>,
        elements: impl Iterator<Item = &'e [u8]>,
        patterns: &[Pattern<'_>],
        mut each: impl FnMut(Option<&[u8]>),
    ) -> Outcome {
        for element in elements {
            for pattern in patterns {
                self.value(locked, pattern, element, &mut each)?;
            }
        }
        if self.cold == 0 { Ok(()) } else { Err(Fault::Cold) }
    }

    fn value(
        &mut self,
        locked: &mut Locked<'_, '_>,
        pattern: &Pattern<'_>,
        element: &[u8],
        each: impl FnOnce(Option<&[u8]>),
    ) -> Outcome {
        match *pattern {
            Pattern::Element => each(Some(element)),
            Pattern::Nothing => each(None),
            Pattern::Key { prefix, suffix, field } => {
                self.name.clear();
                let parts = [prefix, element, suffix];
                parts.iter().for_each(|part| self.name.extend_from_slice(part));
                self.look_up(locked, field, each)?;
            }
        }
        Ok(())
    }

    /// Reads the key whose name has been put together.
    fn look_up(
        &mut self,
        locked: &mut Locked<'_, '_>,
        field: Option<&[u8]>,
        each: impl FnOnce(Option<&[u8]>),
    ) -> Outcome {
        let shard = slot::shard_of(&self.name, self.shards);
        let key = locked.key(self.db, shard, &self.name);
        match self.lookup.read(locked, &key) {
            Ok(None) => each(None),
            Ok(Some(entry)) => each(registry::text(&entry, field, self.now_ms)?),
            Err(ReadError::Cold) if self.cold < MAX_COLD => self.cold += 1,
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }
}
