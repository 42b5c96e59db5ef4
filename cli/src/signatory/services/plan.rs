//! The services that a run will use, as far as files say it.

use countersign_services::identity::TokenError;
use countersign_services::{Client, Service};
use countersign_trust_store::tuf::{Material, SIGNING_CONFIG};

use super::Services;
use super::fault::unnamed;
use super::named::{self, Selected};
use super::settings::settings;
use crate::arguments;
use crate::context::Context;
use crate::failure::Failure;
use crate::held_trust::Chosen;

/// What a run will use, as far as files say it: read before any socket.
pub(crate) struct Plan {
    client: Client,
    chosen: Chosen,
    /// `None` while the services are named by a repository that may have to be asked first.
    selected: Option<Selected>,
    /// Whether what was fetched of that repository names none, as far as is known without asking.
    unnamed: bool,
}

impl Plan {
    /// The services for a key: those that were opted in, by `--log` and `--timestamp`, or by the name of a signing config alone.
    pub(crate) fn for_key(
        context: &Context<'_, '_>,
        flags: &arguments::Services,
        patient: bool,
    ) -> Result<Option<Self>, Failure> {
        let Some(path) = flags
            .signing_config
            .as_deref()
            .filter(|_| !flags.no_services)
        else {
            return Ok(None);
        };
        let Some(selected) = Selected::for_key(context, flags, path)? else {
            return Ok(None);
        };
        let chosen = chosen(context, flags)?;
        Self::new(context, patient, chosen, Some(selected)).map(Some)
    }

    /// The services for an identity: a certificate authority, and whatever the signing config names besides.
    pub(crate) fn for_identity(
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
        let selected = Selected::for_identity(context, &named::config(path)?, path)?;
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
    pub(crate) fn without_token(&self, failure: Failure) -> Failure {
        match self.unnamed && failure.code == TokenError::NotFound.code() {
            true => unnamed(),
            false => failure,
        }
    }

    /// Where people log in; `None` as long as that is not known.
    pub(crate) fn issuer(&self) -> Option<Option<&Service>> {
        let selected = self.selected.as_ref()?;
        Some(selected.issuer.as_ref())
    }

    /// The services, with the trust that is current; a mirror is asked when that is due.
    pub(crate) fn hold(self, context: &Context<'_, '_>) -> Result<Services, Failure> {
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
