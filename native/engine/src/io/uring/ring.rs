//! One io_uring that runs one operation at a time.

use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;

use io_uring::squeue::Entry;
use io_uring::{IoUring, Probe, opcode, types};
use parking_lot::Mutex;

/// Submission queue entries. One is in use at a time; the kernel rounds up to a power of two.
const ENTRIES: u32 = 8;

/// Most bytes of one transfer: what Linux transfers at most in one call, a page short of 2 GiB.
pub(super) const MAX_TRANSFER: usize = 0x7fff_f000;

/// How long to wait before io_uring_enter is called again after it has failed.
const RETRY_PAUSE: Duration = Duration::from_millis(1);

/// How often a submission that the kernel has no resources for is tried again.
const SUBMIT_ATTEMPTS: u32 = 100;

/// A ring shared by threads; an operation is given to it only when nobody else uses it.
pub(super) struct Ring {
    /// `None` once the ring has been retired because the kernel would not take an operation.
    ring: Mutex<Option<IoUring>>,
    #[cfg(test)]
    operations: std::sync::atomic::AtomicU32,
}

impl Ring {
    /// Creates a ring and proves that it works: the operations needed are there, and one that does
    /// nothing comes back.
    ///
    /// # Errors
    /// The step that failed, with the kernel's error kind.
    pub(super) fn open() -> Result<Self> {
        let mut ring = IoUring::new(ENTRIES).map_err(|e| failed("creating a ring", &e))?;
        let mut probe = Probe::new();
        ring.submitter()
            .register_probe(&mut probe)
            .map_err(|e| failed("asking for the supported operations", &e))?;
        for (code, name) in [(opcode::Write::CODE, "write"), (opcode::Fsync::CODE, "fsync")] {
            if !probe.is_supported(code) {
                let reason = format!("io_uring: this kernel lacks the {name} operation");
                return Err(Error::new(ErrorKind::Unsupported, reason));
            }
        }
        // SAFETY: a no-op names neither memory nor a descriptor, and the ring is dropped below if
        // it was not started.
        let result = unsafe { run(&mut ring, &opcode::Nop::new().build()) };
        let outcome = result.map_err(|NotStarted(e)| e).and_then(completed);
        outcome.map_err(|e| failed("running a no-op", &e))?;
        Ok(Self {
            ring: Mutex::new(Some(ring)),
            #[cfg(test)]
            operations: std::sync::atomic::AtomicU32::new(0),
        })
    }

    /// Writes from `buf` at `offset`, with `flags` as for pwritev2, and returns how many bytes were
    /// written. `None`: nothing was written, the caller has to do it in another way.
    pub(super) fn write(
        &self,
        file: &File,
        buf: &[u8],
        offset: u64,
        flags: i32,
    ) -> Option<Result<usize>> {
        let len = buf.len().min(MAX_TRANSFER) as u32;
        let entry = opcode::Write::new(types::Fd(file.as_raw_fd()), buf.as_ptr(), len)
            .offset(offset)
            .rw_flags(flags)
            .build();
        // SAFETY: `buf` and `file` are borrowed until this returns, and the operation only reads
        // the `len <= buf.len()` bytes of `buf`.
        let result = unsafe { self.submit(&entry) }?;
        Some(result.map(|written| written as usize))
    }

    /// fdatasync. `None`: it was not done, the caller has to do it in another way.
    pub(super) fn sync_data(&self, file: &File) -> Option<Result<()>> {
        let entry = opcode::Fsync::new(types::Fd(file.as_raw_fd()))
            .flags(types::FsyncFlags::DATASYNC)
            .build();
        // SAFETY: the operation names no memory, and `file` is borrowed until this returns.
        let result = unsafe { self.submit(&entry) }?;
        Some(result.map(|_| ()))
    }

    /// Runs one operation. `None` if it has had no effect: the ring is in use or retired, or the
    /// operation was interrupted before it began.
    ///
    /// # Safety
    /// The memory and the descriptor that `entry` names must stay valid until this returns.
    unsafe fn submit(&self, entry: &Entry) -> Option<Result<u32>> {
        let mut slot = self.ring.try_lock()?;
        let ring = slot.as_mut()?;
        // SAFETY: the caller's promise is passed on.
        match unsafe { run(ring, entry) } {
            Ok(result) => {
                #[cfg(test)]
                self.operations.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                match completed(result) {
                    Err(e) if matches!(e.raw_os_error(), Some(libc::EAGAIN | libc::EINTR)) => None,
                    outcome => Some(outcome),
                }
            }
            Err(NotStarted(_)) => {
                // The entry is still in the queue and points to the caller's memory: no later call
                // may submit it. Closing the ring discards it.
                *slot = None;
                None
            }
        }
    }
}

/// The kernel did not take the operation: it has had no effect and never will have one, provided
/// that the ring is not used again.
struct NotStarted(Error);

/// Submits `entry` and waits for its completion, whose result it returns.
///
/// Returns only when the kernel is done with the entry, or never took it.
///
/// # Safety
/// The memory and the descriptor that `entry` names must stay valid until this returns, and the
/// ring must not be used again if it returns [`NotStarted`].
unsafe fn run(ring: &mut IoUring, entry: &Entry) -> std::result::Result<i32, NotStarted> {
    // SAFETY: what the entry names stays valid until this function returns (the caller's promise),
    // and it returns only after the completion or without the kernel having taken the entry.
    if let Err(full) = unsafe { ring.submission().push(entry) } {
        return Err(NotStarted(Error::other(full)));
    }
    let mut refusals = 0;
    loop {
        if let Some(completion) = ring.completion().next() {
            return Ok(completion.result());
        }
        let Err(error) = ring.submit_and_wait(1) else { continue };
        if error.kind() == ErrorKind::Interrupted {
            continue;
        }
        let taken = ring.submission().is_empty();
        if !taken {
            let transient = matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EBUSY));
            refusals += 1;
            if !transient || refusals == SUBMIT_ATTEMPTS {
                return Err(NotStarted(error));
            }
        }
        // Once taken there is no way back: the kernel reads the caller's memory until it completes.
        thread::sleep(RETRY_PAUSE);
    }
}

/// A completion's result: a count, or a negated error number.
fn completed(result: i32) -> Result<u32> {
    u32::try_from(result).map_err(|_| Error::from_raw_os_error(result.wrapping_neg()))
}

pub(super) fn failed(step: &str, cause: &Error) -> Error {
    Error::new(cause.kind(), format!("io_uring: {step}: {cause}"))
}

#[cfg(test)]
impl Ring {
    /// Operations completed so far.
    pub(super) fn operations(&self) -> u32 {
        self.operations.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Runs `f` as a thread that meets another one's operation.
    pub(super) fn while_busy(&self, f: impl FnOnce()) {
        let _busy = self.ring.lock();
        f();
    }

    /// Does what a refused submission does.
    pub(super) fn retire(&self) {
        *self.ring.lock() = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_counts_or_negated_errors() {
        assert_eq!(completed(7).unwrap(), 7);
        assert_eq!(completed(-libc::ENOSPC).unwrap_err().raw_os_error(), Some(libc::ENOSPC));
    }

    #[test]
    fn a_failure_names_its_step() {
        let error = failed("creating a ring", &Error::from_raw_os_error(libc::EPERM));
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(error.to_string().starts_with("io_uring: creating a ring: "));
    }
}
