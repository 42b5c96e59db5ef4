//! What a signatory's bundles amount to under `.sig` or `.att` tags, whose annotations hold less than a bundle.

use std::rc::Rc;

use bytes::Bytes;
use countersign_formats::{Bundle, KeyMaterial, Limits};
use countersign_proof::{Image, Subject, TrustMaterial, Verified};

use super::{Signatory, Who, at_hand, no_services, services_now};
use crate::clock;
use crate::failure::Failure;

impl Signatory {
    /// The layer of an `.att` manifest that a bundle of this signatory amounts to, proven under the same trust; with timestamp
    /// authorities its envelope is dated, as its readers want it.
    ///
    /// # Errors
    /// A layer that cannot carry what the bundle does, or does not verify, and an authority that is not there (exit 20).
    pub(crate) async fn attestation_layer(&self, bundle: &Verified) -> Result<Verified, Failure> {
        let subject = Subject::Image(Image::pinned(*bundle.subject()));
        let limits = Limits::DEFAULT;
        let proven = match (&self.who, &self.services) {
            (_, Some(services)) => {
                let now = services_now();
                let trust = services.trust(false);
                let above = match (&self.who, certificate(bundle, &limits)) {
                    (Who::Identity(identity), Some(leaf)) => identity.lock().await.above(&leaf),
                    _ => Rc::from([]),
                };
                let dated = match services.timestamps() {
                    0 => None,
                    _ => {
                        let envelope = countersign_sign::envelope(bundle, &limits)?;
                        services.stamp(&envelope).await?.pop()
                    }
                };
                countersign_sign::attestation_layer(
                    bundle, &above, dated, &subject, trust, now, &limits,
                )?
            }
            (Who::Key(key), None) => {
                let trust = TrustMaterial::keys_only(vec![at_hand(key.public_key())])
                    .map_err(|error| Failure::usage(error.code(), error.to_string()))?;
                countersign_sign::attestation_layer(
                    bundle,
                    &[],
                    None,
                    &subject,
                    &trust,
                    clock::now(),
                    &limits,
                )?
            }
            (Who::Identity(_), None) => return Err(no_services()),
        };
        Ok(proven)
    }

    /// Refuses what cannot be stored in annotations, before a log has an entry.
    ///
    /// # Errors
    /// Exit 2 for a log of Rekor v2, which gives no promise, and for several logs or timestamp authorities.
    pub(crate) fn has_place_in_tags(&self) -> Result<(), Failure> {
        let (logs, timestamps) = self.demanded();
        if logs > 1 || timestamps > 1 {
            return Err(Failure::usage(
                "several-proofs",
                format!(
                    "the signing config asks for {logs} log entries and {timestamps} timestamps, and `.sig` and `.att` tags carry one of each"
                ),
            )
            .hint("write `--format bundle`, or name a signing config that selects one log and one timestamp authority"));
        }
        match &self.services {
            Some(services) if services.logs() > 0 && !services.give_promises()? => {
                Err(Failure::usage(
                    "log-without-promise",
                    "the entries of this log give no promise, and `.sig` and `.att` tags carry nothing else of a log",
                )
                .hint("write `--format bundle`, or name a log of Rekor v1 in the signing config"))
            }
            _ => Ok(()),
        }
    }
}

/// The signer's certificate in a bundle.
fn certificate(bundle: &Verified, limits: &Limits) -> Option<Bytes> {
    match Bundle::parse(bundle.bytes()?, limits).ok()?.material {
        KeyMaterial::Certificate(certificate) => Some(certificate),
        _ => None,
    }
}
