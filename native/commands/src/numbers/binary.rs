//! Binary floating-point formats, rounding to them, and the exact conversion from decimal and
//! hexadecimal.
//!
//! Source: IEEE 754; the extended format is that of the x87, which C's `long double` is on
//! x86-64. Rounding is to nearest, ties to even.

use super::natural::Natural;
use super::spelling::{Spelling, read};

/// A binary format: numbers `significand × 2^exponent`.
pub struct Format {
    /// Bits of the significand, at most 64.
    pub precision: u32,
    /// Smallest exponent; that of all subnormal numbers.
    pub min_exponent: i32,
    /// Exponent of the largest number.
    pub max_exponent: i32,
}

/// A finite number: `significand × 2^exponent`, negated when `negative`. Zero has significand 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finite {
    /// The sign.
    pub negative: bool,
    /// At most the format's precision of bits; the top one is set unless the number is subnormal.
    pub significand: u64,
    /// Within the format's bounds.
    pub exponent: i32,
}

/// A number that is not NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// A finite one.
    Finite(Finite),
    /// An infinity; the sign says which.
    Infinite {
        /// Minus infinity.
        negative: bool,
    },
}

/// Decimal numbers of at least this power of ten overflow, and those below `10^MIN_TEN` vanish, in
/// every format up to the extended one (whose range is about 3.6e-4951 to 1.2e4932).
const MAX_TEN: i64 = 4_940;
const MIN_TEN: i64 = -4_960;

/// The same for powers of two.
const MAX_TWO: i64 = 16_400;
const MIN_TWO: i64 = -16_460;

/// Quotient bits after the first that a division computes: enough for 64 bits and rounding.
const QUOTIENT_BITS: u32 = 67;

impl Format {
    /// Rounds `significand × 2^exponent`, or a little more when `inexact`. `significand` must have
    /// at least two bits more than the precision when `inexact`. `None` when the result is too large.
    pub fn round(
        &self,
        negative: bool,
        significand: u128,
        exponent: i32,
        inexact: bool,
    ) -> Option<Finite> {
        if significand == 0 {
            return Some(Finite { negative, significand: 0, exponent: self.min_exponent });
        }
        let bits = (128 - significand.leading_zeros()) as i32;
        let excess = (bits - self.precision as i32).max(self.min_exponent - exponent);
        let (mut rounded, mut exponent) = if excess <= 0 {
            // Bring the top bit to its place, so that every number has one representation.
            let room = (self.precision as i32 - bits).min(exponent - self.min_exponent);
            (significand << room, exponent - room)
        } else {
            (shift_right_to_even(significand, excess as u32, inexact), exponent + excess)
        };
        if rounded >> self.precision != 0 {
            rounded >>= 1;
            exponent += 1;
        }
        if exponent > self.max_exponent {
            return None;
        }
        Some(Finite { negative, significand: rounded as u64, exponent })
    }

    /// The number nearest to what is spelled, by C's rules for `strtod` in the C locale: decimal or
    /// hexadecimal, with an optional exponent, or `inf`, `infinity`. `None` when it is spelled
    /// otherwise, is NaN, is too large, or is not zero but rounds to zero.
    pub fn parse(&self, text: &[u8]) -> Option<Number> {
        match read(text)? {
            Spelling::Infinity { negative } => Some(Number::Infinite { negative }),
            Spelling::Decimal { negative, digits, exponent } => {
                self.round_decimal(negative, &digits, exponent).map(Number::Finite)
            }
            Spelling::Hexadecimal { negative, significand, exponent, inexact } => {
                self.round_binary(negative, significand, exponent, inexact).map(Number::Finite)
            }
        }
    }

    /// Rounds `digits × 10^exponent`; `digits` has no leading zeros.
    fn round_decimal(&self, negative: bool, digits: &[u8], exponent: i64) -> Option<Finite> {
        if digits.is_empty() {
            return self.round(negative, 0, 0, false);
        }
        let power = exponent.saturating_add(digits.len() as i64);
        if !(MIN_TEN..=MAX_TEN).contains(&power) {
            return None;
        }
        let exponent = exponent as i32;
        let mut number = Natural::from_digits(digits);
        let (significand, shift, inexact) = if exponent >= 0 {
            number.multiply_by_power_of_five(exponent.unsigned_abs());
            let (top, rest, inexact) = number.leading_bits();
            (top, rest as i32, inexact)
        } else {
            let mut divisor = Natural::from(1);
            divisor.multiply_by_power_of_five(exponent.unsigned_abs());
            quotient(number, divisor)
        };
        nonzero(self.round(negative, significand, exponent + shift, inexact)?)
    }

    /// Rounds `significand × 2^exponent`, with bits lost below when `inexact`.
    fn round_binary(
        &self,
        negative: bool,
        significand: u128,
        exponent: i64,
        inexact: bool,
    ) -> Option<Finite> {
        if significand == 0 {
            return self.round(negative, 0, 0, false);
        }
        let power = exponent.saturating_add(i64::from(128 - significand.leading_zeros()));
        if !(MIN_TWO..=MAX_TWO).contains(&power) {
            return None;
        }
        nonzero(self.round(negative, significand, exponent as i32, inexact)?)
    }
}

fn nonzero(number: Finite) -> Option<Finite> {
    (number.significand != 0).then_some(number)
}

/// `value ÷ 2^count` rounded to nearest, ties to even; `inexact`: the value is a little more.
pub fn shift_right_to_even(value: u128, count: u32, inexact: bool) -> u128 {
    if count > 128 {
        // Less than half of one.
        return 0;
    }
    let half = 1u128 << (count - 1);
    let whole = value.checked_shr(count).unwrap_or(0);
    let rest = value & (half | (half - 1));
    let up = rest > half || rest == half && (inexact || whole & 1 == 1);
    whole + u128::from(up)
}

/// `dividend ÷ divisor` as a quotient of `QUOTIENT_BITS` or one more bits, the power of two to
/// multiply it by, and whether there is a remainder. Neither number may be 0.
fn quotient(mut dividend: Natural, mut divisor: Natural) -> (u128, i32, bool) {
    let difference = dividend.bits() as i32 - divisor.bits() as i32;
    if difference < 0 {
        dividend.shift_left(difference.unsigned_abs());
    } else {
        divisor.shift_left(difference.unsigned_abs());
    }
    // Both have the same length now: the quotient is between 1/2 and 2. One bit a step.
    let mut quotient = 0u128;
    for _ in 0..=QUOTIENT_BITS {
        quotient <<= 1;
        if dividend >= divisor {
            dividend.subtract(&divisor);
            quotient |= 1;
        }
        dividend.shift_left(1);
    }
    (quotient, difference - QUOTIENT_BITS as i32, !dividend.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_to_even() {
        for (value, count, inexact, result) in [
            (0b101, 1, false, 0b10),
            (0b111, 1, false, 0b100),
            (0b101, 1, true, 0b11),
            (0b1011, 2, false, 0b11),
            (0b1001, 2, true, 0b10),
            (1 << 127, 128, false, 0),
            ((1 << 127) + 1, 128, false, 1),
            (u128::MAX, 129, true, 0),
        ] {
            assert_eq!(shift_right_to_even(value, count, inexact), result, "{value:b} >> {count}");
        }
    }

    #[test]
    fn quotients_are_exact() {
        let (value, shift, inexact) = quotient(Natural::from(3), Natural::from(4));
        assert_eq!((value >> value.trailing_zeros(), inexact), (3, false));
        assert_eq!(shift + value.trailing_zeros() as i32, -2);
        let (value, shift, inexact) = quotient(Natural::from(1), Natural::from(3));
        assert!(inexact);
        assert_eq!(value, (1u128 << (-shift)) / 3);
    }
}
