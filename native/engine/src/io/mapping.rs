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
    /// Maps the first `len` bytes of `file`, and reads them in if `populate` (`MAP_POPULATE`).
    ///
    /// # Errors
    /// `UnexpectedEof` when the file is shorter: a page past the end of a file cannot be touched.
    pub(super) fn of_file(file: &File, len: u64, populate: bool) -> Result<Self> {
        if file.metadata()?.len() < len {
            return Err(Error::new(ErrorKind::UnexpectedEof, "mapping past the end of the file"));
        }
        if len == 0 {
            return Ok(Self::from_heap(Box::default()));
        }
        let len = usize::try_from(len)
            .map_err(|_| Error::new(ErrorKind::InvalidInput, "mapping exceeds address space"))?;
        let mut options = MmapOptions::new();
        options.len(len);
        if populate {
            options.populate();
        }
        // SAFETY: a map of a file is sound while nobody changes the bytes read through it and
        // nobody shortens the file. Both are the promise of `File::map`'s caller, other processes
        // are kept out by the lock on the data directory, and `len` was checked above.
        let map = unsafe { options.map(file)? };
        Ok(Self(Source::Kernel(map)))
    }

    /// Wraps bytes that are in memory already.
    pub(super) fn from_heap(bytes: Box<[u8]>) -> Self {
        Self(Source::Heap(bytes))
    }

    /// Brings all bytes into memory and keeps them there (mlock). False if that is not allowed here
    /// (RLIMIT_MEMLOCK): then touching them may read from the disk. A copy on the heap is in memory
    /// as it is.
    #[must_use]
    pub fn lock(&self) -> bool {
        match &self.0 {
            Source::Kernel(map) => map.lock().is_ok(),
            Source::Heap(_) => true,
        }
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

    /// Kilobytes of the mapping that holds `address`, by a field of /proc/self/smaps.
    fn kilobytes(field: &str, address: usize) -> u64 {
        let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let mut inside = false;
        for line in smaps.lines() {
            let first = line.split(' ').next().unwrap();
            let bounds = first.split_once('-').and_then(|(start, end)| {
                let parse = |hex| usize::from_str_radix(hex, 16).ok();
                Some((parse(start)?, parse(end)?))
            });
            if let Some((start, end)) = bounds {
                inside = (start..end).contains(&address);
            } else if inside && first.strip_suffix(':') == Some(field) {
                return line.split_whitespace().nth(1).unwrap().parse().unwrap();
            }
        }
        panic!("no {field} at {address:x}");
    }

    #[test]
    fn a_lazy_mapping_is_read_when_it_is_locked() {
        use crate::io::conformance::TempDir;
        let dir = TempDir::new();
        let path = dir.path().join("f");
        // 2 MiB more than is mapped, so that no page fault maps all there is at once.
        std::fs::write(&path, vec![7; 4 << 20]).unwrap();
        let file = File::open(&path).unwrap();
        let lazy = Mapping::of_file(&file, 2 << 20, false).unwrap();
        assert_eq!(kilobytes("Rss", lazy.as_ptr().addr()), 0);
        if !lazy.lock() {
            return eprintln!("not tested here: locking memory is not allowed");
        }
        assert_eq!(kilobytes("Rss", lazy.as_ptr().addr()), 2 << 10);
        assert_eq!(kilobytes("Locked", lazy.as_ptr().addr()), 2 << 10);
        let populated = Mapping::of_file(&file, 2 << 20, true).unwrap();
        assert_eq!(kilobytes("Rss", populated.as_ptr().addr()), 2 << 10);
        assert_eq!(kilobytes("Locked", populated.as_ptr().addr()), 0);
    }

    #[test]
    fn heap_mapping_is_its_bytes() {
        let mapping = Mapping::from_heap(Box::from(&b"abc"[..]));
        assert_eq!(&*mapping, b"abc");
        assert_eq!(mapping.len(), 3);
        assert!(mapping.lock());
        assert!(format!("{mapping:?}").contains("heap"));
    }
}
