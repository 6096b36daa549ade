//! A large hash: a table, and an index of the expiries.

use ferric_engine::{Image, Malformed};

use super::Field;
use super::packed::{self, MAX_NUMBERS, Packed};
use crate::values::stream::{Id, Runs};
use crate::values::table::Table;

/// First byte of the payload of a field without an expiry; the value follows.
const PLAIN: u8 = 0;

/// First byte of the payload of a field with an expiry, which follows in 8 bytes, then the value.
const EXPIRES: u8 = 1;

/// Memory that an entry of the index takes, in bytes: its runs are about two thirds full.
const DEADLINE_BYTES: usize = 24;

/// Fields in a table.
#[derive(Clone, Default)]
pub(super) struct Fields {
    table: Table,
    /// Expiry and hash of each field that has one. In runs like a stream's identifiers, which are
    /// pairs of numbers too: so a clone shares them.
    deadlines: Runs<Id>,
}

/// An expiry, with the hash of the field's name.
fn deadline(expiry_ms: u64, name: &[u8]) -> Id {
    Id::new(expiry_ms, Table::hash(name))
}

#[inline]
fn read(payload: &[u8]) -> Field<'_> {
    match payload {
        [EXPIRES, rest @ ..] => match rest.split_first_chunk() {
            Some((expiry, value)) => Field { value, expiry_ms: u64::from_le_bytes(*expiry) },
            None => Field { value: rest, expiry_ms: 0 },
        },
        [_, value @ ..] => Field { value, expiry_ms: 0 },
        [] => Field { value: &[], expiry_ms: 0 },
    }
}

impl Fields {
    /// The fields of an image that has been checked.
    ///
    /// # Errors
    /// A name is there twice.
    pub(super) fn of(image: Packed<&[u8]>) -> Result<Fields, Malformed> {
        let mut fields = Fields::default();
        for (name, field) in image.entries() {
            fields.set(name, field);
        }
        if fields.len() == image.len() { Ok(fields) } else { Err(Malformed) }
    }

    /// Number of fields, with those that are over.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }

    #[inline]
    pub(super) fn get(&self, name: &[u8]) -> Option<Field<'_>> {
        self.table.get(name).map(read)
    }

    pub(super) fn table(&self) -> &Table {
        &self.table
    }

    /// A field of the table, from its payload.
    #[inline]
    pub(super) fn field<'p>(&self, payload: &'p [u8]) -> Field<'p> {
        read(payload)
    }

    /// Names and fields.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&[u8], Field<'_>)> {
        self.table.iter().map(|(name, payload)| (name, read(payload)))
    }

    /// Number of fields with an expiry.
    pub(super) fn expiring(&self) -> usize {
        self.deadlines.len()
    }

    /// Number of fields that are over at this time.
    pub(super) fn over(&self, now_ms: u64) -> usize {
        self.past(now_ms).count()
    }

    /// Names of fields that are over, those first that were over first.
    pub(super) fn names_over(&self, now_ms: u64) -> impl Iterator<Item = &[u8]> {
        self.past(now_ms).flat_map(move |past| {
            let same = self.table.with_hash(past.seq);
            same.filter(move |(_, payload)| read(payload).expiry_ms == past.ms)
                .map(|(name, _)| name)
        })
    }

    /// The deadlines before this time, in order.
    fn past(&self, now_ms: u64) -> impl Iterator<Item = &Id> {
        self.deadlines.iter().take_while(move |deadline| deadline.ms < now_ms)
    }

    /// The earliest expiry of a field.
    pub(super) fn first_expiry(&self) -> Option<u64> {
        self.deadlines.first().map(|deadline| deadline.ms)
    }

    /// The latest expiry of a field.
    pub(super) fn last_expiry(&self) -> Option<u64> {
        self.deadlines.last().map(|deadline| deadline.ms)
    }

    pub(super) fn set(&mut self, name: &[u8], field: Field<'_>) {
        if !self.deadlines.is_empty() {
            self.forget_deadline(name);
        }
        let mut payload = Vec::with_capacity(field.value.len() + 9);
        if field.expiry_ms == 0 {
            payload.push(PLAIN);
        } else {
            payload.push(EXPIRES);
            payload.extend_from_slice(&field.expiry_ms.to_le_bytes());
            self.deadlines.insert(deadline(field.expiry_ms, name));
        }
        payload.extend_from_slice(field.value);
        self.table.insert(name, &payload);
    }

    pub(super) fn remove(&mut self, name: &[u8]) {
        if !self.deadlines.is_empty() {
            self.forget_deadline(name);
        }
        self.table.remove(name);
    }

    pub(super) fn set_expiry(&mut self, name: &[u8], expiry_ms: u64) {
        if let Some(field) = self.get(name) {
            let value = field.value.to_vec();
            self.set(name, Field { value: &value, expiry_ms });
        }
    }

    fn forget_deadline(&mut self, name: &[u8]) {
        if let Some(Field { expiry_ms: expiry_ms @ 1.., .. }) = self.get(name) {
            self.deadlines.remove(deadline(expiry_ms, name));
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.table.heap_bytes() + self.deadlines.len() * DEADLINE_BYTES
    }

    /// About the length of the image: lengths of names and values may take more bytes than here.
    pub(super) fn image_len(&self) -> usize {
        const LENGTHS: usize = 2;
        self.table.content_bytes() + self.len() * LENGTHS + MAX_NUMBERS
    }

    pub(super) fn freeze(&self) -> Frozen {
        let expiring = !self.deadlines.is_empty();
        Frozen { table: self.table.clone(), expiring, next: None }
    }
}

/// The image of a large hash.
pub(super) struct Frozen {
    table: Table,
    expiring: bool,
    /// The chunk to write next; `None`: the header.
    next: Option<usize>,
}

impl Image for Frozen {
    fn write(&mut self, out: &mut Vec<u8>, budget: usize) -> bool {
        let start = out.len();
        let mut chunk = self.next.unwrap_or_else(|| {
            packed::write_header(out, self.table.len(), self.expiring);
            0
        });
        while chunk < self.table.chunks() && out.len() - start < budget {
            for (name, payload) in self.table.entries_of(chunk) {
                packed::write(out, name, read(payload));
            }
            chunk += 1;
        }
        self.next = Some(chunk);
        chunk < self.table.chunks()
    }
}
