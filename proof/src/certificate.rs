//! One X.509 certificate (RFC 5280 §4), read strictly and judged for its use, but not yet for its issuer.

mod purpose;

pub(crate) use purpose::Purpose;

use crate::asn1::{self, AlgorithmIdentifier, Element, Malformed, Reader, oid, tag};
use crate::crypto::{Algorithm, Over, VerifyingKey};
use crate::digest::sha256;
use crate::fault::CertificateFault;
use bytes::Bytes;
use countersign_formats::{Digest, PublicKey, UnixTime};
use der::asn1::ObjectIdentifier;

/// How many extensions one certificate may have; Fulcio's have about 25.
const EXTENSIONS: usize = 64;

/// The bytes of the longest serial number (RFC 5280 §4.1.2.2).
const SERIAL_BYTES: usize = 20;

/// A parsed certificate that owns its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    der: Bytes,
    tbs: Bytes,
    /// Content of the TBS before its extensions, and the extensions one by one: what a precertificate is rebuilt from.
    tbs_before_extensions: Bytes,
    issuer: Bytes,
    subject: Bytes,
    serial: Bytes,
    key: PublicKey,
    not_before: UnixTime,
    not_after: UnixTime,
    signature_algorithm: Option<Algorithm>,
    signature_algorithm_id: ObjectIdentifier,
    signature: Bytes,
    extensions: Vec<StoredExtension>,
}

#[derive(Clone, Debug)]
struct StoredExtension {
    id: ObjectIdentifier,
    critical: bool,
    value: Bytes,
    raw: Bytes,
}

/// One extension: its identifier, whether it is critical, and the content of its OCTET STRING.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extension<'a> {
    pub(crate) id: ObjectIdentifier,
    pub(crate) critical: bool,
    pub(crate) value: &'a [u8],
}

impl Certificate {
    /// Reads a certificate.
    ///
    /// # Errors
    /// Anything but a strict DER, version 3 certificate with a known kind of key (N-58, N-59).
    pub(crate) fn parse(der: &Bytes) -> Result<Self, CertificateFault> {
        let malformed = |what| move |_: Malformed| CertificateFault::Malformed { what };
        let own = |bytes: &[u8]| der.slice_ref(bytes);

        let outer = asn1::single(der, tag::SEQUENCE).map_err(malformed("certificate"))?;
        let mut outer = Reader::new(outer.value);
        let tbs = outer
            .expect(tag::SEQUENCE)
            .map_err(malformed("certificate body"))?;
        let algorithm = outer
            .expect(tag::SEQUENCE)
            .map_err(malformed("signature algorithm"))?;
        let signature = outer
            .expect(tag::BIT_STRING)
            .map_err(malformed("signature"))?;
        outer.finish().map_err(malformed("certificate"))?;

        let mut body = Reader::new(tbs.value);
        let version = body
            .expect(tag::CONTEXT_CONSTRUCTED_0)
            .map_err(malformed("version"))?;
        let version = asn1::single(version.value, tag::INTEGER).and_then(|version| version.small());
        if version != Ok(2) {
            return Err(CertificateFault::Malformed { what: "version" });
        }
        let serial = body
            .expect(tag::INTEGER)
            .map_err(malformed("serial number"))?;
        let serial = serial_number(&serial).map_err(malformed("serial number"))?;
        let inner_algorithm = body
            .expect(tag::SEQUENCE)
            .map_err(malformed("signature algorithm"))?;
        // RFC 5280 §4.1.1.2: both must be the same, else the signed one says nothing about the one that is used.
        if inner_algorithm.raw != algorithm.raw {
            return Err(CertificateFault::Malformed {
                what: "signature algorithm",
            });
        }
        let algorithm =
            AlgorithmIdentifier::read(algorithm).map_err(malformed("signature algorithm"))?;
        let issuer = body.expect(tag::SEQUENCE).map_err(malformed("issuer"))?;
        let validity = body.expect(tag::SEQUENCE).map_err(malformed("validity"))?;
        let (not_before, not_after) = validity_times(&validity).map_err(malformed("validity"))?;
        let subject = body.expect(tag::SEQUENCE).map_err(malformed("subject"))?;
        let key = body
            .expect(tag::SEQUENCE)
            .map_err(malformed("public key"))?;
        let key = PublicKey::from_spki_der(key.raw).map_err(|_| CertificateFault::Key)?;
        let extensions = body
            .expect(tag::CONTEXT_CONSTRUCTED_3)
            .map_err(malformed("extensions"))?;
        body.finish().map_err(malformed("certificate body"))?;
        let before = tbs.value.len().saturating_sub(extensions.raw.len());

        Ok(Self {
            tbs: own(tbs.raw),
            tbs_before_extensions: own(tbs.value.get(..before).unwrap_or_default()),
            issuer: own(issuer.raw),
            subject: own(subject.raw),
            serial: own(serial),
            key,
            not_before,
            not_after,
            signature_algorithm: Algorithm::from_identifier(&algorithm, None),
            signature_algorithm_id: algorithm.algorithm,
            signature: own(signature.bit_string().map_err(malformed("signature"))?),
            extensions: read_extensions(der, extensions.value)?,
            der: der.clone(),
        })
    }

    pub(crate) fn der(&self) -> &Bytes {
        &self.der
    }

    pub(crate) fn issuer(&self) -> &Bytes {
        &self.issuer
    }

    pub(crate) fn subject(&self) -> &Bytes {
        &self.subject
    }

    pub(crate) fn serial(&self) -> &Bytes {
        &self.serial
    }

    pub(crate) fn key(&self) -> &PublicKey {
        &self.key
    }

    pub(crate) fn not_before(&self) -> UnixTime {
        self.not_before
    }

    pub(crate) fn not_after(&self) -> UnixTime {
        self.not_after
    }

    pub(crate) fn fingerprint(&self) -> Digest {
        sha256(&self.der)
    }

    /// The serial number, lower-case hexadecimal.
    pub(crate) fn serial_hex(&self) -> String {
        use std::fmt::Write;
        self.serial.iter().fold(
            String::with_capacity(2 * self.serial.len()),
            |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            },
        )
    }

    pub(crate) fn extensions(&self) -> impl Iterator<Item = Extension<'_>> {
        self.extensions.iter().map(|extension| Extension {
            id: extension.id,
            critical: extension.critical,
            value: &extension.value,
        })
    }

    pub(crate) fn extension(&self, id: ObjectIdentifier) -> Option<Extension<'_>> {
        self.extensions().find(|extension| extension.id == id)
    }

    /// Fails unless `time` is within the certificate's validity, both ends included.
    pub(crate) fn check_time(&self, time: UnixTime) -> Result<(), CertificateFault> {
        if self.not_before <= time && time <= self.not_after {
            return Ok(());
        }
        Err(CertificateFault::Expired {
            not_before: self.not_before,
            not_after: self.not_after,
            time,
        })
    }

    /// Fails unless `issuer` signed this certificate.
    pub(crate) fn check_signature(&self, issuer: &VerifyingKey) -> Result<(), CertificateFault> {
        let Some(algorithm) = self.signature_algorithm else {
            return Err(CertificateFault::SignatureAlgorithm {
                id: self.signature_algorithm_id.to_string(),
            });
        };
        if issuer.verify(algorithm, Over::Message(&self.tbs), &self.signature) {
            Ok(())
        } else {
            Err(CertificateFault::Signature)
        }
    }

    /// Fails on an extension that is critical and not understood, and on name constraints.
    pub(crate) fn check_extensions(&self) -> Result<(), CertificateFault> {
        for extension in &self.extensions {
            if extension.id == oid::NAME_CONSTRAINTS {
                return Err(CertificateFault::NameConstraints);
            }
            let understood = matches!(
                extension.id,
                oid::BASIC_CONSTRAINTS
                    | oid::KEY_USAGE
                    | oid::EXTENDED_KEY_USAGE
                    | oid::SUBJECT_ALTERNATIVE_NAME
                    | oid::SCT_LIST
            ) || oid::fulcio_arc(extension.id.as_bytes()).is_some();
            if extension.critical && !understood {
                return Err(CertificateFault::CriticalExtension {
                    id: extension.id.to_string(),
                });
            }
        }
        Ok(())
    }

    /// The subject key identifier, where there is one.
    pub(crate) fn key_identifier(&self) -> Option<&[u8]> {
        let extension = self.extension(oid::SUBJECT_KEY_IDENTIFIER)?;
        asn1::single(extension.value, tag::OCTET_STRING)
            .ok()
            .map(|identifier| identifier.value)
    }

    /// The certificate's body as its CT log saw it: without the list of signed certificate timestamps (RFC 6962 §3.2).
    pub(crate) fn precertificate_body(&self) -> Vec<u8> {
        let kept: Vec<&[u8]> = self
            .extensions
            .iter()
            .filter(|extension| extension.id != oid::SCT_LIST)
            .map(|extension| &*extension.raw)
            .collect();
        let mut list = Vec::with_capacity(self.tbs.len());
        asn1::write_element(&mut list, tag::SEQUENCE, &kept);
        let mut extensions = Vec::with_capacity(list.len() + 8);
        asn1::write_element(&mut extensions, tag::CONTEXT_CONSTRUCTED_3, &[&list]);
        let mut body = Vec::with_capacity(self.tbs.len());
        asn1::write_element(
            &mut body,
            tag::SEQUENCE,
            &[&self.tbs_before_extensions, &extensions],
        );
        body
    }
}

/// Positive, and at most 20 bytes (RFC 5280 §4.1.2.2); the sign byte is cut off.
fn serial_number<'a>(serial: &Element<'a>) -> Result<&'a [u8], Malformed> {
    serial.integer()?;
    let bytes = serial.value;
    if bytes.first().is_none_or(|first| *first >= 0x80) {
        return Err(Malformed);
    }
    let bytes = match bytes.split_first() {
        Some((0, rest)) => rest,
        _ => bytes,
    };
    if bytes.is_empty() || bytes.len() > SERIAL_BYTES {
        Err(Malformed)
    } else {
        Ok(bytes)
    }
}

fn validity_times(validity: &Element<'_>) -> Result<(UnixTime, UnixTime), Malformed> {
    let mut reader = Reader::new(validity.value);
    let not_before = reader.any()?.time()?;
    let not_after = reader.any()?.time()?;
    reader.finish()?;
    if not_before > not_after {
        Err(Malformed)
    } else {
        Ok((not_before, not_after))
    }
}

fn read_extensions(der: &Bytes, wrapped: &[u8]) -> Result<Vec<StoredExtension>, CertificateFault> {
    let malformed = |_| CertificateFault::Malformed { what: "extensions" };
    let list = asn1::single(wrapped, tag::SEQUENCE).map_err(malformed)?;
    let mut reader = Reader::new(list.value);
    let mut extensions: Vec<StoredExtension> = Vec::with_capacity(EXTENSIONS / 2);
    while !reader.is_empty() {
        let element = reader.expect(tag::SEQUENCE).map_err(malformed)?;
        let mut fields = Reader::new(element.value);
        let id = fields
            .expect(tag::OBJECT_IDENTIFIER)
            .and_then(|id| id.oid())
            .map_err(malformed)?;
        let critical = match fields.optional(tag::BOOLEAN).map_err(malformed)? {
            // DER leaves a default value out (X.690 §11.5).
            Some(value) => match value.boolean().map_err(malformed)? {
                true => true,
                false => return Err(malformed(Malformed)),
            },
            None => false,
        };
        let value = fields.expect(tag::OCTET_STRING).map_err(malformed)?;
        fields.finish().map_err(malformed)?;
        if extensions.len() == EXTENSIONS {
            return Err(malformed(Malformed));
        }
        // RFC 5280 §4.2: a certificate must not have one extension twice (N-54).
        if extensions.iter().any(|other| other.id == id) {
            return Err(CertificateFault::DuplicateExtension { id: id.to_string() });
        }
        let (value, raw) = (der.slice_ref(value.value), der.slice_ref(element.raw));
        extensions.push(StoredExtension {
            id,
            critical,
            value,
            raw,
        });
    }
    Ok(extensions)
}
