//! Memory of a segment that is still being appended to.

use memmap2::{MmapOptions, MmapRaw};

/// Zeroed, page-aligned memory outside the allocator, written through raw pointers.
///
/// Who may write where is the log's rule: bytes of records in the open frame belong to the holder
/// of the log's tail lock (and to the writer that reserved them, until it says it is done); bytes
/// of sealed frames never change, but for checksums and frame headers, which only the committer
/// writes and reads.
pub(crate) struct Buffer {
    map: MmapRaw,
}

impl Buffer {
    /// # Errors
    /// The system has no memory or no address space left.
    pub(crate) fn new(len: usize) -> std::io::Result<Buffer> {
        let map = MmapOptions::new().len(len).map_anon()?;
        Ok(Buffer { map: MmapRaw::from(map) })
    }

    pub(crate) fn base(&self) -> *mut u8 {
        self.map.as_mut_ptr()
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }
}
