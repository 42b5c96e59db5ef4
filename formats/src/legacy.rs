//! Annotations of the layers of `.sig` and `.att` manifests.

use crate::error::{Document, Error, ErrorKind};
use crate::limits::Limits;
use crate::log_entry::LogEntry;
use bytes::Bytes;
use std::collections::BTreeMap;

/// What the annotations of a signature or attestation layer say; empty and blank values count as absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LegacyAnnotations {
    /// Signature over the layer's bytes.
    pub signature: Option<Bytes>,
    /// Certificate of the signer, DER.
    pub certificate: Option<Bytes>,
    /// Certificates above it, DER, as they were written.
    pub chain: Vec<Bytes>,
    /// Log entry with its promise; kind and version are read from the body.
    pub entry: Option<LogEntry>,
    /// RFC 3161 timestamp response, DER.
    pub timestamp: Option<Bytes>,
    /// Predicate type, unsigned.
    pub predicate_type: Option<String>,
}
impl LegacyAnnotations {
    pub fn parse(_annotations: &BTreeMap<String, String>, _limits: &Limits) -> Result<Self, Error> {
        Err(Error::new(Document::LegacyAnnotations, ErrorKind::Unsupported { what: "reading", found: String::new() }))
    }
}
