//! Expiry times as clients give them.

use ferric_engine::Meta;

use super::{Kind, hash};
use crate::context::Fault;

/// The expiry that a key was given, in milliseconds since 1970; 0 without one. A hash may also go
/// with its last field, which is no expiry of the key's to anybody who asks.
pub fn given(meta: Meta) -> u64 {
    let own = meta.kind != Kind::Hash as u8 || meta.flags & hash::FIELD_EXPIRY == 0;
    if own { meta.expiry_ms } else { 0 }
}

/// The description of a key that is given this expiry (0: none).
pub fn give(meta: Meta, expiry_ms: u64) -> Meta {
    let derived = if meta.kind == Kind::Hash as u8 { hash::FIELD_EXPIRY } else { 0 };
    Meta { expiry_ms, flags: meta.flags & !derived, ..meta }
}

/// What a time given by a client counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds from now.
    Seconds,
    /// Milliseconds from now.
    Milliseconds,
    /// Seconds since 1970.
    UnixSeconds,
    /// Milliseconds since 1970.
    UnixMilliseconds,
}

impl Unit {
    /// The time in milliseconds since 1970, which may be negative; `None` beyond 64 bits.
    pub fn absolute(self, time: i64, now_ms: u64) -> Option<i64> {
        let (factor, base) = match self {
            Unit::Seconds => (1000, now_ms),
            Unit::Milliseconds => (1, now_ms),
            Unit::UnixSeconds => (1000, 0),
            Unit::UnixMilliseconds => (1, 0),
        };
        time.checked_mul(factor)?.checked_add_unsigned(base)
    }
}

/// The error for a time that `command` cannot use.
pub fn invalid_expire_time(command: &str) -> Fault {
    format!("ERR invalid expire time in '{command}' command").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_times() {
        let max = i64::MAX;
        for (unit, time, expected) in [
            (Unit::Seconds, 2, Some(2_050)),
            (Unit::Milliseconds, -60, Some(-10)),
            (Unit::UnixSeconds, 2, Some(2_000)),
            (Unit::UnixMilliseconds, max, Some(max)),
            (Unit::Milliseconds, max - 50, Some(max)),
            (Unit::Milliseconds, max - 49, None),
            (Unit::UnixSeconds, max / 1000 + 1, None),
            (Unit::UnixSeconds, i64::MIN / 1000 - 1, None),
            (Unit::Milliseconds, i64::MIN, Some(i64::MIN + 50)),
        ] {
            assert_eq!(unit.absolute(time, 50), expected, "{unit:?} {time}");
        }
    }
}
