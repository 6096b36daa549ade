//! Collections: how commands read and change values that consist of elements.
//!
//! A small collection is its image, the value of an ordinary record, and every change writes it
//! anew. A larger one is an [`Object`] in memory, and every change logs its delta. Commands need not
//! know which: they read through [`Collection::View`], say what changes as a delta, and
//! [`Held::change`] makes of it what the engine has to write.

use std::any::Any;

use ferric_engine::{Access, Entry, Key, Locked, Malformed, Meta, Object, Op};
use smallvec::SmallVec;

use super::{Kind, Lookup, WRONG_TYPE};
use crate::context::Fault;

/// Longest image that is stored as it is, in bytes; a collection with a longer one is an object.
pub const MAX_PACKED: usize = 1024;

/// Bytes of a usual delta: those of one short element, which need no allocation.
pub const SHORT_DELTA: usize = 64;

/// The reply when a stored collection cannot be understood.
const MALFORMED: Fault = Fault::error("ERR the key's value is malformed");

impl From<Malformed> for Fault {
    fn from(_: Malformed) -> Fault {
        MALFORMED
    }
}

/// A type of collection.
///
/// The value itself is whatever structure suits its size: up to [`MAX_PACKED`] most often its image.
pub trait Collection: Object + Sized {
    /// Its number in the engine.
    const KIND: Kind;

    /// Read access to a collection, or to an image.
    type View<'a>: Copy;

    /// Read access to this one.
    fn view(&self) -> Self::View<'_>;

    /// Read access to an image without making a collection of it. The image is one that
    /// [`Collection::encode`] made: the log's checksums vouch for it.
    fn view_image(image: &[u8]) -> Self::View<'_>;

    /// Makes a collection of any bytes that may be its image.
    ///
    /// # Errors
    /// They are not: nothing is believed that is not checked, and nothing allocated beyond a small
    /// multiple of the image's length.
    fn decode(image: &[u8]) -> Result<Self, Malformed>;

    /// Makes a collection of an image of which [`Collection::view_image`] may be taken.
    ///
    /// # Errors
    /// It is not one, as far as that is noticed.
    fn of_image(image: &[u8]) -> Result<Self, Malformed> {
        Self::decode(image)
    }

    /// The image.
    fn encode(&self) -> Vec<u8> {
        encode_by_parts(self)
    }

    /// OBJECT ENCODING; `flags` are the four bits of `Meta::flags`, the type's own.
    fn encoding(view: Self::View<'_>, flags: u8) -> &'static str;
}

/// The image of a collection, as it is written in the background.
pub fn encode_by_parts(value: &impl Object) -> Vec<u8> {
    let (mut image, mut out) = (value.freeze(), Vec::with_capacity(value.image_len()));
    while image.write(&mut out, usize::MAX) {}
    out
}

/// A collection that a key holds.
pub struct Held<'l, T: Collection> {
    /// Type, flags and expiry.
    pub meta: Meta,
    /// The elements.
    pub view: T::View<'l>,
    image: Option<&'l [u8]>,
}

impl<'l, T: Collection> Held<'l, T> {
    /// What an entry holds.
    ///
    /// # Errors
    /// WRONGTYPE if that is not a `T`.
    pub fn of(entry: Entry<'l>) -> Result<Held<'l, T>, Fault> {
        if entry.meta.kind != T::KIND as u8 {
            return Err(WRONG_TYPE);
        }
        let Some(object) = entry.object else {
            let view = T::view_image(entry.value);
            return Ok(Held { meta: entry.meta, view, image: Some(entry.value) });
        };
        let object: &dyn Any = object;
        let value = object.downcast_ref::<T>().ok_or(MALFORMED)?;
        Ok(Held { meta: entry.meta, view: value.view(), image: None })
    }

    /// The change that `delta` is. `meta` describes the value after it, of which `left` elements
    /// remain: without any, the key goes.
    ///
    /// # Errors
    /// The stored value is malformed.
    pub fn change(&self, meta: Meta, delta: &[u8], left: usize) -> Result<Change, Fault> {
        if left == 0 {
            return Ok(Change::Delete);
        }
        let Some(image) = self.image else {
            return Ok(Change::Patch { meta, delta: SmallVec::from_slice(delta) });
        };
        let mut value = T::of_image(image)?;
        value.apply(delta)?;
        Ok(Change::Put { meta, image: value.encode() })
    }
}

/// What a command does to one key.
pub enum Change {
    /// The key holds the collection with this image from now on.
    Put {
        /// Type, flags and expiry.
        meta: Meta,
        /// The image.
        image: Vec<u8>,
    },
    /// The key's collection, which is an object, changes.
    Patch {
        /// Type, flags and expiry afterwards.
        meta: Meta,
        /// What is different; nothing but `meta` if it is empty.
        delta: SmallVec<[u8; SHORT_DELTA]>,
    },
    /// The key goes, if it is there.
    Delete,
}

impl Change {
    /// The key holds this collection from now on, whatever it held.
    pub fn put<T: Collection>(value: &T, flags: u8, expiry_ms: u64) -> Change {
        let meta = Meta { expiry_ms, kind: T::KIND as u8, flags };
        Change::Put { meta, image: value.encode() }
    }

    /// The key's value stays, with another type, flags or expiry.
    pub fn meta(entry: &Entry<'_>, meta: Meta) -> Change {
        match entry.object {
            Some(_) => Change::Patch { meta, delta: SmallVec::new() },
            None => Change::Put { meta, image: entry.value.to_vec() },
        }
    }

    /// What describes the value afterwards; `None` without one.
    pub fn described(&self) -> Option<Meta> {
        match self {
            Change::Put { meta, .. } | Change::Patch { meta, .. } => Some(*meta),
            Change::Delete => None,
        }
    }

    fn op<'a>(&'a self, key: Key<'a>) -> Op<'a> {
        match self {
            Change::Put { meta, image } => Op::Put { key, meta: *meta, value: image },
            Change::Patch { meta, delta } => Op::Patch { key, meta: *meta, delta },
            Change::Delete => Op::Delete { key },
        }
    }
}

/// Makes changes, all or none. The last thing a command does; each key at most once.
///
/// # Errors
/// See `WriteError`; nothing has happened then.
pub fn commit(locked: &mut Locked<'_, '_>, changes: &[(Key<'_>, Change)]) -> Result<(), Fault> {
    let ops: SmallVec<[Op<'_>; 2]> = changes.iter().map(|(key, change)| change.op(*key)).collect();
    Ok(locked.write(&ops)?)
}

impl Lookup<'_> {
    /// [`Lookup::read`] of a collection.
    ///
    /// # Errors
    /// WRONGTYPE when the key holds something else; the key is not in memory, or damaged.
    #[inline]
    pub fn read_as<'l, T: Collection>(
        &self,
        locked: &'l mut Locked<'_, '_>,
        key: &Key<'_>,
    ) -> Result<Option<Held<'l, T>>, Fault> {
        self.read(locked, key)?.map(Held::of).transpose()
    }

    /// [`Lookup::modify`] of a collection.
    ///
    /// # Errors
    /// WRONGTYPE when the key holds something else; the key is not in memory, or damaged.
    #[inline]
    pub fn modify_as<'l, T: Collection>(
        &self,
        locked: &'l mut Locked<'_, '_>,
        key: &Key<'_>,
    ) -> Result<Option<Held<'l, T>>, Fault> {
        self.modify(locked, key)?.map(Held::of).transpose()
    }

    /// [`Lookup::view`] of a collection: for commands that only read this one key.
    ///
    /// # Errors
    /// WRONGTYPE when the key holds something else; the key is not in memory, or damaged; or what
    /// `use_value` returns.
    #[inline]
    pub fn view_as<T: Collection, R>(
        &self,
        access: &mut Access<'_>,
        key: &Key<'_>,
        use_value: impl FnOnce(Option<Held<'_, T>>) -> Result<R, Fault>,
    ) -> Result<R, Fault> {
        self.view(access, key, |entry| use_value(entry.map(Held::of).transpose()?))
    }
}
