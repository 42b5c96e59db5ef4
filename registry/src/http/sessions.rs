//! What stores share: HTTP clients with their connections, tokens, and what is known about each registry.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use countersign_formats::clipped;
use reqwest::{Client, Url, redirect};
use rustls::client::WebPkiServerVerifier;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use super::auth::HostState;
use super::guard::GuardedResolver;
use super::identity::ClientIdentity;
use super::named_certificate::NamedCertificates;
use super::proxy;
use crate::error::StoreError;
use crate::settings::Settings;

/// How long it is remembered that a repository has no referrers API.
const NO_API_TIME: Duration = Duration::from_secs(600);
/// Different warnings of registries that are passed on.
const WARNINGS: usize = 64;
/// Idle connections that are kept to one host: as many as a move asks for at the same time.
const IDLE_CONNECTIONS: usize = 32;

/// Connections and tokens that stores share; clones are the same sessions.
///
/// They live in the runtime that made them: do not carry them from one async runtime to another.
#[derive(Clone, Default)]
pub struct Sessions(Arc<Inner>);

#[derive(Default)]
struct Inner {
    clients: Mutex<Vec<(ClientKey, Client)>>,
    hosts: Mutex<HashMap<String, Arc<HostState>>>,
    without_api: Mutex<HashMap<String, Instant>>,
    warnings: Mutex<BTreeSet<String>>,
}

/// What makes one client different from another.
#[derive(Clone, PartialEq, Eq)]
struct ClientKey {
    encrypted: bool,
    guarded: bool,
    user_agent: String,
    ca_certificates: Vec<Bytes>,
    /// Shown to the registry itself only.
    identity: Option<ClientIdentity>,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

impl Sessions {
    /// The client for a URL. One for plain http is made without a single root certificate: reading the system's takes longer than a
    /// whole verification on loopback.
    pub(super) fn client(
        &self,
        settings: &Settings,
        url: &Url,
        guarded: bool,
        at_home: bool,
    ) -> Result<Client, StoreError> {
        let encrypted = url.scheme() == "https";
        let ca_certificates = if encrypted {
            settings.ca_certificates.clone()
        } else {
            Vec::new()
        };
        let key = ClientKey {
            encrypted,
            guarded,
            user_agent: settings.user_agent.clone(),
            ca_certificates,
            identity: settings
                .client_identity
                .clone()
                .filter(|_| encrypted && at_home),
        };
        let mut clients = self
            .0
            .clients
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((_, client)) = clients.iter().find(|(known, _)| *known == key) {
            return Ok(client.clone());
        }
        let client = build(&key)?;
        clients.push((key, client.clone()));
        Ok(client)
    }

    pub(super) fn host(&self, authority: &str) -> Arc<HostState> {
        let mut hosts = self.0.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(hosts.entry(authority.to_owned()).or_default())
    }

    /// Whether a registry's warning was not passed on yet; after [`WARNINGS`] different ones none is.
    pub(super) fn is_first_warning(&self, text: &str) -> bool {
        let mut warnings = self
            .0
            .warnings
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        warnings.len() < WARNINGS && warnings.insert(text.to_owned())
    }

    /// Whether a repository was lately found to have no referrers API.
    pub(super) fn lacks_api(&self, repository: &str) -> bool {
        let without = self
            .0
            .without_api
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        without
            .get(repository)
            .is_some_and(|since| since.elapsed() < NO_API_TIME)
    }

    pub(super) fn remember_no_api(&self, repository: &str) {
        let mut without = self
            .0
            .without_api
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        without.retain(|_, since| since.elapsed() < NO_API_TIME);
        without.insert(repository.to_owned(), Instant::now());
    }
}

fn build(key: &ClientKey) -> Result<Client, StoreError> {
    let failed = |detail: String| StoreError::Unsupported {
        store: "https".to_owned(),
        detail: clipped(&detail, 512),
    };
    let roots = if key.encrypted {
        roots(&key.ca_certificates)?
    } else {
        RootCertStore::empty()
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?;
    let tls = if key.encrypted && !key.ca_certificates.is_empty() {
        let usual = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| failed(error.to_string()))?;
        let named = key.ca_certificates.iter();
        let named = named
            .map(|der| CertificateDer::from(der.to_vec()))
            .collect();
        let verifier = NamedCertificates::new(usual, named);
        tls.dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
    } else {
        tls.with_root_certificates(roots)
    };
    let mut tls = match &key.identity {
        Some(identity) => tls
            .with_client_auth_cert(identity.chain(), identity.key())
            .map_err(|error| failed(error.to_string()))?,
        None => tls.with_no_client_auth(),
    };
    if key.encrypted {
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    }
    let mut builder = Client::builder()
        .tls_backend_preconfigured(tls)
        // Redirects are followed by our own rules, see `redirects`.
        .redirect(redirect::Policy::none())
        // So are retries.
        .retry(reqwest::retry::never())
        .referer(false)
        .user_agent(&key.user_agent)
        .pool_max_idle_per_host(IDLE_CONNECTIONS);
    if !key.encrypted {
        builder = builder.http1_only();
    }
    if key.guarded {
        // A proxy would resolve names where we cannot see the addresses.
        builder = builder.dns_resolver(Arc::new(GuardedResolver)).no_proxy();
    } else if proxy::is_for_nobody() {
        builder = builder.no_proxy();
    } else {
        proxy::check(key.encrypted)?;
    }
    builder.build().map_err(|error| failed(error.to_string()))
}

fn roots(ca_certificates: &[Bytes]) -> Result<RootCertStore, StoreError> {
    let mut roots = RootCertStore::empty();
    for certificate in ca_certificates {
        roots
            .add(certificate.to_vec().into())
            .map_err(|error| StoreError::Unsupported {
                store: "https".to_owned(),
                detail: format!("a given CA certificate is unusable: {error}"),
            })?;
    }
    // One unreadable file among the system's certificates is no reason to trust none of the others.
    let system = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(system.certs);
    if roots.is_empty() {
        return Err(StoreError::Unsupported {
            store: "https".to_owned(),
            detail:
                "no root certificates were found on this system; install them or name a CA file"
                    .to_owned(),
        });
    }
    Ok(roots)
}
