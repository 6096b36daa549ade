//! A small set as its image: a count, and members one after another.

use ferric_engine::Malformed;

use super::MEMBERS;
use crate::values::wire::{self, Reader, put_bytes, put_number};

/// The members in `entries`.
#[derive(Clone, Copy, Default)]
pub(super) struct Packed<B> {
    len: usize,
    entries: B,
}

impl<'a> Packed<&'a [u8]> {
    /// The set that such an image describes, after its first byte.
    #[inline]
    pub(super) fn of(image: &'a [u8]) -> Packed<&'a [u8]> {
        let mut reader = Reader::new(image);
        Packed { len: reader.size().unwrap_or(0), entries: reader.rest() }
    }

    /// Whether the image is well-formed.
    ///
    /// # Errors
    /// It is not.
    pub(super) fn check(self) -> Result<(), Malformed> {
        let (mut reader, mut count) = (Reader::new(self.entries), 0);
        while !reader.is_empty() {
            reader.bytes()?;
            count += 1;
        }
        if count == self.len { Ok(()) } else { Err(Malformed) }
    }

    #[inline]
    pub(super) fn members(self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let mut reader = Reader::new(self.entries);
        std::iter::from_fn(move || reader.bytes().ok())
    }

    #[inline]
    pub(super) fn contains(self, member: &[u8]) -> bool {
        self.members().any(|other| other == member)
    }

    pub(super) fn bytes(self) -> usize {
        self.entries.len()
    }

    pub(super) fn to_owned(self) -> Packed<Vec<u8>> {
        Packed { len: self.len, entries: self.entries.to_vec() }
    }
}

impl<B> Packed<B> {
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }
}

impl Packed<Vec<u8>> {
    pub(super) fn as_ref(&self) -> Packed<&[u8]> {
        Packed { len: self.len, entries: &self.entries }
    }

    /// Adds a member. False if it was there.
    pub(super) fn insert(&mut self, member: &[u8]) -> bool {
        let new = !self.as_ref().contains(member);
        if new {
            put_bytes(&mut self.entries, member);
            self.len += 1;
        }
        new
    }

    /// Removes a member. False if it was not there.
    pub(super) fn remove(&mut self, member: &[u8]) -> bool {
        let mut end = 0;
        let found = self.as_ref().members().find_map(|other| {
            end += wire::bytes_len(other);
            (other == member).then_some(end - wire::bytes_len(other)..end)
        });
        let Some(range) = found else { return false };
        self.entries.drain(range);
        self.len -= 1;
        true
    }

    /// Length of the image, in bytes.
    pub(super) fn image_len(&self) -> usize {
        1 + wire::number_len(self.len as u64) + self.entries.len()
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.entries.capacity()
    }

    pub(super) fn image(&self) -> Vec<u8> {
        let mut image = Vec::with_capacity(self.image_len());
        image.push(MEMBERS);
        put_number(&mut image, self.len as u64);
        image.extend_from_slice(&self.entries);
        image
    }
}
