//! How services are reached: deadlines, limits, certificates, diagnostics.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use countersign_formats::Limits;

/// Receives what a client does while it does it; must be quick.
pub type Diagnostics = Arc<dyn Fn(&Event) + Send + Sync>;

/// How every client behaves that is made with them.
#[derive(Clone)]
pub struct Settings {
    /// Time that one operation may take in all: a certificate, an entry, a timestamp, with every repetition and pause.
    pub deadline: Duration,
    /// Time that one request of it may take, from connecting to the last byte of the answer.
    pub attempt: Duration,
    /// Requests that are made for one question, at least 1.
    pub attempts: u32,
    /// Time that one operation may wait besides its deadline because a service asked for it (429, or 503, with `Retry-After`); every
    /// operation of the same client waits with it. Zero, the default: what does not fit into the deadline is an error.
    pub patience: Duration,
    /// Services may be spoken to in plain http; without it only those on this machine (loopback).
    pub allow_http: bool,
    /// Caps on whatever is read.
    pub limits: Limits,
    /// DER certificates trusted for https besides the system's.
    pub ca_certificates: Vec<Bytes>,
    /// Told of each request and of each repetition.
    pub diagnostics: Option<Diagnostics>,
    /// The `User-Agent` header.
    pub user_agent: String,
}

/// What a client did.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// One HTTP request came to its end.
    Request {
        /// `GET` or `POST`.
        method: &'static str,
        /// Scheme, host and path; a query is shown as `?…` because it may carry secrets.
        url: String,
        /// Status of the answer; `None` when there was none.
        status: Option<u16>,
        /// Bytes of body read.
        bytes: usize,
        /// Time from connecting to the end of the body.
        elapsed: Duration,
        /// What went wrong, when there was no whole answer.
        error: Option<String>,
    },
    /// A request is about to be repeated.
    Again {
        /// The pause before it.
        pause: Duration,
        /// Why the one before did not do.
        error: String,
    },
    /// Nobody asks a service for a while because it asked for that.
    Held {
        /// Scheme, host and path of what was asked.
        url: String,
        /// The pause.
        pause: Duration,
    },
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(60),
            attempt: Duration::from_secs(20),
            attempts: 4,
            patience: Duration::ZERO,
            allow_http: false,
            limits: Limits::default(),
            ca_certificates: Vec::new(),
            diagnostics: None,
            user_agent: concat!("countersign/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("deadline", &self.deadline)
            .field("attempt", &self.attempt)
            .field("attempts", &self.attempts)
            .field("patience", &self.patience)
            .field("allow_http", &self.allow_http)
            .field("ca_certificates", &self.ca_certificates.len())
            .field("user_agent", &self.user_agent)
            .finish_non_exhaustive()
    }
}

impl Settings {
    pub(crate) fn tell(&self, event: impl FnOnce() -> Event) {
        if let Some(diagnostics) = &self.diagnostics {
            diagnostics(&event());
        }
    }
}
