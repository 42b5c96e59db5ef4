//! The authorities of trusted roots for one purpose, whose chains are verified when the first piece of evidence needs them.
//!
//! Most evidence by keys never needs them, and verifying the chains is most of what making trust costs.

use crate::authority::Authority;
use crate::certificate::Purpose;
use crate::trust_error::{DisabledReason, TrustWarning};
use crate::trusted_log::checked_window;
use countersign_formats::AuthorityInstance;
use std::sync::OnceLock;

/// Authorities for one purpose.
#[derive(Debug)]
pub(crate) struct Authorities {
    purpose: Purpose,
    /// What a warning calls one of them.
    role: &'static str,
    instances: Vec<AuthorityInstance>,
    prepared: OnceLock<Prepared>,
}

/// What came of the trusted roots' authorities.
#[derive(Debug, Default)]
struct Prepared {
    usable: Vec<Authority>,
    warnings: Vec<TrustWarning>,
}

impl Authorities {
    pub(crate) fn new(
        purpose: Purpose,
        role: &'static str,
        instances: Vec<AuthorityInstance>,
    ) -> Self {
        Self {
            purpose,
            role,
            instances,
            prepared: OnceLock::new(),
        }
    }

    /// Those that are usable; the first call verifies their chains.
    pub(crate) fn usable(&self) -> &[Authority] {
        &self.prepared().usable
    }

    /// Why the others are not.
    pub(crate) fn warnings(&self) -> &[TrustWarning] {
        &self.prepared().warnings
    }

    /// Adds authorities that are verified already, behind those of trusted roots.
    pub(crate) fn add(&mut self, own: Vec<Authority>) {
        if own.is_empty() {
            return;
        }
        let mut prepared = match self.prepared.take() {
            Some(prepared) => prepared,
            None => self.prepare(),
        };
        prepared.usable.extend(own);
        self.prepared = OnceLock::from(prepared);
    }

    fn prepared(&self) -> &Prepared {
        self.prepared.get_or_init(|| self.prepare())
    }

    fn prepare(&self) -> Prepared {
        let mut prepared = Prepared::default();
        for instance in &self.instances {
            match prepare(instance, self.purpose) {
                Ok(authority) => prepared.usable.push(authority),
                Err(reason) => {
                    let warning = TrustWarning::new(self.role, &instance.uri, reason);
                    prepared.warnings.push(warning);
                }
            }
        }
        prepared
    }
}

fn prepare(instance: &AuthorityInstance, purpose: Purpose) -> Result<Authority, DisabledReason> {
    let valid = checked_window(instance.valid)?;
    let name = [&instance.uri, &instance.common_name, &instance.organization]
        .into_iter()
        .find(|name| !name.is_empty())
        .map_or("authority without name", |name| name);
    Authority::prepare(name.to_owned(), false, valid, purpose, &instance.chain)
        .map_err(DisabledReason::Chain)
}
