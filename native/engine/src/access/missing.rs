//! What commands have asked for and not found in memory.

use crate::chains::ColdValue;
use crate::index::Slot;
use crate::tier::fetch::ColdRef;

/// Records fetched for one batch of commands at a time, and their bytes.
const MAX_MISSING: usize = 256;
const MAX_MISSING_BYTES: u64 = 4 << 20;
/// Attempts of a command before the read cache is made larger for it.
const PATIENT_ATTEMPTS: u32 = 3;

/// What is on disk only and wanted in memory; see [`crate::Engine::fetch`].
#[derive(Debug, Default)]
pub struct Missing {
    records: Vec<ColdRef>,
    /// Upper bound on their lengths together.
    bytes: u64,
    /// Values that are to be objects, and the lengths of their images together.
    values: Vec<ColdValue>,
    value_bytes: u64,
    /// How often the command has asked before.
    attempts: u32,
}

impl Missing {
    /// True when nothing is missing.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.values.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.records.len() + self.values.len() >= MAX_MISSING
            || self.bytes + self.value_bytes >= MAX_MISSING_BYTES
    }

    /// Says that the command has been run `attempts` times before, and something was always
    /// missing: then it may need more at a time than there is room for, and gets it.
    pub fn set_attempts(&mut self, attempts: u32) {
        self.attempts = attempts;
    }

    /// Bytes by which the read cache has to be larger for this.
    pub(crate) fn boost(&self) -> u64 {
        self.beyond(self.bytes)
    }

    /// Bytes by which there has to be more room for objects.
    pub(crate) fn object_boost(&self) -> u64 {
        self.beyond(self.value_bytes)
    }

    fn beyond(&self, bytes: u64) -> u64 {
        match self.attempts {
            0..PATIENT_ATTEMPTS => 0,
            attempts => bytes.saturating_mul(u64::from(attempts)),
        }
    }

    /// The records to be read, and the values to be made objects, each once: a key may be asked for
    /// by several commands of a pipeline.
    pub(crate) fn into_parts(mut self) -> (Vec<ColdRef>, Vec<ColdValue>) {
        self.records.sort_unstable_by_key(|cold| cold.address);
        self.records.dedup_by_key(|cold| cold.address);
        self.values.sort_unstable();
        self.values.dedup();
        (self.records, self.values)
    }

    /// Whether there is room for so many bytes more: for the first one always, however large, or
    /// its command would never run.
    fn fits(&self, len: u64) -> bool {
        let bytes = self.bytes + self.value_bytes;
        self.is_empty() || !self.is_full() && bytes + len <= MAX_MISSING_BYTES
    }

    pub(super) fn add(&mut self, shard: u16, space: u32, slot: Slot) {
        let len = slot.size_bound();
        if !self.fits(len) {
            return;
        }
        self.bytes += len;
        let (address, hash) = (slot.address(), slot.hash());
        // Size classes end at 2^31.
        self.records.push(ColdRef::to_cache(address, len as u32, (shard, space, hash)));
    }

    /// Adds a value with an image of about `len` bytes.
    pub(super) fn add_value(&mut self, value: ColdValue, len: u64) {
        if self.fits(len) {
            self.value_bytes += len;
            self.values.push(value);
        }
    }
}
