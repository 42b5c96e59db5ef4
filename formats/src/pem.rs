//! PEM blocks (RFC 7468).

use crate::error::{Document, Error, ErrorKind};
use crate::limits::Limits;
use bytes::Bytes;

/// One PEM block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PemBlock {
    /// The label, such as `CERTIFICATE`.
    pub label: String,
    /// The content, decoded.
    pub content: Bytes,
}
pub fn pem_blocks(_text: &[u8], _maximum: usize) -> Result<Vec<PemBlock>, Error> {
        Err(Error::new(Document::Certificates, ErrorKind::Unsupported { what: "reading", found: String::new() }))
}
pub fn write_pem(_label: &str, _content: &[u8]) -> String { String::new() }
pub fn pem_certificates(_text: &[u8], _limits: &Limits) -> Result<Vec<Bytes>, Error> {
        Err(Error::new(Document::Certificates, ErrorKind::Unsupported { what: "reading", found: String::new() }))
}
