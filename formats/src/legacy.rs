//! Annotations of the layers of `.sig` and `.att` manifests.

use crate::base64_text;
use crate::descriptor::name_string;
use crate::error::{Document, Error, ErrorKind};
use crate::json::Reader;
use crate::limits::Limits;
use crate::log_body::LogBody;
use crate::log_entry::{LOG_ID_BYTES, LogEntry, read_body, time_of};
use crate::pem::pem_certificates;
use bytes::Bytes;
use std::collections::BTreeMap;

pub(crate) const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
pub(crate) const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
pub(crate) const CHAIN: &str = "dev.sigstore.cosign/chain";
pub(crate) const BUNDLE: &str = "dev.sigstore.cosign/bundle";
pub(crate) const TIMESTAMP: &str = "dev.sigstore.cosign/rfc3161timestamp";
pub(crate) const PREDICATE_TYPE: &str = "predicateType";

/// What the annotations of a signature or attestation layer say; empty and blank values count as absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LegacyAnnotations {
    /// Signature over the layer's bytes.
    pub signature: Option<Bytes>,
    /// Certificate of the signer, DER.
    pub certificate: Option<Bytes>,
    /// Certificates above it, DER, as they were written.
    pub chain: Vec<Bytes>,
    /// Log entry with its promise; kind and version are read from the body.
    pub entry: Option<LogEntry>,
    /// RFC 3161 timestamp response, DER.
    pub timestamp: Option<Bytes>,
    /// Predicate type, unsigned.
    pub predicate_type: Option<String>,
}

impl LegacyAnnotations {
    /// Reads the annotations of one layer; other annotations are passed over.
    ///
    /// # Errors
    /// `bad-base64`, `bad-pem`, `over-limit`, `json-syntax`, `duplicate-key`, `unknown-field`, `missing-field`,
    /// `wrong-type`, `bad-value`; the path names the annotation.
    pub fn parse(annotations: &BTreeMap<String, String>, limits: &Limits) -> Result<Self, Error> {
        let value = |name: &str| {
            annotations
                .get(name)
                .map(|text| text.trim_ascii())
                .filter(|text| !text.is_empty())
        };
        let read = |name: &str, read: &dyn Fn(&str) -> Result<Bytes, Error>| {
            value(name)
                .map(|text| read(text).map_err(|error| outside(error, name)))
                .transpose()
        };
        let certificates = |name: &str, limits: &Limits| {
            let read = value(name).map(|text| pem_certificates(text.as_bytes(), limits));
            read.transpose()
                .map_err(|error| outside(error, name))
                .map(Option::unwrap_or_default)
        };
        let one = Limits {
            certificates: 1,
            ..limits.clone()
        };
        let entry = value(BUNDLE)
            .map(|text| read_entry(text, limits).map_err(|error| outside(error, BUNDLE)));
        let predicate_type = value(PREDICATE_TYPE).map(ToOwned::to_owned);
        if predicate_type
            .as_ref()
            .is_some_and(|text| text.len() > limits.name_bytes)
        {
            return Err(outside(
                over_limit("name_bytes", limits.name_bytes),
                PREDICATE_TYPE,
            ));
        }
        Ok(Self {
            signature: read(SIGNATURE, &|text| read_signature(text, limits))?,
            certificate: certificates(CERTIFICATE, &one)?.pop(),
            chain: certificates(CHAIN, limits)?,
            entry: entry.transpose()?,
            timestamp: read(TIMESTAMP, &|text| read_timestamp(text, limits))?,
            predicate_type,
        })
    }
}

fn read_signature(text: &str, limits: &Limits) -> Result<Bytes, Error> {
    match base64_text::decode(text.as_bytes(), limits.signature_bytes) {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(over_limit("signature_bytes", limits.signature_bytes)),
        Err(base64_text::Refused) => Err(Error::new(
            Document::LegacyAnnotations,
            ErrorKind::BadBase64,
        )),
    }
}

/// `{"SignedEntryTimestamp": base64, "Payload": {"body": base64, "integratedTime", "logIndex", "logID": hex}}`
fn read_entry(text: &str, limits: &Limits) -> Result<LogEntry, Error> {
    let mut reader = Reader::new(Document::LegacyAnnotations, text, limits);
    let (mut promise, mut payload) = (None, None);
    reader.object(|reader, name| {
        match name {
            "SignedEntryTimestamp" => {
                promise = Some(reader.base64(("signature_bytes", limits.signature_bytes))?);
            }
            "Payload" => payload = Some(read_payload(reader, limits)?),
            _ => return Err(reader.unknown_field(name)),
        }
        Ok(())
    })?;
    let promise = reader.required(
        "SignedEntryTimestamp",
        promise.filter(|bytes: &Bytes| !bytes.is_empty()),
    )?;
    let entry = reader.required("Payload", payload)?;
    reader.end()?;
    Ok(LogEntry {
        promise: Some(promise),
        ..entry
    })
}

fn read_payload(reader: &mut Reader<'_>, limits: &Limits) -> Result<LogEntry, Error> {
    let (mut body, mut integrated_time, mut log_index, mut log_id) = (None, None, None, None);
    reader.object(|reader, name| {
        match name {
            "body" => body = Some(read_body(reader, limits)?),
            "integratedTime" => integrated_time = Some(reader.whole_number()?),
            "logIndex" => log_index = Some(reader.whole_number()?),
            "logID" => {
                let text = name_string(reader, limits)?;
                let bytes = decode_hex(&text)
                    .filter(|bytes| !bytes.is_empty() && bytes.len() <= LOG_ID_BYTES);
                log_id = Some(bytes.ok_or_else(|| {
                    reader.bad_value("a log identifier in hexadecimal digits", &text)
                })?);
            }
            _ => return Err(reader.unknown_field(name)),
        }
        Ok(())
    })?;
    let body = reader.required("body", body.filter(|body: &Bytes| !body.is_empty()))?;
    let (kind, version) = LogBody::peek_kind(&body).map_err(|error| error.within("body"))?;
    Ok(LogEntry {
        log_index: reader.required("logIndex", log_index)?,
        log_id: reader.required("logID", log_id)?,
        kind,
        version,
        integrated_time: time_of(reader.required("integratedTime", integrated_time)?),
        promise: None,
        proof: None,
        body,
    })
}

/// `{"SignedRFC3161Timestamp": base64}`
fn read_timestamp(text: &str, limits: &Limits) -> Result<Bytes, Error> {
    let mut reader = Reader::new(Document::LegacyAnnotations, text, limits);
    let mut timestamp = None;
    reader.object(|reader, name| {
        if name != "SignedRFC3161Timestamp" {
            return Err(reader.unknown_field(name));
        }
        timestamp = Some(reader.base64(("timestamp_bytes", limits.timestamp_bytes))?);
        Ok(())
    })?;
    let timestamp = reader.required(
        "SignedRFC3161Timestamp",
        timestamp.filter(|bytes: &Bytes| !bytes.is_empty()),
    )?;
    reader.end()?;
    Ok(timestamp)
}

/// Lower-case hexadecimal digits of any even number.
fn decode_hex(text: &str) -> Option<Bytes> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .filter(|_| !byte.is_ascii_uppercase())
    };
    let bytes: Option<Vec<u8>> = pairs
        .iter()
        .map(|[high, low]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok())
        .collect();
    bytes.filter(|_| rest.is_empty()).map(Bytes::from)
}

fn over_limit(limit: &'static str, maximum: usize) -> Error {
    Error::new(
        Document::LegacyAnnotations,
        ErrorKind::OverLimit {
            limit,
            maximum: maximum as u64,
        },
    )
}

fn outside(error: Error, annotation: &str) -> Error {
    error
        .within(annotation)
        .in_document(Document::LegacyAnnotations)
}
