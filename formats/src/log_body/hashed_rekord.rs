//! The entry of a hash: `hashedrekord`.

use super::parts::{
    exactly, hex_hash, only, pem_verifier, protobuf_hash, protobuf_signature, signature_bytes,
};
use super::{LogBody, LoggedSignature, Verifier};
use crate::error::Error;
use crate::json::Reader;
use bytes::Bytes;

/// `{"data": {"hash": …}, "signature": …}`
pub(super) fn hashed_rekord_v1(reader: &mut Reader<'_>) -> Result<LogBody, Error> {
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

/// `{"hashedRekordV002": {"data": …, "signature": …}}`
pub(super) fn hashed_rekord_v2(reader: &mut Reader<'_>) -> Result<LogBody, Error> {
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
