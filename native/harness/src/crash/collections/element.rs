//! What elements are made of.

/// An element: the number of the command that wrote it, and which of its elements it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) sequence: u64,
    pub(super) place: u32,
}

/// The shortest and the longest filling, in bytes.
const FILLING: (u64, u64) = (10, 220);

impl Element {
    /// Its bytes, as `writer` writes it: `writer.sequence.place.` and a filling whose length and
    /// letters depend on these.
    pub(super) fn bytes(self, writer: usize) -> Vec<u8> {
        let Element { sequence, place } = self;
        let mut bytes = format!("{writer}.{sequence}.{place}.").into_bytes();
        let salt = sequence.wrapping_mul(31).wrapping_add(u64::from(place) * 7);
        let len = FILLING.0 + salt % (FILLING.1 - FILLING.0);
        bytes.extend((0..len).map(|at| b'a' + ((salt + at) % 26) as u8));
        bytes
    }

    /// The element with these bytes.
    ///
    /// # Errors
    /// `writer` never wrote them.
    pub(super) fn parse(writer: usize, bytes: &[u8]) -> Result<Element, String> {
        let wrong = || format!("no element: {}", crate::text::quote(bytes));
        let mut parts = bytes.splitn(4, |&byte| byte == b'.');
        let mut number =
            || -> Option<u64> { std::str::from_utf8(parts.next()?).ok()?.parse().ok() };
        let (_, sequence, place) =
            (number(), number().ok_or_else(wrong)?, number().ok_or_else(wrong)?);
        let place = u32::try_from(place).map_err(|_| wrong())?;
        let element = Element { sequence, place };
        if element.bytes(writer) == bytes { Ok(element) } else { Err(wrong()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_told_by_their_bytes() {
        for (sequence, place) in [(1, 0), (77, 3), (1 << 40, 99)] {
            let element = Element { sequence, place };
            let mut bytes = element.bytes(4);
            assert_eq!(Element::parse(4, &bytes), Ok(element));
            assert!(Element::parse(3, &bytes).is_err());
            *bytes.last_mut().expect("a filling") ^= 1;
            assert!(Element::parse(4, &bytes).is_err());
            bytes.pop();
            assert!(Element::parse(4, &bytes).is_err());
        }
        assert!(Element::parse(0, b"").is_err() && Element::parse(0, b"0.1.").is_err());
    }
}
