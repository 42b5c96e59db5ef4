//! How stores are reached: limits, deadline, credentials, diagnostics.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use countersign_formats::Limits;

use crate::cache::Cache;
use crate::http::{Budget, ClientIdentity, Mirror, Sessions};
use crate::keychain::Keychain;

/// Receives what a store does while it does it; must be quick.
pub type Diagnostics = Arc<dyn Fn(&Event) + Send + Sync>;

/// How every store opened with them behaves; clones share connections and tokens.
#[derive(Clone)]
pub struct Settings {
    /// Registries are spoken to in plain http instead of https (Docker Hub excepted); nothing ever falls back from https to http.
    pub allow_http: bool,
    /// Time that all operations of one store may take together, retries included; idle time does not count.
    pub deadline: Duration,
    /// The deadline that all stores with these settings share, in place of one each: for a program that does one thing.
    pub shared_deadline: Option<Arc<Budget>>,
    /// Caps on whatever is read.
    pub limits: Limits,
    /// Where logins come from.
    pub keychain: Keychain,
    /// DER certificates trusted for https besides the system's.
    pub ca_certificates: Vec<Bytes>,
    /// The certificate that registries which ask for one are shown; token services and hosts that are redirected to are not.
    pub client_identity: Option<ClientIdentity>,
    /// Repositories that are reached at another place than their name says.
    pub mirrors: Vec<Mirror>,
    /// Evidence that was fetched before, and where to keep what is fetched now.
    pub cache: Option<Cache>,
    /// No socket is opened: every operation on a registry answers [`StoreError::Offline`](crate::StoreError::Offline).
    pub offline: bool,
    /// Refuses redirects, upload locations and token realms at private, loopback and link-local addresses unless the registry itself is
    /// at such an address; for services that take references from others.
    pub guard_addresses: bool,
    /// Told of each request and of long transfers.
    pub diagnostics: Option<Diagnostics>,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// Connections and tokens that stores with these settings share.
    pub sessions: Sessions,
}

/// What a store did.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// One HTTP request came to its end.
    Request {
        /// `GET`, `HEAD`, `POST`, `PUT`.
        method: &'static str,
        /// Scheme, host and path; a query is shown as `?…` because it may carry secrets.
        url: String,
        /// Status of the answer; `None` when there was none.
        status: Option<u16>,
        /// Bytes of body read.
        bytes: u64,
        /// Time from sending to the end of the body.
        elapsed: Duration,
        /// What went wrong, when there was no whole answer.
        error: Option<String>,
    },
    /// A long transfer moved on.
    Progress {
        /// Bytes so far.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// A remark, such as a registry's `Warning` header or a retry.
    Note(String),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allow_http: false,
            deadline: Duration::from_secs(30),
            shared_deadline: None,
            limits: Limits::default(),
            keychain: Keychain::default(),
            ca_certificates: Vec::new(),
            client_identity: None,
            mirrors: Vec::new(),
            cache: None,
            offline: false,
            guard_addresses: false,
            diagnostics: None,
            user_agent: concat!("countersign/", env!("CARGO_PKG_VERSION")).to_owned(),
            sessions: Sessions::default(),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("allow_http", &self.allow_http)
            .field("deadline", &self.deadline)
            .field("shared_deadline", &self.shared_deadline)
            .field("offline", &self.offline)
            .field("guard_addresses", &self.guard_addresses)
            .field("ca_certificates", &self.ca_certificates.len())
            .field("client_identity", &self.client_identity.is_some())
            .field("mirrors", &self.mirrors)
            .field("cache", &self.cache)
            .field("user_agent", &self.user_agent)
            .finish_non_exhaustive()
    }
}

impl Settings {
    pub(crate) fn tell(&self, event: &Event) {
        if let Some(diagnostics) = &self.diagnostics {
            diagnostics(event);
        }
    }
}
