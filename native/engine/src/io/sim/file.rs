//! An open file of the simulated disk.

use std::io::{Error, ErrorKind, Result};

use super::super::{Descriptors, Mapping};
use super::disk::Disk;
use super::fault::Fault;
use super::names::InodeId;
use super::{CallKind, File, Inode, SimIo};

/// A handle of a file, which lives on without a name until the handle drops.
pub(super) struct SimFile {
    io: SimIo,
    inode: InodeId,
    writable: bool,
}

impl SimFile {
    /// A handle that [`Disk::opened`] has counted already.
    pub(super) fn new(io: SimIo, inode: InodeId, writable: bool) -> Self {
        Self { io, inode, writable }
    }

    fn query<T>(&self, ask: impl FnOnce(&Inode) -> Result<T>) -> Result<T> {
        self.io.call(CallKind::Query, |disk, _| ask(disk.inode(self.inode)))
    }

    fn change(
        &self,
        change: impl FnOnce(&mut Disk, InodeId, Option<Fault>) -> Result<()>,
    ) -> Result<()> {
        self.io.call(CallKind::Write, |disk, fault| {
            if !self.writable {
                return Err(Error::from_raw_os_error(libc::EBADF));
            }
            change(disk, self.inode, fault)
        })
    }
}

impl Drop for SimFile {
    fn drop(&mut self) {
        self.io.0.disk.lock().closed(self.inode);
    }
}

impl File for SimFile {
    fn len(&self) -> Result<u64> {
        self.query(|inode| Ok(inode.current().len()))
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> Result<()> {
        self.query(|inode| {
            if buf.is_empty() || inode.current().read(buf, offset) {
                Ok(())
            } else {
                Err(ErrorKind::UnexpectedEof.into())
            }
        })
    }

    fn write_all_at(&self, buf: &[u8], offset: u64) -> Result<()> {
        self.change(|disk, inode, fault| disk.write(inode, buf, offset, fault))
    }

    fn write_durable(&self, buf: &[u8], offset: u64) -> Result<()> {
        self.write_all_at(buf, offset)?;
        self.sync_data()
    }

    fn sync_data(&self) -> Result<()> {
        self.io.call(CallKind::Sync, |disk, fault| disk.sync(self.inode, fault))
    }

    fn fill_zero(&self, len: u64) -> Result<()> {
        self.change(|disk, inode, fault| disk.fill_zero(inode, len, fault))?;
        self.sync_data()
    }

    fn allocate(&self, len: u64) -> Result<()> {
        self.change(|disk, inode, fault| disk.allocate(inode, len, fault))
    }

    fn map(&self, len: u64) -> Result<Mapping> {
        self.query(|inode| {
            if inode.current().len() < len {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let mut bytes = vec![0; len as usize];
            inode.current().read(&mut bytes, 0);
            Ok(Mapping::from_heap(bytes.into_boxed_slice()))
        })
    }

    fn map_lazily(&self, len: u64) -> Result<Mapping> {
        self.map(len)
    }

    fn descriptors(&self) -> Option<Descriptors<'_>> {
        None
    }
}
