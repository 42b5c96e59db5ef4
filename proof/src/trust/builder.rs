//! The collection of what is to be trusted.

use super::own_authorities::own_authorities;
use super::{PreparedKey, PreparedWitness, TrustMaterial, Witness};
use crate::authorities::Authorities;
use crate::certificate::{Certificate, Purpose};
use crate::dangers::Dangers;
use crate::key::TrustedKey;
use crate::trust_error::TrustError;
use bytes::Bytes;
use countersign_formats::{AuthorityInstance, TrustedRoot};
use std::sync::OnceLock;

/// Collects trust; see [`TrustMaterial::builder`].
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct TrustBuilder {
    pub(super) roots: Vec<TrustedRoot>,
    pub(super) keys: Vec<TrustedKey>,
    pub(super) own: Vec<(Vec<Bytes>, Vec<Bytes>)>,
    pub(super) witnesses: Vec<Witness>,
    pub(super) dangers: Dangers,
}

impl TrustBuilder {
    /// Trusts the logs and authorities of a trusted root. Those that are not understood are left out, with a warning.
    pub fn trusted_root(mut self, root: &TrustedRoot) -> Self {
        self.roots.push(root.clone());
        self
    }

    /// Trusts a key.
    pub fn key(mut self, key: TrustedKey) -> Self {
        self.keys.push(key);
        self
    }

    /// Trusts keys.
    pub fn keys(mut self, keys: impl IntoIterator<Item = TrustedKey>) -> Self {
        self.keys.extend(keys);
        self
    }

    /// Trusts an own certificate authority: its roots, and intermediates below them, DER.
    pub fn certificate_authority(mut self, roots: Vec<Bytes>, intermediates: Vec<Bytes>) -> Self {
        self.own.push((roots, intermediates));
        self
    }

    /// Trusts an own certificate authority by one list, DER, in any order: a certificate that names itself as its issuer is
    /// a root, every other is an intermediate below one.
    pub fn certificate_chain(self, certificates: Vec<Bytes>) -> Self {
        let (roots, intermediates) = certificates.into_iter().partition(|der| {
            Certificate::parse(der)
                .is_ok_and(|certificate| certificate.issuer() == certificate.subject())
        });
        self.certificate_authority(roots, intermediates)
    }

    /// Looks for a witness's cosignatures.
    pub fn witness(mut self, witness: Witness) -> Self {
        self.witnesses.push(witness);
        self
    }

    /// Leaves checks out.
    pub fn dangers(mut self, dangers: Dangers) -> Self {
        self.dangers = dangers;
        self
    }

    /// Prepares the keys, and verifies the authorities that were given by hand; the chains of a trusted root's authorities
    /// are verified when the first piece of evidence needs them, once.
    ///
    /// # Errors
    /// [`TrustError`] when a key, authority or witness that was given by hand is not usable. Parts of a trusted root that
    /// are not usable are left out instead ([`TrustMaterial::warnings`]).
    pub fn build(self) -> Result<TrustMaterial, TrustError> {
        let digest = self.digest();
        let mut own = Vec::new();
        for (roots, intermediates) in &self.own {
            own.extend(own_authorities(roots, intermediates)?);
        }
        let instances = |of: fn(&TrustedRoot) -> &Vec<AuthorityInstance>| {
            self.roots.iter().flat_map(of).cloned().collect()
        };
        let mut material = TrustMaterial {
            keys: Vec::with_capacity(self.keys.len()),
            logs: Vec::new(),
            ct_logs: Vec::new(),
            authorities: Authorities::new(
                Purpose::CodeSigning,
                "certificate authority",
                instances(|root| &root.certificate_authorities),
            ),
            timestamp_authorities: Authorities::new(
                Purpose::TimeStamping,
                "timestamp authority",
                instances(|root| &root.timestamp_authorities),
            ),
            witnesses: Vec::new(),
            dangers: self.dangers,
            log_warnings: Vec::new(),
            warnings: OnceLock::new(),
            digest,
        };
        for key in self.keys {
            let key = PreparedKey::prepare(key)?;
            if !material.keys.iter().any(|other| other.same_as(&key)) {
                material.keys.push(key);
            }
        }
        material.authorities.add(own);
        for root in &self.roots {
            material.add_logs(root);
        }
        for witness in self.witnesses {
            material.witnesses.push(PreparedWitness::prepare(witness)?);
        }
        Ok(material)
    }
}
