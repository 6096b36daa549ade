//! Far more data than memory: loads a server, reads and overwrites at random, checks every value
//! that comes back, and measures.
//!
//! - [`wire`] is a connection for many small commands, [`load`] fills a server through it.
//! - [`drive`] is the measured work; [`picks`] says which keys it takes, [`versions`] which values
//!   it may meet, [`histogram`] how long replies took.
//! - [`fio`] asks the device what it could do at best.

pub mod drive;
pub mod fio;
pub mod histogram;
pub mod load;
pub mod picks;
pub mod versions;
pub mod wire;
