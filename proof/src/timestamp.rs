//! RFC 3161 timestamps: that an authority saw the signature no later than some time.

use crate::asn1::{self, AlgorithmIdentifier, Element, Malformed, Reader, oid, tag};
use crate::authority::{self, Authority};
use crate::certificate::{Certificate, Purpose};
use crate::crypto::{Algorithm, Over};
use crate::digest;
use crate::fault::{CertificateFault, TimestampFault};
use crate::moment::Moment;
use crate::reject_reason::{Checked, RejectReason};
use crate::report::Check;
use crate::trust::TrustMaterial;
use crate::verified::ProvenTimestamp;
use bytes::Bytes;
use countersign_formats::{HashAlgorithm, Limits, UnixTime};
use der::asn1::ObjectIdentifier;
use info::Info;
use signer_info::SignerInfo;

mod info;
mod signer_info;

/// Digest algorithms that one token may name.
const DIGEST_ALGORITHMS: usize = 8;

/// Verifies the timestamps over `signature`, or over the `envelope` outside of a bundle that holds it. One by an authority that the trust does not know is noted and not counted.
///
/// # Errors
/// Two equal timestamps, one that can be checked and is wrong, and one for a time after `now`.
pub(crate) fn prove(
    timestamps: &[Bytes],
    signature: &[u8],
    envelope: Option<&Bytes>,
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
        // Either is no older than the signature: the envelope's bytes hold it.
        token
            .check_imprint(signature)
            .or_else(|fault| match envelope {
                Some(envelope) => token.check_imprint(envelope),
                None => Err(fault),
            })
            .map_err(refuse)?;
        let Some(authority) = token.authority(trust).map_err(refuse)? else {
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

impl<'a> Token<'a> {
    /// RFC 3161 §2.4.2: `TimeStampResp ::= SEQUENCE { status PKIStatusInfo, timeStampToken ContentInfo OPTIONAL }`
    fn read(response: &'a Bytes, limits: &Limits) -> Result<Self, TimestampFault> {
        let outer = asn1::single(response, tag::SEQUENCE).map_err(malformed("response"))?;
        let mut outer = Reader::new(outer.value);
        let status = outer
            .expect(tag::SEQUENCE)
            .and_then(|status| read_status(&status))
            .map_err(malformed("status"))?;
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
        let version = reader
            .expect(tag::INTEGER)
            .and_then(|element| element.small());
        // 3 because the content is no plain data; 4 and 5 where certificates or lists of other kinds lie beside it.
        if !matches!(version, Ok(3..=5)) {
            return Err(fail(Malformed));
        }
        let hashes = reader
            .expect(tag::SET)
            .and_then(|set| read_algorithms(&set))
            .map_err(malformed("digest algorithms"))?;
        let content = reader.expect(tag::SEQUENCE).map_err(&fail)?;
        let content =
            explicit_content(&content, oid::TST_INFO).map_err(malformed("content type"))?;
        let content = content_octets(content).map_err(&fail)?;
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
        let signer = SignerInfo::read(&signer)?;
        // RFC 5652 §5.4: a verifier may refuse a signer whose hash is not in the list.
        if !hashes.contains(&signer.hash_id) {
            return Err(TimestampFault::Malformed {
                what: "digest algorithms",
            });
        }
        Ok(Self {
            content,
            info: Info::read(content)?,
            certificates,
            signer,
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
                    match self.check_path(authority, certificate) {
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
            Purpose::TimeStamping,
            std::slice::from_ref(authority),
            &[Moment::exact(self.info.time)],
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
            .check_time(0, Moment::exact(time))
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

/// The content, whose octets are what is signed (RFC 5652 §5.4).
///
/// RFC 5652 §5.2 lets the string be in BER, and some authorities write it constructed (X.690 §8.7.3) around the one string
/// that holds it. What is in pieces is refused: nobody writes a hundred bytes so.
fn content_octets(bytes: &[u8]) -> Result<&[u8], Malformed> {
    let string = match bytes.first() {
        Some(&tag::CONSTRUCTED_OCTET_STRING) => {
            asn1::single_of_ber(bytes, tag::CONSTRUCTED_OCTET_STRING)?
        }
        _ => bytes,
    };
    asn1::single(string, tag::OCTET_STRING).map(|string| string.value)
}

/// RFC 4210 §5.2.3, RFC 3161 §2.4.2; what a refusal would explain is not there with a token, so it is not read further.
/// ```text
/// PKIStatusInfo ::= SEQUENCE { status INTEGER, statusString SEQUENCE OF UTF8String OPTIONAL, failInfo BIT STRING OPTIONAL }
/// ```
fn read_status(element: &Element<'_>) -> Result<u64, Malformed> {
    let mut reader = Reader::new(element.value);
    let status = reader.expect(tag::INTEGER)?.small()?;
    reader.optional(tag::SEQUENCE)?;
    reader.optional(tag::BIT_STRING)?;
    reader.finish()?;
    Ok(status)
}

/// The identifiers of a `SET OF AlgorithmIdentifier`, each there once.
fn read_algorithms(set: &Element<'_>) -> Result<Vec<ObjectIdentifier>, Malformed> {
    let mut reader = Reader::new(set.value);
    let mut algorithms = Vec::with_capacity(1);
    while !reader.is_empty() {
        let identifier = AlgorithmIdentifier::read(reader.expect(tag::SEQUENCE)?)?;
        if algorithms.len() == DIGEST_ALGORITHMS
            || !identifier.is_plain()
            || algorithms.contains(&identifier.algorithm)
        {
            return Err(Malformed);
        }
        algorithms.push(identifier.algorithm);
    }
    Ok(algorithms)
}

/// SHA-1 and everything older is refused, whoever signed it.
fn strong_hash(identifier: &AlgorithmIdentifier<'_>) -> Result<HashAlgorithm, TimestampFault> {
    identifier
        .strong_hash()
        .ok_or_else(|| TimestampFault::Hash {
            id: identifier.algorithm.to_string(),
        })
}

fn malformed(what: &'static str) -> impl Fn(Malformed) -> TimestampFault {
    move |_| TimestampFault::Malformed { what }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_to_its_end() {
        let read = |value: &[u8]| {
            read_status(&Element {
                tag: tag::SEQUENCE,
                value,
                raw: &[],
            })
        };
        assert_eq!(read(&[2, 1, 0]), Ok(0));
        assert_eq!(read(&[2, 1, 1, 0x30, 3, 0x0c, 1, b'x']), Ok(1));
        assert_eq!(read(&[2, 1, 2, 3, 2, 5, 0x20]), Ok(2));
        for value in [
            &[][..],
            &[2, 1, 0, 2, 1, 0],
            &[2, 1, 0, 5, 0],
            &[2, 1, 0, 3, 2, 5, 0x20, 0x30, 0],
        ] {
            assert_eq!(read(value), Err(Malformed), "{value:02x?}");
        }
    }

    #[test]
    fn digest_algorithms_are_named_once_each_and_not_without_end() {
        let identifier = |last: u8| vec![0x30, 5, 6, 3, 0x2a, 3, last];
        let read = |list: &[Vec<u8>]| {
            read_algorithms(&Element {
                tag: tag::SET,
                value: &list.concat(),
                raw: &[],
            })
            .map(|found| found.len())
        };
        let many = |count: u8| (0..count).map(identifier).collect::<Vec<_>>();
        assert_eq!(read(&[]), Ok(0));
        assert_eq!(read(&many(8)), Ok(8));
        assert_eq!(read(&many(9)), Err(Malformed));
        assert_eq!(read(&[identifier(3), identifier(3)]), Err(Malformed));
        assert_eq!(read(&[vec![5, 0]]), Err(Malformed));
        assert_eq!(
            read(&[vec![0x30, 8, 6, 3, 0x2a, 3, 4, 2, 1, 0]]),
            Err(Malformed)
        );
    }
}
