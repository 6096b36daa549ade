//! Which keys a random load takes.

use crate::rng::Rng;

/// How often each key is taken.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Distribution {
    /// Every key as often as any other.
    Uniform,
    /// The key of rank r in proportion to 1 / r^theta, theta in (0, 1).
    Zipf(f64),
}

/// Picks keys from `0..keys`.
#[derive(Debug, Clone)]
pub struct Picks {
    keys: u64,
    /// Ranks are spread over the keys by a multiplication modulo `keys` with this number, which has
    /// no divisor in common with it, so that popular keys are no neighbours in the store.
    spread: u64,
    zipf: Option<Zipf>,
}

/// Constants of the approximation of Gray et al., "Quickly generating billion-record synthetic
/// databases", SIGMOD 1994, §6, which YCSB uses too.
#[derive(Debug, Clone)]
struct Zipf {
    theta: f64,
    zeta: f64,
    alpha: f64,
    eta: f64,
}

impl Zipf {
    fn new(keys: u64, theta: f64) -> Zipf {
        let zeta = |n: u64| -> f64 { (1..=n).map(|rank| (rank as f64).powf(-theta)).sum() };
        let all = zeta(keys);
        let eta = (1.0 - (2.0 / keys as f64).powf(1.0 - theta)) / (1.0 - zeta(2.min(keys)) / all);
        Zipf { theta, zeta: all, alpha: 1.0 / (1.0 - theta), eta }
    }

    /// The rank for a number that is uniform in [0, 1).
    fn rank(&self, uniform: f64, keys: u64) -> u64 {
        let share = uniform * self.zeta;
        if share < 1.0 {
            0
        } else if share < 1.0 + 0.5f64.powf(self.theta) {
            1
        } else {
            (keys as f64 * (self.eta * uniform - self.eta + 1.0).powf(self.alpha)) as u64
        }
    }
}

impl Picks {
    /// Picks from `keys` keys, at least 2.
    pub fn new(keys: u64, distribution: Distribution) -> Picks {
        let keys = keys.max(2);
        let mut spread = (0x9e37_79b9_7f4a_7c15 % keys).max(1);
        while common_divisor(spread, keys) != 1 {
            spread += 1;
        }
        let zipf = match distribution {
            Distribution::Uniform => None,
            Distribution::Zipf(theta) => Some(Zipf::new(keys, theta)),
        };
        Picks { keys, spread, zipf }
    }

    /// A key.
    pub fn pick(&self, rng: &mut Rng) -> u64 {
        self.key(self.rank(rng))
    }

    /// A key of those which belong to the `owner`-th of `owners` alone: about as popular as a key
    /// from [`Picks::pick`] would have been.
    pub fn pick_own(&self, rng: &mut Rng, owner: u64, owners: u64) -> u64 {
        let rank = self.rank(rng);
        let own = rank - rank % owners + owner;
        self.key(if own < self.keys { own } else { owner })
    }

    fn rank(&self, rng: &mut Rng) -> u64 {
        match &self.zipf {
            None => rng.below(self.keys),
            Some(zipf) => {
                let uniform = (rng.bits() >> 11) as f64 / (1u64 << 53) as f64;
                zipf.rank(uniform, self.keys).min(self.keys - 1)
            }
        }
    }

    fn key(&self, rank: u64) -> u64 {
        (u128::from(rank) * u128::from(self.spread) % u128::from(self.keys)) as u64
    }
}

/// Euclid's algorithm.
fn common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rank_has_a_key_of_its_own() {
        for keys in [2, 3, 10, 97, 1000] {
            let picks = Picks::new(keys, Distribution::Uniform);
            let mut taken: Vec<u64> = (0..keys).map(|rank| picks.key(rank)).collect();
            taken.sort_unstable();
            assert_eq!(taken, (0..keys).collect::<Vec<_>>());
        }
    }

    #[test]
    fn zipf_takes_ranks_as_often_as_it_says() {
        let (keys, draws) = (1000, 200_000);
        let picks = Picks::new(keys, Distribution::Zipf(0.99));
        let zeta: f64 = (1..=keys).map(|rank| (rank as f64).powf(-0.99)).sum();
        let mut rng = Rng::new(5);
        let mut count = vec![0u32; keys as usize];
        for _ in 0..draws {
            count[picks.rank(&mut rng) as usize] += 1;
        }
        let expected = |rank: u64| f64::from(draws) * ((rank + 1) as f64).powf(-0.99) / zeta;
        for rank in [0, 1] {
            let ratio = f64::from(count[rank as usize]) / expected(rank);
            assert!((0.9..1.1).contains(&ratio), "rank {rank}: {ratio}");
        }
        let tenth: u32 = count[..100].iter().sum();
        let wanted: f64 = (0..100).map(expected).sum();
        assert!((0.9..1.1).contains(&(f64::from(tenth) / wanted)));
    }

    #[test]
    fn owners_share_no_key() {
        let picks = Picks::new(103, Distribution::Zipf(0.5));
        let mut rng = Rng::new(6);
        let mut owner_of = vec![None; 103];
        for _ in 0..20_000 {
            for owner in 0..4 {
                let key = picks.pick_own(&mut rng, owner, 4) as usize;
                assert_eq!(*owner_of[key].get_or_insert(owner), owner);
            }
        }
    }
}
