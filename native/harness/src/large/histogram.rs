//! Times, counted in buckets that are about 1.6 % wide.

use std::time::Duration;

/// Buckets for each power of two.
const PER_OCTAVE: u32 = 64;
const OCTAVE_BITS: u32 = PER_OCTAVE.ilog2();

/// Counts of times. Memory does not depend on how many there are.
#[derive(Debug, Clone)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram { buckets: vec![0; bucket(u64::MAX) + 1], count: 0 }
    }
}

impl Histogram {
    /// Counts a time.
    pub fn add(&mut self, time: Duration) {
        // 584 years are enough.
        self.buckets[bucket(time.as_nanos() as u64)] += 1;
        self.count += 1;
    }

    /// Adds everything that `other` has counted.
    pub fn merge(&mut self, other: &Histogram) {
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.count += other.count;
    }

    /// A time that the share `quantile` (0 to 1) of all times does not exceed; zero without times.
    pub fn quantile(&self, quantile: f64) -> Duration {
        let rank = (self.count as f64 * quantile).ceil() as u64;
        let mut seen = 0;
        for (number, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank && seen > 0 {
                return Duration::from_nanos(upper(number));
            }
        }
        Duration::ZERO
    }
}

/// The bucket of a number of nanoseconds.
fn bucket(nanoseconds: u64) -> usize {
    let octave = (nanoseconds | u64::from(PER_OCTAVE)).ilog2() - OCTAVE_BITS;
    let within = (nanoseconds >> octave) as usize;
    octave as usize * PER_OCTAVE as usize + within
}

/// The largest number in a bucket.
fn upper(bucket: usize) -> u64 {
    let octave = (bucket as u32 / PER_OCTAVE).saturating_sub(1);
    let within = bucket as u64 - u64::from(octave * PER_OCTAVE);
    ((within + 1) << octave) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_reaches_hardly_further_than_what_is_in_it() {
        for n in (0..300).chain([1000, 12_345, 1 << 30, (1 << 40) + 17]) {
            let top = upper(bucket(n));
            assert!(top >= n && top as f64 <= n as f64 * 1.016 + 1.0, "{n}: {top}");
        }
    }

    #[test]
    fn quantiles() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), Duration::ZERO);
        (1..=100).for_each(|us| histogram.add(Duration::from_micros(us)));
        let mut other = Histogram::default();
        other.add(Duration::from_secs(1));
        histogram.merge(&other);
        let p50 = histogram.quantile(0.5).as_nanos();
        assert!((51_000..52_000).contains(&p50), "{p50}");
        assert!(histogram.quantile(1.0) >= Duration::from_secs(1));
    }
}
