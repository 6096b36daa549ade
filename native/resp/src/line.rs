//! Length lines: a type byte, a decimal integer, CR and one more byte.

use crate::work;

/// What is known of the line that starts with a type byte.
pub(crate) enum Line {
    /// The line is `data[at..end]` and the next element starts at `next`.
    Whole { end: usize, next: usize },
    /// At least `missing` more bytes are needed.
    Partial { missing: usize },
    /// The line does not end within the allowed length.
    TooLong,
}

/// Reads a length of one or two digits, which nearly every length is, from the bytes after the type
/// byte. Returns the length and the bytes used; `None` sends the caller the general way.
#[inline(always)]
pub(crate) fn short_length(bytes: &[u8]) -> Option<(usize, usize)> {
    let [first, second, third, _, ..] = *bytes else { return None };
    let first = first.wrapping_sub(b'0');
    if first > 9 {
        return None;
    }
    if second == b'\r' {
        return Some((usize::from(first), 3));
    }
    let second = second.wrapping_sub(b'0');
    if second > 9 || first == 0 || third != b'\r' {
        return None;
    }
    Some((usize::from(first) * 10 + usize::from(second), 4))
}

/// Finds the end of the line at `at`, looking only at bytes from `*scanned` on, and moves `*scanned`
/// so that none is looked at twice.
///
/// As in Redis 7.0 the byte after CR is skipped unseen, and a NUL byte hides everything behind it:
/// such a line never ends, and fails once more than `limit` bytes have gathered.
pub(crate) fn find_line(data: &[u8], at: usize, scanned: &mut usize, limit: usize) -> Line {
    let from = (*scanned).max(at);
    let found = data[from..].iter().position(|&byte| byte == b'\r' || byte == 0);
    let stop = found.map_or(data.len(), |offset| from + offset);
    work::add(stop - from + 1);
    *scanned = stop;
    match data.get(stop) {
        Some(b'\r') if stop - at > limit => Line::TooLong,
        Some(b'\r') if stop + 1 < data.len() => Line::Whole { end: stop, next: stop + 2 },
        Some(b'\r') => Line::Partial { missing: 1 },
        _ if data.len() - at > limit => Line::TooLong,
        Some(_) => Line::Partial { missing: 1 },
        None => Line::Partial { missing: 2 },
    }
}

/// Parses a decimal integer in its only accepted form: no sign but `-`, no leading zero, no space,
/// within 64 bits.
pub(crate) fn parse_integer(digits: &[u8]) -> Option<i64> {
    // 19 digits and a sign; a longer text cannot fit, and must not cost more than that.
    if digits.len() > 20 {
        return None;
    }
    let (negative, magnitude) = match digits {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, digits),
    };
    match magnitude {
        [] => return None,
        [b'0'] => return (!negative).then_some(0),
        [b'0', ..] => return None,
        _ => {}
    }
    let mut value: i64 = 0;
    for &byte in magnitude {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        // Accumulated below zero, where the range is one wider.
        value = value.checked_mul(10)?.checked_sub(i64::from(digit))?;
    }
    if negative { Some(value) } else { value.checked_neg() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_one_form() {
        for (text, value) in [
            ("0", Some(0)),
            ("7", Some(7)),
            ("-7", Some(-7)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("-9223372036854775809", None),
            ("", None),
            ("-", None),
            ("-0", None),
            ("00", None),
            ("01", None),
            ("+1", None),
            (" 1", None),
            ("1 ", None),
            ("1a", None),
        ] {
            assert_eq!(parse_integer(text.as_bytes()), value, "{text:?}");
        }
    }

    #[test]
    fn short_lengths_agree_with_the_general_way() {
        for text in ["0\r\n.", "9\r\n.", "10\r\n", "99\r\n", "00\r\n", "05\r\n", "a\r\n.", "1a\r\n"]
        {
            let general =
                text.split('\r').next().and_then(|digits| parse_integer(digits.as_bytes()));
            let short = short_length(text.as_bytes());
            assert_eq!(short.map(|(length, _)| length as i64), general, "{text:?}");
        }
        assert_eq!(short_length(b"123\r\n"), None);
        assert_eq!(short_length(b"1\r\n"), None);
    }
}
