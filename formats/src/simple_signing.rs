//! Simple-signing payloads.

use crate::digest::Digest;
use crate::error::{Document, Error, ErrorKind};
use bytes::Bytes;
use std::collections::BTreeMap;

/// A simple-signing payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimpleSigning {
    /// The name the image had when it was signed; binds nothing.
    pub docker_reference: String,
    /// Digest of the image manifest.
    pub digest: Digest,
    /// Annotations; a value that is not a string is its JSON text.
    pub optional: BTreeMap<String, String>,
}
impl SimpleSigning {
    pub fn parse(_bytes: &Bytes) -> Result<Self, Error> {
        Err(Error::new(Document::SimpleSigning, ErrorKind::Unsupported { what: "reading", found: String::new() }))
    }
    pub fn to_json(&self) -> Vec<u8> { Vec::new() }
}
