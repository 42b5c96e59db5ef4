//! What can be wrong with a certificate, a certificate timestamp, a log entry or a timestamp.

use crate::key::Scheme;
use crate::report::LogId;
use countersign_formats::{Digest, Error, HashAlgorithm, UnixTime, Window};
use std::fmt;

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
        expected: Box<Digest>,
        /// The entry's.
        found: Box<Digest>,
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

    pub(crate) fn section(&self) -> &'static str {
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

/// A window, for people.
pub(crate) struct Times(pub(crate) Window);

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
