//! Integers in decimal.

use crate::context::Fault;

/// Longest spelling of a 64-bit integer, with its sign.
const MAX_LEN: usize = 20;

/// Parses a signed 64-bit integer in its one canonical spelling: no spaces, no `+`, no leading
/// zeros, no `-0`. `None` for any other spelling and for numbers out of range.
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    if text.len() > MAX_LEN {
        return None;
    }
    let (negative, digits) = match text.split_first() {
        Some((b'-', digits)) => (true, digits),
        _ => (false, text),
    };
    match digits {
        [b'0'] if !negative => return Some(0),
        [b'1'..=b'9', ..] => {}
        _ => return None,
    }
    let mut magnitude = 0u64;
    for &byte in digits {
        if !byte.is_ascii_digit() {
            return None;
        }
        magnitude = magnitude.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
    }
    if negative { 0i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

/// [`parse_i64`] for a command's argument.
///
/// # Errors
/// The error Redis replies with when the word is not an integer.
pub fn parse_i64_or_fault(text: &[u8]) -> Result<i64, Fault> {
    parse_i64(text).ok_or(Fault::error("ERR value is not an integer or out of range"))
}

/// Parses an unsigned integer as C's `strtoul` in base 10 does, when nothing is left over: a sign
/// is allowed (a negative number wraps around), leading zeros too, and the empty word is 0. What
/// follows a NUL byte is not looked at. `None` when there is anything else or 64 bits overflow.
///
/// SCAN's cursor has this grammar, apart from white space in front.
pub fn parse_strtoul(text: &[u8]) -> Option<u64> {
    let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
    let (negative, digits) = match text.split_first() {
        Some((b'-', digits)) => (true, digits),
        Some((b'+', digits)) => (false, digits),
        _ => (false, text),
    };
    if digits.is_empty() && !text.is_empty() {
        return None;
    }
    let mut magnitude = 0u64;
    for &byte in digits {
        if !byte.is_ascii_digit() {
            return None;
        }
        magnitude = magnitude.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
    }
    Some(if negative { magnitude.wrapping_neg() } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_spellings() {
        for value in [0, 1, -1, 9, 10, 12_345, -9_876, i64::MAX, i64::MIN, i64::MAX - 1] {
            assert_eq!(parse_i64(value.to_string().as_bytes()), Some(value));
        }
    }

    #[test]
    fn other_spellings() {
        for text in [
            "",
            "-",
            "+1",
            " 1",
            "1 ",
            "01",
            "-0",
            "00",
            "1x",
            "x",
            "0x1",
            "1.0",
            "1\0",
            "9223372036854775808",
            "-9223372036854775809",
            "18446744073709551616",
            "99999999999999999999",
            "100000000000000000000",
            "-01",
        ] {
            assert_eq!(parse_i64(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn cursors() {
        for (text, value) in [
            ("", 0),
            ("0", 0),
            ("007", 7),
            ("+5", 5),
            ("-1", u64::MAX),
            ("-0", 0),
            ("18446744073709551615", u64::MAX),
            ("12\0junk", 12),
            ("\0", 0),
        ] {
            assert_eq!(parse_strtoul(text.as_bytes()), Some(value), "{text:?}");
        }
        for text in ["-", "+", "1a", "a", "1 ", "--1", "18446744073709551616", " 1"] {
            assert_eq!(parse_strtoul(text.as_bytes()), None, "{text:?}");
        }
    }
}
