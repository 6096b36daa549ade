//! Field names and values as they are kept: integers as numbers, everything else as it is.
//!
//! A word begins with a number. Even: twice the length of the text that follows. Odd: the word is an
//! integer in its canonical spelling, and this is twice its zigzag form plus one. Integers of more
//! than 63 bits are kept as text.

use ferric_engine::Malformed;

use crate::numbers::parse_i64;
use crate::values::wire::{Reader, put_number};

/// Lengths of the decimal spellings of integers that need more than 63 bits.
const WIDE: std::ops::RangeInclusive<usize> = 19..=20;

/// A field name or value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word<'a> {
    /// Any bytes.
    Text(&'a [u8]),
    /// What is spelled as this integer.
    Int(i64),
}

impl<'a> Word<'a> {
    /// How `bytes` are kept.
    #[inline]
    pub fn of(bytes: &'a [u8]) -> Word<'a> {
        match parse_i64(bytes) {
            Some(number) if narrow(number).is_some() => Word::Int(number),
            _ => Word::Text(bytes),
        }
    }

    /// Appends the word.
    #[inline]
    pub fn put(self, out: &mut Vec<u8>) {
        match self {
            Word::Text(text) => {
                put_number(out, (text.len() as u64) << 1);
                out.extend_from_slice(text);
            }
            Word::Int(number) => put_number(out, narrow(number).unwrap_or(0) << 1 | 1),
        }
    }

    /// Reads a word.
    ///
    /// # Errors
    /// It is cut short.
    #[inline]
    pub fn read(reader: &mut Reader<'a>) -> Result<Word<'a>, Malformed> {
        let number = reader.number()?;
        let half = number >> 1;
        if number & 1 == 0 {
            let len = usize::try_from(half).map_err(|_| Malformed)?;
            return Ok(Word::Text(reader.take(len)?));
        }
        Ok(Word::Int((half >> 1) as i64 ^ -((half & 1) as i64)))
    }

    /// Has `use_text` look at the word's text.
    #[inline]
    pub fn with<R>(self, use_text: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            Word::Text(text) => use_text(text),
            Word::Int(number) => use_text(itoa::Buffer::new().format(number).as_bytes()),
        }
    }

    /// Length of the word's text.
    pub fn text_len(self) -> usize {
        self.with(<[u8]>::len)
    }

    /// Bytes that the word takes in one of Redis's listpacks.
    #[inline]
    pub fn listpack_len(self) -> usize {
        match self {
            Word::Int(number) => listpack_int(number),
            Word::Text(text) if WIDE.contains(&text.len()) => {
                parse_i64(text).map_or_else(|| listpack_text(text.len()), listpack_int)
            }
            Word::Text(text) => listpack_text(text.len()),
        }
    }
}

/// The zigzag form of a number, if that leaves a bit free.
#[inline]
fn narrow(number: i64) -> Option<u64> {
    let folded = ((number << 1) ^ (number >> 63)) as u64;
    (folded >> 63 == 0).then_some(folded)
}

/// Bytes of an integer in a listpack: 7, 13, 16, 24, 32 or 64 bits behind an encoding byte of which
/// the first two forms use the rest, and the entry's length. Source: the public specification
/// "Listpack, a lists of strings serialization format".
#[inline]
pub fn listpack_int(number: i64) -> usize {
    match number {
        0..=127 => 2,
        -4096..=4095 => 3,
        -0x8000..=0x7fff => 4,
        -0x80_0000..=0x7f_ffff => 5,
        -0x8000_0000..=0x7fff_ffff => 6,
        _ => 10,
    }
}

/// Bytes of a text of `len` bytes in a listpack.
fn listpack_text(len: usize) -> usize {
    let encoded = len
        + match len {
            0..64 => 1,
            64..4096 => 2,
            _ => 5,
        };
    // The length again, seven bits a byte, for walking backwards.
    let bits = (usize::BITS - encoded.leading_zeros()) as usize;
    encoded + bits.div_ceil(7)
}

/// Reads `count` words; the bytes that they are, and how many they take in a listpack.
///
/// # Errors
/// They are cut short.
#[inline]
pub fn take_words<'a>(
    reader: &mut Reader<'a>,
    count: usize,
) -> Result<(&'a [u8], usize), Malformed> {
    let start = *reader;
    let mut len = 0usize;
    for _ in 0..count {
        len = len.saturating_add(Word::read(reader)?.listpack_len());
    }
    let taken = start.rest().len() - reader.rest().len();
    Ok((&start.rest()[..taken], len))
}

/// Leaves out `count` words.
///
/// # Errors
/// They are cut short.
#[inline]
pub fn skip_words(reader: &mut Reader<'_>, count: usize) -> Result<(), Malformed> {
    for _ in 0..count {
        let number = reader.number()?;
        if number & 1 == 0 {
            reader.take(usize::try_from(number >> 1).map_err(|_| Malformed)?)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        Word::of(bytes).put(&mut out);
        let mut reader = Reader::new(&out);
        let word = Word::read(&mut reader).expect("a word");
        assert!(reader.is_empty());
        word.with(<[u8]>::to_vec)
    }

    proptest! {
        #[test]
        fn words_keep_their_text(text: Vec<u8>, number: i64) {
            prop_assert_eq!(round_trip(&text), &text[..]);
            let number = number.to_string();
            prop_assert_eq!(round_trip(number.as_bytes()), number.as_bytes());
        }
    }

    #[test]
    fn awkward_numbers_keep_their_text() {
        for text in ["0", "-1", "-0", "01", "9223372036854775807", "-9223372036854775808"] {
            assert_eq!(round_trip(text.as_bytes()), text.as_bytes());
        }
        for number in [1 << 62, -(1 << 62), (1 << 62) - 1, -(1 << 62) - 1] {
            let text = i64::to_string(&number);
            assert_eq!(round_trip(text.as_bytes()), text.as_bytes());
        }
    }

    #[test]
    fn lengths_in_a_listpack() {
        for (text, len) in [
            ("", 2),
            ("a", 3),
            ("0", 2),
            ("127", 2),
            ("128", 3),
            ("-1", 3),
            ("-4096", 3),
            ("4096", 4),
            ("32768", 5),
            ("8388608", 6),
            ("2147483648", 10),
            ("9223372036854775807", 10),
            ("9223372036854775808", 21),
        ] {
            assert_eq!(Word::of(text.as_bytes()).listpack_len(), len, "{text}");
        }
        for (len, expected) in
            [(63, 65), (64, 67), (125, 128), (126, 130), (4095, 4099), (4096, 4103)]
        {
            assert_eq!(Word::Text(&vec![b'x'; len]).listpack_len(), expected, "{len}");
        }
    }
}
