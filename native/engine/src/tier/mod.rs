//! What of the store is in memory, and how the rest gets there.

pub(crate) mod balance;
pub(crate) mod cache;
pub(crate) mod chunks;
mod entry;
pub(crate) mod fetch;
mod ghosts;
#[cfg(test)]
mod hit_rates;
mod landing;
mod queue;
mod residency;
