//! A piece of evidence that proves nothing: why, and what it says about itself all the same.

use crate::claim::ClaimKind;
use crate::evidence::Origin;
use crate::identity::SubjectAlternativeName;
use crate::reject_reason::RejectReason;
use countersign_formats::Digest;
use std::fmt;

/// A piece of evidence that proves nothing.
#[derive(Clone, Debug)]
pub struct Rejected(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    reason: RejectReason,
    origin: Origin,
    digest: Option<Digest>,
    unverified_claim: Option<ClaimKind>,
    unverified_signer: Option<UnverifiedSigner>,
}

/// Who a piece says its signer is; nothing about it is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum UnverifiedSigner {
    /// A key that the verifier must know already.
    Key {
        /// The piece's hint at the key, where it has one.
        hint: Option<String>,
    },
    /// The holder of a certificate.
    Certificate {
        /// The name in the certificate, where it could be read.
        san: Option<SubjectAlternativeName>,
        /// The issuer in the certificate, where it could be read.
        issuer: Option<String>,
    },
}

impl Rejected {
    pub(crate) fn new(reason: RejectReason, origin: Origin) -> Self {
        Self(Box::new(Inner {
            reason,
            origin,
            digest: None,
            unverified_claim: None,
            unverified_signer: None,
        }))
    }

    pub(crate) fn about(
        mut self,
        digest: Digest,
        unverified_claim: Option<ClaimKind>,
        unverified_signer: Option<UnverifiedSigner>,
    ) -> Self {
        self.0.digest = Some(digest);
        self.0.unverified_claim = unverified_claim;
        self.0.unverified_signer = unverified_signer;
        self
    }

    /// A stable name of the reason, in kebab case.
    pub fn code(&self) -> &'static str {
        self.0.reason.code()
    }

    /// Why.
    pub fn reason(&self) -> &RejectReason {
        &self.0.reason
    }

    /// Where the piece came from.
    pub fn origin(&self) -> &Origin {
        &self.0.origin
    }

    /// SHA-256 of the piece's bytes, where they were read.
    pub fn digest(&self) -> Option<&Digest> {
        self.0.digest.as_ref()
    }

    /// What kind of claim it says it is.
    pub fn unverified_claim(&self) -> Option<&ClaimKind> {
        self.0.unverified_claim.as_ref()
    }

    /// Who it says signed it.
    pub fn unverified_signer(&self) -> Option<&UnverifiedSigner> {
        self.0.unverified_signer.as_ref()
    }

    /// The specification and section of the check that failed.
    pub fn section(&self) -> &'static str {
        self.0.reason.section()
    }

    /// What to do next, where there is something.
    pub fn hint(&self) -> Option<String> {
        self.0.reason.hint()
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.reason.fmt(f)
    }
}

impl std::error::Error for Rejected {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0.reason)
    }
}
