//! An open store: its threads, and the way in.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;

use parking_lot::Mutex;

use crate::Lsn;
use crate::access::{Access, Missing};
use crate::backup::{Backup, BackupDone};
use crate::core::Core;
use crate::error::{CloseError, OpenError};
use crate::io::LockGuard;
use crate::log::{Files, Waiter};
use crate::maintain::{LogEnded, Maintainer, Worker};
use crate::options::{Durability, Options};
use crate::recovery::{self, Report};
use crate::stats::Stats;
use crate::sweep::Sweeper;

/// Stack of the engine's own threads.
const STACK_BYTES: usize = 2 << 20;

/// Reads that a fetching thread has in flight.
const FETCH_DEPTH: usize = 128;

/// A store that is open. Dropping it without [`Engine::close`] still makes everything durable, in
/// the background.
pub struct Engine {
    core: Arc<Core>,
    sweeper: Arc<Sweeper>,
    maintainer: Arc<Maintainer>,
    report: Report,
    files: Arc<Files>,
    /// The directory's lock, for as long as a thread of the engine lives.
    lock: Weak<dyn LockGuard>,
    /// A backup is under way.
    backing_up: Arc<AtomicBool>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Engine {
    /// Opens the store in `options.dir`, creating it if the directory has none, and recovers
    /// everything that was durable.
    ///
    /// # Errors
    /// See [`OpenError`]. Damaged data are reported and left as they are.
    pub fn open(options: Options) -> Result<Arc<Engine>, OpenError> {
        let recovered = recovery::open(&options)?;
        let core = recovered.core;
        let sweeper = Arc::new(Sweeper::new(
            Arc::clone(&core),
            Arc::clone(&recovered.files),
            options.spare_segments,
            recovered.trash,
        ));
        let mut committer = recovered.committer;
        let maintainer = Maintainer::new(Arc::clone(&core));
        let worker = Worker::new(Arc::clone(&maintainer), recovered.start, &options);
        let notify = (Arc::clone(&sweeper), Arc::clone(&maintainer));
        committer.segment_sealed = Box::new(move |number| {
            notify.0.segment_sealed();
            notify.1.segment_sealed(number);
        });
        let lock: Arc<dyn LockGuard> = Arc::from(recovered.lock);
        let mut threads = Vec::new();
        let mut spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            // Each thread keeps the directory locked until it has ended.
            let lock = Arc::clone(&lock);
            let thread = std::thread::Builder::new().name(name.into()).stack_size(STACK_BYTES);
            let thread = thread.spawn(move || {
                run();
                drop(lock);
            });
            thread
                .map(|handle| threads.push(handle))
                .map_err(OpenError::io("start thread", &options.dir))
        };
        let ended = LogEnded(Arc::clone(&maintainer));
        let commit = move || {
            let _ended = ended;
            crate::log::run_committer(committer);
        };
        let started = spawn("ferric-commit", Box::new(commit));
        let background = Arc::clone(&sweeper);
        let started =
            started.and_then(|()| spawn("ferric-sweep", Box::new(move || background.run())));
        let fetch = (Arc::clone(&core), options.io.reader(FETCH_DEPTH));
        let started = started.and_then(|()| match fetch {
            (core, Ok(reader)) => {
                spawn("ferric-fetch", Box::new(move || core.fetcher.run(reader, &*core)))
            }
            (_, Err(error)) => Err(OpenError::io("start reading", &options.dir)(error)),
        });
        let objects = Arc::clone(&core);
        let started = started.and_then(|()| {
            spawn("ferric-objects", Box::new(move || objects.objects.run(&objects)))
        });
        let started =
            started.and_then(|()| spawn("ferric-maintain", Box::new(move || worker.run())));
        // Dropping the engine stops those that run.
        let (report, files, lock) = (recovered.report, recovered.files, Arc::downgrade(&lock));
        let (backing_up, threads) = (Arc::default(), Mutex::new(threads));
        let engine = Engine { core, sweeper, maintainer, report, files, lock, backing_up, threads };
        let engine = Arc::new(engine);
        started.map(|()| engine)
    }

    /// Takes no more writes, makes everything durable, takes a checkpoint if there is anything new,
    /// stops the threads and releases the directory. Closing again does nothing.
    ///
    /// # Errors
    /// The log had failed, or fails now.
    pub fn close(&self) -> Result<(), CloseError> {
        self.stop();
        for thread in self.threads.lock().drain(..) {
            // A thread that panicked has poisoned nothing that is still used.
            drop(thread.join());
        }
        match self.core.log.failure() {
            Some(failure) => Err(CloseError::Failed(failure.0.clone())),
            None => Ok(()),
        }
    }

    /// What the threads share.
    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.core
    }

    fn stop(&self) {
        self.core.stopped.store(true, Ordering::Relaxed);
        self.core.fetcher.stop();
        self.core.objects.stop();
        self.maintainer.merging.stop();
        self.core.log.stop();
        self.sweeper.stop();
    }

    /// Begins a batch of commands at the wall-clock time `now_ms`, Unix milliseconds.
    pub fn enter(&self, now_ms: u64) -> Access<'_> {
        Access::new(&self.core, now_ms)
    }

    /// Number of shards.
    pub fn shards(&self) -> usize {
        self.core.shards.len()
    }

    /// Number of key spaces.
    pub fn spaces(&self) -> usize {
        usize::from(self.core.spaces)
    }

    /// When a write counts as done.
    pub fn durability(&self) -> Durability {
        self.core.log.durability()
    }

    /// Position below which everything survives a crash.
    pub fn durable(&self) -> Lsn {
        self.core.log.durable()
    }

    /// Whether everything below `lsn` survives a crash.
    pub fn is_durable(&self, lsn: Lsn) -> bool {
        self.durable() >= lsn
    }

    /// The position that is durable once everything written so far is.
    pub fn written(&self) -> Lsn {
        self.core.log.written()
    }

    /// Has `waiter` called from the committer's thread once `lsn` is durable, or when the log
    /// fails. Gives it back, uncalled, when there is nothing to wait for (or the log has failed:
    /// see [`Engine::failure`]).
    pub fn wait_durable(&self, lsn: Lsn, waiter: Waiter) -> Option<Waiter> {
        self.core.log.wait_durable(lsn, waiter)
    }

    /// Has `waiter` called once a write that was refused as [`crate::WriteError::Busy`] may be
    /// tried again. Gives it back, uncalled, when it may be at once.
    pub fn wait_room(&self, waiter: Waiter) -> Option<Waiter> {
        self.core.log.wait_room(waiter)
    }

    /// Stops the removal of garbage from the files, or lets it go on. A round under way is given up
    /// within a fraction of a second.
    pub fn merge_pause(&self, on: bool) {
        self.maintainer.merging.pause(on);
    }

    /// Removes all garbage from the files that is not in the segment that is being written. `done` is
    /// called once, from a thread of the engine or at once, with why it failed, if it did; the store
    /// is as good as before then.
    pub fn merge_now(&self, done: Box<dyn FnOnce(Result<(), String>) + Send>) {
        self.maintainer.request_merge(done);
    }

    /// Brings records into memory and calls `waiter`, once and from a thread of the engine, when
    /// each of them is there or has turned out to be unreadable.
    pub fn fetch(&self, missing: Missing, waiter: Box<dyn FnOnce() + Send>) {
        self.core.fetch(missing, waiter);
    }

    /// Starts a sync now, whatever the durability mode.
    pub fn sync_soon(&self) {
        self.core.log.kick_now();
    }

    /// Takes a checkpoint now: opening the store takes no longer then than reading the index, and
    /// what is written after. `done` is called once, from a thread of the engine or at once, with
    /// why it failed, if it did; the store is as good as before then.
    pub fn checkpoint(&self, done: Box<dyn FnOnce(Result<(), String>) + Send>) {
        self.maintainer.request(done);
    }

    /// Writes a backup of the store to the directory `path`, which is absolute, and absent (but not
    /// its parent) or empty, on a thread of its own: the state at one moment, not before this call.
    /// It is a store to be opened like any other. Sealed segments are hard links to the store's own
    /// files where the file system allows that, else copies. `done` is called once, from that thread
    /// or at once, with what was done or why nothing was; an error leaves nothing behind.
    pub fn backup(&self, path: &Path, done: BackupDone) {
        let Some(lock) = self.lock.upgrade().filter(|_| !self.core.stopped.load(Ordering::Relaxed))
        else {
            return done(Err("the store is closed".into()));
        };
        if self.backing_up.swap(true, Ordering::AcqRel) {
            return done(Err("a backup is under way".into()));
        }
        let backup = Backup::new(Arc::clone(&self.core), Arc::clone(&self.files), path.to_owned());
        let (running, done) = (Arc::clone(&self.backing_up), Arc::new(Mutex::new(Some(done))));
        let last = Arc::clone(&done);
        let thread = std::thread::Builder::new().name("ferric-backup".into());
        let thread = thread.stack_size(STACK_BYTES).spawn(move || {
            let outcome = backup.run();
            drop(lock);
            running.store(false, Ordering::Release);
            if let Some(done) = done.lock().take() {
                done(outcome);
            }
        });
        match thread {
            Ok(handle) => {
                let mut threads = self.threads.lock();
                threads.retain(|thread| !thread.is_finished());
                threads.push(handle);
            }
            Err(error) => {
                self.backing_up.store(false, Ordering::Release);
                let done = last.lock().take();
                done.into_iter().for_each(|done| done(Err(format!("starting a thread: {error}"))));
            }
        }
    }

    /// Why the log takes no more writes, if it does not.
    pub fn failure(&self) -> Option<String> {
        self.core.log.failure().map(|failure| failure.0.clone())
    }

    /// Why writes are refused at the moment, if they are; they are accepted again by themselves.
    pub fn paused(&self) -> Option<&'static str> {
        self.core.log.is_refusing().then_some("the disk is full")
    }

    /// Bytes written and not yet durable.
    pub fn undurable(&self) -> u64 {
        self.core.log.undurable()
    }

    /// Turns the background removal of expired keys on or off.
    pub fn set_sweeping(&self, on: bool) {
        self.core.sweeping.store(on, Ordering::Relaxed);
    }

    /// Figures for operators. Locks each shard for a moment.
    pub fn stats(&self) -> Stats {
        let core = &*self.core;
        let counters = &core.log.counters;
        let get = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        let usage = core.log.segments.usage();
        let mut stats = Stats {
            tail: core.log.written(),
            durable: core.log.durable(),
            groups: get(&counters.groups),
            group_bytes: get(&counters.group_bytes),
            group_records: get(&counters.group_records),
            record_bytes: get(&counters.record_bytes),
            syncs: get(&counters.syncs),
            coalesced: get(&counters.coalesced),
            expired: get(&counters.expired),
            segments: usage.segments,
            merged_segments: usage.merged,
            disk_bytes: self.sweeper.disk_bytes(),
            buffer_bytes: usage.buffer_bytes,
            mapped_bytes: usage.mapped_bytes,
            last_sync_s: get(&counters.last_sync_s),
            recovery_ms: get(&counters.recovery_ms),
            cold_segments: usage.cold,
            max_memory: core.max_memory,
            cache_bytes: core.chunks.allocated(),
            cache_hits: core.chunks.hits(),
            fetch_reads: get(&core.fetcher.counters.reads),
            fetch_bytes: get(&core.fetcher.counters.bytes),
            damaged: get(&counters.damaged),
            object_bytes: core.heap.bytes(),
            objects_loaded: get(&counters.loaded),
            objects_evicted: get(&counters.evicted),
            folds: get(&counters.folds),
            recovery: self.report.kind,
            recovery_note: self.report.note.clone(),
            replayed: self.report.replayed,
            io: core.io,
            ..Stats::default()
        };
        self.maintainer.add_to(&mut stats);
        for shard in &core.shards {
            let shard = shard.lock();
            let cache = shard.cache.counts();
            stats.fetched += cache.insertions;
            stats.cache_evictions += cache.evictions;
            for space in &shard.spaces {
                stats.keys += space.index.len();
                stats.expires += space.expires;
                stats.index_bytes += space.index.bytes() + space.chains.table_bytes();
                stats.chains += space.chains.len() as u64;
                stats.objects += space.chains.objects();
            }
        }
        stats
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop();
    }
}
