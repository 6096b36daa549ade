//! Read-only bytes of a file, wherever they live.

use std::fmt;
use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::ops::Deref;

use memmap2::{Mmap, MmapOptions};

/// The first bytes of a file as one slice, kept until dropped, whatever happens to the file's name.
///
/// A kernel mapping shares the page cache, a heap mapping is a copy made when it was created:
/// whoever reads bytes that are written after [`super::File::map`] returned may see either state.
pub struct Mapping(Source);

enum Source {
    Kernel(Mmap),
    Heap(Box<[u8]>),
}

impl Mapping {
    /// Maps the first `len` bytes of `file` and reads them in (`MAP_POPULATE`).
    ///
    /// # Errors
    /// `UnexpectedEof` when the file is shorter: a page past the end of a file cannot be touched.
    pub(super) fn of_file(file: &File, len: u64) -> Result<Self> {
        if file.metadata()?.len() < len {
            return Err(Error::new(ErrorKind::UnexpectedEof, "mapping past the end of the file"));
        }
        if len == 0 {
            return Ok(Self::from_heap(Box::default()));
        }
        let len = usize::try_from(len)
            .map_err(|_| Error::new(ErrorKind::InvalidInput, "mapping exceeds address space"))?;
        // SAFETY: a map of a file is sound while nobody changes the bytes read through it and
        // nobody shortens the file. Both are the promise of `File::map`'s caller, other processes
        // are kept out by the lock on the data directory, and `len` was checked above.
        let map = unsafe { MmapOptions::new().len(len).populate().map(file)? };
        Ok(Self(Source::Kernel(map)))
    }

    /// Wraps bytes that are in memory already.
    pub(super) fn from_heap(bytes: Box<[u8]>) -> Self {
        Self(Source::Heap(bytes))
    }

    /// The mapped bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        match &self.0 {
            Source::Kernel(map) => map,
            Source::Heap(bytes) => bytes,
        }
    }
}

impl Deref for Mapping {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl AsRef<[u8]> for Mapping {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl fmt::Debug for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0 {
            Source::Kernel(_) => "kernel",
            Source::Heap(_) => "heap",
        };
        f.debug_struct("Mapping").field("kind", &kind).field("len", &self.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mapping_crosses_threads() {
        fn assert_send_sync<T: Send + Sync>() {}
        assert_send_sync::<Mapping>();
    }

    #[test]
    fn heap_mapping_is_its_bytes() {
        let mapping = Mapping::from_heap(Box::from(&b"abc"[..]));
        assert_eq!(&*mapping, b"abc");
        assert_eq!(mapping.len(), 3);
        assert!(format!("{mapping:?}").contains("heap"));
    }
}
