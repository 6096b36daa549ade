//! Which versions of a key a reader may meet.

use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicU32, Ordering};

/// The newest version of each key that was sent, and that was acknowledged. A key has one writer.
pub struct Versions {
    sent: Vec<AtomicU32>,
    acknowledged: Vec<AtomicU32>,
}

impl Versions {
    /// All of `keys` keys are at version 0.
    pub fn new(keys: u64) -> Versions {
        let zeros = || (0..keys).map(|_| AtomicU32::new(0)).collect();
        Versions { sent: zeros(), acknowledged: zeros() }
    }

    /// Notes that the next version of key `n` is about to be sent, and returns it.
    pub fn send(&self, n: u64) -> u64 {
        u64::from(self.sent[n as usize].fetch_add(1, Ordering::Relaxed)) + 1
    }

    /// Notes that `version` of key `n` was acknowledged.
    pub fn acknowledge(&self, n: u64, version: u64) {
        self.acknowledged[n as usize].store(version as u32, Ordering::Release);
    }

    /// The oldest version that a read of key `n` which begins now may see.
    pub fn oldest(&self, n: u64) -> u64 {
        u64::from(self.acknowledged[n as usize].load(Ordering::Acquire))
    }

    /// What a read of key `n` may have seen that began when `oldest` was the oldest, and has ended.
    pub fn allowed(&self, n: u64, oldest: u64) -> RangeInclusive<u64> {
        oldest..=u64::from(self.sent[n as usize].load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_sees_nothing_older_than_what_was_acknowledged_before_it() {
        let versions = Versions::new(2);
        let before = versions.oldest(1);
        assert_eq!(versions.send(1), 1);
        assert_eq!(versions.allowed(1, before), 0..=1);
        versions.acknowledge(1, 1);
        assert_eq!(versions.allowed(1, versions.oldest(1)), 1..=1);
        assert_eq!(versions.allowed(0, versions.oldest(0)), 0..=0);
    }
}
