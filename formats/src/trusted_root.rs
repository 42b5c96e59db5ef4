//! Trusted roots of Sigstore.

use crate::error::{Document, Error, ErrorKind};
use crate::limits::Limits;
use crate::unix_time::Window;
use bytes::Bytes;

/// A trusted root: the logs and authorities that exist, uninterpreted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedRoot {
    /// Its media type.
    pub media_type: String,
    /// Transparency logs.
    pub logs: Vec<LogInstance>,
    /// Certificate authorities for code signing.
    pub certificate_authorities: Vec<AuthorityInstance>,
    /// Certificate transparency logs.
    pub ct_logs: Vec<LogInstance>,
    /// Timestamp authorities.
    pub timestamp_authorities: Vec<AuthorityInstance>,
}

/// One log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogInstance {
    /// Base URL; empty when absent.
    pub base_url: String,
    /// Protobuf name of the hash algorithm of its tree; empty when absent.
    pub hash_algorithm: String,
    /// Its key.
    pub key: InstanceKey,
    /// Its identifier.
    pub log_id: Bytes,
    /// Identifier of the key that signs checkpoints, where the root names one apart.
    pub checkpoint_key_id: Option<Bytes>,
    /// Host name of the base URL: what the log's checkpoints call themselves, unless they say otherwise.
    pub origin: Option<String>,
}

/// The key of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceKey {
    /// Protobuf name of the key and signature algorithm; unknown ones are kept.
    pub key_details: String,
    /// `publicKey.rawBytes`.
    pub raw: Bytes,
    /// When the key is valid.
    pub valid: Window,
}

/// One certificate or timestamp authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorityInstance {
    /// Organization of its subject; empty when absent.
    pub organization: String,
    /// Common name of its subject; empty when absent.
    pub common_name: String,
    /// Its URI; empty when absent.
    pub uri: String,
    /// Its certificates, DER, the root last.
    pub chain: Vec<Bytes>,
    /// When the authority is valid.
    pub valid: Window,
}
impl TrustedRoot {
    pub fn parse(_bytes: &Bytes, _limits: &Limits) -> Result<Self, Error> {
        Err(Error::new(Document::TrustedRoot, ErrorKind::Unsupported { what: "reading", found: String::new() }))
    }
}
