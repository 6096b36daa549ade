//! Lists: a quicklist, that is nodes which are listpacks.

use super::Writer;
use crate::ValueType;
use crate::packed::listpack::Builder;

/// A node that is a listpack; the other kind is for elements of more than a gigabyte.
const PACKED: u64 = 2;

/// What Redis reckons that an element takes besides its bytes.
const OVERHEAD: usize = 8;

/// Largest node where the number of elements is the limit; in bytes.
const SAFE_BYTES: usize = 8192;

/// How large the nodes of a list become: Redis's `list-max-listpack-size`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeSize {
    /// As many elements, unless they are large.
    Elements(usize),
    /// As many bytes.
    Bytes(usize),
}

impl NodeSize {
    /// What the parameter's value means: -1 to -5 for 4 to 64 KiB, or a number of elements.
    pub fn of(parameter: i64) -> NodeSize {
        match usize::try_from(parameter) {
            Ok(elements) => NodeSize::Elements(elements.max(1)),
            Err(_) => NodeSize::Bytes(4096 << (parameter.max(-5).unsigned_abs() - 1)),
        }
    }

    /// Whether a node with `count` elements takes another one, with which it has `bytes`.
    fn admits(self, count: usize, bytes: usize) -> bool {
        match self {
            NodeSize::Bytes(limit) => bytes <= limit,
            NodeSize::Elements(limit) => bytes <= SAFE_BYTES && count < limit,
        }
    }
}

impl Writer {
    /// A list, as it becomes when its elements are appended one by one.
    pub fn list<'a>(&mut self, elements: impl IntoIterator<Item = &'a [u8]>, size: NodeSize) {
        let mut nodes = Writer::default();
        let (mut node, mut count, mut total) = (Builder::default(), 0, 0);
        for element in elements {
            let bytes = node.len() + element.len() + OVERHEAD;
            if count > 0 && !size.admits(count, bytes) {
                nodes.put_node(std::mem::take(&mut node));
                (count, total) = (0, total + 1);
            }
            node.push(element);
            count += 1;
        }
        if count > 0 {
            nodes.put_node(node);
            total += 1;
        }
        self.begin(ValueType::ListQuicklist2);
        self.put_count(total);
        self.out.append(&mut nodes.out);
    }

    fn put_node(&mut self, node: Builder) {
        self.put_count(PACKED);
        self.put_string(&node.finish());
    }
}

#[cfg(test)]
mod tests {
    use super::NodeSize;

    #[test]
    fn the_parameter_means_elements_or_bytes() {
        for (parameter, expected) in [
            (-1, NodeSize::Bytes(4096)),
            (-2, NodeSize::Bytes(8192)),
            (-5, NodeSize::Bytes(65536)),
            (-9, NodeSize::Bytes(65536)),
            (0, NodeSize::Elements(1)),
            (7, NodeSize::Elements(7)),
        ] {
            assert_eq!(NodeSize::of(parameter), expected, "{parameter}");
        }
    }
}
