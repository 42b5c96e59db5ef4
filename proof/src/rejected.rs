//! Why a piece of evidence proves nothing: the check that failed and the values that differ.

use crate::claim::ClaimKind;
use crate::evidence::Origin;
use crate::fault::{CertificateFault, LogFault, SctFault, Times, TimestampFault};
use crate::identity::SubjectAlternativeName;
use crate::subject::ContentError;
use countersign_formats::{Digest, Error, HashAlgorithm, UnixTime, Window};
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

/// The codes that are this crate's own, and what each means; a document that can't be read has the code of
/// [`countersign_formats::Error`].
pub const CODES: &[(&str, &str)] = &[
    (
        "authority-window",
        "the certificate authority was not trusted at a proven time",
    ),
    (
        "certificate-chain-length",
        "the evidence brings more certificates than are followed",
    ),
    (
        "certificate-critical-extension",
        "a critical extension of a certificate is not understood",
    ),
    (
        "certificate-duplicate-extension",
        "a certificate has one extension twice",
    ),
    (
        "certificate-expired",
        "a certificate was not valid at a proven time",
    ),
    (
        "certificate-extended-key-usage",
        "a certificate is not for the use that it is put to",
    ),
    (
        "certificate-extension",
        "a Fulcio extension is not plain text in its form",
    ),
    (
        "certificate-is-authority",
        "an authority's certificate is used as a signer's",
    ),
    (
        "certificate-issuer-conflict",
        "the two issuer extensions of a certificate differ",
    ),
    (
        "certificate-key",
        "the key in a certificate is of an unknown or too weak kind",
    ),
    (
        "certificate-key-usage",
        "the key usage of a certificate forbids what it is used for",
    ),
    (
        "certificate-malformed",
        "a certificate is not strict DER, or not X.509 version 3",
    ),
    (
        "certificate-name-constraints",
        "a certificate has name constraints, which are not supported",
    ),
    (
        "certificate-name-kind",
        "the name in a certificate is of a kind that is not read",
    ),
    (
        "certificate-name-text",
        "the name in a certificate is not plain text",
    ),
    ("certificate-no-name", "a certificate names nobody"),
    (
        "certificate-not-authority",
        "a signer's certificate is used as an authority's",
    ),
    (
        "certificate-path-length",
        "there are more authorities below a certificate than it allows",
    ),
    (
        "certificate-several-names",
        "a certificate has more than one name",
    ),
    (
        "certificate-signature",
        "the signature on a certificate is not by its issuer",
    ),
    (
        "certificate-signature-algorithm",
        "the signature on a certificate has an algorithm that is not supported",
    ),
    (
        "certificate-untrusted",
        "no trusted authority issued the certificate",
    ),
    (
        "checkpoint-origin",
        "a checkpoint is of a log with another name",
    ),
    (
        "checkpoint-signature",
        "a checkpoint is not signed by the log's own key",
    ),
    (
        "checkpoint-tree",
        "an inclusion proof is about another tree than its checkpoint",
    ),
    (
        "content-needed",
        "the signature can only be verified over the content itself, not over its digest",
    ),
    ("future-time", "a proven time lies after now"),
    (
        "key-not-trusted",
        "the evidence is signed with a key, and no key is trusted",
    ),
    (
        "key-window",
        "the key was not trusted at a proven time, or, undated, is not trusted now",
    ),
    ("log-entry-duplicate", "a log entry is there twice"),
    (
        "log-entry-key-details",
        "a log entry names another algorithm than the signature has",
    ),
    (
        "log-entry-kind",
        "a log entry is of a kind that does not go with the evidence",
    ),
    ("log-entry-payload", "a log entry is about another payload"),
    (
        "log-entry-signature",
        "a log entry is about another signature",
    ),
    ("log-entry-signer", "a log entry is about another signer"),
    (
        "log-inclusion",
        "an inclusion proof does not lead to the root of its checkpoint",
    ),
    (
        "log-index",
        "a log entry and its inclusion proof have different indices",
    ),
    (
        "log-no-evidence",
        "a log entry has neither promise nor inclusion proof",
    ),
    (
        "log-no-proof",
        "a log entry in a bundle has no inclusion proof with a checkpoint",
    ),
    (
        "log-promise",
        "a log entry's promise is not signed by the log",
    ),
    (
        "log-unexpected-promise",
        "a log entry has a promise, and this kind of log makes none",
    ),
    ("log-window", "the log's key was not valid at a proven time"),
    (
        "message-digest",
        "the bundle is about content with another digest",
    ),
    (
        "message-digest-algorithm",
        "the bundle's digest of the content has an unknown algorithm",
    ),
    (
        "no-authorities",
        "the evidence is signed with a certificate, and no authority is trusted",
    ),
    (
        "no-proven-time",
        "no time is proven at which the certificate could be judged",
    ),
    ("no-signature", "a signature layer has no signature"),
    (
        "payload-type",
        "the payload of an envelope is not an in-toto statement",
    ),
    (
        "sct-algorithm",
        "a certificate timestamp names another algorithm than its log's key has",
    ),
    (
        "sct-duplicate",
        "a certificate has two timestamps of one log",
    ),
    ("sct-future", "a certificate timestamp lies after now"),
    (
        "sct-log-unknown",
        "no certificate timestamp is by a log that the trust knows",
    ),
    (
        "sct-malformed",
        "the list of certificate timestamps is malformed",
    ),
    (
        "sct-missing",
        "the certificate has no certificate timestamp",
    ),
    (
        "sct-signature",
        "a certificate timestamp is not signed by its log",
    ),
    (
        "sct-window",
        "the key of a certificate transparency log was not valid at the time",
    ),
    (
        "signature-count",
        "an envelope has no signature, or too many",
    ),
    (
        "signature-invalid",
        "the signature is not by the trusted key, or not by the certificate's key",
    ),
    ("subject-mismatch", "the claim is about something else"),
    (
        "timestamp-attribute",
        "a signed attribute of a timestamp is missing, there twice or wrong",
    ),
    (
        "timestamp-certificate",
        "the certificate of a timestamp authority is not acceptable",
    ),
    (
        "timestamp-critical-extension",
        "a timestamp has a critical extension that is not understood",
    ),
    ("timestamp-duplicate", "a timestamp is there twice"),
    (
        "timestamp-hash",
        "a timestamp has a hash that is too weak or unknown",
    ),
    (
        "timestamp-imprint",
        "a timestamp is about another signature",
    ),
    (
        "timestamp-malformed",
        "a timestamp is not the DER that it must be",
    ),
    (
        "timestamp-not-granted",
        "the authority did not grant the timestamp",
    ),
    (
        "timestamp-signature",
        "a timestamp is not signed by its authority",
    ),
    (
        "timestamp-signature-algorithm",
        "a timestamp is signed with an algorithm that is not accepted",
    ),
    (
        "timestamp-signer-count",
        "a timestamp does not have exactly one signer",
    ),
    (
        "timestamp-signing-certificate",
        "a timestamp names another certificate as its signer's",
    ),
    (
        "timestamp-window",
        "the timestamp authority was not trusted at the time",
    ),
    (
        "unsupported-form",
        "the form of the evidence is known and not supported",
    ),
    (
        "weak-digest",
        "the claim names its subjects only under digests that are too weak",
    ),
];

/// The outcome of one check.
pub(crate) type Checked<T> = Result<T, Box<RejectReason>>;

/// Why a piece of evidence proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RejectReason {
    /// The piece, or a document inside it, can't be read.
    #[error("{0}")]
    Malformed(#[from] Error),
    /// The form is known and not supported.
    #[error("{form} is not supported")]
    UnsupportedForm {
        /// The form.
        form: &'static str,
    },
    /// A layer has no signature annotation.
    #[error(
        "there is no signature: annotation `dev.cosignproject.cosign/signature` is missing or empty"
    )]
    NoSignature,
    /// An envelope does not have exactly one signature, or more than the limit.
    #[error("envelope has {found} signatures, expected {expected}")]
    SignatureCount {
        /// How many there are.
        found: usize,
        /// How many there may be.
        expected: &'static str,
    },
    /// The payload of an envelope is not an in-toto statement.
    #[error("payload type is `{found}`, expected `{expected}`")]
    PayloadType {
        /// The type in the envelope.
        found: String,
        /// The type that is read.
        expected: &'static str,
    },
    /// The claim is about something else.
    #[error("the claim is about {}, not about `{expected}`", OneOf(found))]
    SubjectMismatch {
        /// The subject that was asked about.
        expected: Digest,
        /// The digests that the claim names, the first few.
        found: Vec<String>,
    },
    /// The claim names the subject only under digests that are too weak.
    #[error(
        "the claim names its subjects only under digests that are too weak or unknown: {}",
        OneOf(found)
    )]
    WeakDigest {
        /// The algorithms that the claim uses, the first few.
        found: Vec<String>,
    },
    /// The bundle's own digest of the message is not the subject's.
    #[error("bundle is about content with digest `{found}`, not `{expected}`")]
    MessageDigest {
        /// The subject's digest.
        expected: Digest,
        /// The bundle's.
        found: String,
    },
    /// The bundle's digest of the message has an algorithm that is not known.
    #[error("digest algorithm `{found}` of the message is not one of SHA2_256, SHA2_384, SHA2_512")]
    MessageDigestAlgorithm {
        /// The algorithm as written.
        found: String,
    },
    /// The signature can only be verified over the content itself.
    #[error("this signature needs the content itself: {why}: {cause}")]
    ContentNeeded {
        /// Why.
        why: &'static str,
        /// Why it can't be had.
        cause: ContentError,
    },
    /// The signature can only be verified over another digest than the one that is known.
    #[error(
        "this signature is over a {algorithm} digest, and only another digest of the content is known"
    )]
    DigestNeeded {
        /// The algorithm.
        algorithm: HashAlgorithm,
    },
    /// No trusted key could have made the signature.
    #[error("signed with a key, and no trusted key fits")]
    KeyNotTrusted {
        /// The piece's hint at its key.
        hint: Option<String>,
        /// How many keys are trusted.
        trusted: usize,
    },
    /// No trusted key, or not the certificate's key, made the signature.
    #[error("the signature is not valid for {}", SignatureBy(*keys, *certificate))]
    Signature {
        /// How many trusted keys were tried.
        keys: usize,
        /// Whether the certificate's key was tried.
        certificate: bool,
        /// The piece's hint at its key, where no trusted key has it.
        hint: Option<String>,
    },
    /// The key was not trusted at the time of the signature.
    #[error("the key is trusted {}, not at {time}", Times(*window))]
    KeyWindow {
        /// When the key is trusted.
        window: Window,
        /// The proven time, or now for a signature without one.
        time: UnixTime,
        /// Whether the time is proven.
        proven: bool,
    },
    /// No time is proven for a certificate.
    #[error(
        "no time is proven at which the certificate could be judged: {entries} log entries, {unknown_logs} of them of \
         logs that the trust does not know; {timestamps} timestamps, {unknown_authorities} of them by authorities that \
         the trust does not know"
    )]
    NoProvenTime {
        /// Log entries in the evidence.
        entries: usize,
        /// Those of logs that the trust does not know.
        unknown_logs: usize,
        /// Timestamps in the evidence.
        timestamps: usize,
        /// Those by authorities that the trust does not know.
        unknown_authorities: usize,
    },
    /// A proven time lies after now.
    #[error("the proven time {time} lies after now, {now}")]
    FutureTime {
        /// The proven time.
        time: UnixTime,
        /// Now.
        now: UnixTime,
    },
    /// A certificate is not acceptable.
    #[error("certificate {position}: {fault}")]
    Certificate {
        /// 0 for the leaf, counted upwards.
        position: usize,
        /// Why.
        fault: CertificateFault,
    },
    /// The proof that a certificate transparency log has the certificate is not acceptable.
    #[error("signed certificate timestamp: {0}")]
    Sct(SctFault),
    /// A log entry is not acceptable.
    #[error("log entry {entry}: {fault}")]
    Log {
        /// Position of the entry in the evidence, from 0.
        entry: usize,
        /// Why.
        fault: LogFault,
    },
    /// A timestamp is not acceptable.
    #[error("timestamp {timestamp}: {fault}")]
    Timestamp {
        /// Position of the timestamp in the evidence, from 0.
        timestamp: usize,
        /// Why.
        fault: TimestampFault,
    },
}

impl RejectReason {
    /// A stable name, in kebab case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(error) => error.code(),
            Self::UnsupportedForm { .. } => "unsupported-form",
            Self::NoSignature => "no-signature",
            Self::SignatureCount { .. } => "signature-count",
            Self::PayloadType { .. } => "payload-type",
            Self::SubjectMismatch { .. } => "subject-mismatch",
            Self::WeakDigest { .. } => "weak-digest",
            Self::MessageDigest { .. } => "message-digest",
            Self::MessageDigestAlgorithm { .. } => "message-digest-algorithm",
            Self::ContentNeeded { .. } | Self::DigestNeeded { .. } => "content-needed",
            Self::KeyNotTrusted { .. } => "key-not-trusted",
            Self::Signature { .. } => "signature-invalid",
            Self::KeyWindow { .. } => "key-window",
            Self::NoProvenTime { .. } => "no-proven-time",
            Self::FutureTime { .. } => "future-time",
            Self::Certificate { fault, .. } => fault.code(),
            Self::Sct(fault) => fault.code(),
            Self::Log { fault, .. } => fault.code(),
            Self::Timestamp { fault, .. } => fault.code(),
        }
    }

    /// The specification and section of the check that failed.
    pub fn section(&self) -> &'static str {
        match self {
            Self::Malformed(_) | Self::UnsupportedForm { .. } => "the document's own format",
            Self::NoSignature => "cosign signature specification: annotations",
            Self::SignatureCount { .. } => {
                "Sigstore bundle: dsseEnvelope; DSSE envelope: signatures"
            }
            Self::PayloadType { .. } => "in-toto envelope: payloadType",
            Self::SubjectMismatch { .. } | Self::WeakDigest { .. } => {
                "in-toto statement: subject; simple signing: critical.image"
            }
            Self::MessageDigest { .. } | Self::MessageDigestAlgorithm { .. } => {
                "Sigstore bundle: messageSignature.messageDigest"
            }
            Self::ContentNeeded { .. } | Self::DigestNeeded { .. } => {
                "Sigstore bundle: messageSignature"
            }
            Self::KeyNotTrusted { .. } | Self::KeyWindow { .. } => "trusted key",
            Self::Signature { .. } => {
                "DSSE protocol: verification; Sigstore bundle: messageSignature"
            }
            Self::NoProvenTime { .. } | Self::FutureTime { .. } => {
                "Sigstore client specification: establishing a time"
            }
            Self::Certificate { .. } => "RFC 5280 §4.2, §6.1; Fulcio certificate specification",
            Self::Sct(_) => "RFC 6962 §3.2",
            Self::Log { fault, .. } => fault.section(),
            Self::Timestamp { .. } => "RFC 3161 §2.4.2; RFC 5816 §2.2.1; RFC 5652 §5.4",
        }
    }

    /// What to do next, where there is something.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Malformed(error) => return error.hint(),
            Self::Signature {
                hint: Some(hint), ..
            }
            | Self::KeyNotTrusted {
                hint: Some(hint), ..
            } => {
                return Some(format!(
                    "the signer's key has the identifier (base64 of SHA-256) `{}`",
                    crate::identity::excerpt(hint)
                ));
            }
            Self::KeyNotTrusted { .. } => "give the signer's public key",
            Self::ContentNeeded { .. } | Self::DigestNeeded { .. } => {
                "give the content itself instead of its digest"
            }
            Self::SubjectMismatch { .. } => {
                "a signature of another version of the image does not count for this one"
            }
            Self::NoProvenTime { .. } => {
                "the signature needs a log entry with a promise, or a timestamp of an authority that the trusted root names"
            }
            Self::Certificate {
                fault: CertificateFault::Untrusted,
                ..
            } => "the trusted root must name the authority that issued the certificate",
            Self::Certificate {
                fault: CertificateFault::NoAuthorities,
                ..
            } => "give a trusted root or an own authority",
            Self::Sct(SctFault::Missing | SctFault::NoneKnown) => {
                "only an authority without certificate transparency may leave it out, and the trust must say so"
            }
            Self::Log {
                fault: LogFault::NoProof,
                ..
            } => "the signer must store the log's inclusion proof with the signature",
            _ => return None,
        };
        Some(text.to_owned())
    }
}

/// A list of a few values, for people.
struct OneOf<'a>(&'a [String]);

impl fmt::Display for OneOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, value) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(", ")?;
            }
            write!(f, "`{value}`")?;
        }
        if self.0.is_empty() {
            f.write_str("nothing")
        } else {
            Ok(())
        }
    }
}

/// Whose signature was tried, for people.
struct SignatureBy(usize, bool);

impl fmt::Display for SignatureBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.1, self.0) {
            (true, _) => f.write_str("the certificate's key"),
            (false, 1) => f.write_str("the trusted key"),
            (false, keys) => write!(f, "any of {keys} trusted keys"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CODES;

    #[test]
    fn every_code_is_explained_once() {
        let sources = [include_str!("rejected.rs"), include_str!("fault.rs")];
        let arrow = ["=", "> \""].concat();
        let mut used: Vec<&str> = sources
            .iter()
            .flat_map(|source| source.split(&arrow).skip(1))
            .filter_map(|rest| rest.split('"').next())
            .filter(|text| text.contains('-') && !text.contains(' '))
            .collect();
        used.sort_unstable();
        let listed: Vec<&str> = CODES.iter().map(|(code, _)| *code).collect();
        assert_eq!(used, listed);
    }
}
