//! What a certificate may be used for (RFC 5280 §4.2.1).

use super::Certificate;
use crate::asn1::{self, Malformed, Reader, oid, tag};
use crate::fault::CertificateFault;
use der::asn1::ObjectIdentifier;

/// How many uses one extended key usage may list.
const KEY_USAGES: usize = 32;

/// What a chain of certificates is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    CodeSigning,
    TimeStamping,
}

impl Purpose {
    fn id(self) -> ObjectIdentifier {
        match self {
            Self::CodeSigning => oid::EKU_CODE_SIGNING,
            Self::TimeStamping => oid::EKU_TIME_STAMPING,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::CodeSigning => "code signing",
            Self::TimeStamping => "time stamping alone, as critical extension",
        }
    }
}

impl Certificate {
    /// Fails unless this is a certificate of a signer, not of an authority, and for exactly this kind of use.
    pub(crate) fn check_signer(&self, purpose: Purpose) -> Result<(), CertificateFault> {
        self.check_extensions()?;
        if self
            .basic_constraints()?
            .is_some_and(|constraints| constraints.authority)
        {
            return Err(CertificateFault::IsAuthority);
        }
        if self
            .key_usage()?
            .is_some_and(|usage| !usage.digital_signature)
        {
            return Err(CertificateFault::KeyUsage {
                wanted: "signatures",
            });
        }
        let Some(usages) = self.extended_key_usage()? else {
            return Err(CertificateFault::ExtendedKeyUsage {
                wanted: purpose.name(),
            });
        };
        let exclusive = purpose == Purpose::TimeStamping;
        // RFC 3161 §2.3: time stamping alone, and critical. A153: anyExtendedKeyUsage is not enough for anything.
        if !usages.ids.contains(&purpose.id())
            || (exclusive && (usages.ids.len() != 1 || !usages.critical))
        {
            return Err(CertificateFault::ExtendedKeyUsage {
                wanted: purpose.name(),
            });
        }
        Ok(())
    }

    /// Fails unless this is a certificate of an authority that may have `below` authorities under it.
    pub(crate) fn check_authority(
        &self,
        purpose: Purpose,
        below: usize,
    ) -> Result<(), CertificateFault> {
        self.check_extensions()?;
        let Some(BasicConstraints {
            authority: true,
            path_length,
        }) = self.basic_constraints()?
        else {
            return Err(CertificateFault::NotAuthority);
        };
        if let Some(maximum) = path_length
            && below as u64 > maximum
        {
            return Err(CertificateFault::PathLength { maximum });
        }
        if self
            .key_usage()?
            .is_some_and(|usage| !usage.certificate_signing)
        {
            return Err(CertificateFault::KeyUsage {
                wanted: "signing certificates",
            });
        }
        if let Some(usages) = self.extended_key_usage()?
            && !usages.ids.contains(&purpose.id())
        {
            return Err(CertificateFault::ExtendedKeyUsage {
                wanted: purpose.name(),
            });
        }
        Ok(())
    }

    /// Whether the certificate says that it is an authority's.
    pub(crate) fn is_authority(&self) -> bool {
        matches!(
            self.basic_constraints(),
            Ok(Some(BasicConstraints {
                authority: true,
                ..
            }))
        )
    }

    /// The length up to which authorities may be below this one.
    pub(crate) fn path_length(&self) -> Option<u64> {
        self.basic_constraints()
            .ok()
            .flatten()
            .and_then(|constraints| constraints.path_length)
    }

    /// RFC 5280 §4.2.1.9: `SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER OPTIONAL }`
    fn basic_constraints(&self) -> Result<Option<BasicConstraints>, CertificateFault> {
        let malformed = |_| CertificateFault::Malformed {
            what: "basic constraints",
        };
        let Some(extension) = self.extension(oid::BASIC_CONSTRAINTS) else {
            return Ok(None);
        };
        let sequence = asn1::single(extension.value, tag::SEQUENCE).map_err(malformed)?;
        let mut reader = Reader::new(sequence.value);
        let authority = match reader.optional(tag::BOOLEAN).map_err(malformed)? {
            Some(value) => value.boolean().map_err(malformed)?,
            None => false,
        };
        let path_length = match reader.optional(tag::INTEGER).map_err(malformed)? {
            Some(value) => Some(value.small().map_err(malformed)?),
            None => None,
        };
        reader.finish().map_err(malformed)?;
        Ok(Some(BasicConstraints {
            authority,
            path_length,
        }))
    }

    /// RFC 5280 §4.2.1.3: bit 0 is digitalSignature, bit 5 keyCertSign.
    fn key_usage(&self) -> Result<Option<KeyUsage>, CertificateFault> {
        let malformed = |_| CertificateFault::Malformed { what: "key usage" };
        let Some(extension) = self.extension(oid::KEY_USAGE) else {
            return Ok(None);
        };
        let bits = asn1::single(extension.value, tag::BIT_STRING).map_err(malformed)?;
        let ([unused, first @ last] | [unused, first, last]) = bits.value else {
            return Err(malformed(Malformed));
        };
        // X.690 §11.2.1: bits that are not used are zero.
        if *unused > 7 || last.trailing_zeros() < u32::from(*unused) {
            return Err(malformed(Malformed));
        }
        Ok(Some(KeyUsage {
            digital_signature: first & 0x80 != 0,
            certificate_signing: first & 0x04 != 0,
        }))
    }

    /// RFC 5280 §4.2.1.12: `SEQUENCE SIZE (1..MAX) OF KeyPurposeId`
    fn extended_key_usage(&self) -> Result<Option<ExtendedKeyUsage>, CertificateFault> {
        let malformed = |_| CertificateFault::Malformed {
            what: "extended key usage",
        };
        let Some(extension) = self.extension(oid::EXTENDED_KEY_USAGE) else {
            return Ok(None);
        };
        let sequence = asn1::single(extension.value, tag::SEQUENCE).map_err(malformed)?;
        let mut reader = Reader::new(sequence.value);
        let mut ids = Vec::with_capacity(1);
        while !reader.is_empty() {
            let id = reader
                .expect(tag::OBJECT_IDENTIFIER)
                .and_then(|id| id.oid())
                .map_err(malformed)?;
            if ids.len() == KEY_USAGES {
                return Err(malformed(Malformed));
            }
            ids.push(id);
        }
        Ok(Some(ExtendedKeyUsage {
            ids,
            critical: extension.critical,
        }))
    }
}

struct BasicConstraints {
    authority: bool,
    path_length: Option<u64>,
}

struct KeyUsage {
    digital_signature: bool,
    certificate_signing: bool,
}

struct ExtendedKeyUsage {
    ids: Vec<ObjectIdentifier>,
    critical: bool,
}
