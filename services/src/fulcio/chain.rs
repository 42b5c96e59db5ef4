//! A certificate with those above it, as an authority sent them.

use bytes::Bytes;
use countersign_formats::UnixTime;
use der::asn1::{AnyRef, GeneralizedTime, UtcTime};
use der::{Decode, Reader, SliceReader, Tag, TagNumber};

/// A certificate for the caller's key, and those above it. Its signatures are unproven.
#[derive(Clone, Debug)]
pub struct CertificateChain {
    certificates: Vec<Bytes>,
    detached_sct: Option<Bytes>,
    leaf: Leaf,
}

#[derive(Clone, Debug)]
struct Leaf {
    der: Bytes,
    public_key: Bytes,
    not_before: UnixTime,
    not_after: UnixTime,
}

impl CertificateChain {
    /// A certificate alone, as a bundle holds it; `None` when it is not DER.
    #[must_use]
    pub fn of_leaf(certificate: Bytes) -> Option<Self> {
        Self::read(vec![certificate], None)
    }

    /// Reads the first certificate; `None` when there is none or it is not DER.
    pub(super) fn read(certificates: Vec<Bytes>, detached_sct: Option<Bytes>) -> Option<Self> {
        let leaf = Leaf::read(certificates.first()?).ok()?;
        Some(Self {
            leaf,
            certificates,
            detached_sct,
        })
    }

    /// The certificate for the caller's key, DER.
    #[must_use]
    pub fn certificate(&self) -> &Bytes {
        &self.leaf.der
    }

    /// All certificates, DER, the caller's first.
    #[must_use]
    pub fn certificates(&self) -> &[Bytes] {
        &self.certificates
    }

    /// The SubjectPublicKeyInfo of the caller's certificate, DER.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        &self.leaf.public_key
    }

    /// The first second in which the certificate is valid.
    #[must_use]
    pub fn not_before(&self) -> UnixTime {
        self.leaf.not_before
    }

    /// The last second in which the certificate is valid.
    #[must_use]
    pub fn not_after(&self) -> UnixTime {
        self.leaf.not_after
    }

    /// A signed certificate timestamp that is not in the certificate; bundles cannot carry it.
    #[must_use]
    pub fn detached_sct(&self) -> Option<&Bytes> {
        self.detached_sct.as_ref()
    }
}

impl Leaf {
    /// Reads what is needed of a certificate (RFC 5280 §4.1):
    ///
    /// ```text
    /// Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signature }
    /// TBSCertificate ::= SEQUENCE { [0] version OPTIONAL, serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, … }
    /// ```
    fn read(der: &Bytes) -> der::Result<Self> {
        let certificate = AnyRef::from_der(der)?;
        let mut reader = SliceReader::new(sequence(certificate)?)?;
        let mut body = SliceReader::new(sequence(AnyRef::decode(&mut reader)?)?)?;
        let version = Tag::ContextSpecific {
            constructed: true,
            number: TagNumber::N0,
        };
        if body.peek_tag()? == version {
            body.tlv_bytes()?;
        }
        for _serial_and_signature_and_issuer in 0..3 {
            body.tlv_bytes()?;
        }
        let mut validity = SliceReader::new(sequence(AnyRef::decode(&mut body)?)?)?;
        let not_before = time(&mut validity)?;
        let not_after = time(&mut validity)?;
        let _subject = body.tlv_bytes()?;
        let public_key = Bytes::copy_from_slice(body.tlv_bytes()?);
        Ok(Self {
            der: der.clone(),
            public_key,
            not_before,
            not_after,
        })
    }
}

fn sequence(element: AnyRef<'_>) -> der::Result<&[u8]> {
    match der::Tagged::tag(&element) {
        Tag::Sequence => Ok(element.value()),
        tag => Err(tag.value_error()),
    }
}

fn time(reader: &mut SliceReader<'_>) -> der::Result<UnixTime> {
    let duration = match reader.peek_tag()? {
        Tag::UtcTime => UtcTime::decode(reader)?.to_unix_duration(),
        _ => GeneralizedTime::decode(reader)?.to_unix_duration(),
    };
    Ok(UnixTime(
        i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
    ))
}
