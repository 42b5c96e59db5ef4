//! DSSE envelopes.

use crate::base64_text::encode_base64;
use crate::descriptor::name_string;
use crate::error::{Document, Error};
use crate::json::{ObjectWriter, Reader};
use crate::limits::Limits;
use bytes::Bytes;
use std::ops::Range;

/// A DSSE envelope: a payload, its type and signatures over both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Type of the payload.
    pub payload_type: String,
    /// The payload, decoded.
    pub payload: Bytes,
    /// The signatures, in order; at least one.
    pub signatures: Vec<EnvelopeSignature>,
}

/// One signature of an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvelopeSignature {
    /// A hint at the key; proves nothing. An empty one counts as absent.
    pub keyid: Option<String>,
    /// The signature, decoded.
    pub signature: Bytes,
}

impl Envelope {
    /// Reads an envelope that stands alone.
    ///
    /// # Errors
    /// `over-limit`, `not-utf8`, `json-syntax`, `duplicate-key`, `unknown-field`, `missing-field`, `wrong-type`,
    /// `bad-base64`.
    pub fn parse(bytes: &Bytes, limits: &Limits) -> Result<Self, Error> {
        let cap = ("bundle_bytes", limits.bundle_bytes);
        let mut reader = Reader::from_bytes(Document::Envelope, bytes, cap, limits)?;
        let envelope = Self::read(&mut reader, limits)?;
        reader.end()?;
        Ok(envelope)
    }

    /// The envelope as JSON.
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.payload.len() / 3 * 4 + 512);
        self.write(&mut out);
        out
    }

    pub(crate) fn read(reader: &mut Reader<'_>, limits: &Limits) -> Result<Self, Error> {
        Self::read_but_payload(reader, limits, None)
    }

    /// As [`Envelope::read`]; with `place`, the payload stays in its text, whose place is told there, unless it is written with escapes.
    pub(crate) fn read_but_payload(
        reader: &mut Reader<'_>,
        limits: &Limits,
        mut place: Option<&mut Option<Range<usize>>>,
    ) -> Result<Self, Error> {
        let (mut payload_type, mut payload, mut signatures) = (None, None, None);
        reader.object(|reader, name| {
            match name {
                "payloadType" => payload_type = Some(name_string(reader, limits)?),
                "payload" => {
                    if let Some(place) = &mut place {
                        **place = reader.base64_place()?;
                        if place.is_some() {
                            payload = Some(Bytes::new());
                            return Ok(());
                        }
                    }
                    let maximum = usize::try_from(limits.bundle_bytes).unwrap_or(usize::MAX);
                    payload = Some(reader.base64(("bundle_bytes", maximum))?);
                }
                "signatures" => {
                    let cap = ("envelope_signatures", limits.envelope_signatures);
                    let read = reader
                        .capped_list(cap, |reader| EnvelopeSignature::read(reader, limits))?;
                    signatures = Some(read);
                }
                _ => return Err(reader.unknown_field(name)),
            }
            Ok(())
        })?;
        let signatures = reader.required(
            "signatures",
            signatures.filter(|list: &Vec<_>| !list.is_empty()),
        )?;
        Ok(Self {
            payload_type: reader
                .required("payloadType", payload_type.filter(|text| !text.is_empty()))?,
            payload: reader.required("payload", payload)?,
            signatures,
        })
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let mut object = ObjectWriter::new(out);
        object.string("payload", &encode_base64(&self.payload));
        object.string("payloadType", &self.payload_type);
        object.list("signatures", &self.signatures, |out, signature| {
            let mut object = ObjectWriter::new(out);
            object.string("sig", &encode_base64(&signature.signature));
            if let Some(keyid) = &signature.keyid {
                object.string("keyid", keyid);
            }
            object.end();
        });
        object.end();
    }
}

impl EnvelopeSignature {
    fn read(reader: &mut Reader<'_>, limits: &Limits) -> Result<Self, Error> {
        let (mut keyid, mut signature) = (None, None);
        reader.object(|reader, name| {
            match name {
                "keyid" => keyid = Some(name_string(reader, limits)?),
                "sig" => {
                    signature = Some(reader.base64(("signature_bytes", limits.signature_bytes))?)
                }
                _ => return Err(reader.unknown_field(name)),
            }
            Ok(())
        })?;
        Ok(Self {
            keyid: keyid.filter(|text| !text.is_empty()),
            signature: reader
                .required("sig", signature.filter(|bytes: &Bytes| !bytes.is_empty()))?,
        })
    }
}

/// What stands before the payload in the bytes that are signed: hash this and then the payload.
///
/// Lengths count bytes of UTF-8 (DSSE protocol, "Signature Definition"); counting anything else let a changed payload
/// type keep its signature (CVE-2026-48758).
pub fn pae_prefix(payload_type: &str, payload_length: usize) -> Vec<u8> {
    format!(
        "DSSEv1 {} {payload_type} {payload_length} ",
        payload_type.len()
    )
    .into_bytes()
}

/// The pre-authentication encoding: the bytes that a DSSE signature is over.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut encoded = pae_prefix(payload_type, payload.len());
    encoded.extend_from_slice(payload);
    encoded
}
