//! Checkpoints of transparency logs: C2SP tlog-checkpoint inside a C2SP signed-note.
//!
//! ```text
//! origin LF
//! size of the tree, decimal LF
//! root hash, base64 LF
//! [extension LF]...
//! LF
//! U+2014 SP key name SP base64(4 bytes of key hash, signature) LF
//! ...
//! ```

use crate::base64_text::decode_base64;
use crate::error::{Document, Error, ErrorKind, excerpt};
use crate::limits::Limits;
use crate::log_entry::NODE_BYTES;
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
    /// The signatures, in order; at least one.
    pub signatures: Vec<NoteSignature>,
}

/// One signature of a signed note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteSignature {
    /// Name of the key.
    pub name: String,
    /// First four bytes of the key's hash; a hint, proves nothing.
    pub key_hint: [u8; 4],
    /// The signature, not empty.
    pub signature: Bytes,
}

impl Checkpoint {
    /// Reads a signed checkpoint.
    ///
    /// # Errors
    /// `over-limit` and `bad-value`; the latter says which line is wrong.
    pub fn parse(note: &str, limits: &Limits) -> Result<Self, Error> {
        if note.len() > limits.note_bytes {
            return Err(over_limit("note_bytes", limits.note_bytes));
        }
        // signed-note: no control characters but the line feed.
        if note
            .chars()
            .any(|character| character.is_control() && character != '\n')
        {
            return Err(bad("text without control characters", note));
        }
        // The signatures stand after the last empty line; an extension cannot be empty, so text has no other.
        let at = note
            .rfind("\n\n")
            .ok_or_else(|| bad("an empty line before the signatures", note))?;
        let (signed_text, rest) = note.split_at_checked(at + 1).unwrap_or((note, ""));
        let signatures = rest.strip_prefix('\n').unwrap_or_default();
        let mut lines = signed_text.split_terminator('\n');
        let origin = lines
            .next()
            .filter(|line| !line.is_empty())
            .ok_or_else(|| bad("the name of a log", note))?;
        let size = lines.next().unwrap_or_default();
        let tree_size =
            read_size(size).ok_or_else(|| bad("the size of the tree in decimal digits", size))?;
        let root = lines.next().unwrap_or_default();
        let root_hash = decode_base64(root, NODE_BYTES)
            .filter(|hash| hash.len() == NODE_BYTES)
            .ok_or_else(|| bad("a root hash of 32 bytes in base64", root))?;
        let extensions: Vec<String> = lines.map(ToOwned::to_owned).collect();
        if extensions.iter().any(String::is_empty) {
            return Err(bad("no empty line before the signatures but one", note));
        }
        let signatures = read_signatures(signatures, limits)?;
        Ok(Self {
            origin: origin.to_owned(),
            tree_size,
            root_hash,
            extensions,
            signed_text: signed_text.to_owned(),
            signatures,
        })
    }
}

fn read_signatures(text: &str, limits: &Limits) -> Result<Vec<NoteSignature>, Error> {
    let lines = text
        .strip_suffix('\n')
        .ok_or_else(|| bad("signatures that end in a line feed", text))?;
    let mut signatures = Vec::new();
    for line in lines.split('\n') {
        if signatures.len() >= limits.note_signatures {
            return Err(over_limit("note_signatures", limits.note_signatures));
        }
        let signature = read_signature(line, limits)
            .ok_or_else(|| bad("a signature line of a signed note", line))?;
        signatures.push(signature);
    }
    Ok(signatures)
}

fn read_signature(line: &str, limits: &Limits) -> Option<NoteSignature> {
    let (name, base64) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    if name.is_empty() || name.contains('+') || name.chars().any(char::is_whitespace) {
        return None;
    }
    let bytes = decode_base64(base64, limits.signature_bytes)?;
    let (hint, signature) = bytes.split_first_chunk::<4>()?;
    if signature.is_empty() {
        return None;
    }
    Some(NoteSignature {
        name: name.to_owned(),
        key_hint: *hint,
        signature: bytes.slice_ref(signature),
    })
}

/// Decimal digits without leading zeros.
fn read_size(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with('0');
    if !canonical || text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse::<i64>()
        .ok()
        .and_then(|size| u64::try_from(size).ok())
}

fn bad(expected: &'static str, found: &str) -> Error {
    Error::new(
        Document::Checkpoint,
        ErrorKind::BadValue {
            expected,
            found: excerpt(found),
        },
    )
}

fn over_limit(limit: &'static str, maximum: usize) -> Error {
    Error::new(
        Document::Checkpoint,
        ErrorKind::OverLimit {
            limit,
            maximum: maximum as u64,
        },
    )
}
