//! Every check that was made for a proof, and what it proved.

use crate::dangers::Danger;
use crate::key::{KeyId, Scheme};
use countersign_formats::{Digest, UnixTime};

/// The checks that led to a proof, in the order in which they were made.
#[derive(Clone, Debug, Default)]
pub struct VerificationReport {
    /// The checks.
    pub checks: Vec<Check>,
}

/// One check that was made, or one piece that could not be checked and so was not counted.
///
/// Cheap to build: nothing is formatted until [`Check::detail`] is asked for.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Check {
    /// A log's promise (signed entry timestamp) was verified.
    Promise {
        /// Position of the entry in the evidence.
        entry: usize,
        /// The log.
        log: LogId,
        /// The time the log promised for.
        time: Option<UnixTime>,
    },
    /// A log entry was proven to be included under a checkpoint.
    Inclusion {
        /// Position of the entry in the evidence.
        entry: usize,
        /// The log.
        log: LogId,
        /// Index of the leaf in its tree.
        index: u64,
        /// Leaves of the tree.
        tree_size: u64,
    },
    /// A checkpoint was signed by its log's own key, under the log's own name.
    Checkpoint {
        /// Position of the entry in the evidence.
        entry: usize,
        /// The log's name in the checkpoint.
        origin: String,
    },
    /// A log entry is about this signature, signer and payload.
    EntryBinding {
        /// Position of the entry in the evidence.
        entry: usize,
    },
    /// A log entry was not counted: the trust does not know its log.
    UnknownLog {
        /// Position of the entry in the evidence.
        entry: usize,
    },
    /// A log entry was not counted: the log's key was not valid at any time that is proven.
    LogOutsideWindow {
        /// Position of the entry in the evidence.
        entry: usize,
    },
    /// A witness signed the checkpoint.
    Witness {
        /// Position of the entry in the evidence.
        entry: usize,
        /// The witness's name.
        name: String,
        /// When it says it signed.
        time: UnixTime,
    },
    /// A timestamp was verified.
    Timestamp {
        /// Position of the timestamp in the evidence.
        timestamp: usize,
        /// The authority: SHA-256 of the certificate that stands first in its chain.
        authority: Digest,
        /// The time, as the token says.
        time: UnixTime,
    },
    /// A timestamp was not counted: the trust does not know its authority.
    UnknownTimestampAuthority {
        /// Position of the timestamp in the evidence.
        timestamp: usize,
    },
    /// The certificate leads to a trusted authority at a proven time.
    CertificatePath {
        /// Certificates from the leaf to the anchor, both counted.
        length: usize,
        /// The time.
        time: UnixTime,
    },
    /// The certificate is for code signing and its extensions are well-formed.
    CertificateUse {
        /// SHA-256 of the certificate's DER.
        fingerprint: Digest,
    },
    /// A certificate transparency log signed the certificate.
    Sct {
        /// The log.
        log: LogId,
        /// When it says it did.
        time: UnixTime,
    },
    /// A signed certificate timestamp was not counted: the trust does not know its log.
    UnknownCtLog,
    /// The signature was verified with a trusted key.
    KeySignature {
        /// The key.
        key: KeyId,
        /// The scheme.
        scheme: Scheme,
    },
    /// The signature was verified with the certificate's key.
    CertificateSignature {
        /// The scheme.
        scheme: Scheme,
    },
    /// The key was trusted at a proven time, or, undated, now.
    KeyWindow {
        /// The time.
        time: UnixTime,
    },
    /// The claim names the subject.
    SubjectNamed {
        /// The digest both agree on.
        digest: Digest,
    },
    /// A check was left out because the trust asks for it.
    Weakened(Danger),
}

impl Check {
    /// The check's stable name, in kebab case.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Promise { .. } => "log-promise",
            Self::Inclusion { .. } => "log-inclusion",
            Self::Checkpoint { .. } => "log-checkpoint",
            Self::EntryBinding { .. } => "log-entry-binding",
            Self::UnknownLog { .. } => "log-unknown",
            Self::LogOutsideWindow { .. } => "log-outside-window",
            Self::Witness { .. } => "witness",
            Self::Timestamp { .. } => "timestamp",
            Self::UnknownTimestampAuthority { .. } => "timestamp-authority-unknown",
            Self::CertificatePath { .. } => "certificate-path",
            Self::CertificateUse { .. } => "certificate-use",
            Self::Sct { .. } => "sct",
            Self::UnknownCtLog => "sct-log-unknown",
            Self::KeySignature { .. } => "key-signature",
            Self::CertificateSignature { .. } => "certificate-signature",
            Self::KeyWindow { .. } => "key-window",
            Self::SubjectNamed { .. } => "subject-named",
            Self::Weakened(_) => "weakened",
        }
    }

    /// The specification and section that asks for the check.
    pub fn section(&self) -> &'static str {
        match self {
            Self::Promise { .. } => "RFC 6962 §3.2; Rekor v1 signed entry timestamp",
            Self::Inclusion { .. } => "RFC 6962 §2.1.1",
            Self::Checkpoint { .. } => "C2SP tlog-checkpoint; C2SP signed-note",
            Self::EntryBinding { .. } => {
                "Sigstore client specification, verification: transparency log entry"
            }
            Self::UnknownLog { .. } | Self::LogOutsideWindow { .. } => {
                "Sigstore trusted root: tlogs"
            }
            Self::Witness { .. } => "C2SP tlog-cosignature",
            Self::Timestamp { .. } => "RFC 3161 §2.4.2; RFC 5816 §2.2.1; RFC 5652 §5.4",
            Self::UnknownTimestampAuthority { .. } => "Sigstore trusted root: timestampAuthorities",
            Self::CertificatePath { .. } => "RFC 5280 §6.1",
            Self::CertificateUse { .. } => "RFC 5280 §4.2.1; Fulcio certificate specification",
            Self::Sct { .. } => "RFC 6962 §3.2",
            Self::UnknownCtLog => "Sigstore trusted root: ctlogs",
            Self::KeySignature { scheme, .. } | Self::CertificateSignature { scheme } => {
                match scheme {
                    Scheme::Ed25519 | Scheme::Ed25519ph => "RFC 8032 §5.1.7",
                    Scheme::EcdsaP256Sha256
                    | Scheme::EcdsaP384Sha384
                    | Scheme::EcdsaP384Sha256
                    | Scheme::EcdsaP521Sha512 => "FIPS 186-5 §6.4.2",
                    Scheme::RsaPkcs1Sha256 | Scheme::RsaPkcs1Sha384 | Scheme::RsaPkcs1Sha512 => {
                        "RFC 8017 §8.2.2"
                    }
                    Scheme::RsaPssSha256 | Scheme::RsaPssSha384 | Scheme::RsaPssSha512 => {
                        "RFC 8017 §8.1.2"
                    }
                }
            }
            Self::KeyWindow { .. } => "trusted key: validity",
            Self::SubjectNamed { .. } => {
                "in-toto statement: subject; simple signing: critical.image"
            }
            Self::Weakened(_) => "trust: dangers",
        }
    }

    /// What the check proved, in words.
    pub fn detail(&self) -> String {
        match self {
            Self::Promise {
                entry,
                log,
                time: Some(time),
            } => {
                format!("log `{log}` promised entry {entry} at {time}")
            }
            Self::Promise {
                entry,
                log,
                time: None,
            } => format!("log `{log}` promised entry {entry}"),
            Self::Inclusion {
                entry,
                log,
                index,
                tree_size,
            } => {
                format!("entry {entry} is leaf {index} of {tree_size} in log `{log}`")
            }
            Self::Checkpoint { entry, origin } => {
                format!("the checkpoint of entry {entry} is signed by the log `{origin}` itself")
            }
            Self::EntryBinding { entry } => {
                format!("entry {entry} names this signature, signer and payload")
            }
            Self::UnknownLog { entry } => {
                format!("entry {entry} was not counted: the trust does not know its log")
            }
            Self::LogOutsideWindow { entry } => {
                format!(
                    "entry {entry} was not counted: its log's key is out of use and no time is proven"
                )
            }
            Self::Witness { entry, name, time } => {
                format!("witness `{name}` signed the checkpoint of entry {entry} at {time}")
            }
            Self::Timestamp {
                timestamp,
                authority,
                time,
            } => {
                format!("timestamp {timestamp} by authority `{authority}` says {time}")
            }
            Self::UnknownTimestampAuthority { timestamp } => {
                format!(
                    "timestamp {timestamp} was not counted: the trust does not know its authority"
                )
            }
            Self::CertificatePath { length, time } => {
                format!("a path of {length} certificates leads to a trusted authority at {time}")
            }
            Self::CertificateUse { fingerprint } => {
                format!("certificate `{fingerprint}` is for code signing")
            }
            Self::Sct { log, time } => {
                format!("certificate transparency log `{log}` signed the certificate at {time}")
            }
            Self::UnknownCtLog => {
                "a certificate timestamp was not counted: the trust does not know its log"
                    .to_owned()
            }
            Self::KeySignature { key, scheme } => {
                format!("the signature is by key `{key}` under {scheme}")
            }
            Self::CertificateSignature { scheme } => {
                format!("the signature is by the certificate's key under {scheme}")
            }
            Self::KeyWindow { time } => format!("the key is trusted at {time}"),
            Self::SubjectNamed { digest } => format!("the claim names `{digest}`"),
            Self::Weakened(danger) => danger.meaning().to_owned(),
        }
    }
}

/// The identifier of a log: of a transparency log as its trusted root names it, of a CT log by RFC 6962 §3.2.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId(pub(crate) bytes::Bytes);

impl LogId {
    /// The identifier's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Display for LogId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0
            .iter()
            .take(64)
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for LogId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LogId({self})")
    }
}
