//! t-digests: quantiles of many numbers from few.
//!
//! Source: Dunning and Ertl, "Computing Extremely Accurate Quantiles Using t-Digests" (2019), in the
//! merging form: numbers gather in a buffer; when it is full, they and the centroids made before are
//! sorted and joined again, the closer to the ends the fewer to a centroid. The rule of joining and
//! the interpolation between centroids are those of Redis Stack.

mod estimate;

use std::borrow::Cow;
use std::f64::consts::PI;
use std::sync::Arc;

use ferric_engine::{Image, Malformed, Object};

use super::wire::{MAX_NUMBER, Reader, put_double, put_number};
use super::{Collection, Kind};

/// Highest compression.
pub const MAX_COMPRESSION: u64 = 100_000;

/// Bytes of a node in Redis Stack, and of the rest of a digest: what TDIGEST.INFO says is used.
const REDIS_NODE: u64 = 16;
const REDIS_DIGEST: u64 = 80;

// Deltas.
const ADD: u8 = 0;
const RESET: u8 = 1;

/// Some numbers, or one that stands for them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Node {
    /// Their mean.
    pub mean: f64,
    /// How many there are.
    pub weight: u64,
}

/// A t-digest.
#[derive(Clone, Debug, PartialEq)]
pub struct TDigest {
    compression: u64,
    /// Centroids in order.
    merged: Arc<Vec<Node>>,
    /// Numbers that have not been joined yet.
    buffer: Arc<Vec<Node>>,
    min: f64,
    max: f64,
    merged_weight: u64,
    buffer_weight: u64,
    compressions: u64,
}

/// A sum of weights has more than 63 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow;

impl TDigest {
    /// An empty one; `None` if the compression is not from 1 to [`MAX_COMPRESSION`].
    pub fn new(compression: u64) -> Option<TDigest> {
        (1..=MAX_COMPRESSION).contains(&compression).then(|| TDigest {
            compression,
            merged: Arc::default(),
            buffer: Arc::default(),
            min: f64::MAX,
            max: -f64::MAX,
            merged_weight: 0,
            buffer_weight: 0,
            compressions: 0,
        })
    }

    /// The trade-off between size and accuracy that it was made with.
    pub fn compression(&self) -> u64 {
        self.compression
    }

    /// Nodes that there may be.
    pub fn capacity(&self) -> u64 {
        6 * self.compression + 10
    }

    /// Nodes that have been joined, and that have not.
    pub fn nodes(&self) -> (usize, usize) {
        (self.merged.len(), self.buffer.len())
    }

    /// How many numbers there are in joined nodes, and in others.
    pub fn weights(&self) -> (u64, u64) {
        (self.merged_weight, self.buffer_weight)
    }

    /// How many numbers it has seen.
    pub fn count(&self) -> u64 {
        self.merged_weight + self.buffer_weight
    }

    /// How often nodes have been joined.
    pub fn compressions(&self) -> u64 {
        self.compressions
    }

    /// Memory that Redis Stack uses for one like this, in bytes.
    pub fn redis_bytes(&self) -> u64 {
        REDIS_DIGEST + self.capacity() * REDIS_NODE
    }

    /// Forgets all numbers.
    pub fn reset(&mut self) {
        if let Some(empty) = TDigest::new(self.compression) {
            *self = TDigest { compressions: 0, ..empty };
        }
    }

    /// Adds a number, `weight` times.
    ///
    /// # Errors
    /// There would be too many; nothing has changed then.
    pub fn add(&mut self, mean: f64, weight: u64) -> Result<(), Overflow> {
        let count = self.count().checked_add(weight).filter(|count| *count <= i64::MAX as u64);
        count.ok_or(Overflow)?;
        // One node is left free, as in Redis Stack.
        if (self.merged.len() + self.buffer.len()) as u64 >= self.capacity() - 1 {
            self.compress();
        }
        self.min = self.min.min(mean);
        self.max = self.max.max(mean);
        Arc::make_mut(&mut self.buffer).push(Node { mean, weight });
        self.buffer_weight += weight;
        Ok(())
    }

    /// Adds all numbers of another one.
    ///
    /// # Errors
    /// There would be too many; a part of them may have been added.
    pub fn merge(&mut self, other: &TDigest) -> Result<(), Overflow> {
        self.compress();
        let other = other.compressed();
        for node in other.merged.iter() {
            self.add(node.mean, node.weight)?;
        }
        Ok(())
    }

    /// Joins nodes, if there are any that have not been.
    pub fn compress(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        let mut nodes = Vec::with_capacity(self.merged.len() + self.buffer.len());
        nodes.extend_from_slice(&self.merged);
        nodes.extend_from_slice(&self.buffer);
        nodes.sort_by(|a, b| a.mean.total_cmp(&b.mean));
        self.merged_weight = self.count();
        self.merged = Arc::new(self.join(&nodes));
        self.buffer = Arc::default();
        self.buffer_weight = 0;
        self.compressions += 1;
    }

    /// Joins neighbours as long as the result is small for its distance from the ends.
    fn join(&self, nodes: &[Node]) -> Vec<Node> {
        let total = self.merged_weight as f64;
        let normalizer = self.compression as f64 / (2.0 * PI * total * total.ln());
        let (mut joined, mut before) = (Vec::<Node>::new(), 0.0);
        for node in nodes {
            let Some(current) = joined.last_mut() else {
                joined.push(*node);
                continue;
            };
            let proposed = current.weight as f64 + node.weight as f64;
            let size = proposed * normalizer;
            let (q0, q2) = (before / total, (before + proposed) / total);
            if size <= q0 * (1.0 - q0) && size <= q2 * (1.0 - q2) {
                current.weight += node.weight;
                let distance = node.mean - current.mean;
                current.mean += distance * node.weight as f64 / current.weight as f64;
            } else {
                before += current.weight as f64;
                joined.push(*node);
            }
        }
        joined
    }

    /// The same with all nodes joined.
    fn compressed(&self) -> Cow<'_, TDigest> {
        if self.buffer.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut copy = self.clone();
        copy.compress();
        Cow::Owned(copy)
    }

    /// The smallest number.
    pub fn min(&self) -> Option<f64> {
        (self.count() > 0).then_some(self.min)
    }

    /// The largest number.
    pub fn max(&self) -> Option<f64> {
        (self.count() > 0).then_some(self.max)
    }

    /// The delta that adds numbers once each.
    pub fn addition(numbers: &[f64]) -> Vec<u8> {
        let mut delta = Vec::with_capacity(size_of_val(numbers) + 1 + MAX_NUMBER);
        delta.push(ADD);
        put_number(&mut delta, numbers.len() as u64);
        numbers.iter().for_each(|number| put_double(&mut delta, *number));
        delta
    }

    /// The delta that forgets all numbers.
    pub fn resetting() -> Vec<u8> {
        vec![RESET]
    }
}

impl Object for TDigest {
    fn apply(&mut self, delta: &[u8]) -> Result<(), Malformed> {
        let mut reader = Reader::new(delta);
        while !reader.is_empty() {
            match reader.byte()? {
                ADD => {
                    for _ in 0..reader.size()? {
                        let number = read_finite(&mut reader)?;
                        self.add(number, 1).map_err(|_| Malformed)?;
                    }
                }
                RESET => self.reset(),
                _ => return Err(Malformed),
            }
        }
        Ok(())
    }

    fn heap_bytes(&self) -> usize {
        (self.merged.capacity() + self.buffer.capacity()) * size_of::<Node>()
    }

    fn image_len(&self) -> usize {
        (self.merged.len() + self.buffer.len() + 4) * size_of::<Node>()
    }

    fn freeze(&self) -> Box<dyn Image> {
        Box::new(Frozen { digest: self.clone(), next: None })
    }
}

/// Nodes of a digest that are written at a time.
const WRITTEN: usize = 1024;

/// A digest as of now.
struct Frozen {
    digest: TDigest,
    /// The next node to be written, once what comes before the nodes has been.
    next: Option<usize>,
}

impl Image for Frozen {
    fn write(&mut self, out: &mut Vec<u8>, budget: usize) -> bool {
        let end = out.len().saturating_add(budget);
        let digest = &self.digest;
        if self.next.is_none() {
            put_number(out, digest.compression);
            put_number(out, digest.compressions);
            put_double(out, digest.min);
            put_double(out, digest.max);
            put_number(out, digest.merged.len() as u64);
            put_number(out, digest.buffer.len() as u64);
        }
        let nodes = digest.merged.iter().chain(digest.buffer.iter());
        let next = self.next.get_or_insert(0);
        let mut nodes = nodes.skip(*next).peekable();
        while nodes.peek().is_some() && out.len() < end {
            for node in nodes.by_ref().take(WRITTEN) {
                put_double(out, node.mean);
                put_number(out, node.weight);
                *next += 1;
            }
        }
        nodes.peek().is_some()
    }
}

fn read_finite(reader: &mut Reader<'_>) -> Result<f64, Malformed> {
    let number = reader.double()?;
    if number.is_finite() { Ok(number) } else { Err(Malformed) }
}

/// Reads nodes; also the sum of their weights.
fn read_nodes(reader: &mut Reader<'_>, count: usize) -> Result<(Vec<Node>, u64), Malformed> {
    let (mut nodes, mut sum) = (Vec::new(), 0u64);
    for _ in 0..count {
        let node = Node { mean: read_finite(reader)?, weight: reader.number()? };
        sum =
            sum.checked_add(node.weight).filter(|sum| *sum <= i64::MAX as u64).ok_or(Malformed)?;
        nodes.push(node);
    }
    Ok((nodes, sum))
}

/// Read access to a digest: a copy when it comes from an image, which is small.
#[derive(Clone, Copy)]
pub enum View<'t> {
    /// A structure.
    Object(&'t TDigest),
    /// Its image.
    Image(&'t [u8]),
}

impl<'t> View<'t> {
    /// The digest.
    ///
    /// # Errors
    /// The image is malformed, which the log's checksums rule out.
    pub fn digest(self) -> Result<Cow<'t, TDigest>, Malformed> {
        match self {
            View::Object(digest) => Ok(Cow::Borrowed(digest)),
            View::Image(image) => TDigest::decode(image).map(Cow::Owned),
        }
    }
}

impl Collection for TDigest {
    const KIND: Kind = Kind::TDigest;

    type View<'t> = View<'t>;

    fn view(&self) -> View<'_> {
        View::Object(self)
    }

    fn view_image(image: &[u8]) -> View<'_> {
        View::Image(image)
    }

    fn decode(image: &[u8]) -> Result<TDigest, Malformed> {
        let mut reader = Reader::new(image);
        let mut digest = TDigest::new(reader.number()?).ok_or(Malformed)?;
        digest.compressions = reader.number()?;
        (digest.min, digest.max) = (read_finite(&mut reader)?, read_finite(&mut reader)?);
        let (merged, buffered) = (reader.size()?, reader.size()?);
        let (merged, merged_weight) = read_nodes(&mut reader, merged)?;
        let (buffer, buffer_weight) = read_nodes(&mut reader, buffered)?;
        let count = merged_weight.checked_add(buffer_weight).ok_or(Malformed)?;
        let fits = (merged.len() + buffer.len()) as u64 <= digest.capacity();
        if !reader.is_empty() || !fits || count > i64::MAX as u64 {
            return Err(Malformed);
        }
        (digest.merged_weight, digest.buffer_weight) = (merged_weight, buffer_weight);
        (digest.merged, digest.buffer) = (Arc::new(merged), Arc::new(buffer));
        Ok(digest)
    }

    fn encoding(_view: View<'_>, _flags: u8) -> &'static str {
        "raw"
    }
}

#[cfg(test)]
mod tests;
