//! Pairs of keys and values, made before anything is measured.

use ferric_harness::dataset::{Values, key};

use crate::Failure;
use crate::store::Store;

/// Keys and values by number.
pub struct Pairs {
    pub keys: Vec<Vec<u8>>,
    pub values: Vec<Vec<u8>>,
}

impl Pairs {
    /// Keys `numbers` of the data set, with version 0 of their values.
    pub fn of(numbers: std::ops::Range<u64>, values: Values) -> Pairs {
        let keys = numbers.clone().map(|n| key(n).to_vec()).collect();
        Pairs { keys, values: numbers.map(|n| values.value(n, 0)).collect() }
    }

    /// `key:<n>` with `value:<n>`.
    pub fn named(count: usize) -> Pairs {
        let all = |name: &str| (0..count).map(|n| format!("{name}:{n}").into_bytes()).collect();
        Pairs { keys: all("key"), values: all("value") }
    }

    /// Some of the pairs.
    pub fn part(
        &self,
        range: std::ops::Range<usize>,
    ) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
        let pairs = self.keys[range.clone()].iter().zip(&self.values[range]);
        pairs.map(|(key, value)| (key.as_slice(), value.as_slice()))
    }

    /// Reads every key and compares every byte.
    pub fn check<S: Store>(&self, store: &S) -> Result<(), Failure> {
        let mut right = 0;
        store.get_all(&self.keys, |number, value| {
            right += usize::from(value == Some(self.values[number].as_slice()));
        })?;
        expect(right as u64, self.keys.len() as u64)
    }
}

/// Loads the keys `0..keys` of the data set, and makes what was loaded settle.
pub fn load<S: Store>(store: &S, keys: u64, values: Values) -> Result<(), Failure> {
    const CHUNK: u64 = 1000;
    let mut from = 0;
    while from < keys {
        let to = keys.min(from + CHUNK);
        let pairs = Pairs::of(from..to, values);
        store.load(pairs.part(0..pairs.keys.len()))?;
        from = to;
    }
    store.settle()
}

/// An error unless all of `total` values were right.
pub fn expect(right: u64, total: u64) -> Result<(), Failure> {
    if right == total {
        return Ok(());
    }
    Err(format!("{} of {total} values were not what had been written", total - right).into())
}
