//! For tables whose keys are hashes already.

use std::hash::{BuildHasherDefault, Hasher};

/// Builds hashers that take the last number they are given for the hash.
pub(crate) type Prehashed = BuildHasherDefault<Identity>;

/// Takes a number for what it is.
#[derive(Default)]
pub(crate) struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.0 = self.0.rotate_left(8) ^ u64::from(byte));
    }

    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }
}
