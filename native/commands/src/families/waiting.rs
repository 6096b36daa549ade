//! What commands that wait for a key have in common.

use crate::context::{Context, Fault};
use crate::numbers::parse_f64;

const OUT_OF_RANGE: Fault = Fault::error("ERR timeout is out of range");

/// The time that a command waits, given in seconds, in milliseconds; 0 = without end. A part of a
/// millisecond counts as a whole one.
///
/// # Errors
/// The word is no time.
pub fn parse_timeout(ctx: &Context<'_, '_>, word: &[u8]) -> Result<u64, Fault> {
    let seconds =
        parse_f64(word).ok_or(Fault::error("ERR timeout is not a float or out of range"))?;
    let milliseconds = (seconds * 1000.0).ceil();
    // What has no room in 64 bits becomes the least of numbers in Redis.
    if !(0.0..i64::MAX as f64).contains(&milliseconds) {
        return Err(Fault::error("ERR timeout is negative"));
    }
    check_end(ctx, milliseconds as u64)
}

/// Whether the end of a wait is a time at all.
///
/// # Errors
/// It is not.
pub fn check_end(ctx: &Context<'_, '_>, milliseconds: u64) -> Result<u64, Fault> {
    if milliseconds > i64::MAX as u64 - ctx.now_ms() { Err(OUT_OF_RANGE) } else { Ok(milliseconds) }
}
