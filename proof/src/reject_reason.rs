//! Why a piece of evidence proves nothing: the check that failed and the values that differ.

use crate::fault::{CertificateFault, LogFault, SctFault, Times, TimestampFault};
use crate::subject::ContentError;
use countersign_formats::{Digest, Error, HashAlgorithm, UnixTime, Window};
use std::fmt;

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
