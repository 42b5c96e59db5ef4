//! Canonical bodies of Rekor entries.

use crate::digest::HashAlgorithm;
use crate::error::{Document, Error, ErrorKind};
use bytes::Bytes;

/// A hash in a log entry: algorithm and value, which has the algorithm's length.
pub type LoggedHash = (HashAlgorithm, Bytes);

/// The key or certificate that a log entry names for a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verifier {
    /// A public key, `SubjectPublicKeyInfo` DER, unparsed.
    PublicKey(Bytes),
    /// A certificate, DER, unparsed.
    Certificate(Bytes),
}

/// A signature in an entry of Rekor v2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedSignature {
    /// The signature.
    pub signature: Bytes,
    /// What verifies it.
    pub verifier: Verifier,
    /// Protobuf name of the key and signature algorithm, such as `PKIX_ECDSA_P256_SHA_256`.
    pub key_details: String,
}

/// The canonical body of a Rekor entry of a kind that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogBody {
    /// `hashedrekord` 0.0.1
    HashedRekordV1 {
        /// Hash of the signed artifact.
        hash: LoggedHash,
        /// The signature.
        signature: Bytes,
        /// What verifies it.
        verifier: Verifier,
    },
    /// `hashedrekord` 0.0.2
    HashedRekordV2 {
        /// Digest of the signed artifact; for a DSSE envelope, of its pre-authentication encoding.
        digest: LoggedHash,
        /// The signature.
        signature: Bytes,
        /// What verifies it.
        verifier: Verifier,
        /// Protobuf name of the key and signature algorithm.
        key_details: String,
    },
    /// `dsse` 0.0.1
    DsseV1 {
        /// Hash of the envelope as it was submitted.
        envelope_hash: LoggedHash,
        /// Hash of the decoded payload.
        payload_hash: LoggedHash,
        /// Signatures and what verifies each.
        signatures: Vec<(Bytes, Verifier)>,
    },
    /// `dsse` 0.0.2
    DsseV2 {
        /// Hash of the decoded payload.
        payload_hash: LoggedHash,
        /// Signatures and what verifies each.
        signatures: Vec<LoggedSignature>,
    },
    /// `intoto` 0.0.2
    IntotoV2 {
        /// Type of the payload.
        payload_type: String,
        /// Hash of the decoded payload.
        payload_hash: LoggedHash,
        /// Hash of the envelope as it was submitted.
        content_hash: LoggedHash,
        /// Signatures and what verifies each.
        signatures: Vec<(Bytes, Verifier)>,
    },
}
impl LogBody {
    pub fn parse(_kind: &str, _version: &str, _body: &[u8]) -> Result<Self, Error> {
        Err(Error::new(Document::LogBody, ErrorKind::Unsupported { what: "reading", found: String::new() }))
    }
}
