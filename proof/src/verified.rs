//! What was proven: this signer made this claim about this subject at these times.

use crate::claim::Claim;
use crate::dangers::Danger;
use crate::evidence::{Held, Origin};
use crate::identity::{CertificateIdentity, X509Identity};
use crate::key::{KeyId, Scheme};
use crate::report::{LogId, VerificationReport};
use bytes::Bytes;
use countersign_formats::{Digest, UnixTime};
use std::sync::Arc;

/// A proof, bound to its subject and to the trust it was made under. [`crate::verify`] is its only maker.
#[derive(Clone, Debug)]
pub struct Verified {
    pub(crate) held: Arc<Held>,
    pub(crate) claim: Claim,
    pub(crate) signer: Signer,
    pub(crate) scheme: Scheme,
    pub(crate) dated: Dated,
    pub(crate) logs: Vec<ProvenEntry>,
    pub(crate) timestamps: Vec<ProvenTimestamp>,
    pub(crate) scts: Vec<LogId>,
    pub(crate) witnesses: Vec<String>,
    pub(crate) via: Vec<Link>,
    pub(crate) report: VerificationReport,
    pub(crate) dangers: Vec<Danger>,
    pub(crate) subject: Digest,
    pub(crate) trust: Digest,
}

impl Verified {
    /// What the signer said.
    pub fn claim(&self) -> &Claim {
        &self.claim
    }

    /// Who said it.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// The scheme of the signature.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// When it was said, as far as it is proven.
    pub fn dated(&self) -> Dated {
        self.dated
    }

    /// The log entries that are proven; several may be of one log ([`ProvenEntry::log`] tells).
    pub fn logs(&self) -> &[ProvenEntry] {
        &self.logs
    }

    /// The timestamps that are proven; several may be of one authority.
    pub fn timestamps(&self) -> &[ProvenTimestamp] {
        &self.timestamps
    }

    /// The certificate transparency logs that signed the certificate, each once.
    pub fn scts(&self) -> &[LogId] {
        &self.scts
    }

    /// The names of the trusted witnesses that signed a checkpoint, each once.
    pub fn witnesses(&self) -> &[String] {
        &self.witnesses
    }

    /// The links from the thing that was asked about down to the thing that the claim names; empty when they are one.
    pub fn via(&self) -> &[Link] {
        &self.via
    }

    /// Where the piece came from.
    pub fn origin(&self) -> &Origin {
        &self.held.origin
    }

    /// Every check that was made.
    pub fn report(&self) -> &VerificationReport {
        &self.report
    }

    /// The checks that were left out because the trust asks for it.
    pub fn dangers(&self) -> &[Danger] {
        &self.dangers
    }

    /// The digest of the subject that the claim is proven to name.
    pub fn subject(&self) -> &Digest {
        &self.subject
    }

    /// The digest of the trust that it was proven under.
    pub fn trust(&self) -> &Digest {
        &self.trust
    }

    /// The piece as it arrived; `None` when it was let go ([`crate::Unverified::bundle_in_place`]).
    pub fn bytes(&self) -> Option<&Bytes> {
        self.held.bytes.as_ref()
    }

    /// How many bytes the piece had when it arrived.
    pub fn size(&self) -> u64 {
        self.held.size
    }

    /// SHA-256 of the piece as it arrived.
    pub fn digest(&self) -> Digest {
        *self.held.digest()
    }
}

/// Who made a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signer {
    /// The holder of a trusted key.
    Key(KeyId),
    /// The holder of a certificate with a name.
    Fulcio(Box<CertificateIdentity>),
    /// The holder of an own authority's certificate without a name.
    X509(Box<X509Identity>),
}

/// A log entry that is proven to be about this very signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenEntry {
    /// The log.
    pub log: LogId,
    /// Index of the entry: in the log as a whole under a promise, else in the tree of the proof.
    pub log_index: u64,
    /// When the log took the entry; only under a verified promise.
    pub integrated_time: Option<UnixTime>,
    /// How the log vouches for it.
    pub proof: LogProofKind,
    /// The log's name in the checkpoint.
    pub origin: Option<String>,
}

/// How a log vouches for an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogProofKind {
    /// It promised to include it.
    Promise,
    /// It is proven to be included under a checkpoint.
    Inclusion,
}

/// A timestamp that is proven to be about this very signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenTimestamp {
    /// The authority: SHA-256 of the certificate that stands first in its chain.
    pub authority: Digest,
    /// The authority's name, as the trust has it.
    pub name: String,
    /// The time that the token says, in whole seconds.
    pub time: UnixTime,
    /// The signature was made no later than this: the time, rounded up, with the token's accuracy.
    pub no_later_than: UnixTime,
}

/// When a signature was made, as far as it is proven.
///
/// A log or authority proves "no later than": these parts of a bundle are unsigned, so whoever stores an old signature can
/// have it stamped again today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dated {
    /// Between these times, both inclusive.
    Within {
        /// From the certificate; keys have none.
        not_before: Option<UnixTime>,
        /// The earliest proven time.
        not_after: UnixTime,
    },
    /// No time is proven.
    Undated,
}

/// One step down from the thing that was asked about to the thing that evidence names; each by hash.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Link {
    /// From a referrer to its subject.
    Subject(Digest),
    /// From an index to one of its children.
    IndexChild(Digest),
    /// From a manifest to one of its layers.
    LayerOf(Digest),
}
