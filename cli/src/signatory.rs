//! Who signs: a key from a file, or an identity that is certified for a key of the moment.
//!
//! [`Signatory::open`] reads and checks whatever can be without a socket. [`Signatory::sign`] goes the whole road: token, consent,
//! certificate, signature, timestamp, proof of all that, log entry, proof of the whole. What is not proven is handed to nobody.

mod consent;
mod identity;
mod login;
mod services;

use bytes::Bytes;
use countersign_formats::{Limits, PublicKey, UnixTime, Window};
use countersign_proof::{Image, Scheme, Subject, TrustMaterial, TrustedKey, Verified};
use countersign_services::ServiceError;
use countersign_sign::{
    Attachments, Prepared, PrivateKey, SignError, Signature, Signed, Signer as _, SignerMaterial,
};
use tokio::runtime::Runtime;

use crate::arguments;
use crate::clock;
use crate::context::Context;
use crate::escape;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::key_files;

use consent::Consent;
use identity::Identity;
use services::Services;

/// Seconds that the clocks of services may be ahead of ours when their answers are proven.
const CLOCK_SKEW: i64 = 30;

/// What was asked for.
pub(crate) struct Asked<'a> {
    /// `--key`.
    pub(crate) key: Option<&'a str>,
    /// The flags about identity and services.
    pub(crate) services: &'a arguments::Services,
    /// `--yes`.
    pub(crate) yes: bool,
    /// What is going to be signed, as it was written.
    pub(crate) subjects: Vec<String>,
    /// Whether standard input is read for something else.
    pub(crate) input_taken: bool,
}

/// Who signs, with the services that take part.
pub(crate) struct Signatory {
    who: Who,
    services: Option<Services>,
    consent: Consent,
    /// The outcome of what is done once a run: the token and the consent.
    begun: Option<Result<(), Failure>>,
}

enum Who {
    Key(Box<PrivateKey>),
    Identity(Box<Identity>),
}

/// The key that makes one signature, and its certificate.
struct Hand<'a> {
    key: &'a PrivateKey,
    certificate: Option<Bytes>,
}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        use countersign_services::ErrorClass;
        let status = match error.class() {
            ErrorClass::Network | ErrorClass::Answer => ExitStatus::Unavailable,
            ErrorClass::Authentication => ExitStatus::Authentication,
            ErrorClass::Configuration => ExitStatus::Usage,
        };
        let hint = error.hint().map(|hint| {
            // The service layer knows of no commands of this version.
            hint.replace(
                "run `countersign trust update`, or give another",
                "give another",
            )
        });
        Failure::new(status, error.code(), error.to_string()).or_hint(hint)
    }
}

impl Signatory {
    /// Reads keys, tokens and files and checks them; opens no socket.
    ///
    /// # Errors
    /// Flags that contradict each other, files that cannot be used (exit 2), and a token that cannot be (exit 21).
    pub(crate) fn open(context: &Context<'_, '_>, asked: Asked<'_>) -> Result<Self, Failure> {
        let flags = asked.services;
        let (who, services) = match asked.key {
            Some(key) => {
                let services = Services::for_key(context, flags)?;
                let key = key_files::private(context, key)?;
                let services = services
                    .map(|services| services.trusting(key.public_key()))
                    .transpose()?;
                (Who::Key(Box::new(key)), services)
            }
            None => {
                let services = Services::for_identity(context, flags)?;
                let identity = Identity::open(context, flags, &services, asked.input_taken)?;
                (Who::Identity(Box::new(identity)), Some(services))
            }
        };
        Ok(Self {
            who,
            services,
            consent: Consent::new(asked.yes, asked.subjects),
            begun: None,
        })
    }

    /// The key, unless an identity signs.
    pub(crate) fn key(&self) -> Option<&PrivateKey> {
        match &self.who {
            Who::Key(key) => Some(key),
            Who::Identity(_) => None,
        }
    }

    /// The layer of an `.att` manifest that a bundle of this signatory amounts to, proven under the same trust.
    ///
    /// # Errors
    /// A layer that cannot carry what the bundle does, or does not verify.
    pub(crate) fn attestation_layer(
        &self,
        context: &Context<'_, '_>,
        bundle: &Verified,
    ) -> Result<Verified, Failure> {
        let subject = Subject::Image(Image::pinned(*bundle.subject()));
        let limits = Limits::DEFAULT;
        let proven = match (&self.who, &self.services) {
            (_, Some(services)) => {
                // Our clock may be behind a service's.
                let now = UnixTime(clock::now().0.saturating_add(CLOCK_SKEW));
                let trust = services.trust(false);
                countersign_sign::attestation_layer(bundle, &subject, trust, now, &limits)?
            }
            (Who::Key(key), None) => {
                let key = TrustedKey {
                    key: PublicKey::clone(key.public_key()),
                    valid: Window::ALWAYS,
                    schemes: None,
                };
                let trust = TrustMaterial::keys_only(vec![key])
                    .map_err(|error| Failure::usage(error.code(), error.to_string()))?;
                countersign_sign::attestation_layer(bundle, &subject, &trust, context.now, &limits)?
            }
            (Who::Identity(_), None) => {
                return Err(Failure::internal("no-services", "no services were opened"));
            }
        };
        Ok(proven)
    }

    /// Refuses logs whose entries cannot be stored in annotations, before one has an entry.
    ///
    /// # Errors
    /// Exit 2 for a log of Rekor v2, which gives no promise.
    pub(crate) fn has_place_in_tags(&self) -> Result<(), Failure> {
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

    /// Signs what is prepared, with whatever services take part; `about` names it for people.
    ///
    /// # Errors
    /// A service that cannot be reached or whose answer is not proven (exit 20), a token that is refused (exit 21), no consent
    /// (exit 2). Nothing is stored anywhere by this; whether a log has an entry by then is said.
    pub(crate) fn sign(
        &mut self,
        context: &mut Context<'_, '_>,
        runtime: &Runtime,
        prepared: Prepared,
        about: &str,
    ) -> Result<Signed, Failure> {
        if let (Who::Key(key), None) = (&self.who, &self.services) {
            let limits = Limits::DEFAULT;
            let signed = countersign_sign::sign(&**key, prepared, None, context.now, &limits)?;
            return Ok(signed);
        }
        if self.begun.is_none() {
            self.begun = Some(self.begin(context, runtime));
        }
        // A login or a question is not repeated for each image.
        if let Some(Err(failure)) = &self.begun {
            return Err(failure.clone());
        }
        let Some(services) = &self.services else {
            return Err(Failure::internal("no-services", "no services were opened"));
        };
        let hand = match &mut self.who {
            Who::Key(key) => Hand {
                key,
                certificate: None,
            },
            Who::Identity(identity) => {
                let (key, certificate) = runtime.block_on(identity.certified(context, services))?;
                Hand {
                    key,
                    certificate: Some(certificate),
                }
            }
        };
        runtime.block_on(seal(context, services, &hand, &prepared, about))
    }

    fn begin(&mut self, context: &mut Context<'_, '_>, runtime: &Runtime) -> Result<(), Failure> {
        let Some(services) = &self.services else {
            return Ok(());
        };
        let identity = match &mut self.who {
            Who::Key(_) => None,
            Who::Identity(identity) => Some(runtime.block_on(identity.token(context, services))?),
        };
        self.consent.ask(context, services, identity)
    }
}

/// Signature, timestamps, proof, log entries, proof.
async fn seal(
    context: &mut Context<'_, '_>,
    services: &Services,
    hand: &Hand<'_>,
    prepared: &Prepared,
    about: &str,
) -> Result<Signed, Failure> {
    let limits = Limits::DEFAULT;
    let scheme = services.scheme(hand.key, prepared)?;
    let to_sign = prepared.to_sign(scheme, &limits)?;
    let signature = Signature {
        scheme,
        bytes: Bytes::from(countersign_sign::Signer::sign(hand.key, &to_sign)?),
    };
    let timestamps = services.stamp(&signature.bytes).await?;
    let finish = |attachments: Attachments| {
        let early = attachments.log_entries.is_empty() && services.logs() > 0;
        let now = countersign_formats::UnixTime(clock::now().0.saturating_add(CLOCK_SKEW));
        prepared.finish_so_far(
            &signature,
            hand.material(),
            attachments,
            services.trust(early),
            now,
            &limits,
        )
    };
    let so_far = Attachments {
        log_entries: Vec::new(),
        timestamps,
    };
    // An entry cannot be taken back: certificate, signature and timestamps are proven before there is one.
    let signed = finish(so_far.clone()).map_err(|error| unproven(error, false))?;
    complete(&signed.verified, &so_far, false)?;
    if services.logs() == 0 {
        return Ok(signed);
    }
    context
        .printer
        .say(&format!("entering {} into the log", escape::field(about)));
    let entries = services
        .enter(
            hand.key,
            hand.certificate.as_ref(),
            prepared,
            &signature,
            &to_sign,
        )
        .await?;
    let whole = Attachments {
        log_entries: entries,
        ..so_far
    };
    let signed = finish(whole.clone()).map_err(|error| unproven(error, true))?;
    complete(&signed.verified, &whole, true)?;
    for entry in signed.verified.logs() {
        let log = entry
            .origin
            .as_deref()
            .map_or_else(|| entry.log.to_string(), escape::field);
        context
            .printer
            .say(&format!("logged as entry {} of {log}", entry.log_index));
    }
    Ok(signed)
}

impl Hand<'_> {
    fn material(&self) -> SignerMaterial {
        match &self.certificate {
            Some(certificate) => SignerMaterial::Certificate(certificate.clone()),
            None => SignerMaterial::Key(PublicKey::clone(self.key.public_key())),
        }
    }
}

/// Everything that was attached must have been proven: what was only passed over would be missed by whoever demands it.
fn complete(verified: &Verified, attached: &Attachments, logged: bool) -> Result<(), Failure> {
    for (what, proven, given) in [
        (
            "log entries",
            verified.logs().len(),
            attached.log_entries.len(),
        ),
        (
            "timestamps",
            verified.timestamps().len(),
            attached.timestamps.len(),
        ),
    ] {
        if proven < given {
            return Err(not_proven(
                format!("the trusted root proves {proven} of {given} {what}"),
                logged,
            ));
        }
    }
    Ok(())
}

/// What does not verify here was answered by a service, or the trusted root is not theirs.
fn unproven(error: SignError, logged: bool) -> Failure {
    match error {
        SignError::NotVerified(rejected) => not_proven(rejected.to_string(), logged),
        other => other.into(),
    }
}

fn not_proven(detail: String, logged: bool) -> Failure {
    let done = if logged {
        "the log may have an entry; nothing was stored"
    } else {
        "no log has an entry and nothing was stored"
    };
    Failure::new(
        ExitStatus::Unavailable,
        "services-not-proven",
        format!("what the services answered does not verify: {detail}"),
    )
    .hint(format!(
        "{done}; the trusted root must be that of the services: give it with `--trusted-root FILE`"
    ))
}

/// The scheme that a log takes of a key of this kind.
fn logged_scheme(key: &PrivateKey, pure_is_taken: bool) -> Scheme {
    match key.default_scheme() {
        // Entries are about a hash, and pure Ed25519 signs none.
        Scheme::Ed25519 if !pure_is_taken => Scheme::Ed25519ph,
        scheme => scheme,
    }
}
