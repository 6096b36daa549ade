//! The Redis command set over the engine.
//!
//! One table ([`table`]) describes every command; one executor ([`executor`]) runs them, whoever
//! asks: a socket, the embedded API, a test. A command is a function from a [`Context`] and its
//! arguments to a reply.

mod blocked;
pub mod budget;
pub mod clients;
pub mod config;
pub mod context;
pub mod executor;
pub mod families;
pub mod field_expiry;
pub mod job;
mod multi;
mod nested;
pub mod numbers;
pub mod output_limits;
pub mod pattern;
pub mod pubsub;
pub mod server;
pub mod session;
pub mod slot;
pub mod stats;
pub mod table;
#[cfg(test)]
mod testing;
pub mod thresholds;
pub mod values;
pub mod watches;

pub use context::{Args, Context, Control, Fault, Outcome};
pub use executor::{Next, Progress};
pub use pubsub::{MailNews, MailNotice};
pub use server::{Server, ServerOptions};
pub use session::Session;
