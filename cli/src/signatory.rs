//! Who signs: a key from a file, or an identity that is certified for a key of the moment.
//!
//! [`Candidate::read`] reads and checks whatever can be without a socket; [`Candidate::connect`] makes a [`Signatory`] of it, for
//! which the mirror of the trust may be asked. [`Signatory::introduce`] gets the token, [`Signatory::agree`] the consent. Then [`Signatory::draft`] makes a certified, signed, dated and proven bundle, and
//! [`Signatory::enter`] adds the log entries and proves the whole; several may be under way at the same time. What is not proven is
//! handed to nobody.

mod consent;
mod draft;
mod identity;
mod login;
mod name;
mod resumed;
mod services;
mod tags;
mod unproven;
mod voice;

pub(crate) use draft::Draft;
pub(crate) use name::Name;
pub(crate) use resumed::Redraft;
pub(crate) use services::settings as service_settings;
pub(crate) use voice::Voice;

use countersign_formats::{PublicKey, TrustedRoot, UnixTime, Window};
use countersign_proof::{KeyId, TrustedKey};
use countersign_sign::{Prepared, PrivateKey, Signed};
use tokio::runtime::Runtime;
use tokio::sync::Mutex;

use crate::arguments;
use crate::clock;
use crate::context::Context;
use crate::failure::Failure;
use crate::key_files;

use consent::Consent;
use identity::Identity;
use services::{Plan, Services};

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
}

/// The time at which answers of services are proven.
fn services_now() -> UnixTime {
    // Our clock may be behind a service's.
    UnixTime(clock::now().0.saturating_add(CLOCK_SKEW))
}

/// The key that signs, trusted at any time: it is at hand.
fn at_hand(key: &PublicKey) -> TrustedKey {
    TrustedKey {
        key: key.clone(),
        valid: Window::ALWAYS,
        schemes: None,
    }
}

fn no_services() -> Failure {
    Failure::internal("no-services", "no services were opened")
}
