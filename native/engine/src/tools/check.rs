//! Whether a store is intact.

use std::path::Path;

use super::inspect::inspect;
use super::layout::expect_store;
use super::meter::Meter;
use super::{CheckReport, Settings, lock};
use crate::error::OpenError;

/// Reads everything in the data directory `dir` and says what is damaged. Writes nothing, but for
/// the empty file of the lock if there is none.
///
/// # Errors
/// The store is in use, there is none, or the directory cannot be read. Damage is no error.
pub fn check(dir: &Path, settings: &mut Settings<'_>) -> Result<CheckReport, OpenError> {
    let io = &*settings.io;
    expect_store(io, dir)?;
    let _lock = lock(io, dir)?;
    let meter = Meter::new(&mut *settings.progress);
    Ok(inspect(io, dir, settings.memory, settings.clock.now_ms(), &meter)?.report)
}
