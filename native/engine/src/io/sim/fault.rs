//! Which calls fail, and how.

use std::collections::BTreeMap;
use std::io::Error;

/// A failure to inject into a call. A fault that makes no sense for the call it meets (a short
/// write on a rename) does not fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// EIO without any effect. Fits every call.
    Eio,
    /// ENOSPC without any effect. Fits every call that changes something.
    Enospc,
    /// The first half of the bytes is written, then ENOSPC. Fits writes and zero fills.
    ShortWrite,
    /// EIO from a sync, after which what was unsynced *may or may not* be on disk, and no later
    /// sync tells, as with Linux, which marks the pages clean. Syncing that directory again fails
    /// again, as with a file system whose journal has aborted. Fits syncs of files and directories.
    FailedSync,
}

/// What a call is, as far as faults are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallKind {
    /// Leaves the disk as it is.
    Query,
    /// Changes names.
    Names,
    /// Changes the bytes of a file.
    Write,
    /// Makes bytes or names durable.
    Sync,
}

impl CallKind {
    pub(super) fn mutates(self) -> bool {
        self != Self::Query
    }
}

impl Fault {
    fn fits(self, kind: CallKind) -> bool {
        match self {
            Self::Eio => true,
            Self::Enospc => kind.mutates(),
            Self::ShortWrite => kind == CallKind::Write,
            Self::FailedSync => kind == CallKind::Sync,
        }
    }
}

/// The faults to come, by call number.
#[derive(Default)]
pub(super) struct Faults {
    at: BTreeMap<u64, Fault>,
    from: Option<(u64, Fault)>,
    fired: u64,
}

impl Faults {
    pub(super) fn fail_at(&mut self, number: u64, fault: Fault) {
        self.at.insert(number, fault);
    }

    pub(super) fn fail_from(&mut self, number: u64, fault: Fault) {
        self.from = Some((number, fault));
    }

    pub(super) fn fired(&self) -> u64 {
        self.fired
    }

    /// The fault that call `number` meets, if any.
    pub(super) fn take(&mut self, number: u64, kind: CallKind) -> Option<Fault> {
        let single = self.at.remove(&number).filter(|fault| fault.fits(kind));
        let lasting = self.from.and_then(|(first, fault)| {
            (number >= first && kind.mutates() && fault.fits(kind)).then_some(fault)
        });
        let fault = single.or(lasting)?;
        self.fired += 1;
        Some(fault)
    }
}

pub(super) fn eio() -> Error {
    Error::from_raw_os_error(libc::EIO)
}

pub(super) fn enospc() -> Error {
    Error::from_raw_os_error(libc::ENOSPC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_fault_fires_once_and_only_where_it_fits() {
        let mut faults = Faults::default();
        faults.fail_at(2, Fault::FailedSync);
        faults.fail_at(3, Fault::FailedSync);
        assert_eq!(faults.take(1, CallKind::Sync), None);
        assert_eq!(faults.take(2, CallKind::Write), None);
        assert_eq!(faults.take(3, CallKind::Sync), Some(Fault::FailedSync));
        assert_eq!(faults.fired(), 1);
    }

    #[test]
    fn a_lasting_fault_spares_queries() {
        let mut faults = Faults::default();
        faults.fail_from(5, Fault::Eio);
        assert_eq!(faults.take(4, CallKind::Write), None);
        assert_eq!(faults.take(5, CallKind::Query), None);
        assert_eq!(faults.take(6, CallKind::Names), Some(Fault::Eio));
        assert_eq!(faults.take(7, CallKind::Sync), Some(Fault::Eio));
    }
}
