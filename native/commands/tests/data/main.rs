//! Strings and keys through a real engine: what only shows when commands meet a store.

mod json;
mod keys;
mod lists;
mod probabilistic;
mod sort;
mod store;
mod streams;
mod strings;
