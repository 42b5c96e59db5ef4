//! Merkle inclusion proofs (RFC 6962 §2.1.1, in the form of RFC 9162 §2.1.3.2).

use crate::crypto::HashContext;
use bytes::Bytes;
use countersign_formats::{Digest, HashAlgorithm};

/// The bytes of one hash.
const HASH_BYTES: usize = 32;

/// The hash of a leaf; without the prefix an inner node would pass for a leaf.
pub(crate) fn leaf_hash(leaf: &[u8]) -> Digest {
    let mut context = HashContext::new(HashAlgorithm::Sha256);
    context.update(&[0x00]);
    context.update(leaf);
    context.finish()
}

fn node_hash(left: &[u8], right: &[u8]) -> Digest {
    let mut context = HashContext::new(HashAlgorithm::Sha256);
    context.update(&[0x01]);
    context.update(left);
    context.update(right);
    context.finish()
}

/// The root of the tree of `size` leaves in which leaf `index` has this hash and this path to the root.
///
/// `None` when the path does not fit the index and the size: too short, too long, or with a hash of another length.
pub(crate) fn root(leaf: Digest, index: u64, size: u64, path: &[Bytes]) -> Option<Digest> {
    if index >= size {
        return None;
    }
    let (mut node, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in path {
        if last == 0 || sibling.len() != HASH_BYTES {
            return None;
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, hash.as_bytes());
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(hash.as_bytes(), sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6962 §2.1: the tree's hash, by its recursive definition.
    fn tree(leaves: &[Digest]) -> Digest {
        match leaves {
            [leaf] => *leaf,
            _ => {
                let split = leaves.len().next_power_of_two() / 2;
                node_hash(
                    tree(&leaves[..split]).as_bytes(),
                    tree(&leaves[split..]).as_bytes(),
                )
            }
        }
    }

    /// RFC 6962 §2.1.1: the path, by its recursive definition.
    fn path(index: usize, leaves: &[Digest]) -> Vec<Bytes> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let split = leaves.len().next_power_of_two() / 2;
        let (mut below, beside) = if index < split {
            (path(index, &leaves[..split]), tree(&leaves[split..]))
        } else {
            (
                path(index - split, &leaves[split..]),
                tree(&leaves[..split]),
            )
        };
        below.push(Bytes::copy_from_slice(beside.as_bytes()));
        below
    }

    #[test]
    fn every_leaf_of_every_small_tree_leads_to_its_root() {
        let leaves: Vec<Digest> = (0..70_u8).map(|value| leaf_hash(&[value])).collect();
        for size in 1..=leaves.len() {
            let expected = tree(&leaves[..size]);
            for index in 0..size {
                let path = path(index, &leaves[..size]);
                assert_eq!(
                    root(leaves[index], index as u64, size as u64, &path),
                    Some(expected)
                );
            }
        }
    }

    // N-72: another index, another size, a hash more or less never lead to the root.
    #[test]
    fn a_path_of_another_place_does_not_lead_to_the_root() {
        let leaves: Vec<Digest> = (0..37_u8).map(|value| leaf_hash(&[value])).collect();
        let expected = tree(&leaves);
        for index in 0..leaves.len() {
            let good = path(index, &leaves);
            for other in 0..80_u64 {
                if other != index as u64 {
                    assert_ne!(
                        root(leaves[index], other, 37, &good),
                        Some(expected),
                        "{index} as {other}"
                    );
                }
            }
            let mut longer = good.clone();
            longer.push(longer[0].clone());
            assert_ne!(
                root(leaves[index], index as u64, 37, &longer),
                Some(expected)
            );
            assert_ne!(
                root(leaves[index], index as u64, 37, &good[1..]),
                Some(expected)
            );
            let mut odd = good.clone();
            odd[0] = odd[0].slice(..31);
            assert_eq!(root(leaves[index], index as u64, 37, &odd), None);
        }
        assert_eq!(root(expected, 0, 0, &[]), None);
        assert_eq!(root(expected, u64::MAX, u64::MAX, &[]), None);
        assert_eq!(root(expected, 0, 1, &[]), Some(expected));
        assert_eq!(root(expected, u64::MAX - 1, u64::MAX, &[]), None);
    }
}
