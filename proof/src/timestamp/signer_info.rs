//! Who signed a timestamp, and what the signature is over.

use super::{malformed, strong_hash};
use crate::asn1::{AlgorithmIdentifier, Element, Malformed, Reader, oid, tag};
use crate::certificate::Certificate;
use crate::crypto::Algorithm;
use crate::digest;
use crate::fault::TimestampFault;
use countersign_formats::HashAlgorithm;
use der::asn1::ObjectIdentifier;

/// Signed attributes that are looked at.
const ATTRIBUTES: usize = 32;

/// RFC 5652 §5.3:
/// ```text
/// SignerInfo ::= SEQUENCE { version INTEGER, sid SignerIdentifier, digestAlgorithm AlgorithmIdentifier,
///   signedAttrs [0] IMPLICIT SET OF Attribute OPTIONAL, signatureAlgorithm AlgorithmIdentifier,
///   signature OCTET STRING, unsignedAttrs [1] IMPLICIT SET OF Attribute OPTIONAL }
/// SignerIdentifier ::= CHOICE { SEQUENCE { issuer Name, serialNumber INTEGER }, [0] SubjectKeyIdentifier }
/// ```
pub(super) struct SignerInfo<'a> {
    pub(super) id: SignerId<'a>,
    pub(super) hash: HashAlgorithm,
    /// The identifier of that hash.
    pub(super) hash_id: ObjectIdentifier,
    pub(super) attributes: Element<'a>,
    pub(super) algorithm: Algorithm,
    pub(super) signature: &'a [u8],
}

pub(super) enum SignerId<'a> {
    IssuerAndSerial(&'a [u8], &'a [u8]),
    KeyIdentifier(&'a [u8]),
}

impl SignerId<'_> {
    pub(super) fn names(&self, certificate: &Certificate) -> bool {
        match self {
            Self::IssuerAndSerial(issuer, serial) => {
                *issuer == &**certificate.issuer() && *serial == &**certificate.serial()
            }
            Self::KeyIdentifier(identifier) => certificate.key_identifier() == Some(identifier),
        }
    }
}

impl<'a> SignerInfo<'a> {
    pub(super) fn read(element: &Element<'a>) -> Result<Self, TimestampFault> {
        let fail = malformed("signer");
        let mut reader = Reader::new(element.value);
        let version = reader
            .expect(tag::INTEGER)
            .and_then(|version| version.small())
            .map_err(&fail)?;
        let id = reader.any().map_err(&fail)?;
        let id = match id.tag {
            tag::SEQUENCE => {
                let mut id = Reader::new(id.value);
                let issuer = id.expect(tag::SEQUENCE).map_err(&fail)?;
                let serial = id.expect(tag::INTEGER).map_err(&fail)?;
                id.finish().map_err(&fail)?;
                serial.integer().map_err(&fail)?;
                let serial = match serial.value.split_first() {
                    Some((0, rest)) => rest,
                    _ => serial.value,
                };
                SignerId::IssuerAndSerial(issuer.raw, serial)
            }
            tag::CONTEXT_PRIMITIVE_0 => SignerId::KeyIdentifier(id.value),
            _ => return Err(fail(Malformed)),
        };
        // RFC 5652 §5.3: the version says how the signer is named.
        let expected = match id {
            SignerId::IssuerAndSerial(..) => 1,
            SignerId::KeyIdentifier(_) => 3,
        };
        if version != expected {
            return Err(fail(Malformed));
        }
        let hash = reader
            .expect(tag::SEQUENCE)
            .and_then(AlgorithmIdentifier::read)
            .map_err(&fail)?;
        let hash_id = hash.algorithm;
        let hash = strong_hash(&hash)?;
        // RFC 5652 §5.3: without attributes the type of the content would not be signed.
        let attributes =
            reader
                .expect(tag::CONTEXT_CONSTRUCTED_0)
                .map_err(|_| TimestampFault::Attribute {
                    attribute: "content type",
                })?;
        let algorithm = reader
            .expect(tag::SEQUENCE)
            .and_then(AlgorithmIdentifier::read)
            .map_err(&fail)?;
        let signature = reader.expect(tag::OCTET_STRING).map_err(&fail)?.value;
        reader.optional(tag::CONTEXT_CONSTRUCTED_1).map_err(&fail)?;
        reader.finish().map_err(&fail)?;
        let algorithm_id = algorithm.algorithm;
        let algorithm = Algorithm::from_identifier(&algorithm, Some(hash)).ok_or_else(|| {
            TimestampFault::SignatureAlgorithm {
                id: algorithm_id.to_string(),
            }
        })?;
        Ok(Self {
            id,
            hash,
            hash_id,
            attributes,
            algorithm,
            signature,
        })
    }

    /// RFC 5652 §11.1, §11.2 and RFC 5816 §2.2.1: type and digest of the content, and the hash of the certificate.
    pub(super) fn check_attributes(
        &self,
        content: &[u8],
        certificate: &Certificate,
    ) -> Result<(), TimestampFault> {
        let kind = self.attribute(oid::CONTENT_TYPE, "content type")?;
        if kind.tag != tag::OBJECT_IDENTIFIER || kind.value != oid::TST_INFO.as_bytes() {
            return Err(TimestampFault::Attribute {
                attribute: "content type",
            });
        }
        let message_digest = self.attribute(oid::MESSAGE_DIGEST, "message digest")?;
        if message_digest.tag != tag::OCTET_STRING
            || message_digest.value != digest::of(self.hash, content).as_bytes()
        {
            return Err(TimestampFault::Attribute {
                attribute: "message digest",
            });
        }
        let names = self.attribute(oid::SIGNING_CERTIFICATE_V2, "signing certificate")?;
        match names_certificate(&names, certificate) {
            Ok(true) => Ok(()),
            Ok(false) => Err(TimestampFault::SigningCertificate),
            Err(Malformed) => Err(TimestampFault::Attribute {
                attribute: "signing certificate",
            }),
        }
    }

    /// The one value of an attribute that must be there once: `Attribute ::= SEQUENCE { OBJECT IDENTIFIER, SET OF ANY }`.
    fn attribute(
        &self,
        id: ObjectIdentifier,
        name: &'static str,
    ) -> Result<Element<'a>, TimestampFault> {
        let refuse = |_| TimestampFault::Attribute { attribute: name };
        let mut reader = Reader::new(self.attributes.value);
        let mut found = None;
        let mut seen = 0;
        while !reader.is_empty() {
            seen += 1;
            if seen > ATTRIBUTES {
                return Err(TimestampFault::Malformed { what: "attributes" });
            }
            let attribute = reader
                .expect(tag::SEQUENCE)
                .map_err(malformed("attributes"))?;
            let mut attribute = Reader::new(attribute.value);
            let kind = attribute
                .expect(tag::OBJECT_IDENTIFIER)
                .map_err(malformed("attributes"))?;
            if kind.value != id.as_bytes() {
                continue;
            }
            let values = attribute.expect(tag::SET).map_err(refuse)?;
            attribute.finish().map_err(refuse)?;
            let mut values = Reader::new(values.value);
            let value = values.any().map_err(refuse)?;
            values.finish().map_err(refuse)?;
            if found.replace(value).is_some() {
                return Err(refuse(Malformed));
            }
        }
        found.ok_or(refuse(Malformed))
    }
}

/// RFC 5035 §3:
/// ```text
/// SigningCertificateV2 ::= SEQUENCE { certs SEQUENCE OF ESSCertIDv2, policies SEQUENCE OF PolicyInformation OPTIONAL }
/// ESSCertIDv2 ::= SEQUENCE { hashAlgorithm AlgorithmIdentifier DEFAULT { sha256 }, certHash OCTET STRING,
///   issuerSerial SEQUENCE { issuer GeneralNames, serialNumber INTEGER } OPTIONAL }
/// ```
/// The first entry must be the signer's certificate.
fn names_certificate(value: &Element<'_>, certificate: &Certificate) -> Result<bool, Malformed> {
    if value.tag != tag::SEQUENCE {
        return Err(Malformed);
    }
    let certs = Reader::new(value.value).expect(tag::SEQUENCE)?;
    let first = Reader::new(certs.value).expect(tag::SEQUENCE)?;
    let mut reader = Reader::new(first.value);
    let hash = match reader.optional(tag::SEQUENCE)? {
        Some(identifier) => {
            strong_hash(&AlgorithmIdentifier::read(identifier)?).map_err(|_| Malformed)?
        }
        None => HashAlgorithm::Sha256,
    };
    let hashed = reader.expect(tag::OCTET_STRING)?;
    if let Some(issuer_serial) = reader.optional(tag::SEQUENCE)? {
        let mut issuer_serial = Reader::new(issuer_serial.value);
        issuer_serial.expect(tag::SEQUENCE)?;
        let serial = issuer_serial.expect(tag::INTEGER)?;
        issuer_serial.finish()?;
        let serial = match serial.value.split_first() {
            Some((0, rest)) => rest,
            _ => serial.value,
        };
        if serial != &**certificate.serial() {
            return Ok(false);
        }
    }
    reader.finish()?;
    Ok(digest::of(hash, certificate.der()).as_bytes() == hashed.value)
}
