//! One HTTP exchange: sent, counted, reported.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use countersign_formats::clipped;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, WARNING};
use reqwest::{Method, StatusCode, Url};

use super::body::Expect;
use super::failure::broken;
use super::origin;
use super::sessions::Sessions;
use crate::error::{Fault, StoreError};
use crate::secret::Secret;
use crate::settings::{Event, Settings};

/// What is sent.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Option<Bytes>,
}

impl Outgoing {
    fn is_form(&self) -> bool {
        self.headers.iter().any(|(name, value)| {
            name == CONTENT_TYPE && value.as_bytes() == b"application/x-www-form-urlencoded"
        })
    }

    /// What its login is made of: the words after the scheme, and of a user name and password the password.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        let sent = self.headers.iter().find(|(name, _)| name == AUTHORIZATION);
        let Some((scheme, sent)) = sent
            .and_then(|(_, value)| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
        else {
            return Vec::new();
        };
        let mut secrets = vec![Secret::new(sent)];
        if scheme == "Basic"
            && let Ok(decoded) = STANDARD.decode(sent)
            && let Ok(decoded) = String::from_utf8(decoded)
            && let Some((_, password)) = decoded.split_once(':')
        {
            secrets.push(Secret::new(password));
        }
        secrets.retain(|secret| !secret.is_empty());
        secrets
    }
}

/// What came back, read to its end.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The body of an answer to [`Expect::Stream`], not yet read.
    pub(super) rest: Option<reqwest::Response>,
}

/// Sends requests; owns no state but the count.
pub(super) struct Transport<'a> {
    pub(super) settings: &'a Settings,
    pub(super) sessions: &'a Sessions,
    pub(super) requests: &'a AtomicU64,
    /// The store's name, for errors.
    pub(super) store: &'a str,
    /// The registry's own URL.
    pub(super) registry: &'a Url,
}

impl Transport<'_> {
    /// Sends one request and reads the answer, whatever its status. Follows nothing and retries nothing.
    pub(super) async fn exchange(
        &self,
        outgoing: &Outgoing,
        expect: Expect<'_>,
    ) -> Result<Incoming, StoreError> {
        let body = outgoing.body.clone().map(reqwest::Body::from);
        self.exchange_body(outgoing, body, expect).await
    }

    /// The same with a body that may come in pieces, in place of the one in `outgoing`.
    pub(super) async fn exchange_body(
        &self,
        outgoing: &Outgoing,
        body: Option<reqwest::Body>,
        expect: Expect<'_>,
    ) -> Result<Incoming, StoreError> {
        self.check_target(&outgoing.url)?;
        let since = Instant::now();
        let mut seen = Seen {
            status: None,
            bytes: 0,
        };
        self.requests.fetch_add(1, Ordering::Relaxed);
        let result = self.send_and_read(outgoing, body, expect, &mut seen).await;
        self.report(outgoing, since, &seen, result.as_ref().err());
        result
    }

    async fn send_and_read(
        &self,
        outgoing: &Outgoing,
        body: Option<reqwest::Body>,
        expect: Expect<'_>,
        seen: &mut Seen,
    ) -> Result<Incoming, StoreError> {
        let client = self.sessions.client(
            self.settings,
            &outgoing.url,
            self.is_guarded(&outgoing.url),
            origin::same(&outgoing.url, self.registry),
        )?;
        let mut request = client.request(outgoing.method.clone(), outgoing.url.clone());
        for (name, value) in &outgoing.headers {
            request = request.header(name, value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let mut response = request
            .send()
            .await
            .map_err(|error| broken(&outgoing.url, error))?;
        seen.status = Some(response.status().as_u16());
        self.pass_on_warnings(outgoing, response.headers());
        let status = response.status();
        let head = outgoing.method == Method::HEAD;
        if let Expect::Stream(descriptor) = expect
            && status.is_success()
        {
            self.check_announced(&response, descriptor)?;
            return Ok(Incoming {
                status,
                headers: response.headers().clone(),
                body: Bytes::new(),
                rest: Some(response),
            });
        }
        let body = match expect {
            _ if head => Bytes::new(),
            Expect::Document { cap, what } if status.is_success() => {
                self.read_document(&mut response, cap, what, seen).await?
            }
            Expect::Blob(descriptor) if status.is_success() => {
                self.read_blob(&mut response, descriptor, seen).await?
            }
            _ => self.read_part(&mut response, seen).await,
        };
        Ok(Incoming {
            status,
            headers: response.headers().clone(),
            body,
            rest: None,
        })
    }

    /// Refuses what must not be connected to at all.
    fn check_target(&self, url: &Url) -> Result<(), StoreError> {
        let refuse = |reason| {
            StoreError::untrusted(
                self.store,
                Fault::Refused {
                    what: "request",
                    target: origin::shown(url),
                    reason,
                },
            )
        };
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(refuse("it is neither http nor https"));
        }
        // A user and password in a URL would be sent as a login.
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("it holds a user name"));
        }
        if self.is_guarded(url) && origin::is_internal(url) {
            return Err(refuse("it is inside the network that this service runs in"));
        }
        Ok(())
    }

    /// Whether a target was named by a registry, not by the user, and so must be outside of the own network.
    fn is_guarded(&self, url: &Url) -> bool {
        self.settings.guard_addresses
            && !origin::same(url, self.registry)
            && !origin::is_internal(self.registry)
    }

    fn pass_on_warnings(&self, outgoing: &Outgoing, headers: &HeaderMap) {
        // What goes out in a form's body is a refresh token, to a service that has nothing to warn of.
        if self.settings.diagnostics.is_none() || outgoing.is_form() {
            return;
        }
        let secrets = outgoing.secrets();
        for value in headers.get_all(WARNING).iter().take(4) {
            if let Ok(text) = value.to_str()
                // A registry that repeats what it was sent does not bring it into messages.
                && !secrets.iter().any(|secret| text.contains(secret.reveal()))
                && self.sessions.is_first_warning(&clipped(text, 256))
            {
                self.settings.tell(&Event::Note(format!(
                    "the registry warns: {}",
                    clipped(text, 256)
                )));
            }
        }
    }

    fn report(&self, outgoing: &Outgoing, since: Instant, seen: &Seen, error: Option<&StoreError>) {
        if self.settings.diagnostics.is_none() {
            return;
        }
        self.settings.tell(&Event::Request {
            method: method_name(&outgoing.method),
            url: origin::shown(&outgoing.url),
            status: seen.status,
            bytes: seen.bytes,
            elapsed: since.elapsed(),
            error: error.map(ToString::to_string),
        });
    }
}

/// What of an exchange is known so far, for its report.
pub(super) struct Seen {
    pub(super) status: Option<u16>,
    pub(super) bytes: u64,
}

fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "OTHER",
    }
}
