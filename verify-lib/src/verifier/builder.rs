//! What a verifier works with, collected piece by piece.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use countersign_formats::{Digest, Limits, Reference, TrustedRoot, UnixTime};
use countersign_policy::PolicySet;
use countersign_proof::{Dangers, TrustBuilder, Witness};
use countersign_registry::Settings;
use tokio::sync::Semaphore;

use super::{Shared, Verifier};
use crate::error::VerifyError;
use crate::evidence::Evidence;
use crate::memory::Memory;

/// Collects what a [`Verifier`] works with.
#[derive(Debug, Default)]
#[must_use]
pub struct VerifierBuilder {
    policies: Option<PolicySet>,
    trust: TrustBuilder,
    certificates: bool,
    settings: Settings,
    limits: Option<Limits>,
    evidence: Vec<Evidence>,
    elsewhere: Vec<Reference>,
    tag_prefixes: Vec<String>,
    deadline: Option<Duration>,
    thorough: bool,
    keeps_bytes: bool,
    roots: Vec<Digest>,
    dangers: Dangers,
    trust_expires: Option<UnixTime>,
    trust_missing: Option<String>,
}

impl VerifierBuilder {
    /// Judges by these policies; the keys that they name are trusted.
    pub fn policy(mut self, policies: PolicySet) -> Self {
        self.policies = Some(policies);
        self
    }

    /// Trusts the logs and authorities of this root.
    pub fn trusted_root(mut self, root: &TrustedRoot) -> Self {
        self.trust = self.trust.trusted_root(root);
        self.certificates = true;
        self
    }

    /// Says when the trusted root stops to hold; no decision is valid for longer.
    pub fn trust_expires(mut self, expires: UnixTime) -> Self {
        self.trust_expires = Some(expires);
        self
    }

    /// Says that there is no trust to judge by that holds, and why. What keys decide alone is decided; everything else that evidence is
    /// there for is unknown, for each image by itself, and what a policy says of outages holds for it.
    pub fn trust_missing(mut self, detail: impl Into<String>) -> Self {
        self.trust_missing = Some(detail.into());
        self.certificates = true;
        self
    }

    /// Trusts an own certificate authority: its roots, and intermediates below them, DER.
    pub fn certificate_authority(mut self, roots: Vec<Bytes>, intermediates: Vec<Bytes>) -> Self {
        self.trust = self.trust.certificate_authority(roots, intermediates);
        self.certificates = true;
        self
    }

    /// Trusts an own certificate authority by one list of certificates, DER: those that name themselves as their issuer are
    /// its roots, the others its intermediates.
    pub fn certificate_chain(mut self, certificates: Vec<Bytes>) -> Self {
        self.trust = self.trust.certificate_chain(certificates);
        self.certificates = true;
        self
    }

    /// Counts this witness's cosignatures on checkpoints of logs, for policies that ask for witnesses.
    pub fn witness(mut self, witness: Witness) -> Self {
        self.trust = self.trust.witness(witness);
        self
    }

    /// Says that a trusted root was read from a document with this SHA-256, for policies that pin one.
    pub fn root_digest(mut self, digest: Digest) -> Self {
        self.roots.push(digest);
        self
    }

    /// Leaves checks out of every policy; each danger is named in the decisions that it weakens.
    pub fn dangers(mut self, dangers: Dangers) -> Self {
        self.dangers = dangers;
        self
    }

    /// Reaches registries so; the limits and the deadline of these settings hold for the whole verification
    /// unless they are given apart.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Takes this evidence into account, before any source is asked.
    pub fn evidence(mut self, evidence: Vec<Evidence>) -> Self {
        self.evidence = evidence;
        self
    }

    /// Reads every source to its end, also when it is decided already: for explanations and records.
    pub fn thorough(mut self) -> Self {
        self.thorough = true;
        self
    }

    /// Keeps the bytes of bundles with their proofs ([`Verified::bytes`](countersign_proof::Verified::bytes)), for who passes them on;
    /// otherwise they are let go as soon as they are read, which saves more than half the memory of large ones.
    pub fn keeping_bytes(mut self) -> Self {
        self.keeps_bytes = true;
        self
    }

    /// Looks for evidence about an image in these places as well: repositories, layouts and archives. What they hold is merged with what
    /// lies beside the image; their tags and digests play no part.
    pub fn evidence_from(mut self, places: Vec<Reference>) -> Self {
        self.elsewhere = places;
        self
    }

    /// Looks also at legacy tags whose names begin with one of these, as in `PREFIXsha256-….sig`.
    pub fn tag_prefixes(mut self, prefixes: Vec<String>) -> Self {
        self.tag_prefixes = prefixes;
        self
    }

    /// Caps on everything that is read.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = Some(limits);
        self
    }

    /// How long one verification may take; what is not found out by then is unknown.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// The verifier.
    ///
    /// # Errors
    ///
    /// [`VerifyError::NoPolicy`], [`VerifyError::NoTrustedRoot`] and [`VerifyError::Trust`].
    pub fn build(self) -> Result<Verifier, VerifyError> {
        let policies = self
            .policies
            .filter(|set| !set.policies().is_empty())
            .ok_or(VerifyError::NoPolicy)?
            .leaving_out(self.dangers, "asked for by the caller");
        if policies.wants_certificates() && !self.certificates {
            return Err(VerifyError::NoTrustedRoot);
        }
        let trust = self
            .trust
            .keys(policies.keys())
            .dangers(policies.dangers())
            .build()
            .map_err(VerifyError::Trust)?;
        let mut settings = self.settings;
        let limits = self.limits.unwrap_or_else(|| settings.limits.clone());
        settings.limits = limits.clone();
        let deadline = self.deadline.unwrap_or(settings.deadline);
        settings.deadline = settings.deadline.min(deadline);
        let remembers = policies.bridges_outages();
        Ok(Verifier {
            shared: Arc::new(Shared {
                memory: remembers.then(|| Memory::new(limits.remembered_passes)),
                policies,
                trust: Arc::new(trust),
                settings,
                limits,
                evidence: self.evidence,
                elsewhere: self.elsewhere,
                tag_prefixes: self.tag_prefixes,
                deadline,
                threads: Arc::new(Semaphore::new(
                    std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
                )),
                thorough: self.thorough,
                keeps_bytes: self.keeps_bytes,
                roots: self.roots,
                trust_expires: self.trust_expires,
                trust_missing: self.trust_missing,
            }),
        })
    }
}
