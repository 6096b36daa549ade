//! Batches of reads through a ring of their own.

use std::io::{Error, ErrorKind, PipeReader, Read as _, Result, Write as _};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use io_uring::squeue::Entry;
use io_uring::{IoUring, opcode, types};

use super::super::batch::{BatchReader, ImmediateReader, MAX_DEPTH, Read, Waker};
use super::flight::{Flight, Progress, Way};
use super::memory::Memory;
use super::registered::Registered;
use super::ring::failed;

/// The completion that is no read but the waker's.
const WAKE: u64 = u64::MAX;

/// How often registered files are looked through for such as nobody else has any more, while there
/// is nothing to read and in reads.
const RELEASE_PERIOD: types::Timespec = types::Timespec::new().sec(1);
const RELEASE_READS: u32 = 4096;

/// How long to wait before io_uring_enter is called again after it has failed, and how often.
const RETRY_PAUSE: Duration = Duration::from_millis(1);
const ENTER_ATTEMPTS: u32 = 1000;

/// A ring that only reads. If it ever stops working, its reads are done by ordinary system calls
/// instead, those in flight included.
pub(super) struct UringReader {
    /// `None` once the kernel would not go on with it.
    ring: Option<IoUring>,
    depth: usize,
    /// Reads given to the ring, by the number their completion will have.
    flights: Vec<Option<Flight>>,
    vacant: Vec<usize>,
    /// Completions taken off the ring and not looked at yet: number and result.
    completions: Vec<(u64, i32)>,
    registered: Registered,
    memory: Memory,
    reads_since_release: u32,
    wake: Wake,
    /// Outcomes that are known without reading.
    refused: Vec<(u64, Error)>,
    /// Does what the ring cannot.
    plain: ImmediateReader,
}

/// A pipe that the ring polls; a byte in it is a call of the waker.
struct Wake {
    pipe: PipeReader,
    /// True while a byte is in the pipe, so that there is one at most.
    pending: Arc<AtomicBool>,
    /// True while the ring polls the pipe.
    armed: bool,
    waker: Waker,
}

impl Wake {
    fn new(also: Waker) -> Result<Self> {
        let (pipe, writer) = std::io::pipe()?;
        let pending = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&pending);
        let waker = Arc::new(move || {
            if !flag.swap(true, Ordering::AcqRel) {
                // A reader that is gone needs no waking.
                drop((&writer).write(&[1]));
            }
            also();
        });
        Ok(Self { pipe, pending, armed: false, waker })
    }

    /// Takes the byte out. Only then may the next caller put one in; one who comes in between is
    /// served by the return of this wait.
    fn settle(&mut self) {
        self.armed = false;
        drop(self.pipe.read(&mut [0]));
        self.pending.swap(false, Ordering::AcqRel);
    }
}

impl UringReader {
    /// A reader with a ring for `depth` reads at a time.
    ///
    /// # Errors
    /// The step that failed, with the kernel's error kind.
    pub(super) fn open(depth: usize) -> Result<Self> {
        let depth = depth.clamp(1, MAX_DEPTH);
        let entries = depth as u32 + 1;
        // Without it the kernel interrupts this thread for every completion.
        let ring = IoUring::builder()
            .setup_coop_taskrun()
            .build(entries)
            .or_else(|_| IoUring::new(entries))
            .map_err(|e| failed("creating a ring for reads", &e))?;
        if !ring.params().is_feature_ext_arg() {
            let reason = "io_uring: this kernel lacks waiting with a timeout";
            return Err(Error::new(ErrorKind::Unsupported, reason));
        }
        let plain = ImmediateReader::new(depth);
        let wake = Wake::new(plain.waker()).map_err(|e| failed("creating a pipe", &e))?;
        Ok(Self {
            registered: Registered::new(&ring.submitter()),
            ring: Some(ring),
            depth,
            flights: (0..depth).map(|_| None).collect(),
            vacant: (0..depth).rev().collect(),
            completions: Vec::with_capacity(depth + 1),
            memory: Memory::default(),
            reads_since_release: 0,
            wake,
            refused: Vec::new(),
            plain,
        })
    }

    fn flying(&self) -> usize {
        self.depth - self.vacant.len()
    }

    /// Puts the next operation of flight `number` into the queue. False if the ring is full or gone.
    fn push(&mut self, number: usize) -> bool {
        let Some(ring) = &mut self.ring else { return false };
        let Some(flight) = &mut self.flights[number] else { return false };
        let registered = &mut self.registered;
        let Some(entry) = flight.entry(|file, fd| registered.acquire(&ring.submitter(), file, fd))
        else {
            return false;
        };
        // SAFETY: the memory and the file that the entry names belong to the flight, which stays in
        // `flights` until the completion, or is leaked (`retire`) if there will be none.
        unsafe { ring.submission().push(&entry.user_data(number as u64)) }.is_ok()
    }

    /// Submits what is in the queue and, if `block`, waits for a completion; then takes all
    /// completions off the ring. An error is for good.
    fn enter(&mut self, block: bool) -> Result<()> {
        let Some(ring) = &mut self.ring else { return Ok(()) };
        if block && !self.wake.armed {
            let poll = poll_entry(self.wake.pipe.as_raw_fd());
            // SAFETY: the operation names no memory, and polling holds on to the pipe by itself.
            if unsafe { ring.submission().push(&poll) }.is_ok() {
                self.wake.armed = true;
            }
        }
        let mut attempts = 0;
        loop {
            let want = usize::from(block && ring.completion().is_empty());
            if want == 0 && ring.submission().is_empty() {
                break;
            }
            let mut args = types::SubmitArgs::new();
            if self.registered.any() {
                args = args.timespec(&RELEASE_PERIOD);
            }
            match ring.submitter().submit_with_args(want, &args) {
                Ok(_) => break,
                Err(e) => match e.raw_os_error() {
                    Some(libc::ETIME) => self.registered.release_dropped(&ring.submitter()),
                    Some(libc::EINTR) => {}
                    // It has no memory for more, or wants completions taken first.
                    Some(libc::EAGAIN | libc::EBUSY) if attempts < ENTER_ATTEMPTS => {
                        attempts += 1;
                        if !ring.completion().is_empty() {
                            break;
                        }
                        thread::sleep(RETRY_PAUSE);
                    }
                    _ => return Err(e),
                },
            }
        }
        self.completions.extend(ring.completion().map(|done| (done.user_data(), done.result())));
        Ok(())
    }

    /// Looks at the completions that have come. Returns how many reads finished, and whether the
    /// waker was called.
    fn handle(&mut self, done: &mut dyn FnMut(u64, Result<&[u8]>)) -> (usize, bool) {
        let (mut count, mut woken) = (0, false);
        while let Some((number, result)) = self.completions.pop() {
            if number == WAKE {
                self.wake.settle();
                woken = true;
            } else {
                count += usize::from(self.advance(number as usize, result, done));
            }
        }
        (count, woken)
    }

    /// Goes on with a flight whose operation has ended; true if that was its last.
    fn advance(
        &mut self,
        number: usize,
        result: i32,
        done: &mut dyn FnMut(u64, Result<&[u8]>),
    ) -> bool {
        let Some(flight) = self.flights.get_mut(number).and_then(Option::as_mut) else {
            return false;
        };
        if let Some(slot) = flight.slot.take() {
            self.registered.release(slot);
        }
        let outcome = match flight.progress(result) {
            Progress::Done => Ok(()),
            Progress::Failed(error) => Err(error),
            Progress::More if self.push(number) => return false,
            Progress::More => {
                self.land_plainly(number);
                return false;
            }
        };
        let Some(flight) = self.flights[number].take() else { return false };
        self.vacant.push(number);
        done(flight.read.token, outcome.map(|()| flight.bytes()));
        self.memory.put(flight.memory);
        true
    }

    /// Does a read that the kernel has no part in any more by a system call.
    fn land_plainly(&mut self, number: usize) {
        let Some(flight) = self.flights[number].take() else { return };
        self.vacant.push(number);
        self.memory.put(flight.memory);
        self.read_plainly(flight.read);
    }

    fn read_plainly(&mut self, read: Read) {
        let token = read.token;
        if self.plain.submit(read).is_err() {
            self.refused.push((token, Error::new(ErrorKind::WouldBlock, "too many reads")));
        }
    }

    /// Gives the ring up. The kernel may still write to the memory of what is in flight, for as long
    /// as it likes, so that memory is never used again.
    fn retire(&mut self) {
        self.ring = None;
        self.registered = Registered::default();
        self.completions.clear();
        for number in 0..self.depth {
            let Some(flight) = self.flights[number].take() else { continue };
            self.vacant.push(number);
            std::mem::forget(flight.memory);
            self.read_plainly(flight.read);
        }
    }

    /// Now and then lets go of files that were dropped while there was always something to read.
    fn release_sometimes(&mut self) {
        self.reads_since_release += 1;
        if self.reads_since_release >= RELEASE_READS {
            self.reads_since_release = 0;
            if let Some(ring) = &self.ring {
                self.registered.release_dropped(&ring.submitter());
            }
        }
    }

    /// A flight for `read`, or why there is none.
    fn prepare(&mut self, read: Read) -> std::result::Result<Flight, Refusal> {
        let Some(descriptors) = read.file.descriptors().filter(|_| read.len > 0) else {
            return Err(Refusal::Plain(read));
        };
        let way = if descriptors.direct.is_some() { Way::Direct } else { Way::Buffered };
        Flight::new(read, way, &mut self.memory)
            .map_err(|(read, error)| Refusal::Known(read.token, error))
    }
}

/// Why a read does not go through the ring.
enum Refusal {
    /// It has to be done in another way.
    Plain(Read),
    /// Its outcome is known.
    Known(u64, Error),
}

impl BatchReader for UringReader {
    fn submit(&mut self, read: Read) -> std::result::Result<(), Read> {
        if self.in_flight() == self.depth {
            return Err(read);
        }
        if self.ring.is_none() {
            return self.plain.submit(read);
        }
        self.release_sometimes();
        match self.prepare(read) {
            Ok(flight) => {
                let number = self.vacant.pop().expect("fewer in flight than the depth");
                self.flights[number] = Some(flight);
                if !self.push(number) {
                    self.land_plainly(number);
                }
            }
            Err(Refusal::Plain(read)) => self.read_plainly(read),
            Err(Refusal::Known(token, error)) => self.refused.push((token, error)),
        }
        Ok(())
    }

    fn depth(&self) -> usize {
        self.depth
    }

    fn in_flight(&self) -> usize {
        self.flying() + self.refused.len() + self.plain.in_flight()
    }

    fn wait(&mut self, done: &mut dyn FnMut(u64, Result<&[u8]>)) -> usize {
        loop {
            let ready = self.refused.len() + self.plain.in_flight();
            if let Err(_gone) = self.enter(ready == 0) {
                self.retire();
            }
            let (mut count, woken) = self.handle(done);
            for (token, error) in std::mem::take(&mut self.refused) {
                done(token, Err(error));
                count += 1;
            }
            if self.plain.in_flight() > 0 || (self.ring.is_none() && count == 0) {
                count += self.plain.wait(done);
                return count;
            }
            if count > 0 || woken {
                return count;
            }
        }
    }

    fn waker(&self) -> Waker {
        Arc::clone(&self.wake.waker)
    }
}

impl Drop for UringReader {
    fn drop(&mut self) {
        // The kernel writes to the flights' memory until they have landed.
        while self.flying() > 0 {
            self.wait(&mut |_, _| {});
        }
    }
}

fn poll_entry(fd: i32) -> Entry {
    opcode::PollAdd::new(types::Fd(fd), libc::POLLIN as u32).build().user_data(WAKE)
}

#[cfg(test)]
mod tests {
    use super::super::super::conformance::TempDir;
    use super::super::super::sim::SimIo;
    use super::super::super::{File, Io, OpenMode};
    use super::super::UringIo;
    use super::*;
    use std::path::Path;

    fn file_of(io: &dyn Io, dir: &Path, bytes: &[u8]) -> Arc<dyn File> {
        let file = io.open(&dir.join("f"), OpenMode::Create).unwrap();
        file.write_all_at(bytes, 0).unwrap();
        file
    }

    /// Runs `test` with a reader and a file of 64 KiB, each byte its offset's quotient by 256.
    fn with_reader(depth: usize, test: impl FnOnce(UringReader, Arc<dyn File>)) {
        let (Ok(uring), Ok(reader)) = (UringIo::new(), UringReader::open(depth)) else {
            return eprintln!("not tested here: no io_uring");
        };
        let dir = TempDir::new();
        let bytes: Vec<u8> = (0..64usize << 10).map(|at| (at >> 8) as u8).collect();
        test(reader, file_of(&uring, dir.path(), &bytes));
    }

    fn read(file: &Arc<dyn File>, offset: u64, len: usize) -> Read {
        Read { file: Arc::clone(file), offset, len, token: offset }
    }

    fn collect(reader: &mut UringReader) -> Vec<(u64, Vec<u8>)> {
        let mut all = Vec::new();
        while reader.in_flight() > 0 {
            reader.wait(&mut |token, bytes| all.push((token, bytes.unwrap().to_vec())));
        }
        all.sort();
        all
    }

    #[test]
    fn a_ring_that_fails_hands_its_reads_over() {
        with_reader(4, |mut reader, file| {
            reader.submit(read(&file, 256, 256)).unwrap();
            reader.submit(read(&file, 512, 256)).unwrap();
            reader.retire();
            reader.submit(read(&file, 768, 256)).unwrap();
            let expected = [(256, vec![1; 256]), (512, vec![2; 256]), (768, vec![3; 256])];
            assert_eq!(collect(&mut reader), expected);
            let waker = reader.waker();
            waker();
            assert_eq!(reader.wait(&mut |_, _| {}), 0);
        });
    }

    #[test]
    fn a_file_without_descriptors_is_read_as_well() {
        with_reader(4, |mut reader, file| {
            let sim = SimIo::new();
            sim.create_dir(Path::new("/d")).unwrap();
            let simulated = file_of(&sim, Path::new("/d"), &[9; 100]);
            reader.submit(read(&simulated, 50, 50)).unwrap();
            reader.submit(read(&file, 256, 1)).unwrap();
            assert_eq!(collect(&mut reader), [(50, vec![9; 50]), (256, vec![1])]);
        });
    }

    #[test]
    fn a_dropped_file_is_let_go_of() {
        with_reader(4, |mut reader, file| {
            reader.submit(read(&file, 0, 1)).unwrap();
            collect(&mut reader);
            if !reader.registered.any() {
                return eprintln!("not tested here: no registered files");
            }
            drop(file);
            let waker = reader.waker();
            let late = thread::spawn(move || {
                thread::sleep(Duration::from_millis(1300));
                waker();
            });
            assert_eq!(reader.wait(&mut |_, _| {}), 0);
            late.join().unwrap();
            assert!(!reader.registered.any());
        });
    }

    #[test]
    fn dropping_it_waits_for_what_is_in_flight() {
        with_reader(64, |mut reader, file| {
            for at in 0..64 {
                reader.submit(read(&file, at * 1000, 900)).unwrap();
            }
            assert_eq!(reader.enter(false).map_err(|e| e.kind()), Ok(()));
            drop(reader);
            assert_eq!(Arc::strong_count(&file), 1);
        });
    }
}
