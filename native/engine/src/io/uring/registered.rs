//! Files that a ring knows by number, which spares it counting references for every read.

use std::collections::HashMap;
use std::os::fd::RawFd;
use std::sync::{Arc, Weak};

use io_uring::Submitter;

use super::super::File;

/// Files registered at a time.
const SLOTS: u32 = 512;

/// A ring's table of files, filled on first use.
///
/// The ring keeps a registered file open, even one whose name is gone, so whoever owns the ring has
/// to call [`Registered::release_dropped`] now and then.
#[derive(Default)]
pub(super) struct Registered {
    slots: Vec<Option<Slot>>,
    /// Slot numbers by the address of the file's `Arc`. It stays the file's own for as long as the
    /// slot has its `Weak`, which keeps the allocation.
    index: HashMap<usize, u32>,
    hand: usize,
}

struct Slot {
    file: Weak<dyn File>,
    key: usize,
    /// Used since the hand last passed.
    recent: bool,
    /// Reads that name this slot and have not finished. The kernel looks a number up when it takes
    /// the read, so it must not change its meaning before.
    users: u32,
}

fn key_of(file: &Arc<dyn File>) -> usize {
    Arc::as_ptr(file).cast::<()>().addr()
}

impl Registered {
    /// An empty table of this ring; one without slots where the kernel has none (before Linux 5.19,
    /// or beyond a limit), so that every file goes by its descriptor.
    pub(super) fn new(submitter: &Submitter<'_>) -> Self {
        let count = submitter.register_files_sparse(SLOTS).map_or(0, |()| SLOTS);
        Self { slots: (0..count).map(|_| None).collect(), ..Self::default() }
    }

    /// The number of `file`, open as `fd`, to be given back by [`Registered::release`]; `None` if
    /// it has none and there is no room.
    pub(super) fn acquire(
        &mut self,
        submitter: &Submitter<'_>,
        file: &Arc<dyn File>,
        fd: RawFd,
    ) -> Option<u32> {
        let key = key_of(file);
        let number = match self.index.get(&key) {
            Some(number) => *number,
            None => {
                let number = self.make_room()?;
                submitter.register_files_update(number, &[fd]).ok()?;
                let file = Arc::downgrade(file);
                let slot = Slot { file, key, recent: false, users: 0 };
                self.slots[number as usize] = Some(slot);
                self.index.insert(key, number);
                number
            }
        };
        let slot = self.slots[number as usize].as_mut()?;
        slot.recent = true;
        slot.users += 1;
        Some(number)
    }

    /// Says that a read which named this slot has finished.
    pub(super) fn release(&mut self, number: u32) {
        if let Some(slot) = self.slots.get_mut(number as usize).and_then(Option::as_mut) {
            slot.users -= 1;
        }
    }

    /// True if a file is registered.
    pub(super) fn any(&self) -> bool {
        !self.index.is_empty()
    }

    /// Lets go of the files that nobody else has any more.
    pub(super) fn release_dropped(&mut self, submitter: &Submitter<'_>) {
        for (number, entry) in self.slots.iter_mut().enumerate() {
            let Some(slot) = entry else { continue };
            if slot.file.strong_count() > 0 {
                continue;
            }
            if submitter.register_files_update(number as u32, &[-1]).is_ok() {
                self.index.remove(&slot.key);
                *entry = None;
            }
        }
    }

    /// A slot that may be filled. A step of the clock algorithm (second chance) at each call: the
    /// hand takes the slot it stands at unless that was used since it last came by. One step and
    /// not a search, so that more files than slots do not replace each other at every read; what
    /// found no room is read by its descriptor meanwhile.
    fn make_room(&mut self) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let number = self.hand;
        self.hand = (self.hand + 1) % self.slots.len();
        let entry = &mut self.slots[number];
        if let Some(slot) = entry {
            if slot.users > 0 || std::mem::take(&mut slot.recent) {
                return None;
            }
            self.index.remove(&slot.key);
            *entry = None;
        }
        Some(number as u32)
    }
}

#[cfg(test)]
mod tests {
    use io_uring::IoUring;

    use super::super::super::conformance::TempDir;
    use super::super::super::{Io, OpenMode, PosixIo};
    use super::*;

    /// Runs `test` with an empty table, if this kernel has any.
    fn with_table(test: impl FnOnce(&Submitter<'_>, &mut Registered, &dyn Fn() -> Arc<dyn File>)) {
        let Ok(ring) = IoUring::new(2) else { return eprintln!("not tested here: no io_uring") };
        let mut table = Registered::new(&ring.submitter());
        if table.slots.is_empty() {
            return eprintln!("not tested here: no sparse table");
        }
        let dir = TempDir::new();
        let path = dir.path().join("f");
        PosixIo.open(&path, OpenMode::Create).unwrap();
        let open = || PosixIo.open(&path, OpenMode::Read).unwrap();
        test(&ring.submitter(), &mut table, &open);
    }

    fn use_once(
        table: &mut Registered,
        submitter: &Submitter<'_>,
        file: &Arc<dyn File>,
    ) -> Option<u32> {
        let number = table.acquire(submitter, file, 0)?;
        table.release(number);
        Some(number)
    }

    #[test]
    fn a_file_keeps_its_number_and_loses_it_when_dropped() {
        with_table(|submitter, table, open| {
            let (a, b) = (open(), open());
            let number = use_once(table, submitter, &a).unwrap();
            assert_ne!(use_once(table, submitter, &b), Some(number));
            assert_eq!(use_once(table, submitter, &a), Some(number));
            drop(a);
            table.release_dropped(submitter);
            assert_eq!(table.index.len(), 1);
            drop(b);
            table.release_dropped(submitter);
            assert!(!table.any() && table.slots.iter().all(Option::is_none));
        });
    }

    #[test]
    fn a_full_table_replaces_what_is_neither_used_nor_recent() {
        with_table(|submitter, table, open| {
            let files: Vec<_> = (0..SLOTS).map(|_| open()).collect();
            for file in &files {
                assert!(table.acquire(submitter, file, 0).is_some());
            }
            let late = open();
            for _ in 0..3 * SLOTS {
                assert_eq!(use_once(table, submitter, &late), None, "all are in use");
            }
            (0..SLOTS).for_each(|number| table.release(number));
            for number in 0..SLOTS {
                if let Some(slot) = &mut table.slots[number as usize] {
                    slot.recent = number != 7;
                }
            }
            let found = (0..SLOTS).find_map(|_| use_once(table, submitter, &late));
            assert_eq!(found, Some(7));
        });
    }
}
