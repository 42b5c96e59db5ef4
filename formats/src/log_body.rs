//! Canonical bodies of Rekor entries.

use crate::base64_text::decode_base64;
use crate::descriptor::name_string;
use crate::digest::{Digest, HashAlgorithm};
use crate::error::{Document, Error, ErrorKind, excerpt};
use crate::json::Reader;
use crate::limits::Limits;
use crate::log_entry::read_bytes_message;
use crate::pem::pem_blocks;
use bytes::Bytes;

/// Bytes that a digest has at most: SHA-512.
const DIGEST_BYTES: usize = 64;

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

/// Reads an object with exactly the members `names`; `read` reads each.
fn exactly<const N: usize>(
    reader: &mut Reader<'_>,
    names: [&'static str; N],
    mut read: impl FnMut(&mut Reader<'_>, &str) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut seen = [false; N];
    reader.object(|reader, name| {
        let flag = names
            .iter()
            .zip(&mut seen)
            .find(|(known, _)| **known == name);
        let (_, flag) = flag.ok_or_else(|| reader.unknown_field(name))?;
        *flag = true;
        read(reader, name)
    })?;
    match names.iter().zip(seen).find(|(_, seen)| !seen) {
        Some((name, _)) => Err(reader.error(ErrorKind::MissingField { name })),
        None => Ok(()),
    }
}

/// Reads an object whose only member is `name`.
fn only<T>(
    reader: &mut Reader<'_>,
    name: &'static str,
    read: impl Fn(&mut Reader<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut value = None;
    exactly(reader, [name], |reader, _| {
        value = Some(read(reader)?);
        Ok(())
    })?;
    reader.required(name, value)
}

fn hashed_rekord_v1(reader: &mut Reader<'_>) -> Result<LogBody, Error> {
    let (mut hash, mut signed) = (None, None);
    exactly(reader, ["data", "signature"], |reader, name| {
        match name {
            "data" => hash = Some(only(reader, "hash", hex_hash)?),
            _ => signed = Some(pem_signature(reader)?),
        }
        Ok(())
    })?;
    let hash = reader.required("data", hash)?;
    let (signature, verifier) = reader.required("signature", signed)?;
    Ok(LogBody::HashedRekordV1 {
        hash,
        signature,
        verifier,
    })
}

/// `{"content": signature, "publicKey": {"content": PEM}}`
fn pem_signature(reader: &mut Reader<'_>) -> Result<(Bytes, Verifier), Error> {
    let (mut signature, mut verifier) = (None, None);
    exactly(reader, ["content", "publicKey"], |reader, name| {
        match name {
            "content" => signature = Some(signature_bytes(reader)?),
            _ => verifier = Some(only(reader, "content", pem_verifier)?),
        }
        Ok(())
    })?;
    Ok((
        reader.required("content", signature)?,
        reader.required("publicKey", verifier)?,
    ))
}

fn hashed_rekord_v2(reader: &mut Reader<'_>) -> Result<LogBody, Error> {
    only(reader, "hashedRekordV002", |reader| {
        let (mut digest, mut signed) = (None, None);
        exactly(reader, ["data", "signature"], |reader, name| {
            match name {
                "data" => digest = Some(protobuf_hash(reader)?),
                _ => signed = Some(protobuf_signature(reader)?),
            }
            Ok(())
        })?;
        let digest = reader.required("data", digest)?;
        let LoggedSignature {
            signature,
            verifier,
            key_details,
        } = reader.required("signature", signed)?;
        Ok(LogBody::HashedRekordV2 {
            digest,
            signature,
            verifier,
            key_details,
        })
    })
}

fn dsse_v1(reader: &mut Reader<'_>) -> Result<LogBody, Error> {
    let (mut envelope_hash, mut payload_hash, mut signatures) = (None, None, None);
    exactly(
        reader,
        ["envelopeHash", "payloadHash", "signatures"],
        |reader, name| {
            match name {
                "envelopeHash" => envelope_hash = Some(hex_hash(reader)?),
                "payloadHash" => payload_hash = Some(hex_hash(reader)?),
                _ => {
                    signatures = Some(signature_list(reader, |reader| {
                        let (mut signature, mut verifier) = (None, None);
                        exactly(reader, ["signature", "verifier"], |reader, name| {
                            match name {
                                "signature" => signature = Some(signature_bytes(reader)?),
                                _ => verifier = Some(pem_verifier(reader)?),
                            }
                            Ok(())
                        })?;
                        Ok((
                            reader.required("signature", signature)?,
                            reader.required("verifier", verifier)?,
                        ))
                    })?);
                }
            }
            Ok(())
        },
    )?;
    Ok(LogBody::DsseV1 {
        envelope_hash: reader.required("envelopeHash", envelope_hash)?,
        payload_hash: reader.required("payloadHash", payload_hash)?,
        signatures: reader.required("signatures", signatures)?,
    })
}

fn dsse_v2(reader: &mut Reader<'_>) -> Result<LogBody, Error> {
    only(reader, "dsseV002", |reader| {
        let (mut payload_hash, mut signatures) = (None, None);
        exactly(reader, ["payloadHash", "signatures"], |reader, name| {
            match name {
                "payloadHash" => payload_hash = Some(protobuf_hash(reader)?),
                _ => signatures = Some(signature_list(reader, protobuf_signature)?),
            }
            Ok(())
        })?;
        Ok(LogBody::DsseV2 {
            payload_hash: reader.required("payloadHash", payload_hash)?,
            signatures: reader.required("signatures", signatures)?,
        })
    })
}

fn intoto_v2(reader: &mut Reader<'_>) -> Result<LogBody, Error> {
    only(reader, "content", |reader| {
        let (mut envelope, mut content_hash, mut payload_hash) = (None, None, None);
        exactly(
            reader,
            ["envelope", "hash", "payloadHash"],
            |reader, name| {
                match name {
                    "envelope" => envelope = Some(intoto_envelope(reader)?),
                    "hash" => content_hash = Some(hex_hash(reader)?),
                    _ => payload_hash = Some(hex_hash(reader)?),
                }
                Ok(())
            },
        )?;
        let (payload_type, signatures, payload) = reader.required("envelope", envelope)?;
        Ok(LogBody::IntotoV2 {
            payload_type,
            payload_hash: reader.required("payloadHash", payload_hash)?,
            content_hash: reader.required("hash", content_hash)?,
            signatures,
            payload,
        })
    })
}

type IntotoEnvelope = (String, Vec<(Bytes, Verifier)>, Option<Bytes>);

/// The envelope; its payload is left out by the canonical form, and kept by older logs.
fn intoto_envelope(reader: &mut Reader<'_>) -> Result<IntotoEnvelope, Error> {
    let (mut payload_type, mut signatures, mut payload) = (None, None, None);
    reader.object(|reader, name| {
        match name {
            "payloadType" => payload_type = Some(name_string(reader, &Limits::DEFAULT)?),
            "signatures" => signatures = Some(signature_list(reader, intoto_signature)?),
            "payload" => payload = Some(twice_encoded(reader, "log_body_bytes", body_bytes())?),
            _ => return Err(reader.unknown_field(name)),
        }
        Ok(())
    })?;
    Ok((
        reader.required("payloadType", payload_type)?,
        reader.required("signatures", signatures)?,
        payload,
    ))
}

/// No part of a body is longer than the body.
fn body_bytes() -> usize {
    usize::try_from(Limits::DEFAULT.log_body_bytes).unwrap_or(usize::MAX)
}

/// Encoded twice: the log took the base64 text of the envelope for the bytes.
fn twice_encoded(
    reader: &mut Reader<'_>,
    limit: &'static str,
    maximum: usize,
) -> Result<Bytes, Error> {
    let text = reader.base64((limit, maximum.saturating_mul(2)))?;
    let text = std::str::from_utf8(&text).map_err(|_| reader.error(ErrorKind::BadBase64))?;
    decode_base64(text, maximum).ok_or_else(|| reader.error(ErrorKind::BadBase64))
}

fn intoto_signature(reader: &mut Reader<'_>) -> Result<(Bytes, Verifier), Error> {
    let (mut signature, mut verifier) = (None, None);
    reader.object(|reader, name| {
        match name {
            "keyid" => drop(name_string(reader, &Limits::DEFAULT)?),
            "sig" => {
                let maximum = Limits::DEFAULT.signature_bytes;
                let bytes = twice_encoded(reader, "signature_bytes", maximum)?;
                if bytes.is_empty() {
                    return Err(reader.error(ErrorKind::BadBase64));
                }
                signature = Some(bytes);
            }
            "publicKey" => verifier = Some(pem_verifier(reader)?),
            _ => return Err(reader.unknown_field(name)),
        }
        Ok(())
    })?;
    Ok((
        reader.required("sig", signature)?,
        reader.required("publicKey", verifier)?,
    ))
}

fn signature_list<T>(
    reader: &mut Reader<'_>,
    read: impl FnMut(&mut Reader<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let signatures = reader.capped_list(
        ("envelope_signatures", Limits::DEFAULT.envelope_signatures),
        read,
    )?;
    if signatures.is_empty() {
        return Err(reader.error(ErrorKind::MissingField { name: "signatures" }));
    }
    Ok(signatures)
}

/// `{"algorithm": "sha256", "value": hex}`
fn hex_hash(reader: &mut Reader<'_>) -> Result<LoggedHash, Error> {
    let (mut algorithm, mut value) = (None, None);
    exactly(reader, ["algorithm", "value"], |reader, name| {
        let text = reader.string()?.into_owned();
        if name == "algorithm" {
            algorithm = Some(text)
        } else {
            value = Some(text)
        }
        Ok(())
    })?;
    let text = reader.required("algorithm", algorithm)?;
    let algorithm = HashAlgorithm::from_name(&text).ok_or_else(|| {
        reader.error(ErrorKind::Unsupported {
            what: "hash algorithm",
            found: excerpt(&text),
        })
    })?;
    let value = reader.required("value", value)?;
    let digest = Digest::from_hex(algorithm, &value)
        .map_err(|error| error.in_document(Document::LogBody))?;
    Ok((algorithm, Bytes::copy_from_slice(digest.as_bytes())))
}

/// `{"algorithm": "SHA2_256", "digest": base64}`
fn protobuf_hash(reader: &mut Reader<'_>) -> Result<LoggedHash, Error> {
    let (mut algorithm, mut digest) = (None, None);
    exactly(reader, ["algorithm", "digest"], |reader, name| {
        match name {
            "algorithm" => algorithm = Some(reader.string()?.into_owned()),
            _ => digest = Some(reader.base64(("digest_bytes", DIGEST_BYTES))?),
        }
        Ok(())
    })?;
    let text = reader.required("algorithm", algorithm)?;
    let algorithm = HashAlgorithm::from_protobuf_name(&text).ok_or_else(|| {
        reader.error(ErrorKind::Unsupported {
            what: "hash algorithm",
            found: excerpt(&text),
        })
    })?;
    let digest = reader.required("digest", digest)?;
    if digest.len() != algorithm.size() {
        return Err(reader.error(ErrorKind::BadDigest {
            value: format!("{algorithm} with {} bytes", digest.len()),
        }));
    }
    Ok((algorithm, digest))
}

/// `{"content": signature, "verifier": {"keyDetails": name, "publicKey" or "x509Certificate": {"rawBytes": DER}}}`
fn protobuf_signature(reader: &mut Reader<'_>) -> Result<LoggedSignature, Error> {
    let (mut signature, mut verified_by) = (None, None);
    exactly(reader, ["content", "verifier"], |reader, name| {
        match name {
            "content" => signature = Some(signature_bytes(reader)?),
            _ => verified_by = Some(protobuf_verifier(reader)?),
        }
        Ok(())
    })?;
    let (verifier, key_details) = reader.required("verifier", verified_by)?;
    Ok(LoggedSignature {
        signature: reader.required("content", signature)?,
        verifier,
        key_details,
    })
}

fn protobuf_verifier(reader: &mut Reader<'_>) -> Result<(Verifier, String), Error> {
    let cap = ("certificate_bytes", Limits::DEFAULT.certificate_bytes);
    let (mut key, mut certificate, mut key_details) = (None, None, None);
    reader.object(|reader, name| {
        match name {
            "keyDetails" => key_details = Some(name_string(reader, &Limits::DEFAULT)?),
            "publicKey" => {
                key = Some(Verifier::PublicKey(read_bytes_message(
                    reader, "rawBytes", cap,
                )?))
            }
            "x509Certificate" => {
                certificate = Some(Verifier::Certificate(read_bytes_message(
                    reader, "rawBytes", cap,
                )?))
            }
            _ => return Err(reader.unknown_field(name)),
        }
        Ok(())
    })?;
    if key.is_some() && certificate.is_some() {
        let (first, second) = ("publicKey".to_owned(), "x509Certificate".to_owned());
        return Err(reader.error(ErrorKind::Conflict { first, second }));
    }
    Ok((
        reader.required("x509Certificate", key.or(certificate))?,
        reader.required("keyDetails", key_details)?,
    ))
}

fn signature_bytes(reader: &mut Reader<'_>) -> Result<Bytes, Error> {
    let signature = reader.base64(("signature_bytes", Limits::DEFAULT.signature_bytes))?;
    reader.required(
        "signature",
        Some(signature).filter(|bytes| !bytes.is_empty()),
    )
}

/// Base64 of a PEM file with one certificate or one public key.
fn pem_verifier(reader: &mut Reader<'_>) -> Result<Verifier, Error> {
    let maximum = Limits::DEFAULT.certificate_bytes.saturating_mul(2);
    let pem = reader.base64(("certificate_bytes", maximum))?;
    let mut blocks = pem_blocks(&pem, 1).map_err(|error| error.in_document(Document::LogBody))?;
    let block = blocks.pop().ok_or_else(|| {
        reader.error(ErrorKind::BadPem {
            reason: "there is no block",
        })
    })?;
    match block.label.as_str() {
        "CERTIFICATE" => Ok(Verifier::Certificate(block.content)),
        "PUBLIC KEY" => Ok(Verifier::PublicKey(block.content)),
        other => Err(reader.error(ErrorKind::Unsupported {
            what: "PEM block",
            found: excerpt(other),
        })),
    }
}
