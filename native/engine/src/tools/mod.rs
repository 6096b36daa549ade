//! Looking after a store that is not open: checking, salvaging, and telling what is in it.
//!
//! [`check`] reads everything and says what is damaged, [`salvage`] copies what is intact to a new
//! store, [`stat`] describes a store by its files. All of them read through small buffers, whatever
//! the size of the store, and believe nothing that a file says before they have verified it.

mod chains;
mod check;
mod checkpoint;
mod inspect;
mod layout;
mod meter;
mod report;
mod salvage;
mod segment;
mod stat;
mod window;

use std::path::Path;
use std::sync::Arc;

use crate::clock::{Clock, SystemClock};
use crate::error::OpenError;
use crate::io::{Io, LockGuard};
use crate::recovery::LOCK_FILE;

pub use check::check;
pub use meter::Progress;
pub use report::{CheckReport, Damage, Loss, Meaning, SalvageReport, StatReport, Totals};
pub use salvage::salvage;
pub use stat::stat;

/// How a tool works.
pub struct Settings<'s> {
    /// Where the files are.
    pub io: Arc<dyn Io>,
    /// Bytes that tables in memory may take.
    pub memory: u64,
    /// Told now and then how far it is.
    pub progress: Box<dyn FnMut(Progress) + 's>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

impl<'s> Settings<'s> {
    /// The defaults: 1 GiB, and nobody is told.
    pub fn new(io: Arc<dyn Io>) -> Settings<'s> {
        Settings { io, memory: 1 << 30, progress: Box::new(|_| {}), clock: Arc::new(SystemClock) }
    }
}

/// Keeps everybody else out of the store, `None` on a file system where nobody can write.
///
/// # Errors
/// The store is in use, or the lock cannot be taken.
fn lock(io: &dyn Io, dir: &Path) -> Result<Option<Box<dyn LockGuard>>, OpenError> {
    let path = dir.join(LOCK_FILE);
    match io.lock(&path) {
        Ok(guard) => Ok(Some(guard)),
        Err(error) if error.kind() == std::io::ErrorKind::ReadOnlyFilesystem => Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
            Err(OpenError::Locked(dir.to_owned()))
        }
        Err(error) => Err(OpenError::io("lock", &path)(error)),
    }
}
