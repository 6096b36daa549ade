//! Loop-mounted images.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::DiskError;
use super::program::run;

/// How often unmounting is tried while the processes that were using the disk go away, and how
/// long it is waited in between.
const UNMOUNT_ATTEMPTS: u32 = 50;
const UNMOUNT_PAUSE: Duration = Duration::from_millis(100);

/// The size of the image with which it is tried whether there are loop devices, in bytes.
const TRIAL_SIZE: u64 = 8 << 20;

/// Gives this process, which must not have other threads yet, mounts of its own, and tries whether
/// it can mount an image, in the directory `scratch`.
///
/// # Errors
/// [`DiskError::NotAllowed`] when it cannot.
pub fn enter(scratch: &Path) -> Result<(), DiskError> {
    let not_allowed = |what: &str| {
        let what = what.to_owned();
        move |error: io::Error| DiskError::NotAllowed(format!("{what}: {error}"))
    };
    // SAFETY: unshare(2) takes a number; it touches no memory.
    succeeded(unsafe { libc::unshare(libc::CLONE_NEWNS) })
        .map_err(not_allowed("no mount namespace (this needs root)"))?;
    let flags = libc::MS_REC | libc::MS_PRIVATE;
    let null = std::ptr::null();
    // SAFETY: mount(2) reads the path, which ends with a zero byte; the other pointers may be null
    // when only the propagation of mounts is changed.
    succeeded(unsafe { libc::mount(null, c"/".as_ptr(), null, flags, null.cast()) })
        .map_err(not_allowed("no private mounts"))?;
    try_a_mount(scratch).map_err(|error| DiskError::NotAllowed(error.to_string()))
}

fn succeeded(result: libc::c_int) -> io::Result<()> {
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn try_a_mount(scratch: &Path) -> Result<(), DiskError> {
    let image = scratch.join("trial.img");
    make_image(&image, TRIAL_SIZE)?;
    let mount = Mount::direct(&image, &scratch.join("trial"));
    // The mount, if there is one, has it open.
    fs::remove_file(&image).map_err(failed(&image))?;
    mount.map(drop)
}

/// Creates a file of `size` bytes, most of which take no room yet, with an ext4 file system.
///
/// # Errors
/// When there is no room or no mkfs.ext4.
pub fn make_image(path: &Path, size: u64) -> Result<(), DiskError> {
    let file = fs::File::create(path).map_err(failed(path))?;
    file.set_len(size).map_err(failed(path))?;
    // No blocks are kept back for root, who we are, and nothing is left to be initialised later,
    // beside what is tested.
    let settings = ["-q", "-F", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0"];
    let words = settings.iter().map(OsStr::new).chain([path.as_os_str()]);
    run("mkfs.ext4", &words.collect::<Vec<_>>()).map(drop)
}

/// A mounted image. Dropping it unmounts it and detaches its loop device.
pub struct Mount {
    dir: PathBuf,
}

impl Mount {
    /// Mounts `image` at `dir`, which is created. What the file system writes goes past the page
    /// cache into the image, which so holds what a disk would have been given, and no more.
    ///
    /// # Errors
    /// When the machine does not let us, or the image is damaged.
    pub fn direct(image: &Path, dir: &Path) -> Result<Mount, DiskError> {
        Mount::new(image, dir, &["--direct-io=on"], "rw")
    }

    /// Mounts `image` at `dir` without ever waiting for the disk below: for a file system that
    /// need not survive anything.
    ///
    /// # Errors
    /// See [`Mount::direct`].
    pub fn fast(image: &Path, dir: &Path) -> Result<Mount, DiskError> {
        Mount::new(image, dir, &[], "nobarrier")
    }

    fn new(image: &Path, dir: &Path, attach: &[&str], how: &str) -> Result<Mount, DiskError> {
        fs::create_dir_all(dir).map_err(failed(dir))?;
        let words = attach.iter().chain(&["--show", "--find"]).map(OsStr::new);
        let device = run("losetup", &words.chain([image.as_os_str()]).collect::<Vec<_>>())?;
        let words = ["-t", "ext4", "-o", how, &device].map(OsStr::new).into_iter();
        let mounted = run("mount", &words.chain([dir.as_os_str()]).collect::<Vec<_>>());
        // In use it is only marked: the kernel detaches it with the last user.
        let detached = run("losetup", &["--detach", &device]);
        mounted?;
        let mount = Mount { dir: dir.to_owned() };
        detached.map(|_| mount)
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        for _ in 0..UNMOUNT_ATTEMPTS {
            if run("umount", &[&self.dir]).is_ok() {
                return;
            }
            thread::sleep(UNMOUNT_PAUSE);
        }
        // The namespace, which ends with us, would take it away as well.
        if let Err(error) = run("umount", &[OsStr::new("--lazy"), self.dir.as_os_str()]) {
            eprintln!("{} stays mounted until we end: {error}", self.dir.display());
        }
    }
}

/// An error that names the file.
pub(super) fn failed(path: &Path) -> impl FnOnce(io::Error) -> DiskError {
    move |error| DiskError::Failed(format!("{}: {error}", path.display()))
}
