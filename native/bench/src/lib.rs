//! What the engine's benchmarks share: a store on a real disk, and keys.

use std::path::PathBuf;
use std::sync::Arc;

use ferric_engine::io::{Backend, open_backend};
use ferric_engine::{Durability, Engine, Options};

/// A store in a directory of its own, removed with it.
pub struct Bed {
    /// The store.
    pub engine: Arc<Engine>,
    dir: PathBuf,
}

impl Bed {
    /// Opens an empty store in the directory for temporary files (`TMPDIR`).
    ///
    /// # Panics
    /// When the store cannot be opened: there is nothing to measure then.
    pub fn new(name: &str, durability: Durability) -> Bed {
        let dir = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&dir);
        let io = open_backend(Backend::Auto).expect("an I/O back end");
        let mut options = Options::new(&dir, io);
        options.durability = durability;
        options.max_undurable = 1 << 30;
        let engine = Engine::open(options).expect("an empty store");
        Bed { engine, dir }
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        let _ = self.engine.close();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
