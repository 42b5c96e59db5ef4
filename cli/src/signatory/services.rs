//! The services of a run under the trust that proves their answers.

mod entering;
mod fault;
mod named;
mod plan;
mod settings;

pub(super) use entering::Entering;
pub(super) use plan::Plan;
pub(crate) use settings::settings;

use bytes::Bytes;
use countersign_formats::{PublicKey, TrustedRoot};
use countersign_proof::{Dangers, Scheme, TrustMaterial};
use countersign_services::{
    Client, RekorVersion, Selection, Service, ServiceError, TimestampAuthority,
};
use countersign_sign::{Prepared, PrivateKey, Signer as _};

use super::at_hand;
use crate::failure::Failure;
use fault::untrusted;
use named::Selected;

/// The services of a run.
pub(crate) struct Services {
    pub(super) client: Client,
    /// The certificate authority, when an identity signs.
    authority: Option<Service>,
    /// Where people log in, as the signing config says.
    issuer: Option<Service>,
    timestamps: Selection,
    logs: Selection,
    root: TrustedRoot,
    trust: TrustMaterial,
    /// For the proof before the log entry, when no timestamp gives a time by then.
    early: Option<TrustMaterial>,
}

impl Services {
    fn new(client: Client, root: TrustedRoot, selected: Selected) -> Result<Self, Failure> {
        let Selected {
            authority,
            issuer,
            timestamps,
            logs,
        } = selected;
        let trust = TrustMaterial::builder().trusted_root(&root);
        let dangers = Dangers {
            judge_certificates_now: true,
            ..Dangers::NONE
        };
        let early = (authority.is_some() && timestamps.needed == 0)
            .then(|| trust.clone().dangers(dangers).build())
            .transpose()
            .map_err(untrusted)?;
        Ok(Self {
            trust: trust.build().map_err(untrusted)?,
            early,
            client,
            authority,
            issuer,
            timestamps,
            logs,
            root,
        })
    }

    /// The same, trusting the key that signs.
    pub(super) fn trusting(self, key: &PublicKey) -> Result<Self, Failure> {
        let trust = TrustMaterial::builder()
            .trusted_root(&self.root)
            .key(at_hand(key));
        Ok(Self {
            trust: trust.build().map_err(untrusted)?,
            ..self
        })
    }

    /// How many logs take part.
    pub(super) fn logs(&self) -> usize {
        self.logs.needed
    }

    /// How many timestamp authorities take part.
    pub(super) fn timestamps(&self) -> usize {
        self.timestamps.needed
    }

    /// The logs and authorities that answers are proven by.
    pub(super) fn root(&self) -> &TrustedRoot {
        &self.root
    }

    /// What answers are proven under; `early` before there is a log entry.
    pub(super) fn trust(&self, early: bool) -> &TrustMaterial {
        match &self.early {
            Some(trust) if early => trust,
            _ => &self.trust,
        }
    }

    pub(super) fn authority(&self) -> Option<&Service> {
        self.authority.as_ref()
    }

    pub(super) fn issuer(&self) -> Option<&Service> {
        self.issuer.as_ref()
    }

    /// The logs that may be used: those that are needed, and those that may stand in for one that is down.
    pub(super) fn log_services(&self) -> &[Service] {
        &self.logs.candidates
    }

    pub(super) fn timestamp_services(&self) -> &[Service] {
        &self.timestamps.candidates
    }

    /// The scheme to sign with, such that the logs take the signature.
    pub(super) fn scheme(
        &self,
        key: &PrivateKey,
        prepared: &Prepared,
    ) -> Result<Scheme, ServiceError> {
        let versions = self.logs.candidates.iter().map(RekorVersion::of);
        let versions = versions.collect::<Result<Vec<_>, _>>()?;
        // Version 1 has entries for envelopes as they are, everything else is entered by its hash.
        let pure_is_taken = prepared.is_statement() && !versions.contains(&RekorVersion::V2);
        Ok(logged_scheme(key, versions.is_empty() || pure_is_taken))
    }

    /// Whether every log gives a promise with an entry, as Rekor v1 does.
    pub(super) fn give_promises(&self) -> Result<bool, ServiceError> {
        let versions = self.logs.candidates.iter().map(RekorVersion::of);
        Ok(!versions
            .collect::<Result<Vec<_>, _>>()?
            .contains(&RekorVersion::V2))
    }

    /// Timestamps of a signature, or of the envelope around it.
    pub(super) async fn stamp(&self, dated: &Bytes) -> Result<Vec<Bytes>, ServiceError> {
        self.timestamps
            .gather(|service| {
                let (client, dated) = (self.client.clone(), dated.clone());
                async move {
                    let authority = TimestampAuthority::new(&client, &service.url)?;
                    authority.stamp(&dated).await
                }
            })
            .await
    }

    /// Whether a signature's only date is that of its log entry.
    pub(super) fn dates_by_logs(&self) -> bool {
        self.early.is_some()
    }
}

/// The scheme that a log takes of a key of this kind.
fn logged_scheme(key: &PrivateKey, pure_is_taken: bool) -> Scheme {
    match key.default_scheme() {
        // Entries are about a hash, and pure Ed25519 signs none.
        Scheme::Ed25519 if !pure_is_taken => Scheme::Ed25519ph,
        scheme => scheme,
    }
}
