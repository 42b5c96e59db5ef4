//! One question to a registry: authenticated, redirected by rule, tried again where that is safe.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use countersign_formats::UnixTime;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue,
    LOCATION, RETRY_AFTER,
};
use reqwest::{Method, StatusCode, Url};

use super::auth::{self, Authorization, HostState};
use super::budget::Running;
use super::challenge;
use super::transport::{Expect, Incoming, Outgoing, Transport, error_words};
use super::{Registry, origin};
use crate::error::{Fault, Outage, StoreError};
use crate::settings::Event;

/// Redirects that are followed for one question.
const REDIRECTS: usize = 5;
/// Times that a question is asked.
const ATTEMPTS: u32 = 3;
/// The wait before the second attempt; it quadruples from then on.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Where redirects may lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Redirects {
    /// Nowhere: a redirect is the answer.
    Never,
    /// To the registry itself; one that leaves it is the answer.
    SameOrigin,
    /// Anywhere but from https to http; the login stays behind.
    Anywhere,
}

/// What a token must allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Right<'a> {
    /// To be known and no more.
    Nothing,
    Pull,
    Push,
    Delete,
    /// To push, and to pull from that repository of the same registry.
    Mount(&'a str),
}

/// A question.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) right: Right<'a>,
    pub(super) accept: Option<&'static str>,
    pub(super) content_type: Option<&'a str>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Option<Bytes>,
    pub(super) redirects: Redirects,
    /// Whether asking twice does no more than asking once.
    pub(super) repeatable: bool,
    pub(super) expect: Expect<'a>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Whether it came from the registry itself.
    pub(super) at_home: bool,
    /// `code` of the first error in a body that has one.
    pub(super) code: Option<String>,
    /// Its message, without what was secret in the question.
    pub(super) message: Option<String>,
    /// The body of an answer that is read as it comes.
    pub(super) rest: Option<reqwest::Response>,
}

impl<'a> Call<'a> {
    /// A question that changes nothing.
    pub(super) fn get(url: Url, expect: Expect<'a>) -> Self {
        Self {
            method: Method::GET,
            url,
            right: Right::Pull,
            accept: None,
            content_type: None,
            headers: Vec::new(),
            body: None,
            redirects: Redirects::SameOrigin,
            repeatable: true,
            expect,
        }
    }

    /// Whether something is there.
    pub(super) fn head(url: Url) -> Self {
        Self {
            method: Method::HEAD,
            ..Self::get(url, Expect::Nothing)
        }
    }

    /// A change.
    pub(super) fn change(method: Method, url: Url) -> Self {
        Self {
            method,
            right: Right::Push,
            redirects: Redirects::Never,
            ..Self::get(url, Expect::Nothing)
        }
    }
}

impl Registry {
    /// Asks a question under the store's deadline. Any status that does not mean "try again", or "log in", is an answer.
    pub(super) async fn ask(&self, call: &Call<'_>) -> Result<Reply, StoreError> {
        if self.settings.offline {
            return Err(StoreError::Offline {
                store: self.name.clone(),
            });
        }
        let running = self.budget.start();
        match tokio::time::timeout(running.remaining(), self.ask_until_answered(call, &running))
            .await
        {
            Ok(result) => result,
            Err(_) => Err(self.too_late()),
        }
    }

    /// Asks once under the store's deadline, without a login and following nothing: what the registry says to a stranger.
    pub(super) async fn ask_plainly(&self, call: &Call<'_>) -> Result<Reply, StoreError> {
        if self.settings.offline {
            return Err(StoreError::Offline {
                store: self.name.clone(),
            });
        }
        let running = self.budget.start();
        let transport = self.transport();
        let outgoing = outgoing(call, call.url.clone(), None);
        let exchange = transport.exchange(&outgoing, Expect::Nothing);
        match tokio::time::timeout(running.remaining(), exchange).await {
            Ok(incoming) => Ok(self.reply(incoming?, true, None)),
            Err(_) => Err(self.too_late()),
        }
    }

    async fn ask_until_answered(
        &self,
        call: &Call<'_>,
        running: &Running<'_>,
    ) -> Result<Reply, StoreError> {
        let mut attempt = 1;
        loop {
            let error = match self.ask_once(call).await {
                Ok(reply) => match self.not_now(&reply) {
                    None => return Ok(reply),
                    Some(error) => error,
                },
                Err(error) => error,
            };
            let Some(pause) = pause(call, &error, attempt)
                .filter(|pause| attempt < ATTEMPTS && *pause < running.remaining())
            else {
                return Err(error);
            };
            self.settings.tell(&Event::Note(format!(
                "trying again in {} ms: {error}",
                pause.as_millis()
            )));
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// One attempt, and one more where the login that was refused is not the one that is stored by now.
    async fn ask_once(&self, call: &Call<'_>) -> Result<Reply, StoreError> {
        let keychain = &self.settings.keychain;
        match self.ask_with_login(call).await {
            Err(StoreError::Authentication { .. })
                if keychain.renew(&self.registry, &self.repository).await? =>
            {
                self.ask_with_login(call).await
            }
            answered => answered,
        }
        .map_err(|error| self.naming_the_missing_file(error))
    }

    /// Says with the error of a login that the file for logins is not there which the user named.
    fn naming_the_missing_file(&self, error: StoreError) -> StoreError {
        match (error, self.settings.keychain.missing_file_words()) {
            (
                StoreError::Authentication {
                    registry,
                    detail,
                    had_login,
                },
                Some(words),
            ) => StoreError::Authentication {
                registry,
                detail: format!("{detail}; {words}"),
                had_login,
            },
            (error, _) => error,
        }
    }

    /// What is known about logins is sent along, a challenge is answered once.
    async fn ask_with_login(&self, call: &Call<'_>) -> Result<Reply, StoreError> {
        let at_home = origin::same(&call.url, &self.base);
        let transport = self.transport();
        let state = self.state();
        let authorization = if at_home {
            self.authorization(&transport, &state, call.right, false)
                .await?
        } else {
            None
        };
        let reply = self
            .follow(&transport, call, authorization.as_ref())
            .await?;
        if !at_home {
            return Ok(reply);
        }
        let kept = authorization
            .as_ref()
            .is_some_and(|authorization| authorization.kept);
        let again = match reply.status.as_u16() {
            401 if reply.at_home => match challenge::choose(&reply.headers) {
                Some(challenge) => {
                    state.remember(&challenge);
                    self.authorization(&transport, &state, call.right, true)
                        .await?
                }
                None => None,
            },
            // ECR answers a token that is over with 403, its public side with 400.
            400 | 403 if kept && reply.at_home => {
                self.authorization(&transport, &state, call.right, true)
                    .await?
            }
            _ => return self.admitted(call, reply).await,
        };
        match again {
            Some(again) => {
                let reply = self.follow(&transport, call, Some(&again)).await?;
                self.admitted(call, reply).await
            }
            None => self.admitted(call, reply).await,
        }
    }

    pub(super) async fn authorization(
        &self,
        transport: &Transport<'_>,
        state: &HostState,
        right: Right<'_>,
        fresh: bool,
    ) -> Result<Option<Authorization>, StoreError> {
        let Some(challenge) = state.challenge() else {
            return Ok(None);
        };
        let keychain = &self.settings.keychain;
        if self.settings.diagnostics.is_some()
            && let Some(words) = keychain.missing_file_words()
            && self.settings.sessions.is_first_warning(&words)
        {
            self.settings
                .tell(&Event::Note(format!("{words}; the next places are asked")));
        }
        let credential = keychain.lookup(&self.registry, &self.repository).await?;
        let scope = match right {
            Right::Nothing => String::new(),
            Right::Pull => format!("repository:{}:pull", self.repository),
            Right::Push => format!("repository:{}:pull,push", self.repository),
            Right::Delete => format!("repository:{}:pull,push,delete", self.repository),
            Right::Mount(from) => format!(
                "repository:{}:pull,push repository:{from}:pull",
                self.repository
            ),
        };
        auth::answer(
            transport,
            state,
            &challenge,
            credential.as_ref(),
            &scope,
            fresh,
        )
        .await
    }

    /// Sends a question and follows redirects by its rule. A login goes to the registry itself and no further, nor back again.
    async fn follow(
        &self,
        transport: &Transport<'_>,
        call: &Call<'_>,
        authorization: Option<&Authorization>,
    ) -> Result<Reply, StoreError> {
        let mut url = call.url.clone();
        let mut authorization = authorization;
        for _ in 0..=REDIRECTS {
            let at_home = origin::same(&url, &self.base);
            let outgoing = outgoing(call, url.clone(), authorization);
            let incoming = transport.exchange(&outgoing, call.expect).await?;
            let status = incoming.status;
            let location = incoming
                .headers
                .get(LOCATION)
                .filter(|_| status.is_redirection() && status != StatusCode::NOT_MODIFIED);
            let Some(location) = location.filter(|_| call.redirects != Redirects::Never) else {
                return Ok(self.reply(incoming, at_home, authorization));
            };
            let target = self.target(&url, location, "redirect")?;
            let stays = origin::same(&target, &url);
            if !stays && call.redirects == Redirects::SameOrigin {
                return Ok(self.reply(incoming, at_home, authorization));
            }
            if !stays {
                authorization = None;
            }
            url = target;
        }
        Err(StoreError::untrusted(
            &self.name,
            Fault::Refused {
                what: "redirect",
                target: origin::shown(&url),
                reason: "it is one of too many",
            },
        ))
    }

    /// An answer with the words of its error, if it is one.
    pub(super) fn reply(
        &self,
        incoming: Incoming,
        at_home: bool,
        authorization: Option<&Authorization>,
    ) -> Reply {
        let secrets = authorization
            .map(Authorization::secrets)
            .unwrap_or_default();
        let (code, message) = if incoming.status.is_success() {
            (None, None)
        } else {
            error_words(&incoming.body, &secrets, &self.settings.limits)
        };
        Reply {
            status: incoming.status,
            headers: incoming.headers,
            body: incoming.body,
            at_home,
            code,
            message,
            rest: incoming.rest,
        }
    }

    /// The URL that an answer points at, relative to the question's; never from https to http.
    pub(super) fn target(
        &self,
        from: &Url,
        location: &HeaderValue,
        what: &'static str,
    ) -> Result<Url, StoreError> {
        let refuse = |target: String, reason| {
            StoreError::untrusted(
                &self.name,
                Fault::Refused {
                    what,
                    target,
                    reason,
                },
            )
        };
        let text = location
            .to_str()
            .map_err(|_| refuse(String::new(), "it is not a URL"))?;
        let target = from
            .join(text)
            .map_err(|_| refuse(countersign_formats::clipped(text, 256), "it is not a URL"))?;
        match target.scheme() {
            "https" => Ok(target),
            "http" if from.scheme() == "http" => Ok(target),
            "http" => Err(refuse(
                origin::shown(&target),
                "it leads from https to http",
            )),
            _ => Err(refuse(
                origin::shown(&target),
                "it is neither http nor https",
            )),
        }
    }

    /// Turns 401 and 403 into an error.
    pub(super) async fn admitted(
        &self,
        call: &Call<'_>,
        reply: Reply,
    ) -> Result<Reply, StoreError> {
        if !matches!(reply.status.as_u16(), 401 | 403) {
            return Ok(reply);
        }
        if !reply.at_home {
            return Err(StoreError::response(
                &self.name,
                format!(
                    "a host that it redirects to answered with status {}",
                    reply.status.as_u16()
                ),
            ));
        }
        let had_login = self
            .settings
            .keychain
            .lookup(&self.registry, &self.repository)
            .await?
            .is_some();
        let mut detail = format!(
            "status {} for `{}`",
            reply.status.as_u16(),
            origin::shown(&call.url)
        );
        for word in [&reply.code, &reply.message].into_iter().flatten() {
            detail.push_str(": ");
            detail.push_str(word);
        }
        Err(StoreError::Authentication {
            registry: self.registry.clone(),
            detail: countersign_formats::clipped(&detail, 512),
            had_login,
        })
    }

    /// The error of an answer that means "not now".
    fn not_now(&self, reply: &Reply) -> Option<StoreError> {
        match reply.status.as_u16() {
            408 | 429 | 500 | 502.. => Some(self.status_error(reply)),
            _ => None,
        }
    }

    /// The error of an answer whose status is of no use.
    pub(super) fn status_error(&self, reply: &Reply) -> StoreError {
        let (code, message) = (reply.code.clone(), reply.message.clone());
        let registry = if reply.at_home {
            self.registry.clone()
        } else {
            format!("{} and the host that it redirects to", self.registry)
        };
        let outage = Outage::Status {
            status: reply.status.as_u16(),
            code,
            message,
            retry_after: retry_after(&reply.headers),
        };
        StoreError::Unavailable { registry, outage }
    }

    fn too_late(&self) -> StoreError {
        StoreError::Unavailable {
            registry: self.registry.clone(),
            outage: Outage::Deadline {
                limit: self.budget.limit(),
            },
        }
    }

    pub(super) fn state(&self) -> Arc<HostState> {
        self.settings.sessions.host(&self.base_authority)
    }
}

pub(super) fn outgoing(
    call: &Call<'_>,
    url: Url,
    authorization: Option<&Authorization>,
) -> Outgoing {
    let mut headers = call.headers.clone();
    headers.push((
        ACCEPT,
        HeaderValue::from_static(call.accept.unwrap_or("*/*")),
    ));
    headers.push((ACCEPT_ENCODING, HeaderValue::from_static("identity")));
    if let Some(value) = call
        .content_type
        .and_then(|text| HeaderValue::from_str(text).ok())
    {
        headers.push((CONTENT_TYPE, value));
    }
    if let Some(authorization) = authorization {
        headers.push((AUTHORIZATION, authorization.header.clone()));
    }
    Outgoing {
        method: call.method.clone(),
        url,
        headers,
        body: call.body.clone(),
    }
}

/// How long to wait before asking again; `None` when that is of no use or not safe.
fn pause(call: &Call<'_>, error: &StoreError, attempt: u32) -> Option<Duration> {
    let StoreError::Unavailable { outage, .. } = error else {
        return None;
    };
    match outage {
        Outage::Connection { temporary, .. } => {
            (*temporary && call.repeatable).then(|| backoff(attempt))
        }
        // The registry said that it did nothing.
        Outage::Status {
            status: 429 | 503,
            retry_after,
            ..
        } => Some(retry_after.map_or_else(|| backoff(attempt), Duration::from_secs)),
        Outage::Status { retry_after, .. } => call
            .repeatable
            .then(|| retry_after.map_or_else(|| backoff(attempt), Duration::from_secs)),
        Outage::Deadline { .. } => None,
    }
}

fn backoff(attempt: u32) -> Duration {
    let pause = FIRST_PAUSE.saturating_mul(4_u32.saturating_pow(attempt.saturating_sub(1)));
    random_between(pause / 2, pause.saturating_mul(3) / 2)
}

/// A duration between two, different in each process and call, so that those who failed together do not come back together.
pub(super) fn random_between(least: Duration, most: Duration) -> Duration {
    // The hasher's keys are random and change with each instance; nothing secret depends on them.
    let random = RandomState::new().build_hasher().finish();
    let span = u64::try_from(most.saturating_sub(least).as_micros())
        .unwrap_or(u64::MAX)
        .max(1);
    least + Duration::from_micros(random % span)
}

/// Seconds that a `Retry-After` asks for.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    UnixTime::retry_after(headers.get(RETRY_AFTER)?.to_str().ok()?, date)
}
