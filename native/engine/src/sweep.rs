//! What goes on in the background: expired keys go, memory is kept to its budget, the next segment
//! file is prepared, large things are freed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

mod expiry;

use crate::core::Core;
use crate::log::{Files, TrashBin};
use expiry::Expiry;

/// Time between two rounds.
const ROUND: Duration = Duration::from_millis(100);

/// Rounds between two tries to prepare a spare file.
const SPARE_PAUSE: u32 = 50;

/// The background thread's work and what others tell it.
pub(crate) struct Sweeper {
    core: Arc<Core>,
    files: Arc<Files>,
    /// Whether to prepare spare files.
    spares: bool,
    trash: Mutex<TrashBin>,
    stopping: Mutex<bool>,
    wake: Condvar,
    disk_bytes: AtomicU64,
    /// Rounds to wait before another try to prepare a spare file.
    spare_pause: AtomicU32,
}

impl Sweeper {
    pub(crate) fn new(
        core: Arc<Core>,
        files: Arc<Files>,
        spares: bool,
        trash: TrashBin,
    ) -> Sweeper {
        Sweeper {
            core,
            files,
            spares,
            trash: Mutex::new(trash),
            stopping: Mutex::new(false),
            wake: Condvar::new(),
            disk_bytes: AtomicU64::new(0),
            spare_pause: AtomicU32::new(0),
        }
    }

    /// The committer has written the last frame of a segment: memory may be over its budget.
    pub(crate) fn segment_sealed(&self) {
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
        let mut expiry = Expiry::new(&self.core);
        // The first at once: the first segment of a new store may want it.
        while !self.prepare_spare() {}
        loop {
            self.prepare_spare();
            self.core.keep_to_budget(&|| *self.stopping.lock());
            expiry.round(&self.core);
            self.discount_emptied();
            self.disk_bytes.store(self.measure_disk(), Ordering::Relaxed);
            self.watch_room();
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
        if !self.spares || *self.stopping.lock() {
            return true;
        }
        let pause = self.spare_pause.load(Ordering::Relaxed);
        if pause > 0 {
            self.spare_pause.store(pause - 1, Ordering::Relaxed);
            return true;
        }
        self.files.prepare_spare(self.disk_bytes()).unwrap_or_else(|_| {
            self.spare_pause.store(SPARE_PAUSE, Ordering::Relaxed);
            true
        })
    }

    /// Writes are refused before they find the disk full, and accepted again when it no longer is.
    fn watch_room(&self) {
        let log = &self.core.log;
        let full = !self.files.has_room(self.disk_bytes());
        if full != log.is_full() {
            log.set_full(full);
            log.kick_now();
        }
    }

    /// Takes the records of emptied key spaces out of the accounts, and frees the indexes.
    fn discount_emptied(&self) {
        let emptied = std::mem::take(&mut *self.core.emptied.lock());
        for (number, mut space) in emptied {
            for table in 0..space.index.tables() {
                let guard = crossbeam_epoch::pin();
                let mut shard = self.core.shards[number].lock();
                for slot in space.index.entries(table) {
                    self.core.leave(&mut shard.live, &mut space.chains, slot, &guard);
                }
            }
        }
    }

    fn measure_disk(&self) -> u64 {
        self.core.log.segments.disk_bytes()
    }
}
