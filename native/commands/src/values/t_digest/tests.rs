use proptest::prelude::*;

use super::*;

fn digest(compression: u64, numbers: &[f64]) -> TDigest {
    let mut digest = TDigest::new(compression).expect("a compression");
    digest.apply(&TDigest::addition(numbers)).expect("finite");
    digest
}

/// The numbers of Redis Stack's own tests and documentation.
#[test]
fn known_digests() {
    let numbers: Vec<f64> = (1..=10_000).map(f64::from).collect();
    let large = digest(100, &numbers);
    assert_eq!(large.nodes(), (51, 422));
    assert_eq!(large.weights(), (9578, 422));
    assert_eq!((large.compressions(), large.capacity(), large.redis_bytes()), (17, 610, 9840));
    let small = [1, 2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 5].map(f64::from);
    let small = digest(1000, &small);
    let estimates = small.estimates();
    let quantiles: Vec<f64> = (0..=10)
        .map(|tenth| estimates.quantile(f64::from(tenth) / 10.0).expect("numbers"))
        .collect();
    assert_eq!(quantiles, [1.0, 2.0, 3.0, 3.0, 4.0, 4.0, 4.0, 5.0, 5.0, 5.0, 5.0]);
    let counts = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let below = counts.map(|value| estimates.cdf(value).expect("numbers") * 15.0);
    for (found, expected) in below.iter().zip([0.0, 0.5, 2.0, 4.5, 8.0, 12.5, 15.0]) {
        assert!((found - expected).abs() < 1e-9, "{below:?}");
    }
    let ten: Vec<f64> = (1..=10).map(f64::from).collect();
    let ten = digest(100, &ten);
    for (low, high, mean) in [(0.1, 0.6, 4.0), (0.0, 0.6, 3.5), (0.6, 1.0, 8.5), (0.0, 1.0, 5.5)] {
        assert_eq!(ten.estimates().trimmed_mean(low, high), Some(mean), "{low} {high}");
    }
}

#[test]
fn nothing_is_known_of_no_numbers() {
    let empty = digest(100, &[]);
    let estimates = empty.estimates();
    assert_eq!((empty.min(), empty.max(), empty.count()), (None, None, 0));
    assert_eq!((estimates.quantile(0.5), estimates.cdf(0.0)), (None, None));
    assert_eq!(estimates.trimmed_mean(0.1, 0.9), None);
}

/// Against the exact quantiles of several distributions.
#[test]
fn quantiles_are_close() {
    let noise =
        |n: u32| f64::from(n.wrapping_mul(2_654_435_761).rotate_left(9) >> 8) / f64::from(1 << 24);
    let shapes: [fn(f64) -> f64; 3] =
        [|x| x * 100.0, |x| -(1.0 - x).ln(), |x| (x - 0.5).powi(3) * 1e6];
    for shape in shapes {
        let mut numbers: Vec<f64> = (0..100_000).map(noise).map(shape).collect();
        let digest = digest(200, &numbers);
        numbers.sort_by(f64::total_cmp);
        let estimates = digest.estimates();
        for q in [0.0001, 0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 0.9999] {
            let found = estimates.quantile(q).expect("numbers");
            let rank = numbers.partition_point(|number| *number < found) as f64 / 100_000.0;
            // The closer to the ends, the better: a centroid in the middle may be a tenth of all.
            let tolerance = 0.2 * q * (1.0 - q) + 0.0005;
            assert!((rank - q).abs() < tolerance, "{q}: {found} has rank {rank}");
            let part = estimates.cdf(found).expect("numbers");
            assert!((part - q).abs() < tolerance, "{q}: {part}");
        }
        assert_eq!((digest.min(), digest.max()), (Some(numbers[0]), numbers.last().copied()));
        let mean = numbers[10_000..90_000].iter().sum::<f64>() / 80_000.0;
        let found = estimates.trimmed_mean(0.1, 0.9).expect("numbers");
        let spread = numbers[90_000] - numbers[10_000];
        assert!((found - mean).abs() <= 0.01 * spread, "{found}, not {mean}");
    }
}

#[test]
fn merging_adds_up() {
    let numbers: Vec<f64> = (0..20_000).map(|n| f64::from(n * 7919 % 20_000)).collect();
    let mut merged = digest(100, &[]);
    for part in numbers.chunks(3000) {
        merged.merge(&digest(100, part)).expect("not too many");
    }
    assert_eq!(merged.count(), 20_000);
    for q in [0.01, 0.5, 0.99] {
        let found = merged.estimates().quantile(q).expect("numbers");
        assert!((found - q * 20_000.0).abs() < 300.0, "{q}: {found}");
    }
    let mut huge = digest(100, &[1.0, 2.0]);
    let overflown = (0..200).any(|_| {
        let copy = huge.clone();
        huge.merge(&copy).is_err()
    });
    assert!(overflown && huge.count() <= i64::MAX as u64);
}

proptest! {
    #[test]
    fn images_and_deltas(compression in 1u64..300, numbers in prop::collection::vec(-1e9f64..1e9, 0..3000), budget in 1usize..5000, q in 0.0..1.0f64) {
        let mut digest = TDigest::new(compression).expect("a compression");
        for batch in numbers.chunks(500) {
            digest.apply(&TDigest::addition(batch)).expect("finite");
            let (mut frozen, mut image) = (digest.freeze(), Vec::new());
            while frozen.write(&mut image, budget) {}
            prop_assert_eq!(&TDigest::decode(&image).expect("its own image"), &digest);
        }
        prop_assert_eq!(digest.count(), numbers.len() as u64);
        let (merged, buffered) = digest.nodes();
        prop_assert!((merged + buffered) as u64 <= digest.capacity());
        if let Some(found) = digest.estimates().quantile(q) {
            prop_assert!((digest.min..=digest.max).contains(&found));
            let part = digest.estimates().cdf(found).expect("numbers");
            prop_assert!((0.0..=1.0).contains(&part));
        }
        digest.apply(&TDigest::resetting()).expect("a delta of its own");
        prop_assert_eq!(digest, TDigest::new(compression).expect("a compression"));
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
        if let Ok(digest) = TDigest::decode(&bytes) {
            let _ = digest.estimates().quantile(0.5);
        }
        let _ = digest(10, &[1.0]).apply(&bytes);
    }
}
