//! What the fetcher promises, on a simulated disk and on real files.

use std::io::{Error, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use super::{ColdRef, Fetcher, Landing, Place};
use crate::io::sim::{Fault, SimIo};
use crate::io::{File, Io, OpenMode, PosixIo, UringIo};

/// Bytes of a record here; its address is its offset, its first bytes are its address.
const RECORD: u64 = 256;
const RECORDS: u64 = 4096;
const MAX_BYTES: u64 = 1 << 20;
/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// Keeps landings until told otherwise.
type Gate = RwLock<()>;

#[derive(Default)]
struct Landed {
    file: Mutex<Option<Arc<dyn File>>>,
    landed: Mutex<Vec<u64>>,
    failed: Mutex<Vec<(u64, ErrorKind)>>,
    gate: Gate,
    /// The address whose landing panics.
    poison: AtomicU64,
}

impl Landing for Landed {
    fn locate(&self, address: u64) -> Option<Place> {
        let file = self.file.lock().clone()?;
        (address < 1 << 40).then_some(Place { file, offset: address, end: RECORDS * RECORD })
    }

    fn land(&self, cold: &ColdRef, bytes: &[u8]) {
        drop(self.gate.read());
        assert_ne!(cold.address, self.poison.load(Ordering::Relaxed), "as the test wants it");
        let expected = u64::from(cold.len).min(RECORDS * RECORD - cold.address);
        assert_eq!(bytes.len() as u64, expected);
        assert_eq!(bytes[..8], cold.address.to_le_bytes());
        self.landed.lock().push(cold.address);
    }

    fn failed(&self, cold: &ColdRef, error: &Error) {
        self.failed.lock().push((cold.address, error.kind()));
    }
}

fn cold(number: u64) -> ColdRef {
    let len = (RECORD * 2 - 1) as u32;
    ColdRef::to_cache(number * RECORD, len, (0, 0, 0))
}

/// A fetcher with its threads, on a file of records.
struct Setup {
    fetcher: Arc<Fetcher>,
    landed: Arc<Landed>,
    hooks: Arc<AtomicUsize>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Setup {
    fn new(io: &dyn Io, dir: &Path, threads: usize) -> Setup {
        Setup::bounded(io, dir, threads, MAX_BYTES)
    }

    fn bounded(io: &dyn Io, dir: &Path, threads: usize, max_bytes: u64) -> Setup {
        let file = io.open(&dir.join("records"), OpenMode::Create).unwrap();
        let mut bytes = vec![0; (RECORDS * RECORD) as usize];
        for number in 0..RECORDS {
            let address = number * RECORD;
            bytes[address as usize..][..8].copy_from_slice(&address.to_le_bytes());
        }
        file.write_durable(&bytes, 0).unwrap();
        let landed = Arc::new(Landed::default());
        *landed.file.lock() = Some(file);
        landed.poison.store(u64::MAX, Ordering::Relaxed);
        let hooks = Arc::new(AtomicUsize::new(0));
        let hook = Arc::clone(&hooks);
        let called = Arc::new(move || {
            hook.fetch_add(1, Ordering::Relaxed);
        });
        let fetcher = Arc::new(Fetcher::new(max_bytes, called));
        let mut setup = Setup { fetcher, landed, hooks, threads: Vec::new() };
        (0..threads).for_each(|_| setup.start(io));
        setup
    }

    fn start(&mut self, io: &dyn Io) {
        let reader = io.reader(16).unwrap();
        let (fetcher, landed) = (Arc::clone(&self.fetcher), Arc::clone(&self.landed));
        self.threads.push(thread::spawn(move || fetcher.run(reader, &*landed)));
    }

    /// Asks for records; the receiver gets one message, when they are there.
    fn ask(&self, refs: Vec<ColdRef>) -> Receiver<()> {
        let (sender, receiver): (Sender<()>, _) = channel();
        self.fetcher.fetch(refs, Box::new(move || sender.send(()).unwrap()));
        receiver
    }

    fn fetch(&self, refs: Vec<ColdRef>) {
        told_once(&self.ask(refs));
    }

    fn landed(&self) -> Vec<u64> {
        let mut landed = self.landed.landed.lock().clone();
        landed.sort_unstable();
        landed
    }

    fn counter(&self, of: impl Fn(&super::Counters) -> &AtomicU64) -> u64 {
        of(&self.fetcher.counters).load(Ordering::Relaxed)
    }

    fn finish(self) -> Arc<Landed> {
        self.fetcher.stop();
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        self.landed
    }
}

fn told_once(receiver: &Receiver<()>) {
    receiver.recv_timeout(PATIENCE).expect("the waiter is called");
    assert!(receiver.recv_timeout(PATIENCE).is_err(), "and dropped, so never called again");
}

fn sim() -> SimIo {
    let io = SimIo::new();
    io.create_dir(Path::new("/d")).unwrap();
    io
}

fn on_sim(threads: usize) -> Setup {
    Setup::new(&sim(), Path::new("/d"), threads)
}

/// Runs `test` on each kind of reader.
fn on_each(test: impl Fn(Setup)) {
    test(on_sim(2));
    let dir = crate::io::TempDir::new();
    test(Setup::new(&PosixIo, dir.path(), 2));
    match UringIo::new() {
        Ok(uring) => test(Setup::new(&uring, crate::io::TempDir::new().path(), 2)),
        Err(e) => eprintln!("not tested here: {e}"),
    }
}

#[test]
fn a_request_is_answered_when_all_of_it_has_landed() {
    on_each(|setup| {
        setup.fetch(vec![cold(7)]);
        assert_eq!(setup.landed(), [7 * RECORD]);
        setup.fetch((0..500).map(|n| cold(n * 8 + 3)).collect());
        assert_eq!(setup.landed().len(), 501);
        // The last record ends before its upper bound does.
        setup.fetch(vec![cold(RECORDS - 1), cold(0)]);
        assert_eq!(setup.landed().len(), 503);
        setup.fetch(Vec::new());
        // The hook follows the waiters, so only the end of the threads says that it was called.
        let hooks = Arc::clone(&setup.hooks);
        assert!(setup.finish().failed.lock().is_empty());
        assert_eq!(hooks.load(Ordering::Relaxed), 4, "once for each request, which was alone");
    });
}

#[test]
fn many_callers_are_each_told_once() {
    on_each(|setup| {
        let calls = AtomicUsize::new(0);
        thread::scope(|scope| {
            for caller in 0..8u64 {
                let (setup, calls) = (&setup, &calls);
                scope.spawn(move || {
                    for round in 0..200u64 {
                        let first = caller * 13 + round * 7;
                        let refs = (0..1 + round % 9).map(|n| cold((first + n * n) % RECORDS));
                        setup.fetch(refs.collect());
                        calls.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(calls.into_inner(), 1600);
        let fetched = setup.landed().len() as u64 + setup.counter(|c| &c.joined);
        assert_eq!(fetched, 8 * (0..200u64).map(|round| 1 + round % 9).sum::<u64>());
        let state = setup.fetcher.state.lock();
        assert!(state.flights.is_empty() && state.queue.is_empty());
    });
}

#[test]
fn who_asks_for_what_is_on_its_way_joins() {
    let setup = on_sim(1);
    let closed = setup.landed.gate.write();
    let first = setup.ask(vec![cold(1)]);
    while setup.counter(|c| &c.reads) == 0 {
        thread::yield_now();
    }
    let others: Vec<_> = (0..5).map(|_| setup.ask(vec![cold(1), cold(1)])).collect();
    assert!(first.try_recv().is_err());
    drop(closed);
    told_once(&first);
    others.iter().for_each(told_once);
    assert_eq!(setup.landed(), [RECORD]);
    assert_eq!((setup.counter(|c| &c.joined), setup.counter(|c| &c.reads)), (10, 1));
    setup.fetch(vec![cold(1)]);
    assert_eq!(setup.landed().len(), 2, "what has landed may be fetched again");
}

#[test]
fn neighbours_are_one_read() {
    let setup = on_sim(1);
    // In no order: 5 close together, one within the gap behind them, one beyond it.
    let gap = (16 << 10) / RECORD;
    let numbers = [104, 100, 102, 101, 103, 105 + gap, 107 + 2 * gap];
    setup.fetch(numbers.map(cold).to_vec());
    assert_eq!((setup.counter(|c| &c.reads), setup.counter(|c| &c.merged)), (2, 5));
    let end = (105 + gap) * RECORD + u64::from(cold(0).len);
    let bytes = end - 100 * RECORD + u64::from(cold(0).len);
    assert_eq!(setup.counter(|c| &c.bytes), bytes);
    assert_eq!(setup.landed().len(), 7);
    // Merging ends where a read gets long.
    setup.fetch((0..16).map(|n| cold(n * 255)).collect());
    assert!(setup.counter(|c| &c.reads) > 2 + 1);
}

#[test]
fn failures_are_reported_and_spare_the_neighbours() {
    let io = sim();
    let setup = Setup::new(&io, Path::new("/d"), 1);
    // The read of all three fails, then that of the second by itself.
    io.fail_at(io.calls() + 1, Fault::Eio);
    io.fail_at(io.calls() + 3, Fault::Eio);
    let (nowhere, behind) = (1 << 41, RECORDS * RECORD);
    let odd = [nowhere, behind].map(|address| ColdRef { address, ..cold(0) });
    setup.fetch([&[cold(1), cold(2), cold(3)][..], &odd].concat());
    assert_eq!(setup.landed(), [RECORD, 3 * RECORD]);
    assert_eq!(setup.counter(|c| &c.failures), 3);
    let failed = setup.finish().failed.lock().clone();
    let kind = |address| failed.iter().find(|(at, _)| *at == address).map(|(_, kind)| *kind);
    assert_eq!(kind(nowhere), Some(ErrorKind::NotFound));
    assert_eq!(kind(behind), Some(ErrorKind::UnexpectedEof));
    assert!(kind(2 * RECORD).is_some() && failed.len() == 3);
}

#[test]
fn bytes_in_flight_are_bounded_but_a_long_record_passes() {
    let setup = Setup::bounded(&sim(), Path::new("/d"), 2, 1000);
    let long = ColdRef { len: 100_000, ..cold(10) };
    let mut refs: Vec<ColdRef> = (0..100).map(|n| cold(n * 40 + 20)).collect();
    refs.insert(50, long);
    setup.fetch(refs);
    assert_eq!(setup.landed().len(), 101);
    assert_eq!(setup.counter(|c| &c.merged), 0, "two records are more than the bound");
}

#[test]
fn stopping_leaves_nobody_waiting() {
    let setup = on_sim(2);
    let closed = setup.landed.gate.write();
    let asked: Vec<_> = (0..300).map(|n| setup.ask(vec![cold(n * 3), cold(n * 3 + 1)])).collect();
    let fetcher = Arc::clone(&setup.fetcher);
    let stopper = thread::spawn(move || fetcher.stop());
    stopper.join().unwrap();
    drop(closed);
    asked.iter().for_each(told_once);
    told_once(&setup.ask(vec![cold(9)]));
    let hooks = setup.hooks.load(Ordering::Relaxed);
    told_once(&setup.ask(Vec::new()));
    assert_eq!(setup.hooks.load(Ordering::Relaxed), hooks + 1);
    assert!(setup.landed().len() < 600, "what was queued is not read any more");
    setup.finish();
}

#[test]
fn a_fetcher_that_never_ran_stops_as_well() {
    let io = sim();
    let mut setup = Setup::new(&io, Path::new("/d"), 0);
    let asked = setup.ask(vec![cold(1)]);
    assert!(asked.recv_timeout(Duration::from_millis(20)).is_err());
    setup.fetcher.stop();
    told_once(&asked);
    // A thread that comes late ends at once.
    setup.start(&io);
    assert!(setup.finish().landed.lock().is_empty());
}

#[test]
fn a_landing_that_panics_leaves_nobody_waiting() {
    let setup = on_sim(1);
    setup.landed.poison.store(2 * RECORD, Ordering::Relaxed);
    let asked: Vec<_> = (0..40).map(|n| setup.ask(vec![cold(n), cold(n + 1000)])).collect();
    asked.iter().for_each(told_once);
    assert!(setup.threads.into_iter().all(|thread| thread.join().is_err()));
}
