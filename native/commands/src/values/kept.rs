//! Values as they were when they were looked up: for commands that read for longer than shards may
//! be locked.
//!
//! A command takes what it reads under the locks, all keys of it together, lets go of them, and
//! takes its time. What is large is shared with the value in the keyspace: those who change that
//! meanwhile copy the chunks that they touch.

use ferric_engine::{Entry, Key, Locked, Meta, Object, ReadError};

/// Longest image of a value that is read under the lock even by commands that take long, in bytes:
/// reading it takes less than making a snapshot and freeing it might.
const SHORT: usize = 64 << 10;

/// A value that is independent of its key.
pub struct Kept {
    meta: Meta,
    idle_seconds: u32,
    contents: Contents,
}

enum Contents {
    Bytes(Vec<u8>),
    Object(Box<dyn Object>),
}

impl Kept {
    /// The value if reading all of it takes long.
    pub fn of_large(entry: &Entry<'_>) -> Option<Kept> {
        let object = entry.object.filter(|object| object.image_len() > SHORT)?;
        Some(Kept::new(entry, Contents::Object(object.snapshot()?)))
    }

    /// The value, unless it is an object that has no snapshots.
    fn of(entry: &Entry<'_>) -> Option<Kept> {
        let contents = match entry.object {
            Some(object) => Contents::Object(object.snapshot()?),
            None => Contents::Bytes(entry.value.to_vec()),
        };
        Some(Kept::new(entry, contents))
    }

    fn new(entry: &Entry<'_>, contents: Contents) -> Kept {
        Kept { meta: entry.meta, idle_seconds: entry.idle_seconds, contents }
    }

    /// What the key had.
    pub fn entry(&self) -> Entry<'_> {
        let (value, object) = match &self.contents {
            Contents::Bytes(bytes) => (&bytes[..], None),
            Contents::Object(object) => (&[][..], Some(&**object)),
        };
        Entry { meta: self.meta, value, object, idle_seconds: self.idle_seconds }
    }
}

/// The values of several keys, which a command has looked up and goes on to read.
pub enum Values<'l, 'a, 'e> {
    /// Where they are: under their locks.
    Locked(&'l mut Locked<'a, 'e>),
    /// As they were, by the numbers of their keys.
    Kept(Vec<Option<Kept>>),
}

impl Values<'_, '_, '_> {
    /// What the key has or had, of which this is the number among the command's keys. Notes no use
    /// of it.
    ///
    /// # Errors
    /// The key is not in memory, or damaged.
    pub fn entry(&mut self, number: usize, key: &Key<'_>) -> Result<Option<Entry<'_>>, ReadError> {
        match self {
            Values::Locked(locked) => locked.peek(key),
            Values::Kept(kept) => Ok(kept.get(number).and_then(Option::as_ref).map(Kept::entry)),
        }
    }
}

/// The values of `keys` for a long read, if any of them is large.
///
/// # Errors
/// A key is not in memory, or damaged.
pub(super) fn keep_all(
    locked: &mut Locked<'_, '_>,
    keys: &[Key<'_>],
) -> Result<Option<Vec<Option<Kept>>>, ReadError> {
    let mut bytes = 0;
    for key in keys {
        bytes += locked.peek(key)?.map_or(0, |entry| entry.image_len());
    }
    if bytes <= SHORT {
        return Ok(None);
    }
    let mut all = Vec::with_capacity(keys.len());
    for key in keys {
        all.push(match locked.peek(key)? {
            Some(entry) => match Kept::of(&entry) {
                Some(kept) => Some(kept),
                None => return Ok(None),
            },
            None => None,
        });
    }
    Ok(Some(all))
}
