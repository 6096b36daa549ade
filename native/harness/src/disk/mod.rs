//! Disks made of files: loop-mounted file systems that can be copied as they are, and filled.
//!
//! Everything happens in a mount namespace of this process ([`enter`]). A loop device is told to
//! go away with the mount that uses it, and the kernel takes the mounts away with the last process
//! of the namespace; servers die with us. So nothing stays mounted however the program ends.

mod cuttable;
mod mount;
mod program;

pub use cuttable::CuttableDisk;
pub use mount::{Mount, enter, make_image};

/// The exit status of a program that could not test anything because the machine does not let it.
pub const NOT_ALLOWED_STATUS: u8 = 77;

/// Why there is no disk.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// Nothing has been tested.
    #[error("this machine does not allow it: {0}")]
    NotAllowed(String),
    /// A step failed that has worked before.
    #[error("{0}")]
    Failed(String),
}
