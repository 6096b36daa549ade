//! The bytes of images and deltas: numbers, and strings with their length in front.
//!
//! Numbers are LEB128 (DWARF 5, §7.6): seven bits a byte, lowest first, the top bit says that more
//! follow. Signed ones are mapped to 0, -1, 1, -2 … first (zigzag, Protocol Buffers "Encoding").

use ferric_engine::Malformed;

/// Longest form of a number, in bytes.
pub const MAX_NUMBER: usize = 10;

/// Appends a number.
#[inline]
pub fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Appends a signed number.
#[inline]
pub fn put_signed(out: &mut Vec<u8>, number: i64) {
    put_number(out, ((number << 1) ^ (number >> 63)) as u64);
}

/// Appends a double, in its 8 bytes.
#[inline]
pub fn put_double(out: &mut Vec<u8>, number: f64) {
    out.extend_from_slice(&number.to_bits().to_le_bytes());
}

/// Appends a string with its length.
#[inline]
pub fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Bytes that [`put_number`] appends.
pub fn number_len(number: u64) -> usize {
    (u64::BITS - (number | 1).leading_zeros()).div_ceil(7) as usize
}

/// Bytes that [`put_bytes`] appends.
pub fn bytes_len(bytes: &[u8]) -> usize {
    number_len(bytes.len() as u64) + bytes.len()
}

/// Reads from the front of some bytes.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    /// Reads `bytes`.
    pub fn new(bytes: &'b [u8]) -> Reader<'b> {
        Reader { rest: bytes }
    }

    /// Whether nothing is left.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What is left.
    #[inline]
    pub fn rest(&self) -> &'b [u8] {
        self.rest
    }

    /// One byte.
    ///
    /// # Errors
    /// Nothing is left.
    #[inline]
    pub fn byte(&mut self) -> Result<u8, Malformed> {
        let (&first, rest) = self.rest.split_first().ok_or(Malformed)?;
        self.rest = rest;
        Ok(first)
    }

    /// A number.
    ///
    /// # Errors
    /// It is cut short, or does not fit 64 bits.
    #[inline]
    pub fn number(&mut self) -> Result<u64, Malformed> {
        match self.rest {
            [byte, rest @ ..] if *byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(*byte))
            }
            _ => self.long_number(),
        }
    }

    fn long_number(&mut self) -> Result<u64, Malformed> {
        let mut number = 0u64;
        for shift in (0..).step_by(7).take(MAX_NUMBER) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(Malformed);
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Malformed)
    }

    /// A number that counts or measures something in memory.
    ///
    /// # Errors
    /// As for [`Reader::number`], or it does not fit a `usize`.
    #[inline]
    pub fn size(&mut self) -> Result<usize, Malformed> {
        usize::try_from(self.number()?).map_err(|_| Malformed)
    }

    /// A signed number.
    ///
    /// # Errors
    /// As for [`Reader::number`].
    #[inline]
    pub fn signed(&mut self) -> Result<i64, Malformed> {
        let number = self.number()?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    /// A double.
    ///
    /// # Errors
    /// It is cut short.
    #[inline]
    pub fn double(&mut self) -> Result<f64, Malformed> {
        let bytes = self.take(8)?.try_into().map_err(|_| Malformed)?;
        Ok(f64::from_bits(u64::from_le_bytes(bytes)))
    }

    /// The next `len` bytes.
    ///
    /// # Errors
    /// Fewer are left.
    #[inline]
    pub fn take(&mut self, len: usize) -> Result<&'b [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Malformed)?;
        self.rest = rest;
        Ok(taken)
    }

    /// A string with its length in front.
    ///
    /// # Errors
    /// It is cut short.
    #[inline]
    pub fn bytes(&mut self) -> Result<&'b [u8], Malformed> {
        let len = self.size()?;
        self.take(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_put_is_read(number: u64, signed: i64, double: f64, text: Vec<u8>) {
            let mut out = Vec::new();
            put_number(&mut out, number);
            prop_assert_eq!(out.len(), number_len(number));
            put_signed(&mut out, signed);
            put_double(&mut out, double);
            let before = out.len();
            put_bytes(&mut out, &text);
            prop_assert_eq!(out.len() - before, bytes_len(&text));
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.number(), Ok(number));
            prop_assert_eq!(reader.signed(), Ok(signed));
            prop_assert_eq!(reader.double().map(f64::to_bits), Ok(double.to_bits()));
            prop_assert_eq!(reader.bytes(), Ok(&text[..]));
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let mut reader = Reader::new(&bytes);
            while !reader.is_empty() && reader.bytes().is_ok() {}
            let _ = Reader::new(&bytes).number();
        }
    }

    #[test]
    fn numbers_that_do_not_fit_are_refused() {
        for bytes in [&[0xff; 10][..], &[0xff; 11], &[0x80; 3], &[]] {
            assert_eq!(Reader::new(bytes).number(), Err(Malformed), "{bytes:?}");
        }
        let mut largest = [0xff; 10];
        largest[9] = 1;
        assert_eq!(Reader::new(&largest).number(), Ok(u64::MAX));
    }
}
