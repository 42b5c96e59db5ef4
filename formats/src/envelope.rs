//! DSSE envelopes.

use crate::error::{Document, Error, ErrorKind};
use crate::limits::Limits;
use bytes::Bytes;

/// A DSSE envelope: a payload, its type and signatures over both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Type of the payload.
    pub payload_type: String,
    /// The payload, decoded.
    pub payload: Bytes,
    /// The signatures, in order.
    pub signatures: Vec<EnvelopeSignature>,
}

/// One signature of an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvelopeSignature {
    /// A hint at the key; proves nothing.
    pub keyid: Option<String>,
    /// The signature, decoded.
    pub signature: Bytes,
}
impl Envelope {
    pub fn parse(_bytes: &Bytes, _limits: &Limits) -> Result<Self, Error> {
        Err(Error::new(Document::Envelope, ErrorKind::Unsupported { what: "reading", found: String::new() }))
    }
    pub fn to_json(&self) -> Vec<u8> { Vec::new() }
}
/// What stands before the payload in the bytes that are signed; hash this and then the payload.
pub fn pae_prefix(payload_type: &str, payload_length: usize) -> Vec<u8> {
    format!("DSSEv1 {} {payload_type} {payload_length} ", payload_type.len()).into_bytes()
}

/// The pre-authentication encoding: the bytes that a DSSE signature is over.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut encoded = pae_prefix(payload_type, payload.len());
    encoded.extend_from_slice(payload);
    encoded
}
