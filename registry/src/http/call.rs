//! One question to a registry, asked under the store's deadline.

use std::sync::Arc;

use bytes::Bytes;
use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue,
};
use reqwest::{Method, StatusCode, Url};

use super::Registry;
use super::again::retry_after;
use super::auth::{Authorization, HostState};
use super::body::Expect;
use super::failure::error_words;
use super::redirects::Redirects;
use super::transport::{Incoming, Outgoing};
use crate::error::{Outage, StoreError};

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
