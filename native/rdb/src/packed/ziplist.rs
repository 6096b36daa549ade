//! Ziplist: what listpacks replaced in Redis 7.0.
//!
//! Length in bytes and offset of the last element, 32 bits each, number of elements, 16 bits
//! (65535: not known), then the elements; 255 ends it. Of each element: the length of the one
//! before it (a byte up to 253, or 254 and 32 bits), its own form and length, its bytes. Numbers
//! are stored lowest byte first, except lengths of strings.

use super::{Bytes, Element};
use crate::Error;

const MALFORMED: &str = "a ziplist is malformed";
const LONG: u8 = 254;
const END: u8 = 255;
const UNKNOWN: u16 = u16::MAX;

/// The elements of a ziplist.
#[derive(Debug)]
pub struct Elements<'a> {
    bytes: Bytes<'a>,
    count: u16,
    seen: u64,
    /// Where elements begin to count their offsets: the whole length.
    len: usize,
    tail: u32,
    /// Offset and length of the last element that was read; at first, of none.
    last: (usize, usize),
    done: bool,
}

impl<'a> Elements<'a> {
    /// Those of `blob`.
    ///
    /// # Errors
    /// It says another length than it has.
    pub fn new(blob: &'a [u8]) -> Result<Elements<'a>, Error> {
        let mut bytes = Bytes { rest: blob, malformed: MALFORMED };
        let len = u32::from_le_bytes(bytes.array()?);
        let tail = u32::from_le_bytes(bytes.array()?);
        let count = u16::from_le_bytes(bytes.array()?);
        if u64::from(len) != blob.len() as u64 {
            return Err(bytes.error());
        }
        Ok(Elements { bytes, count, seen: 0, len: blob.len(), tail, last: (10, 0), done: false })
    }

    fn step(&mut self) -> Result<Option<Element<'a>>, Error> {
        let offset = self.len - self.bytes.rest.len();
        let before = match self.bytes.byte()? {
            END => return self.end(),
            LONG => u32::from_le_bytes(self.bytes.array()?) as usize,
            len => usize::from(len),
        };
        if before != self.last.1 {
            return Err(self.bytes.error());
        }
        let element = self.element()?;
        self.last = (offset, self.len - self.bytes.rest.len() - offset);
        self.seen += 1;
        Ok(Some(element))
    }

    fn element(&mut self) -> Result<Element<'a>, Error> {
        let bytes = &mut self.bytes;
        let form = bytes.byte()?;
        let len = match form >> 6 {
            0 => usize::from(form & 0x3f),
            1 => usize::from(form & 0x3f) << 8 | usize::from(bytes.byte()?),
            2 => u32::from_be_bytes(bytes.array()?) as usize,
            _ => {
                return Ok(Element::Integer(match form {
                    0xc0 => bytes.signed::<2>()?,
                    0xd0 => bytes.signed::<4>()?,
                    0xe0 => bytes.signed::<8>()?,
                    0xf0 => bytes.signed::<3>()?,
                    0xfe => bytes.signed::<1>()?,
                    0xf1..=0xfd => i64::from(form & 0x0f) - 1,
                    _ => return Err(bytes.error()),
                }));
            }
        };
        Ok(Element::Bytes(bytes.take(len)?))
    }

    fn end(&mut self) -> Result<Option<Element<'a>>, Error> {
        let counted = self.count == UNKNOWN || u64::from(self.count) == self.seen;
        if counted && self.bytes.rest.is_empty() && self.tail as usize == self.last.0 {
            Ok(None)
        } else {
            Err(self.bytes.error())
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

    /// A ziplist of elements that are given in their form.
    fn ziplist(elements: &[&[u8]]) -> Vec<u8> {
        let (mut body, mut before, mut tail) = (Vec::new(), 0usize, 10usize);
        for element in elements {
            tail = 10 + body.len();
            match u8::try_from(before).ok().filter(|len| *len < LONG) {
                Some(len) => body.push(len),
                None => {
                    body.push(LONG);
                    body.extend((before as u32).to_le_bytes());
                }
            }
            body.extend_from_slice(element);
            before = 10 + body.len() - tail;
        }
        let mut blob = (body.len() as u32 + 11).to_le_bytes().to_vec();
        blob.extend((tail as u32).to_le_bytes());
        blob.extend((elements.len() as u16).to_le_bytes());
        blob.extend(body);
        blob.push(END);
        blob
    }

    fn elements(blob: &[u8]) -> Result<Vec<Element<'_>>, Error> {
        Elements::new(blob)?.collect()
    }

    #[test]
    fn elements_in_all_their_forms() {
        let long = [&b"\x41\x2c"[..], &[b'x'; 300]].concat();
        let longest = [&b"\x80\x00\x00\x00\x02"[..], b"ab"].concat();
        let forms: [&[u8]; 11] = [
            b"\x02hi",
            &long,
            &longest,
            b"\xc0\xff\xff",
            b"\xd0\x01\x00\x00\x80",
            b"\xe0\x00\x00\x00\x00\x00\x00\x00\x80",
            b"\xf0\x00\x00\x80",
            b"\xfe\x80",
            b"\xf1",
            b"\xfd",
            b"\x00",
        ];
        let text = [b'x'; 300];
        let expected = [
            Element::Bytes(b"hi"),
            Element::Bytes(&text),
            Element::Bytes(b"ab"),
            Element::Integer(-1),
            Element::Integer(-2_147_483_647),
            Element::Integer(i64::MIN),
            Element::Integer(-8_388_608),
            Element::Integer(-128),
            Element::Integer(0),
            Element::Integer(12),
            Element::Bytes(b""),
        ];
        assert_eq!(elements(&ziplist(&forms)).expect("intact"), expected);
        assert_eq!(elements(&ziplist(&[])).expect("intact"), []);
    }

    #[test]
    fn what_is_no_ziplist_is_refused() {
        let blob = ziplist(&[b"\x01a", b"\xf2"]);
        for (at, byte) in [(0, 1), (4, 11), (8, 3), (10, 1), (11, 0xff), (11, 5), (13, 2), (15, 0)]
        {
            let mut blob = blob.clone();
            blob[at] = byte;
            assert!(elements(&blob).is_err(), "{at} {byte}");
        }
        for len in 0..blob.len() {
            assert!(elements(&blob[..len]).is_err());
        }
        let mut unknown = blob;
        unknown[8..10].fill(0xff);
        assert_eq!(elements(&unknown).expect("intact").len(), 2);
    }
}
