//! The signatures of an earlier run, proven again before they are taken up.

use std::rc::Rc;

use bytes::Bytes;
use countersign_formats::{Bundle, BundleContent, KeyMaterial, Limits, PublicKey};
use countersign_proof::TrustMaterial;
use countersign_services::CertificateChain;
use countersign_sign::{Prepared, SignError, Signature, Signed};

use super::draft::{Draft, Unlogged};
use super::{Signatory, Voice, Who, at_hand, identity, no_services, services_now};
use crate::escape;
use crate::failure::Failure;

/// A draft of an earlier run.
pub(crate) enum Redraft {
    /// It is as good as on the day it was made.
    Draft(Box<Draft>),
    /// It has no date, and its certificate has ended: it is worth something only where a log has its entry.
    Ended(Box<Ended>),
}

/// A draft that only an entry which a log has already can date.
pub(crate) struct Ended(Unlogged);

impl Signatory {
    /// A draft that an earlier run made, proven again as far as that goes now.
    ///
    /// # Errors
    /// [`SignError`] when the bundle is of something else or does not verify now.
    pub(crate) fn redraft(&self, prepared: &Prepared, bundle: &Bytes) -> Result<Redraft, Failure> {
        let limits = Limits::DEFAULT;
        let Some(services) = &self.services else {
            return Err(no_services());
        };
        let held = Bundle::parse(bundle, &limits).map_err(SignError::Bundle)?;
        let (certificate, key) = match held.material {
            KeyMaterial::Certificate(certificate) => {
                let key = CertificateChain::of_leaf(certificate.clone())
                    .and_then(|chain| PublicKey::from_spki_der(chain.public_key()).ok());
                (Some(certificate), key.ok_or(SignError::OtherContent)?)
            }
            _ => match &self.who {
                Who::Key(key) => (None, key.public_key().clone()),
                Who::Identity(_) => return Err(SignError::OtherContent.into()),
            },
        };
        let signature = match held.content {
            BundleContent::Dsse(envelope) if envelope.signatures.len() == 1 => envelope
                .signatures
                .into_iter()
                .next()
                .map(|signature| signature.signature),
            _ => None,
        };
        let scheme = match &self.who {
            Who::Key(key) => services.scheme(key, prepared)?,
            Who::Identity(_) => identity::SCHEME,
        };
        let unlogged = Unlogged {
            key,
            certificate,
            // A bundle holds none, and a layer under a tag is not taken up again.
            above: Rc::from([]),
            signature: Signature {
                scheme,
                bytes: signature.ok_or(SignError::OtherContent)?,
            },
            timestamps: held.timestamps,
        };
        if services.dates_by_logs() && unlogged.has_ended() {
            return Ok(Redraft::Ended(Box::new(Ended(unlogged))));
        }
        let draft = unlogged.proven(services, prepared)?;
        Ok(Redraft::Draft(Box::new(draft)))
    }

    /// What the logs have of a draft whose certificate has ended: the whole bundle, proven, or nothing at all. Nothing is entered.
    ///
    /// # Errors
    /// Logs that do not answer (exit 20), answers that are not proven (exit 20), and entries in some of the logs alone (exit 2).
    pub(crate) async fn entered(
        &self,
        voice: &Voice,
        prepared: &Prepared,
        ended: Ended,
        about: &str,
    ) -> Result<Option<Signed>, Failure> {
        let Some(services) = &self.services else {
            return Err(no_services());
        };
        let Ended(unlogged) = ended;
        let about = escape::field(about);
        voice.detail(&format!("asking the log for what it has about {about}"));
        let work = unlogged.entering(services, prepared)?;
        let entries = services.find(&work).await?;
        if entries.is_empty() {
            voice.detail(&format!(
                "the log has nothing about {about}; it is signed anew"
            ));
            return Ok(None);
        }
        unlogged.whole(voice, services, prepared, entries).map(Some)
    }

    /// The bundle of an earlier run, proven again, with as many logs and timestamps behind it as this run would put there.
    ///
    /// # Errors
    /// [`SignError`] when it is of something else or does not verify; `too-few-proofs` when it was made with fewer services.
    pub(crate) fn reopen(&self, prepared: &Prepared, bundle: Bytes) -> Result<Signed, Failure> {
        let limits = Limits::DEFAULT;
        let now = services_now();
        let signed = match &self.services {
            Some(services) => prepared.reopen(bundle, services.trust(false), now, &limits)?,
            None => {
                let keys = self.key().map(|key| at_hand(key.public_key()));
                let trust = TrustMaterial::keys_only(keys.into_iter().collect())
                    .map_err(SignError::Trust)?;
                prepared.reopen(bundle, &trust, now, &limits)?
            }
        };
        let (logs, timestamps) = self.demanded();
        let found = (
            signed.verified.logs().len(),
            signed.verified.timestamps().len(),
        );
        if found.0 < logs || found.1 < timestamps {
            return Err(Failure::usage(
                "too-few-proofs",
                format!(
                    "the bundle of the earlier run has {} log entries and {} timestamps, and {logs} and {timestamps} are wanted",
                    found.0, found.1
                ),
            )
            .hint("resume with the services of the earlier run, or with another journal"));
        }
        Ok(signed)
    }
}
