//! One question to a service: asked again where that may help, until there is an answer or the deadline is over.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use countersign_formats::{UnixTime, clipped};
use reqwest::header::{DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Method, StatusCode, Url};

use super::Client;
use super::words::error_words;
use crate::error::{AnswerFault, Outage, ServiceError, ServiceName, WORDS};
use crate::secret::Secret;
use crate::settings::Event;

/// The wait before the second request; it triples from then on.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// One operation: everything that is asked in it has to be answered before one deadline.
#[derive(Debug)]
pub(crate) struct Operation<'a> {
    pub(super) client: &'a Client,
    since: Instant,
    limit: Duration,
    /// Milliseconds that were waited because a service asked for it; the deadline moves by them.
    held: AtomicU64,
}

/// A question.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) service: &'a ServiceName,
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Option<Bytes>,
    /// Bytes that the body of a successful answer may have.
    pub(crate) cap: u64,
    /// What a successful answer is.
    pub(crate) what: &'static str,
    /// Whether asking twice does no more than asking once.
    pub(crate) repeatable: bool,
    /// What must not be repeated in a message.
    pub(crate) secrets: &'a [Secret],
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl<'a> Call<'a> {
    pub(crate) fn get(service: &'a ServiceName, url: Url, cap: u64, what: &'static str) -> Self {
        Self {
            service,
            method: Method::GET,
            url,
            headers: Vec::new(),
            body: None,
            cap,
            what,
            repeatable: true,
            secrets: &[],
        }
    }

    pub(crate) fn post(
        service: &'a ServiceName,
        url: Url,
        body: impl Into<Bytes>,
        content_type: &'static str,
        cap: u64,
        what: &'static str,
    ) -> Self {
        let mut call = Self::get(service, url, cap, what);
        call.method = Method::POST;
        call.body = Some(body.into());
        call.header(reqwest::header::CONTENT_TYPE, content_type)
    }

    pub(crate) fn header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    pub(crate) fn hiding(mut self, secrets: &'a [Secret]) -> Self {
        self.secrets = secrets;
        self
    }

    /// An `Authorization` header of a scheme and a secret.
    pub(crate) fn authorized(
        mut self,
        scheme: &str,
        secret: &Secret,
    ) -> Result<Self, ServiceError> {
        let text = zeroize::Zeroizing::new(format!("{scheme} {}", secret.reveal()));
        let mut value = HeaderValue::from_str(&text).map_err(|_| {
            ServiceError::configuration("a token has characters that a header cannot carry")
        })?;
        value.set_sensitive(true);
        self.headers.push((reqwest::header::AUTHORIZATION, value));
        Ok(self)
    }
}

impl Reply {
    /// The error for an answer of a status that is of no use.
    pub(crate) fn refusal(&self, call_service: &ServiceName, secrets: &[Secret]) -> ServiceError {
        let status = self.status.as_u16();
        let message = match self.status.is_redirection() {
            true => Some("it leads elsewhere, and redirects are not followed".to_owned()),
            false => error_words(&self.body, secrets),
        };
        ServiceError::answer(call_service, AnswerFault::Refused { status, message })
    }
}

impl<'a> Operation<'a> {
    pub(crate) fn new(client: &'a Client, since: Instant, limit: Duration) -> Self {
        Self {
            client,
            since,
            limit,
            held: AtomicU64::new(0),
        }
    }

    pub(crate) fn client(&self) -> &'a Client {
        self.client
    }

    /// What is left until the deadline.
    pub(crate) fn remaining(&self) -> Duration {
        self.limit
            .saturating_add(self.held())
            .saturating_sub(self.since.elapsed())
    }

    fn held(&self) -> Duration {
        Duration::from_millis(self.held.load(Ordering::Relaxed))
    }

    /// What may still be waited besides the deadline.
    fn patience(&self) -> Duration {
        let settings = self.client.settings();
        settings.patience.saturating_sub(self.held())
    }

    /// Asks a question. Any status that does not mean "not now" is an answer.
    pub(crate) async fn ask(&self, call: &Call<'_>) -> Result<Reply, ServiceError> {
        let mut last = None;
        let most = self.remaining().saturating_add(self.patience());
        let asking = self.ask_until_answered(call, &mut last);
        match tokio::time::timeout(most, asking).await {
            Ok(result) => result,
            Err(_) => Err(self.too_late(call, last)),
        }
    }

    fn too_late(&self, call: &Call<'_>, last: Option<ServiceError>) -> ServiceError {
        let last = last.map(|error: ServiceError| clipped(&error.to_string(), WORDS));
        let limit = self.limit;
        ServiceError::unavailable(call.service, Outage::Deadline { limit, last })
    }

    async fn ask_until_answered(
        &self,
        call: &Call<'_>,
        last: &mut Option<ServiceError>,
    ) -> Result<Reply, ServiceError> {
        let settings = self.client.settings();
        let mut attempt = 1;
        loop {
            self.obey(call, last).await?;
            let limit = settings.attempt.min(self.remaining());
            let error = match tokio::time::timeout(limit, self.client.exchange(call)).await {
                Ok(Ok(reply)) => match not_now(call, &reply) {
                    None => return Ok(reply),
                    Some(error) => error,
                },
                Ok(Err(error)) => error,
                Err(_) if limit < settings.attempt => return Err(self.too_late(call, last.take())),
                Err(_) => ServiceError::unavailable(call.service, Outage::TooSlow { limit }),
            };
            // A pause that was asked for is for everybody, and no sign that asking is of no use.
            if let Some(asked) = asked_pause(&error)
                && asked <= self.patience()
            {
                let client = self.client;
                client.pace().hold(&call.url, asked);
                settings.tell(|| Event::Held {
                    url: super::shown(&call.url),
                    pause: asked,
                });
                *last = Some(error);
                continue;
            }
            let Some(pause) = pause(call, &error, attempt)
                .filter(|pause| attempt < settings.attempts && *pause < self.remaining())
            else {
                return Err(error);
            };
            settings.tell(|| Event::Again {
                pause,
                error: error.to_string(),
            });
            *last = Some(error);
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// Waits while the service is to be left alone, whoever was told so.
    async fn obey(
        &self,
        call: &Call<'_>,
        last: &mut Option<ServiceError>,
    ) -> Result<(), ServiceError> {
        loop {
            let left = self.client.pace().left(&call.url);
            if left.is_zero() {
                return Ok(());
            }
            // Not all of them at once when it is over.
            let pause = left.saturating_add(backoff(1));
            if left <= self.patience() {
                let milliseconds = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
                self.held.fetch_add(milliseconds, Ordering::Relaxed);
            } else if pause >= self.remaining() {
                return Err(last.take().unwrap_or_else(|| held_off(call, left)));
            }
            tokio::time::sleep(pause).await;
        }
    }
}

/// The pause that a service asked for; a zero is none.
fn asked_pause(error: &ServiceError) -> Option<Duration> {
    let ServiceError::Unavailable { outage, .. } = error else {
        return None;
    };
    match &**outage {
        Outage::Status {
            status: 429 | 503,
            retry_after: Some(seconds @ 1..),
            ..
        } => Some(Duration::from_secs(*seconds)),
        _ => None,
    }
}

/// The error of who did not ask because somebody else was told to wait.
fn held_off(call: &Call<'_>, left: Duration) -> ServiceError {
    let outage = Outage::Status {
        status: 429,
        message: None,
        retry_after: Some(left.as_secs().saturating_add(1)),
    };
    ServiceError::unavailable(call.service, outage)
}

/// The error of an answer that means "not now".
fn not_now(call: &Call<'_>, reply: &Reply) -> Option<ServiceError> {
    let status = reply.status.as_u16();
    if !matches!(status, 408 | 425 | 429 | 500 | 502..=599) {
        return None;
    }
    let outage = Outage::Status {
        status,
        message: error_words(&reply.body, call.secrets),
        retry_after: retry_after(&reply.headers),
    };
    Some(ServiceError::unavailable(call.service, outage))
}

/// How long to wait before asking again; `None` when that is of no use or not safe.
fn pause(call: &Call<'_>, error: &ServiceError, attempt: u32) -> Option<Duration> {
    let ServiceError::Unavailable { outage, .. } = error else {
        return None;
    };
    let least = match &**outage {
        Outage::Connection { .. } | Outage::TooSlow { .. } if call.repeatable => None,
        // The service said that it did nothing.
        Outage::Status {
            status: 425 | 429 | 503,
            retry_after,
            ..
        } => *retry_after,
        Outage::Status { retry_after, .. } if call.repeatable => *retry_after,
        _ => return None,
    };
    let jittered = backoff(attempt);
    // Never earlier than asked for, and never all at once.
    Some(least.map_or(jittered, |seconds| {
        Duration::from_secs(seconds).saturating_add(jittered / 4)
    }))
}

fn backoff(attempt: u32) -> Duration {
    let pause = FIRST_PAUSE.saturating_mul(3_u32.saturating_pow(attempt.saturating_sub(1)));
    // The hasher's keys are random and change with each instance; nothing secret depends on them.
    let random = RandomState::new().build_hasher().finish();
    let span = u64::try_from(pause.as_micros()).unwrap_or(u64::MAX).max(1);
    pause / 2 + Duration::from_micros(random % span)
}

/// Seconds that a `Retry-After` asks for.
fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    UnixTime::retry_after(headers.get(RETRY_AFTER)?.to_str().ok()?, date)
}

#[cfg(test)]
mod tests {
    use super::{FIRST_PAUSE, backoff};

    #[test]
    fn pauses_grow_and_differ() {
        for attempt in 1..6 {
            let middle = FIRST_PAUSE * 3_u32.pow(attempt - 1);
            let pause = backoff(attempt);
            assert!(pause >= middle / 2 && pause <= middle * 3 / 2);
        }
        assert!((0..8).any(|_| backoff(1) != backoff(1)));
    }
}
