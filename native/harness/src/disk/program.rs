//! The programs that make and mount file systems.

use std::ffi::OsStr;
use std::process::Command;

use super::DiskError;

/// Runs `program`, which must end with status 0. Returns its standard output without the line's
/// end.
///
/// # Errors
/// What it wrote to standard error.
pub(super) fn run<W: AsRef<OsStr>>(program: &str, words: &[W]) -> Result<String, DiskError> {
    let mut command = Command::new(program);
    command.args(words);
    output(command)
}

/// Runs a prepared command as [`run`] does.
pub(super) fn output(mut command: Command) -> Result<String, DiskError> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| DiskError::Failed(format!("{name}: {error}")))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(DiskError::Failed(format!("{name} ended with {}: {}", output.status, text.trim_end())))
}
