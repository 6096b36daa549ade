//! Which files carry writes that no sync has covered yet.

use std::collections::HashMap;

use parking_lot::Mutex;

/// A file, whatever its names and however often it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct FileId {
    pub(super) device: u64,
    pub(super) inode: u64,
}

/// The files with unsynced writes. Holds at most one entry for each file that was opened for
/// writing and not synced since.
#[derive(Default)]
pub(super) struct Unsynced(Mutex<Marks>);

#[derive(Default)]
struct Marks {
    last: u64,
    /// The number of the latest mark of each unsynced file.
    files: HashMap<FileId, u64>,
}

impl Unsynced {
    /// Notes that a write to the file has returned.
    pub(super) fn mark(&self, file: FileId) {
        let mut marks = self.0.lock();
        marks.last += 1;
        let stamp = marks.last;
        marks.files.insert(file, stamp);
    }

    /// True if a write to the file may not be on disk.
    pub(super) fn contains(&self, file: FileId) -> bool {
        self.0.lock().files.contains_key(&file)
    }

    /// The file's latest mark, to be taken before a sync and given to [`Unsynced::settle`] after.
    pub(super) fn stamp(&self, file: FileId) -> Option<u64> {
        self.0.lock().files.get(&file).copied()
    }

    /// Takes back the mark `seen` after a successful sync; a write that returned since keeps the
    /// file unsynced.
    pub(super) fn settle(&self, file: FileId, seen: Option<u64>) {
        let mut marks = self.0.lock();
        if seen.is_some() && marks.files.get(&file).copied() == seen {
            marks.files.remove(&file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_during_a_sync_stays_unsynced() {
        let (unsynced, file) = (Unsynced::default(), FileId { device: 1, inode: 2 });
        unsynced.mark(file);
        let seen = unsynced.stamp(file);
        unsynced.mark(file);
        unsynced.settle(file, seen);
        assert!(unsynced.contains(file));
        unsynced.settle(file, unsynced.stamp(file));
        assert!(!unsynced.contains(file));
    }
}
