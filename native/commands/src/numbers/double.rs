//! Double precision: scores, coordinates and other numbers that Redis keeps as C's `double`.

use super::binary::{Format, Number};
use super::spelling::{Spelling, read};

/// 53 bits of significand, 11 of exponent.
const FORMAT: Format = Format { precision: 53, min_exponent: -1_074, max_exponent: 971 };

/// Longer texts are not read: no number needs them, and their cost would grow without bound.
const MAX_TEXT: usize = 1 << 20;

/// The number a text spells, as Redis reads a `double`: `strtod` without white space in front and
/// with nothing left over. `None` when it is none, is NaN or is out of range. Infinities are
/// spelled `inf` or `infinity`.
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    if text.len() > MAX_TEXT {
        return None;
    }
    if let Some(number) = parse_plain(text) {
        return Some(number);
    }
    let number = match FORMAT.parse(text)? {
        Number::Infinite { negative: false } => return Some(f64::INFINITY),
        Number::Infinite { negative: true } => return Some(f64::NEG_INFINITY),
        Number::Finite(number) => number,
    };
    let hidden = 1u64 << (FORMAT.precision - 1);
    let biased = if number.significand & hidden == 0 {
        0
    } else {
        (number.exponent - FORMAT.min_exponent + 1) as u64
    };
    let sign = u64::from(number.negative) << 63;
    let fraction = number.significand & (hidden - 1);
    Some(f64::from_bits(sign | biased << (FORMAT.precision - 1) | fraction))
}

/// The number that a short text of digits spells, perhaps with a sign and a point: most numbers that
/// clients send. The standard library rounds them correctly too, and much faster.
#[inline]
fn parse_plain(text: &[u8]) -> Option<f64> {
    const MAX_PLAIN: usize = 32;
    let plain = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+');
    if text.len() > MAX_PLAIN || !text.iter().all(plain) {
        return None;
    }
    str::from_utf8(text).ok()?.parse().ok()
}

/// The number that C's `strtod` makes of a text when nothing is left over: white space may stand in
/// front, what is too large is infinite, and what is too small is 0, as is the empty text. A NUL byte
/// ends the text. `None` when it is no number, or NaN. Ranges of scores have this grammar.
pub fn parse_strtod(text: &[u8]) -> Option<f64> {
    let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
    if text.is_empty() {
        return Some(0.0);
    }
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let start = text.iter().position(|byte| !is_space(byte))?;
    let text = &text[start..];
    parse_f64(text).or_else(|| parse_out_of_range(text))
}

/// Infinity or 0 for a number that is too large or too small for a double.
fn parse_out_of_range(text: &[u8]) -> Option<f64> {
    if text.len() > MAX_TEXT {
        return None;
    }
    let (negative, large) = match read(text)? {
        Spelling::Infinity { negative } => (negative, true),
        Spelling::Decimal { negative, digits, exponent } => {
            (negative, exponent.saturating_add(digits.len() as i64) > 0)
        }
        Spelling::Hexadecimal { negative, significand, exponent, .. } => {
            let bits = i64::from(u128::BITS - significand.leading_zeros());
            (negative, exponent.saturating_add(bits) > 0)
        }
    };
    let magnitude = if large { f64::INFINITY } else { 0.0 };
    Some(if negative { -magnitude } else { magnitude })
}

/// A double with 17 significant digits, as C's `%.17g` prints it.
pub fn format_17(number: f64) -> String {
    const DIGITS: i32 = 17;
    if !number.is_finite() {
        return if number.is_nan() { "nan".into() } else { format!("{number}") };
    }
    let scientific = format!("{number:.16e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trimmed = |text: &str| text.trim_end_matches('0').trim_end_matches('.').to_owned();
    if (-4..DIGITS).contains(&exponent) {
        let decimals = (DIGITS - 1 - exponent) as usize;
        let text = format!("{number:.decimals$}");
        return if decimals > 0 { trimmed(&text) } else { text };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trimmed(mantissa), exponent.abs())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn seventeen_digits_as_printf_prints_them() {
        for (number, expected) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (3.0, "3"),
            (0.1, "0.10000000000000001"),
            (1e16, "10000000000000000"),
            (1e17, "1e+17"),
            (1.5e-5, "1.5e-05"),
            (0.0001, "0.0001"),
            (-123456.789, "-123456.789"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(format_17(number), expected);
        }
    }

    #[test]
    fn spellings() {
        for (text, value) in [
            ("1", 1.0),
            ("-1.5e3", -1500.0),
            (".5", 0.5),
            ("0x1.8p1", 3.0),
            ("5e-324", 5e-324),
            ("1.7976931348623157e308", f64::MAX),
            ("2.2250738585072014e-308", f64::MIN_POSITIVE),
            ("2.2250738585072011e-308", 2.225_073_858_507_201e-308),
            ("inf", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("9007199254740993", 9_007_199_254_740_992.0),
            ("9007199254740993.00000000000000000000000001", 9_007_199_254_740_994.0),
        ] {
            assert_eq!(parse_f64(text.as_bytes()), Some(value), "{text}");
        }
        for text in ["", "nan", "1e309", "1e-400", " 1", "1 ", "abc", "1.7976931348623159e308"] {
            assert_eq!(parse_f64(text.as_bytes()), None, "{text}");
        }
        assert!(parse_f64(b"-0").is_some_and(|zero| zero.is_sign_negative()));
    }

    #[test]
    fn what_strtod_reads() {
        for (text, value) in [
            ("", 0.0),
            (" \t\n\x0b\x0c\r-1.5", -1.5),
            ("1\0x", 1.0),
            ("1e400", f64::INFINITY),
            ("-0x1p5000", f64::NEG_INFINITY),
            ("1e-400", 0.0),
            ("0x1p-5000", 0.0),
            ("+inf", f64::INFINITY),
            ("5e-324", 5e-324),
        ] {
            assert_eq!(parse_strtod(text.as_bytes()), Some(value), "{text:?}");
        }
        for text in [" ", "nan", "1 ", "(1", "--1", "1e", "."] {
            assert_eq!(parse_strtod(text.as_bytes()), None, "{text:?}");
        }
        assert!(parse_strtod(b"-1e-400").is_some_and(|zero| zero.is_sign_negative()));
    }

    proptest! {
        #[test]
        fn any_double_round_trips(bits: u64) {
            let value = f64::from_bits(bits);
            prop_assume!(!value.is_nan());
            prop_assert_eq!(parse_f64(format!("{value:e}").as_bytes()), Some(value));
        }

        #[test]
        fn agrees_with_the_standard_library(whole in "[0-9]{1,25}", part in "[0-9]{0,25}", ten in -330i32..310) {
            let text = format!("{whole}.{part}e{ten}");
            let expected: f64 = text.parse().expect("a number");
            let zero = whole.bytes().chain(part.bytes()).all(|byte| byte == b'0');
            let in_range = expected.is_finite() && (expected != 0.0 || zero);
            prop_assert_eq!(parse_f64(text.as_bytes()), in_range.then_some(expected));
        }
    }
}
