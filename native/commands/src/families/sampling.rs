//! Drawing elements at random: what HRANDFIELD, SRANDMEMBER and their like have in common.

use std::collections::HashSet;

use crate::context::{Fault, Outcome};
use crate::numbers::parse_i64_or_fault;
use crate::values::dice::Dice;

/// Draws one by one below this; for more, all elements are gathered first.
const FEW: usize = 8;

/// Longest reply with elements that repeat, in bytes: as long as the longest string.
const MAX_REPEATED: usize = 512 << 20;

/// How many elements are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// So many different ones, or all.
    Distinct(usize),
    /// So many; the same one may come again.
    Repeated(usize),
}

impl Count {
    /// Reads a count: negative if elements may repeat.
    ///
    /// # Errors
    /// It is no integer, or the smallest one.
    pub fn parse(word: &[u8]) -> Result<Count, Fault> {
        match parse_i64_or_fault(word)? {
            i64::MIN => Err(Fault::error(
                "ERR value is out of range, value must between -9223372036854775807 and \
                 9223372036854775807",
            )),
            count if count < 0 => Ok(Count::Repeated(count.unsigned_abs() as usize)),
            count => Ok(Count::Distinct(count as usize)),
        }
    }

    /// How many elements come of it when there are `len`.
    pub fn of(self, len: usize) -> usize {
        match self {
            _ if len == 0 => 0,
            Count::Distinct(count) => count.min(len),
            Count::Repeated(count) => count,
        }
    }
}

/// Elements to draw from. `E` stands for one of them.
pub trait Urn<E> {
    /// Number of elements.
    fn size(&self) -> usize;

    /// Any element, each with the same probability.
    fn random(&self, dice: &mut Dice) -> Option<E>;

    /// Visits all elements.
    fn for_each(&self, visit: impl FnMut(E));

    /// What tells an element from all others: its address.
    fn identity(element: &E) -> usize;
}

/// Hands as many elements as `count` says to `visit`, which returns how many bytes it has written.
///
/// Many different ones are chosen in one pass, each with the probability that is needed to get
/// enough of them (Knuth, The Art of Computer Programming, 3.4.2, algorithm S); few are drawn until
/// they are different, a third of all at most.
///
/// # Errors
/// The elements together are longer than a reply may be.
pub fn sample<E: Copy, U: Urn<E>>(
    urn: &U,
    count: Count,
    dice: &mut Dice,
    mut visit: impl FnMut(E) -> usize,
) -> Outcome {
    let len = urn.size();
    match count {
        Count::Distinct(count) if count.saturating_mul(3) > len => {
            let (mut wanted, mut left) = (count.min(len), len);
            urn.for_each(|element| {
                if dice.below(left) < wanted {
                    wanted -= 1;
                    visit(element);
                }
                left = left.saturating_sub(1);
            });
            Ok(())
        }
        Count::Distinct(count) => {
            let mut drawn = HashSet::with_capacity(count);
            while drawn.len() < count {
                let Some(element) = urn.random(dice) else { break };
                if drawn.insert(U::identity(&element)) {
                    visit(element);
                }
            }
            Ok(())
        }
        Count::Repeated(count) => repeat(urn, count, dice, visit),
    }
}

fn repeat<E: Copy, U: Urn<E>>(
    urn: &U,
    count: usize,
    dice: &mut Dice,
    mut visit: impl FnMut(E) -> usize,
) -> Outcome {
    let mut all = Vec::new();
    if count > FEW && urn.size() / 3 < count {
        urn.for_each(|element| all.push(element));
    }
    let mut written = 0;
    for _ in 0..count {
        let element = match all.len() {
            0 => urn.random(dice),
            len => all.get(dice.below(len)).copied(),
        };
        let Some(element) = element else { break };
        written += visit(element);
        if written > MAX_REPEATED {
            return Err(Fault::error("ERR value is out of range"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers below a bound, a thousandfold as their identity.
    struct Numbers(usize);

    impl Urn<usize> for Numbers {
        fn size(&self) -> usize {
            self.0
        }

        fn random(&self, dice: &mut Dice) -> Option<usize> {
            (self.0 > 0).then(|| dice.below(self.0))
        }

        fn for_each(&self, visit: impl FnMut(usize)) {
            (0..self.0).for_each(visit);
        }

        fn identity(element: &usize) -> usize {
            *element
        }
    }

    #[test]
    fn samples_have_their_size_and_all_have_the_same_chance() {
        for (len, count) in [(10, 1), (10, 3), (10, 7), (10, 10), (10, 50), (100, 20), (0, 5)] {
            let (mut dice, mut counts) = (Dice::new(1), vec![0u32; len]);
            let rounds = 5000;
            for _ in 0..rounds {
                let mut seen = HashSet::new();
                let count = Count::Distinct(count);
                sample(&Numbers(len), count, &mut dice, |n| {
                    counts[n] += 1;
                    usize::from(seen.insert(n))
                })
                .expect("short");
                assert_eq!(seen.len(), count.of(len));
            }
            let expected = f64::from(rounds) * count.min(len) as f64 / len as f64;
            let spread = 6.0 * expected.sqrt();
            assert!(counts.iter().all(|&n| (f64::from(n) - expected).abs() <= spread));
        }
    }

    #[test]
    fn repeated_elements_are_bounded() {
        for count in [0, 1, 5, 20, 1000] {
            let mut drawn = 0;
            sample(&Numbers(40), Count::Repeated(count), &mut Dice::new(2), |n| {
                drawn += usize::from(n < 40);
                1
            })
            .expect("short");
            assert_eq!(drawn, count);
        }
        let huge = Count::Repeated(usize::MAX >> 1);
        let refused = sample(&Numbers(4), huge, &mut Dice::new(3), |_| 64 << 20);
        assert_eq!(refused, Err(Fault::error("ERR value is out of range")));
        assert_eq!(huge.of(0), 0);
    }

    #[test]
    fn counts() {
        assert_eq!(Count::parse(b"-5"), Ok(Count::Repeated(5)));
        assert_eq!(Count::parse(b"5"), Ok(Count::Distinct(5)));
        assert!(Count::parse(b"-9223372036854775808").is_err() && Count::parse(b"x").is_err());
    }
}
