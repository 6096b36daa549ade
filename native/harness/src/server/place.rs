//! Where servers under test live: ports and directories that nobody else uses.

use std::fs;
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::rng::{Rng, fresh_seed};

/// Ports to choose from: below those that the kernel gives to outgoing connections (32768 and up),
/// or a client waiting for a server to start could be given the server's port, and meet itself.
const PORTS: std::ops::Range<u64> = 20_000..32_000;

/// Attempts to find a port.
const ATTEMPTS: usize = 100;

/// A port on which nothing listens, and which this process has not been given before.
///
/// # Errors
/// When no free one was found.
pub fn free_port() -> io::Result<u16> {
    static START: LazyLock<u64> = LazyLock::new(|| Rng::new(fresh_seed()).bits() >> 32);
    let mut last = None;
    for _ in 0..ATTEMPTS {
        let offset = (*START + u64::from(unique())) % (PORTS.end - PORTS.start);
        let port = (PORTS.start + offset) as u16;
        match TcpListener::bind(("127.0.0.1", port)) {
            Ok(_) => return Ok(port),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::Error::other("no port tried")))
}

/// A directory that is removed with everything in it when this is dropped.
pub struct Scratch {
    path: PathBuf,
    keep: bool,
}

impl Scratch {
    /// Creates a directory below `target/harness` of the working directory, which is on the same
    /// disk as the checkout.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn new(name: &str) -> io::Result<Scratch> {
        Scratch::below(&std::env::current_dir()?.join("target/harness"), name)
    }

    /// Creates a directory below `base`.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn below(base: &Path, name: &str) -> io::Result<Scratch> {
        let path =
            std::path::absolute(base)?.join(format!("{name}-{}-{}", std::process::id(), unique()));
        fs::create_dir_all(&path)?;
        Ok(Scratch { path, keep: false })
    }

    /// Its path, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves the directory for somebody to look at.
    pub fn keep(&mut self) {
        self.keep = true;
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.keep {
            // What cannot be removed is in an ignored directory and harms nobody.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

/// A number that this process has not used for a name yet.
fn unique() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
