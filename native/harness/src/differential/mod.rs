//! The differential test: two servers are sent the same bytes, and must reply with the same bytes.
//!
//! A *session* is a random sequence of steps on a few connections, generated from a seed
//! ([`generate`]), run against each server ([`run`]) and compared ([`compare`]) except for what
//! depends on clock, chance or memory. The first difference is reduced to the commands that it
//! needs ([`minimise`]). [`protocol`] does the same below the level of commands.

mod compare;
pub mod generate;
mod minimise;
mod pair;
pub mod protocol;
mod run;
mod session;

pub use compare::Mismatch;
pub use minimise::minimise;
pub use pair::Pair;
pub use session::{Session, Step};

/// A command's words.
pub type Command = Vec<Vec<u8>>;
