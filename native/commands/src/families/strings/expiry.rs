//! The expiry options of SET and GETEX.

use crate::context::{Args, Fault};
use crate::numbers::parse_i64_or_fault;
use crate::pattern::is_option;
use crate::values::expiry::{Unit, invalid_expire_time};

/// An option about a key's expiry; at most one kind of them may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry<'a> {
    /// KEEPTTL: as it was.
    Keep,
    /// PERSIST: none.
    Persist,
    /// EX, PX, EXAT, PXAT: at this time, not looked at yet.
    At(Unit, &'a [u8]),
}

impl<'a> Expiry<'a> {
    /// Reads the option at the front of `words` and says how many words it takes; `None` when it is
    /// none, when its time is missing, or when it contradicts `earlier`.
    pub fn read(words: Args<'a>, earlier: Option<Expiry<'a>>) -> Option<(Expiry<'a>, usize)> {
        const TIMES: [(&str, Unit); 4] = [
            ("EX", Unit::Seconds),
            ("PX", Unit::Milliseconds),
            ("EXAT", Unit::UnixSeconds),
            ("PXAT", Unit::UnixMilliseconds),
        ];
        let (&word, rest) = words.split_first()?;
        let (option, length) = if is_option(word, "KEEPTTL") {
            (Expiry::Keep, 1)
        } else if is_option(word, "PERSIST") {
            (Expiry::Persist, 1)
        } else {
            let (_, unit) = TIMES.into_iter().find(|(name, _)| is_option(word, name))?;
            (Expiry::At(unit, rest.first()?), 2)
        };
        let agrees = earlier.is_none_or(|earlier| earlier.same_kind(option));
        agrees.then_some((option, length))
    }

    /// Repeating an option is allowed; the last one counts.
    fn same_kind(self, other: Expiry<'_>) -> bool {
        match (self, other) {
            (Expiry::At(a, _), Expiry::At(b, _)) => a == b,
            (Expiry::At(..), _) | (_, Expiry::At(..)) => false,
            (a, b) => a == b,
        }
    }
}

/// The absolute time, in milliseconds since 1970, that `text` means.
///
/// # Errors
/// When it is not an integer, not positive, or beyond 64 bits; the last two name the `command`.
pub fn deadline(unit: Unit, text: &[u8], now_ms: u64, command: &str) -> Result<u64, Fault> {
    let time = parse_i64_or_fault(text)?;
    if time <= 0 {
        return Err(invalid_expire_time(command));
    }
    unit.absolute(time, now_ms)
        .and_then(|ms| u64::try_from(ms).ok())
        .ok_or_else(|| invalid_expire_time(command))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000_000;

    #[test]
    fn deadlines() {
        for (unit, text, expected) in [
            (Unit::Seconds, "10", NOW + 10_000),
            (Unit::Milliseconds, "10", NOW + 10),
            (Unit::UnixSeconds, "10", 10_000),
            (Unit::UnixMilliseconds, "9223372036854775807", i64::MAX as u64),
            (Unit::UnixSeconds, "9223372036854775", 9_223_372_036_854_775_000),
        ] {
            assert_eq!(deadline(unit, text.as_bytes(), NOW, "set"), Ok(expected));
        }
    }

    #[test]
    fn impossible_deadlines() {
        for (unit, text) in [
            (Unit::Seconds, "0"),
            (Unit::UnixMilliseconds, "-1"),
            (Unit::Seconds, "9223372036854775"),
            (Unit::UnixSeconds, "9223372036854776"),
            (Unit::Milliseconds, "9223372036854775807"),
        ] {
            let fault = Fault::Error("ERR invalid expire time in 'set' command".into());
            assert_eq!(deadline(unit, text.as_bytes(), NOW, "set"), Err(fault), "{text}");
        }
        let fault = Fault::error("ERR value is not an integer or out of range");
        assert_eq!(deadline(Unit::Seconds, b"1.5", NOW, "set"), Err(fault));
    }

    #[test]
    fn options_exclude_each_other_but_not_themselves() {
        let (first, length) = Expiry::read(&[b"ex", b"5", b"EX"], None).expect("an option");
        assert_eq!((first, length), (Expiry::At(Unit::Seconds, b"5"), 2));
        let again = Expiry::At(Unit::Seconds, b"6");
        assert_eq!(Expiry::read(&[b"EX", b"6"], Some(first)), Some((again, 2)));
        for words in [&[&b"PX"[..], b"6"][..], &[b"KEEPTTL"], &[b"PERSIST"], &[b"EXAT", b"1"]] {
            assert_eq!(Expiry::read(words, Some(first)), None);
        }
        assert_eq!(Expiry::read(&[b"EX"], None), None);
        assert_eq!(Expiry::read(&[b"KEEPTTL"], Some(Expiry::Keep)), Some((Expiry::Keep, 1)));
    }
}
