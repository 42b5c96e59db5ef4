//! Timestamps over signatures (RFC 3161 over HTTP).

mod request;
pub(crate) mod response;

use bytes::Bytes;
use countersign_formats::Digest;
use countersign_proof::digest::sha256;
use reqwest::Url;
use reqwest::header::ACCEPT;

use crate::error::{ServiceError, ServiceKind, ServiceName};
use crate::http::{self, Call, Client};
use crate::random;

use response::Response;

/// A timestamp authority (RFC 3161).
#[derive(Clone, Debug)]
pub struct TimestampAuthority {
    client: Client,
    service: ServiceName,
    url: Url,
}

impl TimestampAuthority {
    /// The authority at `url`, which is the whole address that requests are posted to.
    ///
    /// # Errors
    /// [`ServiceError::Address`].
    pub fn new(client: &Client, url: &str) -> Result<Self, ServiceError> {
        let url = http::parse(url, client.settings().allow_http)?;
        Ok(Self {
            client: client.clone(),
            service: ServiceName {
                kind: ServiceKind::TimestampAuthority,
                address: http::shown(&url),
            },
            url,
        })
    }

    /// Has the SHA-256 of `message`, which is a signature, stamped; the answer is a TimeStampResp, DER.
    ///
    /// The response is granted, carries our nonce and is for this message; whether its signer is trusted is proven with the
    /// finished bundle.
    ///
    /// # Errors
    /// As [`TimestampAuthority::stamp_digest`].
    pub async fn stamp(&self, message: &[u8]) -> Result<Bytes, ServiceError> {
        self.stamp_digest(&sha256(message)).await
    }

    /// As [`TimestampAuthority::stamp`], for a message whose digest is known.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`], and [`ServiceError::Answer`] with the faults [`Refused`](crate::AnswerFault::Refused),
    /// [`Malformed`](crate::AnswerFault::Malformed), [`OverLimit`](crate::AnswerFault::OverLimit),
    /// [`NonceMissing`](crate::AnswerFault::NonceMissing), [`OtherNonce`](crate::AnswerFault::OtherNonce),
    /// [`OtherImprint`](crate::AnswerFault::OtherImprint).
    pub async fn stamp_digest(&self, digest: &Digest) -> Result<Bytes, ServiceError> {
        let nonce = random::bytes()?;
        let call = Call::post(
            &self.service,
            self.url.clone(),
            request::write(digest, nonce),
            "application/timestamp-query",
            self.client.settings().limits.timestamp_bytes as u64,
            "timestamp response",
        )
        .header(ACCEPT, "application/timestamp-reply");
        let reply = self.client.begin().ask(&call).await?;
        if !reply.status.is_success() {
            return Err(reply.refusal(&self.service, &[]));
        }
        Response::parse(&reply.body)
            .map_err(|error| ServiceError::malformed(&self.service, call.what, error))?
            .check(digest, nonce)
            .map_err(|fault| ServiceError::answer(&self.service, fault))?;
        Ok(reply.body)
    }
}
