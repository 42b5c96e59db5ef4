//! The services of a run, from the signing config, and the trust that their answers are proven under.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use countersign_formats::{Limits, LogEntry, PublicKey, TrustedRoot, Window};
use countersign_proof::{Dangers, Scheme, TrustError, TrustMaterial, TrustedKey};
use countersign_services::identity::TokenError;
use countersign_services::rekor::LoggedContent;
use countersign_services::{
    Client, Diagnostics, Event, Fulcio, Rekor, RekorVersion, Selection, Service, ServiceError,
    Settings, SigningConfig, Submission, TimestampAuthority,
};
use countersign_sign::{Prepared, PrivateKey, Signature, ToSign};
use countersign_trust_store::tuf::{Material, SIGNING_CONFIG};

use super::logged_scheme;
use crate::arguments;
use crate::context::Context;
use crate::escape;
use crate::failure::Failure;
use crate::files;
use crate::held_trust::{Chosen, HeldTrust};
use crate::printer::Words;

/// How long one operation of many may wait in all because a service asks for it.
const PATIENCE: Duration = Duration::from_secs(600);

const NONE: Selection = Selection {
    candidates: Vec::new(),
    needed: 0,
};

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

/// What a run will use, as far as files say it: read before any socket.
pub(super) struct Plan {
    client: Client,
    chosen: Chosen,
    /// `None` while the services are named by a repository that may have to be asked first.
    selected: Option<Selected>,
    /// Whether what was fetched of that repository names none, as far as is known without asking.
    unnamed: bool,
}

/// The services of a signing config that take part.
struct Selected {
    authority: Option<Service>,
    issuer: Option<Service>,
    timestamps: Selection,
    logs: Selection,
}

impl Plan {
    /// The services for a key: those that were opted in, by `--log` and `--timestamp`, or by the name of a signing config alone.
    pub(super) fn for_key(
        context: &Context<'_, '_>,
        flags: &arguments::Services,
        patient: bool,
    ) -> Result<Option<Self>, Failure> {
        let (log, timestamp) = (flags.log, flags.timestamp);
        let Some(path) = flags
            .signing_config
            .as_deref()
            .filter(|_| !flags.no_services)
        else {
            return Ok(None);
        };
        let config = config(path)?;
        let now = context.now;
        let timestamps = if timestamp {
            named(
                config.timestamp_authorities(now)?,
                "timestamp authority",
                path,
            )?
        } else if log {
            NONE
        } else {
            config.timestamp_authorities(now)?
        };
        let logs = if log {
            named(config.logs(now)?, "log", path)?
        } else if timestamp {
            NONE
        } else {
            config.logs(now)?
        };
        if timestamps.needed == 0 && logs.needed == 0 {
            return Ok(None);
        }
        let selected = Selected {
            authority: None,
            issuer: None,
            timestamps,
            logs,
        };
        let chosen = chosen(context, flags)?;
        Self::new(context, patient, chosen, Some(selected)).map(Some)
    }

    /// The services for an identity: a certificate authority, and whatever the signing config names besides.
    pub(super) fn for_identity(
        context: &Context<'_, '_>,
        flags: &arguments::Services,
        patient: bool,
    ) -> Result<Self, Failure> {
        if flags.no_services {
            return Err(Failure::usage(
                "missing-argument",
                "without a key and without services nobody can sign",
            )
            .hint("write `--key FILE`, or drop `--no-services`"));
        }
        let Some(path) = flags.signing_config.as_deref() else {
            // The repository or the pack of this machine may name them.
            let chosen = Chosen::new(context, flags.trusted_root.as_deref(), &flags.source)?;
            if !chosen.may_name_services() {
                return Err(unnamed());
            }
            online(context)?;
            let (selected, unnamed) = match &chosen {
                Chosen::Held(held) => (Some(Selected::held(context, held)?), false),
                Chosen::Repository { cache, .. } => {
                    let kept = cache.kept()?;
                    let names =
                        |(material, _): (Material, _)| material.file(SIGNING_CONFIG).is_some();
                    (None, !kept.is_none_or(names))
                }
            };
            let plan = Self::new(context, patient, chosen, selected)?;
            return Ok(Self { unnamed, ..plan });
        };
        let selected = Selected::for_identity(context, &config(path)?, path)?;
        let chosen = chosen(context, flags)?;
        Self::new(context, patient, chosen, Some(selected))
    }

    fn new(
        context: &Context<'_, '_>,
        patient: bool,
        chosen: Chosen,
        selected: Option<Selected>,
    ) -> Result<Self, Failure> {
        let client = Client::new(settings(context, patient));
        if let Some(selected) = &selected {
            selected.judge(&client)?;
        }
        Ok(Self {
            client,
            chosen,
            selected,
            unnamed: false,
        })
    }

    /// Why there is no token: whoever has none, and is not told of any services, may have meant a key.
    pub(super) fn without_token(&self, failure: Failure) -> Failure {
        match self.unnamed && failure.code == TokenError::NotFound.code() {
            true => unnamed(),
            false => failure,
        }
    }

    /// Where people log in; `None` as long as that is not known.
    pub(super) fn issuer(&self) -> Option<Option<&Service>> {
        let selected = self.selected.as_ref()?;
        Some(selected.issuer.as_ref())
    }

    /// The services, with the trust that is current; a mirror is asked when that is due.
    pub(super) fn hold(self, context: &Context<'_, '_>) -> Result<Services, Failure> {
        let client = self.client;
        let held = self.chosen.hold(context)?;
        let selected = match self.selected {
            Some(selected) => selected,
            None => {
                let selected = Selected::held(context, &held)?;
                selected.judge(&client)?;
                selected
            }
        };
        Services::new(client, held.root, selected)
    }
}

impl Selected {
    fn for_identity(
        context: &Context<'_, '_>,
        config: &SigningConfig,
        path: &Path,
    ) -> Result<Self, Failure> {
        let now = context.now;
        let authority = config.certificate_authority(now)?.cloned();
        if authority.is_none() {
            return Err(no_service("certificate authority", path));
        }
        let (timestamps, logs) = (config.timestamp_authorities(now)?, config.logs(now)?);
        let dates = timestamps.needed > 0
            || (logs.needed > 0 && logs.candidates.iter().all(|log| log.major_version == 1));
        if !dates {
            return Err(Failure::usage(
                "no-service",
                format!("no service in the signing config `{}` proves a time", path.display()),
            )
            .hint("a certificate lives for minutes, so that its signature must be dated: name a timestamp authority, or a log of version 1"));
        }
        Ok(Self {
            authority,
            issuer: config.issuer(now)?.cloned(),
            timestamps,
            logs,
        })
    }

    /// Those that the repository of this machine, or the pack, names beside the trust; none are built in.
    fn held(context: &Context<'_, '_>, held: &HeldTrust) -> Result<Self, Failure> {
        let bytes = held.signing_config.as_ref().ok_or_else(unnamed)?;
        let config = SigningConfig::parse(bytes, &Limits::DEFAULT)?;
        Self::for_identity(context, &config, Path::new(SIGNING_CONFIG))
    }

    /// Judges the addresses before any of them is used.
    fn judge(&self, client: &Client) -> Result<(), Failure> {
        if let Some(authority) = &self.authority {
            Fulcio::new(client, &authority.url)?;
        }
        for authority in &self.timestamps.candidates {
            TimestampAuthority::new(client, &authority.url)?;
        }
        for log in &self.logs.candidates {
            Rekor::new(client, &log.url, RekorVersion::of(log)?)?;
        }
        Ok(())
    }
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
        let key = TrustedKey {
            key: key.clone(),
            valid: Window::ALWAYS,
            schemes: None,
        };
        let trust = TrustMaterial::builder().trusted_root(&self.root).key(key);
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

    /// The entries that the logs have already for a signature, as many as are needed; or none, when no log has one.
    pub(super) async fn find(
        &self,
        key: &PublicKey,
        certificate: Option<&Bytes>,
        prepared: &Prepared,
        signature: &Signature,
        to_sign: &ToSign,
    ) -> Result<Vec<LogEntry>, Failure> {
        let work = Entering {
            client: self.client.clone(),
            key: key.clone(),
            certificate: certificate.cloned(),
            envelope: prepared.envelope(signature),
            digest: to_sign.digest().copied(),
            signature: signature.clone(),
        };
        let (mut found, mut failed) = (Vec::new(), None);
        for service in &self.logs.candidates {
            if found.len() == self.logs.needed {
                break;
            }
            match work.find(service).await {
                Ok(Some(entry)) => found.push(entry),
                Ok(None) => {}
                Err(error) => failed = Some(error),
            }
        }
        match failed {
            _ if found.len() == self.logs.needed => Ok(found),
            // A log that does not answer may have an entry.
            Some(error) => Err(error.into()),
            None if found.is_empty() => Ok(found),
            None => Err(Failure::usage(
                "too-few-proofs",
                format!(
                    "{} logs have an entry of the earlier run, and {} are wanted; its certificate has ended, so that no other can follow",
                    found.len(),
                    self.logs.needed
                ),
            )
            .hint("sign it anew with another journal, which makes other log entries")),
        }
    }

    /// Entries of a signature in the logs.
    pub(super) async fn enter(
        &self,
        key: &PublicKey,
        certificate: Option<&Bytes>,
        prepared: &Prepared,
        signature: &Signature,
        to_sign: &ToSign,
    ) -> Result<Vec<LogEntry>, Failure> {
        let work = Arc::new(Entering {
            client: self.client.clone(),
            key: key.clone(),
            certificate: certificate.cloned(),
            envelope: prepared.envelope(signature),
            digest: to_sign.digest().copied(),
            signature: signature.clone(),
        });
        let entries = self.logs.gather(|service| {
            let work = Arc::clone(&work);
            let known = self.root.logs.iter();
            let known = known
                .filter(|log| same_address(&log.base_url, &service.url))
                .map(|log| log.log_id.clone())
                .next();
            async move { work.enter(&service, known).await }
        });
        Ok(entries.await?)
    }
}

/// A signature on its way into logs.
struct Entering {
    client: Client,
    key: PublicKey,
    certificate: Option<Bytes>,
    envelope: Option<countersign_formats::Envelope>,
    digest: Option<countersign_formats::Digest>,
    signature: Signature,
}

impl Entering {
    async fn enter(&self, service: &Service, id: Option<Bytes>) -> Result<LogEntry, ServiceError> {
        let rekor = Rekor::new(&self.client, &service.url, RekorVersion::of(service)?)?;
        let rekor = match id {
            Some(id) => rekor.with_log_id(id),
            None => rekor,
        };
        rekor.enter(&self.submission()?).await
    }

    async fn find(&self, service: &Service) -> Result<Option<LogEntry>, ServiceError> {
        let rekor = Rekor::new(&self.client, &service.url, RekorVersion::of(service)?)?;
        rekor.find(&self.submission()?).await
    }

    fn submission(&self) -> Result<Submission<'_>, ServiceError> {
        let content = match (&self.envelope, self.digest) {
            (Some(envelope), _) => LoggedContent::Envelope(envelope),
            (None, Some(digest)) => LoggedContent::Message {
                digest,
                signature: &self.signature.bytes,
            },
            (None, None) => {
                return Err(ServiceError::Signer {
                    detail: "the signature is over no digest that a log could hold".to_owned(),
                });
            }
        };
        Ok(Submission {
            content,
            key: &self.key,
            scheme: self.signature.scheme,
            certificate: self.certificate.as_ref(),
        })
    }
}

fn same_address(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

/// Where the trust comes from that answers are proven under.
fn chosen(context: &Context<'_, '_>, flags: &arguments::Services) -> Result<Chosen, Failure> {
    online(context)?;
    Chosen::new(context, flags.trusted_root.as_deref(), &flags.source)
}

fn online(context: &Context<'_, '_>) -> Result<(), Failure> {
    if context.global.offline {
        return Err(Failure::usage(
            "conflicting-flags",
            "`--offline` opens no socket, and services are wanted",
        )
        .hint("drop `--offline`, or sign with `--key FILE` alone"));
    }
    Ok(())
}

fn unnamed() -> Failure {
    Failure::usage(
        "missing-argument",
        "neither a key nor the services to sign with an identity are named",
    )
    .hint("write `--key FILE`; or `--signing-config FILE` to sign with an identity, or run `countersign trust init`: no list of services is built in, not even that of the public-good instance")
}

fn config(path: &Path) -> Result<SigningConfig, Failure> {
    let cap = Limits::DEFAULT.trusted_root_bytes;
    let bytes = Bytes::from(files::read("the signing config", path, cap)?);
    SigningConfig::parse(&bytes, &Limits::DEFAULT).map_err(|error| {
        let failure = Failure::from(error);
        let message = format!("`{}`: {}", path.display(), failure.message);
        Failure { message, ..failure }.or_hint(Some(
            "a signing config is of version 0.2, as `cosign signing-config create` writes it"
                .to_owned(),
        ))
    })
}

/// What was asked for must be there.
fn named(selection: Selection, what: &str, path: &Path) -> Result<Selection, Failure> {
    if selection.needed == 0 {
        return Err(no_service(what, path));
    }
    Ok(selection)
}

fn no_service(what: &str, path: &Path) -> Failure {
    Failure::usage(
        "no-service",
        format!("the signing config `{}` names no {what}", path.display()),
    )
    .hint("give another with `--signing-config FILE`")
}

fn untrusted(error: TrustError) -> Failure {
    Failure::usage(error.code(), error.to_string())
}

/// How services are reached in this run.
pub(crate) fn settings(context: &Context<'_, '_>, patient: bool) -> Settings {
    let defaults = Settings::default();
    let verbose = context.printer.verbosity() > 0;
    Settings {
        deadline: context.global.timeout,
        attempt: context.global.timeout.min(defaults.attempt),
        patience: if patient { PATIENCE } else { Duration::ZERO },
        allow_http: context.global.allow_http,
        diagnostics: (verbose || patient).then(|| diagnostics(context.printer.words(), verbose)),
        ..defaults
    }
}

fn diagnostics(words: Words, verbose: bool) -> Diagnostics {
    Arc::new(move |event: &Event| match event {
        Event::Held { url, pause } => words.say(&format!(
            "{} asks for a pause of {} s, which is kept",
            escape::field(url),
            pause.as_secs()
        )),
        _ if !verbose => {}
        Event::Request {
            method,
            url,
            status,
            bytes,
            elapsed,
            error,
        } => {
            let answer = match (status, error) {
                (_, Some(error)) => escape::field(error),
                (Some(status), None) => status.to_string(),
                (None, None) => "no answer".to_owned(),
            };
            words.say(&format!(
                "> {method} {} -> {answer} ({bytes} bytes, {} ms)",
                escape::field(url),
                elapsed.as_millis()
            ));
        }
        Event::Again { pause, error } => words.say(&format!(
            "> again in {} ms: {}",
            pause.as_millis(),
            escape::field(error)
        )),
        _ => {}
    })
}
