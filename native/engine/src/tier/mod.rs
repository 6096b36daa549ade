//! What is in memory and what is on disk only.

pub(crate) mod fetch;
