//! Trusted roots of Sigstore.

use crate::descriptor::name_string;
use crate::error::{Document, Error, ErrorKind, excerpt};
use crate::json::Reader;
use crate::limits::Limits;
use crate::log_entry::LOG_ID_BYTES;
use crate::media_types;
use crate::unix_time::{UnixTime, Window};
use bytes::Bytes;

/// The media types of versions 0.1 and 0.2, in both spellings.
const MEDIA_TYPES: [&str; 4] = [
    media_types::TRUSTED_ROOT_V01,
    "application/vnd.dev.sigstore.trustedroot.v0.1+json",
    "application/vnd.dev.sigstore.trustedroot+json;version=0.2",
    media_types::TRUSTED_ROOT_V02,
];

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
    /// Reads a trusted root of version 0.1 or 0.2; members it does not know are passed over.
    ///
    /// # Errors
    /// `over-limit`, `not-utf8`, `json-syntax`, `duplicate-key`, `missing-field`, `wrong-type`, `bad-value`,
    /// `bad-base64`; `unsupported` for another media type.
    pub fn parse(bytes: &Bytes, limits: &Limits) -> Result<Self, Error> {
        let cap = ("trusted_root_bytes", limits.trusted_root_bytes);
        let mut reader = Reader::from_bytes(Document::TrustedRoot, bytes, cap, limits)?;
        let mut media_type = None;
        let mut root = Self {
            media_type: String::new(),
            logs: Vec::new(),
            certificate_authorities: Vec::new(),
            ct_logs: Vec::new(),
            timestamp_authorities: Vec::new(),
        };
        let cap = ("trust_instances", limits.trust_instances);
        reader.object(|reader, name| {
            match name {
                "mediaType" => media_type = Some(read_media_type(reader, limits)?),
                "tlogs" => {
                    root.logs =
                        reader.capped_list(cap, |reader| LogInstance::read(reader, limits))?
                }
                "ctlogs" => {
                    root.ct_logs =
                        reader.capped_list(cap, |reader| LogInstance::read(reader, limits))?
                }
                "certificateAuthorities" => {
                    root.certificate_authorities = reader
                        .capped_list(cap, |reader| AuthorityInstance::read(reader, limits))?;
                }
                "timestampAuthorities" => {
                    root.timestamp_authorities = reader
                        .capped_list(cap, |reader| AuthorityInstance::read(reader, limits))?;
                }
                _ => reader.ignore()?,
            }
            Ok(())
        })?;
        root.media_type = reader.required("mediaType", media_type)?;
        reader.end()?;
        Ok(root)
    }
}

impl LogInstance {
    fn read(reader: &mut Reader<'_>, limits: &Limits) -> Result<Self, Error> {
        let (mut base_url, mut hash_algorithm) = (String::new(), String::new());
        let (mut key, mut log_id, mut checkpoint_key_id) = (None, None, None);
        reader.object(|reader, name| {
            match name {
                "baseUrl" => base_url = name_string(reader, limits)?,
                "hashAlgorithm" => hash_algorithm = name_string(reader, limits)?,
                "publicKey" => key = Some(InstanceKey::read(reader, limits)?),
                "logId" => log_id = Some(read_log_id(reader)?),
                "checkpointKeyId" => checkpoint_key_id = Some(read_log_id(reader)?),
                _ => reader.ignore()?,
            }
            Ok(())
        })?;
        Ok(Self {
            origin: host_of(&base_url),
            base_url,
            hash_algorithm,
            key: reader.required("publicKey", key)?,
            log_id: reader.required("logId", log_id)?,
            checkpoint_key_id,
        })
    }
}

impl InstanceKey {
    fn read(reader: &mut Reader<'_>, limits: &Limits) -> Result<Self, Error> {
        let (mut key_details, mut raw, mut valid) = (String::new(), None, Window::ALWAYS);
        reader.object(|reader, name| {
            match name {
                "rawBytes" => {
                    raw = Some(reader.base64(("certificate_bytes", limits.certificate_bytes))?)
                }
                "keyDetails" => key_details = name_string(reader, limits)?,
                "validFor" => valid = read_window(reader)?,
                _ => reader.ignore()?,
            }
            Ok(())
        })?;
        let raw = reader.required("rawBytes", raw.filter(|bytes: &Bytes| !bytes.is_empty()))?;
        Ok(Self {
            key_details,
            raw,
            valid,
        })
    }
}

impl AuthorityInstance {
    fn read(reader: &mut Reader<'_>, limits: &Limits) -> Result<Self, Error> {
        let mut authority = Self {
            organization: String::new(),
            common_name: String::new(),
            uri: String::new(),
            chain: Vec::new(),
            valid: Window::ALWAYS,
        };
        reader.object(|reader, name| match name {
            "subject" => reader.object(|reader, name| {
                match name {
                    "organization" => authority.organization = name_string(reader, limits)?,
                    "commonName" => authority.common_name = name_string(reader, limits)?,
                    _ => reader.ignore()?,
                }
                Ok(())
            }),
            "uri" => {
                authority.uri = name_string(reader, limits)?;
                Ok(())
            }
            "certChain" => {
                authority.chain = read_chain(reader, limits)?;
                Ok(())
            }
            "validFor" => {
                authority.valid = read_window(reader)?;
                Ok(())
            }
            _ => reader.ignore(),
        })?;
        if authority.chain.is_empty() {
            return Err(reader.error(ErrorKind::MissingField { name: "certChain" }));
        }
        Ok(authority)
    }
}

fn read_media_type(reader: &mut Reader<'_>, limits: &Limits) -> Result<String, Error> {
    let text = name_string(reader, limits)?;
    if MEDIA_TYPES.contains(&text.as_str()) {
        return Ok(text);
    }
    Err(reader.error(ErrorKind::Unsupported {
        what: "trusted root media type",
        found: excerpt(&text),
    }))
}

fn read_log_id(reader: &mut Reader<'_>) -> Result<Bytes, Error> {
    let mut key_id = None;
    reader.object(|reader, name| {
        if name == "keyId" {
            key_id = Some(reader.base64(("log_id_bytes", LOG_ID_BYTES))?);
            return Ok(());
        }
        reader.ignore()
    })?;
    reader.required("keyId", key_id.filter(|bytes: &Bytes| !bytes.is_empty()))
}

fn read_chain(reader: &mut Reader<'_>, limits: &Limits) -> Result<Vec<Bytes>, Error> {
    let mut certificates = Vec::new();
    reader.object(|reader, name| {
        if name != "certificates" {
            return reader.ignore();
        }
        certificates = reader.capped_list(("certificates", limits.certificates), |reader| {
            let mut der = None;
            reader.object(|reader, name| {
                if name == "rawBytes" {
                    der = Some(reader.base64(("certificate_bytes", limits.certificate_bytes))?);
                    return Ok(());
                }
                reader.ignore()
            })?;
            reader.required("rawBytes", der.filter(|bytes: &Bytes| !bytes.is_empty()))
        })?;
        Ok(())
    })?;
    Ok(certificates)
}

fn read_window(reader: &mut Reader<'_>) -> Result<Window, Error> {
    let mut window = Window::ALWAYS;
    reader.object(|reader, name| {
        match name {
            "start" => window.start = Some(read_time(reader)?),
            "end" => window.end = Some(read_time(reader)?),
            _ => reader.ignore()?,
        }
        Ok(())
    })?;
    Ok(window)
}

fn read_time(reader: &mut Reader<'_>) -> Result<UnixTime, Error> {
    let text = reader.string()?;
    UnixTime::parse_rfc3339(&text).map_err(|error| error.in_document(Document::TrustedRoot))
}

/// The host name of a URL, without port, user and brackets.
fn host_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.strip_prefix('[') {
        Some(address) => address.split(']').next()?,
        None => host.split(':').next()?,
    };
    (!host.is_empty()).then(|| host.to_ascii_lowercase())
}
