//! Where an answer sends a question on.

use reqwest::header::{HeaderValue, LOCATION};
use reqwest::{StatusCode, Url};

use super::auth::Authorization;
use super::call::{Call, Reply, outgoing};
use super::transport::Transport;
use super::{Registry, origin};
use crate::error::{Fault, StoreError};

/// Redirects that are followed for one question.
const REDIRECTS: usize = 5;

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

impl Registry {
    /// Sends a question and follows redirects by its rule. A login goes to the registry itself and no further, nor back again.
    pub(super) async fn follow(
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
}
