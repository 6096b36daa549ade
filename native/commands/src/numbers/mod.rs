//! Numbers as words of a command or as stored values: which spellings Redis takes, and how it
//! writes them back.

mod binary;
mod double;
mod extended;
mod integer;
mod natural;
mod spelling;

pub use double::{format_17, parse_f64, parse_strtod};
pub use extended::Extended;
pub use integer::{parse_i64, parse_i64_or_fault, parse_strtoul};
