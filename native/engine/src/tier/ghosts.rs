//! Keys that left the cache a short while ago without having been used again: the ghost queue of
//! S3-FIFO, as a table of fingerprints.

/// Fingerprints in a bucket, newest first: each bucket is a queue of its own.
const WAYS: usize = 8;
/// Buckets of the smallest table.
const FEWEST: usize = 8;

/// Remembers about as many keys as it was last told to, each for about as many additions. A key is
/// 4 bytes of its hash, so that about one in 500 million strangers per place is taken for it.
pub(super) struct Ghosts {
    buckets: Box<[[u32; WAYS]]>,
}

impl Ghosts {
    pub(super) fn new() -> Ghosts {
        Ghosts { buckets: Self::table(FEWEST) }
    }

    fn table(buckets: usize) -> Box<[[u32; WAYS]]> {
        vec![[0; WAYS]; buckets].into_boxed_slice()
    }

    /// Bytes of the table.
    pub(super) fn bytes(&self) -> u64 {
        size_of_val(&*self.buckets) as u64
    }

    /// Makes it remember at least `keys` keys, or not many more. What it knew is lost when its size
    /// changes, which is only for each doubling or quartering.
    pub(super) fn fit(&mut self, keys: u64) {
        let wanted = (keys as usize).div_ceil(WAYS).next_power_of_two().max(FEWEST);
        if wanted > self.buckets.len() || wanted * 4 <= self.buckets.len() {
            self.buckets = Self::table(wanted);
        }
    }

    /// Remembers a key; the oldest one of its bucket is forgotten.
    pub(super) fn add(&mut self, space: u32, hash: u32) {
        let mark = mark(space, hash);
        let bucket = self.bucket(mark);
        bucket.rotate_right(1);
        bucket[0] = mark;
    }

    /// Whether the key is remembered; from now on it is not.
    pub(super) fn remove(&mut self, space: u32, hash: u32) -> bool {
        let mark = mark(space, hash);
        let found = self.bucket(mark).iter_mut().find(|other| **other == mark);
        found.map(|place| *place = 0).is_some()
    }

    fn bucket(&mut self, mark: u32) -> &mut [u32; WAYS] {
        let at = (u64::from(mark) * self.buckets.len() as u64) >> 32;
        &mut self.buckets[at as usize]
    }
}

/// Fingerprint of a key, never 0. Multiplicative hashing (D. Knuth, TAOCP vol. 3, 6.4).
fn mark(space: u32, hash: u32) -> u32 {
    let key = u64::from(space) << 32 | u64::from(hash);
    ((key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as u32) | 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_keys_are_remembered_and_old_ones_not() {
        let mut ghosts = Ghosts::new();
        ghosts.fit(1000);
        (0..20_000).for_each(|n| ghosts.add(7, n * 77_777));
        let known = |ghosts: &mut Ghosts, range: std::ops::Range<u32>| {
            range.filter(|n| ghosts.remove(7, n * 77_777)).count()
        };
        assert!(known(&mut ghosts, 19_700..20_000) > 290);
        assert_eq!(known(&mut ghosts, 19_700..20_000), 0, "asked for once");
        assert!(known(&mut ghosts, 0..15_000) < 15);
        assert!(!ghosts.remove(8, 19_699 * 77_777), "another space");
    }

    #[test]
    fn it_is_as_large_as_needed() {
        let mut ghosts = Ghosts::new();
        ghosts.fit(1 << 16);
        assert_eq!(ghosts.bytes(), 4 << 16);
        ghosts.add(0, 1);
        ghosts.fit(40_000);
        assert!(ghosts.remove(0, 1), "no new table");
        ghosts.fit(0);
        assert_eq!(ghosts.bytes(), 4 * (WAYS * FEWEST) as u64);
    }
}
