//! One HTTP exchange: sent, counted, read under a cap, reported.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use countersign_formats::{Descriptor, Limits, clipped};
use countersign_proof::digest::Hasher;
use reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, WARNING,
};
use reqwest::{Method, StatusCode, Url};

use super::sessions::Sessions;
use super::{origin, proxy};
use crate::error::{Fault, Outage, StoreError};
use crate::secret::Secret;
use crate::settings::{Event, Settings};

/// Bytes of a transfer between two reports of its progress; shorter transfers are not reported.
const PROGRESS_BYTES: u64 = 1 << 20;
/// Bytes that are taken for a body before its length is known.
const FIRST_BYTES: u64 = 16 << 10;

/// Longest body of plain text that is passed on as a message, in bytes.
const SENTENCE_BYTES: usize = 128;

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

/// What body a successful answer may have.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expect<'a> {
    /// One that does not matter; it is read like an error's, so that the connection can be used again.
    Nothing,
    /// A document of at most so many bytes.
    Document { cap: u64, what: &'static str },
    /// Exactly these bytes.
    Blob(&'a Descriptor),
    /// Exactly these bytes, left on the connection for whoever asked.
    Stream(&'a Descriptor),
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
            .map_err(|error| self.broken(&outgoing.url, error))?;
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

    /// Refuses a blob that says of itself that it is not the one asked for.
    fn check_announced(
        &self,
        response: &reqwest::Response,
        descriptor: &Descriptor,
    ) -> Result<(), StoreError> {
        self.refuse_encoded(response)?;
        match response.content_length() {
            Some(length) if length != descriptor.size => Err(StoreError::untrusted(
                self.store,
                Fault::SizeMismatch {
                    digest: descriptor.digest,
                    expected: descriptor.size,
                    found: length,
                },
            )),
            _ => Ok(()),
        }
    }

    /// A whole document, or an error as soon as it is over the cap.
    async fn read_document(
        &self,
        response: &mut reqwest::Response,
        cap: u64,
        what: &'static str,
        seen: &mut Seen,
    ) -> Result<Bytes, StoreError> {
        self.refuse_encoded(response)?;
        let over = || StoreError::untrusted(self.store, Fault::OverLimit { what, limit: cap });
        let announced = response.content_length();
        if announced.is_some_and(|length| length > cap) {
            return Err(over());
        }
        let mut body = Vec::with_capacity(
            usize::try_from(announced.unwrap_or(FIRST_BYTES).min(cap)).unwrap_or_default(),
        );
        while let Some(chunk) = self.chunk(response).await? {
            seen.bytes += chunk.len() as u64;
            if seen.bytes > cap {
                return Err(over());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Bytes::from(body))
    }

    /// Exactly the bytes of the descriptor, hashed as they come.
    async fn read_blob(
        &self,
        response: &mut reqwest::Response,
        descriptor: &Descriptor,
        seen: &mut Seen,
    ) -> Result<Bytes, StoreError> {
        self.check_announced(response, descriptor)?;
        let wrong_size = |found: u64| {
            let fault = Fault::SizeMismatch {
                digest: descriptor.digest,
                expected: descriptor.size,
                found,
            };
            StoreError::untrusted(self.store, fault)
        };
        // The size is under the caller's cap; memory that is reserved and never written costs nothing.
        let mut body =
            Vec::with_capacity(usize::try_from(descriptor.size).map_err(|_| wrong_size(0))?);
        let mut hasher = Hasher::new(descriptor.digest.algorithm());
        let mut reported = 0;
        while let Some(chunk) = self.chunk(response).await? {
            seen.bytes += chunk.len() as u64;
            if seen.bytes > descriptor.size {
                return Err(wrong_size(seen.bytes));
            }
            hasher.update(&chunk);
            body.extend_from_slice(&chunk);
            if seen.bytes - reported >= PROGRESS_BYTES {
                reported = seen.bytes;
                self.settings.tell(&Event::Progress {
                    done: seen.bytes,
                    total: descriptor.size,
                });
            }
        }
        if seen.bytes != descriptor.size {
            return Err(wrong_size(seen.bytes));
        }
        let found = hasher.finish();
        if found != descriptor.digest {
            return Err(StoreError::untrusted(
                self.store,
                Fault::DigestMismatch {
                    expected: descriptor.digest,
                    found,
                },
            ));
        }
        Ok(Bytes::from(body))
    }

    /// The first bytes of an error's body; what is wrong with the rest does not matter.
    async fn read_part(&self, response: &mut reqwest::Response, seen: &mut Seen) -> Bytes {
        let cap = usize::try_from(self.settings.limits.error_body_bytes).unwrap_or(usize::MAX);
        let mut body = Vec::new();
        while let Ok(Some(chunk)) = response.chunk().await {
            seen.bytes += chunk.len() as u64;
            let room = cap.saturating_sub(body.len());
            body.extend(chunk.iter().copied().take(room));
            if chunk.len() > room {
                break;
            }
        }
        Bytes::from(body)
    }

    async fn chunk(&self, response: &mut reqwest::Response) -> Result<Option<Bytes>, StoreError> {
        match response.chunk().await {
            Ok(chunk) => Ok(chunk),
            Err(error) => {
                let url = response.url().clone();
                Err(self.broken(&url, error))
            }
        }
    }

    /// We ask for no encoding: a decoded body could be any number of times larger than what was counted.
    fn refuse_encoded(&self, response: &reqwest::Response) -> Result<(), StoreError> {
        let encoded = response
            .headers()
            .get_all(CONTENT_ENCODING)
            .iter()
            .any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
        if encoded {
            return Err(StoreError::response(
                self.store,
                "the answer has a `Content-Encoding` that was not asked for",
            ));
        }
        Ok(())
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

    fn broken(&self, url: &Url, error: reqwest::Error) -> StoreError {
        broken(url, error)
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

/// The error of a connection that was not made, or broke.
pub(super) fn broken(url: &Url, error: reqwest::Error) -> StoreError {
    let temporary = !error.is_connect() && !error.is_builder();
    let proxy = error.is_connect().then(|| proxy::named_for(url)).flatten();
    let mut detail = explained(error);
    if let Some(variable) = proxy {
        detail.push_str(&format!(
            " (by the proxy of `{variable}`, unless `NO_PROXY` names this host)"
        ));
    }
    StoreError::Unavailable {
        registry: origin::authority(url),
        outage: Outage::Connection { detail, temporary },
    }
}

struct Seen {
    status: Option<u16>,
    bytes: u64,
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

/// The chain of causes, without the URL, whose query may hold secrets, and without the library's general words.
fn explained(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut parts = vec![error.to_string()];
    let mut cause = std::error::Error::source(&error);
    while let Some(next) = cause {
        parts.push(next.to_string());
        cause = next.source();
    }
    parts.dedup();
    let general = [
        "error sending request",
        "client error (",
        "request or response body error",
    ];
    let is_general = |part: &str| general.iter().any(|start| part.starts_with(start));
    let last = parts.len().saturating_sub(1);
    let telling = parts.iter().enumerate();
    let telling = telling.filter(|(place, part)| *place == last || !is_general(part));
    let text: Vec<&str> = telling.map(|(_, part)| part.as_str()).collect();
    clipped(&text.join(": "), 512)
}

/// The first `code` and message of a registry's error body, if it is one and repeats none of `secrets`.
pub(crate) fn error_words(
    body: &[u8],
    secrets: &[&str],
    limits: &Limits,
) -> (Option<String>, Option<String>) {
    if body.len() as u64 > limits.error_body_bytes {
        return (None, None);
    }
    // A registry may repeat what it was sent; a message is not worth a password.
    let is_plain = |message: &&str| {
        !message.is_empty()
            && !secrets
                .iter()
                .any(|secret| !secret.is_empty() && message.contains(secret))
    };
    let Ok(body) = serde_json::from_slice::<serde_json::Value>(body) else {
        return (None, sentence(body).filter(is_plain).map(str::to_owned));
    };
    let Some(first) = body.get("errors").and_then(|errors| errors.get(0)) else {
        return (None, None);
    };
    let word = |name: &str| first.get(name).and_then(serde_json::Value::as_str);
    let code = word("code").filter(|code| {
        code.len() <= 64
            && code
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte == b'_')
    });
    let message = word("message").filter(is_plain);
    (
        code.map(str::to_owned),
        message.map(|message| clipped(message, 256)),
    )
}

/// A body that is one short line of text and no markup: what servers and proxies say that do not speak the registry's API.
fn sentence(body: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(body).ok()?.trim();
    let is_line = text.len() <= SENTENCE_BYTES && !text.chars().any(char::is_control);
    (is_line && !text.starts_with(['<', '{', '['])).then_some(text)
}
