//! The x87's 80-bit extended precision, in which INCRBYFLOAT computes.
//!
//! Redis adds in C's `long double` and prints with `%.17Lf`. Rust has no such type; sums, and the
//! text on both sides, are computed here exactly and rounded once, so the replies are the same
//! bytes on every machine.

use super::binary::{Finite, Format, Number, shift_right_to_even};
use super::natural::Natural;

/// 64 bits of significand, 15 of exponent.
const FORMAT: Format = Format { precision: 64, min_exponent: -16_445, max_exponent: 16_320 };

/// Digits after the decimal point in a printed number.
const DECIMALS: usize = 17;
const SCALE: u128 = 10u128.pow(DECIMALS as u32);

/// Longer texts are not numbers to Redis.
const MAX_TEXT: usize = 5 * 1024 - 1;

/// Bits below the larger significand that a sum keeps for the smaller one.
const GUARD: u32 = 62;

/// An extended-precision number, finite or infinite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extended(Number);

impl Extended {
    /// Zero.
    pub const ZERO: Extended =
        Extended(Number::Finite(Finite { negative: false, significand: 0, exponent: -16_445 }));

    /// The number a text spells, as Redis reads a `long double`. `None` when it is none, is NaN or
    /// is out of range.
    pub fn parse(text: &[u8]) -> Option<Extended> {
        if text.len() > MAX_TEXT {
            return None;
        }
        FORMAT.parse(text).map(Extended)
    }

    /// Whether it is a number, not an infinity.
    pub fn is_finite(self) -> bool {
        matches!(self.0, Number::Finite(_))
    }

    /// The rounded sum; `None` when it is infinite or not a number.
    pub fn plus(self, other: Extended) -> Option<Extended> {
        let (Number::Finite(a), Number::Finite(b)) = (self.0, other.0) else { return None };
        let (large, small) = if (a.exponent, a.significand) >= (b.exponent, b.significand) {
            (a, b)
        } else {
            (b, a)
        };
        let wide = u128::from(large.significand) << GUARD;
        let narrow = shift_right_sticky(
            u128::from(small.significand) << GUARD,
            large.exponent.abs_diff(small.exponent),
        );
        let sum = if large.negative == small.negative { wide + narrow } else { wide - narrow };
        FORMAT
            .round(large.negative, sum, large.exponent - GUARD as i32, false)
            .map(|sum| Extended(Number::Finite(sum)))
    }

    /// How many bits the whole part has: the cost of printing grows with its square.
    pub fn whole_bits(&self) -> usize {
        match self.0 {
            Number::Finite(number) => (number.exponent + 64).max(0) as usize,
            Number::Infinite { .. } => 0,
        }
    }

    /// The number with 17 decimals, trailing zeros removed; never `-0`.
    pub fn to_text(&self) -> String {
        let number = match self.0 {
            Number::Finite(number) => number,
            Number::Infinite { negative: true } => return "-inf".to_owned(),
            Number::Infinite { negative: false } => return "inf".to_owned(),
        };
        let magnitude = magnitude(number);
        let negative = number.negative && magnitude != "0";
        if negative { format!("-{magnitude}") } else { magnitude }
    }
}

/// Prints a number without its sign.
fn magnitude(number: Finite) -> String {
    if number.exponent >= 0 {
        let mut whole = Natural::from(number.significand);
        whole.shift_left(number.exponent.unsigned_abs());
        return whole.into_decimal();
    }
    // 64 bits times 10^17 fit in 128.
    let scaled = u128::from(number.significand) * SCALE;
    let rounded = shift_right_to_even(scaled, number.exponent.unsigned_abs(), false);
    let text = format!("{}.{:0width$}", rounded / SCALE, rounded % SCALE, width = DECIMALS);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `value ÷ 2^count`, with the lowest bit set when bits were lost. Two bits or more below the
/// precision, that bit rounds as all the lost ones would.
fn shift_right_sticky(value: u128, count: u32) -> u128 {
    let whole = value.checked_shr(count).unwrap_or(0);
    let lost = whole.checked_shl(count).unwrap_or(0) != value;
    whole | u128::from(lost)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(a: &str, b: &str) -> String {
        let [a, b] = [a, b].map(|text| Extended::parse(text.as_bytes()).expect(text));
        a.plus(b).expect("finite").to_text()
    }

    // Expected values are redis-server 7.0.15's replies to SET k a; INCRBYFLOAT k b.
    #[test]
    fn sums_as_redis_prints_them() {
        for (a, b, expected) in [
            ("0", "0", "0"),
            ("10.50", "0.1", "10.6"),
            ("10.6", "-5", "5.6"),
            ("5.0e3", "2.0e2", "5200"),
            ("3.0", "1.1", "4.1"),
            ("-1", "1", "0"),
            ("0.1", "0.2", "0.3"),
            ("1", "0x10", "17"),
            ("1", "-1e-30", "1"),
            ("0", "1e-17", "0.00000000000000001"),
            ("0", "-1e-18", "0"),
            ("1e18", "0.5", "1000000000000000000.5"),
            ("1e19", "0.5", "10000000000000000000"),
            ("0", "1e60", "999999999999999999999373423426722168652130621984886772203520"),
            ("18446744073709551617", "0", "18446744073709551616"),
            ("18446744073709551619", "0", "18446744073709551620"),
            ("36893488147419103235", "0", "36893488147419103236"),
            ("36893488147419103233.0000000000000000000000001", "0", "36893488147419103232"),
            ("9223372036854775807", "0.5", "9223372036854775807.5"),
            ("9223372036854775808.5", "0", "9223372036854775808"),
            ("9223372036854775809.5", "0", "9223372036854775810"),
            ("0x1p-57", "0", "0.00000000000000001"),
            ("-0x1p-60", "0", "0"),
            ("1e16", "-0.3", "9999999999999999.7001953125"),
            ("123456789.123456789", "987654321.987654321", "1111111111.11111110995989293"),
            ("1e-5", "1e-12", "0.000010000001"),
            ("4.9406564584124654e-324", "1", "1"),
            ("0.000000000000000005", "0", "0"),
            ("0.000000000000000015", "0", "0.00000000000000002"),
            ("3.6e-4951", "1", "1"),
            ("18446744073709551615.5", "0.5", "18446744073709551616"),
            ("0xffffffffffffffffffp-8", "0", "18446744073709551616"),
        ] {
            assert_eq!(sum(a, b), expected, "{a} + {b}");
        }
    }

    #[test]
    fn limits() {
        let largest = "1.18973149535723176502126385303097021e4932";
        assert!(Extended::parse(largest.as_bytes()).is_some());
        for text in ["1.2e4932", "1e5000", "1e-4970", "1e-999999999999999999999", "1e-4952"] {
            assert_eq!(Extended::parse(text.as_bytes()), None, "{text}");
        }
        assert_eq!(
            Extended::parse(b"0e999999999999999999999").map(|n| n.to_text()),
            Some("0".into())
        );
        let [largest, infinite] =
            [largest, "inf"].map(|text| Extended::parse(text.as_bytes()).expect(text));
        assert_eq!(largest.plus(largest), None);
        assert_eq!(infinite.plus(Extended::ZERO), None);
        assert_eq!(Extended::parse("1".repeat(5119).as_bytes()), None);
        assert_eq!(Extended::parse("0".repeat(5120).as_bytes()), None);
        assert!(Extended::parse("0".repeat(5119).as_bytes()).is_some());
    }

    #[test]
    fn subnormal_numbers_cancel_exactly() {
        let tiny = Extended::parse(b"3.7e-4951").expect("subnormal");
        let minus = Extended::parse(b"-3.7e-4951").expect("subnormal");
        assert_eq!(tiny.plus(minus).map(|zero| zero.to_text()), Some("0".into()));
    }
}
