//! The state of a simulated disk, and what each call does to it.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

use super::content::Content;
use super::fault::{Fault, Faults, eio, enospc};
use super::inode::{Change, Inode};
use super::names::{InodeId, NameMap, Names};

/// Capacity of a disk that nobody limited: 1 TiB.
const DEFAULT_CAPACITY: u64 = 1 << 40;

/// Names, files, locks, and the numbering of calls.
pub(super) struct Disk {
    pub(super) names: Names,
    pub(super) inodes: BTreeMap<InodeId, Inode>,
    pub(super) calls: u64,
    pub(super) faults: Faults,
    pub(super) capacity: u64,
    locked: BTreeSet<PathBuf>,
    next_inode: InodeId,
    changes: u64,
}

impl Disk {
    /// A disk that has just been powered on and holds these files.
    pub(super) fn new(
        mut dirs: BTreeSet<PathBuf>,
        names: NameMap,
        contents: BTreeMap<InodeId, Content>,
    ) -> Self {
        dirs.extend([PathBuf::new(), PathBuf::from("/")]);
        Self {
            names: Names::new(dirs, names),
            next_inode: contents.keys().next_back().map_or(0, |last| last + 1),
            inodes: contents.into_iter().map(|(id, c)| (id, Inode::new(c))).collect(),
            calls: 0,
            faults: Faults::default(),
            capacity: DEFAULT_CAPACITY,
            locked: BTreeSet::new(),
            changes: 0,
        }
    }

    /// The disk after a clean shutdown: everything that reads see is durable.
    pub(super) fn snapshot(&self) -> Self {
        let names = self.names.current().clone();
        let contents = names.values().map(|id| (*id, self.inode(*id).current().clone())).collect();
        Self::new(self.names.dirs().clone(), names, contents)
    }

    /// The file with this number, which a name or an open handle keeps alive.
    pub(super) fn inode(&self, id: InodeId) -> &Inode {
        &self.inodes[&id]
    }

    fn inode_mut(&mut self, id: InodeId) -> &mut Inode {
        self.inodes.get_mut(&id).expect("names and open handles keep their files alive")
    }

    pub(super) fn free(&self) -> u64 {
        let used = self.inodes.values().map(|inode| inode.current().len()).sum();
        self.capacity.saturating_sub(used)
    }

    pub(super) fn create(&mut self, path: &Path) -> Result<InodeId> {
        let id = self.next_inode;
        self.names.create(path, id)?;
        self.next_inode += 1;
        self.inodes.insert(id, Inode::default());
        Ok(id)
    }

    pub(super) fn sync_dir(&mut self, dir: &Path, fault: Option<Fault>) -> Result<()> {
        if fault == Some(Fault::FailedSync) {
            self.names.break_dir(dir);
        }
        self.names.sync(dir)?;
        self.reap();
        Ok(())
    }

    pub(super) fn lock(&mut self, path: &Path) -> Result<()> {
        if self.names.lookup(path).is_err() {
            self.create(path)?;
        }
        if !self.locked.insert(path.to_path_buf()) {
            let reason = format!("{} is locked", path.display());
            return Err(Error::new(ErrorKind::WouldBlock, reason));
        }
        Ok(())
    }

    pub(super) fn unlock(&mut self, path: &Path) {
        self.locked.remove(path);
    }

    pub(super) fn opened(&mut self, id: InodeId) {
        self.inode_mut(id).handles += 1;
    }

    pub(super) fn closed(&mut self, id: InodeId) {
        self.inode_mut(id).handles -= 1;
        self.reap();
    }

    pub(super) fn write(
        &mut self,
        id: InodeId,
        bytes: &[u8],
        offset: u64,
        fault: Option<Fault>,
    ) -> Result<()> {
        let wanted = bytes.len() as u64;
        let end = offset.checked_add(wanted).filter(|end| i64::try_from(*end).is_ok());
        end.ok_or_else(|| Error::new(ErrorKind::InvalidInput, "file offset out of range"))?;
        let n = self.admitted(id, offset, wanted, fault);
        if n > 0 {
            let bytes = bytes[..n as usize].into();
            self.change(id, Change::Write { offset, bytes });
        }
        if n < wanted { Err(enospc()) } else { Ok(()) }
    }

    /// Puts `len` zeros at the start and cuts off what is behind.
    pub(super) fn fill_zero(&mut self, id: InodeId, len: u64, fault: Option<Fault>) -> Result<()> {
        let n = self.admitted(id, 0, len, fault);
        if n > 0 {
            self.change(id, Change::Zeros { len: n });
        }
        if n < len {
            return Err(enospc());
        }
        if self.inode(id).current().len() > len {
            self.change(id, Change::Truncate { len });
        }
        Ok(())
    }

    /// Makes the file at least `len` bytes long, if all of it fits.
    pub(super) fn allocate(&mut self, id: InodeId, len: u64, fault: Option<Fault>) -> Result<()> {
        if i64::try_from(len).is_err() {
            return Err(Error::new(ErrorKind::InvalidInput, "file length out of range"));
        }
        let length = self.inode(id).current().len();
        if len <= length {
            return Ok(());
        }
        if self.admitted(id, length, len - length, fault) < len - length {
            return Err(enospc());
        }
        self.change(id, Change::Extend { len });
        Ok(())
    }

    pub(super) fn sync(&mut self, id: InodeId, fault: Option<Fault>) -> Result<()> {
        if fault == Some(Fault::FailedSync) {
            self.inode_mut(id).fail_sync();
            return Err(eio());
        }
        self.inode_mut(id).sync();
        Ok(())
    }

    pub(super) fn corrupt(&mut self, path: &Path, offset: u64, mask: u8) -> Result<()> {
        let id = self.names.lookup(path)?;
        if self.inode_mut(id).flip(offset, mask) {
            Ok(())
        } else {
            Err(ErrorKind::UnexpectedEof.into())
        }
    }

    fn change(&mut self, id: InodeId, change: Change) {
        self.changes += 1;
        let order = self.changes;
        self.inode_mut(id).change(order, change);
    }

    /// How many of `len` bytes at `offset` get written: fewer if the disk is full or `fault` says
    /// so.
    fn admitted(&self, id: InodeId, offset: u64, len: u64, fault: Option<Fault>) -> u64 {
        let wanted = if fault == Some(Fault::ShortWrite) { len / 2 } else { len };
        let limit = self.inode(id).current().len().saturating_add(self.free());
        wanted.min(limit.saturating_sub(offset))
    }

    /// Forgets the files that nothing leads to any more.
    fn reap(&mut self) {
        let reachable = self.names.reachable();
        self.inodes.retain(|id, inode| inode.handles > 0 || reachable.contains(id));
    }
}
