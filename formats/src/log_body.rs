//! Canonical bodies of Rekor entries.

mod dsse;
mod hashed_rekord;
mod intoto;
mod parts;

use self::dsse::{dsse_v1, dsse_v2};
use self::hashed_rekord::{hashed_rekord_v1, hashed_rekord_v2};
use self::intoto::intoto_v2;
use crate::descriptor::name_string;
use crate::digest::HashAlgorithm;
use crate::error::{Document, Error, ErrorKind, excerpt};
use crate::json::Reader;
use crate::limits::Limits;
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
    /// Protobuf name of the key and signature algorithm, such as `PKIX_ECDSA_P256_SHA_256`; `None` where nothing is said.
    pub key_details: Option<String>,
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
        /// Protobuf name of the key and signature algorithm; `None` where nothing is said.
        key_details: Option<String>,
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
        /// The payload itself, where a log kept it; the canonical form leaves it out.
        payload: Option<Bytes>,
    },
}

impl LogBody {
    /// Reads the body of an entry of kind `kind` and version `version`, which the body must name too.
    ///
    /// # Errors
    /// `unsupported` for another kind or version; `conflict` when the body names another than the entry; `over-limit`,
    /// `not-utf8`, `json-syntax`, `duplicate-key`, `unknown-field`, `missing-field`, `wrong-type`, `bad-value`,
    /// `bad-base64`, `bad-digest`, `bad-pem`.
    pub fn parse(kind: &str, version: &str, body: &[u8]) -> Result<Self, Error> {
        let limits = Limits::DEFAULT;
        let cap = ("log_body_bytes", limits.log_body_bytes);
        let mut reader = Reader::from_bytes(Document::LogBody, body, cap, &limits)?;
        let read_spec: fn(&mut Reader<'_>) -> Result<Self, Error> = match (kind, version) {
            ("hashedrekord", "0.0.1") => hashed_rekord_v1,
            ("hashedrekord", "0.0.2") => hashed_rekord_v2,
            ("dsse", "0.0.1") => dsse_v1,
            ("dsse", "0.0.2") => dsse_v2,
            ("intoto", "0.0.2") => intoto_v2,
            _ => {
                let found = excerpt(&format!("{kind} {version}"));
                return Err(reader.error(ErrorKind::Unsupported {
                    what: "log entry kind",
                    found,
                }));
            }
        };
        let (mut own_kind, mut own_version, mut spec) = (None, None, None);
        reader.object(|reader, name| {
            match name {
                "kind" => own_kind = Some(reader.string()?.into_owned()),
                "apiVersion" => own_version = Some(reader.string()?.into_owned()),
                "spec" => spec = Some(read_spec(reader)?),
                _ => return Err(reader.unknown_field(name)),
            }
            Ok(())
        })?;
        for (name, own, entry) in [
            ("kind", own_kind, kind),
            ("apiVersion", own_version, version),
        ] {
            let own = reader.required(name, own)?;
            if own != entry {
                let first = format!("{name} `{}` of the body", excerpt(&own));
                return Err(reader.error(ErrorKind::Conflict {
                    first,
                    second: format!("`{entry}` of the entry"),
                }));
            }
        }
        let body = reader.required("spec", spec)?;
        reader.end()?;
        Ok(body)
    }

    /// The kind and version that a body names, for storage forms that say it nowhere else.
    ///
    /// # Errors
    /// `over-limit`, `not-utf8`, `json-syntax`, `duplicate-key`, `missing-field`, `wrong-type`.
    pub fn peek_kind(body: &[u8]) -> Result<(String, String), Error> {
        let limits = Limits::DEFAULT;
        let cap = ("log_body_bytes", limits.log_body_bytes);
        let mut reader = Reader::from_bytes(Document::LogBody, body, cap, &limits)?;
        let (mut kind, mut version) = (None, None);
        reader.object(|reader, name| {
            match name {
                "kind" => kind = Some(name_string(reader, &limits)?),
                "apiVersion" => version = Some(name_string(reader, &limits)?),
                _ => reader.ignore()?,
            }
            Ok(())
        })?;
        let named = (
            reader.required("kind", kind)?,
            reader.required("apiVersion", version)?,
        );
        reader.end()?;
        Ok(named)
    }
}
