//! Transparency log entries as bundles carry them.

use crate::unix_time::UnixTime;
use bytes::Bytes;

/// An entry of a transparency log, with what the log promised or proved about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Index in the log as a whole, over all its shards.
    pub log_index: u64,
    /// Identifier of the log.
    pub log_id: Bytes,
    /// Kind of the entry, such as `dsse`.
    pub kind: String,
    /// Version of the kind, such as `0.0.1`.
    pub version: String,
    /// When the log says it took the entry; only a promise signs it. `None` when absent or 0.
    pub integrated_time: Option<UnixTime>,
    /// The signed entry timestamp, DER or raw.
    pub promise: Option<Bytes>,
    /// The inclusion proof.
    pub proof: Option<InclusionProof>,
    /// The canonical body of the entry.
    pub body: Bytes,
}

/// A Merkle inclusion proof with the checkpoint that signs its root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InclusionProof {
    /// Index of the leaf in its tree.
    pub log_index: u64,
    /// Leaves of the tree.
    pub tree_size: u64,
    /// Root of the tree; 32 bytes.
    pub root_hash: Bytes,
    /// Hashes from the leaf's sibling up to the root; 32 bytes each.
    pub hashes: Vec<Bytes>,
    /// The checkpoint, a signed note; empty when absent.
    pub checkpoint: String,
}
