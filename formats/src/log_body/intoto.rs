//! The older entry of an envelope: `intoto`.

use super::parts::{exactly, hex_hash, only, pem_verifier, signature_list};
use super::{LogBody, Verifier};
use crate::base64_text::decode_base64;
use crate::descriptor::name_string;
use crate::error::{Error, ErrorKind};
use crate::json::Reader;
use crate::limits::Limits;
use bytes::Bytes;

/// `{"content": {"envelope": …, "hash": …, "payloadHash": …}}`
pub(super) fn intoto_v2(reader: &mut Reader<'_>) -> Result<LogBody, Error> {
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

/// No part of a body is longer than the body.
fn body_bytes() -> usize {
    usize::try_from(Limits::DEFAULT.log_body_bytes).unwrap_or(usize::MAX)
}
