//! Sorting no more than what is wanted.
//!
//! The quicksort of J. L. Bentley and M. D. McIlroy ("Engineering a sort function", 1993), which only
//! goes on in parts that are wanted. Redis does the same when COUNT leaves results out: another
//! algorithm would put members at the same distance into another order.

use std::cmp::Ordering;

/// Shorter slices are sorted by insertion.
const MIN_PARTITION: usize = 7;

/// Longer slices get the median of three medians as their pivot.
const MAX_SIMPLE: usize = 40;

/// Sorts, so that at least the first `wanted` elements are where they belong.
pub fn sort_first<T>(items: &mut [T], wanted: usize, compare: &impl Fn(&T, &T) -> Ordering) {
    // More partitions than this of one element mean that the pivots are bad.
    let depth = 4 * (items.len().max(1).ilog2() + 1);
    partition_first(items, wanted, depth, compare);
}

fn partition_first<T>(
    mut items: &mut [T],
    mut wanted: usize,
    mut depth: u32,
    compare: &impl Fn(&T, &T) -> Ordering,
) {
    while items.len() >= MIN_PARTITION {
        if depth == 0 {
            return items.sort_by(compare);
        }
        depth -= 1;
        let pivot = pivot(items, compare);
        items.swap(0, pivot);
        let (less, greater) = partition(items, compare);
        partition_first(&mut items[..less], wanted, depth, compare);
        let start = items.len() - greater;
        if start >= wanted {
            return;
        }
        wanted -= start;
        items = &mut items[start..];
    }
    for end in 1..items.len() {
        let mut at = end;
        while at > 0 && compare(&items[at - 1], &items[at]).is_gt() {
            items.swap(at - 1, at);
            at -= 1;
        }
    }
}

/// Where a good pivot is.
fn pivot<T>(items: &[T], compare: &impl Fn(&T, &T) -> Ordering) -> usize {
    let (len, middle) = (items.len(), items.len() / 2);
    if len == MIN_PARTITION {
        return middle;
    }
    let median = |a, b, c| median(items, [a, b, c], compare);
    if len <= MAX_SIMPLE {
        return median(0, middle, len - 1);
    }
    let (step, last) = (len / 8, len - 1);
    median(
        median(0, step, 2 * step),
        median(middle - step, middle, middle + step),
        median(last - 2 * step, last - step, last),
    )
}

fn median<T>(items: &[T], [a, b, c]: [usize; 3], compare: &impl Fn(&T, &T) -> Ordering) -> usize {
    let less = |x: usize, y: usize| compare(&items[x], &items[y]).is_lt();
    if less(a, b) {
        match (less(b, c), less(a, c)) {
            (true, _) => b,
            (false, true) => c,
            (false, false) => a,
        }
    } else {
        match (less(c, b), less(a, c)) {
            (true, _) => b,
            (false, true) => a,
            (false, false) => c,
        }
    }
}

/// Divides by the first element: returns how many are less, which come first, and how many are
/// greater, which come last.
fn partition<T>(items: &mut [T], compare: &impl Fn(&T, &T) -> Ordering) -> (usize, usize) {
    // Equal ones are gathered at both ends first: ..a and d+1.., what is not looked at is b..=c.
    let len = items.len();
    let (mut a, mut b, mut c, mut d) = (1, 1, len - 1, len - 1);
    loop {
        while b <= c {
            match compare(&items[b], &items[0]) {
                Ordering::Greater => break,
                Ordering::Equal => {
                    items.swap(a, b);
                    a += 1;
                }
                Ordering::Less => {}
            }
            b += 1;
        }
        while b <= c {
            match compare(&items[c], &items[0]) {
                Ordering::Less => break,
                Ordering::Equal => {
                    items.swap(c, d);
                    d -= 1;
                }
                Ordering::Greater => {}
            }
            c -= 1;
        }
        if b > c {
            break;
        }
        items.swap(b, c);
        b += 1;
        c -= 1;
    }
    let (less, greater) = (b - a, d - c);
    swap_runs(items, 0, b, a.min(less));
    swap_runs(items, b, len, greater.min(len - d - 1));
    (less, greater)
}

/// Exchanges `count` elements from `start` on with the last `count` before `end`.
fn swap_runs<T>(items: &mut [T], start: usize, end: usize, count: usize) {
    for at in 0..count {
        items.swap(start + at, end - count + at);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_first_ones_are_sorted(mut items in prop::collection::vec(0..40u8, 0..300), wanted in 0..300usize) {
            let wanted = wanted.min(items.len());
            let mut sorted = items.clone();
            sorted.sort_unstable();
            sort_first(&mut items, wanted, &Ord::cmp);
            prop_assert_eq!(&items[..wanted], &sorted[..wanted]);
            items.sort_unstable();
            prop_assert_eq!(items, sorted);
        }
    }

    #[test]
    fn bad_pivots_do_not_deepen_the_recursion() {
        // Organ pipes and runs, which are hard on quicksorts.
        let mut items: Vec<u32> = (0..50_000).chain((0..50_000).rev()).collect();
        sort_first(&mut items, 100_000, &Ord::cmp);
        assert!(items.is_sorted());
        let mut items: Vec<u32> = (0..100_000).map(|n| n % 1000).collect();
        sort_first(&mut items, 10, &Ord::cmp);
        assert_eq!(items[..10], [0; 10]);
    }
}
