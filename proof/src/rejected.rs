//! Why a piece of evidence proves nothing: the check that failed and the values that differ.

use crate::claim::ClaimKind;
use crate::evidence::Origin;
use crate::identity::SubjectAlternativeName;
use crate::key::Scheme;
use crate::report::LogId;
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
            Self::KeyNotTrusted {
                hint: Some(hint),
                trusted: 1..,
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

/// Why a certificate is not acceptable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateFault {
    /// It is not strict DER, or not an X.509 version 3 certificate.
    #[error("malformed {what}")]
    Malformed {
        /// The part that can't be read.
        what: &'static str,
    },
    /// An extension is there twice.
    #[error("extension `{id}` is there twice")]
    DuplicateExtension {
        /// Its object identifier.
        id: String,
    },
    /// A critical extension is not understood.
    #[error("critical extension `{id}` is not understood")]
    CriticalExtension {
        /// Its object identifier.
        id: String,
    },
    /// Name constraints are not supported, so nothing below them is accepted.
    #[error("name constraints are not supported")]
    NameConstraints,
    /// The key is of an unknown or too weak kind.
    #[error("the key is of an unknown or too weak kind")]
    Key,
    /// The algorithm of the signature on the certificate is not known.
    #[error("signature algorithm `{id}` is not supported")]
    SignatureAlgorithm {
        /// Its object identifier.
        id: String,
    },
    /// The signature on it is not by its issuer.
    #[error("the signature on it is not by its issuer")]
    Signature,
    /// No trusted authority issued it.
    #[error("no trusted authority issued it")]
    Untrusted,
    /// The trust has no authority at all.
    #[error("the trust names no certificate authority")]
    NoAuthorities,
    /// It was not valid at a proven time.
    #[error("valid from {not_before} to {not_after}, not at {time}")]
    Expired {
        /// The first second of validity.
        not_before: UnixTime,
        /// The last second of validity.
        not_after: UnixTime,
        /// The proven time.
        time: UnixTime,
    },
    /// Its authority was not trusted at a proven time.
    #[error("the authority is trusted {}, not at {time}", Times(*window))]
    AuthorityWindow {
        /// When the authority is trusted.
        window: Window,
        /// The proven time.
        time: UnixTime,
    },
    /// It is not for the use that it is put to.
    #[error("extended key usage does not allow {wanted}")]
    ExtendedKeyUsage {
        /// The use.
        wanted: &'static str,
    },
    /// Its key usage forbids what it is used for.
    #[error("key usage does not allow {wanted}")]
    KeyUsage {
        /// The use.
        wanted: &'static str,
    },
    /// A certificate of an authority is used as a signer's.
    #[error("it is an authority's certificate, not a signer's")]
    IsAuthority,
    /// A signer's certificate is used as an authority's.
    #[error("it is not an authority's certificate")]
    NotAuthority,
    /// There are more authorities below it than it allows.
    #[error("it allows at most {maximum} authorities below it")]
    PathLength {
        /// How many it allows.
        maximum: u64,
    },
    /// The chain is longer than what is followed.
    #[error("the chain is longer than {maximum} certificates")]
    ChainLength {
        /// How many are followed.
        maximum: usize,
    },
    /// There is no subject alternative name.
    #[error("it names nobody: no subject alternative name")]
    NoName,
    /// There is more than one subject alternative name.
    #[error("it has more than one subject alternative name")]
    SeveralNames,
    /// The subject alternative name is of a kind that is not read.
    #[error("its subject alternative name is neither e-mail address, URI nor a Fulcio user name")]
    NameKind,
    /// The subject alternative name is empty, too long, not UTF-8 or has control characters.
    #[error("its subject alternative name is not plain text")]
    NameText,
    /// The two issuer extensions of Fulcio differ.
    #[error("issuer extension 1.1 is `{first}`, and 1.8 is `{second}`")]
    IssuerConflict {
        /// The first one.
        first: String,
        /// The second one.
        second: String,
    },
    /// A Fulcio extension is not the text that it must be.
    #[error("Fulcio extension 1.{arc} is not plain text in its form")]
    Extension {
        /// The last arc of its identifier.
        arc: u8,
    },
}

impl CertificateFault {
    /// A stable name, in kebab case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "certificate-malformed",
            Self::DuplicateExtension { .. } => "certificate-duplicate-extension",
            Self::CriticalExtension { .. } => "certificate-critical-extension",
            Self::NameConstraints => "certificate-name-constraints",
            Self::Key => "certificate-key",
            Self::SignatureAlgorithm { .. } => "certificate-signature-algorithm",
            Self::Signature => "certificate-signature",
            Self::Untrusted => "certificate-untrusted",
            Self::NoAuthorities => "no-authorities",
            Self::Expired { .. } => "certificate-expired",
            Self::AuthorityWindow { .. } => "authority-window",
            Self::ExtendedKeyUsage { .. } => "certificate-extended-key-usage",
            Self::KeyUsage { .. } => "certificate-key-usage",
            Self::IsAuthority => "certificate-is-authority",
            Self::NotAuthority => "certificate-not-authority",
            Self::PathLength { .. } => "certificate-path-length",
            Self::ChainLength { .. } => "certificate-chain-length",
            Self::NoName => "certificate-no-name",
            Self::SeveralNames => "certificate-several-names",
            Self::NameKind => "certificate-name-kind",
            Self::NameText => "certificate-name-text",
            Self::IssuerConflict { .. } => "certificate-issuer-conflict",
            Self::Extension { .. } => "certificate-extension",
        }
    }
}

/// Why the proof of certificate transparency is not acceptable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SctFault {
    /// The certificate has none.
    #[error("the certificate has none")]
    Missing,
    /// None is by a log that the trust knows.
    #[error("none is by a log that the trust knows")]
    NoneKnown,
    /// The list can't be read.
    #[error("the list is malformed")]
    Malformed,
    /// One log is there twice.
    #[error("log `{log}` is there twice")]
    Duplicate {
        /// The log.
        log: LogId,
    },
    /// The log names another algorithm than its key has.
    #[error("log `{log}` signed with an algorithm that is not its key's")]
    Algorithm {
        /// The log.
        log: LogId,
    },
    /// The log's signature is not valid.
    #[error("the signature of log `{log}` is not valid")]
    Signature {
        /// The log.
        log: LogId,
    },
    /// The log's key was not valid at the time.
    #[error("log `{log}` is trusted {}, not at {time}", Times(*window))]
    Window {
        /// The log.
        log: LogId,
        /// When the log's key is valid.
        window: Window,
        /// The time in the signed certificate timestamp.
        time: UnixTime,
    },
    /// The time lies after now.
    #[error("the time {time} lies after now, {now}")]
    Future {
        /// The time.
        time: UnixTime,
        /// Now.
        now: UnixTime,
    },
}

impl SctFault {
    /// A stable name, in kebab case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing => "sct-missing",
            Self::NoneKnown => "sct-log-unknown",
            Self::Malformed => "sct-malformed",
            Self::Duplicate { .. } => "sct-duplicate",
            Self::Algorithm { .. } => "sct-algorithm",
            Self::Signature { .. } => "sct-signature",
            Self::Window { .. } => "sct-window",
            Self::Future { .. } => "sct-future",
        }
    }
}

/// Why a log entry is not acceptable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LogFault {
    /// The entry, or a document inside it, can't be read.
    #[error("{0}")]
    Malformed(Error),
    /// The entry is there twice.
    #[error("it is there twice")]
    Duplicate,
    /// There is no inclusion proof with a checkpoint.
    #[error("there is no inclusion proof with a checkpoint")]
    NoProof,
    /// There is neither promise nor proof.
    #[error("there is neither promise nor inclusion proof")]
    NoEvidence,
    /// The promise is not the log's.
    #[error("the log did not sign the promise")]
    Promise,
    /// The kind of log that made this entry makes no promises.
    #[error("a promise is there, and this kind of log makes none")]
    UnexpectedPromise,
    /// The hash that the proof leads to is not the checkpoint's root.
    #[error("the inclusion proof does not lead to the root")]
    Inclusion,
    /// Proof and checkpoint are about different trees.
    #[error("the inclusion proof is about another tree than the checkpoint")]
    CheckpointTree,
    /// The checkpoint is not signed by the log.
    #[error("the checkpoint is not signed by the log")]
    CheckpointSignature,
    /// The checkpoint is of a log with another name.
    #[error("the checkpoint is of log `{found}`, expected {expected}")]
    CheckpointOrigin {
        /// The name in the checkpoint.
        found: String,
        /// The name that the trust has, or the shape that a name must have.
        expected: String,
    },
    /// The two indices of the entry differ.
    #[error("the entry says index {entry}, and its proof {proof}")]
    Index {
        /// The entry's index.
        entry: u64,
        /// The proof's index.
        proof: u64,
    },
    /// The log's key was not valid at the time.
    #[error("the log is trusted {}, not at {time}", Times(*window))]
    Window {
        /// When the log's key is valid.
        window: Window,
        /// The time.
        time: UnixTime,
    },
    /// The entry's kind does not go with this kind of evidence.
    #[error("an entry of kind `{kind}` does not go with {evidence}")]
    Kind {
        /// Kind and version of the entry.
        kind: &'static str,
        /// The evidence.
        evidence: &'static str,
    },
    /// The entry is about another signature.
    #[error("it is about another signature")]
    OtherSignature,
    /// The entry is about another signer.
    #[error("it is about another signer")]
    OtherSigner,
    /// The entry is about another payload.
    #[error("it is about a payload with digest `{found}`, not `{expected}`")]
    OtherPayload {
        /// The payload's digest.
        expected: Digest,
        /// The entry's.
        found: Digest,
    },
    /// The payload's digest that the entry has can't be compared.
    #[error("it has a {algorithm} digest of the content, which is not known")]
    PayloadUnknown {
        /// The algorithm.
        algorithm: HashAlgorithm,
    },
    /// The entry names another algorithm than the signature has.
    #[error("it says `{found}`, and the signature is {expected}")]
    KeyDetails {
        /// The entry's algorithm.
        found: String,
        /// The signature's scheme.
        expected: Scheme,
    },
}

impl LogFault {
    /// A stable name, in kebab case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(error) => error.code(),
            Self::Duplicate => "log-entry-duplicate",
            Self::NoProof => "log-no-proof",
            Self::NoEvidence => "log-no-evidence",
            Self::Promise => "log-promise",
            Self::UnexpectedPromise => "log-unexpected-promise",
            Self::Inclusion => "log-inclusion",
            Self::CheckpointTree => "checkpoint-tree",
            Self::CheckpointSignature => "checkpoint-signature",
            Self::CheckpointOrigin { .. } => "checkpoint-origin",
            Self::Index { .. } => "log-index",
            Self::Window { .. } => "log-window",
            Self::Kind { .. } => "log-entry-kind",
            Self::OtherSignature => "log-entry-signature",
            Self::OtherSigner => "log-entry-signer",
            Self::OtherPayload { .. } | Self::PayloadUnknown { .. } => "log-entry-payload",
            Self::KeyDetails { .. } => "log-entry-key-details",
        }
    }

    fn section(&self) -> &'static str {
        match self {
            Self::Promise | Self::UnexpectedPromise => {
                "RFC 6962 §3.2; Rekor v1 signed entry timestamp"
            }
            Self::Inclusion | Self::Index { .. } => "RFC 6962 §2.1.1",
            Self::CheckpointTree | Self::CheckpointSignature | Self::CheckpointOrigin { .. } => {
                "C2SP tlog-checkpoint; C2SP signed-note"
            }
            _ => "Sigstore client specification, verification: transparency log entry",
        }
    }
}

/// Why a timestamp is not acceptable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TimestampFault {
    /// The token can't be read.
    #[error("malformed {what}")]
    Malformed {
        /// The part that can't be read.
        what: &'static str,
    },
    /// The timestamp is there twice.
    #[error("it is there twice")]
    Duplicate,
    /// The authority did not grant it.
    #[error("the authority answered with status {status}")]
    NotGranted {
        /// The status (RFC 3161 §2.4.2).
        status: u64,
    },
    /// There is not exactly one signer.
    #[error("it does not have exactly one signer")]
    SignerCount,
    /// A hash algorithm is too weak or unknown.
    #[error("hash algorithm `{id}` is not accepted")]
    Hash {
        /// Its object identifier.
        id: String,
    },
    /// A signature algorithm is unknown or not the key's.
    #[error("signature algorithm `{id}` is not accepted")]
    SignatureAlgorithm {
        /// Its object identifier.
        id: String,
    },
    /// It is about other bytes than the signature.
    #[error("it is about another signature")]
    Imprint,
    /// A signed attribute is missing, there twice or wrong.
    #[error("signed attribute {attribute} is missing, there twice or wrong")]
    Attribute {
        /// Its name.
        attribute: &'static str,
    },
    /// It does not name its signer's certificate by hash (RFC 5816).
    #[error("it does not name its signer's certificate")]
    SigningCertificate,
    /// Its signature is not valid.
    #[error("the authority did not sign it")]
    Signature,
    /// The authority's certificate is not acceptable.
    #[error("the authority's certificate: {0}")]
    Certificate(CertificateFault),
    /// The authority was not trusted at the time.
    #[error("the authority is trusted {}, not at {time}", Times(*window))]
    Window {
        /// When the authority is trusted.
        window: Window,
        /// The time.
        time: UnixTime,
    },
    /// It has a critical extension that is not understood.
    #[error("it has a critical extension")]
    CriticalExtension,
}

impl TimestampFault {
    /// A stable name, in kebab case.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "timestamp-malformed",
            Self::Duplicate => "timestamp-duplicate",
            Self::NotGranted { .. } => "timestamp-not-granted",
            Self::SignerCount => "timestamp-signer-count",
            Self::Hash { .. } => "timestamp-hash",
            Self::SignatureAlgorithm { .. } => "timestamp-signature-algorithm",
            Self::Imprint => "timestamp-imprint",
            Self::Attribute { .. } => "timestamp-attribute",
            Self::SigningCertificate => "timestamp-signing-certificate",
            Self::Signature => "timestamp-signature",
            Self::Certificate(_) => "timestamp-certificate",
            Self::Window { .. } => "timestamp-window",
            Self::CriticalExtension => "timestamp-critical-extension",
        }
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

/// A window, for people.
struct Times(Window);

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.start, self.0.end) {
            (Some(start), Some(end)) => write!(f, "from {start} to {end}"),
            (Some(start), None) => write!(f, "from {start} on"),
            (None, Some(end)) => write!(f, "until {end}"),
            (None, None) => f.write_str("always"),
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
