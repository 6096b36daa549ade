//! Registers of a byte each: where several HyperLogLogs are merged.

use super::{Corrupted, Encoding, HEADER, Histogram, Place, RANKS, REGISTERS};
use super::{dense, encoding, estimate, sparse};

/// All registers of the union of some HyperLogLogs.
pub struct Registers(Vec<u8>);

impl Registers {
    /// Those of the empty set.
    #[expect(clippy::new_without_default, reason = "a set of registers has no natural default")]
    pub fn new() -> Registers {
        Registers(vec![0; REGISTERS])
    }

    /// Adds the elements that another one has seen.
    ///
    /// # Errors
    /// It is no HyperLogLog that can be understood; a part of it may have been added.
    pub fn merge(&mut self, value: &[u8]) -> Result<(), Corrupted> {
        match encoding(value) {
            Some(Encoding::Dense) => self.merge_dense(&value[HEADER..]),
            Some(Encoding::Sparse) => self.merge_sparse(&value[HEADER..])?,
            None => return Err(Corrupted),
        }
        Ok(())
    }

    fn merge_dense(&mut self, bytes: &[u8]) {
        let groups = self.0.as_chunks_mut::<4>().0.iter_mut().zip(bytes.as_chunks::<3>().0);
        for (ours, bytes) in groups {
            let theirs = dense::unpack(*bytes);
            for (ours, theirs) in ours.iter_mut().zip(theirs) {
                *ours = (*ours).max(theirs);
            }
        }
    }

    fn merge_sparse(&mut self, bytes: &[u8]) -> Result<(), Corrupted> {
        let mut rest = &mut self.0[..];
        for run in sparse::runs(bytes) {
            let (ours, behind) = rest.split_at_mut_checked(run.len).ok_or(Corrupted)?;
            ours.iter_mut().for_each(|register| *register = (*register).max(run.rank));
            rest = behind;
        }
        if rest.is_empty() { Ok(()) } else { Err(Corrupted) }
    }

    /// Estimates the number of different elements.
    pub fn count(&self) -> u64 {
        // Several counters of each value, for the reason that `dense::histogram` has; and of a
        // union of few elements most registers are zero.
        const LANES: usize = size_of::<u64>();
        let (mut counts, mut zeros) = ([[0; RANKS]; LANES], 0);
        for group in self.0.as_chunks::<LANES>().0 {
            if u64::from_ne_bytes(*group) == 0 {
                zeros += LANES as u32;
                continue;
            }
            for (counts, value) in counts.iter_mut().zip(group) {
                counts[usize::from(*value)] += 1;
            }
        }
        let mut histogram: Histogram =
            std::array::from_fn(|value| counts.iter().map(|counts| counts[value]).sum());
        histogram[0] += zeros;
        estimate::count(&histogram)
    }

    /// The places with a rank other than zero, in the order of their registers.
    pub fn places(&self) -> impl Iterator<Item = Place> {
        let places = self.0.iter().enumerate().map(|(register, &rank)| Place { register, rank });
        places.filter(|place| place.rank != 0)
    }

    /// All values, in order.
    pub fn values(&self) -> &[u8] {
        &self.0
    }

    /// Appends the dense encoding.
    pub(super) fn append_dense(&self, out: &mut Vec<u8>) {
        out.reserve_exact(dense::LEN);
        for group in self.0.as_chunks::<4>().0 {
            out.extend_from_slice(&dense::pack(*group));
        }
    }
}
