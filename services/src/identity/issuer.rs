//! What an OpenID Connect issuer says of itself (OpenID Connect Discovery 1.0 §4).

use std::time::Duration;

use countersign_formats::json::Reader;
use countersign_formats::{Document, Error, Limits};
use reqwest::Url;
use reqwest::header::ACCEPT;

use crate::error::{ServiceError, ServiceKind, ServiceName};
use crate::http::{self, Call, Client};

/// Bytes of a discovery document.
const DOCUMENT_BYTES: u64 = 256 << 10;

/// An issuer and its addresses.
#[derive(Clone, Debug)]
pub struct Issuer {
    pub(super) service: ServiceName,
    pub(super) name: String,
    pub(super) authorization: Url,
    pub(super) token: Url,
    pub(super) device: Option<Url>,
}

/// How a person logs in.
#[derive(Clone, Debug)]
pub struct LoginSettings {
    /// The client identifier that the issuer knows, which becomes the token's audience.
    pub client_id: String,
    /// How long the person may take.
    pub patience: Duration,
}

impl Default for LoginSettings {
    /// The client `sigstore`, and five minutes.
    fn default() -> Self {
        Self {
            client_id: super::AUDIENCE.to_owned(),
            patience: Duration::from_secs(300),
        }
    }
}

impl Issuer {
    /// Reads the issuer's discovery document.
    ///
    /// # Errors
    /// [`ServiceError::Address`], [`ServiceError::Unavailable`], [`ServiceError::Answer`] when it is not the document of
    /// this issuer.
    pub async fn discover(client: &Client, issuer: &str) -> Result<Self, ServiceError> {
        let allow_http = client.settings().allow_http;
        let base = http::parse(issuer, allow_http)?;
        let service = ServiceName {
            kind: ServiceKind::Issuer,
            address: http::shown(&base),
        };
        let url = http::below(&base, ".well-known/openid-configuration");
        let what = "discovery document";
        let call =
            Call::get(&service, url, DOCUMENT_BYTES, what).header(ACCEPT, "application/json");
        let reply = client.begin().ask(&call).await?;
        if !reply.status.is_success() {
            return Err(reply.refusal(&service, &[]));
        }
        let found = Discovery::parse(&reply.body, &client.settings().limits)
            .map_err(|error| ServiceError::malformed(&service, what, error))?;
        // Another issuer's document would send the login there (OpenID Connect Discovery 1.0 §4.3).
        if found.issuer.trim_end_matches('/') != issuer.trim_end_matches('/') {
            return Err(ServiceError::malformed(
                &service,
                what,
                "it is of another issuer",
            ));
        }
        Ok(Self {
            name: found.issuer,
            authorization: http::parse_with_query(&found.authorization, allow_http)?,
            token: http::parse_with_query(&found.token, allow_http)?,
            device: found
                .device
                .map(|device| http::parse_with_query(&device, allow_http))
                .transpose()?,
            service,
        })
    }

    /// The issuer's name, as its tokens write it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it offers logins without a browser on this machine.
    #[must_use]
    pub fn has_device_login(&self) -> bool {
        self.device.is_some()
    }
}

pub(crate) struct Discovery {
    issuer: String,
    authorization: String,
    token: String,
    device: Option<String>,
}

impl Discovery {
    pub(crate) fn parse(body: &[u8], limits: &Limits) -> Result<Self, Error> {
        let cap = ("discovery_bytes", DOCUMENT_BYTES);
        let mut reader = Reader::from_bytes(Document::Json, body, cap, limits)?;
        let (mut issuer, mut authorization, mut token, mut device) = (None, None, None, None);
        reader.object(|reader, name| {
            let place = match name {
                "issuer" => &mut issuer,
                "authorization_endpoint" => &mut authorization,
                "token_endpoint" => &mut token,
                "device_authorization_endpoint" => &mut device,
                _ => return reader.ignore(),
            };
            *place = Some(reader.string()?.into_owned());
            Ok(())
        })?;
        let found = Self {
            issuer: reader.required("issuer", issuer)?,
            authorization: reader.required("authorization_endpoint", authorization)?,
            token: reader.required("token_endpoint", token)?,
            device,
        };
        reader.end()?;
        Ok(found)
    }
}
