//! HTTP to services: one address, no redirects, capped answers, repetitions under one deadline.

mod address;
mod call;
mod exchange;
mod pace;
mod words;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use bytes::Bytes;
use reqwest::{Url, redirect};
use rustls::{ClientConfig, RootCertStore};

use crate::error::ServiceError;
use crate::settings::Settings;

pub use address::check_address;
pub(crate) use address::{below, is_local, parse, parse_with_query, shown};
pub(crate) use call::{Call, Operation, Reply};
#[cfg(unix)]
pub(crate) use exchange::explained;
pub(crate) use words::{error_code, error_words};

/// Idle connections that are kept to one host.
const IDLE_CONNECTIONS: usize = 8;

/// What all service clients share: settings and connections. Clones are the same client.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    settings: Settings,
    /// Who asked for a pause; shared by all that share the client.
    pace: pace::Pace,
    /// Without TLS: reading the system's certificates takes longer than a whole exchange on loopback.
    plain: Mutex<Option<reqwest::Client>>,
    encrypted: Mutex<Option<reqwest::Client>>,
}

impl Client {
    /// A client; nothing is opened or read yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self(Arc::new(Inner {
            settings,
            pace: pace::Pace::default(),
            plain: Mutex::default(),
            encrypted: Mutex::default(),
        }))
    }

    /// The settings that it was made with.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Begins an operation, and its deadline.
    pub(crate) fn begin(&self) -> Operation<'_> {
        Operation::new(self, Instant::now(), self.0.settings.deadline)
    }

    fn pace(&self) -> &pace::Pace {
        &self.0.pace
    }

    fn connections(&self, url: &Url) -> Result<reqwest::Client, ServiceError> {
        let encrypted = url.scheme() == "https";
        let slot = if encrypted {
            &self.0.encrypted
        } else {
            &self.0.plain
        };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = &*slot {
            return Ok(client.clone());
        }
        let client = build(&self.0.settings, encrypted)?;
        *slot = Some(client.clone());
        Ok(client)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.0.settings).finish()
    }
}

fn build(settings: &Settings, encrypted: bool) -> Result<reqwest::Client, ServiceError> {
    let failed = |detail: String| ServiceError::configuration(format!("https: {detail}"));
    let roots = if encrypted {
        roots(&settings.ca_certificates)?
    } else {
        RootCertStore::empty()
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    if encrypted {
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    }
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        // A token must not follow an answer to another host (CVE-2026-49478).
        .redirect(redirect::Policy::none())
        // Repetitions are counted in `call`.
        .retry(reqwest::retry::never())
        .referer(false)
        .user_agent(&settings.user_agent)
        .http2_max_header_list_size(u32::try_from(settings.limits.header_bytes).unwrap_or(u32::MAX))
        .pool_max_idle_per_host(IDLE_CONNECTIONS);
    if !encrypted {
        // What is unencrypted stays on this machine or its link: a proxy would read it.
        builder = builder.http1_only().no_proxy();
    }
    builder.build().map_err(|error| failed(error.to_string()))
}

fn roots(ca_certificates: &[Bytes]) -> Result<RootCertStore, ServiceError> {
    let mut roots = RootCertStore::empty();
    for certificate in ca_certificates {
        roots.add(certificate.to_vec().into()).map_err(|error| {
            ServiceError::configuration(format!("a given CA certificate is unusable: {error}"))
        })?;
    }
    // One unreadable file among the system's certificates is no reason to trust none of the others.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(ServiceError::configuration(
            "no root certificates were found on this system; install them or name a CA file",
        ));
    }
    Ok(roots)
}
