//! The identifier of an entry.

/// Longest text of an [`Id`], in bytes: two numbers of 64 bits and a hyphen.
const MAX_TEXT: usize = 41;

/// Identifies an entry of a stream, and orders the entries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// Mostly when the entry was added, in Unix milliseconds.
    pub ms: u64,
    /// Orders entries of the same millisecond.
    pub seq: u64,
}

impl Id {
    /// The least identifier, which no entry has.
    pub const MIN: Id = Id { ms: 0, seq: 0 };
    /// The greatest identifier.
    pub const MAX: Id = Id { ms: u64::MAX, seq: u64::MAX };

    /// An identifier of its two parts.
    pub const fn new(ms: u64, seq: u64) -> Id {
        Id { ms, seq }
    }

    /// The one after this; `None` after the last.
    pub fn next(self) -> Option<Id> {
        match self.seq.checked_add(1) {
            Some(seq) => Some(Id { seq, ..self }),
            None => Some(Id { ms: self.ms.checked_add(1)?, seq: 0 }),
        }
    }

    /// The one before this; `None` before the first.
    pub fn previous(self) -> Option<Id> {
        match self.seq.checked_sub(1) {
            Some(seq) => Some(Id { seq, ..self }),
            None => Some(Id { ms: self.ms.checked_sub(1)?, seq: u64::MAX }),
        }
    }

    /// The identifier as its 16 bytes in the order of identifiers.
    pub fn to_number(self) -> u128 {
        u128::from(self.ms) << 64 | u128::from(self.seq)
    }

    /// The identifier as clients write it: `ms-seq`.
    #[inline]
    pub fn text(self) -> Text {
        let (mut ms, mut seq) = (itoa::Buffer::new(), itoa::Buffer::new());
        let mut text = Text { bytes: [b'-'; MAX_TEXT], len: 0 };
        let (ms, seq) = (ms.format(self.ms).as_bytes(), seq.format(self.seq).as_bytes());
        text.bytes[..ms.len()].copy_from_slice(ms);
        text.len = ms.len() + 1 + seq.len();
        text.bytes[ms.len() + 1..text.len].copy_from_slice(seq);
        text
    }
}

/// The text of an [`Id`].
#[derive(Clone, Copy)]
pub struct Text {
    bytes: [u8; MAX_TEXT],
    len: usize,
}

impl Text {
    /// Its bytes.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours() {
        for (id, next) in [
            (Id::MIN, Some(Id::new(0, 1))),
            (Id::new(1, u64::MAX), Some(Id::new(2, 0))),
            (Id::new(u64::MAX, 7), Some(Id::new(u64::MAX, 8))),
            (Id::MAX, None),
        ] {
            assert_eq!(id.next(), next);
            assert!(next.is_none_or(|next| next.previous() == Some(id) && id < next));
        }
        assert_eq!(Id::MIN.previous(), None);
    }

    #[test]
    fn texts() {
        assert_eq!(Id::new(5, 0).text().as_bytes(), b"5-0");
        let longest = Id::MAX.text();
        assert_eq!(longest.as_bytes(), b"18446744073709551615-18446744073709551615");
    }
}
