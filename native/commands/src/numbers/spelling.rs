//! How floating-point numbers are spelled in C: what `strtod` and `strtold` read.

/// Digits that are kept exactly. The nearest number of any supported format is decided by fewer
/// digits than this and the knowledge whether others follow that are not 0.
const MAX_DIGITS: usize = 12_000;

/// A number as written.
#[derive(Debug, PartialEq, Eq)]
pub enum Spelling {
    /// `inf` or `infinity`.
    Infinity {
        /// With a minus sign.
        negative: bool,
    },
    /// `digits × 10^exponent`; digits (values 0 to 9) without leading zeros, none for zero.
    Decimal {
        /// With a minus sign.
        negative: bool,
        /// Significant digits.
        digits: Vec<u8>,
        /// Power of ten.
        exponent: i64,
    },
    /// `significand × 2^exponent`, or a little more when `inexact`.
    Hexadecimal {
        /// With a minus sign.
        negative: bool,
        /// The leading bits.
        significand: u128,
        /// Power of two.
        exponent: i64,
        /// Whether further bits were cut off that are not all 0.
        inexact: bool,
    },
}

/// Reads a number; `None` when the text, as a whole, is not one, or is a NaN.
pub fn read(text: &[u8]) -> Option<Spelling> {
    let (negative, rest) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    if rest.eq_ignore_ascii_case(b"inf") || rest.eq_ignore_ascii_case(b"infinity") {
        return Some(Spelling::Infinity { negative });
    }
    match rest {
        [b'0', b'x' | b'X', rest @ ..] => hexadecimal(negative, rest),
        _ => decimal(negative, rest),
    }
}

fn decimal(negative: bool, text: &[u8]) -> Option<Spelling> {
    let (whole, fraction, exponent) = split(text, b'e', |byte| byte.is_ascii_digit())?;
    let mut exponent = exponent.saturating_sub(fraction.len() as i64);
    let mut digits: Vec<u8> = whole
        .iter()
        .chain(fraction)
        .map(|byte| byte - b'0')
        .skip_while(|&digit| digit == 0)
        .collect();
    if digits.len() > MAX_DIGITS {
        exponent = exponent.saturating_add((digits.len() - MAX_DIGITS) as i64);
        let inexact = digits[MAX_DIGITS..].iter().any(|&digit| digit != 0);
        digits.truncate(MAX_DIGITS);
        // A last digit that is neither 0 nor 5 keeps the number away from every tie.
        if let (true, Some(last @ (0 | 5))) = (inexact, digits.last_mut()) {
            *last += 1;
        }
    }
    Some(Spelling::Decimal { negative, digits, exponent })
}

fn hexadecimal(negative: bool, text: &[u8]) -> Option<Spelling> {
    let (whole, fraction, exponent) = split(text, b'p', |byte| byte.is_ascii_hexdigit())?;
    let mut exponent = exponent.saturating_sub(4 * fraction.len() as i64);
    let (mut significand, mut inexact) = (0u128, false);
    for &byte in whole.iter().chain(fraction) {
        let digit = char::from(byte).to_digit(16)?;
        if significand >> 124 == 0 {
            significand = significand << 4 | u128::from(digit);
        } else {
            exponent = exponent.saturating_add(4);
            inexact |= digit != 0;
        }
    }
    Some(Spelling::Hexadecimal { negative, significand, exponent, inexact })
}

/// Splits `whole[.fraction][mark[sign]exponent]`; at least one digit must be there.
fn split(text: &[u8], mark: u8, is_digit: fn(u8) -> bool) -> Option<(&[u8], &[u8], i64)> {
    let (whole, rest) = take_digits(text, is_digit);
    let (fraction, rest) = match rest {
        [b'.', rest @ ..] => take_digits(rest, is_digit),
        _ => (&rest[..0], rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let exponent = match rest.split_first() {
        None => 0,
        Some((byte, rest)) if byte.eq_ignore_ascii_case(&mark) => exponent(rest)?,
        Some(_) => return None,
    };
    Some((whole, fraction, exponent))
}

fn take_digits(text: &[u8], is_digit: fn(u8) -> bool) -> (&[u8], &[u8]) {
    text.split_at(text.iter().position(|&byte| !is_digit(byte)).unwrap_or(text.len()))
}

/// A decimal exponent with an optional sign. Saturates: what is that large or small overflows or
/// vanishes whatever the digits are, since no text is that long.
fn exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let magnitude = digits
        .iter()
        .fold(0i64, |sum, byte| sum.saturating_mul(10).saturating_add(i64::from(byte - b'0')));
    Some(if negative { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(digits: &[u8], exponent: i64) -> Option<Spelling> {
        Some(Spelling::Decimal { negative: false, digits: digits.to_vec(), exponent })
    }

    #[test]
    fn decimals() {
        assert_eq!(read(b"1.50"), decimal(&[1, 5, 0], -2));
        assert_eq!(read(b"00.012e+3"), decimal(&[1, 2], 0));
        assert_eq!(read(b".5E-1"), decimal(&[5], -2));
        assert_eq!(read(b"+7."), decimal(&[7], 0));
        assert_eq!(read(b"0"), decimal(&[], 0));
    }

    #[test]
    fn hexadecimals() {
        let hexadecimal = |significand, exponent, inexact| {
            Some(Spelling::Hexadecimal { negative: true, significand, exponent, inexact })
        };
        assert_eq!(read(b"-0x1.8p3"), hexadecimal(0x18, -1, false));
        assert_eq!(read(b"-0XAB"), hexadecimal(0xab, 0, false));
        assert_eq!(read(b"-0x.4"), hexadecimal(4, -4, false));
        let long = format!("-0x1{}1", "0".repeat(40));
        assert_eq!(read(long.as_bytes()), hexadecimal(1 << 124, 40, true));
    }

    #[test]
    fn not_numbers() {
        for text in [
            "",
            "-",
            "+",
            ".",
            "e5",
            "1e",
            "1e+",
            "1 ",
            " 1",
            "1x",
            "0x",
            "0xg",
            "0x.",
            "0x1p",
            "0x1p+",
            "nan",
            "nan(1)",
            "infi",
            "--1",
            "1.2.3",
            "1\0",
            "1e5.0",
            "0x1e5p1.0",
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn infinities() {
        for text in ["inf", "INF", "+Infinity"] {
            assert_eq!(read(text.as_bytes()), Some(Spelling::Infinity { negative: false }));
        }
        assert_eq!(read(b"-infinitY"), Some(Spelling::Infinity { negative: true }));
    }

    #[test]
    fn very_long_numbers_keep_their_value_off_the_ties() {
        let long = format!("{}{}1", "5".repeat(MAX_DIGITS), "0".repeat(99));
        let Some(Spelling::Decimal { digits, exponent, .. }) = read(long.as_bytes()) else {
            panic!("a number");
        };
        assert_eq!((digits.len(), exponent, digits[MAX_DIGITS - 1]), (MAX_DIGITS, 100, 6));
    }
}
