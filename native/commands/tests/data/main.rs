//! Strings and keys through a real engine: what only shows when commands meet a store.

mod keys;
mod store;
mod streams;
mod strings;
