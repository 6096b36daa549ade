//! Who wants to hear of changes.

/// Hears of every change of a key, and is asked under its shard's lock: so it must be quick, and must
/// not use the engine.
pub trait Observer: Send + Sync {
    /// The key of this space has been changed: put, patched or deleted. True if whoever changed it is to
    /// find it in [`crate::Access::take_changed`] afterwards.
    fn changed(&self, space: u16, key: &[u8]) -> bool;

    /// Key spaces are about to be emptied or exchanged, with all shards locked: `after` says which
    /// space, by its number before, each number stands for afterwards; `None` if it is empty then.
    /// `has_key` tells whether a key of a space (by its number before) is there and not expired; a key that is not in
    /// memory may be taken for another one of the same hash.
    fn rearranged(&self, after: &[Option<u16>], has_key: &dyn Fn(u16, &[u8]) -> bool);
}

/// Nobody.
pub(crate) struct Unobserved;

impl Observer for Unobserved {
    fn changed(&self, _space: u16, _key: &[u8]) -> bool {
        false
    }

    fn rearranged(&self, _after: &[Option<u16>], _has_key: &dyn Fn(u16, &[u8]) -> bool) {}
}
