//! Values that are kept as structures in memory, and logged change by change.
//!
//! A value of this sort begins as an *image*, the bytes of an ordinary record. Each change is a
//! *delta*: bytes that say what is different now, never what was asked for, so that applying them
//! needs neither clock nor dice. The engine logs the delta, then has the object apply it; when a
//! store is opened, the same function applies the same deltas to the same image.

use std::any::Any;

use crate::Meta;

/// An image or a delta is not what an object can have written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes of a collection are malformed")]
pub struct Malformed;

/// A value as a structure in memory. Read under its shard's lock; changed only by
/// [`Object::apply`].
pub trait Object: Send + Sync + Any {
    /// Makes a change that has been logged, or is read back from the log. Two deltas, one behind the
    /// other, are a delta too: the one change, then the other.
    ///
    /// # Errors
    /// The bytes are no delta of this kind of object; it may have been changed in part then.
    fn apply(&mut self, delta: &[u8]) -> Result<(), Malformed>;

    /// Memory that it takes, in bytes; may be an estimate, has to be cheap.
    fn heap_bytes(&self) -> usize;

    /// About how long its image is, in bytes; has to be cheap.
    fn image_len(&self) -> usize;

    /// Its contents as of now, shared with it rather than copied as far as they are large: this is
    /// done under the shard's lock, the image is written without it.
    fn freeze(&self) -> Box<dyn Image>;

    /// The object as of now, for reads that take longer than its shard may be locked, and for transactions:
    /// like [`Object::freeze`] it shares with it what is large. `None` where its image serves as well.
    fn snapshot(&self) -> Option<Box<dyn Object>> {
        None
    }
}

/// Frozen contents of an object.
pub trait Image: Send {
    /// Appends the next part of the image to `out`, of about `budget` bytes; false when that was the
    /// last.
    fn write(&mut self, out: &mut Vec<u8>, budget: usize) -> bool;
}

/// An image that has been written already.
impl Image for Vec<u8> {
    fn write(&mut self, out: &mut Vec<u8>, _budget: usize) -> bool {
        out.append(self);
        false
    }
}

/// What the engine does not know about values: which of them are objects, and how to make one.
pub trait Codec: Send + Sync {
    /// Whether a value with an image of `len` bytes is kept as an object once it is used.
    fn is_object(&self, meta: Meta, len: usize) -> bool;

    /// Makes an object of its image.
    ///
    /// # Errors
    /// The image is not one of this kind.
    fn decode(&self, meta: Meta, image: &[u8]) -> Result<Box<dyn Object>, Malformed>;
}

/// The codec of a store all of whose values are just bytes.
pub(crate) struct NoObjects;

impl Codec for NoObjects {
    fn is_object(&self, _meta: Meta, _len: usize) -> bool {
        false
    }

    fn decode(&self, _meta: Meta, _image: &[u8]) -> Result<Box<dyn Object>, Malformed> {
        Err(Malformed)
    }
}
