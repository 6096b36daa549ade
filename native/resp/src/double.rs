//! The text of floating-point replies.

use std::io::Write;

/// Significant digits of a reply: enough to tell any two doubles apart.
const DIGITS: usize = 17;
/// Integers below this are exact in a double and have fewer than 17 digits.
const EXACT_INTEGER: f64 = 1e15;

/// A double as Redis 7.0 prints it: C's `%.17g`, with `inf`, `-inf`, `nan` and `-nan`.
///
/// ```
/// use ferric_resp::DoubleText;
/// assert_eq!(DoubleText::new(3.0).as_bytes(), b"3");
/// assert_eq!(DoubleText::new(0.1).as_bytes(), b"0.10000000000000001");
/// assert_eq!(DoubleText::new(1e17).as_bytes(), b"1e+17");
/// ```
#[derive(Clone, Copy)]
pub struct DoubleText {
    // The longest text is a sign, a point, 17 digits and `e-308`: 24 bytes.
    bytes: [u8; 32],
    len: usize,
}

impl DoubleText {
    /// Formats `value`.
    pub fn new(value: f64) -> Self {
        let mut text = Self { bytes: [0; 32], len: 0 };
        if value.is_nan() {
            text.push_all(if value.is_sign_negative() { b"-nan" } else { b"nan" });
        } else if value.is_infinite() {
            text.push_all(if value < 0.0 { b"-inf" } else { b"inf" });
        } else if value.trunc() == value
            && value.abs() < EXACT_INTEGER
            && (value != 0.0 || value.is_sign_positive())
        {
            text.push_all(itoa::Buffer::new().format(value as i64).as_bytes());
        } else {
            text.push_general(value);
        }
        text
    }

    /// The text, in ASCII.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn push_all(&mut self, bytes: &[u8]) {
        self.bytes[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }

    fn push_zeros(&mut self, count: usize) {
        self.push_all(&b"00000000000000000"[..count]);
    }

    /// Formats a finite value in the rules of `%g`: 17 significant digits without trailing zeros,
    /// with an exponent when it is below −4 or above 16.
    fn push_general(&mut self, value: f64) {
        let (digits, exponent) = significant_digits(value.abs());
        let used = digits.iter().rposition(|&digit| digit != b'0').map_or(1, |last| last + 1);
        let digits = &digits[..used];
        if value.is_sign_negative() {
            self.push_all(b"-");
        }
        match usize::try_from(exponent) {
            Ok(exponent) if exponent < DIGITS => {
                let whole = used.min(exponent + 1);
                self.push_all(&digits[..whole]);
                self.push_zeros(exponent + 1 - whole);
                self.push_fraction(&digits[whole..]);
            }
            Err(_) if exponent >= -4 => {
                self.push_all(b"0.");
                self.push_zeros(exponent.unsigned_abs() as usize - 1);
                self.push_all(digits);
            }
            _ => {
                self.push_all(&digits[..1]);
                self.push_fraction(&digits[1..]);
                self.push_all(if exponent < 0 { b"e-" } else { b"e+" });
                if exponent.unsigned_abs() < 10 {
                    self.push_all(b"0");
                }
                self.push_all(itoa::Buffer::new().format(exponent.unsigned_abs()).as_bytes());
            }
        }
    }

    fn push_fraction(&mut self, digits: &[u8]) {
        if !digits.is_empty() {
            self.push_all(b".");
            self.push_all(digits);
        }
    }
}

/// The first 17 decimal digits of a finite, non-negative value, correctly rounded, and the decimal
/// exponent of the first one.
fn significant_digits(value: f64) -> ([u8; DIGITS], i32) {
    // `d.dddddddddddddddde-ddd`
    let mut scientific = [0u8; 32];
    let mut rest = scientific.as_mut_slice();
    write!(rest, "{:.*e}", DIGITS - 1, value).expect("24 bytes fit");
    let unused = rest.len();
    let text = &scientific[..scientific.len() - unused];
    let mut digits = [b'0'; DIGITS];
    digits[0] = text[0];
    digits[1..].copy_from_slice(&text[2..DIGITS + 1]);
    let exponent = &text[DIGITS + 2..];
    let (negative, exponent) = match exponent {
        [b'-', magnitude @ ..] => (true, magnitude),
        _ => (false, exponent),
    };
    let magnitude = exponent.iter().fold(0, |value, byte| value * 10 + i32::from(byte - b'0'));
    (digits, if negative { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::DoubleText;

    /// Scores and the text redis-server 7.0.15 gives for them (`ZSCORE`, `EVAL`).
    #[test]
    fn prints_as_redis_does() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (3.0, "3"),
            (-2.5, "-2.5"),
            (0.1, "0.10000000000000001"),
            (0.3, "0.29999999999999999"),
            (123.456, "123.456"),
            (0.0001, "0.0001"),
            (0.00012345, "0.00012344999999999999"),
            (1e-5, "1.0000000000000001e-05"),
            (1e15, "1000000000000000"),
            (1e16, "10000000000000000"),
            (12345678901234567.0, "12345678901234568"),
            (9007199254740993.0, "9007199254740992"),
            (1e17, "1e+17"),
            (123456789012345678.0, "1.2345678901234568e+17"),
            (1e21, "1e+21"),
            (1e100, "1e+100"),
            (5e-324, "4.9406564584124654e-324"),
            (2.2250738585072014e-308, "2.2250738585072014e-308"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::MIN, "-1.7976931348623157e+308"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN.copysign(1.0), "nan"),
            (f64::NAN.copysign(-1.0), "-nan"),
        ] {
            let printed = DoubleText::new(value);
            assert_eq!(std::str::from_utf8(printed.as_bytes()), Ok(text), "{value:e}");
        }
    }
}
