//! Redis's compact encodings: many elements in one string of bytes.

pub mod intset;
pub mod listpack;
pub mod ziplist;
pub mod zipmap;

use std::ops::Deref;

use crate::Error;

/// An element of a compact encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element<'a> {
    /// Bytes.
    Bytes(&'a [u8]),
    /// An integer, kept as a number; it stands for its decimal digits.
    Integer(i64),
}

/// The bytes of an element.
pub enum Text<'a> {
    /// As they are in the encoding.
    Bytes(&'a [u8]),
    /// Printed, and how many of the array's bytes that took.
    Digits([u8; 20], usize),
}

impl<'a> Element<'a> {
    /// Its bytes.
    pub fn text(self) -> Text<'a> {
        match self {
            Element::Bytes(bytes) => Text::Bytes(bytes),
            Element::Integer(number) => {
                let mut buffer = itoa::Buffer::new();
                let printed = buffer.format(number).as_bytes();
                let mut digits = [0; 20];
                digits[..printed.len()].copy_from_slice(printed);
                Text::Digits(digits, printed.len())
            }
        }
    }

    /// The number that it is, or that its bytes spell.
    pub(crate) fn integer(self) -> Option<i64> {
        match self {
            Element::Integer(number) => Some(number),
            Element::Bytes(bytes) => canonical_integer(bytes),
        }
    }
}

impl Deref for Text<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Text::Bytes(bytes) => bytes,
            Text::Digits(digits, len) => &digits[..*len],
        }
    }
}

/// The integer that prints as exactly these bytes.
pub fn canonical_integer(bytes: &[u8]) -> Option<i64> {
    let (negative, digits) = match bytes {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] if !negative => return Some(0),
        [b'1'..=b'9', ..] if digits.len() <= 19 => {}
        _ => return None,
    }
    digits.iter().try_fold(0i64, |number, byte| {
        let digit = i64::from(byte.wrapping_sub(b'0'));
        let digit = (0..=9).contains(&digit).then_some(digit)?;
        let number = number.checked_mul(10)?;
        if negative { number.checked_sub(digit) } else { number.checked_add(digit) }
    })
}

/// Reads from the front of an encoding's bytes.
#[derive(Clone, Copy, Debug)]
struct Bytes<'a> {
    rest: &'a [u8],
    /// What to say when it is malformed.
    malformed: &'static str,
}

impl<'a> Bytes<'a> {
    fn error(&self) -> Error {
        Error::Malformed(self.malformed)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or_else(|| self.error())?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or_else(|| self.error())?;
        self.rest = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, Error> {
        Ok(self.array::<1>()?[0])
    }

    /// A signed number of `N` bytes, lowest first.
    fn signed<const N: usize>(&mut self) -> Result<i64, Error> {
        let mut wide = [0; 8];
        wide[8 - N..].copy_from_slice(&self.array::<N>()?);
        Ok(i64::from_le_bytes(wide) >> (64 - 8 * N))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_integers() {
        for text in ["0", "-1", "9223372036854775807", "-9223372036854775808", "10"] {
            assert_eq!(canonical_integer(text.as_bytes()), text.parse().ok(), "{text}");
            let number = canonical_integer(text.as_bytes()).expect(text);
            assert_eq!(&*Element::Integer(number).text(), text.as_bytes());
        }
        for text in
            ["", "-", "-0", "01", "+1", " 1", "1 ", "1x", "9223372036854775808", "1:", "1/", "१"]
        {
            assert_eq!(canonical_integer(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn signed_numbers_of_any_width() {
        let mut bytes = Bytes { rest: b"\xff\xfe\xff\x00\x00\x80", malformed: "" };
        assert_eq!(bytes.signed::<1>().ok(), Some(-1));
        assert_eq!(bytes.signed::<2>().ok(), Some(-2));
        assert_eq!(bytes.signed::<3>().ok(), Some(-8_388_608));
        assert!(bytes.signed::<1>().is_err());
    }
}
