//! Commands on geo sets: sorted sets whose scores are geohashes.

mod areas;
mod geohash;
mod options;
mod partial_sort;
mod place;
mod rows;
mod search;
mod shape;
#[cfg(test)]
mod tests;
mod units;

pub use rows::COMMANDS;
