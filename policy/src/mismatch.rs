//! What stands between a proven piece of evidence and a rule, and what would change it.

use std::fmt;

use crate::claims::CertificateClaim;
use crate::nearest::OnlyDifference;

/// One check that a piece does not meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Which check.
    pub kind: MismatchKind,
    /// What the rule expects.
    pub expected: String,
    /// What the piece has.
    pub found: String,
    /// The difference in one sentence without full stop.
    pub message: String,
    /// What would change it.
    pub hint: Option<String>,
    /// The one part in which a name differs, where it differs in one only.
    pub part: Option<OnlyDifference>,
    /// Which of several checks of this kind it is, such as the annotation's name.
    pub(crate) about: Option<String>,
}

/// The checks that a proven piece may not meet; each has a stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MismatchKind {
    /// Proven about another subject or under other trust than this decision's.
    Binding,
    /// A claim of another kind than the rule asks for.
    ClaimKind,
    /// A statement of another predicate type.
    PredicateType,
    /// A signature statement whose predicate says something.
    Predicate,
    /// A key, or a certificate, where the rule names only the other.
    SignerKind,
    /// Another key.
    Key,
    /// The right key, outside its window.
    KeyWindow,
    /// The right key, with a signature scheme that the signer does not allow.
    Scheme,
    /// Another identity in the certificate.
    Identity,
    /// Another issuer in the certificate.
    Issuer,
    /// A claim of the certificate about its build that is absent or differs.
    CertificateClaim(CertificateClaim),
    /// An annotation that is missing or differs.
    Annotation,
    /// Too few transparency logs.
    Logs,
    /// Too few timestamp authorities.
    Timestamps,
    /// Too few certificate transparency logs.
    Scts,
    /// Too few proven times.
    Times,
    /// Too few witnesses of a log.
    Witnesses,
    /// The right key, not proven to have signed before it was compromised.
    Compromised,
    /// A signer that the policy's deny-list names.
    Denied,
    /// Longer ago than the rule allows, as far as is known.
    TooOld,
    /// Nothing says since when it can be.
    Undated,
}

impl MismatchKind {
    /// The stable code of this check, kebab-case.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Binding => "binding",
            Self::ClaimKind => "claim-kind",
            Self::PredicateType => "predicate-type",
            Self::Predicate => "predicate",
            Self::SignerKind => "signer-kind",
            Self::Key => "key",
            Self::KeyWindow => "key-window",
            Self::Scheme => "scheme",
            Self::Identity => "identity",
            Self::Issuer => "issuer",
            Self::CertificateClaim(_) => "certificate-claim",
            Self::Annotation => "annotation",
            Self::Logs => "logs",
            Self::Timestamps => "timestamps",
            Self::Scts => "scts",
            Self::Times => "times",
            Self::Witnesses => "witnesses",
            Self::Compromised => "key-compromised",
            Self::Denied => "denied-signer",
            Self::TooOld => "too-old",
            Self::Undated => "undated",
        }
    }

    /// How far a piece with this mismatch is from counting: the signer that misses least is shown.
    pub(crate) fn distance(self) -> u32 {
        match self {
            Self::KeyWindow | Self::Scheme | Self::Compromised => 1,
            Self::CertificateClaim(claim) if claim.names_somebody() => 3,
            Self::Issuer | Self::Identity => 4,
            Self::Key => 16,
            Self::SignerKind => 64,
            _ => 1,
        }
    }
}

impl Mismatch {
    pub(crate) fn new(
        kind: MismatchKind,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        let (expected, found) = (expected.into(), found.into());
        let message = format!("{} is {found}, expected {expected}", kind.noun());
        Self {
            kind,
            expected,
            found,
            message,
            hint: None,
            part: None,
            about: None,
        }
    }

    pub(crate) fn message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    pub(crate) fn about(mut self, about: impl Into<String>) -> Self {
        self.about = Some(about.into());
        self
    }

    pub(crate) fn part(mut self, part: Option<OnlyDifference>) -> Self {
        self.part = part;
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl MismatchKind {
    /// What is compared, in words.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Binding => "the proof's subject",
            Self::ClaimKind => "the claim",
            Self::PredicateType => "the predicate type",
            Self::Predicate => "the predicate",
            Self::SignerKind => "the signer",
            Self::Key => "the key",
            Self::KeyWindow => "the time of the signature",
            Self::Scheme => "the signature scheme",
            Self::Identity => "identity",
            Self::Issuer => "issuer",
            Self::CertificateClaim(_) => "the claim",
            Self::Annotation => "the annotation",
            Self::Logs => "the number of logs",
            Self::Timestamps => "the number of timestamp authorities",
            Self::Scts => "the number of SCTs",
            Self::Times => "the number of proven times",
            Self::Witnesses => "the number of witnesses",
            Self::Compromised => "the time of the signature",
            Self::Denied => "the signer",
            Self::TooOld | Self::Undated => "the age of the signature",
        }
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}
