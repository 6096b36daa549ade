//! The number of different elements, from how many registers have each value.
//!
//! Source: Otmar Ertl, "New cardinality estimation algorithms for HyperLogLog sketches",
//! arXiv:1702.01284, algorithms 6 (the estimate), 5 (sigma) and 4 (tau). The operations come in
//! the order in which Redis does them, so that the last bit is the same.

use super::{Histogram, RANK_BITS, REGISTERS};

/// 1 / (2 ln 2).
const ALPHA: f64 = 0.721_347_520_444_481_7;

/// The estimate.
pub(super) fn count(histogram: &Histogram) -> u64 {
    let m = REGISTERS as f64;
    let longest = RANK_BITS as usize;
    let full = f64::from(histogram[longest + 1]);
    let mut z = m * tau((m - full) / m);
    for &registers in histogram[1..=longest].iter().rev() {
        z = (z + f64::from(registers)) * 0.5;
    }
    z += m * sigma(f64::from(histogram[0]) / m);
    round(ALPHA * m * m / z)
}

/// To the nearest integer. Beyond 63 bits, which only values that are no HyperLogLog's lead to,
/// what C's `llroundl` gives on x86-64.
fn round(estimate: f64) -> u64 {
    const TOO_LARGE: f64 = i64::MAX as f64;
    if estimate < TOO_LARGE { estimate.round() as u64 } else { 1 << 63 }
}

fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}
