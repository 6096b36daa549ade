//! Which back end serves the data directory.

use std::fmt;
use std::io::Result;
use std::str::FromStr;
use std::sync::Arc;

use super::{Io, PosixIo, UringIo};

/// The operator's choice of a back end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// io_uring if a real ring works here, else posix.
    #[default]
    Auto,
    /// io_uring, or an error that says what is missing.
    Uring,
    /// Ordinary system calls; io_uring is never touched, not even to ask, because some sandboxes
    /// kill the process for it.
    Posix,
}

impl FromStr for Backend {
    type Err = UnknownBackend;

    fn from_str(name: &str) -> std::result::Result<Self, UnknownBackend> {
        match name {
            "auto" => Ok(Self::Auto),
            "uring" => Ok(Self::Uring),
            "posix" => Ok(Self::Posix),
            _ => Err(UnknownBackend(name.to_owned())),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Uring => "uring",
            Self::Posix => "posix",
        })
    }
}

/// A name that is no [`Backend`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown I/O back end {0:?}; allowed values: auto, uring, posix")]
pub struct UnknownBackend(String);

/// Opens the chosen back end.
///
/// # Errors
/// Only for [`Backend::Uring`]: the step of the probe that failed, with the kernel's error kind.
pub fn open_backend(choice: Backend) -> Result<Arc<dyn Io>> {
    match choice {
        Backend::Posix => Ok(Arc::new(PosixIo)),
        Backend::Uring => Ok(Arc::new(UringIo::new()?)),
        Backend::Auto => match UringIo::new() {
            Ok(uring) => Ok(Arc::new(uring)),
            // What forbids io_uring (an old kernel, seccomp, a sysctl, a memory limit) leaves
            // ordinary system calls as they were.
            Err(_) => Ok(Arc::new(PosixIo)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_and_print() {
        for name in ["auto", "uring", "posix"] {
            assert_eq!(name.parse::<Backend>().unwrap().to_string(), name);
        }
    }

    #[test]
    fn a_wrong_name_is_told_what_is_allowed() {
        let message = "io_uring".parse::<Backend>().unwrap_err().to_string();
        assert_eq!(
            message,
            r#"unknown I/O back end "io_uring"; allowed values: auto, uring, posix"#
        );
    }

    #[test]
    fn auto_always_opens_something() {
        let name = open_backend(Backend::Auto).unwrap().name();
        assert!(["io_uring", "posix"].contains(&name));
        assert_eq!(open_backend(Backend::Posix).unwrap().name(), "posix");
    }

    #[test]
    fn uring_opens_or_says_which_step_failed() {
        match open_backend(Backend::Uring) {
            Ok(io) => assert_eq!(io.name(), "io_uring"),
            Err(e) => assert!(e.to_string().starts_with("io_uring: "), "{e}"),
        }
    }
}
