//! One read on its way through a ring, which may take several operations.

use std::io::{Error, ErrorKind, Result};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;

use io_uring::squeue::Entry;
use io_uring::{opcode, types};
use memmap2::MmapMut;

use super::super::File;
use super::super::batch::Read;
use super::super::posix::check_range;
use super::DIRECT_ALIGNMENT;
use super::memory::Memory;
use super::ring::MAX_TRANSFER;

/// How often an operation that was interrupted, or had no resources, is tried again.
const ATTEMPTS: u32 = 1000;

/// Which of a file's descriptors a read uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// O_DIRECT, whole blocks.
    Direct,
    /// The page cache.
    Buffered,
}

/// A read and the memory it goes to.
pub(super) struct Flight {
    pub(super) read: Read,
    pub(super) memory: MmapMut,
    /// The registered file that the operation in flight names.
    pub(super) slot: Option<u32>,
    /// Where in the file the memory's first byte belongs.
    start: u64,
    /// Bytes in front of those that are wanted.
    skip: usize,
    /// Bytes of the memory that have been read.
    filled: usize,
    way: Way,
    attempts: u32,
}

/// What an operation's result means for the read.
#[derive(Debug)]
pub(super) enum Progress {
    Done,
    Failed(Error),
    /// Another operation is needed.
    More,
}

impl Flight {
    /// Prepares `read` with memory for it, or gives it back with the reason.
    pub(super) fn new(
        read: Read,
        way: Way,
        memory: &mut Memory,
    ) -> std::result::Result<Self, (Read, Error)> {
        match Self::place(&read, way, memory) {
            Ok((start, memory)) => {
                let skip = (read.offset - start) as usize;
                Ok(Self { read, memory, slot: None, start, skip, filled: 0, way, attempts: 0 })
            }
            Err(error) => Err((read, error)),
        }
    }

    fn place(read: &Read, way: Way, memory: &mut Memory) -> Result<(u64, MmapMut)> {
        // A block more on either side.
        check_range(read.len.saturating_add(2 * DIRECT_ALIGNMENT as usize), read.offset)?;
        let start = match way {
            Way::Direct => read.offset - read.offset % DIRECT_ALIGNMENT,
            Way::Buffered => read.offset,
        };
        let len = (read.offset - start) as usize + read.len;
        Ok((start, memory.take(len.next_multiple_of(DIRECT_ALIGNMENT as usize))?))
    }

    /// The wanted bytes, once the read is done.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.memory[self.skip..self.wanted()]
    }

    /// Bytes of the memory that the read has to fill.
    fn wanted(&self) -> usize {
        self.skip + self.read.len
    }

    /// The next operation. `register` may know the file by a number. `None` if the file has no
    /// descriptor.
    pub(super) fn entry(
        &mut self,
        register: impl FnOnce(&Arc<dyn File>, RawFd) -> Option<u32>,
    ) -> Option<Entry> {
        let descriptors = self.read.file.descriptors()?;
        let (fd, registrable) = match (self.way, descriptors.direct) {
            (Way::Direct, Some(direct)) => (direct.as_raw_fd(), true),
            // Of each file only one descriptor is registered, the one that is mostly used.
            (_, direct) => (descriptors.buffered.as_raw_fd(), direct.is_none()),
        };
        let end = match self.way {
            Way::Direct => self.wanted().next_multiple_of(DIRECT_ALIGNMENT as usize),
            Way::Buffered => self.wanted(),
        };
        let offset = self.start + self.filled as u64;
        let part = &mut self.memory[self.filled..end];
        let (pointer, len) = (part.as_mut_ptr(), part.len().min(MAX_TRANSFER) as u32);
        self.slot = if registrable { register(&self.read.file, fd) } else { None };
        Some(match self.slot {
            Some(slot) => {
                opcode::Read::new(types::Fixed(slot), pointer, len).offset(offset).build()
            }
            None => opcode::Read::new(types::Fd(fd), pointer, len).offset(offset).build(),
        })
    }

    /// Takes in an operation's result: a count of bytes, or a negated error number.
    pub(super) fn progress(&mut self, result: i32) -> Progress {
        let Ok(count) = usize::try_from(result) else {
            return self.after_error(result.wrapping_neg());
        };
        self.filled += count;
        if self.filled >= self.wanted() {
            return Progress::Done;
        }
        if count == 0 {
            let reason = "read past the end of the file";
            return Progress::Failed(Error::new(ErrorKind::UnexpectedEof, reason));
        }
        // What is left need not begin at a block any more.
        self.way = Way::Buffered;
        Progress::More
    }

    fn after_error(&mut self, errno: i32) -> Progress {
        match errno {
            libc::EINTR | libc::EAGAIN if self.attempts < ATTEMPTS => self.attempts += 1,
            // The device wants larger blocks, or the file system does direct reads only sometimes.
            libc::EINVAL | libc::EOPNOTSUPP if self.way == Way::Direct => self.way = Way::Buffered,
            errno => return Progress::Failed(Error::from_raw_os_error(errno)),
        }
        Progress::More
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::super::sim::SimIo;
    use super::super::super::{Io, OpenMode};
    use super::*;

    fn flight(offset: u64, len: usize, way: Way) -> Flight {
        let sim = SimIo::new();
        let file = sim.open(Path::new("/f"), OpenMode::Create).unwrap();
        let read = Read { file, offset, len, token: 1 };
        Flight::new(read, way, &mut Memory::default()).unwrap_or_else(|(_, e)| panic!("{e}"))
    }

    #[test]
    fn a_direct_read_covers_whole_blocks() {
        let flight = flight(5000, 4000, Way::Direct);
        assert_eq!((flight.start, flight.skip, flight.wanted()), (4096, 904, 4904));
        assert_eq!(flight.bytes().len(), 4000);
    }

    #[test]
    fn a_short_read_goes_on_without_blocks_until_the_file_ends() {
        let mut flight = flight(5000, 4000, Way::Direct);
        assert!(matches!(flight.progress(1000), Progress::More));
        assert_eq!((flight.filled, flight.way), (1000, Way::Buffered));
        assert!(matches!(flight.progress(3904), Progress::Done));
        flight.filled = 1000;
        let Progress::Failed(error) = flight.progress(0) else { panic!("an end") };
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    }

    #[test]
    fn interruptions_and_refused_alignment_are_tried_again_and_the_rest_is_reported() {
        let mut flight = flight(0, 10, Way::Direct);
        for errno in [libc::EINTR, libc::EAGAIN] {
            assert!(matches!(flight.progress(-errno), Progress::More));
            assert_eq!(flight.way, Way::Direct);
        }
        assert!(matches!(flight.progress(-libc::EINVAL), Progress::More));
        assert_eq!(flight.way, Way::Buffered);
        assert!(matches!(flight.progress(-libc::EINVAL), Progress::Failed(_)));
        let Progress::Failed(error) = flight.progress(-libc::EIO) else { panic!("an error") };
        assert_eq!(error.raw_os_error(), Some(libc::EIO));
        flight.attempts = ATTEMPTS;
        assert!(matches!(flight.progress(-libc::EAGAIN), Progress::Failed(_)));
    }
}
