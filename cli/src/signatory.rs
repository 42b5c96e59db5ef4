//! Who signs: a key from a file, or an identity that is certified for a key of the moment.
//!
//! [`Candidate::read`] reads and checks whatever can be without a socket; [`Candidate::connect`] makes a [`Signatory`] of it, for
//! which the mirror of the trust may be asked. [`Signatory::introduce`] gets the token, [`Signatory::agree`] the consent. Then [`Signatory::draft`] makes a certified, signed, dated and proven bundle, and
//! [`Signatory::enter`] adds the log entries and proves the whole; several may be under way at the same time. What is not proven is
//! handed to nobody.

mod consent;
mod identity;
mod login;
mod services;
mod unproven;
mod voice;

pub(crate) use services::settings as service_settings;

use std::rc::Rc;

use bytes::Bytes;
use countersign_formats::{
    Bundle, BundleContent, KeyMaterial, Limits, LogEntry, PublicKey, TrustedRoot, UnixTime, Window,
};
use countersign_proof::{
    Image, KeyId, Scheme, Signer, Subject, TrustMaterial, TrustedKey, Verified,
};
use countersign_services::{CertificateChain, ServiceError};
use countersign_sign::{
    Attachments, Prepared, PrivateKey, SignError, Signature, Signed, Signer as _, SignerMaterial,
};
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

use crate::arguments;
use crate::clock;
use crate::context::Context;
use crate::escape;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::key_files;

use consent::Consent;
use identity::Identity;
use services::{Plan, Services};
use unproven::{complete, of_identity, unproven};
pub(crate) use voice::Voice;

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
    /// Whether standard input is read for something else.
    pub(crate) input_taken: bool,
    /// Whether a service that asks for a pause gets one that is longer than the deadline: there is much to do.
    pub(crate) patient: bool,
}

/// Who will sign, read and checked, before any socket is opened.
pub(crate) struct Candidate {
    who: Who,
    plan: Option<Plan>,
    consent: Consent,
}

/// Who signs, with the services that take part.
pub(crate) struct Signatory {
    who: Who,
    services: Option<Services>,
    consent: Consent,
}

enum Who {
    Key(Box<PrivateKey>),
    Identity(Box<Mutex<Identity>>),
}

/// The name of who signs.
#[derive(Clone, Debug)]
pub(crate) enum Name {
    /// A key.
    Key(KeyId),
    /// An identity.
    Identity {
        /// Who: by the token's own words.
        identity: String,
        /// Who vouches for it.
        issuer: String,
        /// Whom the issuer asked in turn, where it says so; certificates may name this one in its place.
        connector: Option<String>,
        /// The subject name that its certificates are expected to carry, where that is known before there is one.
        expected: Option<String>,
    },
}

/// A signature with everything but its log entries, proven as far as that goes.
pub(crate) struct Draft {
    /// The bundle so far.
    pub(crate) signed: Signed,
    /// What it takes to enter it into logs; `None` when there is none to enter it into.
    unlogged: Option<Unlogged>,
}

struct Unlogged {
    key: PublicKey,
    certificate: Option<Bytes>,
    /// The certificates above it.
    above: Rc<[Bytes]>,
    signature: Signature,
    timestamps: Vec<Bytes>,
}

/// A draft of an earlier run.
pub(crate) enum Redraft {
    /// It is as good as on the day it was made.
    Draft(Box<Draft>),
    /// It has no date, and its certificate has ended: it is worth something only where a log has its entry.
    Ended(Box<Ended>),
}

/// A draft that only an entry which a log has already can date.
pub(crate) struct Ended(Unlogged);

impl Draft {
    /// Whether logs are still to be told.
    pub(crate) fn is_unlogged(&self) -> bool {
        self.unlogged.is_some()
    }
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

impl Candidate {
    /// Reads keys, tokens and files and checks them; opens no socket.
    ///
    /// # Errors
    /// Flags that contradict each other, files that cannot be used (exit 2), and a token that cannot be (exit 21).
    pub(crate) fn read(context: &Context<'_, '_>, asked: Asked<'_>) -> Result<Self, Failure> {
        let flags = asked.services;
        let (who, plan) = match asked.key {
            Some(key) => {
                let plan = Plan::for_key(context, flags, asked.patient)?;
                let key = key_files::private(context, key)?;
                (Who::Key(Box::new(key)), plan)
            }
            None => {
                let plan = Plan::for_identity(context, flags, asked.patient)?;
                let identity = Identity::open(context, flags, plan.issuer(), asked.input_taken)
                    .map_err(|failure| plan.without_token(failure))?;
                (Who::Identity(Box::new(Mutex::new(identity))), Some(plan))
            }
        };
        Ok(Self {
            who,
            plan,
            consent: Consent::new(asked.yes),
        })
    }

    /// The signatory, with the trust that is current: everything that can be wrong on this machine must be known to be right by now.
    ///
    /// # Errors
    /// No trust that holds (exit 22), and services in it that cannot be used (exit 2).
    pub(crate) fn connect(self, context: &Context<'_, '_>) -> Result<Signatory, Failure> {
        let mut services = self.plan.map(|plan| plan.hold(context)).transpose()?;
        if let Who::Key(key) = &self.who {
            services = services
                .map(|services| services.trusting(key.public_key()))
                .transpose()?;
        }
        Ok(Signatory {
            who: self.who,
            services,
            consent: self.consent,
        })
    }
}

impl Signatory {
    /// Gets the token, when an identity signs, and says who signs.
    ///
    /// # Errors
    /// No token, or one that cannot be used (exit 20 or 21).
    pub(crate) async fn introduce(&self, voice: &Voice) -> Result<Name, Failure> {
        match (&self.who, &self.services) {
            (Who::Key(key), _) => Ok(Name::Key(KeyId::of(key.public_key()))),
            (Who::Identity(_), None) => Err(no_services()),
            (Who::Identity(identity), Some(services)) => {
                let mut identity = identity.lock().await;
                let token = identity.token(voice, services).await?;
                Ok(Name::Identity {
                    identity: token.identity().to_owned(),
                    issuer: token.issuer().to_owned(),
                    connector: token.connector().map(str::to_owned),
                    expected: token.expected_name(),
                })
            }
        }
    }

    /// Says what becomes public about `subjects`, and asks where that is needed.
    ///
    /// # Errors
    /// Nobody has agreed (exit 2).
    pub(crate) fn agree(
        &self,
        context: &mut Context<'_, '_>,
        name: &Name,
        subjects: &[String],
    ) -> Result<(), Failure> {
        match &self.services {
            Some(services) => self.consent.ask(context, services, name, subjects),
            None => Ok(()),
        }
    }

    /// The key, unless an identity signs.
    pub(crate) fn key(&self) -> Option<&PrivateKey> {
        match &self.who {
            Who::Key(key) => Some(key),
            Who::Identity(_) => None,
        }
    }

    /// How many certificates were issued in this run.
    pub(crate) async fn certificates(&self) -> u64 {
        match &self.who {
            Who::Key(_) => 0,
            Who::Identity(identity) => identity.lock().await.issued(),
        }
    }

    /// Why there are no more certificates, when that is so.
    pub(crate) async fn refused(&self) -> Option<Failure> {
        match &self.who {
            Who::Key(_) => None,
            Who::Identity(identity) => identity.lock().await.refusal(),
        }
    }

    /// How many logs and timestamp authorities stand behind each signature.
    pub(crate) fn demanded(&self) -> (usize, usize) {
        self.services
            .as_ref()
            .map_or((0, 0), |services| (services.logs(), services.timestamps()))
    }

    /// The logs and authorities that prove what services answer; `None` without services.
    pub(crate) fn root(&self) -> Option<&TrustedRoot> {
        self.services.as_ref().map(Services::root)
    }

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
                // Our clock may be behind a service's.
                let now = UnixTime(clock::now().0.saturating_add(CLOCK_SKEW));
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
                let key = TrustedKey {
                    key: PublicKey::clone(key.public_key()),
                    valid: Window::ALWAYS,
                    schemes: None,
                };
                let trust = TrustMaterial::keys_only(vec![key])
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
            (Who::Identity(_), None) => {
                return Err(Failure::internal("no-services", "no services were opened"));
            }
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

    /// Signs one thing from beginning to end; `about` names it for people.
    ///
    /// # Errors
    /// A service that cannot be reached or whose answer is not proven (exit 20), a token that is refused (exit 21), no consent
    /// (exit 2). Nothing is stored anywhere by this; whether a log has an entry by then is said.
    pub(crate) fn sign(
        &self,
        context: &mut Context<'_, '_>,
        runtime: &Runtime,
        prepared: &Prepared,
        about: &str,
    ) -> Result<Signed, Failure> {
        let voice = Voice::of(context, 1);
        let name = runtime.block_on(self.introduce(&voice))?;
        self.agree(context, &name, &[about.to_owned()])?;
        runtime.block_on(async {
            let draft = self.draft(&voice, prepared).await?;
            self.enter(&voice, prepared, draft, about).await
        })
    }

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
        let to_sign = prepared.to_sign(unlogged.signature.scheme, &Limits::DEFAULT)?;
        let entries = services
            .find(
                &unlogged.key,
                unlogged.certificate.as_ref(),
                prepared,
                &unlogged.signature,
                &to_sign,
            )
            .await?;
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
        let now = UnixTime(clock::now().0.saturating_add(CLOCK_SKEW));
        let signed = match &self.services {
            Some(services) => prepared.reopen(bundle, services.trust(false), now, &limits)?,
            None => {
                let keys = self.key().map(|key| TrustedKey {
                    key: key.public_key().clone(),
                    valid: Window::ALWAYS,
                    schemes: None,
                });
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
        let to_sign = prepared.to_sign(unlogged.signature.scheme, &Limits::DEFAULT)?;
        let entries = services
            .enter(
                &unlogged.key,
                unlogged.certificate.as_ref(),
                prepared,
                &unlogged.signature,
                &to_sign,
            )
            .await?;
        unlogged.whole(voice, services, prepared, entries)
    }
}

impl Unlogged {
    /// Whether the certificate has ended by the clock: then nothing but an entry that is there already can date the signature.
    fn has_ended(&self) -> bool {
        let chain = self.certificate.clone().and_then(CertificateChain::of_leaf);
        self.timestamps.is_empty() && chain.is_some_and(|chain| chain.not_after() < clock::now())
    }

    /// The bundle with its log entries, proven.
    fn whole(
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
    fn proven(self, services: &Services, prepared: &Prepared) -> Result<Draft, Failure> {
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
            UnixTime(clock::now().0.saturating_add(CLOCK_SKEW)),
            &Limits::DEFAULT,
        )
    }
}

impl Name {
    /// Whether a proven signature is of this signer, as far as the name is known before there is a certificate.
    pub(crate) fn is_of(&self, verified: &Verified) -> bool {
        match (self, verified.signer()) {
            (Self::Key(key), Signer::Key(signer)) => key == signer,
            (
                Self::Identity {
                    issuer,
                    connector,
                    expected,
                    ..
                },
                Signer::Fulcio(certificate),
            ) => {
                certificate.issuer.as_ref().is_some_and(|found| {
                    found == issuer || connector.as_ref().is_some_and(|asked| found == asked)
                }) && expected
                    .as_deref()
                    .is_none_or(|expected| expected == certificate.san.value())
            }
            _ => false,
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

fn no_services() -> Failure {
    Failure::internal("no-services", "no services were opened")
}

/// The scheme that a log takes of a key of this kind.
fn logged_scheme(key: &PrivateKey, pure_is_taken: bool) -> Scheme {
    match key.default_scheme() {
        // Entries are about a hash, and pure Ed25519 signs none.
        Scheme::Ed25519 if !pure_is_taken => Scheme::Ed25519ph,
        scheme => scheme,
    }
}
