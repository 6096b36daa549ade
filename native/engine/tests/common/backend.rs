//! The disk that the tests of the public interface run on.

use std::io::Result;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ferric_engine::io::sim::SimIo;
use ferric_engine::io::{Backend, BatchReader, File, Io, LockGuard, OpenMode, open_backend};

use super::temp::TempDir;

/// An empty disk: a simulated one, or by `FERRIC_TEST_IO` = `uring`, `posix` or `auto` a directory
/// of its own on that back end. A test that needs the simulated disk's own powers (power cuts,
/// faults, delays) makes a [`SimIo`] instead.
///
/// # Panics
/// The back end is unknown or does not work here: whoever asks for it wants to know.
pub fn disk() -> Arc<dyn Io> {
    match std::env::var("FERRIC_TEST_IO").as_deref() {
        Err(_) | Ok("" | "sim") => Arc::new(SimIo::new()),
        Ok(name) => {
            let backend: Backend = name.parse().expect("FERRIC_TEST_IO");
            let io = open_backend(backend).expect("FERRIC_TEST_IO");
            Arc::new(Rooted { io, root: TempDir::new() })
        }
    }
}

/// A back end whose root directory is a temporary one.
struct Rooted {
    io: Arc<dyn Io>,
    root: TempDir,
}

impl Rooted {
    fn real(&self, path: &Path) -> PathBuf {
        self.root.path().join(path.strip_prefix("/").unwrap_or(path))
    }
}

impl Io for Rooted {
    fn name(&self) -> &'static str {
        self.io.name()
    }

    fn create_dir(&self, dir: &Path) -> Result<()> {
        self.io.create_dir(&self.real(dir))
    }

    fn list(&self, dir: &Path) -> Result<Vec<PathBuf>> {
        let files = self.io.list(&self.real(dir))?;
        Ok(files.iter().filter_map(|file| Some(dir.join(file.file_name()?))).collect())
    }

    fn open(&self, path: &Path, mode: OpenMode) -> Result<Arc<dyn File>> {
        self.io.open(&self.real(path), mode)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.io.rename(&self.real(from), &self.real(to))
    }

    fn hard_link(&self, from: &Path, to: &Path) -> Result<()> {
        self.io.hard_link(&self.real(from), &self.real(to))
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.io.remove(&self.real(path))
    }

    fn remove_dir(&self, dir: &Path) -> Result<()> {
        self.io.remove_dir(&self.real(dir))
    }

    fn sync_dir(&self, dir: &Path) -> Result<()> {
        self.io.sync_dir(&self.real(dir))
    }

    fn lock(&self, path: &Path) -> Result<Box<dyn LockGuard>> {
        self.io.lock(&self.real(path))
    }

    fn free_space(&self, dir: &Path) -> Result<u64> {
        self.io.free_space(&self.real(dir))
    }

    fn reader(&self, depth: usize) -> Result<Box<dyn BatchReader>> {
        self.io.reader(depth)
    }
}
