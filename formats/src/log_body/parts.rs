//! What entries of several kinds are made of: hashes, signatures, and what verifies them.

use super::{LoggedHash, LoggedSignature, Verifier};
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

/// Reads an object with exactly the members `names`; `read` reads each.
pub(super) fn exactly<const N: usize>(
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
pub(super) fn only<T>(
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

/// A list of signatures, which is not empty.
pub(super) fn signature_list<T>(
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
pub(super) fn hex_hash(reader: &mut Reader<'_>) -> Result<LoggedHash, Error> {
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
pub(super) fn protobuf_hash(reader: &mut Reader<'_>) -> Result<LoggedHash, Error> {
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
pub(super) fn protobuf_signature(reader: &mut Reader<'_>) -> Result<LoggedSignature, Error> {
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

/// What key details say is no more than the key itself; ProtoJSON leaves them out where they are not given.
fn protobuf_verifier(reader: &mut Reader<'_>) -> Result<(Verifier, Option<String>), Error> {
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
        key_details,
    ))
}

pub(super) fn signature_bytes(reader: &mut Reader<'_>) -> Result<Bytes, Error> {
    let signature = reader.base64(("signature_bytes", Limits::DEFAULT.signature_bytes))?;
    reader.required(
        "signature",
        Some(signature).filter(|bytes| !bytes.is_empty()),
    )
}

/// Base64 of a PEM file with one certificate or one public key.
pub(super) fn pem_verifier(reader: &mut Reader<'_>) -> Result<Verifier, Error> {
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
