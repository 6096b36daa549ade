//! A shard: the part of every key space that one lock protects.

use crate::index::Index;
use crate::record::{HEADER, Header};

/// Deletions are remembered by this many hash classes, see `Shard::deleted`.
const DELETED: usize = 256;

/// One key space's part of a shard.
pub(crate) struct Space {
    /// Incarnation: emptying a space gives it a new one, and the records of the old are garbage.
    pub id: u32,
    pub index: Index,
    /// Keys with an expiry.
    pub expires: u64,
    /// Whoever reads the space depends on this position: the last flush or swap.
    pub lsn: u64,
}

impl Space {
    pub(crate) fn new(id: u32) -> Space {
        Space { id, index: Index::new(), expires: 0, lsn: 0 }
    }
}

/// What a shard's lock protects.
pub(crate) struct Shard {
    pub spaces: Vec<Space>,
    /// The newest position, just behind it, of a deletion by class of key hash: who finds no key
    /// depends on it, since a crash could bring the key back while the deletion is not durable.
    deleted: Box<[u64; DELETED]>,
}

impl Shard {
    pub(crate) fn new(spaces: impl IntoIterator<Item = u32>) -> Shard {
        Shard {
            spaces: spaces.into_iter().map(Space::new).collect(),
            deleted: Box::new([0; DELETED]),
        }
    }

    pub(crate) fn deleted(&self, hash: u32) -> u64 {
        self.deleted[hash as usize % DELETED]
    }

    pub(crate) fn note_deletion(&mut self, hash: u32, lsn: u64) {
        let class = &mut self.deleted[hash as usize % DELETED];
        *class = lsn.max(*class);
    }
}

/// A record in memory.
///
/// The holder of a shard's lock may read the records its index points to: their bytes only change
/// under that lock.
#[derive(Clone, Copy)]
pub(crate) struct RecordRef(*const u8);

impl RecordRef {
    /// # Safety
    /// `at` points to a whole record that stays in memory, unchanged but for its checksum, for as
    /// long as the result is used.
    pub(crate) unsafe fn new(at: *const u8) -> RecordRef {
        RecordRef(at)
    }

    pub(crate) fn header(self) -> Header {
        let mut bytes = [0u8; HEADER];
        // SAFETY: by `new`'s promise a header is here; the checksum, which the committer may be
        // writing, is left out.
        unsafe {
            std::ptr::copy_nonoverlapping(self.0.add(4), bytes.as_mut_ptr().add(4), HEADER - 4)
        };
        Header::decode(&bytes).expect("the index points to records only")
    }

    /// Whether the record is of this key; reads no more than it must.
    pub(crate) fn has_key(self, key: &[u8]) -> bool {
        // SAFETY: by `new`'s promise a record is here: its key length at offset 4, its key behind
        // the header.
        unsafe {
            let len = u32::from_le_bytes(self.0.add(4).cast::<[u8; 4]>().read());
            len as usize == key.len()
                && std::slice::from_raw_parts(self.0.add(HEADER), key.len()) == key
        }
    }

    /// Key and value. The lifetime is the caller's to choose, within `new`'s promise.
    ///
    /// # Safety
    /// The record stays as it is for `'a`.
    pub(crate) unsafe fn content<'a>(self, header: &Header) -> (&'a [u8], &'a [u8]) {
        // SAFETY: key and value follow the header; see `new` and this function's promise.
        unsafe {
            let key = self.0.add(HEADER);
            let value = key.add(header.key_len as usize);
            (
                std::slice::from_raw_parts(key, header.key_len as usize),
                std::slice::from_raw_parts(value, header.value_len as usize),
            )
        }
    }
}
