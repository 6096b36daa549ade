//! What goes on in the background: expired keys go, sealed segments are mapped, the next segment
//! file is prepared, large things are freed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

use crate::access::keyspace::sweep_table;
use crate::core::Core;
use crate::log::{Files, Memory, TrashBin};
use crate::shard::Space;

/// Time between two rounds.
const ROUND: Duration = Duration::from_millis(100);
/// Index tables (4,096 slots each) looked through in a round, of a space that has keys with an
/// expiry, and of one that has none.
const TABLES_A_ROUND: usize = 512;
const TABLES_A_ROUND_IDLE: usize = 4;

/// The background thread's work and what others tell it.
pub(crate) struct Sweeper {
    core: Arc<Core>,
    /// Where to prepare spare files, if that is wanted.
    spares: Option<Arc<Files>>,
    trash: Mutex<TrashBin>,
    sealed: Mutex<Vec<u64>>,
    stopping: Mutex<bool>,
    wake: Condvar,
    disk_bytes: AtomicU64,
    spare_failed: AtomicBool,
}

impl Sweeper {
    pub(crate) fn new(core: Arc<Core>, spares: Option<Arc<Files>>, trash: TrashBin) -> Sweeper {
        Sweeper {
            core,
            spares,
            trash: Mutex::new(trash),
            sealed: Mutex::new(Vec::new()),
            stopping: Mutex::new(false),
            wake: Condvar::new(),
            disk_bytes: AtomicU64::new(0),
            spare_failed: AtomicBool::new(false),
        }
    }

    /// The committer has written the last frame of a segment.
    pub(crate) fn segment_sealed(&self, id: u64) {
        self.sealed.lock().push(id);
        self.wake.notify_one();
    }

    pub(crate) fn stop(&self) {
        *self.stopping.lock() = true;
        self.wake.notify_one();
    }

    /// Size of the segment files when it was last looked up.
    pub(crate) fn disk_bytes(&self) -> u64 {
        self.disk_bytes.load(Ordering::Relaxed)
    }

    /// Works until stopped.
    pub(crate) fn run(&self) {
        let mut cursors = vec![0usize; self.core.shards.len() * usize::from(self.core.spaces)];
        // The first at once: the first segment of a new store may want it.
        while !self.prepare_spare() {}
        loop {
            self.prepare_spare();
            self.map_sealed();
            if self.core.sweeping.load(Ordering::Relaxed) {
                self.sweep(&mut cursors);
            }
            self.discount_emptied();
            self.disk_bytes.store(self.measure_disk(), Ordering::Relaxed);
            crossbeam_epoch::pin().flush();
            self.trash.lock().empty();
            let mut stopping = self.stopping.lock();
            if !*stopping {
                self.wake.wait_for(&mut stopping, ROUND);
            }
            if *stopping {
                return;
            }
        }
    }

    /// A spare that cannot be made is no failure: the committer makes the file itself then, and
    /// reports what goes wrong.
    ///
    /// False while there is more to do.
    fn prepare_spare(&self) -> bool {
        let Some(files) = &self.spares else { return true };
        if self.spare_failed.load(Ordering::Relaxed) || *self.stopping.lock() {
            return true;
        }
        files.prepare_spare().unwrap_or_else(|_| {
            self.spare_failed.store(true, Ordering::Relaxed);
            true
        })
    }

    fn map_sealed(&self) {
        let sealed = std::mem::take(&mut *self.sealed.lock());
        for id in sealed {
            let segments = &self.core.log.segments;
            let mapping = segments.on_disk(segments.start(id)).and_then(|place| {
                // Behind the segment's address range there may be a hint.
                let len = place.file.len().ok()?.min(place.end);
                place.file.map(len).ok()
            });
            // Without a mapping the segment stays in its buffer: slower to free, never wrong.
            if let Some(mapping) = mapping {
                segments.replace(id, Some(Memory::Mapped(mapping)), &self.core.log.trash);
            }
        }
    }

    fn sweep(&self, cursors: &mut [usize]) {
        let now_ms = self.core.clock.now_ms();
        let spaces = usize::from(self.core.spaces);
        for (number, cursor) in cursors.iter_mut().enumerate() {
            let (shard, space) = (&self.core.shards[number / spaces], number % spaces);
            let mut left = usize::MAX;
            while left > 0 {
                let mut shard = shard.lock();
                let Space { index, expires, .. } = &shard.spaces[space];
                let tables = index.tables();
                if index.len() == 0 {
                    break;
                }
                let most = if *expires > 0 { TABLES_A_ROUND } else { TABLES_A_ROUND_IDLE };
                left = left.min(most).min(tables);
                *cursor = (*cursor + 1) % tables;
                sweep_table(&self.core, &mut shard, space, *cursor, now_ms);
                left -= 1;
            }
        }
    }

    /// Takes the records of emptied key spaces out of the accounts, and frees the indexes.
    fn discount_emptied(&self) {
        let emptied = std::mem::take(&mut *self.core.emptied.lock());
        for (number, space) in emptied {
            for table in 0..space.index.tables() {
                let guard = crossbeam_epoch::pin();
                let mut shard = self.core.shards[number].lock();
                for slot in space.index.entries(table) {
                    shard.live.remove(self.core.origin(slot, &guard), slot);
                }
            }
        }
    }

    fn measure_disk(&self) -> u64 {
        self.core.log.segments.disk_bytes()
    }
}
