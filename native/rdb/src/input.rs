//! Numbers and strings, as they are read.

use std::io::Read;

use crate::{Error, MAX_STRING, lzf};

/// Memory that a string gets before any of its bytes have been read.
const FIRST_PART: usize = 64 << 10;

/// What the length in front of something says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Length {
    /// How long it is, or how many there are.
    Plain(u64),
    /// A string in another form, by the number of that form.
    Special(u8),
}

/// Forms of strings.
pub(crate) const INT8: u8 = 0;
pub(crate) const INT16: u8 = 1;
pub(crate) const INT32: u8 = 2;
pub(crate) const LZF: u8 = 3;

/// Reads from the front of an input.
pub(crate) struct Input<R>(pub R);

impl<R: Read> Input<R> {
    /// The next `N` bytes.
    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut bytes = [0; N];
        self.0.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Error> {
        Ok(self.array::<1>()?[0])
    }

    /// A time or another number of 8 bytes.
    pub(crate) fn u64_le(&mut self) -> Result<u64, Error> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A score.
    pub(crate) fn double(&mut self) -> Result<f64, Error> {
        Ok(f64::from_bits(self.u64_le()?))
    }

    /// A length in front of a string.
    pub(crate) fn length(&mut self) -> Result<Length, Error> {
        let first = self.byte()?;
        let low = first & 0x3f;
        Ok(match (first >> 6, first) {
            (0, _) => Length::Plain(u64::from(low)),
            (1, _) => Length::Plain(u64::from(low) << 8 | u64::from(self.byte()?)),
            (3, _) => Length::Special(low),
            (_, 0x80) => Length::Plain(u64::from(u32::from_be_bytes(self.array()?))),
            (_, 0x81) => Length::Plain(u64::from_be_bytes(self.array()?)),
            _ => return Err(Error::Malformed("a length is malformed")),
        })
    }

    /// A number of things.
    pub(crate) fn count(&mut self) -> Result<u64, Error> {
        match self.length()? {
            Length::Plain(count) => Ok(count),
            Length::Special(_) => Err(Error::Malformed("a string is where a number belongs")),
        }
    }

    /// A string, which replaces what `out` has.
    pub(crate) fn string_into(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        out.clear();
        let number = match self.length()? {
            Length::Plain(len) => return self.bytes(len, out),
            Length::Special(INT8) => i32::from(i8::from_le_bytes(self.array()?)),
            Length::Special(INT16) => i32::from(i16::from_le_bytes(self.array()?)),
            Length::Special(INT32) => i32::from_le_bytes(self.array()?),
            Length::Special(LZF) => {
                *out = self.compressed()?;
                return Ok(());
            }
            Length::Special(_) => return Err(Error::Malformed("a string has an unknown form")),
        };
        out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
        Ok(())
    }

    /// A string.
    pub(crate) fn string(&mut self) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        self.string_into(&mut out)?;
        Ok(out)
    }

    fn compressed(&mut self) -> Result<Vec<u8>, Error> {
        let (len, whole) = (self.count()?, self.count()?);
        if whole > MAX_STRING || whole > lzf::max_expansion(len) {
            return Err(Error::Malformed("a compressed string is malformed"));
        }
        let mut bytes = Vec::new();
        self.bytes(len, &mut bytes)?;
        lzf::decompress(&bytes, whole)
    }

    /// Appends `len` bytes. Room is made as they arrive, since the length may be a lie.
    fn bytes(&mut self, len: u64, out: &mut Vec<u8>) -> Result<(), Error> {
        if len > MAX_STRING {
            return Err(Error::Malformed("a string is longer than 512 MiB"));
        }
        let mut left = len as usize;
        while left > 0 {
            let part = left.min(out.len().max(FIRST_PART));
            let start = out.len();
            out.resize(start + part, 0);
            self.0.read_exact(&mut out[start..])?;
            left -= part;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(bytes: &[u8]) -> Result<Vec<u8>, Error> {
        Input(bytes).string()
    }

    #[test]
    fn lengths_in_all_their_forms() {
        for (bytes, expected) in [
            (&b"\x3f"[..], 63),
            (b"\x7f\xff", 0x3fff),
            (b"\x80\x01\x02\x03\x04", 0x0102_0304),
            (b"\x81\x01\x02\x03\x04\x05\x06\x07\x08", 0x0102_0304_0506_0708),
        ] {
            assert_eq!(Input(bytes).count().expect("a number"), expected);
        }
        assert!(Input(&b"\x82"[..]).length().is_err());
        assert!(Input(&b"\xc0\x01"[..]).count().is_err());
        assert!(matches!(Input(&b"\x80\x01"[..]).count(), Err(Error::Truncated)));
    }

    #[test]
    fn strings_in_all_their_forms() {
        for (bytes, expected) in [
            (&b"\x02ab"[..], &b"ab"[..]),
            (b"\xc0\xff", b"-1"),
            (b"\xc1\x00\x80", b"-32768"),
            (b"\xc2\xff\xff\xff\x7f", b"2147483647"),
        ] {
            assert_eq!(string(bytes).expect("a string"), expected);
        }
        assert_eq!(string(b"\xc3\x04\x06\x00a\x60\x00").expect("a string"), b"aaaaaa");
        assert!(string(b"\xc4\x00").is_err());
    }

    #[test]
    fn a_length_that_is_a_lie_costs_little() {
        assert!(matches!(string(b"\x80\x1f\xff\xff\xffab"), Err(Error::Truncated)));
        assert!(matches!(
            string(b"\x81\xff\xff\xff\xff\xff\xff\xff\xff"),
            Err(Error::Malformed(_))
        ));
        assert!(string(b"\xc3\x05\x80\x1f\xff\xff\xff").is_err());
    }
}
