//! The crash test with data larger than memory.
//!
//! The server gets the smallest memory budget there is ([`MAX_MEMORY`]) and more than ten times as
//! much data, which stay from round to round: keys go to disk, are fetched, merged, overwritten,
//! deleted and expire. A value is computed from the number of the command that wrote it
//! ([`value`]), so the model of a key is that number ([`model`]), and all keys can be compared
//! after every kill ([`check`]) without holding their bytes.

mod check;
mod figures;
mod maintenance;
mod model;
mod observe;
mod op;
mod owner;
mod reader;
mod rounds;
mod store;
mod value;
mod writer;

pub use figures::Figures;
pub(in crate::crash) use maintenance::maintain;
pub use rounds::LargeTest;
pub use store::{Halt, LargePlan, LargeStore, Proof, Verified};
pub use value::whole as value_of;

use crate::server::{Product, Settings};

/// The server's memory budget in bytes: the smallest that FerricStore takes.
const MAX_MEMORY: u64 = 16 << 20;

/// Gives FerricStore that budget. Redis has nothing like it: its limit is one of the data.
pub fn limit_memory(settings: &mut Settings) {
    if let Product::Release(_) = settings.product {
        settings.more.push(("FERRICSTORE_MAX_MEMORY".to_owned(), MAX_MEMORY.to_string()));
    }
}
