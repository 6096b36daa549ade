//! What every store can do, in the words of the workloads.

use std::path::Path;

use crate::Failure;

/// How a store is opened.
#[derive(Clone, Copy)]
pub struct Setup<'a> {
    /// Its directory, which exists.
    pub dir: &'a Path,
    /// Whether a write is on disk when it returns.
    pub synced: bool,
    /// Number of shards of a store that has shards.
    pub shards: u16,
    /// Bytes of memory for a store that can be told; `None` for its default.
    pub memory: Option<u64>,
}

/// A store under measurement. Methods are generic instead of taking trait objects, so that nothing
/// but the store itself is measured.
pub trait Store: Sync + Sized {
    /// Opens an empty store, or the one that is there.
    fn open(setup: &Setup<'_>) -> Result<Self, Failure>;

    /// Writes each pair on its own, one after another: what happens to one does not concern the
    /// others. When it returns the writes are as durable as [`Setup::synced`] says.
    fn put_all<'p>(
        &self,
        pairs: impl Iterator<Item = (&'p [u8], &'p [u8])> + Clone,
    ) -> Result<(), Failure>;

    /// Writes pairs in whatever way is fastest; not to be measured.
    fn load<'p>(
        &self,
        pairs: impl Iterator<Item = (&'p [u8], &'p [u8])> + Clone,
    ) -> Result<(), Failure> {
        self.put_all(pairs)
    }

    /// Shows the value of each key to `visit`, with the key's position in `keys`, in any order.
    fn get_all<K: AsRef<[u8]>>(
        &self,
        keys: &[K],
        visit: impl FnMut(usize, Option<&[u8]>),
    ) -> Result<(), Failure>;

    /// Shows every key and value to `visit`.
    fn scan(&self, visit: impl FnMut(&[u8], &[u8])) -> Result<(), Failure>;

    /// Does what would be done in the background sooner or later, as far as the store can be asked.
    fn settle(&self) -> Result<(), Failure>;

    /// Reads so far that found their key on disk only, for a store that knows.
    fn cold_reads(&self) -> u64 {
        0
    }

    /// Closes the store.
    fn close(self) -> Result<(), Failure>;
}
