//! Memory that direct reads may go to.

use std::io::Result;

use memmap2::MmapMut;

/// Least size of a buffer: a record of some kilobytes with the blocks it lies in.
const MIN_BYTES: usize = 16 << 10;

/// Bytes that are kept for later reads.
const MAX_SPARE_BYTES: usize = 16 << 20;

/// Buffers to be used again. Each is a mapping of its own, so it begins at a page, as direct reads
/// want it, and a large one goes back to the system at once.
#[derive(Default)]
pub(super) struct Memory {
    spare: Vec<MmapMut>,
    spare_bytes: usize,
}

impl Memory {
    /// A buffer of at least `len` bytes, with anything in it.
    pub(super) fn take(&mut self, len: usize) -> Result<MmapMut> {
        if let Some(at) = self.spare.iter().rposition(|buffer| buffer.len() >= len) {
            let buffer = self.spare.swap_remove(at);
            self.spare_bytes -= buffer.len();
            return Ok(buffer);
        }
        MmapMut::map_anon(len.max(MIN_BYTES).next_power_of_two())
    }

    /// Takes a buffer back.
    pub(super) fn put(&mut self, buffer: MmapMut) {
        if self.spare_bytes + buffer.len() <= MAX_SPARE_BYTES {
            self.spare_bytes += buffer.len();
            self.spare.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_used_again_and_not_hoarded() {
        let mut memory = Memory::default();
        let buffer = memory.take(5000).unwrap();
        let (address, len) = (buffer.as_ptr(), buffer.len());
        assert!(address.addr().is_multiple_of(4096) && len == MIN_BYTES);
        memory.put(buffer);
        assert_eq!(memory.take(MIN_BYTES).unwrap().as_ptr(), address);
        let many: Vec<_> = (0..40).map(|_| memory.take(1 << 20).unwrap()).collect();
        many.into_iter().for_each(|buffer| memory.put(buffer));
        assert_eq!(memory.spare_bytes, MAX_SPARE_BYTES);
        assert_eq!(memory.spare.len(), 16);
    }
}
