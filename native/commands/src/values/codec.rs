//! What the engine has to know of values.

use std::sync::Arc;

use ferric_engine::{Codec, Malformed, Meta, Object, Options};

use super::collection::MAX_PACKED;
use super::{Kind, registry};

/// Collections that are not packed are objects.
struct ValueCodec;

impl Codec for ValueCodec {
    #[inline]
    fn is_object(&self, meta: Meta, len: usize) -> bool {
        len > MAX_PACKED && meta.kind != Kind::String as u8
    }

    fn decode(&self, meta: Meta, image: &[u8]) -> Result<Box<dyn Object>, Malformed> {
        registry::decode(meta, image)
    }
}

/// Has a store keep values as commands expect them: for every store that commands are executed on,
/// before it is opened.
pub fn install(options: &mut Options) {
    options.codec = Arc::new(ValueCodec);
}
