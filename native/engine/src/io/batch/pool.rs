//! Reads by ordinary system calls, on a few threads.

use std::collections::VecDeque;
use std::io::Result;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use parking_lot::{Condvar, Mutex};

use super::{BatchReader, MAX_DEPTH, Read, Waker};

/// Most threads of a reader. Each has one read in flight; a device is kept busy by fewer than it
/// can queue, and every thread costs a stack.
const MAX_THREADS: usize = 16;

/// Stack of such a thread, which calls nothing deep.
const STACK_BYTES: usize = 128 << 10;

/// Buffers up to this size, in bytes, are kept for the next read.
const MAX_SPARE: usize = 256 << 10;

/// A pool of threads that call `pread`. They end when the reader is dropped.
pub(in crate::io) struct PoolReader {
    depth: usize,
    in_flight: usize,
    shared: Arc<Shared>,
    events: Receiver<Event>,
    /// The other end of `events`, for wakers.
    sender: Sender<Event>,
    /// True while a [`Event::Woken`] is on its way, so that there is one at most.
    woken: Arc<AtomicBool>,
    spare: Vec<Vec<u8>>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    /// Reads that no thread has taken, each with the memory for its bytes.
    jobs: VecDeque<(Read, Vec<u8>)>,
    stopped: bool,
}

enum Event {
    Finished { token: u64, bytes: Vec<u8>, outcome: Result<()> },
    Woken,
}

impl PoolReader {
    /// Starts `depth` threads, or as many as are useful.
    ///
    /// # Errors
    /// The system refuses a thread.
    pub(in crate::io) fn open(depth: usize) -> Result<Self> {
        let depth = depth.clamp(1, MAX_DEPTH);
        let (sender, events) = channel();
        let mut reader = Self {
            depth,
            in_flight: 0,
            shared: Arc::default(),
            events,
            sender,
            woken: Arc::default(),
            spare: Vec::new(),
            threads: Vec::new(),
        };
        for _ in 0..depth.min(MAX_THREADS) {
            let (shared, sender) = (Arc::clone(&reader.shared), reader.sender.clone());
            let thread = thread::Builder::new().name("ferric-read".into()).stack_size(STACK_BYTES);
            reader.threads.push(thread.spawn(move || work(&shared, &sender))?);
        }
        Ok(reader)
    }

    fn handle(&mut self, event: Event, done: &mut dyn FnMut(u64, Result<&[u8]>)) -> usize {
        let Event::Finished { token, bytes, outcome } = event else {
            self.woken.store(false, Ordering::Release);
            return 0;
        };
        self.in_flight -= 1;
        done(token, outcome.map(|()| bytes.as_slice()));
        if bytes.capacity() <= MAX_SPARE && self.spare.len() < self.depth {
            self.spare.push(bytes);
        }
        1
    }
}

impl BatchReader for PoolReader {
    fn submit(&mut self, read: Read) -> std::result::Result<(), Read> {
        if self.in_flight == self.depth {
            return Err(read);
        }
        self.in_flight += 1;
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.resize(read.len, 0);
        self.shared.queue.lock().jobs.push_back((read, bytes));
        self.shared.changed.notify_one();
        Ok(())
    }

    fn depth(&self) -> usize {
        self.depth
    }

    fn in_flight(&self) -> usize {
        self.in_flight
    }

    fn wait(&mut self, done: &mut dyn FnMut(u64, Result<&[u8]>)) -> usize {
        let first = self.events.recv().expect("this reader holds a sender itself");
        let mut count = self.handle(first, done);
        while let Ok(event) = self.events.try_recv() {
            count += self.handle(event, done);
        }
        count
    }

    fn waker(&self) -> Waker {
        let (sender, woken) = (self.sender.clone(), Arc::clone(&self.woken));
        Arc::new(move || {
            if !woken.swap(true, Ordering::AcqRel) {
                // A reader that is gone needs no waking.
                drop(sender.send(Event::Woken));
            }
        })
    }
}

impl Drop for PoolReader {
    fn drop(&mut self) {
        {
            let mut queue = self.shared.queue.lock();
            queue.stopped = true;
            queue.jobs.clear();
        }
        self.shared.changed.notify_all();
        for thread in self.threads.drain(..) {
            // One that panicked has reported it and holds nothing.
            drop(thread.join());
        }
    }
}

/// What each thread does until the reader is dropped.
fn work(shared: &Shared, events: &Sender<Event>) {
    while let Some((read, mut bytes)) = next_job(shared) {
        let outcome = read.file.read_exact_at(&mut bytes, read.offset);
        if events.send(Event::Finished { token: read.token, bytes, outcome }).is_err() {
            return;
        }
    }
}

/// The next read, once there is one; `None` when the reader is being dropped.
fn next_job(shared: &Shared) -> Option<(Read, Vec<u8>)> {
    let mut queue = shared.queue.lock();
    loop {
        if queue.stopped {
            return None;
        }
        if let Some(job) = queue.jobs.pop_front() {
            return Some(job);
        }
        shared.changed.wait(&mut queue);
    }
}
