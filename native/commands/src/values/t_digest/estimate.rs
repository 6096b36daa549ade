//! What a t-digest says about its numbers.

use std::borrow::Cow;

use super::{Node, TDigest};

/// A digest with all its nodes joined, for questions.
pub struct Estimates<'t> {
    digest: Cow<'t, TDigest>,
}

impl TDigest {
    /// Prepares for questions.
    pub fn estimates(&self) -> Estimates<'_> {
        Estimates { digest: self.compressed() }
    }
}

impl Estimates<'_> {
    fn nodes(&self) -> &[Node] {
        &self.digest.merged
    }

    fn total(&self) -> f64 {
        self.digest.merged_weight as f64
    }

    /// The number below which a part `quantile` (0 to 1) of all numbers is; `None` without numbers.
    pub fn quantile(&self, quantile: f64) -> Option<f64> {
        let nodes = self.nodes();
        let (first, last) = (nodes.first()?, nodes.last()?);
        if nodes.len() == 1 {
            return Some(first.mean);
        }
        let (min, max, total) = (self.digest.min, self.digest.max, self.total());
        // Where the number would be if all were in order.
        let index = quantile * total;
        if index < 1.0 {
            return Some(min);
        }
        let left = first.weight as f64 / 2.0;
        // One of the first centroid's numbers is the smallest of all, and so at the other end.
        if left > 0.5 && index < left {
            return Some(min + (index - 1.0) / (left - 1.0) * (first.mean - min));
        }
        if index > total - 1.0 {
            return Some(max);
        }
        let right = last.weight as f64 / 2.0;
        if right > 0.5 && total - index <= right {
            return Some(max - (total - index - 1.0) / (right - 1.0) * (max - last.mean));
        }
        Some(between(nodes, index, left).unwrap_or(max))
    }

    /// The part of all numbers that is less than `value`, with half of those that are equal; `None`
    /// without numbers.
    pub fn cdf(&self, value: f64) -> Option<f64> {
        let nodes = self.nodes();
        let (first, last) = (nodes.first()?, nodes.last()?);
        let (min, max, total) = (self.digest.min, self.digest.max, self.total());
        if value < min {
            return Some(0.0);
        }
        if value > max {
            return Some(1.0);
        }
        if nodes.len() == 1 {
            // All its numbers are equal, or too close to tell them apart.
            return Some(0.5);
        }
        if value < first.mean {
            let half = first.weight as f64 / 2.0;
            let part = (value - min) / (first.mean - min);
            let below = if value == min { 0.5 } else { 1.0 + part * (half - 1.0) };
            return Some(below / total);
        }
        if value > last.mean {
            let half = last.weight as f64 / 2.0;
            let part = (max - value) / (max - last.mean);
            let above = if value == max { 0.5 } else { 1.0 + part * (half - 1.0) };
            return Some(1.0 - above / total);
        }
        Some(below(nodes, value) / total)
    }

    /// The mean of the numbers between two quantiles; `None` without numbers.
    pub fn trimmed_mean(&self, low: f64, high: f64) -> Option<f64> {
        let nodes = self.nodes();
        let [first, _, ..] = nodes else { return nodes.first().map(|node| node.mean) };
        let (from, to) = ((self.total() * low).floor(), (self.total() * high).ceil());
        let (mut before, mut sum, mut count) = (0.0, 0.0, 0.0);
        for node in nodes {
            let weight = node.weight as f64;
            let skipped = (from - before).max(0.0).min(weight);
            let taken = (to - before).max(0.0).min(weight - skipped);
            sum += node.mean * taken;
            count += taken;
            before += weight;
            if before >= to {
                break;
            }
        }
        if count > 0.0 { Some(sum / count) } else { Some(first.mean) }
    }
}

/// The number at `index` between two centroids, the first of which ends at `left` of its numbers;
/// `None` if it is behind the last one's middle.
fn between(nodes: &[Node], index: f64, left: f64) -> Option<f64> {
    let mut before = left;
    for pair in nodes.windows(2) {
        let [a, b] = [pair[0], pair[1]];
        let step = (a.weight as f64 + b.weight as f64) / 2.0;
        if before + step <= index {
            before += step;
            continue;
        }
        // A centroid of one number is that number, and none of it is elsewhere.
        let (mut from_a, mut to_b) = (index - before, before + step - index);
        if a.weight == 1 {
            if from_a < 0.5 {
                return Some(a.mean);
            }
            from_a -= 0.5;
        }
        if b.weight == 1 {
            if to_b <= 0.5 {
                return Some(b.mean);
            }
            to_b -= 0.5;
        }
        let mean = (a.mean * to_b + b.mean * from_a) / (from_a + to_b);
        return Some(mean.max(a.mean).min(b.mean));
    }
    None
}

/// How many numbers are less than `value`, which is not outside the centroids, with half of those
/// that are equal.
fn below(nodes: &[Node], value: f64) -> f64 {
    let mut before = 0.0;
    for (at, node) in nodes.iter().enumerate() {
        let weight = node.weight as f64;
        if node.mean == value {
            let equal = nodes[at..].iter().take_while(|node| node.mean == value);
            return before + equal.map(|node| node.weight as f64).sum::<f64>() / 2.0;
        }
        let Some(next) = nodes.get(at + 1) else { break };
        if node.mean <= value && value < next.mean {
            let (single, next_single) = (node.weight == 1, next.weight == 1);
            if single && next_single {
                return before + 1.0;
            }
            let (left, right) =
                (if single { 0.5 } else { 0.0 }, if next_single { 0.5 } else { 0.0 });
            let spread = (weight + next.weight as f64) / 2.0 - left - right;
            let part = (value - node.mean) / (next.mean - node.mean);
            return before + weight / 2.0 + left + spread * part;
        }
        before += weight;
    }
    before - 0.5
}
