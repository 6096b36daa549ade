//! The Redis serialization protocol, versions 2 and 3, without any input or output of its own.
//!
//! - [`Decoder`]: a client's requests, RESP arrays and inline commands, incrementally and in place.
//! - [`Encoder`]: replies in the version a connection speaks.
//! - [`Value`]: replies decoded, for callers that are clients themselves.
//!
//! Formats, limits and error texts are those of Redis 7.0. The format is described at
//! <https://redis.io/docs/latest/develop/reference/protocol-spec/>.

#![forbid(unsafe_code)]

mod args;
mod decoder;
mod double;
mod encoder;
mod error;
mod inline;
mod limits;
mod line;
#[cfg(test)]
mod linearity_tests;
mod multibulk;
mod value;
mod work;

pub use args::{ArgSlices, Args};
pub use decoder::{Decoder, Feed, Step};
pub use double::DoubleText;
pub use encoder::{DeferredLength, Encoder, Protocol};
pub use error::ProtocolError;
pub use limits::Limits;
pub use value::{MAX_DEPTH, ParseError, Value};
