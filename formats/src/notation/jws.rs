//! A Notary Project signature in a JSON Web Signature.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;

use super::{
    AGENT, AUTHENTIC_TIME, EXPIRY, NotationEnvelope, NotationSignature, Protected, SCHEME,
    SIGNING_TIME, TIMESTAMP, Unprotected, finish,
};
use crate::error::{Document, Error, ErrorKind, excerpt};
use crate::json::{Kind, Reader};
use crate::limits::Limits;
use crate::unix_time::UnixTime;

pub(super) fn read(bytes: &Bytes, limits: &Limits) -> Result<NotationSignature, Error> {
    let cap = ("notation_bytes", limits.notation_bytes);
    let mut reader = Reader::from_bytes(Document::Notation, bytes, cap, limits)?;
    let (mut payload, mut protected, mut signature) = (None, None, None);
    let (mut certificates, mut timestamp, mut agent) = (Vec::new(), None, None);
    reader.object(|reader, name| {
        match name {
            "payload" => payload = Some(url_base64(reader)?),
            "protected" => protected = Some(url_base64(reader)?),
            "signature" => signature = Some(url_base64(reader)?),
            "header" => reader.object(|reader, name| {
                match name {
                    "x5c" => {
                        certificates = reader
                            .capped_list(("certificates", limits.certificates), |reader| {
                                reader.base64(("certificate_bytes", limits.certificate_bytes))
                            })?;
                    }
                    TIMESTAMP => {
                        timestamp =
                            Some(reader.base64(("timestamp_bytes", limits.timestamp_bytes))?);
                    }
                    AGENT => agent = Some(short(reader, limits)?),
                    _ => {
                        reader.skip()?;
                    }
                }
                Ok(())
            })?,
            _ => return Err(reader.unknown_field(name)),
        }
        Ok(())
    })?;
    let protected = reader.required("protected", protected)?;
    let payload = reader.required("payload", payload)?;
    let signature = reader.required("signature", signature)?;
    reader.end()?;
    let protected =
        read_protected(&protected, limits).map_err(|error| error.within("protected"))?;
    finish(
        NotationEnvelope::Jws,
        protected,
        &payload,
        Unprotected {
            certificates,
            timestamp,
            agent,
        },
        signature,
        limits,
    )
}

fn read_protected(bytes: &Bytes, limits: &Limits) -> Result<Protected, Error> {
    let cap = ("manifest_bytes", limits.manifest_bytes);
    let mut reader = Reader::from_bytes(Document::Notation, bytes, cap, limits)?;
    let mut protected = Protected::default();
    reader.object(|reader, name| {
        match name {
            "alg" => protected.algorithm = Some(short(reader, limits)?),
            "cty" => protected.content_type = Some(short(reader, limits)?),
            "crit" => {
                protected.critical = reader
                    .capped_list(("annotations", limits.annotations), |reader| {
                        short(reader, limits)
                    })?;
            }
            SCHEME => protected.scheme = Some(short(reader, limits)?),
            SIGNING_TIME => protected.signing_time = Some(time(reader, limits)?),
            AUTHENTIC_TIME => protected.authentic_signing_time = Some(time(reader, limits)?),
            EXPIRY => protected.expiry = Some(time(reader, limits)?),
            _ => {
                reader.skip()?;
            }
        }
        Ok(())
    })?;
    reader.end()?;
    Ok(protected)
}

fn url_base64(reader: &mut Reader<'_>) -> Result<Bytes, Error> {
    let text = reader.string()?;
    URL_SAFE_NO_PAD
        .decode(text.as_bytes())
        .map(Bytes::from)
        .map_err(|_| reader.error(ErrorKind::BadBase64))
}

fn short(reader: &mut Reader<'_>, limits: &Limits) -> Result<String, Error> {
    if reader.peek()? == Kind::String {
        let text = reader.capped_string(("name_bytes", limits.name_bytes))?;
        return Ok(text.into_owned());
    }
    // A header of another type is shown as it is written.
    let raw = reader.raw()?;
    Ok(excerpt(raw))
}

fn time(reader: &mut Reader<'_>, limits: &Limits) -> Result<UnixTime, Error> {
    let text = reader.capped_string(("name_bytes", limits.name_bytes))?;
    UnixTime::parse_rfc3339(&text).map_err(|error| error.in_document(Document::Notation))
}
