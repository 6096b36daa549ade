//! Tests of whole servers over their sockets: ours, and redis-server beside it.
//!
//! - [`server`] starts, stops and kills servers; [`client`] talks to them.
//! - [`differential`] sends the same random commands to two servers and compares the replies.
//! - [`crash`] kills a server under load and checks what it remembers.
//! - [`power_cut`] cuts off or fills its disk, which is one of [`disk`].
//! - [`large`] loads a server with far more data than it has memory for, and measures it.
//!
//! Everything random comes from a seed ([`rng`]), which is printed, so that a failure can be run
//! again.

pub mod client;
pub mod crash;
pub mod dataset;
pub mod differential;
pub mod disk;
pub mod elements;
pub mod large;
pub mod machine;
pub mod memory;
pub mod options;
pub mod power_cut;
pub mod report;
pub mod rng;
pub mod server;
pub mod text;
