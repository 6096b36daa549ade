//! Where records are that are not in the index's reach by a pointer, and how they get there.

// Not called by the engine before the tiers are wired in.
#[cfg_attr(not(test), expect(dead_code))]
pub(crate) mod fetch;
