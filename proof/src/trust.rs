//! What is trusted, with everything prepared that does not depend on evidence.

mod builder;
mod inputs;
mod own_authorities;
mod witness;

pub use builder::TrustBuilder;
pub(crate) use witness::PreparedWitness;
pub use witness::Witness;

use crate::authorities::Authorities;
use crate::crypto::{Algorithm, VerifyingKey};
use crate::dangers::Dangers;
use crate::key::{KeyId, Scheme, TrustedKey};
use crate::trust_error::{TrustError, TrustWarning};
use crate::trusted_log::TrustedLog;
use countersign_formats::{Digest, TrustedRoot, Window};
use std::sync::OnceLock;

/// Everything that evidence is judged against. Immutable, and cheap to share between threads.
#[derive(Debug)]
pub struct TrustMaterial {
    pub(crate) keys: Vec<PreparedKey>,
    pub(crate) logs: Vec<TrustedLog>,
    pub(crate) ct_logs: Vec<TrustedLog>,
    pub(crate) authorities: Authorities,
    pub(crate) timestamp_authorities: Authorities,
    pub(crate) witnesses: Vec<PreparedWitness>,
    pub(crate) dangers: Dangers,
    log_warnings: Vec<TrustWarning>,
    warnings: OnceLock<Vec<TrustWarning>>,
    digest: Digest,
}

/// A trusted key, ready for its schemes.
#[derive(Debug)]
pub(crate) struct PreparedKey {
    pub(crate) trusted: TrustedKey,
    pub(crate) id: KeyId,
    pub(crate) hint: String,
    pub(crate) schemes: Vec<Scheme>,
    pub(crate) verifying: VerifyingKey,
}

impl TrustMaterial {
    /// Starts with no trust at all.
    pub fn builder() -> TrustBuilder {
        TrustBuilder::default()
    }

    /// Trusts these keys and nothing else.
    ///
    /// # Errors
    /// A key that is not sound, or may be used with no scheme.
    pub fn keys_only(keys: Vec<TrustedKey>) -> Result<Self, TrustError> {
        Self::builder().keys(keys).build()
    }

    /// The digest of everything that is trusted: two materials with one digest judge alike.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The parts of trusted roots that are not used; asking verifies all chains of authorities.
    pub fn warnings(&self) -> &[TrustWarning] {
        self.warnings.get_or_init(|| {
            let authorities = self.authorities.warnings().iter();
            let timestamp_authorities = self.timestamp_authorities.warnings().iter();
            self.log_warnings
                .iter()
                .chain(authorities)
                .chain(timestamp_authorities)
                .cloned()
                .collect()
        })
    }

    /// The trusted keys, with their names.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = (&KeyId, &TrustedKey)> {
        self.keys.iter().map(|key| (&key.id, &key.trusted))
    }

    /// Whether any certificate authority is trusted.
    pub fn has_keyless(&self) -> bool {
        !self.authorities.usable().is_empty()
    }

    /// The checks that are left out.
    pub fn dangers(&self) -> Dangers {
        self.dangers
    }
}

impl TrustMaterial {
    fn add_logs(&mut self, root: &TrustedRoot) {
        for instance in &root.logs {
            match TrustedLog::prepare(instance, &self.logs) {
                Ok(log) => self.logs.push(log),
                Err(reason) => {
                    let warning = TrustWarning::new("log", &instance.base_url, reason);
                    self.log_warnings.push(warning);
                }
            }
        }
        for instance in &root.ct_logs {
            match TrustedLog::prepare(instance, &self.ct_logs) {
                Ok(log) => self.ct_logs.push(log),
                Err(reason) => {
                    let role = "certificate transparency log";
                    let warning = TrustWarning::new(role, &instance.base_url, reason);
                    self.log_warnings.push(warning);
                }
            }
        }
    }
}

impl PreparedKey {
    fn prepare(trusted: TrustedKey) -> Result<Self, TrustError> {
        let id = KeyId::of(&trusted.key);
        let schemes: Vec<Scheme> = Scheme::of(trusted.key.kind())
            .iter()
            .copied()
            .filter(|scheme| {
                trusted
                    .schemes
                    .as_ref()
                    .is_none_or(|narrowed| narrowed.contains(scheme))
            })
            .collect();
        if schemes.is_empty() {
            return Err(TrustError::NoScheme { key: id });
        }
        if let Window {
            start: Some(start),
            end: Some(end),
        } = trusted.valid
            && end < start
        {
            return Err(TrustError::KeyWindow { key: id });
        }
        let verifying =
            VerifyingKey::prepare(&trusted.key, schemes.iter().copied().map(Algorithm::of))
                .ok_or(TrustError::Key { key: id })?;
        Ok(Self {
            hint: id.hint(),
            id,
            schemes,
            verifying,
            trusted,
        })
    }

    fn same_as(&self, other: &Self) -> bool {
        self.id == other.id
            && self.trusted.valid == other.trusted.valid
            && self.schemes == other.schemes
    }
}
