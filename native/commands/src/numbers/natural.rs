//! Natural numbers of any size, with just the operations that conversion between decimal and
//! binary needs. Sizes are bounded by the callers (a few thousand digits).

use std::cmp::Ordering;

/// The largest power of ten in a limb, and its exponent.
const CHUNK: u64 = 10_000_000_000_000_000_000;
const CHUNK_DIGITS: usize = 19;

/// The largest power of five in a limb, and its exponent.
const FIVES: u64 = 7_450_580_596_923_828_125;
const FIVES_EXPONENT: u32 = 27;

/// A natural number: limbs of 64 bits, least significant first, the last one not zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Natural {
    limbs: Vec<u64>,
}

impl From<u64> for Natural {
    fn from(value: u64) -> Natural {
        let mut number = Natural { limbs: vec![value] };
        number.trim();
        number
    }
}

impl Natural {
    /// The number whose decimal digits (values 0 to 9, most significant first) these are.
    pub fn from_digits(digits: &[u8]) -> Natural {
        let mut number = Natural { limbs: Vec::with_capacity(digits.len() / CHUNK_DIGITS + 1) };
        for chunk in digits.chunks(CHUNK_DIGITS) {
            let value = chunk.iter().fold(0u64, |sum, &digit| sum * 10 + u64::from(digit));
            number.multiply_add(10u64.pow(chunk.len() as u32), value);
        }
        number
    }

    /// The number in decimal; `0` for zero.
    pub fn into_decimal(mut self) -> String {
        let mut chunks = Vec::new();
        while !self.is_zero() {
            chunks.push(self.divide(CHUNK));
        }
        let mut text = chunks.pop().unwrap_or(0).to_string();
        for chunk in chunks.iter().rev() {
            text.push_str(&format!("{chunk:0width$}", width = CHUNK_DIGITS));
        }
        text
    }

    /// Whether the number is 0.
    pub fn is_zero(&self) -> bool {
        self.limbs.is_empty()
    }

    /// Position of the highest set bit plus one; 0 for zero.
    pub fn bits(&self) -> u32 {
        match self.limbs.last() {
            Some(top) => self.limbs.len() as u32 * 64 - top.leading_zeros(),
            None => 0,
        }
    }

    /// `self = self × 5^exponent`.
    pub fn multiply_by_power_of_five(&mut self, exponent: u32) {
        for _ in 0..exponent / FIVES_EXPONENT {
            self.multiply_add(FIVES, 0);
        }
        self.multiply_add(5u64.pow(exponent % FIVES_EXPONENT), 0);
    }

    /// `self = self × 2^count`.
    pub fn shift_left(&mut self, count: u32) {
        if self.is_zero() {
            return;
        }
        let (whole, part) = ((count / 64) as usize, count % 64);
        if part > 0 {
            let mut carry = 0;
            for limb in &mut self.limbs {
                let next = *limb >> (64 - part);
                *limb = *limb << part | carry;
                carry = next;
            }
            if carry > 0 {
                self.limbs.push(carry);
            }
        }
        if whole > 0 {
            self.limbs.splice(0..0, std::iter::repeat_n(0, whole));
        }
    }

    /// `self = self − other`, which must not be negative.
    pub fn subtract(&mut self, other: &Natural) {
        let mut borrow = false;
        for (index, limb) in self.limbs.iter_mut().enumerate() {
            let amount = other.limbs.get(index).copied().unwrap_or(0);
            let (difference, first) = limb.overflowing_sub(amount);
            let (difference, second) = difference.overflowing_sub(u64::from(borrow));
            *limb = difference;
            borrow = first || second;
        }
        debug_assert!(!borrow && self.limbs.len() >= other.limbs.len());
        self.trim();
    }

    /// The leading 128 bits `top`, how many bits follow them, and whether one of those is set:
    /// the number is `top × 2^rest` or a little more.
    pub fn leading_bits(&self) -> (u128, u32, bool) {
        let rest = self.bits().saturating_sub(128);
        let (whole, part) = ((rest / 64) as usize, rest % 64);
        let limb = |index: usize| self.limbs.get(whole + index).copied().unwrap_or(0);
        let mut top = u128::from(limb(1)) << 64 | u128::from(limb(0));
        let mut inexact = self.limbs.iter().take(whole).any(|&limb| limb != 0);
        if part > 0 {
            inexact |= limb(0) << (64 - part) != 0;
            top = top >> part | u128::from(limb(2)) << (128 - part);
        }
        (top, rest, inexact)
    }

    /// `self = self × factor + addend`.
    fn multiply_add(&mut self, factor: u64, addend: u64) {
        let mut carry = addend;
        for limb in &mut self.limbs {
            let product = u128::from(*limb) * u128::from(factor) + u128::from(carry);
            *limb = product as u64;
            carry = (product >> 64) as u64;
        }
        if carry > 0 {
            self.limbs.push(carry);
        }
    }

    /// `self = self ÷ divisor`; returns the remainder.
    fn divide(&mut self, divisor: u64) -> u64 {
        let mut remainder = 0;
        for limb in self.limbs.iter_mut().rev() {
            let dividend = u128::from(remainder) << 64 | u128::from(*limb);
            *limb = (dividend / u128::from(divisor)) as u64;
            remainder = (dividend % u128::from(divisor)) as u64;
        }
        self.trim();
        remainder
    }

    fn trim(&mut self) {
        while self.limbs.last() == Some(&0) {
            self.limbs.pop();
        }
    }
}

impl PartialOrd for Natural {
    fn partial_cmp(&self, other: &Natural) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Natural {
    fn cmp(&self, other: &Natural) -> Ordering {
        let by_length = self.limbs.len().cmp(&other.limbs.len());
        by_length.then_with(|| self.limbs.iter().rev().cmp(other.limbs.iter().rev()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Natural {
        let digits: Vec<u8> = text.bytes().map(|byte| byte - b'0').collect();
        Natural::from_digits(&digits)
    }

    #[test]
    fn decimal_round_trip() {
        for length in [1, 18, 19, 20, 38, 39, 500] {
            let text = "9".repeat(length);
            assert_eq!(number(&text).into_decimal(), text);
            let text = format!("1{}", "0".repeat(length));
            assert_eq!(number(&text).into_decimal(), text);
        }
        assert_eq!(number("000").into_decimal(), "0");
    }

    #[test]
    fn powers() {
        let mut power = Natural::from(1);
        power.multiply_by_power_of_five(60);
        power.shift_left(60);
        assert_eq!(power.into_decimal(), format!("1{}", "0".repeat(60)));
        let mut power = Natural::from(1);
        power.shift_left(200);
        assert_eq!(power.bits(), 201);
        assert_eq!(power.leading_bits(), (1 << 127, 73, false));
        let mut more = power.clone();
        more.multiply_add(1, 1);
        assert_eq!(more.leading_bits(), (1 << 127, 73, true));
        assert!(more > power);
        more.subtract(&power);
        assert_eq!(more, Natural::from(1));
    }

    #[test]
    fn leading_bits_of_small_numbers() {
        assert_eq!(Natural::from(0).leading_bits(), (0, 0, false));
        assert_eq!(Natural::from(77).leading_bits(), (77, 0, false));
        let mut number = Natural::from(u64::MAX);
        number.shift_left(64);
        assert_eq!(number.leading_bits(), (u128::from(u64::MAX) << 64, 0, false));
        number.shift_left(67);
        assert_eq!(number.leading_bits(), (u128::from(u64::MAX) << 64, 67, false));
    }
}
