//! What can be asked about a value of any kind.

use ferric_engine::{Entry, Malformed, Meta, Object};

use super::stream::Stream;
use super::{Collection, Kind, string};

/// OBJECT ENCODING.
pub fn encoding(entry: &Entry<'_>) -> &'static str {
    match Kind::of(entry.meta.kind) {
        Some(Kind::String) => string::encoding(entry.meta.flags, entry.value),
        Some(Kind::Stream) => "stream",
        _ => "unknown",
    }
}

/// Makes an object of the image of a collection.
///
/// # Errors
/// The bytes are no image of this kind, or the kind is none of a collection.
pub fn decode(meta: Meta, image: &[u8]) -> Result<Box<dyn Object>, Malformed> {
    match Kind::of(meta.kind) {
        Some(Kind::Stream) => Ok(Box::new(Stream::decode(image)?)),
        _ => Err(Malformed),
    }
}
