//! The names of a simulated disk: what a process sees, and what a power cut leaves.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

use super::fault::eio;

/// What a name stands for.
pub(super) type InodeId = u64;

/// Names of files, by path.
pub(super) type NameMap = BTreeMap<PathBuf, InodeId>;

/// A change of names that its directory has not made durable.
#[derive(Clone, Debug)]
enum NameOp {
    Create(PathBuf, InodeId),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

impl NameOp {
    fn apply(&self, names: &mut NameMap) {
        match self {
            Self::Create(path, inode) => {
                names.insert(path.clone(), *inode);
            }
            Self::Rename(from, to) => {
                if let Some(inode) = names.remove(from) {
                    names.insert(to.clone(), inode);
                }
            }
            Self::Remove(path) => {
                names.remove(path);
            }
        }
    }
}

/// Directories and the names in them. A directory itself is durable as soon as it is made; its
/// changes reach the disk in the order in which they were made, as with a journal.
#[derive(Debug)]
pub(super) struct Names {
    dirs: BTreeSet<PathBuf>,
    current: NameMap,
    durable: NameMap,
    pending: BTreeMap<PathBuf, Vec<NameOp>>,
    /// Directories a sync of which has failed.
    broken: BTreeSet<PathBuf>,
}

impl Names {
    /// The names that a disk starts with, all of them durable.
    pub(super) fn new(dirs: BTreeSet<PathBuf>, names: NameMap) -> Self {
        Self {
            dirs,
            durable: names.clone(),
            current: names,
            pending: BTreeMap::new(),
            broken: BTreeSet::new(),
        }
    }

    pub(super) fn dirs(&self) -> &BTreeSet<PathBuf> {
        &self.dirs
    }

    pub(super) fn current(&self) -> &NameMap {
        &self.current
    }

    pub(super) fn create_dir(&mut self, dir: &Path) -> Result<()> {
        if dir.ancestors().any(|dir| self.current.contains_key(dir)) {
            return Err(Error::new(ErrorKind::NotADirectory, "a file has that name"));
        }
        self.dirs.extend(dir.ancestors().map(Path::to_path_buf));
        Ok(())
    }

    pub(super) fn lookup(&self, path: &Path) -> Result<InodeId> {
        self.current.get(path).copied().ok_or_else(|| ErrorKind::NotFound.into())
    }

    pub(super) fn list(&self, dir: &Path) -> Result<Vec<PathBuf>> {
        self.check_dir(dir)?;
        Ok(self.current.keys().filter(|path| path.parent() == Some(dir)).cloned().collect())
    }

    pub(super) fn create(&mut self, path: &Path, inode: InodeId) -> Result<()> {
        let dir = self.dir_of(path)?;
        if self.current.contains_key(path) || self.dirs.contains(path) {
            return Err(ErrorKind::AlreadyExists.into());
        }
        self.change(dir, NameOp::Create(path.to_path_buf(), inode));
        Ok(())
    }

    /// Gives the file `from` another name.
    pub(super) fn link(&mut self, from: &Path, to: &Path) -> Result<()> {
        self.create(to, self.lookup(from)?)
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> Result<()> {
        let dir = self.dir_of(to)?;
        self.lookup(from)?;
        if from.parent() != to.parent() {
            let reason = "the simulated disk renames within one directory only";
            return Err(Error::new(ErrorKind::Unsupported, reason));
        }
        if self.dirs.contains(to) {
            return Err(ErrorKind::IsADirectory.into());
        }
        // One file under two names stays so: rename(2).
        if self.current.get(from) != self.current.get(to) {
            self.change(dir, NameOp::Rename(from.to_path_buf(), to.to_path_buf()));
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, path: &Path) -> Result<()> {
        self.lookup(path)?;
        let dir = self.dir_of(path)?;
        self.change(dir, NameOp::Remove(path.to_path_buf()));
        Ok(())
    }

    /// A directory that has gone is gone for good: what a power cut could bring back of it is what it
    /// contained, and that was removed before.
    pub(super) fn remove_dir(&mut self, dir: &Path) -> Result<()> {
        self.check_dir(dir)?;
        let is_inside = |path: &Path| path != dir && path.starts_with(dir);
        let paths = self.current.keys().chain(&self.dirs);
        if paths.into_iter().any(|path| is_inside(path)) {
            return Err(ErrorKind::DirectoryNotEmpty.into());
        }
        self.dirs.remove(dir);
        self.pending.remove(dir);
        self.durable.retain(|path, _| !is_inside(path));
        Ok(())
    }

    pub(super) fn sync(&mut self, dir: &Path) -> Result<()> {
        self.check_dir(dir)?;
        if self.broken.contains(dir) {
            return Err(eio());
        }
        for op in self.pending.remove(dir).unwrap_or_default() {
            op.apply(&mut self.durable);
        }
        Ok(())
    }

    /// What a failed sync does: from now on this directory cannot be synced.
    pub(super) fn break_dir(&mut self, dir: &Path) {
        self.broken.insert(dir.to_path_buf());
    }

    /// How many changes each directory has pending, in the order that [`Names::after_crash`] takes.
    pub(super) fn pending(&self) -> Vec<usize> {
        self.pending.values().map(Vec::len).collect()
    }

    /// The names after a power cut that lets the first `survivors[i]` pending changes of the i-th
    /// directory reach the disk.
    pub(super) fn after_crash(&self, survivors: &[usize]) -> NameMap {
        let mut names = self.durable.clone();
        for (ops, survivors) in self.pending.values().zip(survivors) {
            ops.iter().take(*survivors).for_each(|op| op.apply(&mut names));
        }
        names
    }

    /// The files that some name leads to, now or after some power cut.
    pub(super) fn reachable(&self) -> BTreeSet<InodeId> {
        let created = self.pending.values().flatten().filter_map(|op| match op {
            NameOp::Create(_, inode) => Some(*inode),
            NameOp::Rename(..) | NameOp::Remove(_) => None,
        });
        self.current.values().chain(self.durable.values()).copied().chain(created).collect()
    }

    fn change(&mut self, dir: PathBuf, op: NameOp) {
        op.apply(&mut self.current);
        self.pending.entry(dir).or_default().push(op);
    }

    fn dir_of(&self, path: &Path) -> Result<PathBuf> {
        let dir = path.parent().ok_or(ErrorKind::InvalidInput)?;
        self.check_dir(dir)?;
        Ok(dir.to_path_buf())
    }

    fn check_dir(&self, dir: &Path) -> Result<()> {
        if self.dirs.contains(dir) { Ok(()) } else { Err(ErrorKind::NotFound.into()) }
    }
}
