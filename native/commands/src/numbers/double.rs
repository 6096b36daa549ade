//! Double precision: scores, coordinates and other numbers that Redis keeps as C's `double`.

use super::binary::{Format, Number};

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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
