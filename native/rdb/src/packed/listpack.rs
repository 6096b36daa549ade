//! Listpack: elements one behind the other, each with its own length behind it.
//!
//! Length in bytes, 32 bits, number of elements, 16 bits (65535: not known), then the elements; 255
//! ends it. Of each element: its form and length, its bytes, then the length of both in groups of
//! seven bits, highest first, in all but the first of which the top bit is set.

use super::{Bytes, Element, canonical_integer};
use crate::Error;

const MALFORMED: &str = "a listpack is malformed";
const END: u8 = 255;
const HEADER: usize = 6;
const UNKNOWN: u16 = u16::MAX;

/// The elements of a listpack.
#[derive(Debug)]
pub struct Elements<'a> {
    bytes: Bytes<'a>,
    count: u16,
    seen: u64,
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
        let count = u16::from_le_bytes(bytes.array()?);
        if u64::from(len) != blob.len() as u64 {
            return Err(bytes.error());
        }
        Ok(Elements { bytes, count, seen: 0, done: false })
    }

    fn step(&mut self) -> Result<Option<Element<'a>>, Error> {
        let before = self.bytes.rest.len();
        let element = match self.bytes.byte()? {
            END => return self.end(),
            form => self.element(form)?,
        };
        let (back, used) = back_length(before - self.bytes.rest.len());
        if self.bytes.take(used)? != &back[..used] {
            return Err(self.bytes.error());
        }
        self.seen += 1;
        Ok(Some(element))
    }

    fn element(&mut self, form: u8) -> Result<Element<'a>, Error> {
        let bytes = &mut self.bytes;
        let len = match form {
            0x00..=0x7f => return Ok(Element::Integer(i64::from(form))),
            0xc0..=0xdf => {
                // 13 bits, the highest of which is the sign.
                let number = i64::from(form & 0x1f) << 8 | i64::from(bytes.byte()?);
                return Ok(Element::Integer(number << 51 >> 51));
            }
            0xf1 => return bytes.signed::<2>().map(Element::Integer),
            0xf2 => return bytes.signed::<3>().map(Element::Integer),
            0xf3 => return bytes.signed::<4>().map(Element::Integer),
            0xf4 => return bytes.signed::<8>().map(Element::Integer),
            0x80..=0xbf => usize::from(form & 0x3f),
            0xe0..=0xef => usize::from(form & 0x0f) << 8 | usize::from(bytes.byte()?),
            0xf0 => u32::from_le_bytes(bytes.array()?) as usize,
            0xf5.. => return Err(bytes.error()),
        };
        Ok(Element::Bytes(bytes.take(len)?))
    }

    fn end(&mut self) -> Result<Option<Element<'a>>, Error> {
        let counted = self.count == UNKNOWN || u64::from(self.count) == self.seen;
        if counted && self.bytes.rest.is_empty() { Ok(None) } else { Err(self.bytes.error()) }
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

/// What stands behind an element of `len` bytes, and how many bytes of it.
fn back_length(len: usize) -> ([u8; 5], usize) {
    let used = match len {
        0..=0x7f => 1,
        0x80..=0x3ffe => 2,
        0x3fff..=0x1f_fffe => 3,
        0x1f_ffff..=0xfff_fffe => 4,
        _ => 5,
    };
    let mut back = [0; 5];
    for (at, byte) in back[..used].iter_mut().enumerate() {
        let more = if at == 0 { 0 } else { 0x80 };
        *byte = (len >> (7 * (used - 1 - at))) as u8 & 0x7f | more;
    }
    (back, used)
}

/// A listpack that is being written.
#[derive(Debug)]
pub struct Builder {
    bytes: Vec<u8>,
    count: u64,
}

impl Default for Builder {
    fn default() -> Builder {
        Builder { bytes: vec![0; HEADER], count: 0 }
    }
}

impl Builder {
    /// Its length in bytes once it is finished.
    pub fn len(&self) -> usize {
        self.bytes.len() + 1
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Appends an element; one that looks like an integer is stored as one.
    pub fn push(&mut self, element: &[u8]) {
        match canonical_integer(element) {
            Some(number) => self.push_integer(number),
            None => self.push_bytes(element),
        }
    }

    /// Appends an integer.
    pub fn push_integer(&mut self, number: i64) {
        let start = self.bytes.len();
        let out = &mut self.bytes;
        let wide = number.to_le_bytes();
        match number {
            0..=0x7f => out.push(number as u8),
            -0x1000..=0xfff => out.extend([0xc0 | (number >> 8) as u8 & 0x1f, number as u8]),
            -0x8000..=0x7fff => put(out, 0xf1, &wide[..2]),
            -0x80_0000..=0x7f_ffff => put(out, 0xf2, &wide[..3]),
            -0x8000_0000..=0x7fff_ffff => put(out, 0xf3, &wide[..4]),
            _ => put(out, 0xf4, &wide),
        }
        self.end_element(start);
    }

    /// Appends the elements of another one.
    pub fn append(&mut self, other: &Builder) {
        self.bytes.extend_from_slice(&other.bytes[HEADER..]);
        self.count += other.count;
    }

    fn push_bytes(&mut self, element: &[u8]) {
        let (start, len) = (self.bytes.len(), element.len());
        match len {
            0..=0x3f => self.bytes.push(0x80 | len as u8),
            0x40..=0xfff => self.bytes.extend([0xe0 | (len >> 8) as u8, len as u8]),
            _ => put(&mut self.bytes, 0xf0, &(len as u32).to_le_bytes()),
        }
        self.bytes.extend_from_slice(element);
        self.end_element(start);
    }

    fn end_element(&mut self, start: usize) {
        let (back, used) = back_length(self.bytes.len() - start);
        self.bytes.extend_from_slice(&back[..used]);
        self.count += 1;
    }

    /// The bytes of the listpack.
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.push(END);
        let count = u16::try_from(self.count).unwrap_or(UNKNOWN);
        let len = self.bytes.len() as u32;
        self.bytes[..4].copy_from_slice(&len.to_le_bytes());
        self.bytes[4..HEADER].copy_from_slice(&count.to_le_bytes());
        self.bytes
    }
}

fn put(out: &mut Vec<u8>, form: u8, rest: &[u8]) {
    out.push(form);
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn listpack(elements: &[Vec<u8>]) -> Vec<u8> {
        let mut builder = Builder::default();
        elements.iter().for_each(|element| builder.push(element));
        let len = builder.len();
        let blob = builder.finish();
        assert_eq!(blob.len(), len);
        blob
    }

    fn texts(blob: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        Elements::new(blob)?.map(|element| Ok(element?.text().to_vec())).collect()
    }

    #[test]
    fn lengths_behind_elements() {
        for (len, expected) in [
            (1, &[1][..]),
            (127, &[127]),
            (128, &[1, 128]),
            (16382, &[127, 254]),
            (16383, &[0, 255, 255]),
            (2_097_150, &[127, 255, 254]),
            (2_097_151, &[0, 255, 255, 255]),
            (268_435_454, &[127, 255, 255, 254]),
            (268_435_455, &[0, 255, 255, 255, 255]),
        ] {
            let (back, used) = back_length(len);
            assert_eq!(&back[..used], expected, "{len}");
        }
    }

    #[test]
    fn elements_at_the_edges_of_every_form() {
        let edges = [0, 127, 128, 4095, 4096, 32767, 32768, 8_388_607, 8_388_608, 2_147_483_647];
        let numbers = edges.into_iter().flat_map(|edge: i64| [edge, -edge, -edge - 1]);
        let numbers = numbers.chain([2_147_483_648, i64::MIN, i64::MAX]);
        let strings = [0, 63, 64, 4095, 4096, 16380, 70_000].map(|len| vec![b'x'; len]);
        let elements: Vec<_> =
            numbers.map(|number| number.to_string().into_bytes()).chain(strings).collect();
        assert_eq!(texts(&listpack(&elements)).expect("intact"), elements);
    }

    #[test]
    fn the_number_of_many_elements_is_not_known() {
        for (len, count) in [(65_534, 65_534), (65_535, UNKNOWN), (65_536, UNKNOWN)] {
            let blob = listpack(&vec![b"1".to_vec(); len]);
            assert_eq!(blob[4..6], count.to_le_bytes());
            assert_eq!(texts(&blob).expect("intact").len(), len);
        }
    }

    #[test]
    fn what_is_no_listpack_is_refused() {
        let blob = listpack(&[b"1".to_vec(), b"ab".to_vec()]);
        for (at, byte) in [(0, 1), (4, 3), (6, 0xff), (6, 0xf5), (7, 2), (8, 0x83), (11, 1)] {
            let mut blob = blob.clone();
            blob[at] = byte;
            assert!(texts(&blob).is_err(), "{at} {byte}");
        }
        for len in 0..blob.len() {
            assert!(texts(&blob[..len]).is_err());
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(elements in prop::collection::vec(any::<Vec<u8>>(), 0..50)) {
            prop_assert_eq!(texts(&listpack(&elements)).expect("intact"), elements);
        }

        #[test]
        fn any_bytes_are_read_within_bounds(mut blob: Vec<u8>) {
            let len = (blob.len() as u32).to_le_bytes();
            if let Some(head) = blob.first_chunk_mut::<4>() {
                *head = len;
            }
            if let Ok(elements) = Elements::new(&blob) {
                prop_assert!(elements.count() <= blob.len());
            }
        }
    }
}
