//! How many nodes Redis's radix tree would have, for XINFO STREAM.

/// Bytes of a key.
const KEY: u32 = u128::BITS / 8;

/// Number of nodes of a radix tree with these keys of 16 bytes, which come in order.
///
/// A node holds one byte for each of its children; a chain of nodes with one child each is one node;
/// the end of a key is a node. Source: "Rax", the README of the radix tree's author.
pub fn radix_nodes(keys: impl Iterator<Item = u128>) -> usize {
    let mut previous: Option<u128> = None;
    // Depths at which the path to the previous key branches, and the last of them.
    let mut branches: Vec<u32> = Vec::new();
    let mut nodes = 0;
    let mut shared_before = None;
    for key in keys {
        if let Some(previous) = previous {
            let shared = (previous ^ key).leading_zeros() / 8;
            nodes += leaf(shared_before.max(Some(shared)));
            close(&mut branches, shared, &mut nodes);
            shared_before = Some(shared);
        }
        previous = Some(key);
    }
    if previous.is_none() {
        return 1;
    }
    nodes += leaf(shared_before);
    while let Some(branch) = branches.pop() {
        nodes += below(branches.last().copied(), branch);
    }
    nodes
}

/// Leaves the branches deeper than `depth`, and makes one there.
fn close(branches: &mut Vec<u32>, depth: u32, nodes: &mut usize) {
    while let Some(branch) = branches.pop_if(|branch| *branch > depth) {
        *nodes += below(branches.last().copied().max(Some(depth)), branch);
    }
    if branches.last() != Some(&depth) {
        branches.push(depth);
    }
}

/// Nodes of a key's end below the branch at `depth`.
fn leaf(depth: Option<u32>) -> usize {
    below(depth, KEY)
}

/// Nodes of what is at `depth` below the branch at `parent`: itself and the chain that leads to it.
fn below(parent: Option<u32>, depth: u32) -> usize {
    let chain = depth - parent.map_or(0, |parent| parent + 1);
    1 + usize::from(chain > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_trees() {
        let key = |bytes: [u8; 3]| {
            let mut key = [0; 16];
            key[..3].copy_from_slice(&bytes);
            u128::from_be_bytes(key)
        };
        let nodes = |keys: &[[u8; 3]]| radix_nodes(keys.iter().map(|bytes| key(*bytes)));
        assert_eq!(nodes(&[]), 1);
        assert_eq!(nodes(&[[1, 1, 1]]), 2);
        // A branch at the root, two chains, two ends.
        assert_eq!(nodes(&[[1, 1, 1], [2, 1, 1]]), 5);
        // The chain to the branch as well.
        assert_eq!(nodes(&[[1, 1, 1], [1, 1, 2]]), 6);
        // Two branches without a chain between them.
        assert_eq!(nodes(&[[1, 1, 1], [1, 1, 2], [1, 2, 1]]), 9);
        assert_eq!(nodes(&[[1, 1, 1], [1, 2, 1], [1, 2, 2]]), 9);
        // Only the last byte differs: no chain below the branch.
        assert_eq!(radix_nodes([1, 2, 3].into_iter()), 5);
    }
}
