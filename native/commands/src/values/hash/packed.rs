//! A hash as its image: a count, and fields one after another.

use std::ops::Range;

use ferric_engine::Malformed;

use super::Field;
use crate::values::wire::{self, Reader, put_bytes, put_number};

/// Room for the numbers before a name, before a value and for an expiry, in bytes.
pub(super) const MAX_NUMBERS: usize = 3 * wire::MAX_NUMBER;

/// The fields in `entries`.
#[derive(Clone, Copy, Default)]
pub(super) struct Packed<B> {
    len: usize,
    /// Whether a field has an expiry, or may have had one.
    expiring: bool,
    entries: B,
}

/// Reads a field and its name.
#[inline]
fn read<'b>(reader: &mut Reader<'b>) -> Result<(&'b [u8], Field<'b>), Malformed> {
    let head = reader.size()?;
    let name = reader.take(head >> 1)?;
    let expiry_ms = if head & 1 == 1 { reader.number()? } else { 0 };
    Ok((name, Field { value: reader.bytes()?, expiry_ms }))
}

/// Appends a field to an image.
pub(super) fn write(out: &mut Vec<u8>, name: &[u8], field: Field<'_>) {
    put_number(out, (name.len() as u64) << 1 | u64::from(field.expiry_ms != 0));
    out.extend_from_slice(name);
    if field.expiry_ms != 0 {
        put_number(out, field.expiry_ms);
    }
    put_bytes(out, field.value);
}

/// What an image begins with.
pub(super) fn write_header(out: &mut Vec<u8>, len: usize, expiring: bool) {
    put_number(out, (len as u64) << 1 | u64::from(expiring));
}

impl<'a> Packed<&'a [u8]> {
    /// The hash with this image.
    #[inline]
    pub(super) fn of(image: &'a [u8]) -> Packed<&'a [u8]> {
        let mut reader = Reader::new(image);
        let head = reader.size().unwrap_or(0);
        Packed { len: head >> 1, expiring: head & 1 == 1, entries: reader.rest() }
    }

    /// Whether the image is well-formed.
    ///
    /// # Errors
    /// It is not.
    pub(super) fn check(self) -> Result<(), Malformed> {
        let (mut reader, mut count, mut expiring) = (Reader::new(self.entries), 0, false);
        while !reader.is_empty() {
            expiring |= read(&mut reader)?.1.expiry_ms != 0;
            count += 1;
        }
        if count == self.len && (self.expiring || !expiring) { Ok(()) } else { Err(Malformed) }
    }

    /// Bytes of the fields, with their lengths.
    pub(super) fn bytes(self) -> usize {
        self.entries.len()
    }

    /// Names and fields.
    #[inline]
    pub(super) fn entries(self) -> impl Iterator<Item = (&'a [u8], Field<'a>)> + use<'a> {
        let mut reader = Reader::new(self.entries);
        std::iter::from_fn(move || read(&mut reader).ok())
    }

    /// The field of this name.
    #[inline]
    pub(super) fn get(self, name: &[u8]) -> Option<Field<'a>> {
        Some(self.find(name)?.1)
    }

    /// The field, and where it stands.
    #[inline]
    fn find(self, name: &[u8]) -> Option<(Range<usize>, Field<'a>)> {
        let mut reader = Reader::new(self.entries);
        loop {
            let start = self.entries.len() - reader.rest().len();
            let head = reader.size().ok()?;
            let found = reader.take(head >> 1).ok()?;
            let expiry_ms = if head & 1 == 1 { reader.number().ok()? } else { 0 };
            let value = reader.bytes().ok()?;
            if found == name {
                let end = self.entries.len() - reader.rest().len();
                return Some((start..end, Field { value, expiry_ms }));
            }
        }
    }

    /// A copy that can be changed.
    pub(super) fn to_owned(self) -> Packed<Vec<u8>> {
        Packed { len: self.len, expiring: self.expiring, entries: self.entries.to_vec() }
    }
}

impl<B> Packed<B> {
    /// Number of fields, with those that are over.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether a field may have an expiry.
    #[inline]
    pub(super) fn is_expiring(&self) -> bool {
        self.expiring
    }
}

impl Packed<Vec<u8>> {
    pub(super) fn as_ref(&self) -> Packed<&[u8]> {
        Packed { len: self.len, expiring: self.expiring, entries: &self.entries }
    }

    /// Length of the image, in bytes.
    pub(super) fn image_len(&self) -> usize {
        wire::number_len((self.len as u64) << 1) + self.entries.len()
    }

    pub(super) fn image(&self) -> Vec<u8> {
        let mut image = Vec::with_capacity(self.image_len());
        write_header(&mut image, self.len, self.expiring);
        image.extend_from_slice(&self.entries);
        image
    }

    /// A field that is there keeps its place, as in Redis's listpacks.
    pub(super) fn set(&mut self, name: &[u8], field: Field<'_>) {
        self.expiring |= field.expiry_ms != 0;
        let Some((range, old)) = self.as_ref().find(name) else {
            self.len += 1;
            self.entries.reserve(name.len() + field.value.len() + MAX_NUMBERS);
            return write(&mut self.entries, name, field);
        };
        if old.value.len() == field.value.len() && old.expiry_ms == field.expiry_ms {
            let value = range.end - field.value.len()..range.end;
            return self.entries[value].copy_from_slice(field.value);
        }
        let mut entry = Vec::with_capacity(name.len() + field.value.len() + MAX_NUMBERS);
        write(&mut entry, name, field);
        self.entries.splice(range, entry);
    }

    /// Removes a field, if it is there.
    pub(super) fn remove(&mut self, name: &[u8]) {
        if let Some((range, _)) = self.as_ref().find(name) {
            self.entries.drain(range);
            self.len -= 1;
        }
        self.forget_expiry();
    }

    /// Changes the expiry of a field, if it is there.
    pub(super) fn set_expiry(&mut self, name: &[u8], expiry_ms: u64) {
        if let Some(field) = self.as_ref().get(name) {
            let value = field.value.to_vec();
            self.set(name, Field { value: &value, expiry_ms });
        }
        self.forget_expiry();
    }

    fn forget_expiry(&mut self) {
        if self.expiring {
            let any = self.as_ref().entries().any(|(_, field)| field.expiry_ms != 0);
            self.expiring = any;
        }
    }
}
