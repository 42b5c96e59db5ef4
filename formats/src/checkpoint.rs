//! Checkpoints of transparency logs: C2SP tlog-checkpoint inside a C2SP signed-note.

use crate::error::{Document, Error, ErrorKind};
use crate::limits::Limits;
use bytes::Bytes;

/// A checkpoint: the size and root of a log's tree, with signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Name of the log.
    pub origin: String,
    /// Leaves of the tree.
    pub tree_size: u64,
    /// Root of the tree; 32 bytes.
    pub root_hash: Bytes,
    /// Lines after the root, in order.
    pub extensions: Vec<String>,
    /// The text that the signatures are over, with its last line feed.
    pub signed_text: String,
    /// The signatures, in order.
    pub signatures: Vec<NoteSignature>,
}

/// One signature of a signed note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key.
    pub name: String,
    /// First four bytes of the key's hash; a hint, proves nothing.
    pub key_hint: [u8; 4],
    /// The signature.
    pub signature: Bytes,
}
impl Checkpoint {
    pub fn parse(_note: &str, _limits: &Limits) -> Result<Self, Error> {
        Err(Error::new(Document::Checkpoint, ErrorKind::Unsupported { what: "reading", found: String::new() }))
    }
}
