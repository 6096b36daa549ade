//! A set of integers: sorted, all with as many bytes as the widest needs.

use ferric_engine::Malformed;

/// The integers in `bytes`, each in `width` (2, 4 or 8) bytes, little-endian, ascending.
#[derive(Clone, Copy)]
pub(super) struct Integers<B> {
    width: usize,
    bytes: B,
}

impl Default for Integers<Vec<u8>> {
    fn default() -> Self {
        Integers { width: 2, bytes: Vec::new() }
    }
}

/// Bytes that a number needs.
fn width_of(number: i64) -> usize {
    if i16::try_from(number).is_ok() {
        2
    } else if i32::try_from(number).is_ok() {
        4
    } else {
        8
    }
}

/// Sign-extends a number.
#[inline]
fn read(bytes: &[u8]) -> i64 {
    match *bytes {
        [a, b] => i16::from_le_bytes([a, b]).into(),
        [a, b, c, d] => i32::from_le_bytes([a, b, c, d]).into(),
        [a, b, c, d, e, f, g, h] => i64::from_le_bytes([a, b, c, d, e, f, g, h]),
        _ => 0,
    }
}

impl<B: AsRef<[u8]>> Integers<B> {
    /// The integers in these bytes, of this width.
    pub(super) fn of(width: usize, bytes: B) -> Integers<B> {
        Integers { width, bytes }
    }

    /// Whether they are whole numbers in ascending order.
    ///
    /// # Errors
    /// They are not.
    pub(super) fn check(&self) -> Result<(), Malformed> {
        let whole = self.bytes.as_ref().len().is_multiple_of(self.width);
        let ascending = self.iter().zip(self.iter().skip(1)).all(|(a, b)| a < b);
        if whole && ascending { Ok(()) } else { Err(Malformed) }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.bytes.as_ref().len() / self.width
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.as_ref()
    }

    pub(super) fn get(&self, at: usize) -> i64 {
        self.bytes.as_ref().get(at * self.width..(at + 1) * self.width).map_or(0, read)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = i64> {
        self.bytes.as_ref().chunks_exact(self.width).map(read)
    }

    /// Where the number is, or where it belongs.
    #[inline]
    pub(super) fn find(&self, number: i64) -> Result<usize, usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = (low + high) / 2;
            match self.get(middle).cmp(&number) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Ok(middle),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Err(low)
    }
}

impl<'a> Integers<&'a [u8]> {
    pub(super) fn into_iter(self) -> impl Iterator<Item = i64> + use<'a> {
        self.bytes.chunks_exact(self.width).map(read)
    }
}

impl Integers<Vec<u8>> {
    pub(super) fn as_ref(&self) -> Integers<&[u8]> {
        Integers { width: self.width, bytes: &self.bytes }
    }

    /// Adds a number. False if it was there.
    pub(super) fn insert(&mut self, number: i64) -> bool {
        let Err(at) = self.find(number) else { return false };
        if width_of(number) > self.width {
            self.widen(width_of(number));
        }
        let at = at * self.width;
        self.bytes.splice(at..at, number.to_le_bytes()[..self.width].iter().copied());
        true
    }

    /// Removes a number. False if it was not there.
    pub(super) fn remove(&mut self, number: i64) -> bool {
        let Ok(at) = self.find(number) else { return false };
        self.bytes.drain(at * self.width..(at + 1) * self.width);
        true
    }

    /// The width, and the numbers.
    pub(super) fn image(&self) -> Vec<u8> {
        [&[self.width as u8], &self.bytes[..]].concat()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    fn widen(&mut self, width: usize) {
        let mut bytes = Vec::with_capacity((self.len() + 1) * width);
        for number in self.iter() {
            bytes.extend_from_slice(&number.to_le_bytes()[..width]);
        }
        (self.width, self.bytes) = (width, bytes);
    }
}
