//! What a server remembers after its disk was cut off, and when its disk is full.
//!
//! - [`cut`]: the server is stopped under load, its disk is copied, and another server opens the
//!   copy, while the first goes on.
//! - [`full`]: the server writes until there is no room, gets room, and goes on.

pub mod cut;
pub mod full;
