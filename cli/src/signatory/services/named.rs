//! The services that a signing config names, as many as take part.

use std::path::Path;

use bytes::Bytes;
use countersign_formats::Limits;
use countersign_services::{
    Client, Fulcio, Rekor, RekorVersion, Selection, Service, SigningConfig, TimestampAuthority,
};
use countersign_trust_store::tuf::SIGNING_CONFIG;

use super::fault::{no_service, unnamed};
use crate::arguments;
use crate::context::Context;
use crate::failure::Failure;
use crate::files;
use crate::held_trust::HeldTrust;

const NONE: Selection = Selection {
    candidates: Vec::new(),
    needed: 0,
};

/// The services of a signing config that take part.
pub(super) struct Selected {
    pub(super) authority: Option<Service>,
    pub(super) issuer: Option<Service>,
    pub(super) timestamps: Selection,
    pub(super) logs: Selection,
}

impl Selected {
    /// Those that were opted in for a key; `None` when none takes part.
    pub(super) fn for_key(
        context: &Context<'_, '_>,
        flags: &arguments::Services,
        path: &Path,
    ) -> Result<Option<Self>, Failure> {
        let (log, timestamp) = (flags.log, flags.timestamp);
        let config = config(path)?;
        let now = context.now;
        let timestamps = if timestamp {
            asked_for(
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
            asked_for(config.logs(now)?, "log", path)?
        } else if timestamp {
            NONE
        } else {
            config.logs(now)?
        };
        if timestamps.needed == 0 && logs.needed == 0 {
            return Ok(None);
        }
        Ok(Some(Self {
            authority: None,
            issuer: None,
            timestamps,
            logs,
        }))
    }

    /// Those for an identity: a certificate authority, and what dates its certificate.
    pub(super) fn for_identity(
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
    pub(super) fn held(context: &Context<'_, '_>, held: &HeldTrust) -> Result<Self, Failure> {
        let bytes = held.signing_config.as_ref().ok_or_else(unnamed)?;
        let config = SigningConfig::parse(bytes, &Limits::DEFAULT)?;
        Self::for_identity(context, &config, Path::new(SIGNING_CONFIG))
    }

    /// Judges the addresses before any of them is used.
    pub(super) fn judge(&self, client: &Client) -> Result<(), Failure> {
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

/// The signing config in a file.
pub(super) fn config(path: &Path) -> Result<SigningConfig, Failure> {
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
fn asked_for(selection: Selection, what: &str, path: &Path) -> Result<Selection, Failure> {
    if selection.needed == 0 {
        return Err(no_service(what, path));
    }
    Ok(selection)
}
