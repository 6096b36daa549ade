//! A disk whose content can be copied as it is at one moment.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::mount::{Mount, failed, make_image};
use super::program::output;
use super::{DiskError, program};

/// Room around the inner image, in bytes: for the file system that holds it.
const AROUND: u64 = 128 << 20;

/// Freezes the file system at `$1` while `$2` is copied to `$3`. A frozen file system would keep
/// everything above it from ending, so the shell ignores the signals that may end us, and thaws.
const FREEZE_AND_COPY: &str = r#"
    trap "" HUP INT TERM
    fsfreeze --freeze "$1" || exit
    cp --sparse=always "$2" "$3"
    status=$?
    fsfreeze --unfreeze "$1"
    exit "$status"
"#;

/// A file system in an image, which is a file of a file system of its own.
///
/// The inner one, which is used, sits on a loop device with direct I/O: what it has not written to
/// its device is not in the image. The outer one is there to be frozen (FIFREEZE) while the image
/// is copied, which holds back every write of the loop device. Without it the copy would be taken
/// over a time in which the inner file system goes on writing, and a journal copied later than the
/// blocks it describes is no state of any disk. Freezing the inner one itself would write out what
/// it has in memory: what a power cut takes away.
///
/// What this shows: which writes had been given to the device. A device with a cache of its own
/// may lose those that were not followed by a flush, and may write in another order; here it never
/// does. A server that syncs, but whose syncs do not reach the device, would not be noticed.
pub struct CuttableDisk {
    // In this order they are unmounted.
    inner: Mount,
    outer: Mount,
    image: PathBuf,
}

impl CuttableDisk {
    /// An empty disk of `size` bytes, with everything it needs below the directory `scratch`.
    ///
    /// # Errors
    /// See [`Mount::direct`].
    pub fn new(scratch: &Path, size: u64) -> Result<CuttableDisk, DiskError> {
        let below = scratch.join("below.img");
        make_image(&below, size + AROUND)?;
        let outer = Mount::fast(&below, &scratch.join("below"))?;
        // The mount has it open; without a name its room comes back however we end.
        fs::remove_file(&below).map_err(failed(&below))?;
        let image = outer.path().join("disk.img");
        make_image(&image, size)?;
        let inner = Mount::direct(&image, &scratch.join("disk"))?;
        Ok(CuttableDisk { inner, outer, image })
    }

    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.inner.path()
    }

    /// Writes everything that has been written to files to the device.
    ///
    /// # Errors
    /// When that fails.
    pub fn sync(&self) -> Result<(), DiskError> {
        let words = ["--file-system".as_ref(), self.path().as_os_str()];
        program::run("sync", &words).map(drop)
    }

    /// Copies what the device has been given so far to a file, and lets the file system there
    /// recover as after a power cut.
    ///
    /// # Errors
    /// When there is no room, or the file system of the copy is beyond repair.
    pub fn copy(&self, to: &Path) -> Result<(), DiskError> {
        let mut command = Command::new("sh");
        command.args(["-c", FREEZE_AND_COPY, "sh"]).arg(self.outer.path());
        command.arg(&self.image).arg(to).process_group(0);
        output(command)?;
        let status = Command::new("e2fsck").arg("-p").arg(to).output().map_err(failed(to))?;
        // 1: it had something to repair, which replaying the journal may be.
        match status.status.code() {
            Some(0 | 1) => Ok(()),
            _ => Err(DiskError::Failed(format!(
                "e2fsck ended with {}: {}",
                status.status,
                String::from_utf8_lossy(&status.stdout).trim_end()
            ))),
        }
    }
}
