//! Sigstore bundles.

use crate::base64_text::{decode_in_place, encode_base64};
use crate::descriptor::name_string;
use crate::envelope::Envelope;
use crate::error::{Document, Error, ErrorKind, excerpt};
use crate::json::{Kind, ObjectWriter, Reader};
use crate::limits::Limits;
use crate::log_entry::{LogEntry, read_bytes_message};
use crate::media_types;
use bytes::Bytes;
use std::ops::Range;

/// Bytes that the digest of a message has at most: SHA-512.
const DIGEST_BYTES: usize = 64;

/// The version that a bundle's media type names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BundleVersion {
    /// 0.1: an inclusion promise instead of a proof is allowed.
    V0_1,
    /// 0.2: certificate chains are allowed.
    V0_2,
    /// 0.3: one certificate.
    V0_3,
}

/// A Sigstore bundle: content, signatures and what is needed to verify them offline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// The version that the media type names.
    pub version: BundleVersion,
    /// Who signed, as the bundle says.
    pub material: KeyMaterial,
    /// Transparency log entries, in order.
    pub log_entries: Vec<LogEntry>,
    /// RFC 3161 timestamp responses, DER.
    pub timestamps: Vec<Bytes>,
    /// What was signed, with the signatures.
    pub content: BundleContent,
}

/// Who signed, as the bundle says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyMaterial {
    /// A key that the verifier must know already.
    PublicKey {
        /// A hint at the key; proves nothing.
        hint: String,
    },
    /// One certificate, DER.
    Certificate(Bytes),
    /// A chain of certificates, DER, the leaf first.
    Chain(Vec<Bytes>),
}

/// What was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BundleContent {
    /// A DSSE envelope with exactly one signature.
    Dsse(Envelope),
    /// A signature over a message that is not in the bundle.
    Message {
        /// Protobuf name of the hash algorithm and the digest, where the bundle has them; unsigned.
        digest: Option<(String, Bytes)>,
        /// The signature.
        signature: Bytes,
    },
}

impl BundleVersion {
    /// The version that a media type names, in either of the two spellings that exist.
    pub fn from_media_type(media_type: &str) -> Option<Self> {
        match media_type {
            "application/vnd.dev.sigstore.bundle+json;version=0.1"
            | "application/vnd.dev.sigstore.bundle.v0.1+json" => Some(Self::V0_1),
            "application/vnd.dev.sigstore.bundle+json;version=0.2"
            | "application/vnd.dev.sigstore.bundle.v0.2+json" => Some(Self::V0_2),
            "application/vnd.dev.sigstore.bundle+json;version=0.3" | media_types::BUNDLE_V03 => {
                Some(Self::V0_3)
            }
            _ => None,
        }
    }
}

impl Bundle {
    /// Reads a bundle of version 0.1, 0.2 or 0.3 in protobuf JSON with lowerCamelCase names.
    ///
    /// # Errors
    /// `over-limit`, `not-utf8`, `json-syntax`, `duplicate-key`, `unknown-field`, `missing-field`, `wrong-type` (also
    /// for `null`), `bad-value`, `bad-base64`; `conflict` when two members of a `oneof` are there; `unsupported` for
    /// another media type.
    pub fn parse(bytes: &Bytes, limits: &Limits) -> Result<Self, Error> {
        Self::read(bytes, limits, None)
    }

    /// As [`Bundle::parse`], for bytes that nobody needs any more: the payload of an envelope is decoded into the memory of its own text,
    /// unless others hold those bytes, too.
    ///
    /// # Errors
    /// As [`Bundle::parse`].
    pub fn parse_in_place(bytes: Bytes, limits: &Limits) -> Result<Self, Error> {
        let bytes = match bytes.try_into_mut() {
            Ok(bytes) => Vec::from(bytes),
            Err(shared) => return Self::parse(&shared, limits),
        };
        let mut place = None;
        let mut bundle = Self::read(&bytes, limits, Some(&mut place))?;
        if let (BundleContent::Dsse(envelope), Some(place)) = (&mut bundle.content, place) {
            envelope.payload = decode_in_place(bytes, place)
                .map_err(|_| Error::new(Document::Bundle, ErrorKind::BadBase64))?;
        }
        Ok(bundle)
    }

    fn read(
        bytes: &[u8],
        limits: &Limits,
        mut place: Option<&mut Option<Range<usize>>>,
    ) -> Result<Self, Error> {
        let cap = ("bundle_bytes", limits.bundle_bytes);
        let mut reader = Reader::from_bytes(Document::Bundle, bytes, cap, limits)?;
        let (mut version, mut material) = (None, None);
        let mut content = OneOf::default();
        reader.object(|reader, name| {
            match name {
                "mediaType" => {
                    let text = name_string(reader, limits)?;
                    let named = BundleVersion::from_media_type(&text).ok_or_else(|| {
                        reader.error(ErrorKind::Unsupported {
                            what: "bundle media type",
                            found: excerpt(&text),
                        })
                    })?;
                    version = Some(named);
                }
                "verificationMaterial" => {
                    material = Some(VerificationMaterial::read(reader, limits)?)
                }
                "dsseEnvelope" => {
                    let place = place.as_deref_mut();
                    content.set("dsseEnvelope", read_envelope(reader, limits, place)?);
                }
                "messageSignature" => {
                    content.set("messageSignature", read_message(reader, limits)?)
                }
                _ => return Err(reader.unknown_field(name)),
            }
            Ok(())
        })?;
        let version = reader.required("mediaType", version)?;
        let material = reader.required("verificationMaterial", material)?;
        let content = content.take(&reader, "dsseEnvelope")?;
        reader.end()?;
        Ok(Self {
            version,
            material: material.key,
            log_entries: material.log_entries,
            timestamps: material.timestamps,
            content,
        })
    }

    /// The bundle as JSON, always with the media type of version 0.3.
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut object = ObjectWriter::new(&mut out);
        object.string("mediaType", media_types::BUNDLE_V03);
        object.object("verificationMaterial", |object| self.write_material(object));
        match &self.content {
            BundleContent::Dsse(envelope) => envelope.write(object.key("dsseEnvelope")),
            BundleContent::Message { digest, signature } => {
                object.object("messageSignature", |object| {
                    object.object("messageDigest", |object| {
                        if let Some((algorithm, value)) = digest {
                            object.string("algorithm", algorithm);
                            object.string("digest", &encode_base64(value));
                        }
                    });
                    object.string("signature", &encode_base64(signature));
                })
            }
        }
        object.end();
        out
    }

    fn write_material(&self, object: &mut ObjectWriter<'_>) {
        let certificate = |object: &mut ObjectWriter<'_>, der: &Bytes| {
            object.string("rawBytes", &encode_base64(der))
        };
        match &self.material {
            KeyMaterial::PublicKey { hint } => {
                object.object("publicKey", |object| object.string("hint", hint))
            }
            KeyMaterial::Certificate(der) => {
                object.object("certificate", |object| certificate(object, der))
            }
            KeyMaterial::Chain(chain) => object.object("x509CertificateChain", |object| {
                object.list("certificates", chain, |out, der| {
                    let mut object = ObjectWriter::new(out);
                    certificate(&mut object, der);
                    object.end();
                });
            }),
        }
        if !self.log_entries.is_empty() {
            object.list("tlogEntries", &self.log_entries, |out, entry| {
                entry.write(out)
            });
        }
        if !self.timestamps.is_empty() {
            object.object("timestampVerificationData", |object| {
                object.list("rfc3161Timestamps", &self.timestamps, |out, timestamp| {
                    let mut object = ObjectWriter::new(out);
                    object.string("signedTimestamp", &encode_base64(timestamp));
                    object.end();
                });
            });
        }
    }
}

/// The members of a protobuf `oneof`: exactly one must be there.
struct OneOf<T> {
    found: Option<(&'static str, T)>,
    second: Option<&'static str>,
}

impl<T> Default for OneOf<T> {
    fn default() -> Self {
        Self {
            found: None,
            second: None,
        }
    }
}

impl<T> OneOf<T> {
    fn set(&mut self, name: &'static str, value: T) {
        if self.found.is_some() {
            self.second = Some(name);
        } else {
            self.found = Some((name, value));
        }
    }

    fn take(self, reader: &Reader<'_>, usual: &'static str) -> Result<T, Error> {
        let (first, value) = reader.required(usual, self.found)?;
        match self.second {
            Some(second) => Err(reader.error(ErrorKind::Conflict {
                first: first.to_owned(),
                second: second.to_owned(),
            })),
            None => Ok(value),
        }
    }
}

struct VerificationMaterial {
    key: KeyMaterial,
    log_entries: Vec<LogEntry>,
    timestamps: Vec<Bytes>,
}

impl VerificationMaterial {
    fn read(reader: &mut Reader<'_>, limits: &Limits) -> Result<Self, Error> {
        let mut key = OneOf::default();
        let (mut log_entries, mut timestamps) = (Vec::new(), Vec::new());
        reader.object(|reader, name| {
            match name {
                "publicKey" => key.set("publicKey", read_public_key(reader, limits)?),
                "certificate" => key.set(
                    "certificate",
                    KeyMaterial::Certificate(read_certificate(reader, limits)?),
                ),
                "x509CertificateChain" => key.set(
                    "x509CertificateChain",
                    KeyMaterial::Chain(read_chain(reader, limits)?),
                ),
                "tlogEntries" => {
                    let cap = ("log_entries", limits.log_entries);
                    log_entries =
                        reader.capped_list(cap, |reader| LogEntry::read(reader, limits))?;
                }
                // sigstore-js 1 and 2, and so npm, wrote `null` for "no timestamps".
                "timestampVerificationData" if reader.peek()? == Kind::Null => reader.null()?,
                "timestampVerificationData" => timestamps = read_timestamps(reader, limits)?,
                _ => return Err(reader.unknown_field(name)),
            }
            Ok(())
        })?;
        Ok(Self {
            key: key.take(reader, "certificate")?,
            log_entries,
            timestamps,
        })
    }
}

fn read_public_key(reader: &mut Reader<'_>, limits: &Limits) -> Result<KeyMaterial, Error> {
    let mut hint = String::new();
    reader.object(|reader, name| {
        if name != "hint" {
            return Err(reader.unknown_field(name));
        }
        hint = name_string(reader, limits)?;
        Ok(())
    })?;
    Ok(KeyMaterial::PublicKey { hint })
}

fn read_certificate(reader: &mut Reader<'_>, limits: &Limits) -> Result<Bytes, Error> {
    read_bytes_message(
        reader,
        "rawBytes",
        ("certificate_bytes", limits.certificate_bytes),
    )
}

fn read_chain(reader: &mut Reader<'_>, limits: &Limits) -> Result<Vec<Bytes>, Error> {
    let mut certificates = None;
    reader.object(|reader, name| {
        if name != "certificates" {
            return Err(reader.unknown_field(name));
        }
        let cap = ("certificates", limits.certificates);
        certificates = Some(reader.capped_list(cap, |reader| read_certificate(reader, limits))?);
        Ok(())
    })?;
    reader.required(
        "certificates",
        certificates.filter(|list: &Vec<_>| !list.is_empty()),
    )
}

fn read_timestamps(reader: &mut Reader<'_>, limits: &Limits) -> Result<Vec<Bytes>, Error> {
    let mut timestamps = Vec::new();
    reader.object(|reader, name| {
        if name != "rfc3161Timestamps" {
            return Err(reader.unknown_field(name));
        }
        timestamps = reader.capped_list(("timestamps", limits.timestamps), |reader| {
            read_bytes_message(
                reader,
                "signedTimestamp",
                ("timestamp_bytes", limits.timestamp_bytes),
            )
        })?;
        Ok(())
    })?;
    Ok(timestamps)
}

fn read_envelope(
    reader: &mut Reader<'_>,
    limits: &Limits,
    place: Option<&mut Option<Range<usize>>>,
) -> Result<BundleContent, Error> {
    let envelope = Envelope::read_but_payload(reader, limits, place)?;
    // The bundle specification allows one signature; a second one would be another signer's than the material says.
    if envelope.signatures.len() != 1 {
        return Err(reader.bad_value(
            "exactly one signature",
            &format!("{} signatures", envelope.signatures.len()),
        ));
    }
    Ok(BundleContent::Dsse(envelope))
}

fn read_message(reader: &mut Reader<'_>, limits: &Limits) -> Result<BundleContent, Error> {
    let (mut digest, mut signature) = (None, None);
    reader.object(|reader, name| {
        match name {
            "messageDigest" => digest = read_message_digest(reader, limits)?,
            "signature" => {
                signature = Some(reader.base64(("signature_bytes", limits.signature_bytes))?)
            }
            _ => return Err(reader.unknown_field(name)),
        }
        Ok(())
    })?;
    let signature = reader.required(
        "signature",
        signature.filter(|bytes: &Bytes| !bytes.is_empty()),
    )?;
    Ok(BundleContent::Message { digest, signature })
}

/// cosign leaves the digest as `{}` when an Ed25519 key signed the message itself.
fn read_message_digest(
    reader: &mut Reader<'_>,
    limits: &Limits,
) -> Result<Option<(String, Bytes)>, Error> {
    let (mut algorithm, mut value) = (None, None);
    reader.object(|reader, name| {
        match name {
            "algorithm" => algorithm = Some(name_string(reader, limits)?),
            "digest" => value = Some(reader.base64(("digest_bytes", DIGEST_BYTES))?),
            _ => return Err(reader.unknown_field(name)),
        }
        Ok(())
    })?;
    if algorithm.is_none() && value.is_none() {
        return Ok(None);
    }
    Ok(Some((
        reader.required("algorithm", algorithm)?,
        reader.required("digest", value)?,
    )))
}
