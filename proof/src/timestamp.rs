//! RFC 3161 timestamps: that an authority saw the signature no later than some time.

use crate::asn1::{self, AlgorithmIdentifier, Element, Malformed, Reader, oid, tag};
use crate::authority::{self, Authority};
use crate::certificate::{Certificate, Purpose};
use crate::crypto::{Algorithm, Over};
use crate::digest;
use crate::fault::{CertificateFault, TimestampFault};
use crate::rejected::{Checked, RejectReason};
use crate::report::Check;
use crate::trust::TrustMaterial;
use crate::verified::ProvenTimestamp;
use bytes::Bytes;
use countersign_formats::{HashAlgorithm, Limits, UnixTime};
use der::asn1::ObjectIdentifier;

/// Signed attributes that are looked at.
const ATTRIBUTES: usize = 32;

/// Verifies the timestamps over `signature`. One by an authority that the trust does not know is noted and not counted.
///
/// # Errors
/// Two equal timestamps, one that can be checked and is wrong, and one for a time after `now`.
pub(crate) fn prove(
    timestamps: &[Bytes],
    signature: &[u8],
    trust: &TrustMaterial,
    limits: &Limits,
    now: UnixTime,
    checks: &mut Vec<Check>,
) -> Checked<Vec<ProvenTimestamp>> {
    let mut proven = Vec::with_capacity(timestamps.len());
    for (position, response) in timestamps.iter().enumerate() {
        let refuse = |fault| {
            Box::new(RejectReason::Timestamp {
                timestamp: position,
                fault,
            })
        };
        if timestamps
            .iter()
            .take(position)
            .any(|other| other == response)
        {
            return Err(refuse(TimestampFault::Duplicate));
        }
        let token = Token::read(response, limits).map_err(refuse)?;
        token.check_imprint(signature).map_err(refuse)?;
        let Some(authority) = token.authority(trust, limits).map_err(refuse)? else {
            checks.push(Check::UnknownTimestampAuthority {
                timestamp: position,
            });
            continue;
        };
        if token.info.time > now {
            return Err(RejectReason::FutureTime {
                time: token.info.time,
                now,
            }
            .into());
        }
        checks.push(Check::Timestamp {
            timestamp: position,
            authority: authority.id,
            time: token.info.time,
        });
        proven.push(ProvenTimestamp {
            authority: authority.id,
            name: authority.name.clone(),
            time: token.info.time,
            no_later_than: token.info.no_later_than,
        });
    }
    Ok(proven)
}

/// A timestamp token, read and not yet verified.
struct Token<'a> {
    /// The encoded [`Info`], which the attributes have the digest of.
    content: &'a [u8],
    info: Info<'a>,
    certificates: Vec<&'a [u8]>,
    signer: SignerInfo<'a>,
    response: &'a Bytes,
}

/// RFC 3161 §2.4.2:
/// ```text
/// TSTInfo ::= SEQUENCE { version INTEGER { v1(1) }, policy TSAPolicyId, messageImprint MessageImprint,
///   serialNumber INTEGER, genTime GeneralizedTime, accuracy Accuracy OPTIONAL, ordering BOOLEAN DEFAULT FALSE,
///   nonce INTEGER OPTIONAL, tsa [0] GeneralName OPTIONAL, extensions [1] IMPLICIT Extensions OPTIONAL }
/// MessageImprint ::= SEQUENCE { hashAlgorithm AlgorithmIdentifier, hashedMessage OCTET STRING }
/// ```
struct Info<'a> {
    imprint_algorithm: AlgorithmIdentifier<'a>,
    imprint: &'a [u8],
    time: UnixTime,
    no_later_than: UnixTime,
}

/// RFC 5652 §5.3:
/// ```text
/// SignerInfo ::= SEQUENCE { version INTEGER, sid SignerIdentifier, digestAlgorithm AlgorithmIdentifier,
///   signedAttrs [0] IMPLICIT SET OF Attribute OPTIONAL, signatureAlgorithm AlgorithmIdentifier,
///   signature OCTET STRING, unsignedAttrs [1] IMPLICIT SET OF Attribute OPTIONAL }
/// SignerIdentifier ::= CHOICE { SEQUENCE { issuer Name, serialNumber INTEGER }, [0] SubjectKeyIdentifier }
/// ```
struct SignerInfo<'a> {
    id: SignerId<'a>,
    hash: HashAlgorithm,
    attributes: Element<'a>,
    algorithm: Algorithm,
    signature: &'a [u8],
}

enum SignerId<'a> {
    IssuerAndSerial(&'a [u8], &'a [u8]),
    KeyIdentifier(&'a [u8]),
}

fn malformed(what: &'static str) -> impl Fn(Malformed) -> TimestampFault {
    move |_| TimestampFault::Malformed { what }
}

impl<'a> Token<'a> {
    /// RFC 3161 §2.4.2: `TimeStampResp ::= SEQUENCE { status PKIStatusInfo, timeStampToken ContentInfo OPTIONAL }`
    fn read(response: &'a Bytes, limits: &Limits) -> Result<Self, TimestampFault> {
        if response.len() > limits.timestamp_bytes {
            return Err(TimestampFault::Malformed {
                what: "timestamp: longer than the limit `timestamp_bytes`",
            });
        }
        let outer = asn1::single(response, tag::SEQUENCE).map_err(malformed("response"))?;
        let mut outer = Reader::new(outer.value);
        let status = outer.expect(tag::SEQUENCE).map_err(malformed("status"))?;
        let status = Reader::new(status.value)
            .expect(tag::INTEGER)
            .and_then(|status| status.small());
        let status = status.map_err(malformed("status"))?;
        // 0 is granted, 1 granted with modifications.
        if status > 1 {
            return Err(TimestampFault::NotGranted { status });
        }
        let token = outer.expect(tag::SEQUENCE).map_err(malformed("token"))?;
        outer.finish().map_err(malformed("response"))?;
        let signed_data = explicit_content(&token, oid::SIGNED_DATA).map_err(malformed("token"))?;
        let signed_data =
            asn1::single(signed_data, tag::SEQUENCE).map_err(malformed("signed data"))?;
        Self::read_signed_data(response, signed_data.value, limits)
    }

    /// RFC 5652 §5.1:
    /// ```text
    /// SignedData ::= SEQUENCE { version INTEGER, digestAlgorithms SET OF AlgorithmIdentifier,
    ///   encapContentInfo SEQUENCE { eContentType OBJECT IDENTIFIER, eContent [0] EXPLICIT OCTET STRING OPTIONAL },
    ///   certificates [0] IMPLICIT SET OF CertificateChoices OPTIONAL, crls [1] IMPLICIT SET OPTIONAL,
    ///   signerInfos SET OF SignerInfo }
    /// ```
    fn read_signed_data(
        response: &'a Bytes,
        bytes: &'a [u8],
        limits: &Limits,
    ) -> Result<Self, TimestampFault> {
        let fail = malformed("signed data");
        let mut reader = Reader::new(bytes);
        reader
            .expect(tag::INTEGER)
            .and_then(|version| version.small())
            .map_err(&fail)?;
        reader.expect(tag::SET).map_err(&fail)?;
        let content = reader.expect(tag::SEQUENCE).map_err(&fail)?;
        let content =
            explicit_content(&content, oid::TST_INFO).map_err(malformed("content type"))?;
        let content = asn1::single(content, tag::OCTET_STRING)
            .map_err(&fail)?
            .value;
        let mut certificates = Vec::new();
        if let Some(set) = reader.optional(tag::CONTEXT_CONSTRUCTED_0).map_err(&fail)? {
            let mut set = Reader::new(set.value);
            while !set.is_empty() {
                let certificate = set.any().map_err(&fail)?;
                if certificates.len() == limits.certificates {
                    return Err(TimestampFault::Malformed {
                        what: "certificates: more than the limit `certificates`",
                    });
                }
                certificates.push(certificate.raw);
            }
        }
        reader.optional(tag::CONTEXT_CONSTRUCTED_1).map_err(&fail)?;
        let signers = reader.expect(tag::SET).map_err(&fail)?;
        reader.finish().map_err(&fail)?;
        let mut signers = Reader::new(signers.value);
        // RFC 3161 §2.4.2: the authority's signature and no other. A155: an extra signer must not hide behind a good one.
        let signer = signers
            .expect(tag::SEQUENCE)
            .map_err(|_| TimestampFault::SignerCount)?;
        signers.finish().map_err(|_| TimestampFault::SignerCount)?;
        Ok(Self {
            content,
            info: Info::read(content)?,
            certificates,
            signer: SignerInfo::read(&signer)?,
            response,
        })
    }

    /// Fails unless the token is about `signature`.
    fn check_imprint(&self, signature: &[u8]) -> Result<(), TimestampFault> {
        let hash = strong_hash(&self.info.imprint_algorithm)?;
        if digest::of(hash, signature).as_bytes() == self.info.imprint {
            Ok(())
        } else {
            Err(TimestampFault::Imprint)
        }
    }

    /// The authority that made the token; `None` when the trust does not know it.
    ///
    /// TOB-SIGSTORE-11: each authority is judged by its own chain and window, never by those of another.
    fn authority<'t>(
        &self,
        trust: &'t TrustMaterial,
        limits: &Limits,
    ) -> Result<Option<&'t Authority>, TimestampFault> {
        let own = self.own_signer()?;
        let mut failed = None;
        for authority in trust.timestamp_authorities.usable() {
            let verified = match (&authority.signer, &own) {
                (Some(signer), _) if self.signer.id.names(&signer.certificate) => self
                    .check_signer(
                        authority,
                        &signer.certificate,
                        |over, algorithm, signature| signer.key.verify(algorithm, over, signature),
                    ),
                (None, Some(certificate)) => {
                    match self.check_path(authority, certificate, limits) {
                        // Of another authority.
                        Err(TimestampFault::Certificate(CertificateFault::Untrusted)) => continue,
                        other => other,
                    }
                }
                _ => continue,
            };
            match verified {
                Ok(()) => return Ok(Some(authority)),
                Err(fault) => failed = Some(fault),
            }
        }
        failed.map_or(Ok(None), Err)
    }

    /// The certificate in the token that its signer names.
    fn own_signer(&self) -> Result<Option<Certificate>, TimestampFault> {
        for der in &self.certificates {
            // Certificates of other kinds may stand in the token; only the signer's must be readable.
            if let Ok(certificate) = Certificate::parse(&self.response.slice_ref(der))
                && self.signer.id.names(&certificate)
            {
                return Ok(Some(certificate));
            }
        }
        Ok(None)
    }

    /// The signer's certificate comes from the token; it must lead to the authority at the token's time.
    fn check_path(
        &self,
        authority: &Authority,
        certificate: &Certificate,
        limits: &Limits,
    ) -> Result<(), TimestampFault> {
        let refuse = TimestampFault::Certificate;
        let others: Vec<Bytes> = self
            .certificates
            .iter()
            .filter(|der| ***der != **certificate.der())
            .map(|der| self.response.slice_ref(der))
            .collect();
        let ordered = authority::in_order(certificate, &others);
        let path = authority::find_path(
            certificate,
            &ordered,
            limits.certificates,
            Purpose::TimeStamping,
            std::slice::from_ref(authority),
            &[self.info.time],
        );
        if let Err((_, fault)) = path {
            return match fault {
                CertificateFault::AuthorityWindow { window, time } => {
                    Err(TimestampFault::Window { window, time })
                }
                fault => Err(refuse(fault)),
            };
        }
        certificate
            .check_signer(Purpose::TimeStamping)
            .map_err(refuse)?;
        let key = authority::verifying_key(certificate.key()).map_err(refuse)?;
        self.check_signature(certificate, |over, algorithm, signature| {
            key.verify(algorithm, over, signature)
        })
    }

    /// The signer's certificate comes from the trust, where its chain was verified.
    fn check_signer(
        &self,
        authority: &Authority,
        certificate: &Certificate,
        verify: impl Fn(Over<'_>, Algorithm, &[u8]) -> bool,
    ) -> Result<(), TimestampFault> {
        let time = self.info.time;
        if !authority.valid.contains(time) {
            return Err(TimestampFault::Window {
                window: authority.valid,
                time,
            });
        }
        certificate
            .check_time(time)
            .map_err(TimestampFault::Certificate)?;
        authority
            .check_time(0, time)
            .map_err(TimestampFault::Certificate)?;
        self.check_signature(certificate, verify)
    }

    fn check_signature(
        &self,
        certificate: &Certificate,
        verify: impl Fn(Over<'_>, Algorithm, &[u8]) -> bool,
    ) -> Result<(), TimestampFault> {
        self.signer.check_attributes(self.content, certificate)?;
        // RFC 5652 §5.4: the attributes are signed as a SET, not under the tag that they have in the structure.
        let mut signed = self.signer.attributes.raw.to_vec();
        if let Some(first) = signed.first_mut() {
            *first = tag::SET;
        }
        if verify(
            Over::Message(&signed),
            self.signer.algorithm,
            self.signer.signature,
        ) {
            Ok(())
        } else {
            Err(TimestampFault::Signature)
        }
    }
}

/// `SEQUENCE { type OBJECT IDENTIFIER, content [0] EXPLICIT ANY }` of exactly this type.
fn explicit_content<'a>(
    element: &Element<'a>,
    kind: ObjectIdentifier,
) -> Result<&'a [u8], Malformed> {
    let mut reader = Reader::new(element.value);
    let found = reader.expect(tag::OBJECT_IDENTIFIER)?;
    let content = reader.expect(tag::CONTEXT_CONSTRUCTED_0)?;
    reader.finish()?;
    if found.value == kind.as_bytes() {
        Ok(content.value)
    } else {
        Err(Malformed)
    }
}

/// SHA-1 and everything older is refused, whoever signed it.
fn strong_hash(identifier: &AlgorithmIdentifier<'_>) -> Result<HashAlgorithm, TimestampFault> {
    match identifier.algorithm {
        oid::SHA256 if identifier.is_plain() => Ok(HashAlgorithm::Sha256),
        oid::SHA384 if identifier.is_plain() => Ok(HashAlgorithm::Sha384),
        oid::SHA512 if identifier.is_plain() => Ok(HashAlgorithm::Sha512),
        other => Err(TimestampFault::Hash {
            id: other.to_string(),
        }),
    }
}

impl<'a> Info<'a> {
    fn read(content: &'a [u8]) -> Result<Self, TimestampFault> {
        let fail = malformed("timestamp information");
        let info = asn1::single(content, tag::SEQUENCE).map_err(&fail)?;
        let mut reader = Reader::new(info.value);
        if reader
            .expect(tag::INTEGER)
            .and_then(|version| version.small())
            .map_err(&fail)?
            != 1
        {
            return Err(fail(Malformed));
        }
        reader.expect(tag::OBJECT_IDENTIFIER).map_err(&fail)?;
        let imprint = reader.expect(tag::SEQUENCE).map_err(&fail)?;
        let (imprint_algorithm, imprint) =
            read_imprint(&imprint).map_err(malformed("message imprint"))?;
        reader
            .expect(tag::INTEGER)
            .map_err(&fail)?
            .integer()
            .map_err(&fail)?;
        let time = reader.expect(tag::GENERALIZED_TIME).map_err(&fail)?;
        let (time, fraction) = generalized_time(time.value).map_err(malformed("time"))?;
        let accuracy = match reader.optional(tag::SEQUENCE).map_err(&fail)? {
            Some(accuracy) => accuracy_seconds(&accuracy).map_err(malformed("accuracy"))?,
            None => 0,
        };
        if let Some(ordering) = reader.optional(tag::BOOLEAN).map_err(&fail)? {
            ordering.boolean().map_err(&fail)?;
        }
        if let Some(nonce) = reader.optional(tag::INTEGER).map_err(&fail)? {
            nonce.integer().map_err(&fail)?;
        }
        reader.optional(tag::CONTEXT_CONSTRUCTED_0).map_err(&fail)?;
        if let Some(extensions) = reader.optional(tag::CONTEXT_CONSTRUCTED_1).map_err(&fail)? {
            refuse_critical(&extensions)?;
        }
        reader.finish().map_err(&fail)?;
        // N-79: the clock may be behind by its accuracy, so the signature may be that much younger.
        let late = i64::from(fraction).saturating_add(accuracy);
        let no_later_than = UnixTime(time.0.saturating_add(late));
        Ok(Self {
            imprint_algorithm,
            imprint,
            time,
            no_later_than,
        })
    }
}

fn read_imprint<'a>(
    element: &Element<'a>,
) -> Result<(AlgorithmIdentifier<'a>, &'a [u8]), Malformed> {
    let mut reader = Reader::new(element.value);
    let algorithm = AlgorithmIdentifier::read(reader.expect(tag::SEQUENCE)?)?;
    let imprint = reader.expect(tag::OCTET_STRING)?;
    reader.finish()?;
    Ok((algorithm, imprint.value))
}

/// `YYYYMMDDhhmmss[.f*]Z` (RFC 3161 §2.4.2): whole seconds, and whether there is a fraction.
fn generalized_time(text: &[u8]) -> Result<(UnixTime, bool), Malformed> {
    let (seconds, rest) = text.split_at_checked(14).ok_or(Malformed)?;
    let fraction = match rest {
        b"Z" => false,
        [b'.', digits @ .., b'Z'] => {
            // DER (X.690 §11.7.3): no zeros at the end, so a fraction is never nothing.
            let canonical = digits.last().is_some_and(|last| *last != b'0');
            if !canonical || digits.len() > 9 || !digits.iter().all(u8::is_ascii_digit) {
                return Err(Malformed);
            }
            true
        }
        _ => return Err(Malformed),
    };
    let mut whole = Vec::with_capacity(17);
    asn1::write_element(&mut whole, tag::GENERALIZED_TIME, &[seconds, b"Z"]);
    let time = asn1::single(&whole, tag::GENERALIZED_TIME)?.time()?;
    Ok((time, fraction))
}

/// `Accuracy ::= SEQUENCE { seconds INTEGER OPTIONAL, millis [0] INTEGER OPTIONAL, micros [1] INTEGER OPTIONAL }`, rounded up.
fn accuracy_seconds(element: &Element<'_>) -> Result<i64, Malformed> {
    let mut reader = Reader::new(element.value);
    let mut seconds = match reader.optional(tag::INTEGER)? {
        Some(seconds) => i64::try_from(seconds.small()?).map_err(|_| Malformed)?,
        None => 0,
    };
    let mut part = false;
    for tag in [tag::CONTEXT_PRIMITIVE_0, tag::CONTEXT_PRIMITIVE_1] {
        if let Some(value) = reader.optional(tag)? {
            part |= value.small()? > 0;
        }
    }
    reader.finish()?;
    seconds = seconds.saturating_add(i64::from(part));
    Ok(seconds)
}

fn refuse_critical(extensions: &Element<'_>) -> Result<(), TimestampFault> {
    let fail = malformed("extensions");
    let mut reader = Reader::new(extensions.value);
    while !reader.is_empty() {
        let extension = reader.expect(tag::SEQUENCE).map_err(&fail)?;
        let mut extension = Reader::new(extension.value);
        extension.expect(tag::OBJECT_IDENTIFIER).map_err(&fail)?;
        if let Some(critical) = extension.optional(tag::BOOLEAN).map_err(&fail)?
            && critical.boolean().map_err(&fail)?
        {
            return Err(TimestampFault::CriticalExtension);
        }
    }
    Ok(())
}

impl SignerId<'_> {
    fn names(&self, certificate: &Certificate) -> bool {
        match self {
            Self::IssuerAndSerial(issuer, serial) => {
                *issuer == &**certificate.issuer() && *serial == &**certificate.serial()
            }
            Self::KeyIdentifier(identifier) => certificate.key_identifier() == Some(identifier),
        }
    }
}

impl<'a> SignerInfo<'a> {
    fn read(element: &Element<'a>) -> Result<Self, TimestampFault> {
        let fail = malformed("signer");
        let mut reader = Reader::new(element.value);
        reader
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
        let hash = reader
            .expect(tag::SEQUENCE)
            .and_then(AlgorithmIdentifier::read)
            .map_err(&fail)?;
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
            attributes,
            algorithm,
            signature,
        })
    }

    /// RFC 5652 §11.1, §11.2 and RFC 5816 §2.2.1: type and digest of the content, and the hash of the certificate.
    fn check_attributes(
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

#[cfg(test)]
mod tests {
    use super::*;

    // N-81: strict in form, rounded up in meaning.
    #[test]
    fn times_are_read_strictly() {
        assert_eq!(
            generalized_time(b"20261124150000Z"),
            Ok((UnixTime(1_795_532_400), false))
        );
        assert_eq!(
            generalized_time(b"20261124150000.25Z"),
            Ok((UnixTime(1_795_532_400), true))
        );
        for text in [
            &b"20261124150000"[..],
            b"20261124150000.Z",
            b"20261124150000.250Z",
            b"20261124150000.0Z",
            b"20261124150000,5Z",
            b"20261124150000+0100",
            b"202611241500Z",
            b"20261324150000Z",
            b"20261124150000.1234567891Z",
            b"",
        ] {
            assert_eq!(
                generalized_time(text),
                Err(Malformed),
                "{}",
                String::from_utf8_lossy(text)
            );
        }
    }
}
