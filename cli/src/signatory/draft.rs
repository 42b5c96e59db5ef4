//! A signature before any log has it, proven as far as that goes.

use std::rc::Rc;

use bytes::Bytes;
use countersign_formats::{Limits, LogEntry, PublicKey};
use countersign_services::CertificateChain;
use countersign_sign::{Attachments, Prepared, SignError, Signature, Signed, SignerMaterial};

use super::services::{Entering, Services};
use super::unproven::{complete, of_identity, unproven};
use super::{Signatory, Voice, Who, no_services, services_now};
use crate::clock;
use crate::escape;
use crate::failure::Failure;

/// A signature with everything but its log entries, proven as far as that goes.
pub(crate) struct Draft {
    /// The bundle so far.
    pub(crate) signed: Signed,
    /// What it takes to enter it into logs; `None` when there is none to enter it into.
    unlogged: Option<Unlogged>,
}

/// A signature that no log has yet.
pub(super) struct Unlogged {
    pub(super) key: PublicKey,
    pub(super) certificate: Option<Bytes>,
    /// The certificates above it.
    pub(super) above: Rc<[Bytes]>,
    pub(super) signature: Signature,
    pub(super) timestamps: Vec<Bytes>,
}

impl Draft {
    /// Whether logs are still to be told.
    pub(crate) fn is_unlogged(&self) -> bool {
        self.unlogged.is_some()
    }
}

impl Signatory {
    /// Certificate, signature, timestamps, and the proof of all that.
    ///
    /// # Errors
    /// As [`Signatory::sign`]; no log has an entry.
    pub(crate) async fn draft(&self, voice: &Voice, prepared: &Prepared) -> Result<Draft, Failure> {
        let limits = Limits::DEFAULT;
        let (services, certified) = match (&self.who, &self.services) {
            (Who::Key(key), None) => {
                let now = clock::now();
                let signed = countersign_sign::sign(&**key, prepared.clone(), None, now, &limits)?;
                return Ok(Draft {
                    signed,
                    unlogged: None,
                });
            }
            (Who::Identity(_), None) => return Err(no_services()),
            (Who::Key(_), Some(services)) => (services, None),
            (Who::Identity(identity), Some(services)) => {
                let mut identity = identity.lock().await;
                (services, Some(identity.certified(voice, services).await?))
            }
        };
        let (key, certificate) = match (&self.who, &certified) {
            (_, Some(certified)) => (&certified.key, Some(certified.certificate.clone())),
            (Who::Key(key), None) => (&**key, None),
            (Who::Identity(_), None) => return Err(no_services()),
        };
        let scheme = services.scheme(key, prepared)?;
        let to_sign = prepared.to_sign(scheme, &limits)?;
        let signature = Signature {
            scheme,
            bytes: Bytes::from(countersign_sign::Signer::sign(key, &to_sign)?),
        };
        let timestamps = services.stamp(&signature.bytes).await?;
        let unlogged = Unlogged {
            key: key.public_key().clone(),
            certificate,
            above: certified
                .as_ref()
                .map_or_else(|| Rc::from([]), |certified| Rc::clone(&certified.above)),
            signature,
            timestamps,
        };
        let draft = unlogged.proven(services, prepared)?;
        if let Some(name) = certified.as_ref().and_then(|one| one.name.as_deref()) {
            of_identity(services, &draft.signed.verified, name)?;
        }
        Ok(draft)
    }

    /// Log entries, and the proof of the whole.
    ///
    /// # Errors
    /// As [`Signatory::sign`]; whether a log has an entry by then is said.
    pub(crate) async fn enter(
        &self,
        voice: &Voice,
        prepared: &Prepared,
        draft: Draft,
        about: &str,
    ) -> Result<Signed, Failure> {
        let (Some(services), Some(unlogged)) = (&self.services, draft.unlogged) else {
            return Ok(draft.signed);
        };
        voice.detail(&format!("entering {} into the log", escape::field(about)));
        let work = unlogged.entering(services, prepared)?;
        let entries = services.enter(work).await?;
        unlogged.whole(voice, services, prepared, entries)
    }
}

impl Unlogged {
    /// Whether the certificate has ended by the clock: then nothing but an entry that is there already can date the signature.
    pub(super) fn has_ended(&self) -> bool {
        let chain = self.certificate.clone().and_then(CertificateChain::of_leaf);
        self.timestamps.is_empty() && chain.is_some_and(|chain| chain.not_after() < clock::now())
    }

    /// What logs are told of it.
    pub(super) fn entering(
        &self,
        services: &Services,
        prepared: &Prepared,
    ) -> Result<Entering, SignError> {
        let to_sign = prepared.to_sign(self.signature.scheme, &Limits::DEFAULT)?;
        Ok(Entering {
            client: services.client.clone(),
            key: self.key.clone(),
            certificate: self.certificate.clone(),
            envelope: prepared.envelope(&self.signature),
            digest: to_sign.digest().copied(),
            signature: self.signature.clone(),
        })
    }

    /// The bundle with its log entries, proven.
    pub(super) fn whole(
        &self,
        voice: &Voice,
        services: &Services,
        prepared: &Prepared,
        entries: Vec<LogEntry>,
    ) -> Result<Signed, Failure> {
        let whole = Attachments {
            log_entries: entries,
            timestamps: self.timestamps.clone(),
        };
        let signed = self
            .finish(services, prepared, whole.clone(), false)
            .map_err(|error| unproven(services, error, true))?;
        complete(services, &signed.verified, &whole, true)?;
        for entry in signed.verified.logs() {
            let log = entry
                .origin
                .as_deref()
                .map_or_else(|| entry.log.to_string(), escape::field);
            voice.detail(&format!("logged as entry {} of {log}", entry.log_index));
        }
        Ok(signed)
    }

    /// An entry cannot be taken back: certificate, signature and timestamps are proven before there is one.
    pub(super) fn proven(self, services: &Services, prepared: &Prepared) -> Result<Draft, Failure> {
        let so_far = Attachments {
            log_entries: Vec::new(),
            timestamps: self.timestamps.clone(),
        };
        let logged = services.logs() > 0;
        let signed = self
            .finish(services, prepared, so_far.clone(), logged)
            .map_err(|error| unproven(services, error, false))?;
        complete(services, &signed.verified, &so_far, false)?;
        Ok(Draft {
            signed,
            unlogged: logged.then_some(self),
        })
    }

    fn finish(
        &self,
        services: &Services,
        prepared: &Prepared,
        attachments: Attachments,
        early: bool,
    ) -> Result<Signed, SignError> {
        let material = match &self.certificate {
            // Readers of `.sig` tags may know the root alone; in a bundle of version 0.3 there is the signer's certificate and no other.
            Some(certificate) if prepared.is_simple_signing() => SignerMaterial::Chain(
                std::iter::once(certificate)
                    .chain(self.above.iter())
                    .cloned()
                    .collect(),
            ),
            Some(certificate) => SignerMaterial::Certificate(certificate.clone()),
            None => SignerMaterial::Key(self.key.clone()),
        };
        prepared.finish_so_far(
            &self.signature,
            material,
            attachments,
            services.trust(early),
            services_now(),
            &Limits::DEFAULT,
        )
    }
}
