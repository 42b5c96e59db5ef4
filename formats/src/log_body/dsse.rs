//! The entry of an envelope: `dsse`.

use super::LogBody;
use super::parts::{
    exactly, hex_hash, only, pem_verifier, protobuf_hash, protobuf_signature, signature_bytes,
    signature_list,
};
use crate::error::Error;
use crate::json::Reader;

/// `{"envelopeHash": …, "payloadHash": …, "signatures": [{"signature": …, "verifier": PEM}]}`
pub(super) fn dsse_v1(reader: &mut Reader<'_>) -> Result<LogBody, Error> {
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

/// `{"dsseV002": {"payloadHash": …, "signatures": […]}}`
pub(super) fn dsse_v2(reader: &mut Reader<'_>) -> Result<LogBody, Error> {
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
