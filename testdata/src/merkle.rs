//! The lab's Merkle tree (RFC 6962 section 2.1), written straight from the definition.

use crate::keys::sha256;

/// Hash of a leaf: the zero prefix keeps leaves apart from inner nodes.
pub fn leaf_hash(entry: &[u8]) -> [u8; 32] {
    sha256(&[&[0], entry].concat())
}

/// Root over leaf hashes.
pub fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => sha256(&[]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node(&root(left), &root(right))
        }
    }
}

/// Audit path of the leaf at `index`, lowest sibling first.
pub fn path(leaves: &[[u8; 32]], index: usize) -> Vec<[u8; 32]> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let at = split(leaves.len());
    let (left, right) = leaves.split_at(at);
    let (mut hashes, sibling) = if index < at {
        (path(left, index), root(right))
    } else {
        (path(right, index - at), root(left))
    };
    hashes.push(sibling);
    hashes
}

fn node(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    sha256(&[&[1][..], left, right].concat())
}

/// The largest power of two below `length`.
fn split(length: usize) -> usize {
    let mut power = 1;
    while power * 2 < length {
        power *= 2;
    }
    power
}
