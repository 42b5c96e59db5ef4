//! Files of a web server that only serves them, such as a mirror of a TUF repository.

use std::time::Instant;

use bytes::Bytes;
use reqwest::Url;

use crate::error::{ServiceError, ServiceKind, ServiceName};
use crate::http::{self, Call, Client, Operation};

/// A web server with files; one deadline holds for all that are got, from the moment at which it was made.
///
/// No login, token or cookie is ever sent to it (CVE-2026-48501).
#[derive(Clone, Debug)]
pub struct StaticFiles {
    client: Client,
    service: ServiceName,
    base: Url,
    since: Instant,
}

impl StaticFiles {
    /// The server at `url`, below which the files are.
    ///
    /// # Errors
    /// [`ServiceError::Address`].
    pub fn new(client: &Client, url: &str) -> Result<Self, ServiceError> {
        let base = http::parse(url, client.settings().allow_http)?;
        Ok(Self {
            client: client.clone(),
            service: ServiceName {
                kind: ServiceKind::TrustMirror,
                address: http::shown(&base),
            },
            base,
            since: Instant::now(),
        })
    }

    /// The server's address.
    #[must_use]
    pub fn name(&self) -> &ServiceName {
        &self.service
    }

    /// Gets the file at `path`, at most `cap` bytes of it; `None` when the server has none.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`], and [`ServiceError::Answer`] for more bytes than the cap and for other refusals.
    pub async fn get(&self, path: &str, cap: u64) -> Result<Option<Bytes>, ServiceError> {
        let url = http::below(&self.base, path);
        let operation = Operation::new(&self.client, self.since, self.client.settings().deadline);
        let call = Call::get(&self.service, url, cap, "file");
        let reply = operation.ask(&call).await?;
        match reply.status.as_u16() {
            200 => Ok(Some(reply.body)),
            // Buckets that may not be listed answer 403 for what they do not have.
            403 | 404 | 410 => Ok(None),
            _ => Err(reply.refusal(&self.service, &[])),
        }
    }
}
