//! What of the store is in memory: the read cache.

pub(crate) mod cache;
pub(crate) mod chunks;
mod entry;
mod ghosts;
#[cfg(test)]
mod hit_rates;
mod queue;
