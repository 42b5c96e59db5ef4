//! One HTTP exchange: sent, read under a cap, reported.

use std::time::Instant;

use bytes::Bytes;
use countersign_formats::clipped;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderValue};

use super::{Call, Client, Reply, shown};
use crate::error::{AnswerFault, Outage, ServiceError, WORDS};
use crate::settings::Event;

/// Bytes that are taken for a body before its length is known.
const FIRST_BYTES: u64 = 8 << 10;

impl Client {
    /// Sends one request and reads the answer, whatever its status. Follows nothing and repeats nothing.
    pub(super) async fn exchange(&self, call: &Call<'_>) -> Result<Reply, ServiceError> {
        let since = Instant::now();
        let result = self.send_and_read(call).await;
        self.settings().tell(|| Event::Request {
            method: if call.body.is_some() { "POST" } else { "GET" },
            url: shown(&call.url),
            status: result.as_ref().ok().map(|reply| reply.status.as_u16()),
            bytes: result.as_ref().map_or(0, |reply| reply.body.len()),
            elapsed: since.elapsed(),
            error: result.as_ref().err().map(ToString::to_string),
        });
        result
    }

    async fn send_and_read(&self, call: &Call<'_>) -> Result<Reply, ServiceError> {
        let mut request = self
            .connections(&call.url)?
            .request(call.method.clone(), call.url.clone())
            .header(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        if let Some(body) = &call.body {
            request = request.body(body.clone());
        }
        let mut response = request.send().await.map_err(|error| broken(call, error))?;
        let status = response.status();
        let body = match status.is_success() {
            true => read_whole(call, &mut response).await?,
            false => read_part(&mut response, self.settings().limits.error_body_bytes).await,
        };
        let headers = response.headers().clone();
        Ok(Reply {
            status,
            headers,
            body,
        })
    }
}

/// A whole answer, or an error as soon as it is over the cap.
async fn read_whole(
    call: &Call<'_>,
    response: &mut reqwest::Response,
) -> Result<Bytes, ServiceError> {
    // None was asked for: a decoded body could be any number of times larger than what was counted.
    let encoded = response
        .headers()
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"));
    if encoded {
        let detail = "it has a `Content-Encoding` that was not asked for";
        return Err(ServiceError::malformed(call.service, call.what, detail));
    }
    let over = || {
        let (what, limit) = (call.what, call.cap);
        ServiceError::answer(call.service, AnswerFault::OverLimit { what, limit })
    };
    let announced = response.content_length();
    if announced.is_some_and(|length| length > call.cap) {
        return Err(over());
    }
    let capacity = announced.unwrap_or(FIRST_BYTES).min(call.cap);
    let mut body = Vec::with_capacity(usize::try_from(capacity).unwrap_or_default());
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| broken(call, error))?
    {
        if body.len() as u64 + chunk.len() as u64 > call.cap {
            return Err(over());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Bytes::from(body))
}

/// The first bytes of an error's body; what is wrong with the rest does not matter.
async fn read_part(response: &mut reqwest::Response, cap: u64) -> Bytes {
    let cap = usize::try_from(cap).unwrap_or(usize::MAX);
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = cap.saturating_sub(body.len());
        body.extend(chunk.iter().copied().take(room));
        if chunk.len() > room {
            break;
        }
    }
    Bytes::from(body)
}

fn broken(call: &Call<'_>, error: reqwest::Error) -> ServiceError {
    let detail = explained(error);
    ServiceError::unavailable(call.service, Outage::Connection { detail })
}

/// The chain of causes, without the URL, whose query may hold secrets.
pub(crate) fn explained(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(next) = cause {
        let part = next.to_string();
        if !text.contains(&part) {
            text.push_str(": ");
            text.push_str(&part);
        }
        cause = next.source();
    }
    clipped(&text, WORDS)
}
