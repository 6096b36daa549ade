//! The integers of BITFIELD: what is stored when a number does not fit its field.

/// The type of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Type {
    /// Two's complement.
    pub(super) signed: bool,
    /// 1 to 64 bits; 63 at most without a sign.
    pub(super) width: u32,
}

/// What happens to a number that does not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overflow {
    /// Its lowest bits stay.
    Wrap,
    /// It becomes the nearest one that fits.
    Saturate,
    /// Nothing is stored.
    Fail,
}

impl Type {
    /// The number that a field's bits stand for.
    pub(super) fn number(self, bits: u64) -> i64 {
        if !self.signed {
            return bits as i64;
        }
        let unused = u64::BITS - self.width;
        (bits << unused) as i64 >> unused
    }

    /// The sum of a number and an increment, as far as it fits; `None` if it does not, and is to
    /// fail then. The number itself may not fit when nothing is added to it.
    pub(super) fn add(self, number: i64, increment: i64, overflow: Overflow) -> Option<i64> {
        let limit = match self.beyond(number, increment) {
            None => return Some(number.wrapping_add(increment)),
            Some(limit) => limit,
        };
        match overflow {
            Overflow::Wrap => {
                let bits = number.wrapping_add(increment) as u64;
                Some(self.number(bits & (u64::MAX >> (u64::BITS - self.width))))
            }
            Overflow::Saturate => Some(limit),
            Overflow::Fail => None,
        }
    }

    /// The limit that a sum would pass, if it would.
    ///
    /// A number that was given by the client counts as unsigned if the field is. Otherwise, one so
    /// far below the lowest that its distance from the highest does not fit 64 bits counts as too
    /// high, as it does in Redis.
    fn beyond(self, number: i64, increment: i64) -> Option<i64> {
        let (min, max) = self.limits();
        if !self.signed {
            let sum = i128::from(number as u64) + i128::from(increment);
            return match sum {
                _ if number < 0 || sum > i128::from(max) => Some(max),
                ..0 => Some(0),
                _ => None,
            };
        }
        let sum = i128::from(number) + i128::from(increment);
        let is_far = self.width < 64 && i128::from(max) - i128::from(number) > i128::from(i64::MAX);
        match sum {
            _ if is_far || sum > i128::from(max) => Some(max),
            _ if sum < i128::from(min) => Some(min),
            _ => None,
        }
    }

    fn limits(self) -> (i64, i64) {
        if self.signed {
            let max = i64::MAX >> (64 - self.width);
            (-max - 1, max)
        } else {
            (0, i64::MAX >> (63 - self.width))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const I8: Type = Type { signed: true, width: 8 };
    const U8: Type = Type { signed: false, width: 8 };
    const I64: Type = Type { signed: true, width: 64 };
    const U63: Type = Type { signed: false, width: 63 };

    #[test]
    fn numbers_of_bits() {
        assert_eq!(I8.number(0x80), -128);
        assert_eq!(U8.number(0x80), 128);
        assert_eq!(I64.number(u64::MAX), -1);
        assert_eq!(Type { signed: true, width: 1 }.number(1), -1);
    }

    // Expected values are redis-server 7.0.15's replies.
    #[test]
    fn sums() {
        for (kind, number, increment, wrapped, saturated) in [
            (I8, 100, 50, -106, 127),
            (I8, -100, -50, 106, -128),
            (U8, 200, 100, 44, 255),
            (U8, 10, -20, 246, 0),
            (I64, i64::MAX, 1, i64::MIN, i64::MAX),
            (I64, i64::MIN, -1, i64::MAX, i64::MIN),
            (U63, i64::MAX, 1, 0, i64::MAX),
            // Numbers to be set.
            (U8, -1, 0, 255, 255),
            (U8, 256, 0, 0, 255),
            (I8, 200, 0, -56, 127),
            (I8, -200, 0, 56, -128),
            (I8, i64::MIN, 0, 0, 127),
        ] {
            let add = |overflow| kind.add(number, increment, overflow);
            let what = format!("{kind:?} {number} {increment}");
            assert_eq!(add(Overflow::Wrap), Some(wrapped), "{what}");
            assert_eq!(add(Overflow::Saturate), Some(saturated), "{what}");
            assert_eq!(add(Overflow::Fail), None, "{what}");
        }
        for (kind, number, increment) in [(I8, 100, 27), (U8, 0, 255), (I64, i64::MIN, i64::MAX)] {
            assert_eq!(kind.add(number, increment, Overflow::Fail), Some(number + increment));
        }
    }
}
