//! Power cuts.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::crash::large::{Figures, Halt, LargePlan, LargeStore, Proof, limit_memory};
use crate::disk::{CuttableDisk, DiskError, Mount};
use crate::rng::Rng;
use crate::server::{Durability, Product, Scratch, Server, ServerError, Settings};

/// The disk's size in bytes. Most of it is never written.
const DISK_SIZE: u64 = 1 << 30;

/// Keys of all writers together, with 2,050 bytes each.
const KEYS: u32 = 24_000;

/// Rounds with the same disk: what has been written to it is copied in every round.
const ROUNDS_PER_DISK: u64 = 10;

/// The shortest and the longest time under load, in milliseconds.
const LOAD_MS: (u64, u64) = (20, 1200);

/// After the server has stopped, how long its clients are given to read what it has sent.
const DRAIN: Duration = Duration::from_millis(50);

/// What is tested.
#[derive(Debug, Clone)]
pub struct CutPlan {
    /// Which server.
    pub product: Product,
    /// When it acknowledges. It is held to [`Durability::Synced`].
    pub durability: Durability,
    /// Whether to ask it for checkpoints and merges.
    pub maintenance: bool,
    /// Writing connections, at most [`crate::crash::MAX_WRITERS`].
    pub writers: usize,
    /// Reading connections.
    pub readers: usize,
}

/// Why the test did not pass.
#[derive(Debug, thiserror::Error)]
pub enum CutError {
    /// The server broke a promise.
    #[error("{0}")]
    Broken(String),
    /// The disk could not be made or copied.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A server could not be started.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// A file could not be handled.
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
}

/// Cuts the power `rounds` times; calls `passed` after each. With `keep` the disk of a failure is
/// kept.
///
/// # Errors
/// See [`CutError`].
pub fn run(
    plan: &CutPlan,
    rounds: u64,
    rng: &mut Rng,
    keep: bool,
    mut passed: impl FnMut(),
) -> Result<(), CutError> {
    let mut left = rounds;
    while left > 0 {
        let count = left.min(ROUNDS_PER_DISK);
        let mut scratch = scratch()?;
        let result = on_one_disk(plan, count, rng.fork(), scratch.path(), &mut passed);
        if keep && matches!(result, Err(CutError::Broken(_))) {
            scratch.keep();
            println!("the disk as it was then is kept in {}", copy_of(scratch.path()).display());
        }
        result?;
        left -= count;
    }
    Ok(())
}

/// A directory for the images.
pub(super) fn scratch() -> Result<Scratch, CutError> {
    Scratch::new("disk").map_err(|error| CutError::File(PathBuf::from("scratch directory"), error))
}

fn copy_of(scratch: &Path) -> PathBuf {
    scratch.join("copy.img")
}

fn on_one_disk(
    plan: &CutPlan,
    rounds: u64,
    mut rng: Rng,
    scratch: &Path,
    passed: &mut impl FnMut(),
) -> Result<(), CutError> {
    let disk = CuttableDisk::new(scratch, DISK_SIZE)?;
    let large = LargePlan {
        writers: plan.writers,
        readers: plan.readers,
        keys: KEYS,
        maintenance: plan.maintenance,
    };
    let mut store = LargeStore::new(large, rng.fork());
    let server = Server::start(settings(plan, disk.path(), &scratch.join("server")))?;
    store.fill(server.port()).map_err(CutError::Broken)?;
    let verified = store.verify(server.port(), &store.everything(), false);
    store.restart(verified.map_err(CutError::Broken)?);
    // What was there before the test needs no proof: Redis, which is tried as well, may take a
    // second with it.
    disk.sync()?;
    for _ in 0..rounds {
        round(plan, &disk, &server, &mut store, &mut rng, scratch)?;
        passed();
    }
    Ok(())
}

/// The settings of a server whose data are on the disk mounted at `disk`, and whose other files,
/// which begin with `aside`, are not.
pub(super) fn settings(plan: &CutPlan, disk: &Path, aside: &Path) -> Settings {
    let data = disk.join("data");
    let mut settings = Settings::new(plan.product.clone(), plan.durability, data);
    settings.aside = Some(aside.to_owned());
    limit_memory(&mut settings);
    settings
}

fn round(
    plan: &CutPlan,
    disk: &CuttableDisk,
    server: &Server,
    store: &mut LargeStore,
    rng: &mut Rng,
    scratch: &Path,
) -> Result<(), CutError> {
    let time = Duration::from_millis(rng.between(LOAD_MS.0, LOAD_MS.1));
    let copy = copy_of(scratch);
    let loaded = store.load(server.port(), time, |halt| cut(server, disk, &copy, halt));
    let (proof, after) = loaded.map_err(CutError::Broken)?;
    let proof = proof?;
    let began = Instant::now();
    let figures = open_copy(plan, store, &proof, &copy, scratch)?;
    let took = began.elapsed();
    fs::remove_file(&copy).map_err(|error| CutError::File(copy, error))?;
    let (acknowledged, _) = store.counts();
    println!(
        "after {} ms and {acknowledged} writes: {figures}; checked in {:.1} s",
        time.as_millis(),
        took.as_secs_f64()
    );
    let verified = store.verify(server.port(), &after, false).map_err(CutError::Broken)?;
    store.restart(verified);
    Ok(())
}

/// Stops the server, copies its disk, and lets it go on. Returns what must be in the copy.
fn cut(
    server: &Server,
    disk: &CuttableDisk,
    copy: &Path,
    halt: &Halt<'_>,
) -> Result<Proof, CutError> {
    server.pause()?;
    std::thread::sleep(DRAIN);
    // What its clients have by now it has sent before it stopped.
    let proof = halt.until_now();
    halt.announce();
    let copied = disk.copy(copy);
    server.resume();
    copied?;
    Ok(proof)
}

/// Opens a copy of the disk with another server and checks what is there.
fn open_copy(
    plan: &CutPlan,
    store: &LargeStore,
    proof: &Proof,
    copy: &Path,
    scratch: &Path,
) -> Result<Figures, CutError> {
    let mount = Mount::direct(copy, &scratch.join("copy"))?;
    let server = Server::start(settings(plan, mount.path(), &scratch.join("copy-server")));
    // A store that does not open after a power cut is what is looked for.
    let server = server.map_err(|error| CutError::Broken(error.to_string()))?;
    store.verify(server.port(), proof, false).map_err(CutError::Broken)?;
    let figures = server.connect().and_then(|mut client| Figures::of(&mut client));
    let figures = figures.map_err(|error| CutError::Broken(format!("INFO: {error}")))?;
    server.kill();
    Ok(figures)
}
