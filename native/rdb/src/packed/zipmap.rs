//! Zipmap: the hashes of Redis before 2.6.
//!
//! Number of fields (254 or more: not known), then for each field its length and bytes, the value's
//! length, the number of unused bytes behind the value, value and unused bytes; 255 ends it. A
//! length is one byte up to 253, or 254 and 32 bits.

use super::{Bytes, Element};
use crate::Error;

const MALFORMED: &str = "a zipmap is malformed";
const LONG: u8 = 254;
const END: u8 = 255;

/// The fields and values of a zipmap, in turn.
#[derive(Debug)]
pub struct Elements<'a> {
    bytes: Bytes<'a>,
    value_next: bool,
    /// Fields yet to come, where the map says how many it has.
    left: Option<u8>,
    done: bool,
}

impl<'a> Elements<'a> {
    /// Those of `blob`.
    ///
    /// # Errors
    /// It is empty.
    pub fn new(blob: &'a [u8]) -> Result<Elements<'a>, Error> {
        let mut bytes = Bytes { rest: blob, malformed: MALFORMED };
        let left = Some(bytes.byte()?).filter(|count| *count < LONG);
        Ok(Elements { bytes, value_next: false, left, done: false })
    }

    fn step(&mut self) -> Result<Option<Element<'a>>, Error> {
        let len = match self.bytes.byte()? {
            END if !self.value_next => return self.end(),
            END => return Err(self.bytes.error()),
            LONG => u32::from_le_bytes(self.bytes.array()?) as usize,
            len => usize::from(len),
        };
        let unused = if self.value_next { self.bytes.byte()? } else { 0 };
        let element = self.bytes.take(len)?;
        self.bytes.take(usize::from(unused))?;
        if !self.value_next
            && let Some(left) = &mut self.left
        {
            *left = left.checked_sub(1).ok_or(Error::Malformed(MALFORMED))?;
        }
        self.value_next = !self.value_next;
        Ok(Some(Element::Bytes(element)))
    }

    fn end(&mut self) -> Result<Option<Element<'a>>, Error> {
        match (self.bytes.rest, self.left) {
            ([], None | Some(0)) => Ok(None),
            _ => Err(self.bytes.error()),
        }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<Element<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let step = self.step().transpose();
        self.done = !matches!(step, Some(Ok(_)));
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(blob: &[u8]) -> Result<Vec<Element<'_>>, Error> {
        Elements::new(blob)?.collect()
    }

    #[test]
    fn fields_and_values_in_turn() {
        let bytes = |text| Element::Bytes(text);
        let expected = [&b"a"[..], b"xy", b"", b""].map(bytes);
        for count in [2, 254, 255] {
            let blob = [&[count][..], b"\x01a\x02\x01xy?\x00\x00\x00\xff"].concat();
            assert_eq!(elements(&blob).expect("intact"), expected);
        }
        let blob = b"\x01\xfe\x03\0\0\0key\xfe\x01\0\0\0\0v\xff";
        assert_eq!(elements(blob).expect("intact"), [bytes(b"key"), bytes(b"v")]);
    }

    #[test]
    fn what_is_no_zipmap_is_refused() {
        for blob in [
            &b""[..],
            b"\x01",
            b"\x01\xff",
            b"\x00\x01a\x00\x00\xff",
            b"\x01\x01a\xff",
            b"\x01\x01a\x01\x00b",
            b"\x01\x01a\x01\x02b\xff",
            b"\x00\xff\x00",
            b"\x01\xfe\xff\xff\xff\xffa\x00\x00\xff",
        ] {
            assert!(elements(blob).is_err(), "{blob:?}");
        }
    }
}
