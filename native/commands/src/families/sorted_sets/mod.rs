//! Commands on sorted sets.

pub mod add;
mod combine;
mod get;
pub mod limits;
mod pop;
mod random;
mod range;
mod read;
mod remove;
mod rows;
mod scan;
mod source;
pub mod store;
#[cfg(test)]
mod tests;

pub use rows::COMMANDS;
